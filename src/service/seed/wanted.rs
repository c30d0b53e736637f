//! What all files together ask for, and where two of them contradict each other.

use std::collections::HashMap;

use super::fault::SeedFault;
use super::file::{Entry, Given, Pairing, SeedFile};
use crate::domain::catalog::Kind;
use crate::domain::rights::Right;

/// Most permissions, and most permissions of roles, that one load may ask for: lists are multiplied with each other.
pub(super) const LINKS_MAX: usize = 1_000_000;

/// The order in which the kinds are loaded and shown.
pub(super) const KINDS: [Kind; 3] = [Kind::Resource, Kind::Action, Kind::Role];

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    file: &'a str,
    line: usize,
}

impl Place<'_> {
    pub(super) fn fault(self, reason: impl Into<String>) -> SeedFault {
        SeedFault { file: self.file.to_owned(), line: self.line, reason: reason.into() }
    }
}

/// The files as one.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// By kind, and within one as the files have them.
    pub entries: Vec<(Place<'a>, &'a Entry)>,
    /// Permissions as the files have them.
    pub pairs: Vec<Right>,
    /// Resources and actions that permissions and roles speak of.
    pub mentions: Vec<(Place<'a>, Kind, &'a str)>,
    /// Contradictions.
    pub faults: Vec<SeedFault>,
    codes: HashMap<(Kind, &'a str), Place<'a>>,
    paired: HashMap<Right, Place<'a>>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(files: &'a [SeedFile]) -> Self {
        let mut wanted = Self::default();
        for kind in KINDS {
            for file in files {
                for entry in file.entries.iter().filter(|entry| entry.kind == kind) {
                    wanted.entries.push((Place { file: &file.name, line: entry.line }, entry));
                }
            }
        }
        wanted.find_twins();
        wanted.note_mentions();
        for file in files {
            file.pairings.iter().for_each(|pairing| wanted.pair(&file.name, pairing));
        }
        wanted
    }

    /// Whether an entry of this kind and code name is in the files.
    pub(super) fn has(&self, kind: Kind, code_name: &str) -> bool {
        self.codes.contains_key(&(kind, code_name))
    }

    /// Whether the files have any entry of this kind.
    pub(super) fn lists(&self, kind: Kind) -> bool {
        self.of_kind(kind).next().is_some()
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (Place<'a>, &'a Entry)> {
        self.entries.iter().copied().filter(move |(_, entry)| entry.kind == kind)
    }

    fn find_twins(&mut self) {
        let mut names: HashMap<(Kind, &str), Place<'_>> = HashMap::new();
        for (place, entry) in self.entries.iter().copied() {
            let noun = entry.kind.entity().noun();
            let code_name = entry.code_name.as_str();
            if let Some(first) = self.codes.insert((entry.kind, code_name), place) {
                let reason = format!("{noun} {code_name} is there twice; first at {}:{}", first.file, first.line);
                self.faults.push(place.fault(reason));
            } else if let Some(first) = names.insert((entry.kind, &entry.name), place) {
                let reason = format!("two {noun}s are named {:?}; first at {}:{}", entry.name, first.file, first.line);
                self.faults.push(place.fault(reason));
            }
        }
    }

    fn note_mentions(&mut self) {
        for (place, entry) in &self.entries {
            for (line, given) in entry.permissions.iter().flatten() {
                let place = Place { file: place.file, line: *line };
                match given {
                    Given::One(right) => {
                        self.mentions.push((place, Kind::Resource, &right.resource));
                        self.mentions.push((place, Kind::Action, &right.action));
                    }
                    Given::Everywhere(action) => self.mentions.push((place, Kind::Action, action)),
                }
            }
        }
    }

    /// Multiplies the lists of a `[[permission]]`.
    fn pair(&mut self, file: &'a str, pairing: &'a Pairing) {
        let Pairing { resources, actions } = pairing;
        let place = |line: usize| Place { file, line };
        self.mentions.extend(resources.iter().map(|(line, name)| (place(*line), Kind::Resource, name.as_str())));
        self.mentions.extend(actions.iter().map(|(line, name)| (place(*line), Kind::Action, name.as_str())));
        let many = resources.len().saturating_mul(actions.len());
        if self.pairs.len().saturating_add(many) > LINKS_MAX {
            let line = resources.first().map_or(0, |(line, _)| *line);
            self.faults.push(place(line).fault(format!("more than {LINKS_MAX} permissions in all")));
            return;
        }
        for (line, resource) in resources {
            for (_, action) in actions {
                self.pair_one(place(*line), Right::new(resource.as_str(), action.as_str()));
            }
        }
    }

    fn pair_one(&mut self, place: Place<'a>, right: Right) {
        match self.paired.get(&right) {
            Some(first) => {
                let reason = format!("permission {right} is there twice; first at {}:{}", first.file, first.line);
                self.faults.push(place.fault(reason));
            }
            None => {
                self.pairs.push(right.clone());
                self.paired.insert(right, place);
            }
        }
    }
}
