//! Reads the accounts out of the database of a Django site: a SQLite file that is not ours, and that nothing is believed
//! of. It is opened for reading only, and only plain tables of it are read, whose names come from its own list.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::open::APPLICATION_ID;
use crate::domain::error::{Error, Result};
use crate::domain::imports::{
    Change, ForeignGroup, ForeignPermission, ForeignUser, LISTS_MAX, Part, Raw, Source, Step, USERS_MAX,
};

/// Largest value that is read, in bytes.
const VALUE_MAX: i32 = 1024 * 1024;
/// Most tables that are looked at.
const TABLES_MAX: usize = 10_000;

/// Reads the accounts of a file, from the table that is named, else from the one that looks like it.
///
/// # Errors
/// `Invalid` with the file as the field: it is no database, ours, or damaged; no table or several look like accounts; the
/// one that is named does not, or there is none.
pub fn read(path: &Path, table: Option<&str>) -> Result<Source> {
    let mut file = open(path)?;
    file.tables = file.read_tables()?;
    let table = file.users_table(table)?;
    let mut source = Source { name: table.clone(), ..Source::default() };
    let models = file.models()?;
    source.models = models.values().cloned().collect();
    source.models.sort();
    let permissions = file.permissions(&models)?;
    let groups = file.groups(&permissions, &mut source)?;
    file.users(&table, &mut source)?;
    file.memberships(&table, &groups, &mut source.users)?;
    Ok(source)
}

/// Tables by name, with the names of their columns.
type Tables = HashMap<String, HashSet<String>>;

/// A file of somebody else.
struct Foreign<'p> {
    path: &'p Path,
    connection: Connection,
    tables: Tables,
}

fn refused(path: &Path, why: impl Into<String>) -> Error {
    Error::invalid(path.display().to_string(), "invalid", why)
}

fn open(path: &Path) -> Result<Foreign<'_>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let real = path.canonicalize().map_err(|cause| refused(path, format!("cannot be read: {cause}")))?;
    let opened = Connection::open_with_flags(&real, flags).and_then(|connection| {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.execute_batch(
            "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
             BEGIN",
        )?;
        let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        Ok((id, connection))
    });
    match opened {
        Ok((APPLICATION_ID, _)) => Err(refused(path, "is a database of authsrv, not of a Django site")),
        Ok((_, connection)) => Ok(Foreign { path, connection, tables: Tables::new() }),
        Err(cause) => Err(broken(path, &cause)),
    }
}

