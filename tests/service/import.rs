//! Accounts out of a Django site. The files in `tests/django/made/` were made by Django 5.2 (`tests/django/make.py`).

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use authsrv::app::read_django;
use authsrv::domain::error::{Error, Reason, Refusal, Result};
use authsrv::domain::identifiers::{Email, Username};
use authsrv::domain::ids::UserId;
use authsrv::domain::imports::{Change, ForeignUser, Ids, Part, Report, Source};
use authsrv::domain::settings::Profile;
use authsrv::domain::users::NewUser;
use authsrv::service::login::{SignedIn, login};
use authsrv::service::{Actor, import, users};

use super::common::{actor, column, holder, invalid, number, refusal, set};
use crate::support::dump::Dump;
use crate::support::{TestApp, origin};

const ALGORITHMS: [&str; 6] = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"];

fn made(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django/made").join(file)
}

fn source(file: &str) -> Source {
    read_django(&made(file), None, None).unwrap()
}

fn imported(app: &TestApp, source: &Source) -> Report {
    app.operate(|ctx| import::apply(ctx, source, Ids::KeepFree, &mut |_, _| ())).unwrap()
}

fn enter(app: &TestApp, identifier: &str, password: &str) -> Result<SignedIn> {
    login(&app.env.ctx(&Actor::Anonymous, &origin()), identifier, password, Profile::Rbac)
}

fn refused(result: Result<SignedIn>) {
    assert!(matches!(result, Err(Error::Unauthenticated(Reason::BadCredentials))), "{result:?}");
}

fn dump(app: &TestApp) -> Dump {
    Dump::of(&app.folder.path().join("authsrv.db"))
}

/// The lines about things of one kind, as `change name detail`.
fn lines(report: &Report, part: Part) -> Vec<String> {
    let steps = report.steps.iter().filter(|step| step.part == part);
    steps.map(|step| format!("{} {} {}", step.change.as_str(), step.name, step.detail).trim_end().to_owned()).collect()
}

/// A source with these users, `user0` and so on.
fn crowd(number: usize) -> Source {
    let user = |at: usize| ForeignUser {
        key: (at + 1).to_string(),
        username: Some(format!("user{at}")),
        is_active: true,
        hash: "!".to_owned(),
        ..ForeignUser::default()
    };
    Source { users: (0..number).map(user).collect(), ..Source::default() }
}

/// whoever has a password of any of Django's algorithms signs in by it, and has a hash of ours from then on.
#[test]
fn r1_old_passwords_are_good_and_are_rehashed_at_the_first_sign_in() {
    let app = TestApp::new();
    imported(&app, &source("stock/db.sqlite3"));
    for name in ALGORITHMS.into_iter().chain(["today", "root", "bell"]) {
        let hash = || column(&app, &format!("SELECT password FROM users WHERE username = '{name}'")).remove(0);
        let password = format!("old secret of {name}");
        assert!(!hash().starts_with("$argon2id$"));
        refused(enter(&app, name, "wrong"));
        refused(enter(&app, name, &format!("{password} ")));
        assert_eq!(enter(&app, name, &password).unwrap().user.username.unwrap().as_str(), name);
        let ours = hash();
        assert!(ours.starts_with("$argon2id$v=19$"), "{name}: {ours}");
        enter(&app, name, &password).unwrap();
        assert_eq!(hash(), ours);
    }
}

/// the accent was typed as a character of its own when the old hash was made.
#[test]
fn r2_a_password_that_was_not_normal_is_good_as_it_was_typed_and_later_in_any_form() {
    let app = TestApp::new();
    imported(&app, &source("stock/db.sqlite3"));
    refused(enter(&app, "accent", "caf\u{e9} noir"));
    enter(&app, "accent", "cafe\u{301} noir").unwrap();
    enter(&app, "accent", "caf\u{e9} noir").unwrap();
}

#[test]
fn who_has_no_password_here_or_is_not_active_does_not_get_in() {
    let app = TestApp::new();
    let report = imported(&app, &source("stock/db.sqlite3"));
    refused(enter(&app, "gone", "old secret of gone"));
    refused(enter(&app, "md5", "old secret of md5"));
    refused(enter(&app, "nobody", "!"));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE password IS NULL"), 2);
    let left = lines(&report, Part::UserField);
    assert!(left.contains(&"left out md5 password: its algorithm md5 is not taken over".to_owned()), "{left:?}");
    assert!(left.contains(&"left out nobody has no password".to_owned()), "{left:?}");
    assert!(left.contains(&"left out bell 1 permission of its own, by no group".to_owned()), "{left:?}");
}

