//! The one bridge from async handlers to the services, which block.
//!
//! A [`Call`] knows who asks, from where, and what the route demands. [`Call::run`] hops to a thread that may block and
//! there does, in this order: credentials → actor, guard, operation. Bodies and ids are therefore judged inside the
//! operation, after the guard. A client that goes away interrupts nothing: the operation runs to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::caller;
use super::fault::{Fault, Result};
use super::routes::{Dialect, Guard, Mark, Reading};
use crate::domain::error::Error;
use crate::domain::ids::Timestamp;
use crate::domain::rights::Right;
use crate::domain::sessions::USER_AGENT_MAX;
use crate::service::tokens::{self, Credentials};
use crate::service::{Access, Actor, Caller, Ctx, Env, Origin};
use crate::service::{api_tokens, settings};

/// Operations at once that read, and as many that write; those wait for each other, and no read waits behind them. More
/// wait: the database has few connections anyway.
const CALLS_MAX: usize = 64;
/// Lists at once. A search of a long one holds its connection for long, and there are twice as many connections.
const LISTS_MAX: usize = 8;
/// Longest wait for one of these places.
const CALLS_WAIT: Duration = Duration::from_secs(10);
/// Operations with passwords at once, running and waiting; more are refused, so that token checks never queue behind
/// them. Twice the queue of the hashing lane itself.
const HASHING_MAX: usize = 64;

/// Uses of API tokens that are noted at once. One that finds no place is not noted; the next request tries again.
const NOTES_MAX: usize = 1;

/// How long an answer waits, where no operation has, to find out whether the public URL is https.
const LOOK_TIME: Duration = Duration::from_millis(100);
/// Answers that find this out at once; the rest go by what was found last.
const LOOKS_MAX: usize = 4;

/// Address of the other end of the connection, put beside each request by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Whether the public URL is https, so that browsers are told to stay with that. Read anew for each request, as
/// settings are, in the operation or else after it.
#[derive(Clone)]
pub struct Outside {
    env: Arc<Env>,
    /// What was found last, by any request.
    is_https: Arc<AtomicBool>,
    looks: Arc<Semaphore>,
    /// Whether this request has looked.
    looked: Arc<AtomicBool>,
}

impl Outside {
    /// For all requests of a server; see [`Outside::of_request`].
    pub fn new(env: Arc<Env>) -> Self {
        Self { env, is_https: Arc::default(), looks: Arc::new(Semaphore::new(LOOKS_MAX)), looked: Arc::default() }
    }

    /// For one more request.
    pub fn of_request(&self) -> Self {
        Self { looked: Arc::default(), ..self.clone() }
    }

    /// The answer; looks now if no operation has. A database that does not answer holds nobody up for a header, and a
    /// flood of requests that no route answers takes few threads from those that work.
    pub async fn is_https(self) -> bool {
        if !self.looked.load(Ordering::Acquire)
            && let Ok(place) = Arc::clone(&self.looks).try_acquire_owned()
        {
            let outside = self.clone();
            let look = tokio::task::spawn_blocking(move || {
                let _place = place;
                outside.look();
            });
            drop(tokio::time::timeout(LOOK_TIME, look).await);
        }
        self.is_https.load(Ordering::Acquire)
    }

    fn look(&self) {
        if let Ok(is_https) = settings::public_is_https(&self.env) {
            self.is_https.store(is_https, Ordering::Release);
            self.looked.store(true, Ordering::Release);
        }
    }
}

/// What all handlers share.
pub struct Shared {
    pub(crate) env: Arc<Env>,
    lists: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
    notes: Arc<Semaphore>,
}

impl Shared {
    /// Around the program's surroundings.
    pub fn new(env: Arc<Env>) -> Self {
        let places = |most| Arc::new(Semaphore::new(most));
        let (lists, reads, writes) = (places(LISTS_MAX), places(CALLS_MAX), places(CALLS_MAX));
        Self { env, lists, reads, writes, hashing: places(HASHING_MAX), notes: places(NOTES_MAX) }
    }
}

/// Which operations a call waits behind.
#[derive(Debug, Clone, Copy)]
enum Load {
    Read,
    Write,
    List,
}

/// One request on its way to an operation.
pub struct Call {
    shared: Arc<Shared>,
    guard: Guard,
    load: Load,
    origin: Origin,
    credentials: Credentials,
    outside: Option<Outside>,
}

impl FromRequestParts<Arc<Shared>> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Infallible> {
        let mark = mark(&parts.extensions);
        let agent = parts.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let origin = Origin {
            door: mark.dialect.name,
            address: parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical()),
            user_agent: agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()).unwrap_or_default(),
        };
        let credentials = caller::credentials(&parts.headers);
        let outside = parts.extensions.get().cloned();
        let load = if parts.method.is_safe() { Load::Read } else { Load::Write };
        Ok(Self { shared: Arc::clone(shared), guard: mark.guard, load, origin, credentials, outside })
    }
}

impl aide::OperationInput for Call {}

