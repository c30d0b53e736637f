//! `token/login/`, `token/logout/`: the caller's API token.

use axum::Json;

use super::failure::{Answer, Failure};
use super::wire::{TokenLogin, TokenOut};
use crate::http::answers::Gone;
use crate::http::call::Call;
use crate::http::devices::Remembered;
use crate::http::drf::Form;
use crate::service::api_tokens;

/// `POST token/login/`
pub async fn login(call: Call, form: Form<TokenLogin>) -> Answer<Remembered<Json<TokenOut>>> {
    let given = call.run_login(|ctx| {
        let TokenLogin { password, username, device } = form.without_blanks().parse()?;
        let device = device.0.unwrap_or_default();
        device.show(ctx);
        let (username, password) = (username.0.unwrap_or_default(), password.0.unwrap_or_default());
        let (user, api_tokens::Key(auth_token)) = api_tokens::login_token(ctx, &username, &password)?;
        Ok((user.id, Remembered::of(ctx, TokenOut { auth_token, device: device.told(ctx) })))
    });
    Ok(given.await.map_err(Failure::of_token_login)?.map(Json))
}

/// `POST token/logout/`
pub async fn logout(call: Call) -> Answer<Gone> {
    call.run(|ctx| Ok(api_tokens::logout(ctx)?)).await?;
    Ok(Gone)
}
