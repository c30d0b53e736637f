//! `audit/`: the audit trail, to look at.

use axum::Json;

use super::failure::Answer;
use super::wire::audit::EventOut;
use crate::http::call::Call;
use crate::http::lists::{Asked, Envelope, TrailParameters};
use crate::service::audit;

/// `GET audit/`
pub async fn list(call: Call, asked: Asked<TrailParameters>) -> Answer<Json<Envelope<EventOut>>> {
    let page = call
        .listing()
        .run(move |ctx| asked.page(ctx, audit::ORDER, |listing| audit::list(ctx, listing), EventOut::from));
    Ok(Json(page.await?))
}
