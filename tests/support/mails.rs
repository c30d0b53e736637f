//! The letters that a program has written, for tests that follow their links.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::TestApp;

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailed {
    /// What it is about: `activation`.
    pub kind: String,
    /// Where it goes.
    pub to: String,
    /// `en` or `ru`.
    pub language: String,
    /// Where it leads; empty where it leads nowhere.
    pub link: String,
}

/// All letters that wait to be sent, oldest first. The one place that knows where they are: sealed, in the outbox.
pub fn mailed(app: &TestApp) -> Vec<Mailed> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(app.folder.path().join("authsrv.db"), flags).unwrap();
    let sql = "SELECT kind, recipient, sealed FROM outbox WHERE status = 'queued' ORDER BY id";
    let mut statement = connection.prepare(sql).unwrap();
    let letter = |row: &rusqlite::Row| {
        let sealed: Vec<u8> = row.get(2)?;
        let content: Value = serde_json::from_slice(&app.env.master.open("mail", &sealed).unwrap()).unwrap();
        let text = |key: &str| content[key].as_str().unwrap().to_owned();
        Ok(Mailed { kind: row.get(0)?, to: row.get(1)?, language: text("language"), link: text("link") })
    };
    statement.query_map([], letter).unwrap().map(Result::unwrap).collect()
}

/// The newest letter of this kind to this address.
#[track_caller]
pub fn newest(app: &TestApp, kind: &str, to: &str) -> Mailed {
    let all = mailed(app);
    let found = all.iter().rfind(|letter| letter.kind == kind && letter.to == to);
    found.unwrap_or_else(|| panic!("no {kind} to {to} among {all:?}")).clone()
}

/// How many letters of this kind there are.
pub fn count(app: &TestApp, kind: &str) -> usize {
    mailed(app).iter().filter(|letter| letter.kind == kind).count()
}

impl Mailed {
    /// The path of its link.
    pub fn path(&self) -> String {
        let (_, place) = self.link.split_once("://").unwrap();
        place[place.find('/').unwrap()..].to_owned()
    }

    fn part(&self, from_the_end: usize) -> &str {
        self.link.trim_end_matches('/').rsplit('/').nth(from_the_end).unwrap()
    }

    /// The user whom its link names.
    pub fn uid(&self) -> &str {
        self.part(1)
    }

    /// The secret of its link.
    pub fn token(&self) -> &str {
        self.part(0)
    }
}
