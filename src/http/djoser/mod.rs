//! The dialect of Djoser: accounts that people make and keep for themselves (S1-8 … S1-23, S3-23 … S3-26).
//!
//! - **Base paths** `/auth/`, and `/api/auth/` in the manner of S1: there people register by e-mail or phone, and of
//!   `users/` only the anonymous POST is Djoser's (D-2). The token pairs beside it, `jwt/…`, are Simple JWT's views.
//! - **Authentication** as the settings say (`drf.authenticators`): `Bearer` and `Token`.
//! - **Rights**: one's own account; others' with rights on `users`. `djoser.hide_users` makes others' look absent.
//! - **Bodies**: JSON, urlencoded, multipart; unknown keys are ignored. **Errors**: [`failure`].
//! - Unlike the original: identifiers are unique without case (D-15); a mailed token is good for one purpose, once
//!   a new password ends the other sessions; `is_staff` shows nobody more (D-8); addresses are
//!   never told taken or unknown unless a setting says so.

pub mod failure;
pub mod fields;
pub mod mails;
pub mod me;
pub mod passwords;
pub mod tokens;
pub mod users;
pub mod wire;

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::json;

use super::call;
use super::drf::View;
use super::drf::view::Fields;
use super::routes::Guard::{Public, SignedIn};
use super::routes::{Dialect, Guard, Reading, Section, Table};

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "djoser", reading: Reading::Lenient, switch: Some("djoser") };
/// The same in the manner of S1.
pub static PHONE_DIALECT: Dialect = Dialect { name: "djoser-phone", reading: Reading::Lenient, switch: Some("djoser") };

/// Which of the two a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Djoser's own.
    Stock,
    /// That of S1.
    Phone,
}

impl<S: Send + Sync> FromRequestParts<S> for Manner {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_phone = call::mark(&parts.extensions).dialect == &PHONE_DIALECT;
        Ok(if is_phone { Manner::Phone } else { Manner::Stock })
    }
}

impl aide::OperationInput for Manner {}

/// Adds the routes of `/auth/`.
pub fn routes(table: &mut Table) {
    table.suffixed("/auth/");
    let mut section = table.section(&DIALECT, "/auth/", "Djoser · /auth/");
    section
        .view("", &ROOT)
        .get("", Public, users::root)
        .says("Root", "Where the lists are.")
        .takes_bearer()
        .also(&[401]);
    user_routes(&mut section);
    own_routes(&mut section, &OWN);
}

/// Adds the routes of S1 beside those of the RBAC dialect.
pub fn phone_routes(table: &mut Table) {
    let mut section = table.section(&PHONE_DIALECT, "/api/auth/", "Djoser · /api/auth/");
    own_routes(&mut section, &PHONE_OWN);
    section.view("users/", &PHONE_USERS);
    let registration = section.post("users/", Public, users::create_by_phone);
    registration
        .says("Register", "By e-mail or phone; both may be given. Whoever sends no credentials registers.")
        .also(&[403])
        .example(json!({"email": "user@mail.com", "password": "strong_password"}));
    registration.for_the_anonymous();
}

fn user_routes(t: &mut Section) {
    t.view("users/", &USERS)
        .get("users/", SignedIn, users::list)
        .says("Users", "All of them for whoever may read users, else the caller alone.");
    t.post("users/", Public, users::create)
        .says("Register", "Makes an account. Nobody is signed in by it.")
        .takes_bearer()
        .also(&[401, 403])
        .example(json!({"username": "ann", "email": "ann@example.com", "password": "correct horse 7"}));
    t.view("users/{id}/", &USER)
        .get("users/{id}/", SignedIn, users::get)
        .says("A user", "Others need `users:read`.")
        .also(&[403, 404]);
    t.put("users/{id}/", SignedIn, users::update)
        .says("Change a user", "The e-mail address. Others need `users:update`.")
        .also(&[403, 409])
        .example(json!({"email": "ann@example.com"}));
    t.patch("users/{id}/", SignedIn, users::update)
        .says("Change a user", "The e-mail address. Others need `users:update`.")
        .also(&[403, 409])
        .example(json!({"email": "ann@example.com"}));
    t.delete("users/{id}/", SignedIn, users::delete)
        .says("Delete a user", "With the caller's own password. Others need `users:delete`.")
        .also(&[403, 409])
        .example(json!({"current_password": "correct horse 7"}));
}

