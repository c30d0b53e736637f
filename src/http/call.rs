//! The one bridge from async handlers to the services, which block.
//!
//! A [`Call`] knows who asks, from where, and what the route demands. [`Call::run`] hops to a thread that may block and
//! there does, in this order: credentials → actor, guard, operation. Bodies and ids are therefore judged inside the
//! operation, after the guard. A client that goes away interrupts nothing: the operation runs to its end.

mod at_once;
mod notes;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Span;

use super::client::Client;
use super::drf::View;
use super::drf::view::Seen;
use super::fault::{Fault, Result};
use super::metrics::Metrics;
use super::outside::Outside;
use super::routes::{Dialect, Guard, Mark, Name, Reading};
use super::throttle::Throttle;
use super::visit::{self, Visit};
use super::{caller, devices, languages};
use crate::domain::error::Error;
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::rights::Right;
use crate::domain::sessions::USER_AGENT_MAX;
use crate::domain::settings::{Authenticator, Settings};
use crate::service::tokens::{self, Credentials};
use crate::service::{Access, Actor, Caller, Ctx, Env, Origin};
use crate::service::{access, api_tokens, guard};

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

/// Address of the other end of the connection, put beside each request by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What all handlers share.
pub struct Shared {
    pub(crate) env: Arc<Env>,
    lists: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
    notes: Arc<Semaphore>,
    throttle: Throttle,
    /// Where sign-ins are counted, if anywhere.
    metrics: Option<Arc<Metrics>>,
}

impl Shared {
    /// Around the program's surroundings.
    pub fn new(env: Arc<Env>) -> Self {
        let places = |most| Arc::new(Semaphore::new(most));
        let (lists, reads, writes) = (places(LISTS_MAX), places(CALLS_MAX), places(CALLS_MAX));
        let throttle = Throttle::default();
        let (hashing, notes) = (places(HASHING_MAX), places(NOTES_MAX));
        Self { env, lists, reads, writes, hashing, notes, throttle, metrics: None }
    }

    /// The same, with sign-ins counted there.
    pub fn measured(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
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
    mark: Mark,
    load: Load,
    origin: Origin,
    authorization: HeaderMap,
    outside: Option<Outside>,
    seen: Option<Seen>,
    path: String,
    visit: Visit,
    name: Option<Name>,
}

impl FromRequestParts<Arc<Shared>> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Infallible> {
        let mark = mark(&parts.extensions);
        visit::matched(&parts.extensions);
        let visit: Visit = parts.extensions.get().cloned().unwrap_or_default();
        visit.speaks(mark.dialect.name);
        let agent = parts.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let origin = Origin {
            door: mark.dialect.name,
            address: parts.extensions.get::<Client>().map(|client| client.address),
            user_agent: agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()).unwrap_or_default(),
            language: languages::asked_for(&parts.headers),
            device: devices::shown(&parts.headers),
        };
        let authorization = caller::kept(&parts.headers);
        let outside = parts.extensions.get().cloned();
        let load = if parts.method.is_safe() { Load::Read } else { Load::Write };
        let (seen, path) = (parts.extensions.get().cloned(), parts.uri.path().to_owned());
        let name = parts.extensions.get().cloned();
        Ok(Self { shared: Arc::clone(shared), mark, load, origin, authorization, outside, seen, path, visit, name })
    }
}

impl aide::OperationInput for Call {}

