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
pub mod backups;
mod bounds;
pub mod catalog;
pub mod clock;
pub mod doctor;
pub mod forward;
pub mod glance;
pub mod guard;
pub mod hashing;
pub mod import;
mod issue;
pub mod keys;
mod links;
pub mod login;
pub mod mails;
pub mod me;
mod named;
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
use crate::domain::error::{Error, Reason, Refusal, Result};
use crate::domain::guard::Device;
use crate::domain::ids::{ApiTokenId, SessionId, Timestamp, UserId};
use crate::domain::mails::Language;
use crate::domain::proxies::TrustedProxies;
use crate::domain::rights::{Grants, Right};
use crate::store::sessions::Which;
use crate::store::{Store, Tx};

pub use crate::mail::Office;
pub use named::{Ensured, Ref, exists, missing_reference};
pub use tokens::Import;

use named::nearest;

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
    /// Settings that were read before.
    pub settings: settings::Parsed,
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
    /// What is read is read in this transaction, if there is one.
    snapshot: Option<&'a dyn Tx>,
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
        let (judged, devices) = (Judged::default(), Devices::default());
        Self { env, actor, origin, now, judged, devices, snapshot: None }
    }

    /// Looks at one state of the data, which is no older than the call.
    ///
    /// # Errors
    /// Those of `look` and of the store.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        match self.snapshot {
            Some(tx) => look(tx),
            None => self.env.store.read(look),
        }
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
        self.read_grants()?;
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
        self.env.store.write(|tx| self.judged_again(tx).and_then(|()| change(tx)))
    }

    /// [`write`](Self::write) for what ends access, which goes on when the disk is full.
    ///
    /// # Errors
    /// Those of `write`.
    pub(crate) fn end<T>(&self, change: impl FnOnce(&dyn Tx) -> Result<T>) -> Result<T> {
        self.env.store.end(|tx| self.judged_again(tx).and_then(|()| change(tx)))
    }

    fn judged_again(&self, tx: &dyn Tx) -> Result<()> {
        if let Actor::User(caller) = self.actor {
            let grants = tokens::still_signed_in(tx, caller, self.env.clock.now())?;
            self.judged.grants.replace(Some(grants));
            self.judged.required.borrow().iter().try_for_each(|right| self.holds(right))?;
        }
        if matches!(self.actor, Actor::Guest(_)) && access::guest(tx)?.is_none() {
            return Err(Error::Unauthenticated(Reason::Missing));
        }
        Ok(())
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

    /// Reads what the caller may do, in a look that has not asked for it yet.
    fn read_grants(&self) -> Result<()> {
        if let (Some(tx), Actor::User(caller)) = (self.snapshot, self.actor)
            && self.judged.grants.borrow().is_none()
        {
            self.judged.grants.replace(Some(tokens::grants_now(tx, caller.user)?));
        }
        Ok(())
    }

    /// What the actor may do; an operator may do everything. What cannot be read is nothing.
    pub fn grants(&self) -> Cow<'_, Grants> {
        if let Err(error) = self.read_grants() {
            tracing::warn!(%error, "the rights of a caller cannot be read");
        }
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
