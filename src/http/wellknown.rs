//! What programs around the server ask: the public keys, and whether it lives and is ready.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::HeaderName;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::answers;
use super::call::Call;
use super::fault::Fault;
use super::routes::{Dialect, Guard, Reading, Table};
use crate::service::{doctor, keys};

static DIALECT: Dialect = Dialect { name: "server", reading: Reading::Strict, switch: None };

/// Adds the routes.
pub fn routes(table: &mut Table) {
    let mut server = table.section(&DIALECT, "/", "Server");
    server.get(".well-known/jwks.json", Guard::Public, jwks).says(
        "Public keys",
        "The keys that verify access tokens, as a JWK set (RFC 7517). May be kept for five minutes.",
    );
    server.get("healthz", Guard::Public, health).says("Is the process alive?", "Answers as long as the process does.");
    server.get("readyz", Guard::Public, ready).says("Can it serve?", "503 while the database does not answer.");
}

/// Whether all is well.
#[derive(Debug, Serialize, JsonSchema)]
struct Status {
    /// `ok` or `ready`.
    status: &'static str,
}

/// A JWK set.
struct Keys(serde_json::Value);

/// RFC 7517, section 5.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its field is read by the schema generator alone")]
struct KeySet {
    /// Public keys, each with `kid`, `kty`, `crv`, `x`, `y`, `use` and `alg`.
    keys: Vec<std::collections::BTreeMap<String, String>>,
}

impl IntoResponse for Keys {
    fn into_response(self) -> Response {
        // They are public: a page of any origin may verify by them.
        let headers = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (CACHE_CONTROL, "public, max-age=300"),
            (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        ];
        (headers, Json(self.0)).into_response()
    }
}

impl OperationOutput for Keys {
    type Inner = KeySet;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        Json::<KeySet>::inferred_responses(context, operation)
    }
}

/// Whatever prevents an answer here prevents it for now.
struct NotNow;

impl From<Fault> for NotNow {
    fn from(fault: Fault) -> Self {
        tracing::error!(?fault, "not ready");
        Self
    }
}

impl IntoResponse for NotNow {
    fn into_response(self) -> Response {
        answers::unavailable()
    }
}

impl OperationOutput for NotNow {
    type Inner = answers::Detail;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        answers::documented::<answers::Detail>(context, operation, 503)
    }
}

async fn jwks(call: Call) -> Result<Keys, NotNow> {
    Ok(Keys(call.run(|ctx| Ok(keys::public_jwks(ctx.env)?)).await?))
}

async fn health() -> Json<Status> {
    Json(Status { status: "ok" })
}

async fn ready(call: Call) -> Result<Json<Status>, NotNow> {
    call.run(|ctx| Ok(doctor::ready(ctx.env)?)).await?;
    Ok(Json(Status { status: "ready" }))
}
