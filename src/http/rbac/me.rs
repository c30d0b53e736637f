//! `me/…`: one's own account (D-8).

use axum::Json;

use super::failure::Answer;
use super::wire::sessions::LiveSessionOut;
use super::wire::sign_in::PasswordChange;
use super::wire::users::{NamesUpdate, UserOut};
use crate::domain::error::Entity;
use crate::domain::ids::UserId;
use crate::http::answers::Done;
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::devices::Remembered;
use crate::http::ids::PathIds;
use crate::service::{me, sessions};

/// `GET me/`
pub async fn get(call: Call) -> Answer<Json<UserOut>> {
    Ok(Json(call.run_at_once(|ctx| Ok(me::get(ctx)?)).await?.into()))
}

/// `PUT me/`, `PATCH me/`
pub async fn rename(call: Call, body: Body<NamesUpdate>) -> Answer<Json<UserOut>> {
    let renamed = call.run(|ctx| Ok(me::rename(ctx, body.parse()?.into_command())?));
    Ok(Json(renamed.await?.into()))
}

/// `POST me/password/`
pub async fn change_password(call: Call, body: Body<PasswordChange>) -> Answer<Remembered<Json<Done>>> {
    let changed = call.run_hashing(|ctx| {
        let (current, new) = body.parse()?.into_command()?;
        me::change_password(ctx, &current, new)?;
        Ok(Remembered::of(ctx, Json(Done {})))
    });
    Ok(changed.await?)
}

/// `GET me/get_sessions/`
pub async fn sessions(call: Call) -> Answer<Json<Vec<LiveSessionOut>>> {
    let live = call.run(|ctx| {
        let current = ctx.caller()?.session();
        let live = sessions::mine(ctx)?;
        Ok(live.into_iter().map(|one| LiveSessionOut::of(one, ctx.now, current)).collect())
    });
    Ok(Json(live.await?))
}

/// `GET me/get_sessions/{user_id}`
pub async fn sessions_of(call: Call, ids: PathIds) -> Answer<Json<Vec<LiveSessionOut>>> {
    let live = call.run(move |ctx| {
        let current = ctx.caller()?.session();
        let live = sessions::of_user(ctx, UserId(ids.id(0, Entity::User)?))?;
        Ok(live.into_iter().map(|one| LiveSessionOut::of(one, ctx.now, current)).collect())
    });
    Ok(Json(live.await?))
}
