//! `introspect/`, `revoke/`.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::failure::Answer;
use super::parameters::Parameters;
use super::wire::{Introspected, Presented};
use crate::http::call::Call;
use crate::service::tokens;

/// `POST introspect/`
pub async fn introspect(call: Call, body: Parameters<Presented>) -> Answer<Json<Introspected>> {
    let found = call.run_at_once(|ctx| {
        let token = body.parse()?.into_command();
        Ok(tokens::inspect(ctx, &token)?)
    });
    Ok(Json(found.await?.into()))
}

/// `POST revoke/`
pub async fn revoke(call: Call, body: Parameters<Presented>) -> Answer<Revoked> {
    call.run(|ctx| {
        let token = body.parse()?.into_command();
        Ok(tokens::revoke_shown(ctx, &token)?)
    })
    .await?;
    Ok(Revoked)
}

/// 200 and nothing else (RFC 7009, section 2.2).
pub struct Revoked;

impl IntoResponse for Revoked {
    fn into_response(self) -> Response {
        StatusCode::OK.into_response()
    }
}

impl OperationOutput for Revoked {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        let description = "It is good for nothing now; no body.".to_owned();
        vec![(Some(200), Documented { description, ..Documented::default() })]
    }
}