/// The mark of the route; nobody passes where there is none, which cannot happen.
pub(crate) fn mark(extensions: &axum::http::Extensions) -> Mark {
    static NOWHERE: Dialect = Dialect { name: "http", reading: Reading::Strict };
    extensions.get::<Mark>().copied().unwrap_or(Mark { dialect: &NOWHERE, guard: Guard::Right("", "") })
}

impl Call {
    /// Of a route that only reads, whatever its method.
    pub fn reading(self) -> Self {
        Self { load: Load::Read, ..self }
    }

    /// Of a list.
    pub fn listing(self) -> Self {
        Self { load: Load::List, ..self }
    }

    /// Runs `operation` once the route's guard is satisfied.
    ///
    /// # Errors
    /// Those of the guard, then those of `operation`; `Unavailable` when there is no place for it.
    pub async fn run<T: Send + 'static>(self, operation: impl FnOnce(&Ctx) -> Result<T> + Send + 'static) -> Result<T> {
        let place = self.place().await?;
        self.hop(place, |call| call.admitted(operation)).await
    }

    /// Runs `operation` on a public route that decides itself whether it wants to know who calls.
    ///
    /// # Errors
    /// Those of `operation`; `Unavailable` when there is no place for it.
    pub async fn visit<T: Send + 'static>(
        self,
        operation: impl FnOnce(&Visit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place().await?;
        self.hop(place, |call| operation(&Visit(call))).await
    }

    /// The same for an operation that hashes or verifies a password.
    ///
    /// # Errors
    /// Those of [`Call::run`]; `Unavailable` at once when too many are at it.
    pub async fn run_hashing<T: Send + 'static>(
        self,
        operation: impl FnOnce(&Ctx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.shared.hashing).try_acquire_owned().map_err(|_| busy())?;
        self.hop(place, |call| call.admitted(operation)).await
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let places = match self.load {
            Load::Read => &self.shared.reads,
            Load::Write => &self.shared.writes,
            Load::List => &self.shared.lists,
        };
        let wait = Arc::clone(places).acquire_owned();
        match tokio::time::timeout(CALLS_WAIT, wait).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    async fn hop<T: Send + 'static>(
        self,
        place: OwnedSemaphorePermit,
        work: impl FnOnce(Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let held = move || {
            let _place = place;
            let outside = self.outside.clone();
            let outcome = work(self);
            if let Some(outside) = outside {
                outside.look();
            }
            outcome
        };
        match tokio::task::spawn_blocking(held).await {
            Ok(outcome) => outcome,
            Err(lost) => Err(Error::internal(lost).into()),
        }
    }

    /// Runs `operation` for the actor, if he satisfies the guard (R-35: before anything of the request is looked at).
    fn admitted<T>(self, operation: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        let env = &self.shared.env;
        let now = env.clock.now();
        let actor = match self.guard {
            Guard::Public => Actor::Anonymous,
            Guard::SignedIn | Guard::Right(..) => self.authenticated(now)?,
        };
        let ctx = Ctx::new(env, &actor, &self.origin, now);
        if self.guard != Guard::Public {
            ctx.caller()?;
        }
        if let Guard::Right(resource, action) = self.guard {
            ctx.require(&Right::of(resource, action))?;
        }
        operation(&ctx)
    }
}

impl Call {
    /// Who calls. That he used an API token is noted on a thread of its own: no answer waits for it, and no read becomes
    /// a write.
    fn authenticated(&self, now: Timestamp) -> Result<Actor> {
        let env = &self.shared.env;
        let actor = tokens::authenticate(env, &self.credentials, now)?;
        if let Actor::User(Caller { by: Access::ApiToken(_), .. }) = &actor
            && let Ok(place) = Arc::clone(&self.shared.notes).try_acquire_owned()
        {
            let (env, actor) = (Arc::clone(env), actor.clone());
            tokio::task::spawn_blocking(move || {
                let _place = place;
                api_tokens::note_use(&env, &actor, now);
            });
        }
        Ok(actor)
    }
}

/// A call on a public route, by somebody who may or may not show who he is.
pub struct Visit(Call);

impl Visit {
    /// Whether there are credentials, good or bad.
    pub fn shows_credentials(&self) -> bool {
        self.0.credentials != Credentials::None
    }

    /// Runs `operation` for nobody known.
    ///
    /// # Errors
    /// Those of `operation`.
    pub fn unknown<T>(&self, operation: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        operation(&self.0.shared.env.ctx(&Actor::Anonymous, &self.0.origin))
    }

    /// Runs `operation` for whoever the credentials prove.
    ///
    /// # Errors
    /// `Unauthenticated`, then those of `operation`.
    pub fn known<T>(&self, operation: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        let env = &self.0.shared.env;
        let now = env.clock.now();
        let actor = self.0.authenticated(now)?;
        operation(&Ctx::new(env, &actor, &self.0.origin, now))
    }
}

fn busy() -> Fault {
    Error::Unavailable { retry_after: Duration::from_secs(1) }.into()
}
