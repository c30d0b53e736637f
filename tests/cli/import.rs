//! `users import django`.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::dump::Dump;
use crate::support::process::isolated;
use crate::support::shell::Shell;

/// Names a Python that has Django 5.2, argon2-cffi and bcrypt.
const PYTHON: &str = "AUTHSRV_TEST_PYTHON";

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django")
}

/// A folder with a fresh database, and this file of the site beside it.
fn shell_with(file: &str) -> Shell {
    let shell = Shell::new();
    let name = Path::new(file).file_name().unwrap();
    fs::copy(tests().join("made").join(file), shell.folder().join(name)).unwrap();
    shell
}

fn dump(shell: &Shell) -> Dump {
    Dump::of(&shell.file("authsrv.db"))
}

/// A SQLite file in the folder, made by these statements.
fn database(shell: &Shell, name: &str, sql: &str) {
    Connection::open(shell.file(name)).unwrap().execute_batch(sql).unwrap();
}

const USERS: &str = "CREATE TABLE auth_user (id INTEGER PRIMARY KEY, password, last_login, username, email, first_name, \
    is_active, is_staff, is_superuser, date_joined);";

#[test]
fn it_is_planned_done_and_done_again() {
    let shell = shell_with("stock/db.sqlite3");
    let before = dump(&shell);
    let plan = shell.run("users import django db.sqlite3 --dry-run").done();
    plan.says("Nothing was changed. It would be: 16 users created; 5 fields of a user left out; ")
        .says("3 roles created");
    dump(&shell).is(&before, "a plan");
    shell.run("users import django db.sqlite3").done().says("Imported from auth_user: 16 users created; ");
    let after = dump(&shell);
    let again = shell.run("users import django db.sqlite3").done();
    again.says("16 users unchanged; 3 roles unchanged.");
    dump(&shell).is(&after, "again");
    assert_eq!(shell.json("check argon2 article publish_article")["allowed"], true);
    assert_eq!(fs::read(shell.file("db.sqlite3")).unwrap(), fs::read(tests().join("made/stock/db.sqlite3")).unwrap());
    assert!(!shell.file("db.sqlite3-journal").exists() && !shell.file("db.sqlite3-wal").exists());
}

#[test]
fn scripts_get_every_line() {
    let shell = shell_with("custom/names.json");
    let steps = shell.json("users import django names.json --model SHOP.customer");
    let steps = steps.as_array().unwrap();
    let has = |step: Value| assert!(steps.contains(&step), "{step} is not in {steps:#?}");
    has(json!({"change": "created", "kind": "role", "name": "editors", "detail": "group Editors"}));
    has(json!({"change": "created", "kind": "permission", "name": "article:publish_article", "detail": null}));
    has(json!({"change": "created", "kind": "user", "name": "root@example.com",
        "detail": "new id 10, superuser, staff, roles django_admin"}));
    has(json!({"change": "left out", "kind": "user", "name": "ROOT@EXAMPLE.COM",
        "detail": "e-mail is that of root@example.com before it"}));
    has(json!({"change": "left out", "kind": "user field", "name": "md5@example.com",
        "detail": "password: its algorithm md5 is not taken over"}));
}

#[test]
fn all_ids_or_nothing() {
    let shell = shell_with("stock/keys.json");
    shell.user("first@example.com");
    let before = dump(&shell);
    let refused = shell.run("users import django keys.json --keep-ids").exits(2);
    refused.says("--keep-ids: The id 1 of pbkdf2_sha256 was given here before, or can be none.");
    dump(&shell).is(&before, "refused");
}

