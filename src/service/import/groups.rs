//! From groups to roles: their code names, and what of their permissions there is here.
//!
//! A role that is there already is taken for a group's only if it gives nothing that the group did not give, or was made
//! of it: else a group that happens to be called `admin` would make its members ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::catalog::{CodeName, Kind, NAME_MAX, Named, NewNamed};
use crate::domain::error::Result;
use crate::domain::ids::RoleId;
use crate::domain::imports::{Change, ForeignGroup, ForeignPermission, Part, Source, Step};
use crate::domain::rights::{Right, action, resource};
use crate::service::permissions::PermissionRef;
use crate::service::{Ctx, catalog, roles};
use crate::store::Tx;

/// What is to be made of the groups.
pub(super) struct Draft {
    /// What each group becomes, in their order.
    pub roles: Vec<Fate>,
    /// What must be there for it.
    missing: Vec<(Kind, NewNamed)>,
    /// Code names and names of the roles, each with its kind, and what else is noted already.
    taken: BTreeSet<(&'static str, String)>,
    /// The lines of the report.
    pub steps: Vec<Step>,
}

/// Rights as pairs of resource and action.
type Rights = BTreeSet<(String, String)>;

/// What a group becomes.
pub(super) enum Fate {
    /// A role that is there.
    There(Named),
    /// A new role with these rights.
    New(NewNamed, Vec<PermissionRef>),
    /// Nothing.
    Left,
}

/// What the groups become in the database as it is.
pub(super) fn draft(tx: &dyn Tx, source: &Source) -> Result<Draft> {
    let names = Names::of(source);
    let steps = source.lost.clone();
    let mut draft = Draft { roles: Vec::new(), missing: Vec::new(), taken: BTreeSet::new(), steps };
    for group in &source.groups {
        let rights = draft.rights(group, &names);
        let fate = draft.role(tx, group, &rights)?;
        if matches!(fate, Fate::New(..)) {
            draft.needs(tx, &rights)?;
        }
        draft.roles.push(fate);
    }
    Ok(draft)
}

/// Makes what the draft says; gives the role of each group.
pub(super) fn write(ctx: &Ctx, tx: &dyn Tx, draft: &Draft) -> Result<Vec<Option<Named>>> {
    for (kind, new) in &draft.missing {
        catalog::insert(ctx, tx, *kind, new.clone())?;
    }
    let made = draft.roles.iter().map(|fate| match fate {
        Fate::There(role) => Ok(Some(role.clone())),
        Fate::Left => Ok(None),
        Fate::New(new, rights) => {
            let role = catalog::insert(ctx, tx, Kind::Role, new.clone())?;
            roles::set_permissions(ctx, tx, RoleId(role.id), rights)?;
            Ok(Some(role))
        }
    });
    made.collect()
}

impl Fate {
    /// Code name of the role.
    pub fn code_name(&self) -> Option<&str> {
        match self {
            Fate::There(role) => Some(&role.code_name),
            Fate::New(new, _) => Some(new.code_name.as_str()),
            Fate::Left => None,
        }
    }
}

impl Draft {
    /// The rights that a group gives; what is none here is told.
    fn rights(&mut self, group: &ForeignGroup, names: &Names) -> Rights {
        let mut rights = BTreeSet::new();
        for permission in &group.permissions {
            match names.right(permission) {
                Ok(right) => drop(rights.insert(right)),
                Err(why) => self.left(Part::RolePermission, &group.name, why),
            }
        }
        rights
    }

    fn left(&mut self, part: Part, name: &str, why: impl Into<String>) {
        self.steps.push(Step::new(Change::Left, part, name, why));
    }

    /// The role of a group.
    fn role(&mut self, tx: &dyn Tx, group: &ForeignGroup, rights: &Rights) -> Result<Fate> {
        let name: String = group.name.trim().chars().take(NAME_MAX).collect();
        if name.is_empty() {
            self.left(Part::Role, &group.name, "it has no name");
            return Ok(Fate::Left);
        }
        let slug = slug(&group.name);
        let codes = [slug.clone(), slug.map(|slug| format!("django_{slug}")), Some(format!("group_{}", group.key))];
        for code in codes.into_iter().flatten().filter_map(|code| CodeName::parse(&code).ok()) {
            if self.taken.contains(&("role", code.as_str().to_owned())) {
                continue;
            }
            let fate = match tx.named_by_code(Kind::Role, code.as_str())? {
                Some(role) => is_of(tx, &role, &name, rights)?.then_some(Fate::There(role)),
                None => self.new_role(tx, code.clone(), &name, rights)?,
            };
            if let Some(fate) = fate {
                let change = if matches!(fate, Fate::New(..)) { Change::Created } else { Change::Unchanged };
                self.steps.push(Step::new(change, Part::Role, code.as_str(), format!("group {}", group.name)));
                self.taken.insert(("role", code.as_str().to_owned()));
                return Ok(fate);
            }
        }
        self.left(Part::Role, &group.name, "other roles have all its names here");
        Ok(Fate::Left)
    }

