//! The operations. Whatever is offered over HTTP or at the terminal is one of these functions, so that no rule depends
//! on the way in.
//!
//! Each goes the same way: ask for the right ([`Ctx::require`]) and check the input; hash or sign, which is slow and
//! would keep other writers waiting; then change the data and write the audit row in a single transaction, and return a
//! domain value. An `Err` undoes the transaction: where a refusal has to leave a trace, such as an ended session, the
//! transaction succeeds with a verdict, which becomes the error afterwards.

pub mod access;
pub mod activation;
pub mod api_tokens;
pub mod audit;
mod bounds;
pub mod catalog;
pub mod doctor;
pub mod forward;
pub mod guard;
pub mod import;
mod issue;
pub mod keys;
mod links;
pub mod login;
pub mod mails;
pub mod me;
pub mod permissions;
pub mod recovery;
pub mod registration;
pub mod roles;
mod seals;
mod secrets;
pub mod seed;
pub mod sessions;
pub mod settings;
pub mod status_lists;
pub mod tokens;
pub mod users;
pub mod vitals;

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use crate::crypto::hash::Hasher;
use crate::crypto::random::Random;
use crate::crypto::seal::MasterKey;
use crate::domain::audit::Event;
use crate::domain::catalog::Kind;
use crate::domain::error::{Entity, Error, Reason, Refusal, Result};
use crate::domain::guard::Device;
use crate::domain::ids::{ApiTokenId, PermissionId, SessionId, Timestamp, UserId};
use crate::domain::mails::Language;
use crate::domain::proxies::TrustedProxies;
use crate::domain::rights::{Grants, Right};
use crate::store::sessions::Which;
use crate::store::{Store, Tx};

pub use crate::mail::Office;
pub use tokens::Import;

/// Tells the time. Given from outside, so that tests can hold it.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond.
    fn now(&self) -> Timestamp;
}

/// What operations use of the world outside: made once at the start and shared by all calls.
pub struct Env {
    /// The database.
    pub store: Box<dyn Store>,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// Password hashing, bounded.
    pub hasher: Hasher,
    /// Opens the private halves of signing keys.
    pub master: Arc<MasterKey>,
    /// Signing keys that were parsed before.
    pub keys: keys::Cache,
    /// URL to name as issuer while the setting `public_url` is empty.
    pub default_url: String,
    /// What mails leave by.
    pub mail: Office,
    /// Whose word on where a request comes from counts.
    pub proxies: TrustedProxies,
    /// Counts what was refused, for the audit trail.
    pub tally: audit::Tally,
    /// Attempts at passwords that are being judged.
    pub turns: guard::Turns,
}

/// One call of an operation. Made anew for each, since rights and time are as old as this is.
pub struct Ctx<'a> {
    /// The program's surroundings.
    pub env: &'a Env,
    /// Who calls.
    pub actor: &'a Actor,
    /// Where the call comes from.
    pub origin: &'a Origin,
    /// The time of the call, read once.
    pub now: Timestamp,
    judged: Judged,
    devices: Devices,
}

/// By what a call was let through, so that its transaction can judge it again.
#[derive(Default)]
struct Judged {
    required: RefCell<Vec<Right>>,
    /// What the caller may do as the transaction finds it.
    grants: RefCell<Option<Grants>>,
}

/// The device credentials of a call.
#[derive(Default)]
struct Devices {
    /// Shown in the body, in place of that of the origin.
    shown: RefCell<Option<Device>>,
    /// Given by the sign-in that the call was.
    given: RefCell<Option<Device>>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub enum Actor {
    /// Somebody at the command line on the server's own machine, `root@host`. May do everything.
    Operator(String),
    /// A signed-in user.
    User(Caller),
    /// Nobody known, whom a setting lets do this much (`account.open`).
    Guest(Grants),
    /// Nobody known.
    Anonymous,
}

/// A signed-in user, as authenticated for one call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// His e-mail, phone or username.
    pub label: String,
    /// By what.
    pub by: Access,
    /// What he may do.
    pub grants: Grants,
}

/// What a user is signed in by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// A session, by one of its tokens.
    Session(SessionId),
    /// An API token.
    ApiToken(ApiTokenId),
    /// An access token of a former system (D-12), which belongs to no session.
    Imported(Import),
}

impl Caller {
    /// The session that he calls by, if it is one.
    pub fn session(&self) -> Option<SessionId> {
        match self.by {
            Access::Session(id) => Some(id),
            Access::ApiToken(_) | Access::Imported(_) => None,
        }
    }

