//! One well-formed request to each route, on an object of its own: every object is made for the request that may change
//! it, and nobody holds anything but `documents:…`, so that no rule but the route's own stands in the way.

mod django;

use std::cell::{Cell, OnceCell};

use authsrv::domain::catalog::{CodeName, Kind, NewNamed};
use authsrv::domain::identifiers::Email;
use authsrv::domain::ids::{RoleId, UserId};
use authsrv::domain::pages::Listing;
use authsrv::domain::rights::Right;
use authsrv::domain::users::NewUser;
use authsrv::http::browse::files::FILES;
use authsrv::service::api_tokens::{self, NewToken};
use authsrv::service::permissions::{self, PermissionRef};
use authsrv::service::users::{self, NewAccount};
use authsrv::service::{Actor, Ref, activation, catalog, recovery, roles, sessions};
use serde_json::{Value, json};

use crate::support::mails::{Mailed, newest};
use crate::support::{PASSWORD, TestApp};

/// What a request asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    Open,
    /// To be signed in.
    SignedIn,
    /// Credentials in the header, since there are none in the body (D-3).
    HeaderOrBody,
    /// A right.
    Right(&'static str, &'static str),
    /// Nothing, but credentials that are shown must be good.
    Seen,
    /// A right; without it nothing seems to be there (`djoser.hide_users`).
    Hidden(&'static str, &'static str),
    /// A right, asked for once it is known that there is something.
    Named(&'static str, &'static str),
}

/// What a request may end of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    Nothing,
    /// The session that it is made by.
    Sessions,
    /// His account.
    Account,
}

/// A request and the answer to whoever may make it.
pub struct Example {
    /// Name of the route.
    pub route: &'static str,
    /// What is special about this request, where a route has several.
    pub note: &'static str,
    /// What it asks of its caller.
    pub rule: Rule,
    /// Status for whoever may.
    pub answer: u16,
    /// What it may end of its caller.
    pub ends: Ends,
    /// Makes it.
    pub request: fn(&Stage) -> Request,
}

impl Example {
    /// Its row in the table.
    pub fn row(&self) -> String {
        let (method, path) = self.route.split_once(' ').unwrap();
        let note = if self.note.is_empty() { String::new() } else { format!(" ({})", self.note) };
        format!("{path:42} {method}{note}")
    }
}

/// Ids for the path, and a body.
pub struct Request {
    /// In the order of the path.
    pub ids: Vec<String>,
    /// JSON, if any.
    pub body: Option<Value>,
}

/// To the page of a letter, without a form.
fn link(letter: Mailed) -> Request {
    Request { ids: vec![letter.uid().to_owned(), letter.token().to_owned()], body: None }
}

fn plain() -> Request {
    Request { ids: Vec::new(), body: None }
}

fn with(body: Value) -> Request {
    Request { ids: Vec::new(), body: Some(body) }
}

fn on(id: i64) -> Request {
    Request { ids: vec![id.to_string()], body: None }
}

fn on_with(id: i64, body: Value) -> Request {
    Request { ids: vec![id.to_string()], body: Some(body) }
}

/// Makes the objects that requests are about.
pub struct Stage<'a> {
    app: &'a TestApp,
    count: Cell<u32>,
    kept_user: OnceCell<UserId>,
    kept_session: OnceCell<i64>,
}

impl<'a> Stage<'a> {
    /// Nothing made yet.
    pub fn new(app: &'a TestApp) -> Self {
        Self { app, count: Cell::new(0), kept_user: OnceCell::new(), kept_session: OnceCell::new() }
    }

    fn fresh(&self) -> u32 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    fn email(&self) -> String {
        format!("made-{}@example.com", self.fresh())
    }

    /// A user without a password.
    fn user(&self) -> i64 {
        let email = Some(Email::parse(&self.email()).unwrap());
        let profile = NewUser { email, is_active: true, ..NewUser::default() };
        let new = NewAccount { profile, password: None, roles: Vec::new() };
        self.app.operate(|ctx| users::create(ctx, new)).unwrap().user.id.0
    }

    /// The same user each time, to be looked at and not changed.
    fn kept_user(&self) -> i64 {
        self.kept_user.get_or_init(|| UserId(self.user())).0
    }

    /// A user who can sign in.
    fn person(&self) -> (i64, String) {
        let email = self.email();
        (self.app.user(&email, &[]).0, email)
    }

