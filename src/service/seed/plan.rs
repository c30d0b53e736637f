//! The difference between what the files ask for and what the database holds.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::change::{Change, Op, Part, Work};
use super::fault::SeedFault;
use super::file::{Entry, Given, SeedFile};
use super::state::State;
use super::wanted::{KINDS, LINKS_MAX, Place, Wanted};
use crate::domain::catalog::{Kind, Named, NamedPatch, NewNamed};
use crate::domain::error::Result;
use crate::domain::ids::RoleId;
use crate::domain::rights::{Right, action};
use crate::service::catalog::is_built_in;
use crate::service::nearest;
use crate::store::Tx;

/// Faults after which nothing more is suggested: each suggestion compares with every name there is.
const SUGGESTIONS_MAX: usize = 20;

/// What is to be done: what goes first, then what comes or changes.
pub(super) struct Draft {
    pub removals: Vec<Work>,
    pub changes: Vec<Work>,
    pub state: State,
}

/// Compares. `prune` also removes what the files do not name, of the kinds that they name anything of.
///
/// # Errors
/// `Invalid` with every contradiction of the files, among themselves and with the database.
pub(super) fn draft(tx: &dyn Tx, files: &[SeedFile], prune: bool) -> Result<Draft> {
    let wanted = Wanted::of(files);
    let state = State::read(tx)?;
    let mut difference = Difference::new(&wanted, &state, prune);
    difference.check();
    let given = difference.given();
    if !difference.faults.is_empty() {
        let mut faults = difference.faults;
        let rank: HashMap<&str, usize> = files.iter().map(|file| file.name.as_str()).zip(0..).collect();
        faults.sort_by_key(|fault| (rank.get(fault.file.as_str()).copied(), fault.line));
        return Err(faults.into());
    }
    difference.entries(Kind::Resource);
    difference.entries(Kind::Action);
    difference.pairs(&given);
    difference.entries(Kind::Role);
    difference.role_permissions(tx, &given)?;
    difference.removals(tx, &given)?;
    let Difference { removals, changes, .. } = difference;
    Ok(Draft { removals, changes, state })
}

/// Whether this is the built-in action, which is never renamed (D-7).
fn is_all(kind: Kind, named: &Named) -> bool {
    kind == Kind::Action && named.code_name == action::ALL
}

/// What one role of the files is to give.
pub(super) struct RoleRights<'a> {
    pub code_name: &'a str,
    pub rights: Vec<Right>,
}

pub(super) struct Difference<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) state: &'a State,
    pub(super) prune: bool,
    /// Code names that go.
    leaving: HashSet<(Kind, &'a str)>,
    faults: Vec<SeedFault>,
    pub(super) removals: Vec<Work>,
    changes: Vec<Work>,
}

impl<'a> Difference<'a> {
    fn new(wanted: &'a Wanted<'a>, state: &'a State, prune: bool) -> Self {
        let mentioned: HashSet<(Kind, &str)> = wanted.mentions.iter().map(|(_, kind, code)| (*kind, *code)).collect();
        let mut leaving = HashSet::new();
        for kind in KINDS.into_iter().filter(|kind| prune && wanted.lists(*kind)) {
            let stays =
                |code: &str| wanted.has(kind, code) || mentioned.contains(&(kind, code)) || is_built_in(kind, code);
            let goes = state.all(kind).map(|named| named.code_name.as_str()).filter(|code| !stays(code));
            leaving.extend(goes.map(|code| (kind, code)));
        }
        let faults = wanted.faults.clone();
        Self { wanted, state, prune, leaving, faults, removals: Vec::new(), changes: Vec::new() }
    }

    /// Notes names that are taken and what nobody knows.
    fn check(&mut self) {
        for kind in KINDS {
            let stays =
                |named: &&Named| !self.wanted.has(kind, &named.code_name) && !self.leaves(kind, &named.code_name);
            let taken: HashMap<&str, &str> = self
                .state
                .all(kind)
                .filter(stays)
                .map(|named| (named.name.as_str(), named.code_name.as_str()))
                .collect();
            for (place, entry) in self.wanted.of_kind(kind) {
                let noun = kind.entity().noun();
                if let Some(holder) = taken.get(entry.name.as_str()) {
                    let reason = format!("the {noun} {holder} of the database is named {:?} already", entry.name);
                    self.faults.push(place.fault(reason));
                }
                if let Some(all) = self.state.named(kind, entry.code_name.as_str()).filter(|named| is_all(kind, named))
                    && all.name != entry.name
                {
                    self.faults
                        .push(place.fault(format!("the action all is built in and keeps its name {:?}", all.name)));
                }
            }
        }
        for (place, kind, code_name) in &self.wanted.mentions {
            if !self.wanted.has(*kind, code_name) && self.state.named(*kind, code_name).is_none() {
                self.faults.push(self.unknown(*place, *kind, code_name));
            }
        }
    }

    fn unknown(&self, place: Place<'_>, kind: Kind, code_name: &str) -> SeedFault {
        let noun = kind.entity().noun();
        let mut reason = format!("there is no {noun} {code_name}, neither in the files nor in the database");
        if self.faults.len() < SUGGESTIONS_MAX {
            let known = self.wanted.of_kind(kind).map(|(_, entry)| entry.code_name.as_str().to_owned());
            let known = known.chain(self.state.all(kind).map(|named| named.code_name.clone()));
            if let Some(meant) = nearest(code_name, known.collect()).first() {
                reason += &format!("; did you mean {meant}?");
            }
        }
        place.fault(reason)
    }