    /// All of his sessions but the one that he calls by.
    pub(crate) fn others(&self) -> Which {
        self.session().map_or(Which::OfUser(self.user), |session| Which::OthersOfUser(self.user, session))
    }
}

/// Where a call comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// `cli`, or the dialect's name.
    pub door: &'static str,
    /// Address of the client.
    pub address: Option<IpAddr>,
    /// What the client calls itself; at most [`crate::domain::sessions::USER_AGENT_MAX`] characters.
    pub user_agent: String,
    /// What the client would rather read, if it says so.
    pub language: Option<Language>,
    /// The device credential that a browser shows by itself.
    pub device: Option<Device>,
}

impl<'a> Ctx<'a> {
    /// One call by `actor` at `now`.
    pub fn new(env: &'a Env, actor: &'a Actor, origin: &'a Origin, now: Timestamp) -> Self {
        Self { env, actor, origin, now, judged: Judged::default(), devices: Devices::default() }
    }

    /// Passes operators, and users who hold `right`; `Ctx::write` asks them again.
    ///
    /// # Errors
    /// - `Unauthenticated(Missing)` — nobody is signed in
    /// - `Forbidden(Lacks)` — the right is missing
    pub fn require(&self, right: &Right) -> Result<()> {
        self.holds(right)?;
        self.judged.required.borrow_mut().push(right.clone());
        Ok(())
    }

    fn holds(&self, right: &Right) -> Result<()> {
        match self.actor {
            Actor::Operator(_) => Ok(()),
            Actor::User(caller) => match self.judged.grants.borrow().as_ref().unwrap_or(&caller.grants) {
                grants if grants.allow(right) => Ok(()),
                _ => Err(Error::Forbidden(Refusal::Lacks(right.clone()))),
            },
            Actor::Guest(grants) if grants.allow(right) => Ok(()),
            Actor::Guest(_) | Actor::Anonymous => Err(Error::Unauthenticated(Reason::Missing)),
        }
    }

    /// Takes a device credential that came in the body, in place of one that a browser has shown by itself.
    pub fn show_device(&self, device: Device) {
        self.devices.shown.replace(Some(device));
    }

    /// The device credential that the caller shows.
    fn device_shown(&self) -> Option<Device> {
        self.devices.shown.borrow().clone().or_else(|| self.origin.device.clone())
    }

    /// The device credential for whoever has signed in by this call, if anybody has.
    pub fn device_given(&self) -> Option<Device> {
        self.devices.given.borrow().clone()
    }

    fn give_device(&self, device: Device) {
        self.devices.given.replace(Some(device));
    }

    /// Passes whoever is let in at all: somebody signed in, or anybody whom a setting lets in.
    ///
    /// # Errors
    /// `Unauthenticated(Missing)`.
    pub fn admitted(&self) -> Result<()> {
        if matches!(self.actor, Actor::Guest(_)) { Ok(()) } else { self.caller().map(drop) }
    }

    /// A transaction that writes, if the actor still may: what he began, nobody may have ended meanwhile. From
    /// here on his rights are those that the transaction finds.
    ///
    /// # Errors
    /// `Unauthenticated` — the caller was signed out, deactivated or deleted; `Forbidden(Lacks)` — a right that was
    /// required is gone; those of `change` and of the store.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        self.env.store.write(|tx| {
            if let Actor::User(caller) = self.actor {
                let grants = tokens::still_signed_in(tx, caller, self.env.clock.now())?;
                self.judged.grants.replace(Some(grants));
                self.judged.required.borrow().iter().try_for_each(|right| self.holds(right))?;
            }
            if matches!(self.actor, Actor::Guest(_)) && access::guest(tx)?.is_none() {
                return Err(Error::Unauthenticated(Reason::Missing));
            }
            change(tx)
        })
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// `Unauthenticated(Missing)` when there is none.
    pub fn caller(&self) -> Result<&Caller> {
        match self.actor {
            Actor::User(caller) => Ok(caller),
            Actor::Operator(_) | Actor::Guest(_) | Actor::Anonymous => Err(Error::Unauthenticated(Reason::Missing)),
        }
    }

    /// What the actor may do; an operator may do everything.
    pub fn grants(&self) -> Cow<'_, Grants> {
        match self.actor {
            Actor::Operator(_) => Cow::Owned(Grants::superuser()),
            Actor::User(caller) => match self.judged.grants.borrow().as_ref() {
                Some(found) => Cow::Owned(found.clone()),
                None => Cow::Borrowed(&caller.grants),
            },
            Actor::Guest(grants) => Cow::Borrowed(grants),
            Actor::Anonymous => Cow::Owned(Grants::default()),
        }
    }

    /// An audit event of this call, about the user of its id or else of `user_id` in the details. `details` must hold no
    /// secret; long ones are cut.
    pub fn event(
        &self,
        action: &'static str,
        entity: &'static str,
        id: Option<i64>,
        details: serde_json::Value,
    ) -> Event {
        let (actor_kind, actor_id, actor) = match self.actor {
            Actor::Operator(name) => ("operator", None, name.clone()),
            Actor::User(caller) => ("user", Some(caller.user.0), caller.label.clone()),
            Actor::Guest(_) | Actor::Anonymous => ("anonymous", None, String::new()),
        };
        let of_details = || details.get("user_id").and_then(serde_json::Value::as_i64);
        let subject = if entity == "user" { id } else { of_details() };
        Event {
            at: self.now,
            actor_kind,
            actor_id,
            actor,
            door: self.origin.door,
            ip_address: self.origin.address.map(|address| address.to_string()),
            user_agent: self.origin.user_agent.clone(),
            action,
            entity,
            entity_id: id,
            subject: subject.map(UserId),
            result: "ok",
            details: crate::domain::audit::details(&details),
        }
    }
}