#[test]
fn columns_are_taken_over() {
    let app = TestApp::new();
    imported(&app, &source("custom/db.sqlite3"));
    let root = "SELECT is_staff || is_superuser || is_active || ' ' || date_joined || ' ' || last_login FROM users WHERE \
                email = 'root@example.com'";
    assert_eq!(column(&app, root), ["111 1558081815123000 1558081815123000"]);
    assert_eq!(column(&app, "SELECT phone FROM users WHERE email IS NULL"), ["+79123456789"]);
    assert_eq!(column(&app, "SELECT DISTINCT last_name FROM users WHERE last_name <> ''"), ["Иванова"]);
    enter(&app, "8 912", "old secret of phone").unwrap_err();
    enter(&app, "+79123456789", "old secret of phone").unwrap();
}

/// D-15: what two of them are called stays with the first.
#[test]
fn d15_of_two_with_one_name_the_later_comes_without_it_or_not_at_all() {
    let app = TestApp::new();
    let report = imported(&app, &source("stock/db.sqlite3"));
    let fields = lines(&report, Part::UserField);
    assert!(fields.contains(&"left out other@example.com username is that of ann@example.com before it".to_owned()));
    assert!(fields.contains(&"left out ann@EXAMPLE.com e-mail is that of ann@example.com before it".to_owned()));
    enter(&app, "ann", "old secret of Ann").unwrap();
    enter(&app, "other@example.com", "old secret of ANN").unwrap();
    let app = TestApp::new();
    let report = imported(&app, &source("custom/db.sqlite3"));
    let users = lines(&report, Part::User);
    let again = "left out ROOT@EXAMPLE.COM e-mail is that of root@example.com before it".to_owned();
    assert!(users.contains(&again), "{users:?}");
    let odd = lines(&report, Part::UserField).into_iter().find(|line| line.contains("odd@"));
    assert!(odd.unwrap().starts_with("left out odd@example.com phone: "));
}

#[test]
fn groups_are_roles_that_give_what_the_groups_gave() {
    let app = TestApp::new();
    imported(&app, &source("stock/db.sqlite3"));
    let rights = |code: &str| {
        let sql = format!(
            "SELECT re.code_name || ':' || a.code_name FROM roles r JOIN role_permissions rp ON rp.role_id = r.id
             JOIN permissions p ON p.id = rp.permission_id JOIN resources re ON re.id = p.resource_id
             JOIN actions a ON a.id = p.action_id WHERE r.code_name = '{code}' ORDER BY 1"
        );
        column(&app, &sql)
    };
    let article = ["create", "delete", "publish_article", "read", "update"].map(|action| format!("article:{action}"));
    assert_eq!(rights("editors"), article);
    assert_eq!(rights("group_3"), ["article:read"]);
    assert_eq!(rights("django_admin"), ["shop_sessions:read"]);
    let of = |name: &str| {
        let sql = format!(
            "SELECT r.code_name FROM user_roles ur JOIN roles r ON r.id = ur.role_id
             JOIN users u ON u.id = ur.user_id WHERE u.username = '{name}'"
        );
        column(&app, &sql)
    };
    assert_eq!([of("scrypt"), of("root"), of("today")], [["editors"], ["django_admin"], ["group_3"]]);
    assert_eq!(
        number(
            &app,
            "SELECT COUNT(*) FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE r.code_name = 'admin'"
        ),
        0
    );
}

/// Each change has its event, as if it were made by hand.
#[test]
fn everything_is_in_the_audit_trail() {
    let app = TestApp::new();
    let before = dump(&app);
    let report = imported(&app, &source("stock/db.sqlite3"));
    let events = dump(&app).events_since(&before);
    let count = |action: &str| events.iter().filter(|event| event["action"].as_deref() == Some(action)).count();
    for (part, action) in [
        (Part::User, "user.created"),
        (Part::Role, "role.created"),
        (Part::Resource, "resource.created"),
        (Part::Action, "action.created"),
        (Part::Permission, "permission.created"),
    ] {
        assert_eq!(count(action), report.count(Change::Created, part), "{action}");
    }
    assert_eq!((count("role.allowed"), count("role.granted")), (7, 8));
    assert!(events.iter().all(|event| !event["details"].as_ref().unwrap().contains('$')), "no hash is in it");
}

