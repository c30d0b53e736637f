//! The requests to the Django dialects.

use serde_json::{Value, json};

use super::{Example, Request, Rule, Stage, example, on, on_with, plain, with};
use crate::access::callers::NAME;
use crate::support::PASSWORD;

/// All of them.
pub fn examples() -> Vec<Example> {
    let mut all = djoser_users();
    all.extend(djoser_me());
    all.extend(djoser_mails());
    all.extend(tokens());
    all.extend(pairs());
    all.extend(account());
    all
}

impl Stage<'_> {
    fn username(&self) -> String {
        format!("made-{}", self.fresh())
    }

    /// Address and password of somebody, the address under this key.
    fn credentials(&self, key: &str) -> Value {
        json!({key: self.person().1, "password": PASSWORD})
    }
}

/// S3-24: beside those who hold the right everybody has himself, which is not asked for here.
fn djoser_users() -> Vec<Example> {
    let update: fn(&Stage) -> Request = |stage| on_with(stage.user(), json!({"email": stage.email()}));
    vec![
        example("GET auth/", Rule::Seen, 200, |_| plain()),
        example("GET auth/users/", Rule::SignedIn, 200, |_| plain()),
        example("POST auth/users/", Rule::Seen, 201, |stage| {
            with(json!({"username": stage.username(), "email": stage.email(), "password": PASSWORD}))
        }),
        example("GET auth/users/{id}/", Rule::Hidden("users", "read"), 200, |stage| on(stage.kept_user())),
        example("PUT auth/users/{id}/", Rule::Hidden("users", "update"), 200, update),
        example("PATCH auth/users/{id}/", Rule::Hidden("users", "update"), 200, update),
        example("DELETE auth/users/{id}/", Rule::Named("users", "delete"), 204, |stage| {
            on_with(stage.user(), json!({"current_password": PASSWORD}))
        }),
    ]
}

fn djoser_me() -> Vec<Example> {
    let update: fn(&Stage) -> Request = |_| with(json!({"email": NAME}));
    vec![
        example("GET auth/users/me/", Rule::SignedIn, 200, |_| plain()),
        example("PUT auth/users/me/", Rule::SignedIn, 200, update),
        example("PATCH auth/users/me/", Rule::SignedIn, 200, update),
        example("DELETE auth/users/me/", Rule::SignedIn, 204, |_| with(json!({"current_password": PASSWORD})))
            .ends_account(),
        example("POST auth/users/set_password/", Rule::SignedIn, 204, |_| {
            with(json!({"current_password": PASSWORD, "new_password": PASSWORD}))
        }),
        example("POST auth/users/set_username/", Rule::SignedIn, 204, |stage| {
            with(json!({"current_password": PASSWORD, "new_username": stage.username()}))
        }),
    ]
}

fn djoser_mails() -> Vec<Example> {
    let address: fn(&Stage) -> Request = |stage| with(json!({"email": stage.person().1}));
    vec![
        example("POST auth/users/activation/", Rule::Seen, 204, |stage| {
            let letter = stage.activation();
            with(json!({"uid": letter.uid(), "token": letter.token()}))
        }),
        // Nobody waits for an activation, so no link is sent again.
        example("POST auth/users/resend_activation/", Rule::Seen, 400, address),
        example("POST auth/users/reset_password/", Rule::Seen, 204, address),
        example("POST auth/users/reset_password_confirm/", Rule::Seen, 204, |stage| {
            let letter = stage.password_reset();
            with(json!({"uid": letter.uid(), "token": letter.token(), "new_password": PASSWORD}))
        }),
        example("POST auth/users/reset_username/", Rule::Seen, 204, address),
        example("POST auth/users/reset_username_confirm/", Rule::Seen, 204, |stage| {
            let letter = stage.username_reset();
            with(json!({"uid": letter.uid(), "token": letter.token(), "new_username": stage.username()}))
        }),
    ]
}

/// S3-18.
fn tokens() -> Vec<Example> {
    let login: fn(&Stage) -> Request = |stage| with(stage.credentials("username"));
    vec![
        example("POST auth/token/login/", Rule::Seen, 200, login),
        example("POST auth/token/logout/", Rule::SignedIn, 204, |_| plain()).ends_sessions(),
        example("POST api-token-auth/", Rule::Seen, 200, login),
    ]
}

/// S1-17 … S1-21, S3-28: views that look at no header.
fn pairs() -> Vec<Example> {
    let login: fn(&Stage) -> Request = |stage| with(stage.credentials("username"));
    let refresh: fn(&Stage) -> Request = |stage| with(json!({"refresh": stage.refresh()}));
    let verify: fn(&Stage) -> Request = |stage| with(json!({"token": stage.refresh()}));
    vec![
        example("POST api/token/", Rule::Open, 200, login),
        example("POST api/token/create/", Rule::Open, 200, login),
        example("POST api/token/refresh/", Rule::Open, 200, refresh),
        example("POST api/token/verify/", Rule::Open, 200, verify),
        example("POST api/token/blacklist/", Rule::Open, 200, refresh),
        example("POST auth/jwt/create/", Rule::Open, 200, login),
        example("POST auth/jwt/refresh/", Rule::Open, 200, refresh),
        example("POST auth/jwt/verify/", Rule::Open, 200, verify),
        example("POST auth/logout/", Rule::Open, 200, refresh).noted("refresh"),
        example("POST auth/logout/", Rule::HeaderOrBody, 200, |_| plain()).noted("bearer").ends_sessions(),
    ]
}

/// D-17.
fn account() -> Vec<Example> {
    let named = |action| Rule::Named("users", action);
    let remove: fn(&Stage) -> Request = |stage| on(stage.user());
    vec![
        example("GET api/v1/", Rule::Seen, 200, |_| plain()),
        example("GET api/v1/account/", Rule::SignedIn, 200, |_| plain()),
        example("POST api/v1/account/", Rule::Seen, 201, |stage| {
            with(json!({"email": stage.email(), "username": stage.username(), "password": PASSWORD}))
        }),
        example("GET api/v1/account/{id}/", named("read"), 200, |stage| on(stage.kept_user())),
        example("PUT api/v1/account/{id}/", named("update"), 200, |stage| {
            let body = json!({"email": stage.email(), "username": stage.username(), "password": PASSWORD});
            on_with(stage.user(), body)
        }),
        example("PATCH api/v1/account/{id}/", named("update"), 200, |stage| {
            on_with(stage.user(), json!({"username": stage.username()}))
        }),
        example("DELETE api/v1/account/{id}/", named("delete"), 204, remove),
        example("DELETE api/v1/account/{id}/remove/", named("delete"), 204, remove),
        example("DELETE api/v1/account/remove/{id}/", named("delete"), 204, remove),
    ]
}
