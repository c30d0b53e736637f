//! Short looks, for operations that are over before another thread could begin them: who calls, and what may he? All of
//! one is read in one transaction, and so judged by one state of the data, which is no older than the look.

use std::sync::Arc;

use crate::domain::ids::Timestamp;
use crate::domain::settings::Settings;
use crate::service::tokens::{self, Credentials};
use crate::service::{Actor, Ctx, Env, Origin, settings};
use crate::store::Tx;

/// One look.
pub struct Glance<'a> {
    env: &'a Env,
    tx: &'a dyn Tx,
    settings: Arc<Settings>,
    now: Timestamp,
}

/// Looks now. None where that cannot be done without waiting, or `look` gives nothing: then it is to be done at leisure,
/// where something that is wrong is found out and told.
pub fn glance<T>(env: &Env, look: impl FnOnce(&Glance) -> Option<T>) -> Option<T> {
    let now = env.clock.now();
    let looked = env.store.glance(|tx| {
        let settings = settings::of(env, tx)?;
        Ok(look(&Glance { env, tx, settings, now }))
    });
    looked.ok().flatten()
}

impl Glance<'_> {
    /// The settings.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Who calls, if it is nobody or somebody with a good access token. All others leave a trace. What he may do is read when
    /// it is asked for.
    pub fn authenticate(&self, credentials: &Credentials) -> Option<Actor> {
        match credentials {
            Credentials::None => Some(Actor::Anonymous),
            Credentials::Bearer(token) => {
                let caller = tokens::glanced((self.env, self.tx), (&self.settings, self.now), token);
                caller.ok().map(Actor::User)
            }
            _ => None,
        }
    }

    /// A call in this look: what it reads by `Ctx::read` is what the look sees.
    pub fn ctx<'b>(&'b self, actor: &'b Actor, origin: &'b Origin) -> Ctx<'b> {
        Ctx { snapshot: Some(self.tx), ..Ctx::new(self.env, actor, origin, self.now) }
    }
}
