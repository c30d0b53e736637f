//! Changes of an account that is there.

use super::create::parsed;
use super::{One, SetPassword, shown};
use crate::cli::call::Call;
use crate::cli::conflicts;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Output, Record};
use crate::cli::prompt;
use crate::domain::advice::Advice;
use crate::domain::error::{Error, FieldError, Result as Checked};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::ids::Timestamp;
use crate::domain::times;
use crate::domain::users::{User, UserPatch};
use crate::service::users::{self, AccountPatch};

/// Options of `users update`. What is not named stays; an empty text (`--phone ""`) empties a field.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  authsrv users update ann@example.com --last-name Smith --phone ''\n  \
    authsrv users update ann@example.com --superuser\n  authsrv users update ann@example.com --force-logout-at now")]
pub struct Update {
    #[command(flatten)]
    one: One,
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// Phone number, with + and country code; '' removes it
    #[arg(long)]
    phone: Option<String>,
    /// Name to sign in by; '' removes it
    #[arg(long)]
    username: Option<String>,
    /// First name
    #[arg(long, value_name = "NAME")]
    first_name: Option<String>,
    /// Last name
    #[arg(long, value_name = "NAME")]
    last_name: Option<String>,
    /// Middle name; '' removes it
    #[arg(long, value_name = "NAME")]
    middle_name: Option<String>,
    /// Gets into the admin pages
    #[arg(long, overrides_with = "no_staff")]
    staff: bool,
    /// Does not get into the admin pages
    #[arg(long)]
    no_staff: bool,
    /// Passes every check
    #[arg(long, overrides_with = "no_superuser")]
    superuser: bool,
    /// Is an ordinary user
    #[arg(long)]
    no_superuser: bool,
    /// May sign in
    #[arg(long, overrides_with = "inactive")]
    active: bool,
    /// May not sign in; what was issued is void
    #[arg(long)]
    inactive: bool,
    /// Void what was issued before this time: now, or as in 2024-07-13T17:24:33Z (without a zone in UTC); '' removes it
    #[arg(long, value_name = "WHEN")]
    force_logout_at: Option<String>,
}

/// Changes what was named.
pub fn update(args: Update, call: &Call) -> Result<Output<'_>, Failure> {
    let before = call.user(&args.one.user)?;
    let Some(profile) = patch(args, call.ctx().now)? else {
        return Err(Failure::usage("nothing to change was named")
            .hint(Advice::run("users update --help").and(" shows what can be")));
    };
    let patch = AccountPatch { profile: profile.clone(), ..AccountPatch::default() };
    let account = users::update(&call.ctx(), before.user.id, patch)
        .map_err(|error| conflicts::of_update_of_user(error, &profile, call))?;
    let note = match account == before {
        true => format!("User {} has these values already.", account.user.label()),
        false => format!("Updated user {}.", account.user.label()),
    };
    Ok(shown(&account, call)?.with_note(note))
}

/// Lets a user in again.
pub fn activate<'a>(one: &One, call: &'a Call) -> Result<Output<'a>, Failure> {
    switch(one, call, true)
}

/// Keeps a user out.
pub fn deactivate<'a>(one: &One, call: &'a Call) -> Result<Output<'a>, Failure> {
    switch(one, call, false)
}

/// Deletes a user, after a yes.
pub fn delete<'a>(one: &One, call: &'a Call) -> Result<Output<'a>, Failure> {
    let user = call.user(&one.user)?.user;
    call.prompt.confirm(&format!("Delete user {} (id {}) with all sessions?", user.label(), user.id))?;
    users::delete(&call.ctx(), user.id)?;
    Ok(Output::done(format!("Deleted user {}.", user.label()), told(&user, ("deleted", Cell::Bool(true)))))
}

/// Sets a user's password.
pub fn set_password<'a>(args: &SetPassword, call: &'a Call) -> Result<Output<'a>, Failure> {
    if !args.typed.is_empty() {
        return Err(prompt::no_argument());
    }
    let user = call.user(&args.one.user)?.user;
    let patch = AccountPatch { password: Some(args.secret.read(call.prompt)?), ..AccountPatch::default() };
    users::update(&call.ctx(), user.id, patch)?;
    let text = format!("Set the password of {} and ended all sessions.", user.label());
    Ok(Output::done(text, told(&user, ("changed", Cell::Bool(true)))))
}

fn switch<'a>(one: &One, call: &'a Call, active: bool) -> Result<Output<'a>, Failure> {
    let account = call.user(&one.user)?;
    let word = if active { "active" } else { "inactive" };
    // Who waits for an activation may not any more.
    if account.user.is_active == active && account.user.pending.is_none() {
        let note = format!("{} is {word} already.", account.user.label());
        return Ok(shown(&account, call)?.with_note(note));
    }
    let profile = UserPatch { is_active: Some(active), ..UserPatch::default() };
    let account = users::update(&call.ctx(), account.user.id, AccountPatch { profile, ..AccountPatch::default() })?;
    let note = format!("{} is {word} now.", account.user.label());
    Ok(shown(&account, call)?.with_note(note))
}

/// What JSON says of a change of a user, besides whose it is.
pub fn told(user: &User, what: (&'static str, Cell)) -> Record {
    Record(vec![("id", Cell::Number(user.id.0)), ("user", Cell::text(user.label())), what])
}

/// The change; `None` if there is none.
fn patch(args: Update, now: Timestamp) -> Checked<Option<UserPatch>> {
    let mut wrong = Vec::new();
    let either = |yes: bool, no: bool| (yes || no).then_some(yes);
    let nothing = args.email.is_none()
        && [&args.phone, &args.username, &args.first_name, &args.last_name, &args.middle_name, &args.force_logout_at]
            .iter()
            .all(|field| field.is_none())
        && ![args.staff, args.no_staff, args.superuser, args.no_superuser, args.active, args.inactive].contains(&true);
    if nothing {
        return Ok(None);
    }
    let patch = UserPatch {
        email: emptied(args.email.as_deref(), Email::parse, &mut wrong)?,
        phone: emptied(args.phone.as_deref(), Phone::parse, &mut wrong)?,
        username: emptied(args.username.as_deref(), Username::parse, &mut wrong)?,
        first_name: args.first_name,
        last_name: args.last_name,
        middle_name: args.middle_name.map(Some),
        is_active: either(args.active, args.inactive),
        is_staff: either(args.staff, args.no_staff),
        is_superuser: either(args.superuser, args.no_superuser),
        force_logout_at: match args.force_logout_at.as_deref() {
            Some("now") => Some(Some(now)),
            text => emptied(text, instant, &mut wrong)?,
        },
    };
    if wrong.is_empty() { Ok(Some(patch)) } else { Err(Error::Invalid(wrong)) }
}

/// Like [`parsed`], for a field that an empty text empties.
fn emptied<T>(
    text: Option<&str>,
    parse: fn(&str) -> Checked<T>,
    wrong: &mut Vec<FieldError>,
) -> Checked<Option<Option<T>>> {
    match text {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        text => Ok(parsed(text, parse, wrong)?.map(Some)),
    }
}

fn instant(text: &str) -> Checked<Timestamp> {
    times::instant(text).ok_or_else(|| {
        let message = "Enter now, or a time as in 2024-07-13T17:24:33Z; without a zone it is in UTC.";
        Error::invalid("force_logout_at", "invalid", message)
    })
}