/// The mark of the route; nobody passes where there is none, which cannot happen.
pub(crate) fn mark(extensions: &axum::http::Extensions) -> Mark {
    static NOWHERE: Dialect = Dialect { name: "http", reading: Reading::Strict, switch: None };
    let nowhere = Mark { dialect: &NOWHERE, guard: Guard::Right("", ""), view: None };
    extensions.get::<Mark>().copied().unwrap_or(nowhere)
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

    /// Runs `operation` on a public route with what `read` finds in the body: for nobody known if it finds something, else
    /// for whoever the credentials prove, if there are any.
    ///
    /// # Errors
    /// `Unauthenticated` for bad credentials that are looked at; `TooMany`; then those of `read` and of `operation`;
    /// `Unavailable` when there is no place for it.
    pub async fn run_or<S, T: Send + 'static>(
        self,
        read: impl FnOnce() -> Result<Option<S>> + Send + 'static,
        operation: impl FnOnce(&Ctx, Option<S>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place().await?;
        let work = |call: Self| {
            let (sent, now) = (read(), call.shared.env.clock.now());
            let actor = match sent {
                Ok(None) => call.authenticated(&caller::credentials(&call.authorization), now)?,
                Ok(Some(_)) | Err(_) => Actor::Anonymous,
            };
            let ctx = Ctx::new(&call.shared.env, &actor, &call.origin, now);
            let answer = || {
                call.count(&ctx)?;
                operation(&ctx, sent?)
            };
            answer().inspect_err(|fault| call.note(&ctx, fault))
        };
        self.hop(place, work).await
    }

    /// [`Call::run`] for an operation that hashes or verifies a password.
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

    /// [`Call::run_hashing`] for a sign-in by password, which also gives who has signed in.
    ///
    /// # Errors
    /// Those of [`Call::run_hashing`].
    pub async fn run_login<T: Send + 'static>(
        self,
        operation: impl FnOnce(&Ctx) -> Result<(UserId, T)> + Send + 'static,
    ) -> Result<T> {
        let (shared, visit) = (Arc::clone(&self.shared), self.visit.clone());
        let place = Arc::clone(&self.shared.hashing).try_acquire_owned().map_err(|_| busy());
        let tried = move |outcome: &Result<(UserId, T)>| {
            if let Ok((user, _)) = outcome {
                visit.is_by(*user);
            }
            if let Some(metrics) = &shared.metrics {
                metrics.tried(outcome);
            }
        };
        let place = match place {
            Ok(place) => place,
            Err(busy) => {
                let outcome = Err(busy);
                tried(&outcome);
                return outcome.map(|(_, given)| given);
            }
        };
        let work = move |call: Self| {
            let outcome = call.admitted(operation);
            tried(&outcome);
            outcome.map(|(_, given)| given)
        };
        self.hop(place, work).await
    }

    /// Counts a request that no operation answers: OPTIONS, or a method that its path does not take. Credentials that are
    /// not good are none.
    ///
    /// # Errors
    /// `TooMany`; `Unavailable` when there is no place for it.
    pub async fn counted(self) -> Result<()> {
        let call = self.reading();
        let place = call.place().await?;
        let count = |call: Self| {
            let (env, now) = (&call.shared.env, call.shared.env.clock.now());
            let actor =
                tokens::authenticate(env, &caller::credentials(&call.authorization), now).unwrap_or(Actor::Anonymous);
            let ctx = Ctx::new(env, &actor, &call.origin, now);
            call.count(&ctx).inspect_err(|fault| call.note(&ctx, fault))
        };
        call.hop(place, count).await
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
        let span = Span::current();
        let held = move || {
            let (_place, _span) = (place, span.entered());
            let outside = self.outside.clone();
            let outcome = work(self);
            if let Some(outside) = outside {
                outside.look();
            }
            outcome.map_err(Fault::told_later)
        };
        match tokio::task::spawn_blocking(held).await {
            Ok(outcome) => outcome,
            // Not the error itself, which would quote the panic.
            Err(_) => Err(Error::internal("it panicked").into()),
        }
    }

    /// Runs `operation` for the actor, if he satisfies the guard (R-35: before anything of the request is looked at).
    fn admitted<T>(self, operation: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        let settings = self.served()?;
        let env = &self.shared.env;
        let now = env.clock.now();
        let actor = match (self.mark.view, self.mark.guard) {
            (Some(view), _) => self.seen_by(view, &settings, now)?,
            (None, Guard::Public) => Actor::Anonymous,
            (None, Guard::SignedIn | Guard::Right(..)) => {
                self.authenticated(&caller::credentials(&self.authorization), now)?
            }
        };
        self.guarded(&Ctx::new(env, &actor, &self.origin, now), operation)
    }

    /// Runs `operation` for whoever satisfies the guard.
    fn guarded<T>(&self, ctx: &Ctx, operation: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        let answer = || {
            if self.mark.guard != Guard::Public {
                ctx.admitted()?;
            }
            if let Guard::Right(resource, action) = self.mark.guard {
                ctx.require(&Right::of(resource, action))?;
            }
            self.count(ctx)?;
            operation(ctx)
        };
        answer().inspect_err(|fault| self.note(ctx, fault))
    }

    /// The settings, provided that they let the route's dialect be spoken at all (D-1).
    fn served(&self) -> Result<Arc<Settings>> {
        let settings = self.settings();
        match self.mark.dialect.switch {
            Some(switch) if settings.is_off(switch) => Err(Fault::Hidden),
            _ => Ok(settings),
        }
    }

    /// Who calls, as a view of Django REST framework finds out: it looks at credentials wherever it authenticates at
    /// all, and only by the authenticators that the settings name.
    fn seen_by(&self, view: &View, settings: &Settings, now: Timestamp) -> Result<Actor> {
        if !view.authenticates {
            return Ok(Actor::Anonymous);
        }
        let authenticators = settings.authenticators();
        let credentials = caller::credentials_by(&self.authorization, &settings.auth_header_types());
        let known = match &credentials {
            Credentials::Bearer(_) | Credentials::Malformed => authenticators.contains(&Authenticator::Jwt),
            Credentials::Token(_) | Credentials::TokenMissing | Credentials::TokenSpaces => {
                authenticators.contains(&Authenticator::Token)
            }
            Credentials::None => false,
        };
        if let Some(seen) = &self.seen {
            seen.note(&authenticators, known);
        }
        if !known && view.opens {
            return Ok(access::anybody(&self.shared.env)?);
        }
        self.authenticated(if known { &credentials } else { &Credentials::None }, now)
    }

    /// Who calls. That he used an API token is noted on a thread of its own: no answer waits for it, and no read becomes
    /// a write.
    fn authenticated(&self, credentials: &Credentials, now: Timestamp) -> Result<Actor> {
        let env = &self.shared.env;
        let ctx = Ctx::new(env, &Actor::Anonymous, &self.origin, now);
        let refused = |refusal| Fault::Credentials(guard::secret(&ctx, refusal));
        let actor = tokens::authenticate(env, credentials, now).map_err(refused);
        let actor = actor.inspect_err(|fault| self.note(&ctx, fault))?;
        if let Actor::User(caller) = &actor {
            self.visit.is_by(caller.user);
        }
        if let Actor::User(Caller { by: Access::ApiToken(_), .. }) = &actor
            && let Ok(place) = Arc::clone(&self.shared.notes).try_acquire_owned()
        {
            let (env, actor, span) = (Arc::clone(env), actor.clone(), Span::current());
            tokio::task::spawn_blocking(move || {
                let (_place, _span) = (place, span.entered());
                api_tokens::note_use(&env, &actor, now);
            });
        }
        Ok(actor)
    }

    /// Counts the request, where there is a rate, once it is known whose it is (S3-20).
    fn count(&self, ctx: &Ctx) -> Result<()> {
        Ok(self.shared.throttle.grant(self.served()?.as_ref(), &self.path, ctx)?)
    }

    /// The settings as the request found them.
    fn settings(&self) -> Arc<Settings> {
        self.outside.as_ref().map(Outside::look).unwrap_or_default()
    }
}

fn busy() -> Fault {
    tracing::warn!("there is no place for an operation: too many are at work");
    Error::Unavailable { retry_after: Duration::from_secs(1) }.into()
}
