//! Lists: which part of one is asked for, in what order, and what matches.

use super::error::Result;

/// Most items on one page.
pub const PAGE_MAX: u32 = 200;
/// Items on a page when nothing else is asked for.
pub const PAGE_DEFAULT: u32 = 50;

/// What part of a list to give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Items to skip.
    pub offset: u64,
    /// Items to give; 0 gives none and is useful for counting.
    pub limit: u32,
    /// Words that must all match, each in one of the fields that the list can be searched by: anywhere, or where the
    /// trait of the list says so at its beginning.
    pub search: Vec<String>,
    /// Fields to order by, first first; the id decides at last. Only names of the list's allowlist are here.
    pub order: Vec<Order>,
    /// Only what belongs to this user, where the list knows owners.
    pub user: Option<super::ids::UserId>,
    /// Only what is (or is not) active or live, where the list knows it.
    pub active: Option<bool>,
    /// Only events whose name begins so: `login`, or `login.failed`.
    pub event: Option<String>,
    /// Only what happened then or later, where the list knows times.
    pub since: Option<super::ids::Timestamp>,
    /// Only what happened before, where the list knows times.
    pub until: Option<super::ids::Timestamp>,
}

/// One field to order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Name of the field, out of an allowlist.
    pub field: &'static str,
    /// Largest first.
    pub descending: bool,
}

impl Order {
    /// Reads `name` or `-name` if it is on the allowlist.
    pub fn parse(text: &str, allowed: &[&'static str]) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let field = *allowed.iter().find(|field| **field == name)?;
        Some(Self { field, descending })
    }
}

/// A part of a list and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOf<T> {
    /// The part.
    pub items: Vec<T>,
    /// All that match.
    pub total: u64,
}

impl<T> PageOf<T> {
    /// The part that `listing` asked for. `count` counts all that match, which is costly after a search; it is asked only
    /// where the part itself does not tell.
    ///
    /// # Errors
    /// Those of `count`.
    pub fn of(listing: &Listing, items: Vec<T>, count: impl FnOnce() -> Result<u64>) -> Result<Self> {
        let found = items.len() as u64;
        let is_last = found < u64::from(listing.limit) && (found > 0 || listing.offset == 0);
        let total = if is_last { listing.offset + found } else { count()? };
        Ok(Self { items, total })
    }
}