impl Env {
    /// The surroundings of one call that begins now.
    pub fn ctx<'a>(&'a self, actor: &'a Actor, origin: &'a Origin) -> Ctx<'a> {
        Ctx::new(self, actor, origin, self.clock.now())
    }
}

/// Passes if there is such a thing. Says no more than [`Error::NotFound`] of the operation that the caller is about to
/// call, whose right he must have been found to hold.
///
/// # Errors
/// `NotFound`, and those of the store.
pub fn exists(ctx: &Ctx, entity: Entity, id: i64) -> Result<()> {
    let there = ctx.env.store.read(|tx| match entity {
        Entity::User => Ok(tx.user(UserId(id))?.is_some()),
        Entity::Permission => Ok(tx.permission(PermissionId(id))?.is_some()),
        Entity::Role => Ok(tx.named(Kind::Role, id)?.is_some()),
        Entity::Resource => Ok(tx.named(Kind::Resource, id)?.is_some()),
        Entity::Action => Ok(tx.named(Kind::Action, id)?.is_some()),
        Entity::Session => Ok(tx.session(SessionId(id))?.is_some()),
        Entity::ApiToken => Ok(tx.api_token(ApiTokenId(id), ctx.now)?.is_some()),
        Entity::Token | Entity::Setting | Entity::Mail | Entity::Key | Entity::Page => {
            Err(Error::internal("these have no ids"))
        }
    })?;
    if there { Ok(()) } else { Err(Error::NotFound(entity)) }
}

/// How a door names a role, resource or action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ref {
    /// By id.
    Id(i64),
    /// By code name.
    Code(String),
}

/// Answer of an `ensure` operation: made now, or there already. Only what was named is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ensured<T> {
    /// Made now.
    Created(T),
    /// There already with these values; nothing was written.
    Unchanged(T),
    /// This holds the name already and differs in these fields; nothing was written.
    Differs(T, Vec<&'static str>),
}

impl<T> Ensured<T> {
    /// The answer for what is there and differs from what was asked for in `fields`.
    fn of(there: T, fields: Vec<&'static str>) -> Self {
        if fields.is_empty() { Ensured::Unchanged(there) } else { Ensured::Differs(there, fields) }
    }
}

impl std::fmt::Display for Ref {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ref::Id(id) => id.fmt(f),
            Ref::Code(code) => f.write_str(code),
        }
    }
}

/// The complaint about a field of a body that names something that does not exist.
pub fn missing_reference(field: &str, what: &str) -> Error {
    Error::invalid(field, "does_not_exist", format!("Invalid pk \"{what}\" - object does not exist."))
}

/// Those of `candidates` that somebody who typed `text` may have meant, nearest first.
fn nearest(text: &str, candidates: Vec<String>) -> Vec<String> {
    /// Likeness by Jaro and Winkler from which on a name is worth suggesting.
    const ALIKE: f64 = 0.8;
    /// More suggestions than this only confuse.
    const MOST: usize = 3;
    let text = text.to_lowercase();
    let mut near: Vec<(f64, String)> = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&text, &candidate.to_lowercase()), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}
