//! Accounts out of a Django site, with the passwords that people have there, its groups as roles and what these may do.
//!
//! [`plan`] says what an import does, [`apply`] does it, in pieces: one that was interrupted is completed by the next,
//! and one more changes nothing. Who is here already stays as he is. The files are `json.rs` (what `dumpdata` writes; the
//! reader of SQLite files is the engine's), `people.rs` (rows as accounts) and `groups.rs` (groups as roles).

mod groups;
mod json;
mod people;

use serde_json::json;

use crate::crypto::hash::{Imported, decoy};
use crate::domain::catalog::Named;
use crate::domain::error::{Error, Result};
use crate::domain::identifiers::Email;
use crate::domain::ids::UserId;
use crate::domain::imports::{Arrival, Change, ForeignUser, Ids, Part, Report, Source, Step};
use crate::domain::passwords::Password;
use crate::domain::rights::{Right, action, resource};
use crate::domain::settings::{Registration, Settings};
use crate::domain::users::{NewUser, User};
use crate::service::{Ctx, Env, bounds, roles};
use crate::store::Tx;

pub use json::read as read_json;

use people::{Candidate, Judged};

/// Accounts that one transaction writes: other writers wait no longer than for these.
const BATCH: usize = 500;
/// The mark with a hash that costs as much as the costliest imported one; empty when there are none.
const DECOY: &str = "imported_hash";

/// What [`apply`] would do. Needs what that needs; writes nothing.
///
/// # Errors
/// - `Forbidden`, `Unauthenticated` — see [`Ctx::require`]
/// - `Invalid("keep_ids")` — with [`Ids::KeepAll`], an id that cannot be kept
pub fn plan(ctx: &Ctx, source: &Source, ids: Ids) -> Result<Report> {
    may(ctx)?;
    ctx.env.store.read(|tx| {
        let judged = people::judge(source, tx.last_user_id()?);
        let draft = groups::draft(tx, source)?;
        let codes: Vec<Option<String>> = draft.roles.iter().map(|fate| fate.code_name().map(str::to_owned)).collect();
        let mut steps = draft.steps;
        let mut arrivals = Arrivals::begin(tx, ids)?;
        for row in &judged {
            let outcome = arrivals.settle(tx, row)?;
            outcome.told(row, &codes, &mut steps);
        }
        Ok(Report { steps })
    })
}

/// Takes the accounts over: those whose identifiers nobody has here, with their hashes, flags, times and roles; first the
/// roles. Whoever is here already is left untouched. Where `registration.mode` names domains, addresses of others are
/// left out. `progress` hears how many of how many rows are done.
///
/// Needs to be a superuser or the operator. Writes the roles in one transaction and the accounts in as many as they
/// need, with the events of making each by hand. If it ends early, what was written stays, and the next run goes on.
///
/// # Errors
/// - `Forbidden`, `Unauthenticated` — see [`Ctx::require`]
/// - `Invalid("keep_ids")` — with [`Ids::KeepAll`], an id that cannot be kept
/// - `Unavailable`, `Internal` — those of the store
pub fn apply(ctx: &Ctx, source: &Source, ids: Ids, progress: &mut dyn FnMut(u64, u64)) -> Result<Report> {
    // What cannot be done in whole is not begun.
    plan(ctx, source, ids)?;
    let judged = people::judge(source, ctx.env.store.read(|tx| tx.last_user_id())?);
    let (roles, mut steps) = ctx.write(|tx| {
        bounds::superuser(ctx)?;
        let draft = groups::draft(tx, source)?;
        Ok((groups::write(ctx, tx, &draft)?, draft.steps))
    })?;
    let codes: Vec<Option<String>> =
        roles.iter().map(|role| role.as_ref().map(|role| role.code_name.clone())).collect();
    let mut done = 0;
    for batch in judged.chunks(BATCH) {
        let outcomes = ctx.write(|tx| {
            bounds::superuser(ctx)?;
            let mut arrivals = Arrivals::begin(tx, ids)?;
            batch.iter().map(|row| arrive(ctx, tx, arrivals.settle(tx, row)?, row, &roles)).collect::<Result<Vec<_>>>()
        })?;
        for (outcome, row) in outcomes.iter().zip(batch) {
            outcome.told(row, &codes, &mut steps);
        }
        done += batch.len() as u64;
        progress(done, judged.len() as u64);
    }
    tidy(ctx.env)?;
    Ok(Report { steps })
}

