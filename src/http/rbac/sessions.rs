//! `sessions/…`

use axum::Json;

use super::failure::Answer;
use super::wire::sessions::SessionOut;
use crate::domain::error::Entity;
use crate::domain::ids::SessionId;
use crate::http::answers::Gone;
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::http::lists::{Asked, Envelope, OwnedParameters};
use crate::service::sessions;

/// `GET sessions/`
pub async fn list(call: Call, asked: Asked<OwnedParameters>) -> Answer<Json<Envelope<SessionOut>>> {
    let page = call.listing().run(move |ctx| {
        asked.page(ctx, sessions::ORDER, |listing| sessions::list(ctx, listing), |one| SessionOut::of(one, ctx.now))
    });
    Ok(Json(page.await?))
}

/// `GET sessions/{id}/`, by id or UUID
pub async fn get(call: Call, ids: PathIds) -> Answer<Json<SessionOut>> {
    let found = call.run(move |ctx| {
        let found = match ids.id(0, Entity::Session) {
            Ok(id) => sessions::get(ctx, SessionId(id))?,
            Err(_) => sessions::by_uuid(ctx, ids.text(0, Entity::Session)?)?,
        };
        Ok(SessionOut::of(found, ctx.now))
    });
    Ok(Json(found.await?))
}

/// `DELETE sessions/{id}/`, by id or UUID
pub async fn end(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| match ids.id(0, Entity::Session) {
        Ok(id) => Ok(sessions::end(ctx, SessionId(id))?),
        Err(_) => Ok(sessions::end_by_uuid(ctx, ids.text(0, Entity::Session)?)?),
    })
    .await?;
    Ok(Gone)
}
