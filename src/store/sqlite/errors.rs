//! What SQLite's errors mean to a service, decided in one place.

use std::time::Duration;

use rusqlite::ErrorCode;

use crate::domain::error::{Conflict, Entity, Error};

/// How long to wait before trying again when the database was busy or its disk full.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// Columns whose uniqueness a caller can run into, and what to tell him.
const UNIQUE: &[(&str, Entity, &str)] = &[
    ("users.email_key", Entity::User, "email"),
    ("users.phone", Entity::User, "phone"),
    ("users.username_key", Entity::User, "username"),
    ("roles.name", Entity::Role, "name"),
    ("roles.code_name", Entity::Role, "code_name"),
    ("resources.name", Entity::Resource, "name"),
    ("resources.code_name", Entity::Resource, "code_name"),
    ("actions.name", Entity::Action, "name"),
    ("actions.code_name", Entity::Action, "code_name"),
    ("permissions.resource_id", Entity::Permission, "action"),
];

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(cause, text) = &error else { return Error::internal(error) };
        match cause.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull | ErrorCode::ReadOnly => {
                tracing::warn!(%error, "the database cannot be written now");
                Error::Unavailable { retry_after: RETRY }
            }
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
                tracing::error!(%error, "the database file cannot be read or written");
                Error::Unavailable { retry_after: RETRY }
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::damaged(error.to_string()),
            ErrorCode::ConstraintViolation => {
                taken(text.as_deref().unwrap_or("")).unwrap_or_else(|| Error::internal(error))
            }
            _ => Error::internal(error),
        }
    }
}

fn taken(text: &str) -> Option<Error> {
    let (_, columns) = text.split_once("UNIQUE constraint failed: ")?;
    let first = columns.split(',').next()?.trim();
    let (_, entity, field) = UNIQUE.iter().find(|(column, ..)| *column == first)?;
    Some(Error::Conflict(Conflict::Taken(*entity, field)))
}

impl From<r2d2::Error> for Error {
    fn from(error: r2d2::Error) -> Self {
        tracing::warn!(%error, "no database connection is free");
        Error::Unavailable { retry_after: RETRY }
    }
}
