//! `keys/`: the signing keys, to look at.

use axum::Json;

use super::failure::Answer;
use super::wire::keys::KeyOut;
use crate::http::call::Call;
use crate::http::lists::{Asked, Envelope};
use crate::service::keys;

/// `GET keys/`
pub async fn list(call: Call, asked: Asked) -> Answer<Json<Envelope<KeyOut>>> {
    let page =
        call.listing().run(move |ctx| asked.page(ctx, keys::ORDER, |listing| keys::page(ctx, listing), KeyOut::from));
    Ok(Json(page.await?))
}
