//! What `dumpdata` of a Django site wrote: one JSON array of objects, read one by one, so that only what is of use stays
//! in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::domain::error::{Error, Result};
use crate::domain::imports::{
    Change, ForeignGroup, ForeignPermission, ForeignUser, LISTS_MAX, Part, Raw, Source, Step, USERS_MAX,
};

/// Largest file, in bytes.
const FILE_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Reads the accounts of a file, of the model that is named (`auth.user`), else of the one that looks like it.
///
/// # Errors
/// `Invalid` with the file as the field: it cannot be read or is no such JSON; no model or several look like accounts, or
/// the one that is named is not in it.
pub fn read(path: &Path, model: Option<&str>) -> Result<Source> {
    let refused = |why: String| Error::invalid(path.display().to_string(), "invalid", why);
    let file = File::open(path).map_err(|cause| refused(format!("cannot be read: {cause}")))?;
    let model = model.map(str::to_lowercase);
    let mut found = Found { model, ..Found::default() };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(file.take(FILE_MAX)));
    let read = Objects(&mut found).deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|cause| refused(format!("is no SQLite database, nor JSON as dumpdata writes it: {cause}")))?;
    found.source().map_err(refused)
}

/// Whom a field refers to: by primary key or, as with `--natural-foreign`, by names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Link {
    Key(String),
    Names(Vec<String>),
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// The model of the accounts, if it was named.
    model: Option<String>,
    /// Models by their links.
    models: HashMap<Link, (String, String)>,
    /// Model and code name of permissions by their links.
    permissions: HashMap<Link, (Link, String)>,
    groups: Vec<(ForeignGroup, Vec<Link>)>,
    places: HashMap<Link, usize>,
    /// Accounts by their model, with their groups.
    users: BTreeMap<String, Vec<(ForeignUser, Vec<Link>)>>,
    /// Models of accounts that have groups.
    with_groups: BTreeSet<String>,
    counted: usize,
}

/// One object of the file.
#[derive(serde::Deserialize)]
struct Object {
    model: String,
    #[serde(default)]
    pk: Value,
    fields: Map<String, Value>,
}

