//! The audit trail in SQLite.

use rusqlite::named_params;

use super::{SqliteTx, micros};
use crate::domain::audit::Event;
use crate::domain::error::Result;
use crate::store::Audit;

impl Audit for SqliteTx {
    fn record(&self, event: &Event) -> Result<()> {
        self.insert(
            "INSERT INTO audit (at, actor_kind, actor_id, actor, door, ip_address, user_agent, action, entity, entity_id,
                                result, details)
             VALUES (:at, :actor_kind, :actor_id, :actor, :door, :ip_address, :user_agent, :action, :entity, :entity_id,
                     :result, :details)",
            named_params! {
                ":at": micros(event.at),
                ":actor_kind": event.actor_kind,
                ":actor_id": event.actor_id,
                ":actor": event.actor,
                ":door": event.door,
                ":ip_address": event.ip_address,
                ":user_agent": event.user_agent,
                ":action": event.action,
                ":entity": event.entity,
                ":entity_id": event.entity_id,
                ":result": event.result,
                ":details": event.details,
            },
        )?;
        Ok(())
    }
}
