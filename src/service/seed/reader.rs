//! From the tree of a TOML text to the entries of a seed file, with every fault on the way.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::SeedFault;
use super::file::{Entry, Given, Pairing, SeedFile};
use crate::domain::catalog::{CodeName, DESCRIPTION_MAX, Kind, NAME_MAX};
use crate::domain::rights::{Right, action};

/// One `[[table]]` of a file, with the place of its heading.
type Table<'a, 'i> = (Range<usize>, &'a DeTable<'i>);

/// Reads one file and notes what is wrong with it.
pub(super) struct Reader<'a> {
    name: &'a str,
    newlines: Vec<usize>,
    faults: Vec<SeedFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(name: &'a str, text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Self { name, newlines, faults: Vec::new() }
    }

    pub(super) fn into_faults(self) -> Vec<SeedFault> {
        self.faults
    }
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.newlines.partition_point(|newline| *newline < span.start)
    }

    pub(super) fn fault(&mut self, span: Range<usize>, reason: impl Into<String>) {
        let line = self.line(&span);
        self.faults.push(SeedFault { file: self.name.to_owned(), line, reason: reason.into() });
    }

    pub(super) fn document(&mut self, document: &DeTable<'_>, file: &mut SeedFile) {
        for (key, value) in document {
            let kind = match key.get_ref().as_ref() {
                "resource" => Some(Kind::Resource),
                "action" => Some(Kind::Action),
                "role" => Some(Kind::Role),
                "permission" => None,
                other => {
                    let reason = format!("unknown table \"{other}\"; there are resource, action, permission and role");
                    self.fault(key.span(), reason);
                    continue;
                }
            };
            for table in self.tables(key.get_ref(), value) {
                match kind {
                    Some(kind) => file.entries.extend(self.entry(kind, table)),
                    None => file.pairings.extend(self.pairing(table)),
                }
            }
        }
    }

    fn tables<'v, 'i>(&mut self, key: &str, value: &'v Spanned<DeValue<'i>>) -> Vec<Table<'v, 'i>> {
        let DeValue::Array(items) = value.get_ref() else {
            self.fault(value.span(), format!("write [[{key}]], in double brackets, above each entry"));
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push((item.span(), table)),
                other => self.fault(item.span(), format!("{key} must be a table, not {}", article(other))),
            }
        }
        tables
    }

    fn entry(&mut self, kind: Kind, (span, table): Table<'_, '_>) -> Option<Entry> {
        let noun = kind.entity().noun();
        let known: &[&str] = match kind {
            Kind::Role => &["code_name", "name", "description", "permissions"],
            Kind::Resource | Kind::Action => &["code_name", "name", "description"],
        };
        self.unknown_keys(noun, table, known);
        let place = table.get("code_name").map_or(span.clone(), Spanned::span);
        let code_name = self.required(noun, &span, table, "code_name").and_then(|text| self.code_name(&place, text));
        let name = self.required(noun, &span, table, "name");
        let name = name.and_then(|text| self.words(table, "name", text, NAME_MAX));
        let description = self.text(table, "description");
        let description = description.map(|text| self.words(table, "description", text, DESCRIPTION_MAX));
        let permissions = table.get("permissions").filter(|_| kind == Kind::Role).map(|list| self.given(list));
        Some(Entry {
            kind,
            line: self.line(&place),
            code_name: code_name?,
            name: name?,
            description: description.map(|text| text.filter(|text| !text.is_empty())),
            permissions,
        })
    }

    fn pairing(&mut self, (span, table): Table<'_, '_>) -> Option<Pairing> {
        self.unknown_keys("permission", table, &["resources", "actions"]);
        let mut side = |key: &str| {
            let Some(list) = table.get(key) else {
                self.fault(span.clone(), format!("this permission has no {key}"));
                return None;
            };
            let mut names: Vec<(usize, String)> = Vec::new();
            let mut seen = HashMap::new();
            for (span, text) in self.texts(list, key) {
                let Some(name) = self.code_name(&span, &text) else { continue };
                let name = name.as_str().to_owned();
                if self.first(&mut seen, &name, &span) {
                    names.push((self.line(&span), name));
                }
            }
            Some(names)
        };
        let (resources, actions) = (side("resources"), side("actions"));
        Some(Pairing { resources: resources?, actions: actions? })
    }

    fn given(&mut self, list: &Spanned<DeValue<'_>>) -> Vec<(usize, Given)> {
        let mut given = Vec::new();
        let mut seen = HashMap::new();
        for (span, text) in self.texts(list, "permissions") {
            let Some(one) = self.one_given(&span, &text) else { continue };
            if self.first(&mut seen, &one.to_string(), &span) {
                given.push((self.line(&span), one));
            }
        }
        given
    }

    fn one_given(&mut self, span: &Range<usize>, text: &str) -> Option<Given> {
        let Some(right) = Right::parse(text) else {
            self.fault(span.clone(), format!("{text:?} is not of the form \"resource:action\""));
            return None;
        };
        if right.action == "*" {
            let instead = format!("write \"{}:{}\", which is every action on it", right.resource, action::ALL);
            self.fault(span.clone(), format!("{text:?}: \"*\" can only stand for the resource; {instead}"));
            return None;
        }
        let action = self.code_name(span, &right.action)?;
        if right.resource == "*" {
            return Some(Given::Everywhere(action.as_str().to_owned()));
        }
        let resource = self.code_name(span, &right.resource)?;
        Some(Given::One(Right::new(resource.as_str(), action.as_str())))
    }

    /// Whether `text` is new to its list; a fault if it is not.
    fn first(&mut self, seen: &mut HashMap<String, usize>, text: &str, span: &Range<usize>) -> bool {
        let line = self.line(span);
        let Some(before) = seen.insert(text.to_owned(), line) else { return true };
        self.fault(span.clone(), format!("\"{text}\" stands twice in this list; first in line {before}"));
        false
    }

    fn unknown_keys(&mut self, noun: &str, table: &DeTable<'_>, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let reason = format!("unknown key \"{}\"; a {noun} has {}", key.get_ref(), known.join(", "));
            self.fault(key.span(), reason);
        }
    }

    fn required<'v>(&mut self, noun: &str, span: &Range<usize>, table: &'v DeTable<'_>, key: &str) -> Option<&'v str> {
        if !table.contains_key(key) {
            self.fault(span.clone(), format!("this {noun} has no {key}"));
            return None;
        }
        let text = self.text(table, key)?;
        if text.trim().is_empty() {
            self.fault(table.get(key).map(Spanned::span).unwrap_or_default(), format!("{key} is empty"));
            return None;
        }
        Some(text)
    }

    fn text<'v>(&mut self, table: &'v DeTable<'_>, key: &str) -> Option<&'v str> {
        let value = table.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.fault(value.span(), format!("{key} must be a text, not {}", article(value.get_ref())));
        }
        text
    }

    fn texts(&mut self, list: &Spanned<DeValue<'_>>, key: &str) -> Vec<(Range<usize>, String)> {
        let DeValue::Array(items) = list.get_ref() else {
            self.fault(list.span(), format!("{key} must be a list of texts, not {}", article(list.get_ref())));
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push((item.span(), text.to_owned())),
                None => {
                    self.fault(item.span(), format!("{key} must hold texts only, not {}", article(item.get_ref())));
                }
            }
        }
        texts
    }

    fn code_name(&mut self, span: &Range<usize>, text: &str) -> Option<CodeName> {
        let name = CodeName::parse(text).ok();
        if name.is_none() {
            let form = "1 to 100 of a-z, 0-9, \"_\", \"-\" and \".\", beginning with a letter";
            self.fault(span.clone(), format!("{text:?} is not a code name ({form})"));
        }
        name
    }

    /// Text for people, trimmed.
    fn words(&mut self, table: &DeTable<'_>, key: &str, text: &str, most: usize) -> Option<String> {
        let text = text.trim();
        let span = table.get(key).map(Spanned::span).unwrap_or_default();
        if text.chars().count() > most {
            self.fault(span, format!("{key} is longer than {most} characters"));
            return None;
        }
        let many_lines = key == "description";
        if text.chars().any(|c| c.is_control() && !(many_lines && matches!(c, '\n' | '\t'))) {
            self.fault(span, format!("{key} holds a control character"));
            return None;
        }
        Some(text.to_owned())
    }
}

/// The kind of a value, for people.
fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