/// The array of the file.
struct Objects<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Objects<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> std::result::Result<(), A::Error> {
        while let Some(object) = objects.next_element::<Object>()? {
            self.0.take(object).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

impl Found {
    fn take(&mut self, object: Object) -> std::result::Result<(), String> {
        let Object { model, pk, fields } = object;
        let model = model.to_lowercase();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match model.as_str() {
            "contenttypes.contenttype" => {
                let pair = (text("app_label"), text("model"));
                self.models.insert(Link::Names(vec![pair.0.clone(), pair.1.clone()]), pair.clone());
                self.models.extend(link(&pk).map(|key| (key, pair)));
            }
            "auth.permission" => {
                if let (Some(key), Some(model)) = (link(&pk), fields.get("content_type").and_then(link)) {
                    self.permissions.insert(key, (model, text("codename")));
                }
            }
            "auth.group" => self.group(&pk, text("name"), &fields),
            _ if self.model.as_ref().map_or_else(|| looks_like_users(&fields), |named| *named == model) => {
                self.user(model, &pk, &fields)?;
            }
            _ => {}
        }
        let most = [self.models.len(), self.permissions.len(), self.groups.len()].into_iter().max();
        if most > Some(2 * LISTS_MAX) {
            return Err(format!("more than {LISTS_MAX} groups, permissions or models"));
        }
        Ok(())
    }

    fn group(&mut self, pk: &Value, name: String, fields: &Map<String, Value>) {
        let place = self.groups.len();
        self.places.insert(Link::Names(vec![name.clone()]), place);
        self.places.extend(link(pk).map(|key| (key, place)));
        let key = key_text(pk).unwrap_or_else(|| (place + 1).to_string());
        self.groups.push((ForeignGroup { key, name, permissions: Vec::new() }, links(fields, "permissions")));
    }

    fn user(&mut self, model: String, pk: &Value, fields: &Map<String, Value>) -> std::result::Result<(), String> {
        self.counted += 1;
        if self.counted > USERS_MAX {
            return Err(format!("more than {USERS_MAX} accounts"));
        }
        if !fields.contains_key("password") {
            return Err(format!("the model {model} has no field \"password\""));
        }
        if fields.contains_key("groups") {
            self.with_groups.insert(model.clone());
        }
        let users = self.users.entry(model).or_default();
        let key = key_text(pk).unwrap_or_else(|| format!("#{}", users.len() + 1));
        let mut user = ForeignUser::read(key, &|name| fields.get(name).map(raw));
        user.own_permissions = links(fields, "user_permissions").len();
        users.push((user, links(fields, "groups")));
        Ok(())
    }

    /// Puts together what refers to each other, whatever came first in the file.
    fn source(self) -> std::result::Result<Source, String> {
        let name = self.users_model()?;
        let Self { models, permissions, groups, places, mut users, .. } = self;
        let mut source = Source { name, ..Source::default() };
        let permission = |link: &Link| permission(link, &permissions, &models);
        for (mut group, wanted) in groups {
            for link in &wanted {
                match permission(link) {
                    Some(permission) => group.permissions.push(permission),
                    None => source.lost.push(Step::new(
                        Change::Left,
                        Part::RolePermission,
                        &group.name,
                        format!("permission {} is not in the file: dump with --natural-foreign", told(link)),
                    )),
                }
            }
            source.groups.push(group);
        }
        let named = source.groups.iter().flat_map(|group| &group.permissions);
        let pairs = named.map(|permission| (permission.app.clone(), permission.model.clone()));
        source.models = models.into_values().chain(pairs).collect::<BTreeSet<_>>().into_iter().collect();
        for (mut user, wanted) in users.remove(&source.name).unwrap_or_default() {
            for link in &wanted {
                match places.get(link) {
                    Some(place) => user.groups.push(*place),
                    None => user.notes.push(format!("group {} is not in the file", told(link))),
                }
            }
            source.users.push(user);
        }
        Ok(source)
    }

    /// The model of the accounts.
    fn users_model(&self) -> std::result::Result<String, String> {
        let all: Vec<&String> = self.users.keys().collect();
        let with_groups: Vec<&String> = self.with_groups.iter().collect();
        match (&all[..], &with_groups[..], &self.model) {
            ([], _, Some(named)) => Err(format!("has no objects of the model {named}")),
            ([one], _, _) | (_, [one], _) => Ok((*one).clone()),
            ([], _, None) => {
                Err("has no model of accounts, with a password, a last sign-in and an e-mail, a phone or \
                 a username; if it is called otherwise, name it with --model"
                    .to_owned())
            }
            (several, _, _) => {
                let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                Err(format!("has several models of accounts: name one of {} with --model", names.join(", ")))
            }
        }
    }
}

/// The permission that a link names.
fn permission(
    link: &Link,
    permissions: &HashMap<Link, (Link, String)>,
    models: &HashMap<Link, (String, String)>,
) -> Option<ForeignPermission> {
    match link {
        // As `--natural-foreign` has it: code name, app, model.
        Link::Names(names) => {
            let [codename, app, model] = <[String; 3]>::try_from(names.clone()).ok()?;
            Some(ForeignPermission { app, model, codename })
        }
        Link::Key(_) => {
            let (model, codename) = permissions.get(link)?;
            let (app, model) = match (models.get(model), model) {
                (Some(pair), _) => pair.clone(),
                (None, Link::Names(names)) => (names.first()?.clone(), names.get(1)?.clone()),
                (None, Link::Key(_)) => return None,
            };
            Some(ForeignPermission { app, model, codename: codename.clone() })
        }
    }
}

fn looks_like_users(fields: &Map<String, Value>) -> bool {
    Source::is_shape_of_users(|name| fields.contains_key(name))
}

fn raw(value: &Value) -> Raw {
    match value {
        Value::Null => Raw::Null,
        Value::Bool(flag) => Raw::Flag(*flag),
        Value::Number(number) => number.as_i64().map_or(Raw::Other, Raw::Number),
        Value::String(text) => Raw::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Raw::Other,
    }
}

fn key_text(pk: &Value) -> Option<String> {
    match pk {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.chars().take(200).collect()),
        _ => None,
    }
}

fn link(value: &Value) -> Option<Link> {
    if let Value::Array(names) = value {
        return names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>().map(Link::Names);
    }
    key_text(value).map(Link::Key)
}

fn links(fields: &Map<String, Value>, name: &str) -> Vec<Link> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(link).collect()
}

fn told(link: &Link) -> String {
    match link {
        Link::Key(key) => key.clone(),
        Link::Names(names) => names.join("."),
    }
}