#[test]
fn what_is_no_site_is_refused_with_what_it_is() {
    let shell = Shell::new();
    let before = dump(&shell);
    let refused = |file: &str, why: &str| {
        shell.run(&format!("users import django {file}")).exits(2).says(&format!("error: {file}: {why}"));
    };
    refused("authsrv.db", "is a database of authsrv, not of a Django site");
    refused("nowhere", "there is no such file");
    refused(".", "is not a plain file");
    fs::write(shell.file("empty"), "").unwrap();
    refused("empty", "is empty");
    fs::write(shell.file("text"), "hello").unwrap();
    refused("text", "is no SQLite database, nor JSON as dumpdata writes it: ");
    fs::write(shell.file("broken"), [b"SQLite format 3\0".as_slice(), &[7; 5000]].concat()).unwrap();
    refused("broken", "");
    fs::write(shell.file("deep"), "[".repeat(1_000_000)).unwrap();
    refused("deep", "is no SQLite database, nor JSON");
    fs::write(shell.file("object"), r#"{"model": "auth.user"}"#).unwrap();
    refused("object", "is no SQLite database, nor JSON");
    fs::write(shell.file("else"), r#"[{"model": "a.b", "pk": 1, "fields": {"password": 1}}]"#).unwrap();
    refused("else", "has no model of accounts");
    database(&shell, "tables.db", "CREATE TABLE a (b)");
    refused("tables.db", "has no table of accounts");
    let two = "CREATE TABLE a (id, password, last_login, email); CREATE TABLE b (id, password, last_login, phone);";
    database(&shell, "two.db", two);
    refused("two.db", "has several tables of accounts: name one of \"a\", \"b\" with --table");
    // Whatever a view would compute, it is not asked.
    let view = "CREATE TABLE t (id); CREATE VIEW auth_user AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 \
        FROM n) SELECT id, '' AS password, NULL AS last_login, id AS username FROM n;";
    database(&shell, "view.db", view);
    refused("view.db", "has no table of accounts");
    dump(&shell).is(&before, "refused");
    let computed = "CREATE TABLE auth_user (id INTEGER PRIMARY KEY, password, last_login, \
        username AS (hex(zeroblob(400000))));";
    database(&shell, "computed.db", computed);
    refused("computed.db", "has no table of accounts");
    dump(&shell).is(&before, "refused");
    database(&shell, "nobody.db", USERS);
    shell.run("users import django nobody.db").exits(1).says("nobody.db has no users in auth_user");
    Shell::empty().run("users import django nowhere").exits(2).says("there is no such file");
}

/// The name of a table is only ever compared with those that are there.
#[test]
fn a_table_is_one_that_is_there() {
    let shell = shell_with("stock/db.sqlite3");
    for table in ["auth_user; DROP TABLE auth_user", "x\" UNION SELECT 1 --", "sqlite_schema", "\u{1b}[2J"] {
        let ran = shell.run_all(&["users", "import", "django", "db.sqlite3", "--table", table]).exits(2);
        assert!(ran.err.contains("has no table") && !ran.err.contains('\u{1b}'), "{}", ran.err);
    }
    shell.run("users import django db.sqlite3 --table auth_group").exits(2).says("has no column \"password\"");
    shell.run("users import django db.sqlite3 --model auth.user").exits(2).says("name its table with --table");
    database(
        &shell,
        "odd.db",
        &format!(
            "{USERS} ALTER TABLE auth_user RENAME TO \"a\"\"b; --\";
        INSERT INTO \"a\"\"b; --\" (password, username) VALUES ('!', 'ann')"
        ),
    );
    shell.run("users import django odd.db").done().says("1 user created");
}

/// A site in the middle of its work: with a log beside its file.
#[test]
fn a_database_with_a_log_is_read_as_its_site_sees_it() {
    let shell = Shell::new();
    let site = Connection::open(shell.file("site.db")).unwrap();
    site.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; {USERS} INSERT INTO auth_user (password, username, is_active) VALUES ('!', 'ann', 1)"
    ))
    .unwrap();
    shell.run("users import django site.db").done().says("1 user created");
    site.execute_batch("INSERT INTO auth_user (password, username, is_active) VALUES ('!', 'bob', 1)").unwrap();
    shell.run("users import django site.db").done().says("1 user created, 1 user unchanged");
}