#[test]
fn a_plan_says_what_would_be_done_and_changes_nothing_and_nor_does_a_second_import() {
    for file in ["stock/db.sqlite3", "custom/db.sqlite3", "stock/keys.json", "custom/keys.json"] {
        let (app, source) = (TestApp::new(), source(file));
        let empty = dump(&app);
        let planned = app.operate(|ctx| import::plan(ctx, &source, Ids::KeepFree)).unwrap();
        dump(&app).is(&empty, file);
        assert_eq!(imported(&app, &source), planned, "{file}");
        let full = dump(&app);
        let again = imported(&app, &source);
        dump(&app).is(&full, file);
        let created = again.steps.iter().filter(|step| step.change == Change::Created).count();
        assert_eq!(created, 0, "{file}: {again:?}");
        assert_eq!(again.count(Change::Unchanged, Part::User), planned.count(Change::Created, Part::User), "{file}");
    }
}

#[test]
fn a_dump_says_what_the_database_says() {
    for site in ["stock", "custom"] {
        let [database, keys, names] =
            ["db.sqlite3", "keys.json", "names.json"].map(|file| source(&format!("{site}/{file}")));
        assert_eq!(keys.users, database.users, "{site}");
        let sorted = |source: &Source| -> BTreeSet<_> {
            source
                .groups
                .iter()
                .map(|group| {
                    let rights: BTreeSet<_> = group.permissions.iter().cloned().collect();
                    (group.name.clone(), rights)
                })
                .collect()
        };
        assert_eq!(sorted(&keys), sorted(&database), "{site}");
        assert_eq!(sorted(&names), sorted(&database), "{site}");
        let nameless = |source: &Source| -> Vec<ForeignUser> {
            source
                .users
                .iter()
                .map(|user| ForeignUser { key: String::new(), groups: Vec::new(), ..user.clone() })
                .collect()
        };
        assert_eq!(nameless(&names), nameless(&database), "{site}");
        let app = TestApp::new();
        imported(&app, &names);
        assert_eq!(number(&app, "SELECT COUNT(*) FROM user_roles"), 8, "{site}");
    }
}

/// an id that somebody had is nobody's again, and ids go on above the highest.
#[test]
fn r31_ids_are_kept_where_they_were_never_given() {
    let app = TestApp::new();
    let report = imported(&app, &source("stock/db.sqlite3"));
    assert!(lines(&report, Part::User).iter().all(|line| line.contains("id ") && !line.contains("new id")));
    let last = number(&app, "SELECT MAX(id) FROM users");
    assert_eq!(app.user("later@example.com", &[]).0, last + 1);

    let app = TestApp::new();
    let gone = app.user("gone-for-good@example.com", &[]);
    app.operate(|ctx| users::delete(ctx, gone)).unwrap();
    let before = dump(&app);
    let refused = app.operate(|ctx| import::apply(ctx, &source("stock/db.sqlite3"), Ids::KeepAll, &mut |_, _| ()));
    assert_eq!(invalid(refused), [("keep_ids".to_owned(), "invalid")]);
    dump(&app).is(&before, "refused");
    let report = imported(&app, &source("stock/db.sqlite3"));
    let new: Vec<String> = lines(&report, Part::User).into_iter().filter(|line| line.contains("new id")).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0], "created pbkdf2_sha256 new id 17, was 1, roles editors");
    assert_eq!(number(&app, "SELECT id FROM users WHERE username = 'pbkdf2_sha1'"), 2);
    assert_eq!(number(&app, "SELECT id FROM users WHERE username = 'pbkdf2_sha256'"), 17);
}

#[test]
fn ids_that_cannot_be_ours_are_not_kept() {
    let app = TestApp::new();
    let mut source = crowd(4);
    for (user, key) in source.users.iter_mut().zip(["9223372036854775807", "0", "-5", "b1946ac9-uuid"]) {
        user.key = key.to_owned();
    }
    imported(&app, &source);
    assert_eq!(column(&app, "SELECT CAST(id AS TEXT) FROM users ORDER BY id"), ["1", "2", "3", "4"]);
}

/// Whoever is here stays as he is, whatever the file says of him.
#[test]
fn those_who_are_here_are_left_untouched() {
    let app = TestApp::new();
    app.user("ROOT@example.com", &[]);
    let username = Some(Username::parse("Scrypt").unwrap());
    let email = Some(Email::parse("scrypt@elsewhere.example").unwrap());
    app.account(NewUser { username, email, is_active: true, ..NewUser::default() }, &[]);
    let before = dump(&app);
    let mut source = source("custom/db.sqlite3");
    source
        .users
        .iter_mut()
        .for_each(|user| user.username = user.email.as_ref().map(|email| email.replace("@example.com", "")));
    let users = lines(&imported(&app, &source), Part::User);
    assert!(users.contains(&"unchanged root@example.com user 1 here".to_owned()), "{users:?}");
    let taken = "left out scrypt@example.com its username is that of user 2 here, who is somebody else";
    assert!(users.contains(&taken.to_owned()), "{users:?}");
    let after = dump(&app);
    for (id, row) in before.table("users") {
        assert_eq!(&after.table("users")[id], row);
    }
    enter(&app, "root@example.com", crate::support::PASSWORD).unwrap();
}