/// Makes a refusal of a sign-in take as long for everybody as for those whose imported hashes cost most. `stored`
/// is the hash that the password was compared with; `None` where there was none.
pub(super) fn level(env: &Env, password: &Password, stored: Option<&str>) -> Result<()> {
    match env.store.read(|tx| tx.mark(DECOY))?.filter(|decoy| !decoy.is_empty()) {
        Some(decoy) => env.hasher.level(password, stored, &decoy),
        None => Ok(()),
    }
}

/// Whether nobody but this user has an imported hash any more, so that [`level`] need not go on.
pub(super) fn is_last(env: &Env, user: Option<UserId>) -> Result<bool> {
    env.store.read(|tx| {
        let goes_on = tx.mark(DECOY)?.is_some_and(|mark| !mark.is_empty());
        Ok(goes_on && !tx.has_imported_hash(user)?)
    })
}

/// Lets sign-ins be as quick as ever, if nobody has an imported hash any more: the last may have got a new password, or
/// have been deleted.
///
/// # Errors
/// Those of the store.
pub fn tidy(env: &Env) -> Result<()> {
    if is_last(env, None)? { env.store.write(forget_cost) } else { Ok(()) }
}

/// Ends what [`level`] does.
pub(super) fn forget_cost(tx: &dyn Tx) -> Result<()> {
    tx.set_mark(DECOY, "")
}

/// Flags and hashes are taken over as they are, so nobody else may do this.
fn may(ctx: &Ctx) -> Result<()> {
    let kinds = [resource::USERS, resource::ROLES, resource::RESOURCES, resource::ACTIONS, resource::PERMISSIONS];
    for kind in kinds {
        ctx.require(&Right::of(kind, action::CREATE))?;
    }
    bounds::superuser(ctx)
}

/// What becomes of one row.
enum Outcome {
    /// An account to be made, or that was made.
    Made(Box<Arrival>),
    /// It is there.
    There(UserId),
    /// Nothing, for this reason.
    Left(String),
}

/// The accounts that arrive in one transaction, or would in one look.
struct Arrivals {
    ids: Ids,
    settings: Settings,
    /// The highest id that was ever given.
    last: i64,
}

impl Arrivals {
    fn begin(tx: &dyn Tx, ids: Ids) -> Result<Self> {
        Ok(Self { ids, settings: Settings::from_stored(tx.stored_settings()?), last: tx.last_user_id()? })
    }

    /// What becomes of a row, now.
    fn settle(&mut self, tx: &dyn Tx, (user, row): &Judged<'_>) -> Result<Outcome> {
        let one = match row {
            Ok(one) => one,
            Err(why) => return Ok(Outcome::Left(why.clone())),
        };
        for (field, key) in people::keys(&one.profile) {
            if let Some(holder) = tx.user_by_keys(&[key])? {
                return Ok(if may_be(&holder, &one.profile) {
                    Outcome::There(holder.id)
                } else {
                    Outcome::Left(format!("its {field} is that of user {} here, who is somebody else", holder.id))
                });
            }
        }
        if let Some(why) = refused(&self.settings, &one.profile) {
            return Ok(Outcome::Left(why));
        }
        let id = self.id(one, user)?;
        Ok(Outcome::Made(Box::new(Arrival {
            id,
            profile: one.profile.clone(),
            hash: one.hash.map(|(hash, _)| hash.to_owned()),
            date_joined: user.date_joined.unwrap_or_default(),
            last_login: user.last_login,
        })))
    }

    /// The id of an arrival: its old one, if nobody here ever had it.
    fn id(&mut self, one: &Candidate<'_>, user: &ForeignUser) -> Result<Option<UserId>> {
        let free = one.id.filter(|id| *id > self.last);
        if free.is_none() && self.ids == Ids::KeepAll {
            let why = format!("The id {} of {} was given here before, or can be none.", user.key, user.label());
            return Err(Error::invalid("keep_ids", "invalid", why));
        }
        self.last = free.unwrap_or(self.last + 1);
        Ok(free.map(UserId))
    }
}

