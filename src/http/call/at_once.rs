//! Calls that are answered where the request is, on a thread that must not wait: they look at little, in one glance at the
//! database. To hand such a one to another thread takes longer than all of it. What would have to wait, or to be noted,
//! goes the way of all others.

use super::{Call, Result, busy};
use crate::http::caller;
use crate::http::routes::Guard;
use crate::service::glance::{Glance, glance};
use crate::service::{Actor, Ctx};

impl Call {
    /// [`Call::run`] for an operation that looks at little, by `Ctx::read` alone.
    ///
    /// # Errors
    /// Those of [`Call::run`].
    pub async fn run_at_once<T: Send + 'static>(
        self,
        operation: impl FnOnce(&Ctx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut operation = Some(operation);
        let done = match self.mark.guard {
            Guard::Public => None,
            Guard::SignedIn | Guard::Right(..) => self.at_once(&mut operation),
        };
        match (done, operation) {
            (None, Some(operation)) => self.reading().run(operation).await,
            (done, _) => done.unwrap_or_else(|| Err(busy())),
        }
    }

    /// Runs `operation` on a public route for whoever the credentials prove, if there are any, as [`Call::run_at_once`] does.
    ///
    /// # Errors
    /// Those of [`Call::run_or`].
    pub async fn run_known<T: Send + 'static>(
        self,
        operation: impl FnOnce(&Ctx) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut operation = Some(operation);
        match (self.at_once(&mut operation), operation) {
            (None, Some(operation)) => self.reading().run_or(|| Ok(None::<()>), |ctx, _| operation(ctx)).await,
            (done, _) => done.unwrap_or_else(|| Err(busy())),
        }
    }

    /// Does the operation here and now, if it can be; else it is left where it is.
    fn at_once<T>(&self, operation: &mut Option<impl FnOnce(&Ctx) -> Result<T>>) -> Option<Result<T>> {
        let outside = self.outside.as_ref()?;
        glance(&self.shared.env, |glance| {
            outside.found(glance.settings());
            let actor = self.known_at_once(glance)?;
            Some(self.guarded(&glance.ctx(&actor, &self.origin), operation.take()?))
        })
    }

    fn known_at_once(&self, glance: &Glance) -> Option<Actor> {
        let is_off = self.mark.dialect.switch.is_some_and(|switch| glance.settings().is_off(switch));
        if is_off || self.mark.view.is_some() {
            return None;
        }
        let actor = glance.authenticate(&caller::credentials(&self.authorization))?;
        if let Actor::User(caller) = &actor {
            self.visit.is_by(caller.user);
        }
        Some(actor)
    }
}
