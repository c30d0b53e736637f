//! `me/`: one's own account.

use axum::Json;

use super::failure::Answer;
use super::wire::{MeOut, Update};
use crate::http::call::Call;
use crate::http::drf::Form;
use crate::service::me;

/// `GET me/`
pub async fn get(call: Call) -> Answer<Json<MeOut>> {
    Ok(Json(call.run(|ctx| Ok(me::get(ctx)?)).await?.user.into()))
}

/// `PUT me/`, `PATCH me/`
pub async fn update(call: Call, form: Form<Update>) -> Answer<Json<MeOut>> {
    let updated = call.run(|ctx| Ok(me::update_own(ctx, form.parse()?.into_command()?)?));
    Ok(Json(updated.await?.user.into()))
}
