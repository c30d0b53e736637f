//! Puts together the SQL of a list: filters with bound values, an order out of an allowlist, a window.

use rusqlite::types::Value;

use super::micros;
use crate::domain::ids::Timestamp;
use crate::domain::pages::Listing;

/// Upper end of the range of all texts that begin with some prefix.
const LAST_CHARACTER: char = '\u{10ffff}';

/// Conditions and the values bound to them.
#[derive(Default)]
pub struct Filter {
    conditions: Vec<String>,
    /// Values in the order of their question marks.
    pub values: Vec<Value>,
}

impl Filter {
    /// Adds a condition; each `?` in it takes the next of `values`.
    pub fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(format!("({condition})"));
        self.values.extend(values);
    }

    /// What a listing asks of rows that belong to a user and come to an end. `live` is whether a row is live, at a moment
    /// that is bound twice.
    pub fn of_user(listing: &Listing, live: &str, now: Timestamp) -> Self {
        let mut filter = Self::default();
        if let Some(user) = listing.user {
            filter.and("user_id = ?", [Value::from(user.0)]);
        }
        let now = [Value::from(micros(now)), Value::from(micros(now))];
        match listing.active {
            Some(true) => filter.and(live, now),
            Some(false) => filter.and(&format!("NOT ({live})"), now),
            None => {}
        }
        filter
    }

    /// Adds: one of these columns begins with one of `prefixes`. Each column must be indexed to be quick.
    pub fn and_prefix(&mut self, table: &str, columns: &[&str], prefixes: &[String]) {
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        for column in columns {
            for prefix in prefixes {
                parts.push(format!("SELECT id FROM {table} WHERE {column} >= ? AND {column} < ?"));
                values.extend([Value::from(prefix.clone()), Value::from(format!("{prefix}{LAST_CHARACTER}"))]);
            }
        }
        self.and(&format!("id IN ({})", parts.join(" UNION ")), values);
    }

    /// Adds: one of these columns contains one of the [`spellings`] of `word`. Reads every row: for short tables.
    pub fn and_contains(&mut self, columns: &[&str], word: &str) {
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        for column in columns {
            for word in spellings(word) {
                let literal = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                parts.push(format!("{column} LIKE ? ESCAPE '\\'"));
                values.push(Value::from(format!("%{literal}%")));
            }
        }
        self.and(&parts.join(" OR "), values);
    }

    /// Adds what nothing fulfils.
    pub fn and_never(&mut self) {
        self.and("FALSE", []);
    }

    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// `WHERE …`, or nothing.
    pub fn clause(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!("WHERE {}", self.conditions.join(" AND ")) }
    }

    /// The values, followed by limit and offset.
    pub fn window(&self, listing: &Listing) -> Vec<Value> {
        let mut values = self.values.clone();
        values.push(Value::from(i64::from(listing.limit)));
        values.push(Value::from(i64::try_from(listing.offset).unwrap_or(i64::MAX)));
        values
    }
}

/// `word` as it may stand in the data: as it is, in small letters, with a capital, in capitals. SQLite itself takes
/// letters of different case for the same in ASCII only.
pub fn spellings(word: &str) -> Vec<String> {
    let small = word.to_lowercase();
    let mut spellings = vec![word.to_owned()];
    if !word.is_ascii() {
        let mut rest = small.chars();
        let capital: String = rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect();
        spellings.extend([capital, word.to_uppercase(), small]);
        spellings.sort();
        spellings.dedup();
    }
    spellings
}

/// `ORDER BY …`: the asked fields by their columns, up to the id, which decides at last: in the direction of the first if
/// it was not asked for, so that one index serves. A field that is not among `columns` is left out.
pub fn order(listing: &Listing, columns: &[(&str, &str)]) -> String {
    let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
    let asked = listing.order.iter().position(|order| order.field == "id").unwrap_or(listing.order.len());
    let mut parts: Vec<String> = listing.order[..asked]
        .iter()
        .filter_map(|order| {
            let (_, column) = columns.iter().find(|(field, _)| *field == order.field)?;
            Some(format!("{column} {}", direction(order.descending)))
        })
        .collect();
    let id = listing.order.get(asked).or(listing.order.first());
    parts.push(format!("id {}", direction(id.is_some_and(|order| order.descending))));
    format!("ORDER BY {}", parts.join(", "))
}