fn own_routes(t: &mut Section, views: &'static OwnViews) {
    me_routes(t, views);
    mail_routes(t, views);
    password_routes(t, views);
    t.view("token/login/", &TOKEN_CREATE)
        .post("token/login/", Public, tokens::login)
        .says("API token", "The caller's API token, the same until he signs out of it.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"username": "ann", "password": "correct horse 7"}));
    t.view("token/logout/", &TOKEN_DESTROY)
        .post("token/logout/", SignedIn, tokens::logout)
        .says("Give the API token back", "It is worth nothing from now on.");
}

fn me_routes(t: &mut Section, views: &'static OwnViews) {
    t.view("users/me/", &views.me).get("users/me/", SignedIn, me::get).says("Me", "The caller's own account.");
    t.put("users/me/", SignedIn, me::update)
        .says("Change my account", "The e-mail address.")
        .also(&[409])
        .example(json!({"email": "ann@example.com"}));
    t.patch("users/me/", SignedIn, me::update)
        .says("Change my account", "The e-mail address.")
        .also(&[409])
        .example(json!({"email": "ann@example.com"}));
    t.delete("users/me/", SignedIn, me::delete)
        .says("Delete my account", "With the password.")
        .also(&[409])
        .example(json!({"current_password": "correct horse 7"}));
}

fn mail_routes(t: &mut Section, views: &'static OwnViews) {
    let uid_and_token = || json!({"uid": "MQ", "token": "dGhlIHRva2Vu…"});
    t.view("users/activation/", &views.activation)
        .post("users/activation/", Public, mails::activate)
        .says("Activate", "With what the mailed link holds.")
        .takes_bearer()
        .also(&[401, 403])
        .example(uid_and_token());
    t.view("users/resend_activation/", &views.resend_activation)
        .post("users/resend_activation/", Public, mails::resend)
        .says(
            "Mail the activation link again",
            "The same answer whether there is such an account or not. While accounts need no activation, 400 without a body.",
        )
        .takes_bearer()
        .also(&[401])
        .bare(&[400])
        .example(json!({"email": "ann@example.com"}));
}

fn password_routes(t: &mut Section, views: &'static OwnViews) {
    t.view("users/set_password/", &views.set_password)
        .post("users/set_password/", SignedIn, passwords::set)
        .says("Change my password", "Ends the caller's other sessions.")
        .example(json!({"new_password": "incorrect horse 8", "current_password": "correct horse 7"}));
    t.view("users/reset_password/", &views.reset_password)
        .post("users/reset_password/", Public, passwords::reset)
        .says("I forgot my password", "Mails a link. The same answer whether there is such an account or not.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"email": "ann@example.com"}));
    t.view("users/reset_password_confirm/", &views.reset_password_confirm)
        .post("users/reset_password_confirm/", Public, passwords::confirm)
        .says("Set a new password", "With what the mailed link holds. Ends all sessions of the account.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"uid": "MQ", "token": "dGhlIHRva2Vu…", "new_password": "incorrect horse 8"}));
    t.view("users/set_username/", &views.set_username)
        .post("users/set_username/", SignedIn, passwords::set_username)
        .says("Change my username", "With the password.")
        .example(json!({"new_username": "anna", "current_password": "correct horse 7"}));
    t.view("users/reset_username/", &views.reset_username)
        .post("users/reset_username/", Public, passwords::reset_username)
        .says("I forgot my username", "Mails a link. The same answer whether there is such an account or not.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"email": "ann@example.com"}));
    t.view("users/reset_username_confirm/", &views.reset_username_confirm)
        .post("users/reset_username_confirm/", Public, passwords::confirm_username)
        .says("Set a new username", "With what the mailed link holds.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"uid": "MQ", "token": "dGhlIHRva2Vu…", "new_username": "anna"}));
}

const fn view(name: &'static str, guard: Guard, description: &'static str, fields: Option<Fields>) -> View {
    View { name, description, authenticates: true, guard, browsable: true, opens: false, fields }
}

static ROOT: View = view("Api Root", Public, "The default basic root view for DefaultRouter", None);
static USERS: View = view("User List", SignedIn, "", Some(fields::account));
static PHONE_USERS: View = view("User List", SignedIn, "", Some(fields::phone_account));
static USER: View = view("User Instance", SignedIn, "", Some(fields::update));
static TOKEN_CREATE: View =
    view("Token Create", Public, "Use this endpoint to obtain user authentication token.", Some(fields::token));
static TOKEN_DESTROY: View =
    view("Token Destroy", SignedIn, "Use this endpoint to logout user (remove user authentication token).", None);

/// The views below `users/` that both manners have.
struct OwnViews {
    me: View,
    activation: View,
    resend_activation: View,
    set_password: View,
    reset_password: View,
    reset_password_confirm: View,
    set_username: View,
    reset_username: View,
    reset_username_confirm: View,
}

static OWN: OwnViews = own(fields::account, fields::update_me);
static PHONE_OWN: OwnViews = own(fields::phone_account, fields::update_phone_me);

/// The views, with what OPTIONS lists of an action's fields and of `me/`.
const fn own(action: Fields, me: Fields) -> OwnViews {
    OwnViews {
        me: view("Me", SignedIn, "", Some(me)),
        activation: view("Activation", SignedIn, "", Some(action)),
        resend_activation: view("Resend activation", SignedIn, "", Some(action)),
        set_password: view("Set password", SignedIn, "", Some(action)),
        reset_password: view("Reset password", SignedIn, "", Some(action)),
        reset_password_confirm: view("Reset password confirm", SignedIn, "", Some(action)),
        set_username: view("Set username", SignedIn, "", Some(action)),
        reset_username: view("Reset username", SignedIn, "", Some(action)),
        reset_username_confirm: view("Reset username confirm", SignedIn, "", Some(action)),
    }
}