    pub(super) fn leaves(&self, kind: Kind, code_name: &str) -> bool {
        self.leaving.contains(&(kind, code_name))
    }

    /// What the roles of the files are to give, with `*` written out. Roles that list nothing are not among them.
    fn given(&mut self) -> Vec<RoleRights<'a>> {
        let mut resources: BTreeSet<&str> =
            self.wanted.of_kind(Kind::Resource).map(|(_, e)| e.code_name.as_str()).collect();
        let held = self.state.all(Kind::Resource).map(|named| named.code_name.as_str());
        resources.extend(held.filter(|code| !self.leaves(Kind::Resource, code)));
        let mut total = 0;
        let mut given = Vec::new();
        for (place, entry) in self.wanted.of_kind(Kind::Role) {
            let Some(list) = &entry.permissions else { continue };
            let wide = list.iter().filter(|(_, given)| matches!(given, Given::Everywhere(_))).count();
            total += list.len() + wide * resources.len();
            if total > LINKS_MAX {
                self.faults.push(place.fault(format!("more than {LINKS_MAX} permissions of roles in all")));
                break;
            }
            given.push(RoleRights { code_name: entry.code_name.as_str(), rights: written_out(list, &resources) });
        }
        given
    }

    fn entries(&mut self, kind: Kind) {
        for (_, entry) in self.wanted.of_kind(kind) {
            let name = entry.code_name.as_str();
            let work = match self.state.named(kind, name) {
                None => {
                    Work::new(Change::Added, kind.into(), name, String::new(), Some(Op::Insert(kind, new_of(entry))))
                }
                Some(now) => match patch_of(entry, now) {
                    None => Work::unchanged(kind.into(), name, String::new()),
                    Some(patch) => {
                        let detail = difference_of(&patch, now);
                        let op = Op::Patch { kind, id: now.id, code_name: name.to_owned(), patch };
                        Work::new(Change::Changed, kind.into(), name, detail, Some(op))
                    }
                },
            };
            self.changes.push(work);
        }
    }

    /// Permissions that the files list, and those that only their roles ask for.
    fn pairs(&mut self, given: &[RoleRights<'_>]) {
        let mut seen = HashSet::new();
        for right in self.wanted.pairs.iter().chain(given.iter().flat_map(|role| &role.rights)) {
            if !seen.insert(right) {
                continue;
            }
            let name = right.to_string();
            self.changes.push(match self.state.permission(right) {
                Some(_) => Work::unchanged(Part::Permission, &name, String::new()),
                None => Work::new(Change::Added, Part::Permission, &name, String::new(), Some(Op::Pair(right.clone()))),
            });
        }
    }

    fn role_permissions(&mut self, tx: &dyn Tx, given: &[RoleRights<'_>]) -> Result<()> {
        for RoleRights { code_name, rights } in given {
            let has = match self.state.named(Kind::Role, code_name) {
                Some(role) => rights_of(tx, role)?,
                None => HashSet::new(),
            };
            for right in rights {
                let detail = right.to_string();
                self.changes.push(if has.contains(right) {
                    Work::unchanged(Part::RolePermission, code_name, detail)
                } else {
                    let op = Op::Allow { role: (*code_name).to_owned(), right: right.clone() };
                    Work::new(Change::Added, Part::RolePermission, code_name, detail, Some(op))
                });
            }
        }
        Ok(())
    }
}

fn rights_of(tx: &dyn Tx, role: &Named) -> Result<HashSet<Right>> {
    Ok(tx.permissions_of_role(RoleId(role.id))?.into_iter().map(|permission| permission.right).collect())
}

fn written_out(list: &[(usize, Given)], resources: &BTreeSet<&str>) -> Vec<Right> {
    let mut seen = HashSet::new();
    let mut rights = Vec::new();
    for (_, given) in list {
        let some = match given {
            Given::One(right) => vec![right.clone()],
            Given::Everywhere(action) => resources.iter().map(|name| Right::new(*name, action.as_str())).collect(),
        };
        rights.extend(some.into_iter().filter(|right| seen.insert(right.clone())));
    }
    rights
}

fn new_of(entry: &Entry) -> NewNamed {
    NewNamed {
        name: entry.name.clone(),
        code_name: entry.code_name.clone(),
        description: entry.description.clone().flatten(),
    }
}

/// What makes `now` what the entry says; `None` if it is so.
fn patch_of(entry: &Entry, now: &Named) -> Option<NamedPatch> {
    let patch = NamedPatch {
        name: (entry.name != now.name).then(|| entry.name.clone()),
        code_name: None,
        description: entry.description.clone().filter(|description| *description != now.description),
    };
    (patch.name.is_some() || patch.description.is_some()).then_some(patch)
}

fn difference_of(patch: &NamedPatch, now: &Named) -> String {
    let mut parts = Vec::new();
    if let Some(name) = &patch.name {
        parts.push(format!("name: {} → {}", short(&now.name), short(name)));
    }
    if let Some(description) = &patch.description {
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| "none".to_owned(), short);
        parts.push(format!("description: {} → {}", text(&now.description), text(description)));
    }
    parts.join(", ")
}

/// The text in quotes, cut where it is long.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return format!("\"{text}\"");
    }
    format!("\"{}…\"", text.chars().take(MOST).collect::<String>())
}
