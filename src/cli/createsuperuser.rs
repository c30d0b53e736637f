//! `authsrv createsuperuser`: the first superuser, or one more; also for containers, where it runs at each start.
//!
//! What was given is judged before a database or a key is made, so that a wrong call leaves nothing behind.

use super::Start;
use super::call::{Call, word_of};
use super::conflicts;
use super::failure::{Code, Failure};
use super::output::{self, Cell, Output, Record};
use super::prompt::Secret;
use super::superuser;
use super::users::{Who, shown};
use crate::app::Missing;
use crate::domain::advice::Advice;
use crate::domain::error::{Error, Result as Checked};
use crate::domain::passwords::Password;
use crate::domain::users::UserPatch;
use crate::service::users::{self, Account, AccountPatch, NewAccount};

/// How often a password is asked for that the rules refuse.
const TRIES: usize = 3;

/// Options of `createsuperuser`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    secret: Secret,
    /// Do nothing if there is an active superuser already
    #[arg(long)]
    if_missing: bool,
}

const HELP: &str = "\
The e-mail comes from --email, else AUTHSRV_SUPERUSER_EMAIL, else it is asked for.
The password comes from --password-stdin, else AUTHSRV_SUPERUSER_PASSWORD, else the first line of the
file AUTHSRV_SUPERUSER_PASSWORD_FILE, else it is asked for twice.
A superuser that already exists must have what is given; --if-missing does not compare.

Examples:
  authsrv createsuperuser --email you@example.com
  authsrv createsuperuser --if-missing --no-input  (in a container)";

/// Makes a superuser; may be repeated.
pub fn run(args: Args, start: &Start) -> Result<Code, Failure> {
    // A database that is there says what is asked of a password, and who is there.
    let open = if start.is_new() { None } else { Some(start.call(Missing::Create)?) };
    let print = |output: Output<'_>| output::print(output, start.format);
    if let (true, Some(call)) = (args.if_missing, &open)
        && users::has_superuser(&call.ctx())?
    {
        let record = Record(vec![("created", Cell::Bool(false))]);
        return print(Output::done("There is a superuser already; nothing was changed.", record));
    }
    let Args { mut who, secret, if_missing } = args;
    if who.email.is_none() && who.phone.is_none() && who.username.is_none() {
        who.email = Some(email(start)?);
    }
    let profile = UserPatch { is_superuser: Some(true), ..who.patch()? };
    let mut password = given(&secret, start)?;
    if let Some(call) = &open
        && let Some(account) = users::holder(&call.ctx(), &profile)?
    {
        let password = password.filter(|_| !if_missing);
        return print(existing(&account, profile, password, call)?);
    }
    let new = UserPatch { is_staff: Some(true), ..profile.clone() }.into_new();
    let judge = |password: &Password| users::acceptable(open.as_ref().map(Call::ctx).as_ref(), new.clone(), password);
    match &password {
        Some(password) => judge(password)?,
        None => password = Some(asked(&secret, start, judge)?),
    }
    let call = open.map_or_else(|| start.call(Missing::Create), Ok)?;
    let account = match users::create(&call.ctx(), NewAccount { profile: new, password, roles: Vec::new() }) {
        // Another container was quicker.
        Err(Error::Conflict(conflict)) => match users::holder(&call.ctx(), &profile)? {
            Some(account) => return print(existing(&account, profile, None, &call)?),
            None => return Err(Error::Conflict(conflict).into()),
        },
        account => account?,
    };
    let note = format!("Created superuser {}.", account.user.label());
    print(shown(&account, &call)?.with_note(note))
}

fn email(start: &Start) -> Result<String, Failure> {
    match superuser::email(start) {
        Some(email) => Ok(email),
        None => start.prompt.line("E-mail", "--email or AUTHSRV_SUPERUSER_EMAIL"),
    }
}

/// The password that came without asking.
fn given(secret: &Secret, start: &Start) -> Result<Option<Password>, Failure> {
    if secret.password_stdin { secret.read(start.prompt).map(Some) } else { superuser::password(start) }
}

/// The password that is asked for, again while the rules refuse it.
fn asked(secret: &Secret, start: &Start, judge: impl Fn(&Password) -> Checked<()>) -> Result<Password, Failure> {
    let mut tries = 1;
    loop {
        let password =
            secret.read(start.prompt).map_err(|failure| failure.hint("or set AUTHSRV_SUPERUSER_PASSWORD"))?;
        match judge(&password) {
            Ok(()) => return Ok(password),
            Err(Error::Invalid(faults)) if tries < TRIES && faults.iter().all(|fault| fault.field == "password") => {
                faults.iter().for_each(|fault| output::note(&fault.message));
                tries += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// What to say of a user who has one of the names already.
fn existing<'a>(
    account: &Account,
    profile: UserPatch,
    password: Option<Password>,
    call: &'a Call,
) -> Result<Output<'a>, Failure> {
    let (label, word) = (account.user.label(), word_of(&account.user));
    if !account.user.is_superuser {
        return Err(Failure::refused(format!("{label} already exists and is not a superuser"))
            .hint(Advice::run(format!("users update {word} --superuser")).and(" changes that")));
    }
    let wanted = AccountPatch { profile: profile.clone(), password, roles: None };
    let fields = users::differences(&call.ctx(), account, wanted)?;
    if !fields.is_empty() {
        return Err(conflicts::of_user(&account.user, &fields, &profile, &[]));
    }
    if !account.user.is_active {
        return Err(Failure::refused(format!("superuser {label} already exists and is inactive"))
            .hint(Advice::run(format!("users activate {word}")).and(" lets this account sign in")));
    }
    Ok(shown(account, call)?.with_note(format!("Superuser {label} already exists; nothing was changed.")))
}
