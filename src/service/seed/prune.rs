//! What goes when pruning.

use std::collections::{HashMap, HashSet};

use super::change::{Change, Op, Part, Work};
use super::plan::{Difference, RoleRights};
use crate::domain::catalog::{Kind, Named};
use crate::domain::error::Result;
use crate::domain::ids::{PermissionId, RoleId};
use crate::domain::rights::Right;
use crate::store::Tx;

impl Difference<'_> {
    pub(super) fn removals(&mut self, tx: &dyn Tx, given: &[RoleRights<'_>]) -> Result<()> {
        if !self.prune {
            return Ok(());
        }
        let unpaired = self.unpaired(given);
        self.denials(tx, given, &unpaired)?;
        for (right, permission) in unpaired {
            let op = Op::Unpair(permission, right.clone());
            self.removals.push(Work::new(
                Change::Removed,
                Part::Permission,
                &right.to_string(),
                String::new(),
                Some(op),
            ));
        }
        for kind in [Kind::Role, Kind::Resource, Kind::Action] {
            let mut leaving: Vec<&Named> =
                self.state.all(kind).filter(|named| self.leaves(kind, &named.code_name)).collect();
            leaving.sort_by_key(|named| named.id);
            for named in leaving {
                let detail = match kind {
                    Kind::Role => members(tx.count_members(RoleId(named.id))?),
                    Kind::Resource | Kind::Action => String::new(),
                };
                let op = Op::Delete { kind, id: named.id, code_name: named.code_name.clone() };
                self.removals.push(Work::new(Change::Removed, kind.into(), &named.code_name, detail, Some(op)));
            }
        }
        Ok(())
    }

    /// Permissions that go: those of leaving resources and actions, and, if the files list permissions, all others that
    /// neither a list nor a role of the files names.
    fn unpaired(&self, given: &[RoleRights<'_>]) -> Vec<(Right, PermissionId)> {
        let named: HashSet<&Right> =
            self.wanted.pairs.iter().chain(given.iter().flat_map(|role| &role.rights)).collect();
        let goes = |right: &Right| {
            self.leaves(Kind::Resource, &right.resource)
                || self.leaves(Kind::Action, &right.action)
                || (!self.wanted.pairs.is_empty() && !named.contains(right))
        };
        let mut unpaired: Vec<_> = self.state.permissions().filter(|(right, _)| goes(right)).collect();
        unpaired.sort_by_key(|(_, id)| *id);
        unpaired.into_iter().map(|(right, id)| (right.clone(), id)).collect()
    }

    /// What roles that stay lose: what the files do not list for them, and permissions that go.
    fn denials(&mut self, tx: &dyn Tx, given: &[RoleRights<'_>], unpaired: &[(Right, PermissionId)]) -> Result<()> {
        let gone: HashSet<&Right> = unpaired.iter().map(|(right, _)| right).collect();
        let listed: HashMap<&str, HashSet<&Right>> =
            given.iter().map(|role| (role.code_name, role.rights.iter().collect())).collect();
        let mut roles: Vec<&Named> = self.state.all(Kind::Role).collect();
        roles.retain(|role| !self.leaves(Kind::Role, &role.code_name));
        roles.retain(|role| !gone.is_empty() || listed.contains_key(role.code_name.as_str()));
        roles.sort_by_key(|role| role.id);
        for role in roles {
            let keeps = listed.get(role.code_name.as_str());
            for permission in tx.permissions_of_role(RoleId(role.id))? {
                let right = permission.right;
                if !gone.contains(&right) && keeps.is_none_or(|keeps| keeps.contains(&right)) {
                    continue;
                }
                let detail = right.to_string();
                let op = Op::Deny { role: RoleId(role.id), permission: permission.id, right };
                self.removals.push(Work::new(Change::Removed, Part::RolePermission, &role.code_name, detail, Some(op)));
            }
        }
        Ok(())
    }
}

fn members(count: u64) -> String {
    match count {
        0 => "nobody has it".to_owned(),
        1 => "1 user loses it".to_owned(),
        many => format!("{many} users lose it"),
    }
}