    fn new_named(&self) -> NewNamed {
        let name = format!("made-{}", self.fresh());
        NewNamed { code_name: CodeName::parse(&name).unwrap(), name, description: None }
    }

    fn body_of_named(&self) -> Value {
        let new = self.new_named();
        json!({"name": new.name, "code_name": new.code_name.as_str()})
    }

    fn named(&self, kind: Kind) -> i64 {
        self.app.operate(|ctx| catalog::create(ctx, kind, self.new_named())).unwrap().id
    }

    fn role(&self) -> i64 {
        self.app.operate(|ctx| roles::create(ctx, self.new_named(), &[])).unwrap().named.id
    }

    /// A user with a role.
    fn member(&self) -> (i64, i64) {
        let (user, role) = (self.user(), self.role());
        self.app.operate(|ctx| roles::grant(ctx, UserId(user), &Ref::Id(role))).unwrap();
        (user, role)
    }

    /// `documents:…` with an action of its own.
    fn permission(&self) -> i64 {
        let action = Ref::Id(self.named(Kind::Action));
        self.app.operate(|ctx| permissions::create(ctx, &Ref::Code("documents".into()), &action)).unwrap().id.0
    }

    /// A role with a permission.
    fn allowing(&self) -> (i64, i64) {
        let right = PermissionRef::Right(Right::of("documents", "read"));
        let role = self.role();
        let allowed = self.app.operate(|ctx| roles::allow(ctx, RoleId(role), &[right])).unwrap();
        (role, allowed[0].0.id.0)
    }

    /// A live session.
    fn session(&self) -> i64 {
        let (user, email) = self.person();
        self.app.sign_in(&email);
        let listing = Listing { limit: 1, user: Some(UserId(user)), ..Listing::default() };
        self.app.operate(|ctx| sessions::list(ctx, &listing)).unwrap().items[0].id.0
    }

    /// The same session each time, to be looked at.
    fn kept_session(&self) -> i64 {
        *self.kept_session.get_or_init(|| self.session())
    }

    /// An API token of somebody.
    fn api_token(&self) -> i64 {
        let new = NewToken { name: "made".to_owned(), expires_at: None };
        self.app.operate(|ctx| api_tokens::create(ctx, UserId(self.user()), new)).unwrap().0.id.0
    }

    /// The link of an account that waits for its activation.
    fn activation(&self) -> Mailed {
        let email = self.email();
        let profile = NewUser { email: Some(Email::parse(&email).unwrap()), ..NewUser::default() };
        let id = self.app.account(profile, &[]);
        self.app.operate(|ctx| activation::await_link(ctx, id)).unwrap();
        newest(self.app, "activation", &email)
    }

    fn password_reset(&self) -> Mailed {
        let email = self.person().1;
        let address = Email::parse(&email).unwrap();
        self.app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &address)).unwrap();
        newest(self.app, "password_reset", &email)
    }

    fn username_reset(&self) -> Mailed {
        let email = self.person().1;
        let address = Email::parse(&email).unwrap();
        self.app.call(&Actor::Anonymous, |ctx| recovery::request_username_reset(ctx, &address)).unwrap();
        newest(self.app, "username_reset", &email)
    }

    /// A refresh token that was never used.
    fn refresh(&self) -> String {
        self.app.sign_in(&self.person().1).refresh
    }
}

fn example(route: &'static str, rule: Rule, answer: u16, request: fn(&Stage) -> Request) -> Example {
    Example { route, note: "", rule, answer, ends: Ends::Nothing, request }
}

