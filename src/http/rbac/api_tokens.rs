//! `api-tokens/…`: keys for programs.

use axum::Json;

use super::failure::Answer;
use super::wire::api_tokens::{ApiTokenCreate, ApiTokenOut, NewApiTokenOut};
use crate::domain::error::{Entity, Error};
use crate::domain::ids::ApiTokenId;
use crate::http::answers::{Created, Gone};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::ids::PathIds;
use crate::http::lists::{Asked, Envelope, OwnedParameters};
use crate::service::{api_tokens, missing_reference};

/// `GET api-tokens/`
pub async fn list(call: Call, asked: Asked<OwnedParameters>) -> Answer<Json<Envelope<ApiTokenOut>>> {
    let page = call.listing().run(move |ctx| {
        let shape = |one| ApiTokenOut::of(one, ctx.now);
        asked.page(ctx, api_tokens::ORDER, |listing| api_tokens::list(ctx, listing), shape)
    });
    Ok(Json(page.await?))
}

/// `POST api-tokens/`
pub async fn create(call: Call, body: Body<ApiTokenCreate>) -> Answer<Created<NewApiTokenOut>> {
    let created = call.run(|ctx| {
        let (user, new) = body.parse()?.into_command()?;
        let user = user.map_or_else(|| ctx.caller().map(|caller| caller.user), Ok)?;
        let (token, key) = api_tokens::create(ctx, user, new).map_err(|error| match error {
            Error::NotFound(Entity::User) => missing_reference("user", &user.to_string()),
            error => error,
        })?;
        Ok(NewApiTokenOut::of(token, key, ctx.now))
    });
    Ok(Created(created.await?))
}

/// `DELETE api-tokens/{id}/`
pub async fn revoke(call: Call, ids: PathIds) -> Answer<Gone> {
    call.run(move |ctx| {
        // A caller without the right is not told what is no id either.
        let id = ApiTokenId(ids.id(0, Entity::ApiToken).unwrap_or(0));
        Ok(api_tokens::revoke(ctx, id)?)
    })
    .await?;
    Ok(Gone)
}
