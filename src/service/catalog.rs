//! Resources and actions. Roles are in `roles.rs`, and share what is here.

use serde_json::{Map, Value, json};

use crate::domain::audit::Event;
use crate::domain::catalog::{DESCRIPTION_MAX, Kind, NAME_MAX, Named, NamedPatch, NewNamed};
use crate::domain::error::{Conflict, Error, FieldError, Result};
use crate::domain::ids::RoleId;
use crate::domain::pages::{Listing, PageOf};
use crate::domain::rights::{Right, action, resource};
use crate::service::{Ctx, Ensured, Ref, bounds, nearest};
use crate::store::Tx;

pub use crate::store::catalog::NAMED_ORDER as ORDER;

/// Things of a kind.
///
/// Needs `<kind>:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn list(ctx: &Ctx, kind: Kind, listing: &Listing) -> Result<PageOf<Named>> {
    ctx.require(&Right::of(kind.resource(), action::READ))?;
    ctx.env.store.read(|tx| Ok(PageOf { items: tx.list_named(kind, listing)?, total: tx.count_named(kind, listing)? }))
}

/// One thing.
///
/// Needs `<kind>:read`.
///
/// # Errors
/// `Forbidden`, `NotFound`, and those of the store.
pub fn get(ctx: &Ctx, kind: Kind, id: i64) -> Result<Named> {
    find(ctx, kind, &Ref::Id(id))
}

/// One thing, by id or code name.
///
/// Needs `<kind>:read`.
///
/// # Errors
/// `Forbidden`, `NotFound`, and those of the store.
pub fn find(ctx: &Ctx, kind: Kind, which: &Ref) -> Result<Named> {
    ctx.require(&Right::of(kind.resource(), action::READ))?;
    ctx.env.store.read(|tx| resolve(tx, kind, which))
}

/// Code names near a text that named nothing, nearest first.
///
/// Needs `<kind>:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn similar(ctx: &Ctx, kind: Kind, text: &str) -> Result<Vec<String>> {
    ctx.require(&Right::of(kind.resource(), action::READ))?;
    Ok(nearest(text, ctx.env.store.read(|tx| tx.code_names(kind))?))
}

/// Makes a resource or an action.
///
/// Needs `<kind>:create`. Writes it and one `resource.created` or `action.created` event.
///
/// # Errors
/// `Forbidden`; `Invalid` — an empty, overlong or reserved name, or an overlong description; `Conflict(Taken)`; and those of the store.
pub fn create(ctx: &Ctx, kind: Kind, new: NewNamed) -> Result<Named> {
    ctx.require(&Right::of(kind.resource(), action::CREATE))?;
    ctx.write(|tx| insert(ctx, tx, kind, new))
}

/// Makes a resource or an action unless there is one of its code name or its name. Without a description none is
/// compared.
///
/// Needs `<kind>:create` and `<kind>:read`. Writes what [`create`] writes, or nothing.
///
/// # Errors
/// Those of [`create`].
pub fn ensure(ctx: &Ctx, kind: Kind, new: NewNamed) -> Result<Ensured<Named>> {
    ctx.require(&Right::of(kind.resource(), action::CREATE))?;
    ctx.require(&Right::of(kind.resource(), action::READ))?;
    ctx.write(|tx| {
        let Some((there, fields)) = there(tx, kind, &new)? else {
            return insert(ctx, tx, kind, new).map(Ensured::Created);
        };
        Ok(Ensured::of(there, fields))
    })
}

/// The thing that has this name or this code name.
///
/// Needs `<kind>:read`.
///
/// # Errors
/// `Forbidden`, and those of the store.
pub fn holder(ctx: &Ctx, kind: Kind, name: Option<&str>, code_name: Option<&str>) -> Result<Option<Named>> {
    ctx.require(&Right::of(kind.resource(), action::READ))?;
    ctx.env.store.read(|tx| {
        let by_code = code_name.map(|code_name| tx.named_by_code(kind, code_name)).transpose()?.flatten();
        let by_name = || Ok(name.map(|name| tx.named_by_name(kind, name.trim())).transpose()?.flatten());
        by_code.map_or_else(by_name, |there| Ok(Some(there)))
    })
}

