//! `register/`, `login/`, `refresh/`, `logout/`, and the contents.

use axum::Json;

use super::failure::Answer;
use super::wire::{ContentsOut, LoggedOut, Login, PairOut, Refresh, Register, RegisteredOut};
use crate::domain::settings::Profile;
use crate::http::answers::Created;
use crate::http::call::Call;
use crate::http::devices::Remembered;
use crate::http::drf::Form;
use crate::http::lists::Address;
use crate::service::registration::{self, Registered};
use crate::service::{login, tokens};

/// `POST register/`
pub async fn register(call: Call, form: Form<Register>) -> Answer<Created<RegisteredOut>> {
    let registered = call.run_hashing(|ctx| {
        registration::knock(ctx)?;
        let new = form.parse()?.into_command()?;
        let user = match registration::register(ctx, new, None)? {
            Registered::SignedIn(signed_in) => signed_in.user,
            Registered::Created(user) | Registered::Pending(user) => *user,
        };
        Ok(RegisteredOut::from(user))
    });
    Ok(Created(registered.await?))
}

/// `POST login/`
pub async fn login(call: Call, form: Form<Login>) -> Answer<Remembered<Json<PairOut>>> {
    let signed_in = call.run_login(|ctx| {
        let Login { email, password, device } = form.parse()?;
        let device = device.0.unwrap_or_default();
        device.show(ctx);
        let signed = login::login(ctx, &email, &password, Profile::PyJwt)?;
        let user = signed.user.id;
        Ok((user, Remembered::of(ctx, PairOut::from(signed.pair).with_device(device.told(ctx)))))
    });
    Ok(signed_in.await?.map(Json))
}

/// `POST refresh/`: both tokens always (S2-16). A session that does not rotate keeps the one that was shown.
pub async fn refresh(call: Call, form: Form<Refresh>) -> Answer<Json<PairOut>> {
    let pair = call.run(|ctx| {
        let shown = form.parse()?.refresh_token;
        let refreshed = tokens::refresh(ctx, &shown)?;
        Ok(PairOut::new(refreshed.access, refreshed.refresh.unwrap_or(shown)))
    });
    Ok(Json(pair.await?))
}

/// `POST logout/`
pub async fn logout(call: Call, form: Form<Refresh>) -> Answer<Json<LoggedOut>> {
    call.run(|ctx| Ok(login::logout_by_refresh(ctx, &form.parse()?.refresh_token)?)).await?;
    Ok(Json(LoggedOut::default()))
}

/// `GET /api-doc/`
pub async fn contents(call: Call, address: Address) -> Answer<Json<ContentsOut>> {
    let origin = call.run(move |ctx| address.origin(ctx)).await?;
    let at = |name: &str| format!("{origin}/api/{name}/");
    let (register, login, refresh) = (at("register"), at("login"), at("refresh"));
    Ok(Json(ContentsOut { register, login, refresh, logout: at("logout"), me: at("me") }))
}
