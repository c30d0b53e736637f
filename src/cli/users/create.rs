//! `authsrv users create`, and what it shares with `createsuperuser`.

use crate::cli::call::Call;
use crate::cli::catalog::LEFT;
use crate::cli::conflicts;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::prompt::Secret;
use crate::domain::catalog::{Kind, Named};
use crate::domain::error::{Error, FieldError, Result as Checked};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::ids::RoleId;
use crate::domain::users::UserPatch;
use crate::service::users::{self, Account, AccountPatch};
use crate::service::{Ensured, Ref, activation};

/// Options of `users create`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  authsrv users create --email ann@example.com --first-name Ann\n  \
    authsrv users create --username ann --role viewer --password-stdin < pass.txt")]
pub struct Create {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    secret: Secret,
    /// Gets into the admin pages
    #[arg(long)]
    staff: bool,
    /// Passes every check
    #[arg(long)]
    superuser: bool,
    /// May not sign in yet
    #[arg(long)]
    inactive: bool,
    /// May not sign in before the link that is mailed is followed, as if registered
    #[arg(long, conflicts_with_all = ["inactive", "staff", "superuser"])]
    pending: bool,
    /// Give this role; may be repeated
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// Leave an account that has one of these identifiers as it is, whatever its other values
    #[arg(long)]
    if_missing: bool,
}

/// Names of an account; one of e-mail, phone and username is needed.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Who {
    /// E-mail address
    #[arg(long)]
    pub email: Option<String>,
    /// Phone number, with + and country code
    #[arg(long)]
    pub phone: Option<String>,
    /// Name to sign in by
    #[arg(long)]
    pub username: Option<String>,
    /// First name
    #[arg(long, value_name = "NAME")]
    pub first_name: Option<String>,
    /// Last name
    #[arg(long, value_name = "NAME")]
    pub last_name: Option<String>,
    /// Middle name
    #[arg(long, value_name = "NAME")]
    pub middle_name: Option<String>,
}

impl Who {
    /// The names that were given.
    ///
    /// # Errors
    /// Every identifier that is not good, at once.
    pub fn patch(self) -> Checked<UserPatch> {
        let mut wrong = Vec::new();
        let patch = UserPatch {
            email: parsed(self.email.as_deref(), Email::parse, &mut wrong)?.map(Some),
            phone: parsed(self.phone.as_deref(), Phone::parse, &mut wrong)?.map(Some),
            username: parsed(self.username.as_deref(), Username::parse, &mut wrong)?.map(Some),
            first_name: self.first_name,
            last_name: self.last_name,
            middle_name: self.middle_name.map(Some),
            ..UserPatch::default()
        };
        if wrong.is_empty() { Ok(patch) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Makes a user unless there is one with the values that are named.
pub fn run(args: Create, call: &Call) -> Result<Output<'_>, Failure> {
    let Create { who, secret, staff, superuser, inactive, pending, role, if_missing } = args;
    if who.email.is_none() && who.phone.is_none() && who.username.is_none() {
        return Err(Failure::usage("a user needs one of --email, --phone and --username"));
    }
    let profile = UserPatch {
        is_active: (inactive || pending).then_some(false),
        is_staff: staff.then_some(true),
        is_superuser: superuser.then_some(true),
        ..who.patch()?
    };
    let found: Vec<Named> = role.iter().map(|code| call.named(Kind::Role, code)).collect::<Result<_, _>>()?;
    if if_missing && let Some(there) = users::holder(&call.ctx(), &profile)? {
        let note = format!("{LEFT} user {}.", there.user.label());
        return Ok(super::shown(&there, call)?.with_note(note));
    }
    let password = Some(secret.read(call.prompt)?);
    let roles = Some(found.iter().map(|role| Ref::Id(role.id)).collect());
    let (account, note) = match users::ensure(&call.ctx(), AccountPatch { profile: profile.clone(), password, roles })?
    {
        Ensured::Created(account) => (account, "Created"),
        Ensured::Unchanged(account) => (account, "Already exists with these values:"),
        Ensured::Differs(there, fields) => {
            let lacks = |role: &&Named| !there.roles.contains(&RoleId(role.id));
            let lacking: Vec<String> = found.iter().filter(lacks).map(|role| role.code_name.clone()).collect();
            return Err(conflicts::of_user(&there.user, &fields, &profile, &lacking));
        }
    };
    let account = match pending {
        true => Account { user: activation::await_link(&call.ctx(), account.user.id)?, ..account },
        false => account,
    };
    let note = format!("{note} user {}.", account.user.label());
    Ok(super::shown(&account, call)?.with_note(note))
}

/// Parses what was given; complaints are collected, so that all are told at once.
pub fn parsed<T>(text: Option<&str>, parse: fn(&str) -> Checked<T>, wrong: &mut Vec<FieldError>) -> Checked<Option<T>> {
    match text.map(parse).transpose() {
        Ok(value) => Ok(value),
        Err(Error::Invalid(fields)) => {
            wrong.extend(fields);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
