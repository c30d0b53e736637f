//! The superuser whom the environment names: for containers and services, whose first start makes it, and for
//! `createsuperuser`. The password stays in no environment that a program started later could inherit or others read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::Command;

use zeroize::Zeroizing;

use super::Start;
use super::call::Call;
use super::failure::Failure;
use crate::config::layers::Raw;
use crate::domain::error::Error;
use crate::domain::identifiers::Email;
use crate::domain::passwords::Password;
use crate::domain::users::UserPatch;
use crate::service::users::{self, NewAccount};

const EMAIL: &str = "AUTHSRV_SUPERUSER_EMAIL";
const PASSWORD: &str = "AUTHSRV_SUPERUSER_PASSWORD";
const PASSWORD_FILE: &str = "AUTHSRV_SUPERUSER_PASSWORD_FILE";
/// Most that is read of a file with a password, in bytes.
const FILE_MAX: u64 = 16 * 1024;

/// The e-mail, if the environment names one.
pub fn email(start: &Start) -> Option<String> {
    start.layers.variable(EMAIL).map(|raw| raw.value.to_string_lossy().into_owned())
}

/// The password, if the environment names one or a file with one in its first line.
///
/// # Errors
/// `Usage` when it names both, or what is there is no password.
pub fn password(start: &Start) -> Result<Option<Password>, Failure> {
    match (start.layers.variable(PASSWORD), start.layers.variable(PASSWORD_FILE)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("{PASSWORD} and {PASSWORD_FILE} are both set; leave one out")))
        }
        (Some(raw), None) => {
            let text = raw.value.to_str().ok_or_else(|| Failure::usage(format!("{PASSWORD} is not UTF-8")))?;
            Ok(Some(Password::parse("password", text)?))
        }
        (None, Some(raw)) => Ok(Some(Password::parse("password", &first_line(&raw)?)?)),
    }
}

/// The first line of the file that a variable names. Others may read a secret that a container is given, so its mode is
/// not looked at.
fn first_line(raw: &Raw) -> Result<Zeroizing<String>, Failure> {
    let path = raw.base.join(&raw.value);
    let mut text = Zeroizing::new(String::new());
    File::open(&path)
        .and_then(|file| file.take(FILE_MAX).read_to_string(&mut text))
        .map_err(|error| Failure::usage(format!("cannot read {} ({}): {error}", path.display(), raw.source)))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Passes if the superuser whom the environment names, if it does, can be made in a new database.
///
/// # Errors
/// `Usage`, with what is wrong.
pub fn check(start: &Start) -> Result<(), Failure> {
    let Some(account) = named(start)? else { return Ok(()) };
    let Some(password) = &account.password else { return Ok(()) };
    users::acceptable(None, account.profile, password).map_err(refused)
}

/// Makes the superuser whom the environment names and tells his name; for when there is none. Nothing where none is named.
///
/// # Errors
/// `Usage` when it cannot be, with what is wrong; `Refused` when somebody else has the address.
pub fn make(start: &Start, call: &Call) -> Result<Option<String>, Failure> {
    let Some(account) = named(start)? else { return Ok(None) };
    match users::create(&call.ctx(), account) {
        Ok(made) => Ok(Some(made.user.label().to_owned())),
        // Another container was quicker.
        Err(Error::Conflict(_)) if users::has_superuser(&call.ctx())? => Ok(None),
        Err(Error::Conflict(_)) => {
            let text = format!("there is no active superuser, and {EMAIL} names an account that is none");
            Err(Failure::refused(text).hinting(super::failure::listing(crate::domain::error::Entity::User)))
        }
        Err(error) => Err(refused(error)),
    }
}

/// Whom the environment names. An address alone is no wish: `createsuperuser` asks for the rest.
fn named(start: &Start) -> Result<Option<NewAccount>, Failure> {
    let Some(password) = password(start).map_err(in_the_way)? else { return Ok(None) };
    let Some(text) = email(start) else {
        return Err(in_the_way(Failure::usage(format!("there is a password for a superuser, and {EMAIL} is not set"))));
    };
    let email = Email::parse(&text).map_err(refused)?;
    let profile =
        UserPatch { email: Some(Some(email)), is_superuser: Some(true), is_staff: Some(true), ..UserPatch::default() };
    Ok(Some(NewAccount { profile: profile.into_new(), password: Some(password), roles: Vec::new() }))
}

/// What is wrong with an account, by the variable that it comes from.
fn refused(error: Error) -> Failure {
    let Error::Invalid(faults) = error else { return error.into() };
    let variable = |field: &str| if field == "email" { EMAIL } else { PASSWORD };
    let lines = faults.iter().map(|fault| format!("{}: {}", variable(&fault.field), fault.message)).collect();
    in_the_way(Failure { lines, ..Failure::usage("the superuser that the environment names cannot be made") })
}

fn in_the_way(failure: Failure) -> Failure {
    failure.hint(format!("correct {EMAIL} and {PASSWORD} (or {PASSWORD_FILE}), or leave them out"))
}

/// Where the environment still names the password, if it does.
pub fn left_over(start: &Start) -> Option<String> {
    start.layers.variable(PASSWORD).map(|raw| raw.source.to_string())
}

/// Whether the environment of this process holds the password.
pub fn has_password() -> bool {
    std::env::var_os(PASSWORD).is_some()
}

/// Begins this program anew without the password in its environment, where others can read it for as long as a process
/// lives. Returns only if that is not possible, with the reason.
pub fn forget_password() -> io::Error {
    let mut words = std::env::args_os();
    let called = words.next().unwrap_or_else(|| "authsrv".into());
    match std::env::current_exe() {
        Ok(program) => Command::new(program).arg0(called).args(words).env_remove(PASSWORD).exec(),
        Err(error) => error,
    }
}
