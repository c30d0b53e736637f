//! What doors name: roles, resources and others by id or code name, whether they are there, and what may have been meant.

use crate::domain::catalog::Kind;
use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::{ApiTokenId, PermissionId, SessionId, UserId};
use crate::service::Ctx;

/// Passes if there is such a thing. Says no more than [`Error::NotFound`] of the operation that the caller is about to
/// call, whose right he must have been found to hold.
///
/// # Errors
/// `NotFound`, and those of the store.
pub fn exists(ctx: &Ctx, entity: Entity, id: i64) -> Result<()> {
    let there = ctx.env.store.read(|tx| match entity {
        Entity::User => Ok(tx.user(UserId(id))?.is_some()),
        Entity::Permission => Ok(tx.permission(PermissionId(id))?.is_some()),
        Entity::Role => Ok(tx.named(Kind::Role, id)?.is_some()),
        Entity::Resource => Ok(tx.named(Kind::Resource, id)?.is_some()),
        Entity::Action => Ok(tx.named(Kind::Action, id)?.is_some()),
        Entity::Session => Ok(tx.session(SessionId(id))?.is_some()),
        Entity::ApiToken => Ok(tx.api_token(ApiTokenId(id), ctx.now)?.is_some()),
        Entity::Token | Entity::Setting | Entity::Mail | Entity::Key | Entity::Page => {
            Err(Error::internal("these have no ids"))
        }
    })?;
    if there { Ok(()) } else { Err(Error::NotFound(entity)) }
}

/// How a door names a role, resource or action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ref {
    /// By id.
    Id(i64),
    /// By code name.
    Code(String),
}

/// Answer of an `ensure` operation: made now, or there already. Only what was named is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ensured<T> {
    /// Made now.
    Created(T),
    /// There already with these values; nothing was written.
    Unchanged(T),
    /// This holds the name already and differs in these fields; nothing was written.
    Differs(T, Vec<&'static str>),
}

impl<T> Ensured<T> {
    /// The answer for what is there and differs from what was asked for in `fields`.
    pub(super) fn of(there: T, fields: Vec<&'static str>) -> Self {
        if fields.is_empty() { Ensured::Unchanged(there) } else { Ensured::Differs(there, fields) }
    }
}

impl std::fmt::Display for Ref {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ref::Id(id) => id.fmt(f),
            Ref::Code(code) => f.write_str(code),
        }
    }
}

/// The complaint about a field of a body that names something that does not exist.
pub fn missing_reference(field: &str, what: &str) -> Error {
    Error::invalid(field, "does_not_exist", format!("Invalid pk \"{what}\" - object does not exist."))
}

/// Those of `candidates` that somebody who typed `text` may have meant, nearest first.
pub(super) fn nearest(text: &str, candidates: Vec<String>) -> Vec<String> {
    /// Likeness by Jaro and Winkler from which on a name is worth suggesting.
    const ALIKE: f64 = 0.8;
    /// More suggestions than this only confuse.
    const MOST: usize = 3;
    let text = text.to_lowercase();
    let mut near: Vec<(f64, String)> = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&text, &candidate.to_lowercase()), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}
