//! `users/…`

use axum::Json;

use super::failure::Answer;
use super::wire::NamedOut;
use super::wire::named::RoleGrant;
use super::wire::users::{UserCreate, UserOut, UserReplace, UserUpdate};
use crate::domain::error::{Entity, Error};
use crate::domain::ids::UserId;
use crate::http::answers::{Created, Given, Gone};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::http::lists::{ActiveParameters, Asked, Envelope};
use crate::service::{Ref, missing_reference, roles, users};

/// `GET users/`
pub async fn list(call: Call, asked: Asked<ActiveParameters>) -> Answer<Json<Envelope<UserOut>>> {
    let page = call
        .listing()
        .run(move |ctx| asked.page(ctx, users::ORDER, |listing| users::list(ctx, listing), UserOut::from));
    Ok(Json(page.await?))
}

/// `POST users/`
pub async fn create(call: Call, body: Body<UserCreate>) -> Answer<Created<UserOut>> {
    let created = call.run_hashing(|ctx| Ok(users::create(ctx, body.parse()?.into_command()?)?));
    Ok(Created(created.await?.into()))
}

/// `GET users/{id}/`
pub async fn get(call: Call, ids: PathIds) -> Answer<Json<UserOut>> {
    Ok(Json(call.run(move |ctx| Ok(users::get(ctx, user(&ids)?)?)).await?.into()))
}

/// `PUT users/{id}/`
pub async fn replace(call: Call, ids: PathIds, body: Body<UserReplace>) -> Answer<Json<UserOut>> {
    let updated = call.run(move |ctx| {
        let id = user(&ids)?;
        Ok(users::update(ctx, id, body.parse_for(ctx, Entity::User, id.0)?.into_command()?)?)
    });
    Ok(Json(updated.await?.into()))
}

/// `PATCH users/{id}/`
pub async fn update(call: Call, ids: PathIds, body: Body<UserUpdate>) -> Answer<Json<UserOut>> {
    let updated = call.run(move |ctx| {
        let id = user(&ids)?;
        Ok(users::update(ctx, id, body.parse_for(ctx, Entity::User, id.0)?.into_command()?)?)
    });
    Ok(Json(updated.await?.into()))
}

/// `DELETE users/{id}/`
pub async fn delete(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| Ok(users::delete(ctx, user(&ids)?)?)).await?;
    Ok(Gone)
}

/// `GET users/{id}/roles/`
pub async fn roles(call: Call, ids: PathIds) -> Answer<Json<Vec<NamedOut>>> {
    let roles = call.run(move |ctx| Ok(roles::of_user(ctx, user(&ids)?)?)).await?;
    Ok(Json(roles.into_iter().map(NamedOut::from).collect()))
}

/// `POST users/{id}/roles/`
pub async fn grant(call: Call, ids: PathIds, body: Body<RoleGrant>) -> Answer<Given<NamedOut>> {
    let granted = call.run(move |ctx| {
        let id = user(&ids)?;
        let role = body.parse_for(ctx, Entity::User, id.0)?.role.into();
        Ok(roles::grant(ctx, id, &role).map_err(|error| unknown_role(error, &role))?)
    });
    let (role, is_new) = granted.await?;
    Ok(if is_new { Given::Now(role.into()) } else { Given::Before(role.into()) })
}

/// `DELETE users/{id}/roles/{role_id}/`
pub async fn revoke(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| {
        let (user, role) = (user(&ids)?, Ref::Id(ids.id(1, Entity::Role)?));
        let (_, had) = roles::revoke(ctx, user, &role)?;
        if had { Ok(Gone) } else { Err(Error::NotFound(Entity::Role).into()) }
    })
    .await
    .map_err(Into::into)
}

/// A role that does not exist is a fault of the body that names it, not of the path.
fn unknown_role(error: Error, role: &Ref) -> Error {
    match error {
        Error::NotFound(Entity::Role) => missing_reference("role", &role.to_string()),
        other => other,
    }
}

fn user(ids: &PathIds) -> Result<UserId, Error> {
    ids.id(0, Entity::User).map(UserId)
}
