//! `/.well-known/authzen-configuration`.

use std::time::Duration;

use axum::Json;

use super::failure::Answer;
use super::wire::Metadata;
use crate::http::answers::Published;
use crate::http::call::Call;
use crate::service::settings;

/// How long it may be kept, as the public keys may.
const KEPT: Duration = Duration::from_secs(300);

/// `GET /.well-known/authzen-configuration`
pub async fn metadata(call: Call) -> Answer<Published<Json<Metadata>>> {
    let url = call.run(|ctx| Ok(settings::issuer_url(ctx.env)?)).await?;
    Ok(Published::new(Json(Metadata::of(url)), KEPT))
}
