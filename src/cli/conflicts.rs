//! The refusal of what is there already: what it is, in what it differs, and the commands that make it so or show it.

use super::call::{Call, word_of};
use super::failure::Failure;
use super::inert::shell_option;
use crate::domain::advice::Advice;
use crate::domain::catalog::{Kind, Named, NamedPatch, NewNamed};
use crate::domain::error::{Conflict, Error};
use crate::domain::users::{User, UserPatch};
use crate::service::{catalog, users};

/// A user that is there differs in `fields` from what was asked for.
pub fn of_user(user: &User, fields: &[&'static str], wanted: &UserPatch, roles: &[String]) -> Failure {
    let word = word_of(user);
    let mut failure = differs("user", user.label(), fields);
    if let Some(options) = options_of_user(fields, wanted).filter(|options| !options.is_empty()) {
        failure = failure.hint(changes(format!("users update {word} {}", options.join(" "))));
    }
    if fields.contains(&"roles") {
        for role in roles {
            failure = failure.hint(Advice::run(format!("roles grant {word} {role}")).and(" gives the role"));
        }
    }
    if fields.contains(&"password") {
        failure = failure.hint(Advice::run(format!("users set-password {word}")).and(" sets another password"));
    }
    failure
}

/// A role, resource or action that is there differs in `fields` from what was asked for; `rights` are those asked for.
pub fn of_named(kind: Kind, there: &Named, fields: &[&'static str], wanted: &NewNamed, rights: &[String]) -> Failure {
    let (noun, code) = (kind.entity().noun(), &there.code_name);
    if fields.contains(&"code_name") {
        let name = wanted.name.trim();
        return Failure::refused(format!("the {noun} {code} already has the name \"{name}\"")).hint(shown(kind, there));
    }
    let mut failure = differs(noun, code, fields);
    let named = |field: &str| fields.contains(&field);
    let options = [
        ("name", Some(&wanted.name).filter(|_| named("name"))),
        ("description", wanted.description.as_ref().filter(|_| named("description"))),
    ];
    let options: Option<Vec<String>> =
        options.into_iter().filter_map(|(flag, value)| Some(shell_option(flag, value?))).collect();
    if let Some(options) = options.filter(|options| !options.is_empty()) {
        failure = failure.hint(changes(format!("{} update {code} {}", kind.resource(), options.join(" "))));
    }
    if named("permissions") {
        failure = failure.hint(changes(format!("roles allow {code} {}", rights.join(" "))));
    }
    failure
}

/// The failure of a change of a user, with who holds the name that is taken.
pub fn of_update_of_user(error: Error, wanted: &UserPatch, call: &Call) -> Failure {
    let Error::Conflict(Conflict::Taken(_, field)) = error else { return error.into() };
    // The user may be the holder of the others.
    let taken = match field {
        "email" => UserPatch { email: wanted.email.clone(), ..UserPatch::default() },
        "phone" => UserPatch { phone: wanted.phone.clone(), ..UserPatch::default() },
        _ => UserPatch { username: wanted.username.clone(), ..UserPatch::default() },
    };
    match users::holder(&call.ctx(), &taken) {
        Ok(Some(holder)) => {
            let shows = Advice::run(format!("users show {}", word_of(&holder.user))).and(" shows who has it");
            Failure::refused(error.to_string()).hint(shows)
        }
        _ => error.into(),
    }
}

/// The failure of a change of a role, resource or action, with what holds the name that is taken.
pub fn of_update(kind: Kind, error: Error, wanted: &NamedPatch, call: &Call) -> Failure {
    let Error::Conflict(Conflict::Taken(_, field)) = error else { return error.into() };
    let (name, code) = (wanted.name.as_deref(), wanted.code_name.as_ref().map(|code| code.as_str()));
    let (name, code) = if field == "name" { (name, None) } else { (None, code) };
    match catalog::holder(&call.ctx(), kind, name, code) {
        Ok(Some(there)) => Failure::refused(error.to_string()).hint(shown(kind, &there)),
        _ => error.into(),
    }
}

fn differs(noun: &str, label: &str, fields: &[&'static str]) -> Failure {
    let fields: Vec<String> = fields.iter().map(|field| field.replace('_', " ")).collect();
    Failure::refused(format!("the {noun} {label} already exists and differs in: {}", fields.join(", ")))
}

fn changes(words: String) -> Advice {
    Advice::run(words).and(" makes it so")
}

fn shown(kind: Kind, there: &Named) -> Advice {
    let code = &there.code_name;
    Advice::run(match kind {
        Kind::Role => format!("roles show {code}"),
        Kind::Resource | Kind::Action => format!("{} list --search {code}", kind.resource()),
    })
    .and(" shows it")
}

/// The options of `users update` that give these fields their wanted values; `None` where one cannot be shown.
fn options_of_user(fields: &[&'static str], wanted: &UserPatch) -> Option<Vec<String>> {
    let text = |flag: &str, value: Option<&str>| shell_option(flag, value.unwrap_or(""));
    let switch = |on: Option<bool>, yes: &str, no: &str| Some(if on == Some(true) { yes } else { no }.to_owned());
    fields
        .iter()
        .filter_map(|field| match *field {
            "email" => Some(text("email", wanted.email.iter().flatten().map(|email| email.as_str()).next())),
            "phone" => Some(text("phone", wanted.phone.iter().flatten().map(|phone| phone.as_str()).next())),
            "username" => Some(text("username", wanted.username.iter().flatten().map(|name| name.as_str()).next())),
            "first_name" => Some(text("first-name", wanted.first_name.as_deref())),
            "last_name" => Some(text("last-name", wanted.last_name.as_deref())),
            "middle_name" => Some(text("middle-name", wanted.middle_name.iter().flatten().map(String::as_str).next())),
            "is_active" => Some(switch(wanted.is_active, "--active", "--inactive")),
            "is_staff" => Some(switch(wanted.is_staff, "--staff", "--no-staff")),
            "is_superuser" => Some(switch(wanted.is_superuser, "--superuser", "--no-superuser")),
            _ => None,
        })
        .collect()
}
