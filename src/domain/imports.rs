//! Accounts of another program, as they are read from its files, and what comes of them here.
//!
//! The readers fill a [`Source`]; nothing in it has been judged. Start at [`ForeignUser::read`], by which a row of a
//! table and an object of JSON become the same.

use std::fmt;

use super::ids::{Timestamp, UserId};
use super::times;
use super::users::NewUser;

/// Most users of one import: what is read is held in memory, at some 500 bytes a user.
pub const USERS_MAX: usize = 2_000_000;
/// Most groups, permissions and models of one import.
pub const LISTS_MAX: usize = 100_000;
/// Highest id that is kept: far from the end of what ids can be, and exact in every JSON reader.
pub const ID_MAX: i64 = 1 << 52;
/// Longest text of a field that is looked at, in bytes; longer ones are named as wrong.
const TEXT_MAX: usize = 4096;

/// Names of columns, in the order in which they are tried.
const EMAIL: &[&str] = &["email", "email_address"];
const PHONE: &[&str] = &["phone", "phone_number", "mobile", "mobile_number"];
const USERNAME: &[&str] = &["username", "login"];
const MIDDLE_NAME: &[&str] = &["middle_name", "patronymic"];

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The table or model of the users, for people.
    pub name: String,
    /// The users, in the order of the file.
    pub users: Vec<ForeignUser>,
    /// The groups.
    pub groups: Vec<ForeignGroup>,
    /// Every model of which there may be rights, as pairs of app and model.
    pub models: Vec<(String, String)>,
    /// What could not be read, and why.
    pub lost: Vec<Step>,
}

/// An account, as it stood there.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`, unparsed")]
pub struct ForeignUser {
    /// Its primary key as text.
    pub key: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub username: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub middle_name: Option<String>,
    pub is_active: bool,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub date_joined: Option<Timestamp>,
    pub last_login: Option<Timestamp>,
    /// The stored password, whatever it is.
    pub hash: String,
    /// Places of its groups in [`Source::groups`].
    pub groups: Vec<usize>,
    /// How many permissions it has that come by no group.
    pub own_permissions: usize,
    /// What is wrong with its row, if it cannot be an account for that.
    pub fault: Option<String>,
    /// What of its row is not taken over.
    pub notes: Vec<String>,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignGroup {
    /// Its primary key as text, or its place in the file.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it gives.
    pub permissions: Vec<ForeignPermission>,
}

/// A permission: what may be done with a model of an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the fields are Django's words")]
pub struct ForeignPermission {
    pub app: String,
    pub model: String,
    pub codename: String,
}

/// A value as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the kind of value")]
pub enum Raw {
    Null,
    Flag(bool),
    Number(i64),
    Text(String),
    /// Neither; or a text that is none.
    Other,
}

/// Which ids the accounts get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// The old one where it was never given here, else a new one.
    KeepFree,
    /// The old one, or nothing happens at all.
    KeepAll,
}

/// An account to be stored as it comes.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// `None`: the next free one.
    pub id: Option<UserId>,
    /// Its columns.
    pub profile: NewUser,
    /// Its password hash, of whatever algorithm.
    pub hash: Option<String>,
    /// When the account was made.
    pub date_joined: Timestamp,
    /// Last sign-in.
    pub last_login: Option<Timestamp>,
}

impl fmt::Debug for ForeignUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignUser").field("key", &self.key).field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("id", &self.id).field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// What becomes of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is made.
    Created,
    /// It is there, and stays as it is.
    Unchanged,
    /// It is not taken over.
    Left,
}

/// What kind of thing a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the noun itself")]
pub enum Part {
    User,
    /// An identifier, a name, a password or rights of a user that is taken over without them.
    UserField,
    Role,
    Resource,
    Action,
    Permission,
    /// A permission of a role.
    RolePermission,
}

/// One line of a plan or a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What becomes of it.
    pub change: Change,
    /// What it is.
    pub part: Part,
    /// Which one.
    pub name: String,
    /// Why, or with what; may be empty.
    pub detail: String,
}

/// What an import does or did, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The lines, in the order of doing.
    pub steps: Vec<Step>,
}

impl Change {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Created => "created",
            Change::Unchanged => "unchanged",
            Change::Left => "left out",
        }
    }
}

