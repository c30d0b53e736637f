//! From the rows of the file to accounts: what each may be called here, and which of two that say the same has it.

use std::collections::HashMap;

use crate::crypto::hash::Imported;
use crate::domain::error::{Error, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::imports::{ForeignUser, ID_MAX, Source};
use crate::domain::users::{NAME_MAX, NewUser};

/// An account that may be made.
pub(super) struct Candidate<'s> {
    /// What is left of its row.
    pub profile: NewUser,
    /// Its hash, if a password can be compared with it, and what that costs.
    pub hash: Option<(&'s str, u64)>,
    /// Its old id, if it can be one of ours.
    pub id: Option<i64>,
    /// What is not taken over.
    pub notes: Vec<String>,
}

/// A row, judged: an account, or why it is none.
pub(super) type Judged<'s> = (&'s ForeignUser, Result<Candidate<'s>, String>);

/// Judges every row by itself and against those before it: the first to have an identifier keeps it (D-15). Those whose
/// ids are above `last`, the highest that was given here, come first, by id, so that no new id gets in between.
pub(super) fn judge(source: &Source, last: i64) -> Vec<Judged<'_>> {
    let mut claims: HashMap<String, usize> = HashMap::new();
    let rows =
        source.users.iter().enumerate().map(|(at, user)| (user, candidate(user, at, &source.users, &mut claims)));
    let mut judged: Vec<Judged<'_>> = rows.collect();
    let kept = |row: &Judged<'_>| row.1.as_ref().ok().and_then(|one| one.id).filter(|id| *id > last);
    judged.sort_by_key(|row| kept(row).map_or((true, 0), |id| (false, id)));
    judged
}

/// The keys of an account's identifiers, by the names of the fields.
pub(super) fn keys(profile: &NewUser) -> impl Iterator<Item = (&'static str, &str)> {
    let email = profile.email.as_ref().map(|email| ("e-mail", email.key()));
    let phone = profile.phone.as_ref().map(|phone| ("phone", phone.key()));
    let username = profile.username.as_ref().map(|name| ("username", name.key()));
    [email, phone, username].into_iter().flatten()
}

fn candidate<'s>(
    user: &'s ForeignUser,
    at: usize,
    all: &[ForeignUser],
    claims: &mut HashMap<String, usize>,
) -> Result<Candidate<'s>, String> {
    if let Some(fault) = &user.fault {
        return Err(fault.clone());
    }
    let mut notes = user.notes.clone();
    let mut claim = |key: &str, field: &str, notes: &mut Vec<String>| {
        let holder = *claims.entry(key.to_owned()).or_insert(at);
        if holder != at {
            notes.push(format!("{field} is that of {} before it", all[holder].label()));
        }
        holder == at
    };
    let email = parsed(user.email.as_deref(), Email::parse, &mut notes);
    let phone = parsed(user.phone.as_deref(), Phone::parse, &mut notes);
    let username = parsed(user.username.as_deref(), Username::parse, &mut notes);
    let profile = NewUser {
        email: email.filter(|email| claim(email.key(), "e-mail", &mut notes)),
        phone: phone.filter(|phone| claim(phone.key(), "phone", &mut notes)),
        username: username.filter(|name| claim(name.key(), "username", &mut notes)),
        ..names_and_flags(user, &mut notes)
    };
    let profile = profile.normalised();
    if profile.check().is_err() {
        let why = if notes.is_empty() { "no e-mail, phone or username".to_owned() } else { notes.join("; ") };
        return Err(why);
    }
    let hash = hash(user, &mut notes);
    if user.own_permissions > 0 {
        notes.push(format!("{} of its own, by no group", counted(user.own_permissions)));
    }
    let id = user.key.parse::<i64>().ok().filter(|id| (1..=ID_MAX).contains(id));
    Ok(Candidate { profile, hash, id, notes })
}

fn names_and_flags(user: &ForeignUser, notes: &mut Vec<String>) -> NewUser {
    NewUser {
        first_name: name("first_name", &user.first_name, notes),
        last_name: name("last_name", &user.last_name, notes),
        middle_name: user.middle_name.as_deref().map(|text| name("middle_name", text, notes)),
        is_active: user.is_active,
        is_staff: user.is_staff,
        is_superuser: user.is_superuser,
        ..NewUser::default()
    }
}

fn counted(number: usize) -> String {
    if number == 1 { "1 permission".to_owned() } else { format!("{number} permissions") }
}

/// An identifier that is good here; what is wrong with one that is not is noted.
fn parsed<T>(text: Option<&str>, parse: fn(&str) -> Result<T>, notes: &mut Vec<String>) -> Option<T> {
    match parse(text?) {
        Ok(value) => Some(value),
        Err(Error::Invalid(faults)) => {
            notes.extend(faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)));
            None
        }
        Err(_) => None,
    }
}

fn name(field: &str, text: &str, notes: &mut Vec<String>) -> String {
    if text.trim().chars().count() > NAME_MAX {
        notes.push(format!("{field} has more than {NAME_MAX} characters"));
        return String::new();
    }
    text.to_owned()
}

fn hash<'s>(user: &'s ForeignUser, notes: &mut Vec<String>) -> Option<(&'s str, u64)> {
    let why = match Imported::judge(&user.hash) {
        Imported::Usable(cost) => return Some((&user.hash, cost)),
        Imported::NoPassword => "has no password".to_owned(),
        Imported::Unknown(Some(name)) => format!("password: its algorithm {name} is not taken over"),
        Imported::Unknown(None) => "password: its algorithm is not known".to_owned(),
        Imported::TooCostly => "password: its work factor is beyond what is ever computed".to_owned(),
        Imported::Broken => "password: it is no hash".to_owned(),
    };
    notes.push(why);
    None
}
