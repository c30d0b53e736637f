//! The dialect of the PyJWT server (S2): an e-mail and a password for two tokens.
//!
//! - **Base path** `/api/`: `register/`, `login/`, `refresh/`, `logout/`, `me/` (S2-3, S2-15). `/api-doc/` is their
//!   contents: a page for browsers, addresses for programs (S2-12).
//! - **Authentication**: only `me/` looks at the header. The refresh token is in the body; what it looks like is not this
//!   dialect's business.
//! - **Tokens**: `access_token` and `refresh_token`, by the rules of the profile `pyjwt` (D-11). A refresh always gives
//!   both: where the session does not rotate, the refresh token that was shown.
//! - **Errors**: [`failure`]: the original names none (S2-20), so they are those of Django REST framework.
//! - `username` is `""` until there is one, and `""` takes it away again; PUT changes what is sent, as PATCH does (S2-18).
//! - Unlike the original: weak passwords are refused (D-16), and a spent refresh token ends its session.

pub mod auth;
pub mod failure;
pub mod me;
pub mod wire;

use serde_json::json;

use super::drf::View;
use super::drf::metadata::{Action, Field};
use super::drf::view::Fields;
use super::routes::Guard::{Public, SignedIn};
use super::routes::{Dialect, Guard, Reading, Section, Table};

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "pyjwt", reading: Reading::Lenient, switch: Some("pyjwt") };

/// Adds the routes.
pub fn routes(table: &mut Table) {
    let mut section = table.section(&DIALECT, "/api/", "PyJWT · /api/");
    sign_in(&mut section);
    section.view("me/", &ME).get("me/", SignedIn, me::get).says("Who am I?", "The caller's own account.");
    section
        .put("me/", SignedIn, me::update)
        .says("Change my account", "Changes what is sent. An empty `username` takes the name away.")
        .example(json!({"username": "John Smith"}));
    section
        .patch("me/", SignedIn, me::update)
        .says("Change my account", "Changes what is sent. An empty `username` takes the name away.")
        .example(json!({"username": "John Smith"}));
    let mut contents = table.section(&DIALECT, "/", "PyJWT · /api/");
    contents
        .view("api-doc/", &CONTENTS)
        .contents("api-doc/")
        .get("api-doc/", Public, auth::contents)
        .says("Contents", "Where the endpoints are; a browser gets a page about them.");
}

fn sign_in(section: &mut Section) {
    section
        .view("register/", &REGISTER)
        .post("register/", Public, auth::register)
        .says("Register", "Makes an account. Signing in comes after it.")
        .also(&[403])
        .example(json!({"password": "correct horse 7", "email": "user@example.com"}));
    section
        .view("login/", &LOGIN)
        .post("login/", Public, auth::login)
        .says("Sign in", "An access and a refresh token for an e-mail address and a password.")
        .also(&[401])
        .example(json!({"email": "user@example.com", "password": "correct horse 7"}));
    let token = || json!({"refresh_token": "0f1c6a9e-5f0b-4b57-9d5e-7f2f6a3b8c11"});
    section
        .view("refresh/", &REFRESH)
        .post("refresh/", Public, auth::refresh)
        .says("Refresh", "A new access and a new refresh token; the old refresh token is spent.")
        .also(&[401])
        .example(token());
    section
        .view("logout/", &LOGOUT)
        .post("logout/", Public, auth::logout)
        .says("Sign out", "Ends the session of the refresh token, and with it its access tokens.")
        .also(&[401])
        .example(token());
}

/// A view for everybody, or for whoever is signed in.
const fn view(name: &'static str, description: &'static str, guard: Guard, fields: Option<Fields>) -> View {
    View { name, description, authenticates: matches!(guard, SignedIn), guard, browsable: true, opens: false, fields }
}

fn credentials() -> Vec<Field> {
    vec![Field::new("email", "email", "Email").required(), Field::text("password", "Password").required()]
}

fn refresh_token() -> Vec<Field> {
    vec![Field::text("refresh_token", "Refresh token").required()]
}

static REGISTER: View = view(
    "Register",
    "Makes an account of an e-mail address and a password.",
    Public,
    Some(|_, _| {
        let mut fields = vec![Field::new("id", "integer", "ID").read_only()];
        fields.extend(credentials());
        Some(Action { method: "POST", fields })
    }),
);
static LOGIN: View = view(
    "Login",
    "Gives an access token, and a refresh token to renew it by.",
    Public,
    Some(|_, _| Some(Action { method: "POST", fields: credentials() })),
);
static REFRESH: View = view(
    "Refresh",
    "Exchanges a refresh token for two new tokens, at any time while it is valid.",
    Public,
    Some(|_, _| Some(Action { method: "POST", fields: refresh_token() })),
);
static LOGOUT: View = view(
    "Logout",
    "Makes a refresh token invalid.",
    Public,
    Some(|_, _| Some(Action { method: "POST", fields: refresh_token() })),
);
static ME: View = view(
    "Me",
    "The account of whoever is signed in.",
    SignedIn,
    Some(|_, _| {
        let fields = vec![
            Field::new("id", "integer", "ID").read_only(),
            Field::text("username", "Username").length(0, crate::domain::identifiers::USERNAME_MAX),
            Field::new("email", "email", "Email"),
        ];
        Some(Action { method: "PUT", fields })
    }),
);
static CONTENTS: View =
    view("API documentation", "The endpoints under /api/, and what they take and need.", Public, None);