/// the addresses that may register are those that may be imported.
#[test]
fn r7_the_domains_of_registration_hold_for_an_import() {
    let app = TestApp::new();
    set(&app, "registration.mode", "elsewhere.example");
    let report = imported(&app, &source("custom/db.sqlite3"));
    assert_eq!(report.count(Change::Created, Part::User), 0);
    set(&app, "registration.mode", "example.com");
    let report = imported(&app, &source("custom/db.sqlite3"));
    let left: Vec<String> =
        lines(&report, Part::User).into_iter().filter(|line| line.contains("registration.mode")).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].starts_with("left out +7 (912) 345-67-89 "), "{left:?}");
    set(&app, "registration.mode", "closed");
    let report = imported(&TestApp::new(), &source("custom/db.sqlite3"));
    assert!(report.count(Change::Created, Part::User) > 10);
}

#[test]
fn only_a_superuser_may() {
    let app = TestApp::new();
    let rights = ["users:all", "roles:all", "resources:all", "actions:all", "permissions:all"];
    let (_, clerk) = holder(&app, "clerk", &rights);
    let source = source("custom/db.sqlite3");
    let before = dump(&app);
    let run = |who: &Actor| app.call(who, |ctx| import::apply(ctx, &source, Ids::KeepFree, &mut |_, _| ()));
    assert!(matches!(refusal(run(&clerk)), Refusal::SuperuserOnly));
    assert!(matches!(run(&Actor::Anonymous), Err(Error::Unauthenticated(_))));
    dump(&app).is(&before, "refused");
    app.superuser("boss@example.com");
    run(&actor(&app, "boss@example.com")).unwrap();
}

/// An import that was cut off is completed by the next.
#[test]
fn an_interrupted_import_is_completed_by_the_next() {
    let (app, source) = (TestApp::new(), crowd(1234));
    let cut = catch_unwind(AssertUnwindSafe(|| {
        app.operate(|ctx| import::apply(ctx, &source, Ids::KeepAll, &mut |done, _| assert!(done < 1000, "cut off")))
    }));
    assert!(cut.is_err());
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users"), 1000);
    let mut heard = Vec::new();
    let mut hear = |done, all| heard.push((done, all));
    let report = app.operate(|ctx| import::apply(ctx, &source, Ids::KeepAll, &mut hear)).unwrap();
    assert_eq!(heard, [(500, 1234), (1000, 1234), (1234, 1234)]);
    assert_eq!(report.count(Change::Unchanged, Part::User), 1000);
    assert_eq!(report.count(Change::Created, Part::User), 234);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM users WHERE username = 'user' || (id - 1)"), 1234);
}

/// while imported hashes are about, a refusal costs everybody a decoy of the costliest; with the last of them it
/// ends.
#[test]
fn r14_the_decoy_is_there_as_long_as_a_hash_is_that_was_imported() {
    let app = TestApp::new();
    let decoy = || column(&app, "SELECT value FROM marks WHERE name = 'imported_hash'").pop().unwrap_or_default();
    let mut source = source("stock/db.sqlite3");
    source.users.retain(|user| ["scrypt", "today", "bcrypt"].contains(&user.username.as_deref().unwrap()));
    assert_eq!(decoy(), "");
    imported(&app, &source);
    assert!(decoy().starts_with("pbkdf2_sha256$1000000$AAAA"), "{}", decoy());
    refused(enter(&app, "nobody", "wrong"));
    for name in ["scrypt", "today"] {
        enter(&app, name, &format!("old secret of {name}")).unwrap();
        assert_ne!(decoy(), "");
    }
    enter(&app, "bcrypt", "old secret of bcrypt").unwrap();
    assert_eq!(decoy(), "");

    // One who never signs in goes; the next start sees to it.
    let app = TestApp::new();
    let decoy = || column(&app, "SELECT value FROM marks WHERE name = 'imported_hash'").pop().unwrap();
    source.users.truncate(1);
    imported(&app, &source);
    drop(app.second());
    assert_ne!(decoy(), "");
    app.operate(|ctx| users::delete(ctx, UserId(number(&app, "SELECT id FROM users")))).unwrap();
    drop(app.second());
    assert_eq!(decoy(), "");
}
