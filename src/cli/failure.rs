//! Why a command failed, as text and exit code. The one place where [`Error`] becomes either.

use std::process::ExitCode;

use super::holders;
use crate::app::{OpenError, about_the_master_key};
use crate::config::ConfigError;
use crate::domain::advice::Advice;
use crate::domain::backups::Fault;
use crate::domain::error::{Conflict, Entity, Error, FieldError};

/// How the program exits. A contract with scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done, or so already.
    Done = 0,
    /// Refused: not found, conflict, denied, unhealthy.
    Refused = 1,
    /// The command line or the input is wrong.
    Usage = 2,
    /// A fault of ours, or the output cannot be written.
    Internal = 70,
    /// Ctrl-C, or what else stops a program, while a password was typed: 128 and the number of SIGINT.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        ExitCode::from(code as u8)
    }
}

/// A failed command: what happened, and what to type next. Texts are made inert where they are printed.
#[derive(Debug)]
pub struct Failure {
    /// How the program exits.
    pub code: Code,
    /// What happened, one sentence without a full stop.
    pub text: String,
    /// Particulars, one a line.
    pub lines: Vec<String>,
    /// What to type next.
    pub hints: Vec<Advice>,
}

impl Failure {
    fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), lines: Vec::new(), hints: Vec::new() }
    }

    /// Exit code 1.
    pub fn refused(text: impl Into<String>) -> Self {
        Self::new(Code::Refused, text)
    }

    /// Exit code 2.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Code::Usage, text)
    }

    /// Exit code 70.
    pub fn internal(text: impl Into<String>) -> Self {
        Self::new(Code::Internal, text)
    }

    /// The failure of something whose values come by no flags: settings have keys, seeds have files and lines.
    pub fn of_input(error: Error) -> Self {
        match error {
            Error::Invalid(fields) => invalid(&fields, |field| format!("{field}: ")),
            error => error.into(),
        }
    }

    /// Adds what to type next.
    pub fn hint(mut self, advice: impl Into<Advice>) -> Self {
        self.hints.push(advice.into());
        self
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::usage(error.0)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let mut failure = Failure::refused(error.to_string());
        let holders = error.held().map(|lock| holders::of(&lock)).unwrap_or_default();
        failure.lines = holders.iter().map(|holder| format!("used by {holder}")).collect();
        match error.advice() {
            advice if advice.is_empty() => failure,
            advice => failure.hint(advice),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Invalid(fields) => invalid(fields, flag),
            Error::Unauthenticated(_) | Error::Forbidden(_) => Failure::refused(error.to_string()),
            Error::NotFound(entity) => Failure::refused(error.to_string()).hinting(listing(*entity)),
            Error::Conflict(conflict) => Failure::refused(error.to_string()).hinting(way_out(conflict)),
            Error::TooMany { .. } => Failure::refused(error.to_string()),
            Error::Unavailable { .. } => {
                Failure::refused("the database or the password hashing is busy; nothing was changed").hint(
                    Advice::from("try again; if it stays so, ")
                        .and_run("doctor")
                        .and(" looks for the cause, and the disk may be full"),
                )
            }
            Error::Internal(cause) => internal(cause.as_ref()),
        }
    }
}

impl Failure {
    /// Adds what to type next, if there is something.
    pub fn hinting(mut self, advice: Option<Advice>) -> Self {
        self.hints.extend(advice);
        self
    }
}

fn invalid(fields: &[FieldError], place: impl Fn(&str) -> String) -> Failure {
    let complaint = |FieldError { field, message, .. }: &FieldError| match field.as_str() {
        "" => message.clone(),
        field => format!("{}{message}", place(field)),
    };
    let mut lines: Vec<String> = fields.iter().map(complaint).collect();
    if lines.len() == 1 {
        return Failure::usage(lines.remove(0));
    }
    Failure { lines, ..Failure::usage("the input is not valid") }
}

/// The flag that a field was given by. A password comes by no flag of that name.
fn flag(field: &str) -> String {
    match field {
        "password" => "password: ".to_owned(),
        "secret" => "secret: ".to_owned(),
        "kid" => "KID: ".to_owned(),
        "roles" => "--role: ".to_owned(),
        "permissions" => "--permission: ".to_owned(),
        field => format!("--{}: ", field.replace('_', "-")),
    }
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        let mut failure = Failure::refused(fault.to_string());
        if let Fault::Damaged { found, .. } = fault {
            failure.lines.extend(found.iter().skip(1).cloned());
        }
        failure.hinting(Some(fault.advice()).filter(|advice| !advice.is_empty()))
    }
}

fn internal(cause: &(dyn std::error::Error + 'static)) -> Failure {
    if let Some(fault) = cause.downcast_ref::<Fault>() {
        return fault.into();
    }
    if let Some((what, advice)) = about_the_master_key(cause) {
        return Failure::refused(what).hint(advice);
    }
    let mut failure = Failure::internal(format!("internal error: {cause}"));
    let mut next = cause.source();
    while let Some(cause) = next {
        failure.lines.push(format!("because: {cause}"));
        next = cause.source();
    }
    failure
}

/// The command that lists all things of a kind.
pub fn listing(entity: Entity) -> Option<Advice> {
    let words = match entity {
        Entity::User => "users list",
        Entity::Role => "roles list",
        Entity::Resource => "resources list",
        Entity::Action => "actions list",
        Entity::Session => "sessions list",
        Entity::Token => "tokens list",
        Entity::ApiToken => "tokens api list",
        Entity::Setting => "settings list",
        Entity::Mail => "mail list",
        Entity::Key => "keys list",
        Entity::Permission | Entity::Page => return None,
    };
    Some(Advice::run(words).and(" shows them all"))
}

fn way_out(conflict: &Conflict) -> Option<Advice> {
    match conflict {
        Conflict::LastSuperuser => Some(Advice::from("make another one first: ").and_run("createsuperuser")),
        Conflict::Taken(entity, _) => listing(*entity),
        Conflict::BuiltIn(_) => None,
    }
}