/// Changes a resource or an action.
///
/// Needs `<kind>:update`, and for a new code name every right that is renamed with it, under the old name and the new
/// . Writes it and one `resource.updated` or `action.updated` event, if anything changes.
///
/// # Errors
/// `Forbidden`; `NotFound`; `Invalid` — an empty, overlong or reserved name, or an overlong description;
/// `Conflict(BuiltIn)` — another code name for a built-in, or another name for `all`; `Conflict(Taken)`; and those of the
/// store.
pub fn update(ctx: &Ctx, kind: Kind, id: i64, patch: NamedPatch) -> Result<Named> {
    ctx.require(&Right::of(kind.resource(), action::UPDATE))?;
    ctx.write(|tx| change(ctx, tx, kind, id, patch))
}

/// Deletes a resource or an action, and with it the permissions on it.
///
/// Needs `<kind>:delete`, and every right that goes with it. Writes the deletion and one `resource.deleted` or `action.deleted` event.
///
/// # Errors
/// `Forbidden`; `NotFound`; `Conflict(BuiltIn)`; and those of the store.
pub fn delete(ctx: &Ctx, kind: Kind, id: i64) -> Result<()> {
    ctx.require(&Right::of(kind.resource(), action::DELETE))?;
    ctx.write(|tx| remove(ctx, tx, kind, id))
}

/// The thing that a door names.
pub(super) fn resolve(tx: &dyn Tx, kind: Kind, which: &Ref) -> Result<Named> {
    let found = match which {
        Ref::Id(id) => tx.named(kind, *id)?,
        Ref::Code(code) => tx.named_by_code(kind, code.trim())?,
    };
    found.ok_or(Error::NotFound(kind.entity()))
}

/// The thing that has the code name, else the one that has the name, and the fields in which it differs.
pub(super) fn there(tx: &dyn Tx, kind: Kind, new: &NewNamed) -> Result<Option<(Named, Vec<&'static str>)>> {
    let new = new.clone().normalised();
    let by_code = tx.named_by_code(kind, new.code_name.as_str())?;
    let Some(there) = by_code.map_or_else(|| tx.named_by_name(kind, &new.name), |there| Ok(Some(there)))? else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    if there.code_name != new.code_name.as_str() {
        fields.push("code_name");
    }
    if there.name != new.name {
        fields.push("name");
    }
    if new.description.is_some() && there.description != new.description {
        fields.push("description");
    }
    if !fields.is_empty() {
        // What cannot be is wrong whatever there is.
        nameable(kind, Some(&new.name), Some(new.code_name.as_str()), new.description.as_deref())?;
    }
    Ok(Some((there, fields)))
}

pub(super) fn insert(ctx: &Ctx, tx: &dyn Tx, kind: Kind, new: NewNamed) -> Result<Named> {
    let new = new.normalised();
    nameable(kind, Some(&new.name), Some(new.code_name.as_str()), new.description.as_deref())?;
    free(tx, kind, Some(&new.name), Some(new.code_name.as_str()), None)?;
    let id = tx.insert_named(kind, &new)?;
    tx.record(&ctx.event(
        events(kind).0,
        kind.entity().noun(),
        Some(id),
        json!({"code_name": new.code_name.as_str()}),
    ))?;
    resolve(tx, kind, &Ref::Id(id))
}

pub(super) fn change(ctx: &Ctx, tx: &dyn Tx, kind: Kind, id: i64, patch: NamedPatch) -> Result<Named> {
    let patch = patch.normalised();
    let there = resolve(tx, kind, &Ref::Id(id))?;
    let code_name = patch.code_name.as_ref().map(|code| code.as_str()).filter(|code| *code != there.code_name);
    let name = patch.name.as_deref().filter(|name| *name != there.name);
    nameable(kind, name, code_name, patch.description.as_ref().and_then(Option::as_deref))?;
    let keeps_name = kind == Kind::Action && there.code_name == action::ALL;
    if (code_name.is_some() && is_built_in(kind, &there.code_name)) || (name.is_some() && keeps_name) {
        return Err(Error::Conflict(Conflict::BuiltIn(kind.entity())));
    }
    if let Some(code_name) = code_name {
        let before = rights_of(tx, kind, &there)?;
        let after: Vec<Right> = before.iter().map(|right| renamed(right, kind, code_name)).collect();
        bounds::holds_all(ctx, before.iter().chain(&after))?;
    }
    free(tx, kind, name, code_name, Some(id))?;
    tx.update_named(kind, id, &patch)?;
    let now = resolve(tx, kind, &Ref::Id(id))?;
    if now != there {
        tx.record(&updated(ctx, kind, &there, &now))?;
    }
    Ok(now)
}

