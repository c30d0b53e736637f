//! The long look: all of the file, all of the audit trail, and everything that is sealed.

use super::{Finding, Level, of_key, restore, trail_fault};
use crate::domain::backups::{Fault, Hear};
use crate::domain::error::{Error, Result};
use crate::service::{Ctx, audit, bounds, keys, mails, secrets};

/// What is kept beside the tables is looked at, too, in a copy of the database: nobody waits for it.
const DATABASE: &str = "database in depth";
const SEALED: &str = "sealed secrets";

/// Examines all that there is, which takes as long as reading it some times. Operators and superusers only.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` for others.
pub fn examine_in_depth(ctx: &Ctx, hear: Hear) -> Result<Vec<Finding>> {
    bounds::superuser(ctx)?;
    let mut findings = database(ctx, hear);
    findings.push(trail(ctx));
    findings.extend(sealed(ctx).unwrap_or_else(|error| vec![of_key(SEALED, error)]));
    Ok(findings)
}

fn database(ctx: &Ctx, hear: Hear) -> Vec<Finding> {
    match ctx.env.store.look_through(hear) {
        Ok(faults) if faults.is_empty() => {
            vec![Finding::ok(DATABASE, "tables, indexes, references, the index for searches and counted rows agree")]
        }
        Ok(faults) => {
            faults.into_iter().map(|fault| Finding::new(Level::Problem, DATABASE, fault, restore())).collect()
        }
        Err(fault @ Fault::Unwritten { .. }) => {
            let text = format!("not looked through, since there is no copy to look at: {fault}");
            vec![Finding::new(Level::Problem, DATABASE, text, fault.advice())]
        }
        Err(fault) => vec![Finding::new(Level::Problem, DATABASE, fault.to_string(), restore())],
    }
}

fn trail(ctx: &Ctx) -> Finding {
    const TRAIL: &str = "whole audit trail";
    match audit::verify(ctx, None) {
        Ok(found) => match found.broken {
            None => Finding::ok(TRAIL, format!("its {} events are as they were written", found.checked)),
            Some(broken) => trail_fault(TRAIL, &broken),
        },
        Err(error) => of_key(TRAIL, error),
    }
}

/// Whether everything opens that is sealed.
fn sealed(ctx: &Ctx) -> Result<Vec<Finding>> {
    let env = ctx.env;
    let (keys, secrets, mails) =
        env.store.read(|tx| Ok((tx.signing_keys()?, tx.sealed_secrets()?, tx.sealed_mails()?)))?;
    let all = keys.iter().map(|key| (keys::purpose(&key.kid), &key.sealed));
    let all = all.chain(secrets.iter().map(|(name, sealed)| (secrets::purpose(name).to_owned(), sealed)));
    let all = all.chain(mails.iter().map(|(_, sealed)| (mails::PURPOSE.to_owned(), sealed)));
    let (mut opened, mut findings) = (0, Vec::new());
    for (purpose, sealed) in all {
        match env.master.open(&purpose, sealed) {
            Ok(_) => opened += 1,
            Err(error @ Error::Internal(_)) => findings.push(of_key(SEALED, error)),
            Err(other) => return Err(other),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(SEALED, format!("all {opened} open with the master key")));
    }
    Ok(findings)
}
