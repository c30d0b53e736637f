//! `register/`, `login/`, `logout/`, `token/…`.

use axum::Json;

use super::failure::Answer;
use super::wire::sign_in::{Login, Logout, Refresh, RefreshedOut, Register, RegisteredOut, RevokedOut, SignedInOut};
use crate::domain::error::Entity;
use crate::domain::ids::UserId;
use crate::domain::settings::Profile;
use crate::http::answers::{Created, Done};
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::devices::Remembered;
use crate::http::ids::PathIds;
use crate::service::{login, registration, sessions, tokens};

/// `POST register/`
pub async fn register(call: Call, body: Body<Register>) -> Answer<Created<RegisteredOut>> {
    let registered = call.run_hashing(|ctx| {
        registration::knock(ctx)?;
        let new = body.parse()?.into_command()?;
        Ok(registration::register(ctx, new, Some(Profile::Rbac))?)
    });
    Ok(Created(registered.await?.into()))
}

/// `POST login/`
pub async fn login(call: Call, body: Body<Login>) -> Answer<Remembered<Json<SignedInOut>>> {
    let signed = call.run_login(|ctx| {
        let (identifier, password, device) = body.parse()?.into_command();
        device.show(ctx);
        let signed = login::login(ctx, &identifier, &password, Profile::Rbac)?;
        let user = signed.user.id;
        Ok((user, Remembered::of(ctx, SignedInOut { device: device.told(ctx), ..signed.into() })))
    });
    Ok(signed.await?.map(Json))
}

/// `POST logout/`, `POST token/revoke/`: the refresh token of the body decides, if there is one (D-3).
pub async fn logout(call: Call, body: Body<Logout>) -> Answer<Json<Done>> {
    let sent = || Ok(body.parse()?.into_command());
    call.run_or(sent, |ctx, refresh| Ok(login::sign_out(ctx, refresh)?)).await?;
    Ok(Json(Done {}))
}

/// `POST token/refresh/`
pub async fn refresh(call: Call, body: Body<Refresh>) -> Answer<Json<RefreshedOut>> {
    let refreshed = call.run(|ctx| {
        let token = body.parse()?.into_command();
        Ok(tokens::refresh(ctx, &token)?)
    });
    Ok(Json(refreshed.await?.into()))
}

/// `POST token/revoke_all/`
pub async fn revoke_all(call: Call) -> Answer<Json<RevokedOut>> {
    let revoked = call.run(|ctx| Ok(sessions::end_mine(ctx)?)).await?;
    Ok(Json(RevokedOut { revoked }))
}

/// `POST token/revoke_all/{user_id}/`
pub async fn revoke_all_of(call: Call, ids: PathIds) -> Answer<Json<RevokedOut>> {
    let revoked = call.run(move |ctx| {
        let user = UserId(ids.id(0, Entity::User)?);
        Ok(sessions::end_of_user(ctx, user)?)
    });
    Ok(Json(RevokedOut { revoked: revoked.await? }))
}
