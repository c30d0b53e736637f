//! Events of the audit trail over the wire.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::audit::Entry;
use crate::http::times::Instant;

/// An event of the audit trail.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct EventOut {
    /// Its place in the trail.
    id: i64,
    /// When.
    at: Instant,
    /// `user`, `operator` for the command line, or `anonymous`.
    actor_kind: String,
    /// Id of the user who did it.
    actor_id: Option<i64>,
    /// What that user was called then, or `root@host`.
    actor: String,
    /// Through which API, or `cli`.
    door: String,
    /// Address of the client.
    ip_address: Option<String>,
    /// What the client called itself.
    user_agent: String,
    /// What was done: `user.created`.
    action: String,
    /// To what kind of thing.
    entity: String,
    /// To which one.
    entity_id: Option<i64>,
    /// Id of the user whom it is about.
    subject_id: Option<i64>,
    /// `ok`, or what came of it in place of that: `refused`, `denied`, `failed`.
    result: String,
    /// What changed, or why not.
    details: Map<String, Value>,
    /// SHA-256 that chains it to the event before.
    hash: Option<String>,
}

impl From<Entry> for EventOut {
    fn from(entry: Entry) -> Self {
        let details = match serde_json::from_str(&entry.details) {
            Ok(Value::Object(fields)) => fields,
            // Somebody else wrote it; shown as the text that it is.
            _ => Map::from_iter([("text".to_owned(), Value::String(entry.details))]),
        };
        Self {
            id: entry.id,
            at: Instant(entry.at),
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id,
            actor: entry.actor,
            door: entry.door,
            ip_address: entry.ip_address,
            user_agent: entry.user_agent,
            action: entry.action,
            entity: entry.entity,
            entity_id: entry.entity_id,
            subject_id: entry.subject_id,
            result: entry.result,
            details,
            hash: entry.hash.map(|hash| hash.to_string()),
        }
    }
}
