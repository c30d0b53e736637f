//! What `doctor` sees.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use authsrv::app;
use authsrv::crypto::random::OsRandom;
use authsrv::crypto::seal::MasterKey;
use authsrv::service::doctor::{Facts, Finding, Level, examine, ready};
use authsrv::service::{Actor, keys, seed};

use super::place::Place;

/// Advice as the door tells it.
fn told(finding: &Finding) -> String {
    finding.advice.told(|words| format!("authsrv {words}"))
}

fn healthy() -> Place {
    let place = Place::new();
    keys::ensure(&place.ctx()).unwrap();
    seed::load_once(&place.ctx()).unwrap();
    place.run(
        "INSERT INTO users (username, username_key, first_name, last_name, is_active, is_staff, is_superuser, date_joined, updated_at)
         VALUES ('root', 'root', '', '', 1, 1, 1, 0, 0)",
    );
    place
}

fn facts(place: &Place) -> Facts {
    Facts {
        database: place.database(),
        files: app::files(&place.database()),
        master_key: place.env.master.path().to_owned(),
        ..Facts::default()
    }
}

fn findings(place: &Place) -> Vec<Finding> {
    examine(&place.ctx(), &facts(place)).unwrap()
}

/// What is wrong: level, subject, advice.
fn bad(place: &Place) -> Vec<(Level, &'static str, String)> {
    let bad = findings(place).into_iter().filter(|finding| finding.level.is_bad());
    bad.map(|finding| (finding.level, finding.subject, told(&finding))).collect()
}

#[test]
fn a_new_installation_with_a_superuser_is_healthy() {
    let place = healthy();
    assert_eq!(bad(&place), []);
    let found = findings(&place);
    assert!(found.is_sorted_by_key(|finding| finding.level));
    let notes: Vec<_> = found.iter().filter(|finding| finding.level == Level::Note).map(|f| f.subject).collect();
    assert_eq!(notes, ["registration.mode", "public_url", "mail.transport"]);
    let url = found.iter().find(|finding| finding.subject == "public_url").unwrap();
    assert!(!url.text.contains("127.0.0.1"), "the server may listen elsewhere: {}", url.text);
    ready(&place.env).unwrap();
}

#[test]
fn an_empty_installation_is_not() {
    let place = Place::new();
    let subjects: Vec<_> = bad(&place).into_iter().map(|(_, subject, advice)| (subject, advice)).collect();
    let expected =
        [("signing key", "authsrv serve"), ("superusers", "authsrv createsuperuser"), ("resources", "authsrv seed")];
    assert_eq!(subjects, expected.map(|(subject, advice)| (subject, advice.to_owned())));
}

#[test]
fn files_and_directories_open_to_others_are_seen() {
    let place = healthy();
    std::fs::set_permissions(place.database(), Permissions::from_mode(0o640)).unwrap();
    std::fs::set_permissions(place.directory.path(), Permissions::from_mode(0o755)).unwrap();
    let database = place.database().display().to_string();
    let directory = place.directory.path().canonicalize().unwrap().display().to_string();
    let found = bad(&place);
    assert!(found.contains(&(Level::Problem, "files", format!("chmod 600 {database}"))), "{found:?}");
    assert!(found.contains(&(Level::Warning, "files", format!("chmod 700 {directory}"))), "{found:?}");
    std::fs::set_permissions(place.directory.path(), Permissions::from_mode(0o770)).unwrap();
    let found = bad(&place);
    assert!(found.contains(&(Level::Problem, "files", format!("chmod 700 {directory}"))), "{found:?}");
}

#[test]
fn a_master_key_that_is_gone_open_or_another_is_seen() {
    let place = healthy();
    let key = place.env.master.path().to_owned();
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(bad(&place), [(Level::Problem, "master key", format!("chmod 600 {}", key.display()))]);
    std::fs::remove_file(&key).unwrap();
    let found = bad(&place);
    assert_eq!(
        found,
        [(
            Level::Problem,
            "master key",
            "restore this file from the backup, or name it with --master-key-file PATH (or AUTHSRV_MASTER_KEY_FILE)"
                .to_owned()
        )]
    );
    let mut place = healthy();
    std::fs::remove_file(place.env.master.path()).unwrap();
    place.env.master = MasterKey::at(place.env.master.path().to_owned()).into();
    place.env.master.create_if_missing(&OsRandom).unwrap();
    let advice =
        "restore the database and this file from the same backup, or name the right file with --master-key-file PATH";
    assert_eq!(bad(&place), [(Level::Problem, "signing key", advice.to_owned())]);
}

/// What is wrong and what to do are told apart, whatever the file is called.
#[test]
fn a_path_is_not_taken_for_advice() {
    let mut place = healthy();
    let path = place.directory.path().join("key; of mine");
    place.env.master = MasterKey::at(path.clone()).into();
    place.env.master.create_if_missing(&OsRandom).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let finding = findings(&place).into_iter().find(|finding| finding.subject == "master key").unwrap();
    assert_eq!(finding.text, format!("the master key {} is open to others (mode 0644)", path.display()));
    assert_eq!(told(&finding), format!("chmod 600 '{}'", path.display()));
}

#[test]
fn risky_settings_are_seen() {
    let place = healthy();
    place.run(
        "INSERT INTO settings (key, value, updated_at) VALUES
         ('tokens.bearer_refresh', 'true', 0), ('public_url', '\"http://auth.example.com\"', 0),
         ('registration.mode', '[\"example.com\"]', 0), ('refresh.grace', '4000', 0),
         ('throttle.rates', '[\"anon=3/minute\"]', 0), ('throttle.scopes', '[\"anon=/me/\",\"ten=/me/\"]', 0)",
    );
    let subjects: Vec<_> = bad(&place).into_iter().map(|(level, subject, _)| (level, subject)).collect();
    let expected = ["settings", "registration.mode", "public_url", "tokens.bearer_refresh", "throttle.scopes"];
    assert_eq!(subjects, expected.map(|subject| (Level::Warning, subject)));
}

#[test]
fn damage_is_seen() {
    let place = healthy();
    place.run("PRAGMA foreign_keys = OFF; DELETE FROM resources WHERE code_name = 'users'");
    let found = findings(&place);
    assert_eq!((found[0].level, found[0].subject), (Level::Problem, "database"));
    assert!(found[0].text.contains("permissions"), "{}", found[0].text);
}

#[test]
fn only_operators_and_superusers_may_look() {
    let mut place = healthy();
    place.actor = Actor::Anonymous;
    assert!(examine(&place.ctx(), &facts(&place)).is_err());
}