/// Whether an account here may be this one: nothing that both have differs.
fn may_be(there: &User, wanted: &NewUser) -> bool {
    let there = NewUser::of(there);
    people::keys(wanted).all(|(field, key)| people::keys(&there).all(|(other, held)| other != field || held == key))
}

/// Why the settings do not let this account in. That nobody may register by himself does not matter here.
fn refused(settings: &Settings, profile: &NewUser) -> Option<String> {
    let Registration::Domains(domains) = settings.registration() else { return None };
    let domain = profile.email.as_ref().map(Email::domain);
    let is_listed = domains.iter().any(|listed| Some(listed.as_str()) == domain);
    (!is_listed).then(|| "the setting registration.mode lets in addresses of its domains only".to_owned())
}

/// Writes what becomes of a row.
fn arrive(ctx: &Ctx, tx: &dyn Tx, outcome: Outcome, row: &Judged<'_>, roles: &[Option<Named>]) -> Result<Outcome> {
    let Outcome::Made(mut arrival) = outcome else { return Ok(outcome) };
    let (user, Ok(one)) = row else { return Ok(Outcome::Made(arrival)) };
    if user.date_joined.is_none() {
        arrival.date_joined = ctx.now;
    }
    let id = tx.import_user(&arrival, ctx.now)?;
    let details = json!({"user": user.label(), "source": "django", "key": user.key});
    tx.record(&ctx.event("user.created", "user", Some(id.0), details))?;
    for role in user.groups.iter().filter_map(|place| roles.get(*place)?.as_ref()) {
        roles::link(ctx, tx, id, role)?;
    }
    if let Some((hash, cost)) = one.hash {
        remember_cost(tx, hash, cost)?;
    }
    arrival.id = Some(id);
    Ok(Outcome::Made(arrival))
}

/// Keeps a hash that nobody has and that costs as much as the costliest that was imported.
fn remember_cost(tx: &dyn Tx, hash: &str, cost: u64) -> Result<()> {
    let known = tx.mark(DECOY)?.map_or(0, |mark| match Imported::judge(&mark) {
        Imported::Usable(cost) => cost,
        _ => 0,
    });
    match decoy(hash) {
        Some(decoy) if cost > known => tx.set_mark(DECOY, &decoy),
        _ => Ok(()),
    }
}

impl Outcome {
    /// The lines of a report for one row; `codes` are the code names of the roles.
    fn told(&self, (user, row): &Judged<'_>, codes: &[Option<String>], steps: &mut Vec<Step>) {
        let name = user.label();
        match self {
            Outcome::Left(why) => steps.push(Step::new(Change::Left, Part::User, name, why)),
            Outcome::There(id) => {
                steps.push(Step::new(Change::Unchanged, Part::User, name, format!("user {id} here")));
            }
            Outcome::Made(arrival) => {
                let codes: Vec<&str> = user.groups.iter().filter_map(|place| codes.get(*place)?.as_deref()).collect();
                steps.push(Step::new(Change::Created, Part::User, &name, detail(user, arrival, &codes)));
                for note in row.iter().flat_map(|one| &one.notes) {
                    steps.push(Step::new(Change::Left, Part::UserField, &name, note));
                }
            }
        }
    }
}

/// What there is to know of an account that is made.
fn detail(user: &ForeignUser, arrival: &Arrival, roles: &[&str]) -> String {
    let mut parts = Vec::new();
    match arrival.id {
        Some(id) if id.to_string() == user.key => parts.push(format!("id {id}")),
        // The places of a dump without keys are no ids.
        Some(id) if user.key.starts_with('#') => parts.push(format!("new id {id}")),
        Some(id) => parts.push(format!("new id {id}, was {}", user.key)),
        None if user.key.starts_with('#') => parts.push("new id".to_owned()),
        None => parts.push(format!("new id, was {}", user.key)),
    }
    let flags = [
        (arrival.profile.is_superuser, "superuser"),
        (arrival.profile.is_staff, "staff"),
        (!arrival.profile.is_active, "inactive"),
    ];
    parts.extend(flags.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()));
    if !roles.is_empty() {
        parts.push(format!("roles {}", roles.join(" ")));
    }
    parts.join(", ")
}