/// What stands in the rows is judged one by one; what it holds cannot reach the terminal.
#[test]
fn hostile_rows_are_left_out_and_shown_inert() {
    let shell = Shell::new();
    database(&shell, "rows.db", &format!("{USERS}
        INSERT INTO auth_user (id, password, username, is_active, is_superuser, date_joined) VALUES
        (1, '!', 'flag', 'yes', 0, '2020-01-01 00:00:00'),
        (2, '!', 'root', 1, 'true', '2020-01-01 00:00:00'),
        (3, x'00ff', x'00ff', 1, 0, 17),
        (4, 'pbkdf2_sha256$99999999$salt$zUk3SiwDBeHtaDTjzyzBlYIkHw8pU6yGSRi0FloD+xc=', 'costly', 1, 0, 'tomorrow'),
        (5, '!', 'red' || char(27) || '[31m', 1, NULL, NULL),
        (6, '!', 'quote'' OR 1=1 --', 1, 0, '2020-01-01 00:00:00'),
        (7, NULL, printf('%.*c', 5000, 'x'), 1, 0, NULL),
        (8, '!', NULL, NULL, 0, NULL),
        (-9, '!', 42, 1, 0, NULL);
        CREATE TABLE auth_group (id, name); INSERT INTO auth_group VALUES (1, 'a' || char(27) || ']0;b'), (1, 'c'), (NULL, 4);
        CREATE TABLE auth_user_groups (user_id, group_id); INSERT INTO auth_user_groups VALUES (6, 1), (6, 77), ('x', 'y');"));
    let ran = shell.run("users import django rows.db -o plain").done();
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{}{}", ran.out, ran.err);
    let ran = ran.prints("left out\tuser\tflag\tis_active is neither true nor false");
    let ran = ran.prints("left out\tuser\troot\tis_superuser is neither true nor false");
    let ran = ran.prints("left out\tuser\trow 3\tusername is no text");
    let ran = ran.prints("left out\tuser field\tcostly\tpassword: its work factor is beyond what is ever computed");
    let ran = ran.prints("left out\tuser field\tcostly\tdate_joined is no time");
    let ran = ran.prints("left out\tuser\trow 7\tusername is too long");
    let ran = ran.prints("left out\tuser\trow 8\tno e-mail, phone or username");
    ran.prints("created\tuser\tquote' OR 1=1 --\tid 6").prints("created\tuser\t42\t");
    let users = shell.json("users list");
    let names: Vec<&str> = users.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    assert_eq!(names, ["costly", "quote' OR 1=1 --", "42"]);
}

/// Groups and permissions that would be more here than they were there.
#[test]
fn no_group_becomes_more_than_it_was() {
    let shell = Shell::new();
    fs::write(shell.file("dump.json"), json!([
        {"model": "auth.group", "pk": 1, "fields": {"name": "admin", "permissions": [
            ["all", "blog", "post"], ["add_users", "blog", "users"], ["view_b-ad", "x:y", "b-ad"], ["x", "a"], 7
        ]}},
        {"model": "auth.group", "pk": 2, "fields": {"name": "ADMIN", "permissions": []}},
        {"model": "auth.group", "pk": 3, "fields": {"name": "", "permissions": []}},
        {"model": "auth.user", "pk": 1, "fields": {"username": "ann", "password": "!", "last_login": null, "groups": [1, 9]}}
    ]).to_string()).unwrap();
    let ran = shell.run("users import django dump.json -o plain").done();
    let ran = ran.prints("left out\trole permission\tadmin\tpermission blog.all: an action of that name would give");
    let ran = ran.prints("left out\trole permission\tadmin\tpermission 7 is not in the file");
    let ran = ran.prints("created\tpermission\tblog_users:create\t").prints("created\trole\tdjango_admin\tgroup admin");
    let ran = ran.prints("created\trole\tgroup_2\tgroup ADMIN").prints("left out\trole\t\tit has no name");
    ran.prints("left out\tuser field\tann\tgroup 9 is not in the file");
    shell.run("check ann users create").exits(1);
    shell.run("check ann blog_users create").done();
}

/// The database and the dumps of a Django that runs here and now, with a thousand users more.
#[test]
fn a_real_django_makes_what_is_read() {
    let Some(python) = std::env::var_os(PYTHON).filter(|python| !python.is_empty()) else {
        eprintln!("skipped: set {PYTHON} to a Python that has Django 5.2, argon2-cffi and bcrypt");
        return;
    };
    for (kind, model, users) in [("stock", "auth_user", 1016), ("custom", "shop_customer", 1015)] {
        let shell = Shell::new();
        let mut make = isolated(&python, shell.folder());
        make.env("PYTHONDONTWRITEBYTECODE", "1").arg(tests().join("make.py")).arg(kind).arg(shell.folder()).arg("many");
        let ran = make.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let before = dump(&shell);
        for file in ["db.sqlite3", "keys.json", "names.json"] {
            shell
                .run(&format!("users import django {file} --dry-run"))
                .done()
                .says(&format!("It would be: {users} users created"));
        }
        dump(&shell).is(&before, "a plan");
        let done = shell.run("users import django db.sqlite3 --keep-ids").done();
        done.says(&format!("Imported from {model}: {users} users created"));
        let after = dump(&shell);
        shell.run("users import django keys.json").done().says(&format!("{users} users unchanged"));
        dump(&shell).is(&after, "again");
        let server = shell.serve();
        for name in ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt", "today"] {
            let name_here = if kind == "custom" { format!("{name}@example.com") } else { name.to_owned() };
            let body = json!({"email": name_here, "password": format!("old secret of {name}")});
            assert_eq!(server.anonymous().post("/login/", body.clone()).status, 200, "{name}");
            assert_eq!(server.anonymous().post("/login/", body).status, 200, "{name}: again, by our hash");
        }
        let ours = dump(&shell)
            .table("users")
            .values()
            .filter(|row| row["password"].as_deref().is_some_and(|hash| hash.starts_with("$argon2id$")))
            .count();
        assert_eq!(ours, 7, "{kind}");
    }
}
