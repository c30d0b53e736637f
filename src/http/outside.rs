//! The settings that every answer obeys, whatever route gives it: whether the public URL is https, whose pages may call,
//! how often. Read anew for each request, as all settings are, and once for all of these.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::Span;

use crate::domain::settings::Settings;
use crate::service::{Env, settings};

/// How long an answer waits for the settings where no operation has read them.
const LOOK_TIME: Duration = Duration::from_millis(100);
/// Answers that read them at once; the rest wait for those.
const LOOKS_MAX: usize = 4;

/// The settings as one request finds them.
#[derive(Clone)]
pub struct Outside {
    env: Arc<Env>,
    /// What this request has found.
    found: Arc<OnceLock<Arc<Settings>>>,
    /// What was found last, by any request.
    last: Arc<Mutex<Arc<Settings>>>,
    looks: Arc<Semaphore>,
}

impl Outside {
    /// For all requests of a server; see [`Outside::of_request`].
    pub fn new(env: Arc<Env>) -> Self {
        Self { env, found: Arc::default(), last: Arc::default(), looks: Arc::new(Semaphore::new(LOOKS_MAX)) }
    }

    /// For one more request.
    pub fn of_request(&self) -> Self {
        Self { found: Arc::default(), ..self.clone() }
    }

    /// The settings; looks now if no operation has. A database that does not answer holds nobody up for a header, and a
    /// flood of requests that no route answers takes few threads from those that work: then it is what was found last.
    pub async fn settings(&self) -> Arc<Settings> {
        if self.found.get().is_none() {
            drop(tokio::time::timeout(LOOK_TIME, self.look_aside()).await);
        }
        self.last()
    }

    async fn look_aside(&self) {
        let Ok(place) = Arc::clone(&self.looks).acquire_owned().await else { return };
        let (outside, span) = (self.clone(), Span::current());
        let look = tokio::task::spawn_blocking(move || {
            let (_place, _span) = (place, span.entered());
            outside.look();
        });
        drop(look.await);
    }

    /// The settings, read by a thread that may block, once for the request. Where they cannot be read it is what was found
    /// last: the operation will tell what is the matter.
    pub fn look(&self) -> Arc<Settings> {
        if self.found.get().is_none()
            && let Ok(settings) = settings::in_force(&self.env)
        {
            let settings = self.found.get_or_init(|| settings);
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(settings);
        }
        self.last()
    }

    /// These are the settings that the request finds, unless it has found some already.
    pub fn found(&self, settings: &Arc<Settings>) {
        self.found.get_or_init(|| Arc::clone(settings));
    }

    /// Whether browsers may be told to come by https alone: that is how clients reach the server, by these settings.
    pub fn is_https(&self, settings: &Settings) -> bool {
        settings.public_url().unwrap_or_else(|| self.env.default_url.clone()).starts_with("https://")
    }

    /// Of others only where there is nothing of one's own: theirs may be older than this request.
    fn last(&self) -> Arc<Settings> {
        let others = || Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner));
        self.found.get().cloned().unwrap_or_else(others)
    }
}
