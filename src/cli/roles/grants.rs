//! Granting and revoking: roles of users, permissions of roles. Twice is as good as once.

use crate::cli::call::Call;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Output, Record};
use crate::domain::catalog::{Kind, Permission};
use crate::domain::error::Error;
use crate::domain::ids::RoleId;
use crate::domain::rights::Right;
use crate::service::permissions::PermissionRef;
use crate::service::{Ref, roles};

/// A user and a role.
#[derive(Debug, clap::Args)]
pub struct Membership {
    /// Id, e-mail, phone or username
    #[arg(value_name = "USER")]
    user: String,
    /// Code name of the role
    #[arg(value_name = "ROLE")]
    role: String,
}

/// A role and permissions.
#[derive(Debug, clap::Args)]
pub struct Permissions {
    /// Code name of the role
    #[arg(value_name = "ROLE")]
    role: String,
    /// Permissions, by code names
    #[arg(value_name = "RESOURCE:ACTION", required = true)]
    permissions: Vec<String>,
}

/// Gives a user a role.
pub fn grant<'a>(args: &Membership, call: &'a Call) -> Result<Output<'a>, Failure> {
    let (user, role) = (call.user(&args.user)?.user, call.named(Kind::Role, &args.role)?);
    let (role, new) = roles::grant(&call.ctx(), user.id, &Ref::Id(role.id))?;
    let (code, label) = (&role.code_name, user.label());
    let text = if new { format!("Granted {code} to {label}.") } else { format!("{label} has {code} already.") };
    Ok(Output::done(text, membership(label, code, new)))
}

/// Takes a role from a user.
pub fn revoke<'a>(args: &Membership, call: &'a Call) -> Result<Output<'a>, Failure> {
    let (user, role) = (call.user(&args.user)?.user, call.named(Kind::Role, &args.role)?);
    let (role, had) = roles::revoke(&call.ctx(), user.id, &Ref::Id(role.id))?;
    let (code, label) = (&role.code_name, user.label());
    let text = if had { format!("Revoked {code} from {label}.") } else { format!("{label} did not have {code}.") };
    Ok(Output::done(text, membership(label, code, had)))
}

/// Gives a role permissions.
pub fn allow<'a>(args: &Permissions, call: &'a Call) -> Result<Output<'a>, Failure> {
    let role = call.named(Kind::Role, &args.role)?;
    let which = references(&args.permissions)?;
    let given = roles::allow(&call.ctx(), RoleId(role.id), &which).map_err(|error| explained(error, &which, call))?;
    let tell = |right: &Right, new: bool| {
        if new {
            format!("{} allows {right} now.", role.code_name)
        } else {
            format!("{} allows {right} already.", role.code_name)
        }
    };
    Ok(told(&role.code_name, &given, tell))
}

/// Takes permissions from a role.
pub fn deny<'a>(args: &Permissions, call: &'a Call) -> Result<Output<'a>, Failure> {
    let role = call.named(Kind::Role, &args.role)?;
    let which = references(&args.permissions)?;
    let taken = roles::deny(&call.ctx(), RoleId(role.id), &which).map_err(|error| explained(error, &which, call))?;
    let tell = |right: &Right, had: bool| {
        if had {
            format!("{} does not allow {right} any more.", role.code_name)
        } else {
            format!("{} did not allow {right}.", role.code_name)
        }
    };
    Ok(told(&role.code_name, &taken, tell))
}

/// Reads `resource:action` texts.
pub fn references(texts: &[String]) -> Result<Vec<PermissionRef>, Failure> {
    texts
        .iter()
        .map(|text| {
            Right::parse(text).map(PermissionRef::Right).ok_or_else(|| {
                Failure::usage(format!("\"{text}\" is not RESOURCE:ACTION"))
                    .hint("write it as in documents:read; documents:all allows every action")
            })
        })
        .collect()
}

/// Passes if every resource and action exists.
///
/// # Errors
/// `Refused` with the first that does not, and what is named nearly so.
pub fn known(which: &[PermissionRef], call: &Call) -> Result<(), Failure> {
    for one in which {
        if let PermissionRef::Right(right) = one {
            call.named(Kind::Resource, &right.resource)?;
            call.named(Kind::Action, &right.action)?;
        }
    }
    Ok(())
}

/// The refusal of an operation on permissions, told by the name that does not exist if there is one.
fn explained(error: Error, which: &[PermissionRef], call: &Call) -> Failure {
    if !matches!(error, Error::NotFound(_) | Error::Invalid(_)) {
        return error.into();
    }
    known(which, call).err().unwrap_or_else(|| error.into())
}

fn membership(user: &str, role: &str, changed: bool) -> Record {
    Record(vec![("user", Cell::text(user)), ("role", Cell::text(role)), ("changed", Cell::Bool(changed))])
}

fn told(role: &str, rights: &[(Permission, bool)], tell: impl Fn(&Right, bool) -> String) -> Output<'static> {
    let texts = |wanted: bool| {
        let rights = rights.iter().filter(|(_, changed)| *changed == wanted);
        Cell::List(rights.map(|(permission, _)| permission.right.to_string()).collect())
    };
    let record = Record(vec![("role", Cell::text(role)), ("changed", texts(true)), ("unchanged", texts(false))]);
    let mut output = Output::said(Vec::new(), record);
    output.notes = rights.iter().map(|(permission, changed)| tell(&permission.right, *changed)).collect();
    output
}
