//! The writes of a load, each with its audit event, in an order in which none stands in another's way.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::change::Op;
use super::plan::Draft;
use super::state::State;
use crate::domain::catalog::{Kind, Named, NamedPatch, NewNamed};
use crate::domain::error::{Entity, Error, Result};
use crate::domain::ids::{ActionId, ResourceId, RoleId};
use crate::domain::rights::Right;
use crate::service::Ctx;
use crate::service::catalog::{events, updated};
use crate::store::{Tx, missed};

/// Writes between two calls of `progress`.
const STRIDE: u64 = 256;

/// Does what the draft says.
pub(super) fn write(ctx: &Ctx, tx: &dyn Tx, draft: &mut Draft, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let Draft { removals, changes, state } = draft;
    let ops = |works: &[super::Work]| works.iter().filter(|work| work.op.is_some()).count() as u64;
    let total = ops(removals) + ops(changes);
    let mut writer = Writer { ctx, tx, state };
    let mut done = 0;
    let mut step = |writer: &mut Writer<'_>, op: &Op| {
        writer.one(op)?;
        done += 1;
        if done % STRIDE == 0 || done == total {
            progress(done, total);
        }
        Ok::<_, Error>(())
    };
    for op in removals.iter().filter_map(|work| work.op.as_ref()) {
        step(&mut writer, op)?;
    }
    writer.park(changes.iter().filter_map(|work| work.op.as_ref()))?;
    for op in changes.iter().filter_map(|work| work.op.as_ref()) {
        step(&mut writer, op)?;
    }
    Ok(())
}

struct Writer<'a> {
    ctx: &'a Ctx<'a>,
    tx: &'a dyn Tx,
    state: &'a mut State,
}

impl Writer<'_> {
    /// Frees names that pass from one entry to another: their old holders get a name in between.
    fn park<'o>(&self, ops: impl Iterator<Item = &'o Op> + Clone) -> Result<()> {
        let wished: HashSet<(Kind, &str)> = ops
            .clone()
            .filter_map(|op| match op {
                Op::Insert(kind, new) => Some((*kind, new.name.as_str())),
                Op::Patch { kind, patch, .. } => patch.name.as_deref().map(|name| (*kind, name)),
                _ => None,
            })
            .collect();
        for op in ops {
            let Op::Patch { kind, id, code_name, patch: NamedPatch { name: Some(_), .. } } = op else { continue };
            let now = self.state.named(*kind, code_name).map(|named| named.name.as_str());
            if now.is_some_and(|now| wished.contains(&(*kind, now))) {
                let between = NamedPatch { name: Some(format!("~{id}")), ..NamedPatch::default() };
                hit(self.tx.update_named(*kind, *id, &between)?, kind.entity())?;
            }
        }
        Ok(())
    }

    fn one(&mut self, op: &Op) -> Result<()> {
        match op {
            Op::Insert(kind, new) => self.insert(*kind, new),
            Op::Patch { kind, id, code_name, patch } => {
                let before = self.state.named(*kind, code_name).ok_or_else(|| missed(kind.resource()))?;
                hit(self.tx.update_named(*kind, *id, patch)?, kind.entity())?;
                let after = self.tx.named(*kind, *id)?.ok_or_else(|| missed(kind.resource()))?;
                self.tx.record(&updated(self.ctx, *kind, before, &after))
            }
            Op::Delete { kind, id, code_name } => {
                hit(self.tx.delete_named(*kind, *id)?, kind.entity())?;
                self.record(events(*kind).2, kind.entity(), *id, json!({ "code_name": code_name }))
            }
            Op::Pair(right) => self.pair(right),
            Op::Unpair(id, right) => {
                hit(self.tx.delete_permission(*id)?, Entity::Permission)?;
                self.record("permission.deleted", Entity::Permission, id.0, json!({ "right": right.to_string() }))
            }
            Op::Allow { role, right } => self.allow(role, right),
            Op::Deny { role, permission, right } => {
                hit(self.tx.deny(*role, *permission)?, Entity::Role)?;
                let details = json!({ "right": right.to_string() });
                self.record("role.denied", Entity::Role, role.0, details)
            }
        }
    }

    fn insert(&mut self, kind: Kind, new: &NewNamed) -> Result<()> {
        let id = self.tx.insert_named(kind, new)?;
        let code_name = new.code_name.as_str().to_owned();
        let details = json!({ "code_name": code_name });
        let named = Named { id, name: new.name.clone(), code_name, description: new.description.clone() };
        self.state.inserted(kind, named);
        self.record(events(kind).0, kind.entity(), id, details)
    }

    fn pair(&mut self, right: &Right) -> Result<()> {
        let resource = ResourceId(self.id(Kind::Resource, &right.resource)?);
        let action = ActionId(self.id(Kind::Action, &right.action)?);
        let id = self.tx.insert_permission(resource, action)?;
        self.state.paired(right.clone(), id);
        self.record("permission.created", Entity::Permission, id.0, json!({ "right": right.to_string() }))
    }

    fn allow(&mut self, role: &str, right: &Right) -> Result<()> {
        let id = RoleId(self.id(Kind::Role, role)?);
        let permission = self.state.permission(right).ok_or_else(|| missed("permissions"))?;
        hit(self.tx.allow(id, permission)?, Entity::Role)?;
        let details = json!({ "right": right.to_string() });
        self.record("role.allowed", Entity::Role, id.0, details)
    }

    fn id(&self, kind: Kind, code_name: &str) -> Result<i64> {
        self.state.named(kind, code_name).map(|named| named.id).ok_or_else(|| missed(kind.resource()))
    }

    fn record(&self, action: &'static str, entity: Entity, id: i64, details: Value) -> Result<()> {
        self.tx.record(&self.ctx.event(action, entity.noun(), Some(id), details))
    }
}

/// The draft was made in the same transaction, so every write must hit.
fn hit(did: bool, entity: Entity) -> Result<()> {
    if did { Ok(()) } else { Err(missed(entity.noun())) }
}
