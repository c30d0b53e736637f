//! `users/activation/`, `users/resend_activation/`.

use super::failure::{Answer, Failure};
use super::wire::mails::{Address, UidAndToken};
use crate::http::answers::Gone;
use crate::http::call::Call;
use crate::http::drf::Form;
use crate::service::activation;

/// `POST users/activation/`
pub async fn activate(call: Call, form: Form<UidAndToken>) -> Answer<Gone> {
    call.run(|ctx| {
        let UidAndToken { uid, token } = form.parse()?;
        activation::activate(ctx, &uid, &token)?;
        Ok(())
    })
    .await?;
    Ok(Gone)
}

/// `POST users/resend_activation/`
pub async fn resend(call: Call, form: Form<Address>) -> Answer<Gone> {
    let is_on = call.run(|ctx| Ok(activation::resend(ctx, &form.parse()?.into_email()?)?)).await?;
    if is_on { Ok(Gone) } else { Err(Failure::Empty) }
}
