//! `permissions/…`: pairs of a resource and an action (D-6).

use axum::Json;

use super::failure::Answer;
use super::wire::PermissionOut;
use super::wire::named::{PermissionCreate, PermissionUpdate};
use crate::domain::error::{Entity, Error};
use crate::domain::ids::PermissionId;
use crate::http::answers::{Created, Gone};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::http::lists::{Asked, Envelope};
use crate::service::permissions;

/// `GET permissions/`
pub async fn list(call: Call, asked: Asked) -> Answer<Json<Envelope<PermissionOut>>> {
    let page = call.listing().run(move |ctx| {
        asked.page(ctx, permissions::ORDER, |listing| permissions::list(ctx, listing), PermissionOut::from)
    });
    Ok(Json(page.await?))
}

/// `POST permissions/`
pub async fn create(call: Call, body: Body<PermissionCreate>) -> Answer<Created<PermissionOut>> {
    let created = call.run(|ctx| {
        let (resource, action) = body.parse()?.into_command();
        Ok(permissions::create(ctx, &resource, &action)?)
    });
    Ok(Created(created.await?.into()))
}

/// `GET permissions/{id}/`
pub async fn get(call: Call, ids: PathIds) -> Answer<Json<PermissionOut>> {
    Ok(Json(call.run(move |ctx| Ok(permissions::get(ctx, permission(&ids)?)?)).await?.into()))
}

/// `PUT permissions/{id}/`
pub async fn replace(call: Call, ids: PathIds, body: Body<PermissionCreate>) -> Answer<Json<PermissionOut>> {
    let updated = call.run(move |ctx| {
        let id = permission(&ids)?;
        let (resource, action) = body.parse_for(ctx, Entity::Permission, id.0)?.into_command();
        Ok(permissions::update(ctx, id, Some(&resource), Some(&action))?)
    });
    Ok(Json(updated.await?.into()))
}

/// `PATCH permissions/{id}/`
pub async fn update(call: Call, ids: PathIds, body: Body<PermissionUpdate>) -> Answer<Json<PermissionOut>> {
    let updated = call.run(move |ctx| {
        let id = permission(&ids)?;
        let (resource, action) = body.parse_for(ctx, Entity::Permission, id.0)?.into_command();
        Ok(permissions::update(ctx, id, resource.as_ref(), action.as_ref())?)
    });
    Ok(Json(updated.await?.into()))
}

/// `DELETE permissions/{id}/`
pub async fn delete(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| Ok(permissions::delete(ctx, permission(&ids)?)?)).await?;
    Ok(Gone)
}

fn permission(ids: &PathIds) -> Result<PermissionId, Error> {
    ids.id(0, Entity::Permission).map(PermissionId)
}