pub(super) fn remove(ctx: &Ctx, tx: &dyn Tx, kind: Kind, id: i64) -> Result<()> {
    let there = resolve(tx, kind, &Ref::Id(id))?;
    if is_built_in(kind, &there.code_name) {
        return Err(Error::Conflict(Conflict::BuiltIn(kind.entity())));
    }
    bounds::holds_all(ctx, &rights_of(tx, kind, &there)?)?;
    tx.delete_named(kind, id)?;
    tx.record(&ctx.event(events(kind).2, kind.entity().noun(), Some(id), json!({"code_name": there.code_name})))
}

/// Whether the server itself asks for this name, so that it must stay (D-7, D-9).
pub(super) fn is_built_in(kind: Kind, code_name: &str) -> bool {
    match kind {
        Kind::Role => false,
        Kind::Resource => resource::GUARDED.contains(&code_name),
        Kind::Action => action::BUILT_IN.contains(&code_name),
    }
}

/// The rights that change or lose their meaning when this thing changes its code name or goes.
fn rights_of(tx: &dyn Tx, kind: Kind, named: &Named) -> Result<Vec<Right>> {
    if kind == Kind::Role {
        return Ok(tx.permissions_of_role(RoleId(named.id))?.into_iter().map(|permission| permission.right).collect());
    }
    let all = Listing { limit: u32::MAX, ..Listing::default() };
    let rights = tx.list_permissions(&all)?.into_iter().map(|permission| permission.right);
    let concerned = |right: &Right| match kind {
        Kind::Resource => right.resource == named.code_name,
        Kind::Action | Kind::Role => right.action == named.code_name,
    };
    Ok(rights.filter(concerned).collect())
}

/// The right that this one becomes when its thing of that kind gets another code name.
fn renamed(right: &Right, kind: Kind, code_name: &str) -> Right {
    match kind {
        Kind::Role => right.clone(),
        Kind::Resource => Right::new(code_name, right.action.clone()),
        Kind::Action => Right::new(right.resource.clone(), code_name),
    }
}

/// Refuses empty names, texts that are too long, and names that are reserved: `all` is built in and never made or
/// renamed to (D-7, R-37).
fn nameable(kind: Kind, name: Option<&str>, code_name: Option<&str>, description: Option<&str>) -> Result<()> {
    let mut faults = Vec::new();
    if name.is_some_and(|name| name.trim().is_empty()) {
        faults.push(FieldError::blank("name"));
    }
    for (field, text, most) in [("name", name, NAME_MAX), ("description", description, DESCRIPTION_MAX)] {
        if text.is_some_and(|text| text.chars().count() > most) {
            faults.push(FieldError::too_long(field, most));
        }
    }
    if kind == Kind::Action && code_name == Some(action::ALL) {
        faults.push(FieldError::new(
            "code_name",
            "reserved",
            "\"all\" is built in and cannot be used for another action.",
        ));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

fn free(tx: &dyn Tx, kind: Kind, name: Option<&str>, code_name: Option<&str>, except: Option<i64>) -> Result<()> {
    let another = |found: Option<Named>| found.is_some_and(|found| Some(found.id) != except);
    if let Some(code_name) = code_name
        && another(tx.named_by_code(kind, code_name)?)
    {
        return Err(Error::Conflict(Conflict::Taken(kind.entity(), "code_name")));
    }
    if let Some(name) = name
        && another(tx.named_by_name(kind, name)?)
    {
        return Err(Error::Conflict(Conflict::Taken(kind.entity(), "name")));
    }
    Ok(())
}

/// The event of a change: which of the fields were what, and are what now.
pub(super) fn updated(ctx: &Ctx, kind: Kind, before: &Named, after: &Named) -> Event {
    fn fields(named: &Named) -> [(&'static str, Value); 3] {
        [("code_name", json!(named.code_name)), ("name", json!(named.name)), ("description", json!(named.description))]
    }
    let (mut was, mut is) = (Map::new(), Map::new());
    for ((field, old), (_, new)) in fields(before).into_iter().zip(fields(after)).filter(|(old, new)| old != new) {
        was.insert(field.to_owned(), old);
        is.insert(field.to_owned(), new);
    }
    let details = json!({"code_name": after.code_name, "before": was, "after": is});
    ctx.event(events(kind).1, kind.entity().noun(), Some(after.id), details)
}

/// Names of the events: created, updated, deleted.
pub(super) fn events(kind: Kind) -> (&'static str, &'static str, &'static str) {
    match kind {
        Kind::Role => ("role.created", "role.updated", "role.deleted"),
        Kind::Resource => ("resource.created", "resource.updated", "resource.deleted"),
        Kind::Action => ("action.created", "action.updated", "action.deleted"),
    }
}
