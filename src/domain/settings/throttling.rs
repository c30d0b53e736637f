//! How many requests are let through in a time: rates by scope, and where scopes apply (S3-21, S3-22).

use std::fmt;
use std::time::Duration;

/// Most requests of a rate. Each that was let through is remembered until its time is over.
const MOST_MAX: u32 = 100_000;
/// Longest name of a scope.
const NAME_MAX: usize = 40;
/// Longest path of a scope.
const PATH_MAX: usize = 200;

/// A rate, `anon=3/minute`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Its scope: `anon`, `user` or a name of one's own.
    pub scope: String,
    /// Most requests.
    pub most: u32,
    /// In this time.
    pub per: Period,
}

/// The time of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the time itself")]
pub enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

/// A scope on a path and all paths below it, `login=/login/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// The path, with one slash at its end.
    pub path: String,
}

/// All that is set about rates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Rates, each of another scope.
    pub rates: Vec<Rate>,
    /// Where scopes apply.
    pub scopes: Vec<Scope>,
}

impl Period {
    /// By its first letter, as Django REST framework reads it.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > 10 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        match text.as_bytes().first()?.to_ascii_lowercase() {
            b's' => Some(Period::Second),
            b'm' => Some(Period::Minute),
            b'h' => Some(Period::Hour),
            b'd' => Some(Period::Day),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Period::Second => "second",
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
        }
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Period::Second => 1,
            Period::Minute => 60,
            Period::Hour => 3600,
            Period::Day => 86_400,
        })
    }
}

impl Rate {
    /// Reads `scope=number/period`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scope, rate) = text.split_once('=')?;
        let (most, per) = rate.trim().split_once('/')?;
        let digits = !most.is_empty() && most.bytes().all(|byte| byte.is_ascii_digit());
        let most = most.parse().ok().filter(|most| digits && (1..=MOST_MAX).contains(most))?;
        Some(Self { scope: name(scope)?, most, per: Period::parse(per)? })
    }
}

impl Scope {
    /// Reads `name=/path/`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scope, path) = text.split_once('=')?;
        let path = path.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/@:+".contains(&byte);
        if !path.starts_with('/') || path.contains("//") || path.len() > PATH_MAX || !path.bytes().all(plain) {
            return None;
        }
        let path = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
        Some(Self { name: name(scope)?, path })
    }

    /// Whether a request's path is this one or below it, with or without the slash at its end.
    pub fn covers(&self, path: &str) -> bool {
        path.starts_with(&self.path) || self.path.strip_suffix('/') == Some(path)
    }
}

impl Throttling {
    /// The rates by which a request to `path` is judged. Where scopes are set, theirs stand in place of `anon` and
    /// `user`, as with a view that has throttles of its own in Django REST framework.
    pub fn of(&self, path: &str) -> Vec<&Rate> {
        let here: Vec<&str> =
            self.scopes.iter().filter(|scope| scope.covers(path)).map(|scope| scope.name.as_str()).collect();
        let here = if here.is_empty() { vec![ANON, USER] } else { here };
        self.rates.iter().filter(|rate| here.contains(&rate.scope.as_str())).collect()
    }
}

/// The scope of callers who are not signed in.
pub const ANON: &str = "anon";
/// The scope of all callers: by user, or by address if nobody is signed in.
pub const USER: &str = "user";

/// Small letters, digits, `-` and `_`.
fn name(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!text.is_empty() && text.len() <= NAME_MAX && text.bytes().all(plain)).then_some(text)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}/{}", self.scope, self.most, self.per.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.path)
    }
}
