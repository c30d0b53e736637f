//! `users/me/`.

use axum::Json;

use super::Manner;
use super::failure::{Answer, Failure};
use super::users::{addressed, rules};
use super::wire::{AccountOut, CurrentPassword, PhoneUpdate, Update, UserOut};
use crate::domain::users::User;
use crate::http::answers::Gone;
use crate::http::call::Call;
use crate::http::drf::Form;
use crate::http::fault::Result;
use crate::service::{Ctx, me};

/// `GET users/me/`
pub async fn get(call: Call, manner: Manner) -> Answer<Json<AccountOut>> {
    let mine = call.run(move |ctx| shown(ctx, manner, &me::get(ctx)?.user));
    Ok(Json(mine.await?))
}

/// `PUT`, `PATCH users/me/`
pub async fn update(call: Call, manner: Manner, form: Form<Update>) -> Answer<Json<AccountOut>> {
    let updated = call.run(move |ctx| {
        let patch = match manner {
            Manner::Stock => form.parse()?.into_patch()?,
            Manner::Phone => form.parse_as::<PhoneUpdate>()?.into_patch()?,
        };
        shown(ctx, manner, &me::update_own(ctx, patch)?.user)
    });
    Ok(Json(updated.await.map_err(|fault| Failure::in_manner(manner, fault))?))
}

/// `DELETE users/me/`
pub async fn delete(call: Call, form: Form<CurrentPassword>) -> Answer<Gone> {
    call.run_hashing(|ctx| Ok(me::delete(ctx, &form.parse()?.current_password)?)).await?;
    Ok(Gone)
}

fn shown(ctx: &Ctx, manner: Manner, user: &User) -> Result<AccountOut> {
    Ok(match manner {
        Manner::Stock => AccountOut::Stock(UserOut::of(user, addressed(&rules(ctx)?))),
        Manner::Phone => AccountOut::Phone(user.into()),
    })
}
