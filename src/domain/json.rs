//! JSON from outside, read strictly: one value, bounded depth, and no key twice in an object unless asked. The one
//! reader of bodies and of tokens.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a key that stands twice in one object means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twice {
    /// The text is refused: it could mean one thing here and another elsewhere.
    Refused,
    /// The last one counts.
    LastCounts,
}

/// Reads one JSON value out of `bytes`, with at most `depth` arrays and objects inside one another.
///
/// # Errors
/// What is wrong and where, in a sentence without a full stop: not UTF-8, a byte order mark, no JSON, something after the
/// value, nesting deeper than `depth`, a number out of range, half a surrogate pair; a key that stands twice, if that is
/// refused.
pub fn parse(bytes: &[u8], depth: usize, twice: Twice) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|wrong| format!("not UTF-8 at byte {}", wrong.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err("unexpected byte order mark".to_owned());
    }
    let mut input = serde_json::Deserializer::from_str(text);
    let value = Node { twice, depth, left: depth }.deserialize(&mut input).map_err(|wrong| wrong.to_string())?;
    input.end().map_err(|wrong| wrong.to_string())?;
    Ok(value)
}

/// A value at some depth.
#[derive(Clone, Copy)]
struct Node {
    twice: Twice,
    depth: usize,
    left: usize,
}

impl Node {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(E::custom(format_args!("nested deeper than {} levels", self.depth))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.twice == Twice::Refused && object.contains_key(&key) {
                return Err(A::Error::custom("a key stands twice in one object"));
            }
            let value = entries.next_value_seed(below)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
