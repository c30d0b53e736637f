//! The dialect of `rest_framework.authtoken`: `POST /api-token-auth/` (S3-18).
//!
//! The caller's API token for a name and a password, the same one until it is given back or revoked. It is used as
//! `Authorization: Token …` on every route of every dialect. Answers are JSON only; wrong credentials are wrong input.

pub mod failure;

use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::failure::{Answer, Failure};
use super::body::Sent;
use super::call::Call;
use super::devices::{Asked, Remembered};
use super::drf::metadata::{Action, Field};
use super::drf::{Form, View};
use super::routes::Guard::Public;
use super::routes::{Dialect, Reading, Table};
use crate::service::api_tokens;

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "authtoken", reading: Reading::Lenient, switch: Some("authtoken") };

static VIEW: View = View {
    name: "Obtain Auth Token",
    description: "",
    authenticates: true,
    guard: Public,
    browsable: false,
    opens: false,
    fields: Some(|_, _| {
        let fields = vec![
            Field::text("username", "Username").required(),
            Field::text("password", "Password").required(),
            Field::text("token", "Token").read_only(),
        ];
        Some(Action { method: "POST", fields })
    }),
};

/// Adds the route.
pub fn routes(table: &mut Table) {
    let mut section = table.section(&DIALECT, "/", "DRF token");
    section
        .view("api-token-auth/", &VIEW)
        .post("api-token-auth/", Public, obtain)
        .says("API token", "The caller's API token, for the header `Authorization: Token …`.")
        .takes_bearer()
        .also(&[401])
        .example(json!({"username": "ann", "password": "correct horse 7"}));
}

/// Who wants a token.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AuthTokenRequest")]
pub struct Obtain {
    /// E-mail, phone or username.
    #[schemars(length(min = 1))]
    username: String,
    /// The password.
    #[schemars(length(min = 1), extend("format" = "password", "x-untrimmed" = true))]
    password: String,
    /// The device credential of an earlier sign-in; an empty text or `true` asks for the first one.
    #[serde(default)]
    device: Sent<Asked>,
}

/// An API token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuthTokenAnswer")]
pub struct TokenOut {
    token: String,
    /// Device credential, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

/// `POST api-token-auth/`
pub async fn obtain(call: Call, form: Form<Obtain>) -> Answer<Remembered<Json<TokenOut>>> {
    let given = call.run_login(|ctx| {
        let Obtain { username, password, device } = form.parse()?;
        let device = device.0.unwrap_or_default();
        device.show(ctx);
        let (user, api_tokens::Key(token)) = api_tokens::login_token(ctx, &username, &password)?;
        Ok((user.id, Remembered::of(ctx, TokenOut { token, device: device.told(ctx) })))
    });
    Ok(given.await.map_err(Failure::of_login)?.map(Json))
}