impl Example {
    fn noted(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    fn ends_sessions(self) -> Self {
        Self { ends: Ends::Sessions, ..self }
    }

    fn ends_account(self) -> Self {
        Self { ends: Ends::Account, ..self }
    }
}

/// All of them.
pub fn examples() -> Vec<Example> {
    let mut all = django::examples();
    all.extend(sign_in());
    all.extend(me());
    all.extend(user_routes());
    all.extend(role_routes());
    all.extend(lists());
    all.extend(permission_routes());
    all.extend(pyjwt());
    all.extend(standards());
    all.extend(others());
    all
}

/// S2-3, S2-13 … S2-18.
fn pyjwt() -> Vec<Example> {
    let token: fn(&Stage) -> Request = |stage| with(json!({"refresh_token": stage.refresh()}));
    vec![
        example("POST api/register/", Rule::Open, 201, |stage| {
            with(json!({"email": stage.email(), "password": PASSWORD}))
        }),
        example("POST api/login/", Rule::Open, 200, |stage| {
            with(json!({"email": stage.person().1, "password": PASSWORD}))
        }),
        example("POST api/refresh/", Rule::Open, 200, token),
        example("POST api/logout/", Rule::Open, 200, token),
        example("GET api/me/", Rule::SignedIn, 200, |_| plain()),
        example("PUT api/me/", Rule::SignedIn, 200, |_| with(json!({"username": ""}))),
        example("PATCH api/me/", Rule::SignedIn, 200, |_| with(json!({"username": ""}))),
        example("GET api-doc/", Rule::Open, 200, |_| plain()),
        example("GET api/browse/{file}", Rule::Open, 200, |_| Request { ids: vec![FILES[0].name.clone()], body: None }),
    ]
}

fn sign_in() -> Vec<Example> {
    let logout: fn(&Stage) -> Request = |stage| with(json!({"refresh": stage.refresh()}));
    vec![
        example("POST register/", Rule::Open, 201, |stage| {
            with(json!({"email": stage.email(), "password": PASSWORD, "password2": PASSWORD}))
        }),
        example("POST login/", Rule::Open, 200, |stage| with(json!({"email": stage.person().1, "password": PASSWORD}))),
        example("POST logout/", Rule::Open, 200, logout).noted("refresh"),
        example("POST logout/", Rule::HeaderOrBody, 200, |_| plain()).noted("bearer").ends_sessions(),
        example("POST token/refresh/", Rule::Open, 200, logout),
        example("POST token/revoke/", Rule::Open, 200, logout).noted("refresh"),
        example("POST token/revoke/", Rule::HeaderOrBody, 200, |_| plain()).noted("bearer").ends_sessions(),
        example("POST token/revoke_all/", Rule::SignedIn, 200, |_| plain()).ends_sessions(),
        example("POST token/revoke_all/{user_id}/", Rule::Right("tokens", "delete"), 200, |stage| on(stage.person().0)),
    ]
}

fn me() -> Vec<Example> {
    vec![
        example("GET me/", Rule::SignedIn, 200, |_| plain()),
        example("PUT me/", Rule::SignedIn, 200, |_| with(json!({"first_name": "Ann"}))),
        example("PATCH me/", Rule::SignedIn, 200, |_| with(json!({"last_name": "Lee"}))),
        example("POST me/password/", Rule::SignedIn, 200, |_| {
            with(json!({"current_password": PASSWORD, "new_password": PASSWORD}))
        }),
        example("GET me/get_sessions/", Rule::SignedIn, 200, |_| plain()),
        example("GET me/get_sessions/{user_id}", Rule::Right("sessions", "read"), 200, |stage| on(stage.kept_user())),
        example("POST check/", Rule::SignedIn, 200, |_| with(json!({"resource": "users", "action": "read"})))
            .noted("myself"),
        example("POST check/", Rule::Right("permissions", "read"), 200, |stage| {
            with(json!({"resource": "users", "action": "read", "user": stage.kept_user()}))
        })
        .noted("another"),
        example("POST check/", Rule::Right("permissions", "read"), 200, |_| {
            with(json!([{"resource": "users", "action": "read", "user": super::NOBODY}]))
        })
        .noted("nobody"),
    ]
}

fn user_routes() -> Vec<Example> {
    let (read, update) = (Rule::Right("users", "read"), Rule::Right("users", "update"));
    vec![
        example("GET users/", read, 200, |_| plain()),
        example("POST users/", Rule::Right("users", "create"), 201, |stage| {
            with(json!({"email": stage.email(), "password": PASSWORD}))
        }),
        example("GET users/{id}/", read, 200, |stage| on(stage.kept_user())),
        example("PUT users/{id}/", update, 200, |stage| {
            on_with(stage.user(), json!({"email": stage.email(), "first_name": "Ann"}))
        }),
        example("PATCH users/{id}/", update, 200, |stage| on_with(stage.user(), json!({"is_active": false}))),
        example("DELETE users/{id}/", Rule::Right("users", "delete"), 204, |stage| on(stage.user())),
        example("GET users/{id}/roles/", read, 200, |stage| on(stage.kept_user())),
        example("POST users/{id}/roles/", update, 201, |stage| on_with(stage.user(), json!({"role": stage.role()}))),
        example("DELETE users/{id}/roles/{role_id}/", update, 204, |stage| {
            let (user, role) = stage.member();
            Request { ids: vec![user.to_string(), role.to_string()], body: None }
        }),
    ]
}

fn role_routes() -> Vec<Example> {
    let (read, update) = (Rule::Right("roles", "read"), Rule::Right("roles", "update"));
    vec![
        example("GET roles/", read, 200, |_| plain()),
        example("POST roles/", Rule::Right("roles", "create"), 201, |stage| with(stage.body_of_named())),
        example("GET roles/{id}/", read, 200, |_| on(1)),
        example("PUT roles/{id}/", update, 200, |stage| on_with(stage.role(), stage.body_of_named())),
        example("PATCH roles/{id}/", update, 200, |stage| on_with(stage.role(), json!({"description": "New."}))),
        example("DELETE roles/{id}/", Rule::Right("roles", "delete"), 204, |stage| on(stage.role())),
        example("GET roles/{id}/permissions/", read, 200, |_| on(1)),
        example("POST roles/{id}/permissions/", update, 201, |stage| {
            on_with(stage.role(), json!({"permission": "documents:read"}))
        }),
        example("DELETE roles/{id}/permissions/{permission_id}/", update, 204, |stage| {
            let (role, permission) = stage.allowing();
            Request { ids: vec![role.to_string(), permission.to_string()], body: None }
        }),
    ]
}

fn lists() -> Vec<Example> {
    let r = |action| Rule::Right("resources", action);
    let a = |action| Rule::Right("actions", action);
    vec![
        example("GET resources/", r("read"), 200, |_| plain()),
        example("POST resources/", r("create"), 201, |stage| with(stage.body_of_named())),
        example("GET resources/{id}/", r("read"), 200, |_| on(1)),
        example("PUT resources/{id}/", r("update"), 200, |stage| {
            on_with(stage.named(Kind::Resource), stage.body_of_named())
        }),
        example("PATCH resources/{id}/", r("update"), 200, |stage| {
            on_with(stage.named(Kind::Resource), json!({"description": "New."}))
        }),
        example("DELETE resources/{id}/", r("delete"), 204, |stage| on(stage.named(Kind::Resource))),
        example("GET actions/", a("read"), 200, |_| plain()),
        example("POST actions/", a("create"), 201, |stage| with(stage.body_of_named())),
        example("GET actions/{id}/", a("read"), 200, |_| on(1)),
        example("PUT actions/{id}/", a("update"), 200, |stage| {
            on_with(stage.named(Kind::Action), stage.body_of_named())
        }),
        example("PATCH actions/{id}/", a("update"), 200, |stage| {
            on_with(stage.named(Kind::Action), json!({"description": "New."}))
        }),
        example("DELETE actions/{id}/", a("delete"), 204, |stage| on(stage.named(Kind::Action))),
    ]
}

fn permission_routes() -> Vec<Example> {
    let p = |action| Rule::Right("permissions", action);
    vec![
        example("GET permissions/", p("read"), 200, |_| plain()),
        example("POST permissions/", p("create"), 201, |stage| {
            with(json!({"resource": "documents", "action": stage.named(Kind::Action)}))
        }),
        example("GET permissions/{id}/", p("read"), 200, |_| on(1)),
        example("PUT permissions/{id}/", p("update"), 200, |stage| {
            on_with(stage.permission(), json!({"resource": "documents", "action": stage.named(Kind::Action)}))
        }),
        example("PATCH permissions/{id}/", p("update"), 200, |stage| {
            on_with(stage.permission(), json!({"action": stage.named(Kind::Action)}))
        }),
        example("DELETE permissions/{id}/", p("delete"), 204, |stage| on(stage.permission())),
    ]
}

/// What services behind the server ask: introspection, revocation, decisions, status lists.
fn standards() -> Vec<Example> {
    let others: fn(&Stage) -> Request = |stage| {
        with(json!({
            "subject": {"type": "user", "id": stage.kept_user().to_string()}, "action": {"name": "read"},
            "resource": {"type": "users", "id": "1"},
        }))
    };
    let several: fn(&Stage) -> Request = |stage| {
        with(json!({
            "subject": {"type": "user", "id": stage.kept_user().to_string()}, "action": {"name": "read"},
            "evaluations": [{"resource": {"type": "users", "id": "1"}}, {"resource": {"type": "documents", "id": "1"}}],
        }))
    };
    vec![
        example("POST api/auth/introspect/", Rule::Right("tokens", "read"), 200, |stage| {
            with(json!({"token": stage.refresh()}))
        }),
        example("POST api/auth/revoke/", Rule::Right("tokens", "delete"), 200, |stage| {
            with(json!({"token": stage.refresh()}))
        })
        .noted("other"),
        example("POST api/auth/revoke/", Rule::SignedIn, 200, |_| with(json!({"token": "nobody's"}))).noted("nobody's"),
        example("POST access/v1/evaluation", Rule::Right("permissions", "read"), 200, others).noted("another"),
        example("POST access/v1/evaluations", Rule::Right("permissions", "read"), 200, several).noted("others"),
        example("GET api/auth/status-lists/", Rule::Open, 200, |_| plain()),
        example("GET api/auth/status-lists/{list}/", Rule::Open, 200, |_| on(1)),
        example("GET .well-known/oauth-authorization-server", Rule::Open, 200, |_| plain()),
        example("GET .well-known/authzen-configuration", Rule::Open, 200, |_| plain()),
    ]
}

fn others() -> Vec<Example> {
    vec![
        example("GET api-tokens/", Rule::SignedIn, 200, |_| plain()),
        example("POST api-tokens/", Rule::SignedIn, 201, |stage| with(json!({"name": stage.email()}))).noted("mine"),
        example("POST api-tokens/", Rule::Right("tokens", "create"), 201, |stage| {
            with(json!({"name": stage.email(), "user": stage.kept_user()}))
        })
        .noted("other"),
        example("DELETE api-tokens/{id}/", Rule::Right("tokens", "delete"), 204, |stage| on(stage.api_token()))
            .noted("other"),
        example("GET sessions/", Rule::Right("sessions", "read"), 200, |_| plain()),
        example("GET sessions/{id}/", Rule::Right("sessions", "read"), 200, |stage| on(stage.kept_session())),
        example("DELETE sessions/{id}/", Rule::Right("sessions", "delete"), 204, |stage| on(stage.session())),
        example("GET audit/", Rule::Right("audit", "read"), 200, |_| plain()),
        example("GET keys/", Rule::Right("keys", "read"), 200, |_| plain()),
        example("GET settings/", Rule::Right("settings", "read"), 200, |_| plain()),
        example("PATCH settings/", Rule::Right("settings", "update"), 200, |_| with(json!({"refresh.grace": 11}))),
        example("GET .well-known/jwks.json", Rule::Open, 200, |_| plain()),
        // E.3: none of these callers is a trusted proxy.
        example("GET api/auth/forward/", Rule::Open, 403, |_| plain()),
        example("GET healthz", Rule::Open, 200, |_| plain()),
        example("GET readyz", Rule::Open, 200, |_| plain()),
        example("GET api/schema/", Rule::Open, 200, |_| plain()),
        example("GET api/docs/", Rule::Open, 200, |_| plain()),
        example("GET api/docs/{file}", Rule::Open, 200, |_| Request {
            ids: vec!["start-swagger.js".to_owned()],
            body: None,
        }),
        example("GET account/activate/{uid}/{token}/", Rule::Open, 200, |stage| link(stage.activation())),
        example("POST account/activate/{uid}/{token}/", Rule::Open, 400, |stage| link(stage.activation())),
        example("GET account/password-reset/{uid}/{token}/", Rule::Open, 200, |stage| link(stage.password_reset())),
        example("POST account/password-reset/{uid}/{token}/", Rule::Open, 400, |stage| link(stage.password_reset())),
        example("GET account/username-reset/{uid}/{token}/", Rule::Open, 200, |stage| link(stage.username_reset())),
        example("POST account/username-reset/{uid}/{token}/", Rule::Open, 400, |stage| link(stage.username_reset())),
        example("GET account/static/{file}", Rule::Open, 200, |_| Request {
            ids: vec!["pages.css".to_owned()],
            body: None,
        }),
        example("GET api/redoc/", Rule::Open, 200, |_| plain()),
        example("GET api/redoc/{file}", Rule::Open, 200, |_| Request {
            ids: vec!["start-redoc.js".to_owned()],
            body: None,
        }),
    ]
}
