//! `roles/…`

use axum::Json;

use super::failure::Answer;
use super::one;
use super::wire::PermissionOut;
use super::wire::named::{PermissionGrant, RoleCreate, RoleOut, RoleUpdate};
use crate::domain::error::{Entity, Error, FieldError};
use crate::domain::ids::RoleId;
use crate::http::answers::{Created, Given, Gone};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::http::lists::{Asked, Envelope};
use crate::service::permissions::PermissionRef;
use crate::service::{catalog, roles};

/// `GET roles/`
pub async fn list(call: Call, asked: Asked) -> Answer<Json<Envelope<RoleOut>>> {
    let page = call
        .listing()
        .run(move |ctx| asked.page(ctx, catalog::ORDER, |listing| roles::list(ctx, listing), RoleOut::from));
    Ok(Json(page.await?))
}

/// `POST roles/`
pub async fn create(call: Call, body: Body<RoleCreate>) -> Answer<Created<RoleOut>> {
    let created = call.run(|ctx| {
        let (new, permissions) = body.parse()?.into_command()?;
        Ok(roles::create(ctx, new, &permissions)?)
    });
    Ok(Created(created.await?.into()))
}

/// `GET roles/{id}/`
pub async fn get(call: Call, ids: PathIds) -> Answer<Json<RoleOut>> {
    Ok(Json(call.run(move |ctx| Ok(roles::get(ctx, role(&ids)?)?)).await?.into()))
}

/// `PUT roles/{id}/`
pub async fn replace(call: Call, ids: PathIds, body: Body<RoleCreate>) -> Answer<Json<RoleOut>> {
    let updated = call.run(move |ctx| {
        let id = role(&ids)?;
        let (patch, permissions) = body.parse_for(ctx, Entity::Role, id.0)?.into_patch()?;
        Ok(roles::update(ctx, id, patch, permissions.as_deref())?)
    });
    Ok(Json(updated.await?.into()))
}

/// `PATCH roles/{id}/`
pub async fn update(call: Call, ids: PathIds, body: Body<RoleUpdate>) -> Answer<Json<RoleOut>> {
    let updated = call.run(move |ctx| {
        let id = role(&ids)?;
        let (patch, permissions) = body.parse_for(ctx, Entity::Role, id.0)?.into_command()?;
        Ok(roles::update(ctx, id, patch, permissions.as_deref())?)
    });
    Ok(Json(updated.await?.into()))
}

/// `DELETE roles/{id}/`
pub async fn delete(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| Ok(roles::delete(ctx, role(&ids)?)?)).await?;
    Ok(Gone)
}

/// `GET roles/{id}/permissions/`
pub async fn permissions(call: Call, ids: PathIds) -> Answer<Json<Vec<PermissionOut>>> {
    let permissions = call.run(move |ctx| Ok(roles::permissions(ctx, role(&ids)?)?)).await?;
    Ok(Json(permissions.into_iter().map(PermissionOut::from).collect()))
}

/// `POST roles/{id}/permissions/`
pub async fn allow(call: Call, ids: PathIds, body: Body<PermissionGrant>) -> Answer<Given<PermissionOut>> {
    let allowed = call.run(move |ctx| {
        let id = role(&ids)?;
        let which = body.parse_for(ctx, Entity::Role, id.0)?.permission.into_ref()?;
        Ok(one(roles::allow(ctx, id, &[which]).map_err(of_one)?)?)
    });
    let (permission, is_new) = allowed.await?;
    Ok(if is_new { Given::Now(permission.into()) } else { Given::Before(permission.into()) })
}

/// `DELETE roles/{id}/permissions/{permission_id}/`
pub async fn deny(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| {
        let (role, permission) = (role(&ids)?, PermissionRef::Id(ids.id(1, Entity::Permission)?));
        let (_, had) = one(roles::deny(ctx, role, &[permission])?)?;
        if had { Ok(Gone) } else { Err(Error::NotFound(Entity::Permission).into()) }
    })
    .await
    .map_err(Into::into)
}

/// Complaints about the one permission that a body names, under the body's word for it.
fn of_one(error: Error) -> Error {
    match error {
        Error::Invalid(fields) => {
            let renamed = fields.into_iter().map(|fault| FieldError { field: "permission".to_owned(), ..fault });
            Error::Invalid(renamed.collect())
        }
        other => other,
    }
}

fn role(ids: &PathIds) -> Result<RoleId, Error> {
    ids.id(0, Entity::Role).map(RoleId)
}
