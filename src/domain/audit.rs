//! Audit events: who, from where, what, on what, when. One row for each change, in the transaction of the change.

use super::ids::Timestamp;

/// One event, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// `user`, `operator` or `anonymous`.
    pub actor_kind: &'static str,
    /// Id of the acting user, if one acts.
    pub actor_id: Option<i64>,
    /// The acting user's label, or `root@host` for the command line.
    pub actor: String,
    /// Door: `cli`, or the dialect's name.
    pub door: &'static str,
    /// Address of the client.
    pub ip_address: Option<String>,
    /// What the client called itself.
    pub user_agent: String,
    /// What was done: `user.created`.
    pub action: &'static str,
    /// On what kind of thing: `user`.
    pub entity: &'static str,
    /// On which one.
    pub entity_id: Option<i64>,
    /// `ok`, or why it was refused.
    pub result: &'static str,
    /// What changed, as JSON; never a secret.
    pub details: String,
}