impl Part {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::User => "user",
            Part::UserField => "user field",
            Part::Role => "role",
            Part::Resource => "resource",
            Part::Action => "action",
            Part::Permission => "permission",
            Part::RolePermission => "role permission",
        }
    }
}

impl Step {
    /// A line.
    pub fn new(change: Change, part: Part, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { change, part, name: name.into(), detail: detail.into() }
    }
}

impl Report {
    /// How many things of a kind something becomes of.
    pub fn count(&self, change: Change, part: Part) -> usize {
        self.steps.iter().filter(|step| step.change == change && step.part == part).count()
    }
}

impl Source {
    /// Whether columns of these names may be those of accounts: a password, the last sign-in, and something to sign in by.
    pub fn is_shape_of_users(has: impl Fn(&str) -> bool) -> bool {
        let identifiers = [EMAIL, PHONE, USERNAME];
        has("password") && has("last_login") && identifiers.iter().any(|names| names.iter().any(|name| has(name)))
    }
}

impl ForeignUser {
    /// Names of all columns that are looked at.
    pub fn columns() -> impl Iterator<Item = &'static str> {
        let more = ["first_name", "last_name", "is_active", "is_staff", "is_superuser", "date_joined", "last_login"];
        [EMAIL, PHONE, USERNAME, MIDDLE_NAME].into_iter().flatten().copied().chain(more).chain(["password"])
    }

    /// Reads an account; `field` gives the value of a column, or nothing where there is no such column. What is wrong is
    /// noted in it.
    pub fn read(key: String, field: &dyn Fn(&str) -> Option<Raw>) -> Self {
        let mut row = Row { field, fault: None, notes: Vec::new() };
        let user = Self {
            key,
            email: row.text(EMAIL),
            phone: row.text(PHONE),
            username: row.text(USERNAME),
            first_name: row.text(&["first_name"]).unwrap_or_default(),
            last_name: row.text(&["last_name"]).unwrap_or_default(),
            middle_name: row.text(MIDDLE_NAME),
            is_active: row.flag("is_active").unwrap_or(true),
            is_staff: row.flag("is_staff").unwrap_or(false),
            is_superuser: row.flag("is_superuser").unwrap_or(false),
            date_joined: row.time("date_joined"),
            last_login: row.time("last_login"),
            hash: row.text(&["password"]).unwrap_or_default(),
            ..Self::default()
        };
        Self { fault: row.fault, notes: row.notes, ..user }
    }

    /// What to call it in a report.
    pub fn label(&self) -> String {
        let names = [&self.email, &self.phone, &self.username];
        let name = names.into_iter().flatten().map(|name| name.trim()).find(|name| !name.is_empty());
        name.map_or_else(|| format!("row {}", self.key), |name| name.chars().take(200).collect())
    }
}

struct Row<'a> {
    field: &'a dyn Fn(&str) -> Option<Raw>,
    fault: Option<String>,
    notes: Vec<String>,
}

impl Row<'_> {
    /// The first of these columns in which something stands.
    fn text(&mut self, names: &[&str]) -> Option<String> {
        for name in names {
            match (self.field)(name) {
                None | Some(Raw::Null) => {}
                Some(Raw::Text(text)) if text.len() > TEXT_MAX => self.note(name, "is too long"),
                Some(Raw::Text(text)) if text.trim().is_empty() => {}
                Some(Raw::Text(text)) => return Some(text),
                // A phone number may be kept as one.
                Some(Raw::Number(number)) => return Some(number.to_string()),
                Some(Raw::Flag(_) | Raw::Other) => self.note(name, "is no text"),
            }
        }
        None
    }

    /// Nobody is let in, or made staff, by nothing or by a value that cannot be read.
    fn flag(&mut self, name: &str) -> Option<bool> {
        match (self.field)(name)? {
            Raw::Flag(flag) => return Some(flag),
            Raw::Null | Raw::Number(0) => return Some(false),
            Raw::Number(1) => return Some(true),
            _ => {}
        }
        self.fault.get_or_insert(format!("{name} is neither true nor false"));
        None
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let time = match (self.field)(name)? {
            Raw::Null => return None,
            Raw::Text(text) => times::instant(&text),
            _ => None,
        };
        if time.is_none() {
            self.note(name, "is no time");
        }
        time
    }

    fn note(&mut self, name: &str, what: &str) {
        self.notes.push(format!("{name} {what}"));
    }
}
