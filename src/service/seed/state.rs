//! What the database holds, read once: loading many entries asks it nothing one by one.

use std::collections::HashMap;

use super::wanted::KINDS;
use crate::domain::catalog::{Kind, Named};
use crate::domain::error::Result;
use crate::domain::ids::PermissionId;
use crate::domain::pages::Listing;
use crate::domain::rights::Right;
use crate::store::Tx;

/// Roles, resources, actions and permissions by their code names.
pub(super) struct State {
    named: HashMap<Kind, HashMap<String, Named>>,
    permissions: HashMap<Right, PermissionId>,
}

impl State {
    pub(super) fn read(tx: &dyn Tx) -> Result<Self> {
        let everything = Listing { limit: u32::MAX, ..Listing::default() };
        let mut named = HashMap::new();
        for kind in KINDS {
            let all = tx.list_named(kind, &everything)?;
            named.insert(kind, all.into_iter().map(|one| (one.code_name.clone(), one)).collect());
        }
        let permissions = tx.list_permissions(&everything)?;
        let permissions = permissions.into_iter().map(|one| (one.right, one.id)).collect();
        Ok(Self { named, permissions })
    }

    pub(super) fn named(&self, kind: Kind, code_name: &str) -> Option<&Named> {
        self.named.get(&kind)?.get(code_name)
    }

    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Named> {
        self.named.get(&kind).into_iter().flat_map(HashMap::values)
    }

    pub(super) fn permission(&self, right: &Right) -> Option<PermissionId> {
        self.permissions.get(right).copied()
    }

    pub(super) fn permissions(&self) -> impl Iterator<Item = (&Right, PermissionId)> {
        self.permissions.iter().map(|(right, id)| (right, *id))
    }

    /// Remembers a permission that was made.
    pub(super) fn paired(&mut self, right: Right, id: PermissionId) {
        self.permissions.insert(right, id);
    }

    /// Remembers a role, a resource or an action that was made.
    pub(super) fn inserted(&mut self, kind: Kind, named: Named) {
        self.named.entry(kind).or_default().insert(named.code_name.clone(), named);
    }
}
