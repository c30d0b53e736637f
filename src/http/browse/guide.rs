//! What the pages tell of the routes, out of the route table.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::http::routes::{Route, Table, bare};

/// One method of a path.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    method: String,
    path: String,
    /// Whether the path can be opened as it stands: without parameters.
    is_address: bool,
    summary: &'static str,
    description: &'static str,
    needs: String,
    /// A body that can be sent.
    example: Option<String>,
}

impl Entry {
    fn of(route: &Route) -> Self {
        Self {
            method: route.info.method.to_string(),
            path: route.info.path.clone(),
            is_address: !route.info.path.contains('{'),
            summary: route.summary,
            description: route.description,
            needs: route.info.guard.needs(),
            example: route.example.as_ref().map(|body| format!("{body:#}")),
        }
    }
}

/// What a page tells of a path, whoever asks.
#[derive(Debug, Clone, Serialize)]
pub struct Guide {
    title: &'static str,
    about: &'static str,
    /// Whether `?format=json` gives the answer bare.
    has_formats: bool,
    /// Whether it tells of other paths than its own.
    is_contents: bool,
    entries: Vec<Entry>,
}

/// The guides of all paths that have a page.
pub struct Guides(BTreeMap<String, Arc<Guide>>);

impl Guides {
    /// Out of the table.
    pub fn of(table: &Table) -> Self {
        let mut all: BTreeMap<String, Guide> = BTreeMap::new();
        for route in table.routes.iter().chain(&table.twins) {
            let path = bare(&route.info.path);
            let view = table.view(path);
            if view.is_none() && !table.is_browsable(route.info.dialect) {
                continue;
            }
            let (title, about) = view.map_or((route.summary, ""), |view| (view.name, view.description));
            let new = || Guide { title, about, has_formats: true, is_contents: false, entries: Vec::new() };
            let guide = all.entry(path.to_owned()).or_insert_with(new);
            guide.has_formats &= !table.is_browsable(route.info.dialect);
            guide.entries.push(Entry::of(route));
        }
        for (path, dialect) in table.contents() {
            let routes =
                table.routes.iter().filter(|route| route.info.dialect == dialect && bare(&route.info.path) != path);
            if let Some(guide) = all.get_mut(path) {
                guide.is_contents = true;
                guide.entries = routes.map(Entry::of).collect();
            }
        }
        Self(all.into_iter().map(|(path, guide)| (path, Arc::new(guide))).collect())
    }

    /// That of a path without the slash at its end.
    pub fn of_path(&self, path: &str) -> Option<Arc<Guide>> {
        self.0.get(path).cloned()
    }
}
