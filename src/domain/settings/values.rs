//! Values of runtime settings: what a setting takes, from JSON and as typed on a command line.

use std::net::Ipv6Addr;

use serde_json::Value;

use super::kinds::{Item, Kind, Setting};
use super::throttling::{Rate, Scope};
use crate::domain::error::{Error, Result};
use crate::domain::identifiers::canonical_domain;
use crate::domain::times;

/// Most items of a list.
const LIST_MAX: usize = 100;

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
            Kind::Words(most) => format!("1 to {most} words such as Bearer,JWT"),
            Kind::Url => "http://host[:port] or https://host[:port], or empty".to_owned(),
            Kind::Folder => "the absolute path of a folder, or empty".to_owned(),
            Kind::Link => "a path with {uid} and {token} in it, such as activate/{uid}/{token}".to_owned(),
            Kind::Registration => "open, closed, or domains such as example.com,example.org".to_owned(),
            Kind::List(Item::Origin) => "origins such as https://app.example.com,http://localhost:3000".to_owned(),
            Kind::List(Item::Rate) => {
                "rates such as anon=3/minute,user=5/minute; per second, minute, hour or day".to_owned()
            }
            Kind::List(Item::Word(words)) => format!("some of {}, separated by commas", words.join(", ")),
            Kind::List(Item::Scope) => "scopes on paths such as login=/login/,ten=/api/v1/account/".to_owned(),
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
            Kind::Words(most) => value.as_str().and_then(|text| words(text, most)).map(Value::from).ok_or_else(refuse),
            Kind::Url => value.as_str().and_then(origin).map(Value::from).ok_or_else(refuse),
            Kind::Folder => value.as_str().and_then(folder).map(Value::from).ok_or_else(refuse),
            Kind::Link => value.as_str().and_then(link).map(Value::from).ok_or_else(refuse),
            Kind::Registration => registration(value).ok_or_else(refuse),
            Kind::List(item) => list(value, item).ok_or_else(refuse),
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
            Kind::Text(_) | Kind::Words(_) | Kind::Url | Kind::Folder | Kind::Link | Kind::List(_) => Value::from(text),
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

/// Words separated by commas alone, each once.
fn words(text: &str, most: usize) -> Option<String> {
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    let good =
        |word: &&str| (1..=30).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let once = words.iter().enumerate().all(|(at, word)| !words[..at].contains(word));
    (words.len() <= most && once && words.iter().all(good)).then(|| words.join(","))
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

/// A list out of an array of texts or a text with commas, each item in its one form and none twice.
fn list(value: &Value, item: Item) -> Option<Value> {
    let items: Vec<&str> = match value {
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        Value::String(text) => text.split(',').collect(),
        Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let form = |text: &str| match item {
        Item::Origin => page_origin(text),
        Item::Rate => Rate::parse(text).map(|rate| rate.to_string()),
        Item::Word(words) => words.iter().find(|word| **word == text).map(|word| (*word).to_owned()),
        Item::Scope => Scope::parse(text).map(|scope| scope.to_string()),
    };
    let mut forms: Vec<String> = Vec::new();
    for one in items.into_iter().map(|text| form(text.trim())) {
        let one = one?;
        let name = |text: &str| text.split('=').next().map(str::to_owned);
        // Two rates of one name contradict each other.
        if item == Item::Rate && forms.iter().any(|known| *known != one && name(known) == name(&one)) {
            return None;
        }
        if !forms.contains(&one) {
            forms.push(one);
        }
    }
    (forms.len() <= LIST_MAX).then(|| Value::from(forms))
}

/// An origin as browsers send it: without the port that the scheme has anyway, an IPv6 address in its short form.
fn page_origin(text: &str) -> Option<String> {
    let text = origin(text).filter(|text| !text.is_empty())?;
    let usual = if text.starts_with("https:") { ":443" } else { ":80" };
    let text = text.strip_suffix(usual).unwrap_or(&text);
    let Some((before, rest)) = text.split_once('[') else { return Some(text.to_owned()) };
    let (address, port) = rest.split_once(']')?;
    Some(format!("{before}[{}]{port}", address.parse::<Ipv6Addr>().ok()?))
}

/// An absolute path, or nothing.
fn folder(text: &str) -> Option<String> {
    let text = text.trim();
    let good = text.is_empty() || text.starts_with('/');
    (good && text.chars().count() <= 1000 && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// A path of visible ASCII, without the slashes before it, that names both parts of a one-time link once.
fn link(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('/');
    let rest = text.replacen("{uid}", "", 1).replacen("{token}", "", 1);
    let named = text.contains("{uid}") && text.contains("{token}");
    let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"{}<>\"'\\".contains(&byte));
    (named && plain && text.len() <= 200).then(|| text.to_owned())
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
