//! Instants in answers and bodies.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::ids::Timestamp;
use crate::domain::times;

pub use crate::domain::times::instant as parse;

/// What is said of a text that is no instant.
pub const WRONG_FORMAT: &str =
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";

/// An instant in an answer: `2024-07-13T17:24:33.855512Z`, without the fraction when that is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&times::written(self.0))
    }
}

impl JsonSchema for Instant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

/// An instant in UTC without its zone: `2024-07-13T17:24:33.855512` (S0-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naive(pub Timestamp);

impl Serialize for Naive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(times::written(self.0).trim_end_matches('Z'))
    }
}

impl JsonSchema for Naive {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Naive".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}
