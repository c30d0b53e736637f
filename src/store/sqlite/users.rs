//! Users in SQLite.

use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Row, named_params, params_from_iter};

use super::list::{Filter, order, spellings};
use super::{Hold, SqliteTx, broken, maybe_time, micros, time};
use crate::domain::error::Result;
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::imports::Arrival;
use crate::domain::pages::Listing;
use crate::domain::users::{NewUser, Pending, User};
use crate::store::{Users, missed};

/// In the order in which [`user`] reads them.
const COLUMNS: &str = "id, email, email_key, phone, username, username_key, first_name, last_name, middle_name, \
     is_active, pending, is_staff, is_superuser, date_joined, last_login, updated_at, force_logout_at";

const ORDER: &[(&str, &str)] = &[
    ("email", "email_key"),
    ("username", "username_key"),
    ("first_name", "first_name COLLATE NOCASE"),
    ("last_name", "last_name COLLATE NOCASE"),
    ("date_joined", "date_joined"),
    ("last_login", "last_login"),
    ("updated_at", "updated_at"),
];

/// Shortest word that the trigram index finds inside others.
const TRIGRAM: usize = 3;
/// Longest address, in bytes (RFC 5321, section 4.5.3.1.3).
const ADDRESS: usize = 254;

/// Columns by number: to find them by name would take longer than to read them.
fn user(row: &Row) -> rusqlite::Result<User> {
    let pair = |text: usize, key: usize| -> rusqlite::Result<Option<(String, String)>> {
        Ok(row.get::<_, Option<String>>(text)?.zip(row.get::<_, Option<String>>(key)?))
    };
    let pending = |word: String| Pending::parse(&word).ok_or_else(|| broken("pending", &word));
    Ok(User {
        id: UserId(row.get(0)?),
        email: pair(1, 2)?.map(|(stored, key)| Email::from_stored(stored, key)),
        phone: row.get::<_, Option<String>>(3)?.map(Phone::from_stored),
        username: pair(4, 5)?.map(|(stored, key)| Username::from_stored(stored, key)),
        first_name: row.get(6)?,
        last_name: row.get(7)?,
        middle_name: row.get(8)?,
        is_active: row.get(9)?,
        pending: row.get::<_, Option<String>>(10)?.map(pending).transpose()?,
        is_staff: row.get(11)?,
        is_superuser: row.get(12)?,
        date_joined: time(row, 13)?,
        last_login: maybe_time(row, 14)?,
        updated_at: time(row, 15)?,
        force_logout_at: maybe_time(row, 16)?,
    })
}

/// The part of a long word that the trigram index is asked for: of an address what stands before the `@`, if that is
/// long enough. The rest is looked for in the rows that are found, since the domain is that of many, and the index would
/// read the places of all of them. Only where both take letters of different case for the same in the same way, and the
/// word is no longer than an address is.
fn telling(word: &str) -> &str {
    match word.split_once('@') {
        Some((local, _)) if local.len() >= TRIGRAM && word.is_ascii() && word.len() <= ADDRESS => local,
        _ => word,
    }
}

fn filter(listing: &Listing) -> Filter {
    let mut filter = Filter::default();
    match listing.active {
        // Written out, so that the index of the inactive serves.
        Some(true) => filter.and("is_active = 1", []),
        Some(false) => filter.and("is_active = 0", []),
        None => {}
    }
    if listing.search.iter().any(|word| word.contains('\0')) {
        // No stored text holds one, and FTS would read no further.
        filter.and_never();
        return filter;
    }
    let (long, short): (Vec<_>, Vec<_>) = listing.search.iter().partition(|word| word.chars().count() >= TRIGRAM);
    if !long.is_empty() {
        let telling = long.iter().map(|word| telling(word));
        let words: Vec<String> = telling.map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        let matching = "id IN (SELECT rowid FROM users_search WHERE users_search MATCH ?)";
        filter.and(matching, [Value::from(words.join(" AND "))]);
    }
    for word in long.into_iter().filter(|word| telling(word) != word.as_str()) {
        filter.and_contains(&["email", "phone", "username", "first_name", "last_name", "middle_name"], word);
    }
    for word in short {
        let columns = ["email_key", "phone", "username_key", "first_name COLLATE NOCASE", "last_name COLLATE NOCASE"];
        let mut starts = spellings(word);
        starts.push(word.to_lowercase());
        filter.and_prefix("users", &columns, &starts);
    }
    filter
}

