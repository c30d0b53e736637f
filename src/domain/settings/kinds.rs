//! What a setting is, and what values it takes. How they are read and written is in `values.rs`.

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A time in whole seconds between two bounds, both allowed.
    Seconds(u64, u64),
    /// A whole number between two bounds, both allowed.
    Count(u64, u64),
    /// Yes or no.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text of at most this many characters.
    Text(usize),
    /// Words of letters, digits and hyphens, separated by commas: at least one and at most this many.
    Words(usize),
    /// An absolute `http` or `https` URL without a path, or nothing.
    Url,
    /// The absolute path of a folder, or nothing.
    Folder,
    /// The path of a page, with `{uid}` and `{token}` in it.
    Link,
    /// `open`, `closed`, or a list of e-mail domains.
    Registration,
    /// A list, which may be empty.
    List(Item),
}

/// What the items of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Origins of web pages, `https://app.example:3000`.
    Origin,
    /// Rates, `anon=3/minute`.
    Rate,
    /// Scopes on paths, `login=/login/`.
    Scope,
    /// Some of these words, in an order that counts.
    Word(&'static [&'static str]),
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Name, `rbac.access_lifetime`.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Default as JSON.
    pub(super) default: &'static str,
    /// What it does, one sentence.
    pub help: &'static str,
}
