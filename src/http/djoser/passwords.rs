//! New passwords and usernames: for who knows the password, and for who has a mailed link.

use super::failure::{Answer, Failure};
use super::users::{free_username, rules};
use super::wire::Twice;
use super::wire::mails::Address;
use super::wire::passwords::{
    ResetConfirm, ResetConfirmRetype, SetPassword, SetPasswordRetype, SetUsername, SetUsernameRetype, UsernameConfirm,
    UsernameConfirmRetype,
};
use crate::domain::error::{Error, FieldError};
use crate::domain::identifiers::Username;
use crate::domain::passwords::Password;
use crate::http::answers::Gone;
use crate::http::call::Call;
use crate::http::devices::Remembered;
use crate::http::drf::Form;
use crate::service::{Ctx, me, recovery, settings};

/// What is said where a setting lets it be said (`djoser.password_reset_show_email_not_found`).
const NO_SUCH_EMAIL: &str = "User with given email does not exist.";

/// Complains of a `current_password` that is not the caller's: as of any field, beside what else is wrong.
fn own_password<'a>(ctx: &'a Ctx) -> impl Fn(&str, &str) -> Result<Option<FieldError>, Error> + 'a {
    move |name, text| match (name == "current_password").then(|| me::check_password(ctx, text)) {
        Some(Err(Error::Invalid(wrong))) => Ok(wrong.into_iter().next()),
        Some(Err(other)) => Err(other),
        Some(Ok(())) | None => Ok(None),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a judgement like the others")]
fn nothing(_: &str, _: &str) -> Result<Option<FieldError>, Error> {
    Ok(None)
}

/// `POST users/set_password/`
pub async fn set(call: Call, form: Form<SetPassword>) -> Answer<Remembered<Gone>> {
    let set = call.run_hashing(|ctx| {
        let (set, twice) = if rules(ctx)?.set_password_retype {
            form.parse_judged_late::<SetPasswordRetype>(nothing, own_password(ctx))?.into_parts()
        } else {
            (form.parse_judged_late::<SetPassword>(nothing, own_password(ctx))?, Twice::ONCE)
        };
        let new = Password::parse("new_password", &set.new_password)?;
        twice.check(|| {
            me::check_password(ctx, &set.current_password)?;
            me::check_new_password(ctx, &new)
        })?;
        me::change_password(ctx, &set.current_password, new)?;
        Ok(Remembered::of(ctx, Gone))
    });
    Ok(set.await?)
}

/// `POST users/reset_password/`
pub async fn reset(call: Call, form: Form<Address>) -> Answer<Gone> {
    let known = call.run(|ctx| {
        let found = recovery::request_password_reset(ctx, &form.parse()?.into_email()?)?;
        Ok(found || !settings::in_force(ctx.env)?.tells_of_unknown_password_reset())
    });
    if known.await? { Ok(Gone) } else { Err(Failure::Bare(NO_SUCH_EMAIL)) }
}

/// `POST users/reset_password_confirm/`
pub async fn confirm(call: Call, form: Form<ResetConfirm>) -> Answer<Remembered<Gone>> {
    let reset = call.run_hashing(|ctx| {
        let (confirm, twice) = if rules(ctx)?.password_reset_confirm_retype {
            form.parse_as::<ResetConfirmRetype>()?.into_parts()
        } else {
            (form.parse()?, Twice::ONCE)
        };
        let new = Password::parse("new_password", &confirm.new_password)?;
        recovery::check_password(ctx, &new)?;
        twice.check(|| Ok(()))?;
        recovery::reset_password(ctx, &confirm.uid, &confirm.token, new)?;
        Ok(Remembered::of(ctx, Gone))
    });
    Ok(reset.await?)
}

/// `POST users/set_username/`
pub async fn set_username(call: Call, form: Form<SetUsername>) -> Answer<Gone> {
    call.run_hashing(|ctx| {
        let free = free_username(ctx, "new_username");
        let (set, twice) = if rules(ctx)?.set_username_retype {
            form.parse_judged_late::<SetUsernameRetype>(free, own_password(ctx))?.into_parts()
        } else {
            (form.parse_judged_late::<SetUsername>(free, own_password(ctx))?, Twice::ONCE)
        };
        twice.check(|| me::check_password(ctx, &set.current_password))?;
        Ok(me::set_username(ctx, &set.current_password, Username::parse(&set.new_username)?)?)
    })
    .await?;
    Ok(Gone)
}

/// `POST users/reset_username/`
pub async fn reset_username(call: Call, form: Form<Address>) -> Answer<Gone> {
    let known = call.run(|ctx| {
        let found = recovery::request_username_reset(ctx, &form.parse()?.into_email()?)?;
        Ok(found || !settings::in_force(ctx.env)?.tells_of_unknown_username_reset())
    });
    if known.await? { Ok(Gone) } else { Err(Failure::Bare(NO_SUCH_EMAIL)) }
}

/// `POST users/reset_username_confirm/`
pub async fn confirm_username(call: Call, form: Form<UsernameConfirm>) -> Answer<Gone> {
    call.run(|ctx| {
        let (confirm, twice) = if rules(ctx)?.username_reset_confirm_retype {
            form.parse_judged::<UsernameConfirmRetype>(free_username(ctx, "new_username"))?.into_parts()
        } else {
            (form.parse_judged::<UsernameConfirm>(free_username(ctx, "new_username"))?, Twice::ONCE)
        };
        let (uid, token) = (confirm.uid.0.unwrap_or_default(), confirm.token.0.unwrap_or_default());
        twice.check(|| Ok(()))?;
        Ok(recovery::reset_username(ctx, &uid, &token, Username::parse(&confirm.new_username)?)?)
    })
    .await?;
    Ok(Gone)
}
