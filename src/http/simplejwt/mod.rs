//! The dialect of Simple JWT: pairs of tokens for a name and a password (S3-27 … S3-32, S1-17 … S1-21).
//!
//! - **Base path** `/api/token/` (`create/` too), and the same views as `jwt/` beside Djoser's. `logout/` under
//!   `/api/auth/` is the dialect's `blacklist/` (S1-20), in place of the RBAC dialect's, whose operation it is (D-3).
//! - **Authentication**: none of these views looks at the header, but `logout/` where no refresh token is sent.
//! - **Errors**: [`failure`]: `{"detail", "code"}` for tokens, 401.
//! - Unlike the original: a refresh token that was spent ends its whole session when it is shown again; tokens
//!   carry more claims, are signed by a key pair, and name their key (D-12); there are no sliding tokens.

pub mod failure;
pub mod tokens;
pub mod wire;

use serde_json::json;

use super::drf::View;
use super::drf::metadata::{Action, Field};
use super::routes::Guard::Public;
use super::routes::{Dialect, Reading, Section, Table};
use crate::domain::settings::Profile;

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "simplejwt", reading: Reading::Lenient, switch: Some("simplejwt") };

/// Adds the routes under a prefix, where pairs obey the rules of `profile`.
pub fn routes(table: &mut Table, prefix: &'static str, profile: Profile) {
    let mut section = table.section(&DIALECT, prefix, format!("Simple JWT · {prefix}"));
    match profile {
        Profile::Djoser => {
            create(section.view("create/", &CREATE), "create/", tokens::create_djoser);
        }
        _ => {
            create(section.view("", &CREATE), "", tokens::create);
            create(section.view("create/", &CREATE), "create/", tokens::create);
            blacklist(section.view("blacklist/", &BLACKLIST), "blacklist/");
        }
    }
    refresh_and_verify(&mut section);
}

/// Adds S1's `logout/` (S1-20), which also takes an access token in the header (D-3).
pub fn logout(table: &mut Table, prefix: &'static str) {
    let mut section = table.section(&DIALECT, prefix, format!("Simple JWT · {prefix}"));
    section
        .view("logout/", &BLACKLIST)
        .post("logout/", Public, tokens::logout)
        .says("Sign out", "Ends the session of the refresh token in the body, or else that of the token in the header.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"refresh": "eyJhbGciOi…"}));
}

fn create<H, T, I, O>(section: &mut Section, path: &str, handler: H)
where
    H: axum::handler::Handler<T, std::sync::Arc<super::call::Shared>> + aide::operation::OperationHandler<I, O>,
    T: 'static,
    I: aide::operation::OperationInput,
    O: aide::operation::OperationOutput,
{
    section
        .post(path, Public, handler)
        .says("Sign in", "A refresh and an access token for a name and a password. E-mail, phone or username will do.")
        .also(&[401])
        .example(json!({"username": "ann", "password": "correct horse 7"}));
}

fn refresh_and_verify(section: &mut Section) {
    section
        .view("refresh/", &REFRESH)
        .post("refresh/", Public, tokens::refresh)
        .says("Refresh", "A new access token, and where the session rotates a new refresh token in place of this one.")
        .also(&[401])
        .example(json!({"refresh": "eyJhbGciOi…"}));
    section
        .view("verify/", &VERIFY)
        .post("verify/", Public, tokens::verify)
        .says("Verify", "Whether a token of any type is good: signed here, not expired, its session not ended.")
        .also(&[401])
        .example(json!({"token": "eyJhbGciOi…"}));
}

fn blacklist(section: &mut Section, path: &str) {
    section
        .post(path, Public, tokens::blacklist)
        .says("Blacklist a refresh token", "Ends its session.")
        .also(&[401])
        .example(json!({"refresh": "eyJhbGciOi…"}));
}

/// A view that looks at no header (`authentication_classes = ()`).
const fn view(name: &'static str, description: &'static str, fields: super::drf::view::Fields) -> View {
    View { name, description, authenticates: false, guard: Public, browsable: true, opens: false, fields: Some(fields) }
}

static CREATE: View = view(
    "Token Obtain Pair",
    "Takes a set of user credentials and returns an access and refresh JSON web\ntoken pair to prove the authentication of those credentials.",
    |_, _| {
        let fields =
            vec![Field::text("username", "Username").required(), Field::text("password", "Password").required()];
        Some(Action { method: "POST", fields })
    },
);
static REFRESH: View = view(
    "Token Refresh",
    "Takes a refresh type JSON web token and returns an access type JSON web\ntoken if the refresh token is valid.",
    |_, _| {
        let fields = vec![Field::text("refresh", "Refresh").required(), Field::text("access", "Access").read_only()];
        Some(Action { method: "POST", fields })
    },
);
static VERIFY: View = view(
    "Token Verify",
    "Takes a token and indicates if it is valid.  This view provides no\ninformation about a token's fitness for a particular use.",
    |_, _| Some(Action { method: "POST", fields: vec![Field::text("token", "Token").required()] }),
);
static BLACKLIST: View = view(
    "Token Blacklist",
    "Takes a token and blacklists it. Must be used with the\n`rest_framework_simplejwt.token_blacklist` app installed.",
    |_, _| Some(Action { method: "POST", fields: vec![Field::text("refresh", "Refresh").required()] }),
);