fn broken(path: &Path, cause: &rusqlite::Error) -> Error {
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => refused(path, "is no SQLite database"),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            let what = "cannot be read while its log is beside it: copy it with its site stopped, and import the copy";
            refused(path, what)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            refused(path, "is being written by its site: stop that, or import a copy")
        }
        Some(ErrorCode::TooBig) => refused(path, format!("holds a value of more than {VALUE_MAX} bytes")),
        _ => refused(path, format!("cannot be read: {cause}")),
    }
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Foreign<'_> {
    fn refused(&self, why: impl Into<String>) -> Error {
        refused(self.path, why)
    }

    /// Every row, at most so many.
    fn all<T>(&self, sql: &str, most: usize, map: impl Fn(&Row) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, |row| {
            if found.len() == most {
                return Err(self.refused(format!("holds more than {most} rows where an import takes no more")));
            }
            found.push(map(row).map_err(|cause| broken(self.path, &cause))?);
            Ok(())
        })?;
        Ok(found)
    }

    fn each(&self, sql: &str, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let foul = |cause| broken(self.path, &cause);
        let mut statement = self.connection.prepare(sql).map_err(foul)?;
        let mut rows = statement.query([]).map_err(foul)?;
        while let Some(row) = rows.next().map_err(foul)? {
            take(row)?;
        }
        Ok(())
    }

    /// The plain tables and their plain columns: a view, a virtual table or a generated column would be a program of
    /// whoever made the file.
    fn read_tables(&self) -> Result<Tables> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name";
        let names = self.all(sql, TABLES_MAX, |row| Ok(shown(row, 0)))?;
        let mut tables = Tables::new();
        for name in names {
            let sql = format!("PRAGMA table_info({})", quoted(&name));
            let columns = self.all(&sql, TABLES_MAX, |row| Ok(shown(row, 1)))?;
            tables.insert(name, columns.into_iter().collect());
        }
        Ok(tables)
    }

    /// Whether there is such a table with these columns.
    fn has(&self, table: &str, columns: &[&str]) -> bool {
        self.tables.get(table).is_some_and(|found| columns.iter().all(|column| found.contains(*column)))
    }

    fn users_table(&self, named: Option<&str>) -> Result<String> {
        let is_users = |columns: &HashSet<String>| Source::is_shape_of_users(|name| columns.contains(name));
        let mut likely: Vec<&String> =
            self.tables.iter().filter(|(_, columns)| is_users(columns)).map(|(name, _)| name).collect();
        likely.sort();
        let list = || likely.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        if let Some(named) = named {
            return match self.tables.get(named) {
                Some(columns) if columns.contains("password") => Ok(named.to_owned()),
                Some(_) => Err(self.refused(format!("its table \"{named}\" has no column \"password\""))),
                None if likely.is_empty() => Err(self.refused(format!("has no table \"{named}\""))),
                None => Err(self.refused(format!("has no table \"{named}\"; accounts may be in {}", list()))),
            };
        }
        // Whatever else is of that shape, a user model of Django has groups.
        let with_groups: Vec<&&String> =
            likely.iter().filter(|name| self.tables.contains_key(&format!("{name}_groups"))).collect();
        match (&likely[..], &with_groups[..]) {
            ([one], _) => Ok((*one).clone()),
            (_, [one]) => Ok((**one).clone()),
            ([], _) => Err(self.refused(
                "has no table of accounts, with a password, a last sign-in and an e-mail, a phone or a username; if it \
                 is called otherwise, name it with --table",
            )),
            _ => Err(self.refused(format!("has several tables of accounts: name one of {} with --table", list()))),
        }
    }

    /// App and model by the id of the content type.
    fn models(&self) -> Result<HashMap<i64, (String, String)>> {
        if !self.has("django_content_type", &["id", "app_label", "model"]) {
            return Ok(HashMap::new());
        }
        let sql = "SELECT id, app_label, model FROM django_content_type";
        let all = self.all(sql, LISTS_MAX, |row| Ok((number(row, 0), (shown(row, 1), shown(row, 2)))))?;
        Ok(all.into_iter().collect())
    }

    fn permissions(&self, models: &HashMap<i64, (String, String)>) -> Result<HashMap<i64, ForeignPermission>> {
        if !self.has("auth_permission", &["id", "content_type_id", "codename"]) {
            return Ok(HashMap::new());
        }
        let sql = "SELECT id, content_type_id, codename FROM auth_permission";
        let all = self.all(sql, LISTS_MAX, |row| Ok((number(row, 0), number(row, 1), shown(row, 2))))?;
        let permission = |(id, model, codename): (i64, i64, String)| {
            let (app, model) = models.get(&model)?.clone();
            Some((id, ForeignPermission { app, model, codename }))
        };
        Ok(all.into_iter().filter_map(permission).collect())
    }

    /// Reads the groups; gives their places by id.
    fn groups(
        &self,
        permissions: &HashMap<i64, ForeignPermission>,
        source: &mut Source,
    ) -> Result<HashMap<i64, usize>> {
        let mut places = HashMap::new();
        if !self.has("auth_group", &["id", "name"]) {
            return Ok(places);
        }
        let sql = "SELECT id, name FROM auth_group ORDER BY id";
        for (id, name) in self.all(sql, LISTS_MAX, |row| Ok((number(row, 0), shown(row, 1))))? {
            places.insert(id, source.groups.len());
            source.groups.push(ForeignGroup { key: id.to_string(), name, permissions: Vec::new() });
        }
        if self.has("auth_group_permissions", &["group_id", "permission_id"]) {
            let sql = "SELECT group_id, permission_id FROM auth_group_permissions ORDER BY group_id, permission_id";
            for (group, permission) in self.all(sql, 10 * LISTS_MAX, |row| Ok((number(row, 0), number(row, 1))))? {
                let Some(group) = places.get(&group).and_then(|at| source.groups.get_mut(*at)) else { continue };
                match permissions.get(&permission) {
                    Some(known) => group.permissions.push(known.clone()),
                    None => source.lost.push(Step::new(
                        Change::Left,
                        Part::RolePermission,
                        &group.name,
                        format!("permission {permission} is not in the file"),
                    )),
                }
            }
        }
        Ok(places)
    }

    /// Reads the accounts: of each the columns that are of use, none of which is computed.
    fn users(&self, table: &str, source: &mut Source) -> Result<()> {
        let Some(columns) = self.tables.get(table) else { return Ok(()) };
        let key = self.key_column(table, columns)?;
        let wanted: Vec<&str> = ForeignUser::columns().filter(|name| columns.contains(*name)).collect();
        let list: Vec<String> = std::iter::once(key.as_str()).chain(wanted.iter().copied()).map(quoted).collect();
        let sql = format!("SELECT {} FROM {} ORDER BY {}", list.join(", "), quoted(table), quoted(&key));
        source.users = self.all(&sql, USERS_MAX, |row| {
            let at = |name: &str| wanted.iter().position(|wanted| *wanted == name);
            Ok(ForeignUser::read(shown(row, 0), &|name| at(name).map(|at| raw(row, at + 1))))
        })?;
        Ok(())
    }

    /// The primary key; `id` unless the model says otherwise.
    fn key_column(&self, table: &str, columns: &HashSet<String>) -> Result<String> {
        let sql = format!("PRAGMA table_info({})", quoted(table));
        let keys = self.all(&sql, TABLES_MAX, |row| Ok((shown(row, 1), number(row, 5))))?;
        let key = keys.into_iter().find(|(_, place)| *place > 0).map_or("id".to_owned(), |(name, _)| name);
        if columns.contains(&key) {
            Ok(key)
        } else {
            Err(self.refused(format!("its table \"{table}\" has no primary key")))
        }
    }

    /// Who is in which group, and how many rights of their own people have.
    fn memberships(&self, table: &str, groups: &HashMap<i64, usize>, users: &mut [ForeignUser]) -> Result<()> {
        let places: HashMap<String, usize> =
            users.iter().enumerate().map(|(at, user)| (user.key.clone(), at)).collect();
        self.links(&format!("{table}_groups"), "group_id", |user, group| {
            if let (Some(at), Some(group)) = (places.get(user), groups.get(&group)) {
                users[*at].groups.push(*group);
            }
        })?;
        self.links(&format!("{table}_user_permissions"), "permission_id", |user, _| {
            if let Some(at) = places.get(user) {
                users[*at].own_permissions += 1;
            }
        })
    }

    /// Reads a table that links users to something; the column of the users is the other one with `_id`.
    fn links(&self, table: &str, other: &str, mut take: impl FnMut(&str, i64)) -> Result<()> {
        let Some(columns) = self.tables.get(table).filter(|columns| columns.contains(other)) else { return Ok(()) };
        let mut users: Vec<&String> =
            columns.iter().filter(|name| name.ends_with("_id") && name.as_str() != other).collect();
        users.sort();
        let [user] = users[..] else { return Ok(()) };
        let (user, other) = (quoted(user), quoted(other));
        let sql = format!("SELECT {user}, {other} FROM {} ORDER BY {user}, {other}", quoted(table));
        self.each(&sql, |row| {
            take(&shown(row, 0), number(row, 1));
            Ok(())
        })
    }
}

/// A value as it stands there.
fn raw(row: &Row, at: usize) -> Raw {
    match row.get_ref(at) {
        Ok(ValueRef::Null) => Raw::Null,
        Ok(ValueRef::Integer(number)) => Raw::Number(number),
        Ok(ValueRef::Text(text)) => String::from_utf8(text.to_vec()).map_or(Raw::Other, Raw::Text),
        Ok(ValueRef::Real(_) | ValueRef::Blob(_)) | Err(_) => Raw::Other,
    }
}

/// A value as a text.
fn shown(row: &Row, at: usize) -> String {
    match row.get_ref(at) {
        Ok(ValueRef::Integer(number)) => number.to_string(),
        Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

/// A value as an id; what is none is the id of nothing.
fn number(row: &Row, at: usize) -> i64 {
    match row.get_ref(at) {
        Ok(ValueRef::Integer(number)) => number,
        _ => -1,
    }
}
