//! The audit trail: who did what, to what, from where, when, and what came of it. One event for each change, in the
//! transaction of the change; every event is chained to the one before it.
//!
//! The hash of an event is the SHA-256 of its [`Entry::text`], which holds the hash of the event before: who changes,
//! removes, inserts or moves an event breaks the chain from there on. Anybody can compute hashes, so each carries a seal
//! as well, under a key that is not in the database.

use std::fmt;

use serde_json::{Map, Value, json};

use super::ids::{Timestamp, UserId};
use super::times;

/// Longest text in the details of an event, in characters; what is longer is cut.
const TEXT_MAX: usize = 256;
/// Most items of a list, or fields of an object, in the details of an event.
const ITEMS_MAX: usize = 64;
/// Longest details of an event, in bytes.
const DETAILS_MAX: usize = 4096;
/// Longest name of an actor, in characters.
const ACTOR_MAX: usize = 320;

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
    /// The user whom it is about, if it is about one.
    pub subject: Option<UserId>,
    /// `ok`, `denied` or `failed`.
    pub result: &'static str,
    /// What changed, as JSON; never a secret.
    pub details: String,
}

/// SHA-256 of an event, or the seal of one. Written in lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash(pub [u8; 32]);

/// An event as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the trail; one more than that of the event before it.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// `user`, `operator` or `anonymous`.
    pub actor_kind: String,
    /// Id of the acting user, if one acted.
    pub actor_id: Option<i64>,
    /// The acting user's label at that time, or `root@host`.
    pub actor: String,
    /// Door: `cli`, or the dialect's name.
    pub door: String,
    /// Address of the client.
    pub ip_address: Option<String>,
    /// What the client called itself.
    pub user_agent: String,
    /// What was done: `user.created`.
    pub action: String,
    /// On what kind of thing: `user`.
    pub entity: String,
    /// On which one.
    pub entity_id: Option<i64>,
    /// The user whom it is about.
    pub subject_id: Option<i64>,
    /// `ok`, `denied` or `failed`.
    pub result: String,
    /// What changed, as JSON.
    pub details: String,
    /// Its hash; none if it was written before there was a chain, and has not been chained since.
    pub hash: Option<Hash>,
    /// The seal on its hash.
    pub seal: Option<Hash>,
}

/// Where the trail begins and ends. Kept apart from the events, so that it is seen when some are missing at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The newest event.
    pub last: Link,
    /// The newest event that was pruned; the chain hangs on its hash.
    pub pruned: Link,
    /// The seal on these.
    pub seal: Hash,
}

/// An event by its place and its hash; both zero for what is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// Its place.
    pub id: i64,
    /// Its hash.
    pub hash: Hash,
}

impl Hash {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] << 4) | pair[1];
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Entry {
    /// An event at a place of the trail, not chained yet.
    pub fn new(id: i64, event: &Event) -> Self {
        Self {
            id,
            at: event.at,
            actor_kind: event.actor_kind.to_owned(),
            actor_id: event.actor_id,
            actor: event.actor.chars().take(ACTOR_MAX).collect(),
            door: event.door.to_owned(),
            ip_address: event.ip_address.clone(),
            user_agent: event.user_agent.clone(),
            action: event.action.to_owned(),
            entity: event.entity.to_owned(),
            entity_id: event.entity_id,
            subject_id: event.subject.map(|user| user.0),
            result: event.result.to_owned(),
            details: event.details.clone(),
            hash: None,
            seal: None,
        }
    }

    /// What is hashed: the event and the hash of the one before it as one line of JSON, up to where its own hash follows.
    /// It is all printable ASCII, whatever is in the event: an escape stands for everything else.
    pub fn text(&self, previous: &Hash) -> String {
        let fields = json!({
            "id": self.id,
            "at": times::written(self.at),
            "actor_kind": self.actor_kind,
            "actor_id": self.actor_id,
            "actor": self.actor,
            "door": self.door,
            "ip_address": self.ip_address,
            "user_agent": self.user_agent,
            "action": self.action,
            "entity": self.entity,
            "entity_id": self.entity_id,
            "subject_id": self.subject_id,
            "result": self.result,
        });
        let mut text = fields.to_string();
        text.pop();
        ascii(&format!("{text},\"details\":{},\"previous\":\"{previous}\"", self.details))
    }

    /// The whole line of an export: the hashed text, then the hash and its seal.
    pub fn line(&self, previous: &Hash) -> String {
        let written = |hash: Option<Hash>| hash.map_or_else(|| "null".to_owned(), |hash| format!("\"{hash}\""));
        format!("{},\"hash\":{},\"seal\":{}}}", self.text(previous), written(self.hash), written(self.seal))
    }
}

impl Head {
    /// What its seal is on.
    pub fn text(&self) -> String {
        let (last, pruned) = (self.last, self.pruned);
        format!("head {} {} {} {}", last.id, last.hash, pruned.id, pruned.hash)
    }
}

/// Details as they are written, bounded: a long text, list or object is cut, and what is too long even so is left out.
pub fn details(of: &Value) -> String {
    let text = bounded(of).to_string();
    if text.len() <= DETAILS_MAX { text } else { json!({"left_out": "too long", "bytes": text.len()}).to_string() }
}

fn bounded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text, TEXT_MAX)),
        Value::Array(items) => Value::Array(items.iter().take(ITEMS_MAX).map(bounded).collect()),
        Value::Object(fields) => {
            let fields = fields.iter().take(ITEMS_MAX).map(|(name, value)| (cut(name, TEXT_MAX), bounded(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A text of at most `most` characters; an ellipsis stands for what was cut.
fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() { text.to_owned() } else { text.chars().take(most).chain(['…']).collect() }
}

/// JSON in which escapes stand for all but printable ASCII. Neither line breaks nor terminal escapes are in it.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}
