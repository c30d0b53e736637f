//! Seeds: roles, resources, actions and permissions as files that a person edits and loads as often as he likes.
//!
//! [`read`] or [`embedded`] gives files, [`plan`] says what loading them would do, [`apply`] does it, whole or not at all.
//! The files are `file.rs` (format), `wanted.rs` (all files as one), `state.rs` (the database), `plan.rs` and
//! `prune.rs` (the difference), `write.rs` (the writes). Users and who has which role are no matter of seeds.

mod change;
mod fault;
mod file;
mod plan;
mod prune;
mod reader;
mod state;
mod wanted;
mod write;

use std::path::PathBuf;

use crate::domain::catalog::Kind;
use crate::domain::error::Result;
use crate::domain::ids::RoleId;
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, bounds};
use crate::store::Tx;

pub use change::{Change, Part, Plan, Step};
pub use fault::SeedFault;
pub use file::{FILE_MAX, SeedFile, parse, read};

use change::{Op, Work};
use plan::Draft;

/// The mark of an installation that the embedded files were loaded into.
const SEEDED: &str = "seeded";

/// The folder `seed/` as it was at the build.
const EMBEDDED: [(&str, &str); 4] = [
    ("seed/resources.toml", include_str!("../../../seed/resources.toml")),
    ("seed/actions.toml", include_str!("../../../seed/actions.toml")),
    ("seed/permissions.toml", include_str!("../../../seed/permissions.toml")),
    ("seed/roles.toml", include_str!("../../../seed/roles.toml")),
];

/// The files that the program carries.
///
/// # Errors
/// `Invalid` if they are wrong, which a test rules out.
pub fn embedded() -> Result<Vec<SeedFile>> {
    let mut files = all(EMBEDDED.iter().map(|(name, text)| parse(name, text)))?;
    files.iter_mut().for_each(|file| file.embedded = true);
    Ok(files)
}

/// Reads files. To be called before the database is opened: closing one more handle of its file, if somebody names that
/// here, would drop the locks that SQLite holds on it.
///
/// # Errors
/// `Invalid` with every fault of every file, each as the field `file:line`.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<SeedFile>> {
    all(paths.iter().map(|path| read(path)))
}

fn all(parsed: impl Iterator<Item = Result<SeedFile, Vec<SeedFault>>>) -> Result<Vec<SeedFile>> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for one in parsed {
        match one {
            Ok(file) => files.push(file),
            Err(some) => faults.extend(some),
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(faults.into()) }
}

/// What [`apply`] would do. Needs `read` on roles, resources, actions and permissions; writes nothing.
///
/// # Errors
/// - `Forbidden`, `Unauthenticated` — see [`Ctx::require`]
/// - `Invalid` — what the files ask for cannot be; each fault is the field `file:line`
pub fn plan(ctx: &Ctx, files: &[SeedFile], prune: bool) -> Result<Plan> {
    require(ctx, &[action::READ])?;
    ctx.env.store.read(|tx| Ok(finished(plan::draft(tx, files, prune)?)))
}

/// Brings the database to what the files say: their entries are made or changed to their values, their roles get what
/// they list. With `prune`, what the files do not name goes: of the kinds that they name anything of, never what is
/// built in, and from roles only what a list of the files leaves out. Who has a role that stays is not touched.
///
/// All or nothing, one audit event for each change, and nothing at all when nothing changes. `progress` hears how many
/// of how many writes are done. Needs `read`, `create` and `update` (with `prune` also `delete`) on roles, resources,
/// actions and permissions, and every right that is given or goes.
///
/// # Errors
/// As [`plan`], and `Forbidden(Beyond)` for a right that the caller lacks.
pub fn apply(ctx: &Ctx, files: &[SeedFile], prune: bool, progress: &mut dyn FnMut(u64, u64)) -> Result<Plan> {
    let needed = [action::READ, action::CREATE, action::UPDATE, action::DELETE];
    require(ctx, if prune { &needed } else { &needed[..3] })?;
    ctx.write(|tx| load(ctx, tx, files, prune, progress))
}

/// Loads the embedded files into an installation that never got them, so that what is deleted later stays deleted; says
/// whether it did. Needs `all` on roles, resources, actions and permissions, and every right that is given.
///
/// # Errors
/// As [`apply`].
pub fn load_once(ctx: &Ctx) -> Result<bool> {
    if ctx.env.store.read(|tx| tx.mark(SEEDED))?.is_some() {
        return Ok(false);
    }
    require(ctx, &[action::ALL])?;
    let files = embedded()?;
    ctx.write(|tx| {
        if tx.mark(SEEDED)?.is_some() {
            return Ok(false);
        }
        load(ctx, tx, &files, false, &mut |_, _| ())?;
        Ok(true)
    })
}

fn load(ctx: &Ctx, tx: &dyn Tx, files: &[SeedFile], prune: bool, progress: &mut dyn FnMut(u64, u64)) -> Result<Plan> {
    let mut draft = plan::draft(tx, files, prune)?;
    bounded(ctx, tx, &draft)?;
    write::write(ctx, tx, &mut draft, progress)?;
    // Whoever prunes has said what the whole of it is: the next start must not add to that.
    let whole = prune || files.iter().any(|file| file.embedded);
    if whole && tx.mark(SEEDED)?.is_none() {
        tx.set_mark(SEEDED, &ctx.now.to_rfc3339())?;
    }
    Ok(finished(draft))
}

fn require(ctx: &Ctx, actions: &[&'static str]) -> Result<()> {
    let kinds = [Kind::Resource, Kind::Action, Kind::Role].map(Kind::resource);
    for name in kinds.into_iter().chain([resource::PERMISSIONS]) {
        for action in actions {
            ctx.require(&Right::of(name, action))?;
        }
    }
    Ok(())
}

/// Nobody gives, takes or deletes what he does not have.
fn bounded(ctx: &Ctx, tx: &dyn Tx, draft: &Draft) -> Result<()> {
    let mut concerned = Vec::new();
    for op in draft.removals.iter().chain(&draft.changes).filter_map(|work| work.op.as_ref()) {
        match op {
            Op::Pair(right) | Op::Allow { right, .. } | Op::Unpair(_, right) | Op::Deny { right, .. } => {
                concerned.push(right.clone());
            }
            Op::Delete { kind: Kind::Role, id, .. } => {
                concerned.extend(tx.permissions_of_role(RoleId(*id))?.into_iter().map(|permission| permission.right));
            }
            // The permissions of a resource or an action that goes are steps of their own.
            Op::Delete { kind: Kind::Resource | Kind::Action, .. } | Op::Insert(..) | Op::Patch { .. } => {}
        }
    }
    bounds::holds_all(ctx, &concerned)
}

fn finished(draft: Draft) -> Plan {
    Plan { steps: draft.changes.into_iter().chain(draft.removals).map(|Work { step, .. }| step).collect() }
}
