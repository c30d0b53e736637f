//! What the services ask about users.

use crate::domain::error::Result;
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::imports::Arrival;
use crate::domain::pages::Listing;
use crate::domain::users::{NewUser, User};

/// Fields that a list of users can be ordered by.
pub const USER_ORDER: &[&str] =
    &["id", "email", "username", "first_name", "last_name", "date_joined", "last_login", "updated_at"];

/// Users and their password hashes.
pub trait Users {
    /// The user with this id.
    fn user(&self, id: UserId) -> Result<Option<User>>;
    /// The user whose canonical e-mail, phone or username is one of `keys`. The three share one namespace (D-15).
    fn user_by_keys(&self, keys: &[&str]) -> Result<Option<User>>;
    /// The stored PHC string; `None` for an account without a password.
    fn password_hash(&self, id: UserId) -> Result<Option<String>>;
    /// How many match.
    fn count_users(&self, listing: &Listing) -> Result<u64>;
    /// Those that match. Searched: e-mail, phone, username, first, last and middle name; for words of one or two
    /// characters their beginnings, and no middle name.
    fn list_users(&self, listing: &Listing) -> Result<Vec<User>>;
    /// Identifiers near `text`, for "did you mean".
    fn similar_identifiers(&self, text: &str, limit: u32) -> Result<Vec<String>>;
    /// Field of `user` whose value another account holds in any of the three identifiers.
    fn taken_identifier(&self, user: &NewUser, except: Option<UserId>) -> Result<Option<&'static str>>;
    /// Adds a user. The identifiers must be free.
    fn insert_user(&self, user: &NewUser, hash: Option<&str>, now: Timestamp) -> Result<UserId>;
    /// Adds a user as he comes from elsewhere, with his times and, if it is named, his id, which was never given here. The
    /// identifiers must be free.
    fn import_user(&self, arrival: &Arrival, now: Timestamp) -> Result<UserId>;
    /// The highest id that any user ever had, also one who is gone; 0 if there never was one.
    fn last_user_id(&self) -> Result<i64>;
    /// Whether an account besides this one has a password hash that was imported.
    fn has_imported_hash(&self, except: Option<UserId>) -> Result<bool>;
    /// Writes every column but the hash.
    fn update_user(&self, user: &User) -> Result<()>;
    /// Sets or removes the password.
    fn set_password_hash(&self, id: UserId, hash: Option<&str>) -> Result<()>;
    /// Deletes the user with his sessions, tokens and role memberships; false if there was none.
    fn delete_user(&self, id: UserId) -> Result<bool>;
    /// Superusers that are active.
    fn count_active_superusers(&self) -> Result<u64>;
}
