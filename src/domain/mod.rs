//! What the program is about: users, roles, sessions and the rules that need nothing but their values. Knows nothing of
//! databases, HTTP or terminals.
//!
//! No type here can be serialised. A door that shows one copies it, field by field, into a type of its own, so that
//! nothing is shown by accident.

pub mod advice;
pub mod api_tokens;
pub mod audit;
pub mod backups;
pub mod catalog;
pub mod error;
pub mod guard;
pub mod identifiers;
pub mod ids;
pub mod imports;
pub mod json;
pub mod keys;
pub mod mails;
pub mod networks;
pub mod one_time_tokens;
pub mod pages;
pub mod passwords;
pub mod policies;
pub mod proxies;
pub mod rights;
pub mod sessions;
pub mod settings;
pub mod status_lists;
pub mod times;
pub mod tls;
pub mod tokens;
pub mod users;