impl Users for SqliteTx<'_> {
    fn user(&self, id: UserId) -> Result<Option<User>> {
        static SQL: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM users WHERE id = ?"));
        let Hold::Read(look) = &self.hold else { return self.one(&SQL, [id.0], user) };
        if let Some(known) = look.user.borrow().as_ref().filter(|known| known.id == id) {
            return Ok(Some(known.clone()));
        }
        let found = self.one(&SQL, [id.0], user)?;
        look.user.replace(found.clone());
        Ok(found)
    }

    fn user_by_keys(&self, keys: &[&str]) -> Result<Option<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE email_key = ?1 OR phone = ?1 OR username_key = ?1");
        for key in keys {
            if let Some(found) = self.one(&sql, [key], user)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn password_hash(&self, id: UserId) -> Result<Option<String>> {
        Ok(self.one("SELECT password FROM users WHERE id = ?", [id.0], |row| row.get(0))?.flatten())
    }

    fn count_users(&self, listing: &Listing) -> Result<u64> {
        let filter = filter(listing);
        if filter.is_empty() {
            return self.counted("users");
        }
        if listing.search.is_empty() && listing.active.is_some() {
            let inactive = self.count("SELECT COUNT(*) FROM users WHERE is_active = 0", [])?;
            let all = self.counted("users")?;
            return Ok(if listing.active == Some(true) { all.saturating_sub(inactive) } else { inactive });
        }
        self.count(&format!("SELECT COUNT(*) FROM users {}", filter.clause()), params_from_iter(&filter.values))
    }

    fn list_users(&self, listing: &Listing) -> Result<Vec<User>> {
        let (filter, order) = (filter(listing), order(listing, ORDER));
        let sql = format!(
            "SELECT {COLUMNS} FROM users WHERE id IN (SELECT id FROM users {} {order} LIMIT ? OFFSET ?) {order}",
            filter.clause()
        );
        self.all(&sql, params_from_iter(filter.window(listing)), user)
    }

    fn similar_identifiers(&self, text: &str, limit: u32) -> Result<Vec<String>> {
        let start: String = text.to_lowercase().chars().take(2).collect();
        let mut filter = Filter::default();
        filter.and_prefix("users", &["email_key", "phone", "username_key"], &[start]);
        filter.values.push(Value::from(i64::from(limit)));
        let sql = format!(
            "SELECT COALESCE(email, phone, username), username FROM users {} ORDER BY id LIMIT ?",
            filter.clause()
        );
        let found = self.all(&sql, params_from_iter(&filter.values), |row| {
            Ok([row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?])
        })?;
        Ok(found.into_iter().flatten().flatten().collect())
    }

    fn taken_identifier(&self, user: &NewUser, except: Option<UserId>) -> Result<Option<&'static str>> {
        let keys = [
            ("email", user.email.as_ref().map(Email::key)),
            ("phone", user.phone.as_ref().map(Phone::key)),
            ("username", user.username.as_ref().map(Username::key)),
        ];
        for (field, key) in keys {
            let Some(key) = key else { continue };
            let sql = "SELECT 1 FROM users WHERE (email_key = ?1 OR phone = ?1 OR username_key = ?1) AND id IS NOT ?2";
            if self.one(sql, (key, except.map(|id| id.0)), |_| Ok(()))?.is_some() {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }

    fn insert_user(&self, user: &NewUser, hash: Option<&str>, now: Timestamp) -> Result<UserId> {
        let hash = hash.map(str::to_owned);
        self.import_user(&Arrival { id: None, profile: user.clone(), hash, date_joined: now, last_login: None }, now)
    }

    fn import_user(&self, arrival: &Arrival, now: Timestamp) -> Result<UserId> {
        let user = &arrival.profile;
        let id = self.insert(
            "INSERT INTO users (id, email, email_key, phone, username, username_key, password, first_name, last_name,
                                middle_name, is_active, pending, is_staff, is_superuser, date_joined, last_login,
                                updated_at, force_logout_at)
             VALUES (:id, :email, :email_key, :phone, :username, :username_key, :password, :first_name, :last_name,
                     :middle_name, :is_active, :pending, :is_staff, :is_superuser, :date_joined, :last_login, :now,
                     :force_logout_at)",
            named_params! {
                ":id": arrival.id.map(|id| id.0),
                ":email": user.email.as_ref().map(Email::as_str),
                ":email_key": user.email.as_ref().map(Email::key),
                ":phone": user.phone.as_ref().map(Phone::as_str),
                ":username": user.username.as_ref().map(Username::as_str),
                ":username_key": user.username.as_ref().map(Username::key),
                ":password": arrival.hash,
                ":first_name": user.first_name,
                ":last_name": user.last_name,
                ":middle_name": user.middle_name,
                ":is_active": user.is_active,
                ":pending": user.pending.map(Pending::as_str),
                ":is_staff": user.is_staff,
                ":is_superuser": user.is_superuser,
                ":date_joined": micros(arrival.date_joined),
                ":last_login": arrival.last_login.map(micros),
                ":now": micros(now),
                ":force_logout_at": user.force_logout_at.map(micros),
            },
        )?;
        Ok(UserId(id))
    }

    fn last_user_id(&self) -> Result<i64> {
        let last = self.one("SELECT seq FROM sqlite_sequence WHERE name = 'users'", [], |row| row.get(0))?;
        Ok(last.unwrap_or(0))
    }

    fn has_imported_hash(&self, except: Option<UserId>) -> Result<bool> {
        // Ours are the only ones that begin so.
        let sql = "SELECT 1 FROM users WHERE password IS NOT NULL AND password NOT GLOB '$argon2id$*' AND id IS NOT ?
                   LIMIT 1";
        Ok(self.one(sql, [except.map(|id| id.0)], |_| Ok(()))?.is_some())
    }

    fn update_user(&self, user: &User) -> Result<()> {
        let hit = self.change(
            "UPDATE users SET email = :email, email_key = :email_key, phone = :phone, username = :username,
                    username_key = :username_key, first_name = :first_name, last_name = :last_name,
                    middle_name = :middle_name, is_active = :is_active, pending = :pending, is_staff = :is_staff,
                    is_superuser = :is_superuser, last_login = :last_login, updated_at = :updated_at,
                    force_logout_at = :force_logout_at
             WHERE id = :id",
            named_params! {
                ":id": user.id.0,
                ":email": user.email.as_ref().map(Email::as_str),
                ":email_key": user.email.as_ref().map(Email::key),
                ":phone": user.phone.as_ref().map(Phone::as_str),
                ":username": user.username.as_ref().map(Username::as_str),
                ":username_key": user.username.as_ref().map(Username::key),
                ":first_name": user.first_name,
                ":last_name": user.last_name,
                ":middle_name": user.middle_name,
                ":is_active": user.is_active,
                ":pending": user.pending.map(Pending::as_str),
                ":is_staff": user.is_staff,
                ":is_superuser": user.is_superuser,
                ":last_login": user.last_login.map(micros),
                ":updated_at": micros(user.updated_at),
                ":force_logout_at": user.force_logout_at.map(micros),
            },
        )?;
        if hit == 1 { Ok(()) } else { Err(missed("users")) }
    }

    fn set_password_hash(&self, id: UserId, hash: Option<&str>) -> Result<()> {
        let hit = self.change("UPDATE users SET password = ?2 WHERE id = ?1", (id.0, hash))?;
        if hit == 1 { Ok(()) } else { Err(missed("users")) }
    }

    fn delete_user(&self, id: UserId) -> Result<bool> {
        Ok(self.change("DELETE FROM users WHERE id = ?", [id.0])? == 1)
    }

    fn count_active_superusers(&self) -> Result<u64> {
        self.count("SELECT COUNT(*) FROM users WHERE is_superuser = 1 AND is_active = 1", [])
    }
}
