//! The views: `create`, `refresh`, `verify`, `blacklist`, `logout`.

use axum::Json;

use super::failure::{Answer, Failure};
use super::wire::{Logout, Obtain, PairOut, Refresh, RefreshedOut, Verify};
use crate::domain::settings::Profile;
use crate::http::answers::Done;
use crate::http::call::Call;
use crate::http::devices::Remembered;
use crate::http::drf::Form;
use crate::service::{login, tokens};

/// `POST create/`
pub async fn create(call: Call, form: Form<Obtain>) -> Answer<Remembered<Json<PairOut>>> {
    pair(call, form, Profile::SimpleJwt).await
}

/// `POST create/` beside Djoser's views, whose rules its pairs obey (D-11).
pub async fn create_djoser(call: Call, form: Form<Obtain>) -> Answer<Remembered<Json<PairOut>>> {
    pair(call, form, Profile::Djoser).await
}

async fn pair(call: Call, form: Form<Obtain>, profile: Profile) -> Answer<Remembered<Json<PairOut>>> {
    let signed = call.run_login(move |ctx| {
        let Obtain { username, password, device } = form.parse()?;
        let device = device.0.unwrap_or_default();
        device.show(ctx);
        let signed = login::login(ctx, &username, &password, profile)?;
        let user = signed.user.id;
        Ok((user, Remembered::of(ctx, PairOut::from(signed.pair).with_device(device.told(ctx)))))
    });
    Ok(signed.await?.map(Json))
}

/// `POST refresh/`
pub async fn refresh(call: Call, form: Form<Refresh>) -> Answer<Json<RefreshedOut>> {
    let refreshed = call.run(|ctx| Ok(tokens::refresh(ctx, &form.parse()?.into_token())?));
    Ok(Json(refreshed.await?.into()))
}

/// `POST verify/`
pub async fn verify(call: Call, form: Form<Verify>) -> Answer<Json<Done>> {
    let verified = call.reading().run(|ctx| Ok(tokens::verify(ctx, &form.parse()?.token)?));
    verified.await.map_err(Failure::of_verify)?;
    Ok(Json(Done {}))
}

/// `POST blacklist/`
pub async fn blacklist(call: Call, form: Form<Refresh>) -> Answer<Json<Done>> {
    call.run(|ctx| Ok(login::logout_by_refresh(ctx, &form.parse()?.into_token())?)).await?;
    Ok(Json(Done {}))
}

/// `POST logout/`: the refresh token of the body decides, if there is one (D-3).
pub async fn logout(call: Call, form: Form<Logout>) -> Answer<Json<Done>> {
    let sent = || Ok(form.parse()?.into_token());
    call.run_or(sent, |ctx, refresh| Ok(login::sign_out(ctx, refresh)?)).await?;
    Ok(Json(Done {}))
}