    /// A role to be made, if there is a name for it.
    fn new_role(&mut self, tx: &dyn Tx, code_name: CodeName, name: &str, rights: &Rights) -> Result<Option<Fate>> {
        let description = Some(made_of(name));
        let Some(name) = free_name(tx, Kind::Role, name)? else { return Ok(None) };
        if !self.taken.insert(("role name", name.clone())) {
            return Ok(None);
        }
        let refs = rights.iter().map(|(resource, action)| Right::new(resource.clone(), action.clone()));
        let refs = refs.map(PermissionRef::Right).collect();
        Ok(Some(Fate::New(NewNamed { name, code_name, description }, refs)))
    }

    /// Notes what is not there yet of what these rights are made of.
    fn needs(&mut self, tx: &dyn Tx, rights: &Rights) -> Result<()> {
        for (resource, action) in rights {
            self.need(tx, Kind::Resource, resource)?;
            self.need(tx, Kind::Action, action)?;
            let right = Right::new(resource.clone(), action.clone());
            let is_new = self.taken.insert(("permission", right.to_string()));
            if is_new && tx.permission_by_right(&right)?.is_none() {
                self.steps.push(Step::new(Change::Created, Part::Permission, right.to_string(), ""));
            }
        }
        Ok(())
    }

    fn need(&mut self, tx: &dyn Tx, kind: Kind, code: &str) -> Result<()> {
        let (part, noun) = if kind == Kind::Resource { (Part::Resource, "resource") } else { (Part::Action, "action") };
        if !self.taken.insert((noun, code.to_owned())) || tx.named_by_code(kind, code)?.is_some() {
            return Ok(());
        }
        let name = free_name(tx, kind, code)?.unwrap_or_else(|| format!("{code} (Django {code})"));
        self.missing.push((kind, NewNamed { name, code_name: CodeName::parse(code)?, description: None }));
        self.steps.push(Step::new(Change::Created, part, code, ""));
        Ok(())
    }
}

/// Whether a role that is there may stand for a group of this name with these rights.
fn is_of(tx: &dyn Tx, role: &Named, name: &str, rights: &Rights) -> Result<bool> {
    if role.description.as_deref() == Some(&made_of(name)) {
        return Ok(true);
    }
    let held = tx.permissions_of_role(RoleId(role.id))?.into_iter().map(|permission| permission.right);
    let mut pairs = held.map(|right| (right.resource.into_owned(), right.action.into_owned()));
    Ok(pairs.all(|pair| rights.contains(&pair)))
}

/// The description by which a role that was made of a group is known again.
fn made_of(name: &str) -> String {
    format!("Group {name} of a Django site")
}

/// What models are called as resources.
struct Names(BTreeMap<(String, String), String>);

impl Names {
    /// A model's own name, where no other app has such a model and the server itself does not guard one of that name: a
    /// right about somebody's `sessions` must not be one about ours.
    fn of(source: &Source) -> Self {
        let mut apps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (app, model) in &source.models {
            apps.entry(model).or_default().insert(app);
        }
        let code = |(app, model): &(String, String)| {
            let alone = apps.get(model.as_str()).is_some_and(|apps| apps.len() == 1);
            if alone && !resource::GUARDED.contains(&model.as_str()) { model.clone() } else { format!("{app}_{model}") }
        };
        Self(source.models.iter().map(|pair| (pair.clone(), code(pair))).collect())
    }

    /// Resource and action of a permission, or why it has none.
    fn right(&self, permission: &ForeignPermission) -> Result<(String, String), String> {
        let ForeignPermission { app, model, codename } = permission;
        let told = format!("permission {app}.{codename}");
        let code = self.0.get(&(app.clone(), model.clone())).filter(|code| CodeName::parse(code).is_ok());
        let resource = code.ok_or_else(|| format!("{told}: its model cannot be a resource"))?.clone();
        if resource::GUARDED.contains(&resource.as_str()) {
            return Err(format!("{told}: the server guards a resource of that name"));
        }
        let verb = codename.strip_suffix(model.as_str()).and_then(|verb| verb.strip_suffix('_'));
        let action = match verb {
            Some("add") => action::CREATE.to_owned(),
            Some("view") => action::READ.to_owned(),
            Some("change") => action::UPDATE.to_owned(),
            Some("delete") => action::DELETE.to_owned(),
            _ => slug(codename).ok_or_else(|| format!("{told}: it cannot be an action"))?,
        };
        if action == action::ALL {
            return Err(format!("{told}: an action of that name would give every other too"));
        }
        Ok((resource, action))
    }
}

/// A name that nothing has: this one, or one with an addition.
fn free_name(tx: &dyn Tx, kind: Kind, name: &str) -> Result<Option<String>> {
    let short: String = name.chars().take(NAME_MAX - " (Django)".len()).collect();
    for name in [name.to_owned(), format!("{short} (Django)")] {
        if tx.named_by_name(kind, &name)?.is_none() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// A code name out of a name: small Latin letters, digits and underscores; `None` if nothing is left of it.
fn slug(name: &str) -> Option<String> {
    // Half a name would be that of others as well.
    if !name.is_ascii() {
        return None;
    }
    let plain: String = name
        .trim()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-.".contains(c) { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
    CodeName::parse(&words.join("_")).ok().map(|code| code.as_str().to_owned())
}
