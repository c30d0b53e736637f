//! Values of runtime settings: what a setting takes, from JSON and as typed on a command line.

use std::net::Ipv6Addr;

use serde_json::Value;

use super::known::{Kind, Setting};
use crate::domain::error::{Error, Result};
use crate::domain::identifiers::canonical_domain;
use crate::domain::times;

impl Setting {
    /// The default.
    pub fn default_value(&self) -> Value {
        serde_json::from_str(self.default).unwrap_or(Value::Null)
    }

    /// Unit of the value, for people; empty where there is none.
    pub fn unit(&self) -> &'static str {
        if matches!(self.kind, Kind::Seconds(..)) { "seconds" } else { "" }
    }

    /// What values are taken, for people.
    pub fn bounds(&self) -> String {
        match self.kind {
            Kind::Seconds(low, high) | Kind::Count(low, high) => format!("{low} to {high}"),
            Kind::Switch => "true or false".to_owned(),
            Kind::Choice(words) => words.join(" or "),
            Kind::Text(most) => format!("at most {most} characters"),
            Kind::Url => "http://host[:port] or https://host[:port], or empty".to_owned(),
            Kind::Registration => "open, closed, or domains such as example.com,example.org".to_owned(),
        }
    }

    /// Reads a value from JSON and brings it into its one form.
    ///
    /// # Errors
    /// `Invalid(<key>)` when it is of the wrong type or out of bounds.
    pub fn accept(&self, value: &Value) -> Result<Value> {
        let refuse =
            || Error::invalid(self.key, "invalid", format!("Enter a value of this kind: {}.", self.described()));
        match self.kind {
            Kind::Seconds(low, high) | Kind::Count(low, high) => {
                value.as_u64().filter(|number| (low..=high).contains(number)).map(Value::from).ok_or_else(refuse)
            }
            Kind::Switch => value.as_bool().map(Value::from).ok_or_else(refuse),
            Kind::Choice(words) => {
                value.as_str().filter(|word| words.contains(word)).map(Value::from).ok_or_else(refuse)
            }
            Kind::Text(most) => value
                .as_str()
                .map(str::trim)
                .filter(|text| text.chars().count() <= most && !text.chars().any(char::is_control))
                .map(Value::from)
                .ok_or_else(refuse),
            Kind::Url => value.as_str().and_then(origin).map(Value::from).ok_or_else(refuse),
            Kind::Registration => registration(value).ok_or_else(refuse),
        }
    }

    /// Reads a value as typed on a command line: JSON, a bare word, or a time such as `90s`, `5m`, `24h`, `30d`.
    ///
    /// # Errors
    /// `Invalid(<key>)` when it is none of them, of the wrong type or out of bounds.
    pub fn accept_text(&self, text: &str) -> Result<Value> {
        let text = text.trim();
        let value = match self.kind {
            Kind::Seconds(..) => times::seconds(text).map_or_else(|| Value::from(text), Value::from),
            Kind::Count(..) => text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
            Kind::Switch => switch(text).map_or_else(|| Value::from(text), Value::from),
            Kind::Choice(_) | Kind::Registration => Value::from(text.to_lowercase()),
            Kind::Text(_) | Kind::Url => Value::from(text),
        };
        self.accept(&value).map_err(|error| match self.kind {
            Kind::Seconds(..) => {
                let message = format!(
                    "Enter a value of this kind: {} seconds; a unit may follow: s, m, h, d or w.",
                    self.bounds()
                );
                Error::invalid(self.key, "invalid", message)
            }
            _ => error,
        })
    }

    fn described(&self) -> String {
        match self.kind {
            Kind::Seconds(..) => format!("a whole number of seconds, {}", self.bounds()),
            Kind::Count(..) => format!("a whole number, {}", self.bounds()),
            _ => self.bounds(),
        }
    }
}

/// Yes or no, as typed.
pub fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// `scheme://host[:port]` in small letters, without the slash at the end; empty stays empty. The host is a name in ASCII,
/// an IPv4 address, or an IPv6 address in brackets.
fn origin(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return Some(String::new());
    }
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, port) = match place.find(']') {
        Some(end) => place.split_at(end + 1),
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let good_host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    let good_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (good_host && good_port && text.len() <= 200).then_some(text)
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_label)
}

/// 1 to 65535, digits only.
fn is_port(text: &str) -> bool {
    !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// `open`, `closed` or an array of domains, from any of the forms in which that can be given.
fn registration(value: &Value) -> Option<Value> {
    let words: Vec<String> = match value {
        Value::String(text) if text == "open" || text == "closed" => return Some(value.clone()),
        Value::String(text) => text.split(',').map(domain).collect::<Option<_>>()?,
        Value::Array(items) => items.iter().map(|item| item.as_str().and_then(domain)).collect::<Option<_>>()?,
        _ => return None,
    };
    (!words.is_empty() && words.len() <= 100).then(|| Value::from(words))
}

/// The form in which [`Email::domain`](crate::domain::identifiers::Email::domain) has it.
fn domain(text: &str) -> Option<String> {
    canonical_domain(text.trim().trim_start_matches('@'))
}
