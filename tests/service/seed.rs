//! Planning and loading seeds.

use authsrv::domain::error::{Error, Reason, Refusal, Result};
use authsrv::service::Actor;
use authsrv::service::seed::{Change, Plan, SeedFile, apply, embedded, load_once, parse, plan};

use super::common::{column, holder};
use super::place::Place;
use crate::support::TestApp;

fn file(name: &str, text: &str) -> SeedFile {
    parse(name, text).unwrap()
}

fn load(place: &Place, text: &str, prune: bool) -> Result<Plan> {
    apply(&place.ctx(), &[file("s.toml", text)], prune, &mut |_, _| ())
}

/// What a plan does, without what stays.
fn lines(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().filter(|step| step.change != Change::Unchanged);
    let line = |s: &authsrv::service::seed::Step| {
        format!("{} {} {} {}", s.change.as_str(), s.kind.as_str(), s.name, s.detail).trim_end().to_owned()
    };
    steps.map(line).collect()
}

fn faults<T: std::fmt::Debug>(refused: Result<T>) -> Vec<String> {
    let Err(Error::Invalid(fields)) = refused else { panic!("{refused:?}") };
    fields.iter().map(|field| format!("{}: {}", field.field, field.message)).collect()
}

fn rights_of(place: &Place, role: &str) -> Vec<String> {
    place.column(&format!(
        "SELECT r.code_name || ':' || a.code_name FROM role_permissions rp JOIN roles ro ON ro.id = rp.role_id
         JOIN permissions p ON p.id = rp.permission_id JOIN resources r ON r.id = p.resource_id
         JOIN actions a ON a.id = p.action_id WHERE ro.code_name = '{role}' ORDER BY 1"
    ))
}

const SHOP: &str = r#"
[[resource]]
code_name = "orders"
name = "Orders"
description = "What was bought"

[[resource]]
code_name = "prices"
name = "Prices"

[[action]]
code_name = "read"
name = "Read"

[[action]]
code_name = "all"
name = "All"

[[permission]]
resources = ["orders", "prices"]
actions = ["read"]

[[role]]
code_name = "clerk"
name = "Clerk"
permissions = ["orders:read"]

[[role]]
code_name = "boss"
name = "Boss"
permissions = ["*:all"]
"#;

#[test]
fn a_new_installation_gets_the_embedded_files_once() {
    let place = Place::new();
    assert!(load_once(&place.ctx()).unwrap());
    assert_eq!(place.number("SELECT COUNT(*) FROM resources"), 12);
    assert_eq!(place.number("SELECT COUNT(*) FROM actions"), 7);
    assert_eq!(place.number("SELECT COUNT(*) FROM permissions"), 12 * 5 + 4);
    assert_eq!(place.column("SELECT code_name FROM roles ORDER BY id"), ["admin", "manager", "viewer"]);
    assert_eq!(rights_of(&place, "admin").len(), 12);
    assert!(rights_of(&place, "admin").iter().all(|right| right.ends_with(":all")));
    assert_eq!(
        rights_of(&place, "manager"),
        ["roles:read", "sessions:read", "sessions:update", "users:read", "users:update"]
    );
    assert_eq!(
        rights_of(&place, "viewer"),
        [
            "actions:read",
            "documents:read",
            "permissions:read",
            "projects:read",
            "resources:read",
            "roles:read",
            "users:read"
        ]
    );
    assert_eq!(place.number("SELECT COUNT(*) FROM audit"), 12 + 7 + 64 + 3 + 12 + 5 + 7);

    place.run("DELETE FROM roles WHERE code_name = 'viewer'");
    assert!(!load_once(&place.ctx()).unwrap());
    assert_eq!(place.number("SELECT COUNT(*) FROM roles"), 2);
}

#[test]
fn loading_the_embedded_files_by_hand_counts_as_the_first_load() {
    let place = Place::new();
    apply(&place.ctx(), &embedded().unwrap(), false, &mut |_, _| ()).unwrap();
    assert!(!load_once(&place.ctx()).unwrap());
}

#[test]
fn loading_twice_writes_nothing() {
    let place = Place::new();
    let first = load(&place, SHOP, false).unwrap();
    assert_eq!(first.count(Change::Added), first.steps.len());
    let events = place.number("SELECT COUNT(*) FROM audit");
    assert_eq!(events as usize, first.steps.len());
    let mut calls = 0;
    let second = apply(&place.ctx(), &[file("s.toml", SHOP)], false, &mut |_, _| calls += 1).unwrap();
    assert_eq!(lines(&second), [""; 0]);
    assert_eq!((second.steps.len(), calls), (first.steps.len(), 0));
    assert_eq!(place.number("SELECT COUNT(*) FROM audit"), events);
}

#[test]
fn a_plan_says_what_loading_then_does() {
    let place = Place::new();
    let files = [file("s.toml", SHOP)];
    let planned = plan(&place.ctx(), &files, false).unwrap();
    assert_eq!(place.number("SELECT COUNT(*) FROM audit"), 0);
    assert_eq!(
        lines(&planned),
        [
            "added resource orders",
            "added resource prices",
            "added action read",
            "added action all",
            "added permission orders:read",
            "added permission prices:read",
            "added permission orders:all",
            "added permission prices:all",
            "added role clerk",
            "added role boss",
            "added role_permission clerk orders:read",
            "added role_permission boss orders:all",
            "added role_permission boss prices:all",
        ]
    );
    let mut heard = Vec::new();
    let done = apply(&place.ctx(), &files, false, &mut |done, total| heard.push((done, total))).unwrap();
    assert_eq!(done, planned);
    assert_eq!(heard, [(13, 13)]);
}

#[test]
fn changes_are_shown_and_made_and_what_is_not_named_stays() {
    let place = Place::new();
    load(&place, SHOP, false).unwrap();
    let changed = r#"
[[resource]]
code_name = "orders"
name = "Purchases"
description = ""

[[resource]]
code_name = "stock"
name = "Stock"

[[role]]
code_name = "clerk"
name = "Clerk"
permissions = ["*:read"]
"#;
    let done = load(&place, changed, false).unwrap();
    assert_eq!(
        lines(&done),
        [
            "changed resource orders name: \"Orders\" → \"Purchases\", description: \"What was bought\" → none",
            "added resource stock",
            "added permission stock:read",
            "added role_permission clerk prices:read",
            "added role_permission clerk stock:read",
        ]
    );
    assert_eq!(rights_of(&place, "clerk"), ["orders:read", "prices:read", "stock:read"]);
    assert_eq!(rights_of(&place, "boss"), ["orders:all", "prices:all"]);
    assert_eq!(place.column("SELECT action FROM audit ORDER BY id DESC LIMIT 5").last().unwrap(), "resource.updated");
}

#[test]
fn names_can_be_swapped() {
    let place = Place::new();
    load(&place, SHOP, false).unwrap();
    let swapped =
        SHOP.replace("\"Orders\"", "\"-\"").replace("\"Prices\"", "\"Orders\"").replace("\"-\"", "\"Prices\"");
    let third = format!("{swapped}\n[[action]]\ncode_name = \"sell\"\nname = \"Sell\"\n");
    load(&place, &third, false).unwrap();
    assert_eq!(
        place.column("SELECT code_name || '=' || name FROM resources ORDER BY id"),
        ["orders=Prices", "prices=Orders"]
    );
}

#[test]
fn every_contradiction_is_named_and_nothing_is_written() {
    let place = Place::new();
    load(&place, SHOP, false).unwrap();
    let events = place.number("SELECT COUNT(*) FROM audit");
    let first = file(
        "a.toml",
        "[[resource]]\ncode_name = \"x\"\nname = \"X\"\n[[permission]]\nresources = [\"x\", \"y\"]\nactions = [\"read\"]\n",
    );
    let second = file(
        "b.toml",
        r#"[[resource]]
code_name = "x"
name = "Other"
[[resource]]
code_name = "z"
name = "X"
[[resource]]
code_name = "taken"
name = "Orders"
[[action]]
code_name = "write"
name = "Write"
[[permission]]
resources = ["x"]
actions = ["read", "paint"]
[[role]]
code_name = "r"
name = "R"
permissions = ["orders:read", "ordres:read", "*:red"]
"#,
    );
    let refused = apply(&place.ctx(), &[first, second], false, &mut |_, _| ());
    assert_eq!(
        faults(refused),
        [
            "a.toml:5: there is no resource y, neither in the files nor in the database",
            "b.toml:2: resource x is there twice; first at a.toml:2",
            "b.toml:5: two resources are named \"X\"; first at a.toml:2",
            "b.toml:8: the resource orders of the database is named \"Orders\" already",
            "b.toml:14: permission x:read is there twice; first at a.toml:5",
            "b.toml:15: there is no action paint, neither in the files nor in the database",
            "b.toml:19: there is no resource ordres, neither in the files nor in the database; did you mean orders?",
            "b.toml:19: there is no action red, neither in the files nor in the database; did you mean read?",
        ]
    );
    assert_eq!(place.number("SELECT COUNT(*) FROM audit"), events);
}

#[test]
fn pruning_removes_what_the_files_leave_out_but_nothing_built_in() {
    let place = Place::new();
    load_once(&place.ctx()).unwrap();
    let files = r#"
[[resource]]
code_name = "orders"
name = "Orders"

[[permission]]
resources = ["orders", "users"]
actions = ["read", "export"]

[[role]]
code_name = "viewer"
name = "Viewer"
permissions = ["orders:read", "users:read"]

[[role]]
code_name = "manager"
name = "Manager"
"#;
    let kept = load(&place, files, false).unwrap();
    assert_eq!(kept.count(Change::Removed), 0);
    place.run(
        "INSERT INTO users (username, username_key, first_name, last_name, is_active, is_staff, is_superuser, date_joined, updated_at)
         VALUES ('u', 'u', '', '', 1, 0, 0, 0, 0);
         INSERT INTO user_roles SELECT 1, id FROM roles;",
    );
    let pruned = load(&place, files, true).unwrap();
    assert_eq!(place.number("SELECT COUNT(*) FROM resources"), 10 + 1);
    assert_eq!(place.number("SELECT COUNT(*) FROM actions"), 7); // The file names no action.
    assert_eq!(place.column("SELECT code_name FROM roles ORDER BY id"), ["manager", "viewer"]);
    assert_eq!(rights_of(&place, "viewer"), ["orders:read", "users:read"]);
    assert_eq!(rights_of(&place, "manager"), ["users:read"]);
    assert_eq!(place.number("SELECT COUNT(*) FROM permissions"), 4);
    assert_eq!(place.number("SELECT COUNT(*) FROM user_roles"), 2);
    let removed = lines(&pruned);
    assert!(removed.contains(&"removed role admin 1 user loses it".to_owned()), "{removed:?}");
    assert!(removed.contains(&"removed resource projects".to_owned()), "{removed:?}");
    assert!(removed.contains(&"removed role_permission manager users:update".to_owned()), "{removed:?}");
    assert_eq!(lines(&load(&place, files, true).unwrap()), [""; 0]);
    assert_eq!(place.number("SELECT COUNT(*) FROM pragma_foreign_key_check"), 0);
}

#[test]
fn what_a_role_of_the_files_needs_is_not_pruned() {
    let place = Place::new();
    load(&place, SHOP, false).unwrap();
    let files = r#"
[[resource]]
code_name = "stock"
name = "Stock"

[[role]]
code_name = "clerk"
name = "Clerk"
permissions = ["orders:read"]
"#;
    load(&place, files, true).unwrap();
    assert_eq!(place.column("SELECT code_name FROM resources ORDER BY id"), ["orders", "stock"]);
}

#[test]
fn nobody_gives_what_he_does_not_have() {
    let app = TestApp::new();
    app.operate(|ctx| apply(ctx, &[file("shop.toml", SHOP)], false, &mut |_, _| ())).unwrap();
    let files =
        [file("s.toml", "[[role]]\ncode_name = \"clerk\"\nname = \"Clerk\"\npermissions = [\"prices:read\"]\n")];
    let planned = app.call(&Actor::Anonymous, |ctx| plan(ctx, &files, false));
    assert!(matches!(planned, Err(Error::Unauthenticated(Reason::Missing))));
    let load = |name: &str, rights: &[&str]| {
        let (_, actor) = holder(&app, name, rights);
        app.call(&actor, |ctx| apply(ctx, &files, false, &mut |_, _| ()))
    };
    let refused = load("one", &["roles:all", "resources:all", "actions:all"]);
    assert!(matches!(refused, Err(Error::Forbidden(Refusal::Lacks(right))) if right.resource == "permissions"));
    let refused = load("two", &["roles:all", "resources:all", "actions:all", "permissions:all"]);
    assert!(matches!(refused, Err(Error::Forbidden(Refusal::Beyond(right))) if right.to_string() == "prices:read"));
    load("three", &["roles:all", "resources:all", "actions:all", "permissions:all", "prices:read"]).unwrap();
    let given = "SELECT r.code_name FROM role_permissions rp JOIN permissions p ON p.id = rp.permission_id \
        JOIN resources r ON r.id = p.resource_id JOIN roles ON roles.id = rp.role_id WHERE roles.code_name = 'clerk' ORDER BY 1";
    assert_eq!(column(&app, given), ["orders", "prices"]);
}

/// R-38: pruning takes and deletes, which is bounded as it is at every other door.
#[test]
fn nobody_prunes_what_he_does_not_have() {
    let resource = |name: &str| format!("[[resource]]\ncode_name = \"{name}\"\nname = \"{name}\"\n");
    let pair = |name: &str| format!("[[permission]]\nresources = [\"{name}\"]\nactions = [\"read\"]\n");
    let role = |name: &str, rights: &str| {
        format!("[[role]]\ncode_name = \"{name}\"\nname = \"{name}\"\npermissions = [{rights}]\n")
    };
    let before = resource("orders") + &pair("orders") + &role("clerk", "\"orders:read\"");
    // The role loses the right; the role goes; the right goes; its resource goes.
    for files in [role("clerk", ""), role("another", ""), pair("roles"), resource("another")] {
        let app = TestApp::new();
        app.operate(|ctx| apply(ctx, &[file("before.toml", &before)], true, &mut |_, _| ())).unwrap();
        let prune = |name: &str, rights: &[&str]| {
            let (_, actor) = holder(&app, name, rights);
            app.call(&actor, |ctx| apply(ctx, &[file("after.toml", &files)], true, &mut |_, _| ()))
        };
        let refused = prune("one", &["roles:all", "resources:all", "actions:all", "permissions:all"]);
        let beyond =
            matches!(&refused, Err(Error::Forbidden(Refusal::Beyond(right))) if right.to_string() == "orders:read");
        assert!(beyond, "{files}: {refused:?}");
        prune("two", &["roles:all", "resources:all", "actions:all", "permissions:all", "orders:read"]).unwrap();
    }
}

#[test]
fn a_hundred_thousand_permissions_load_in_one_go() {
    let place = Place::new();
    let mut text = String::from("[[action]]\ncode_name = \"all\"\nname = \"All\"\n");
    for number in 0..300 {
        text += &format!("[[resource]]\ncode_name = \"r{number}\"\nname = \"R {number}\"\n");
        text += &format!("[[action]]\ncode_name = \"a{number}\"\nname = \"A {number}\"\n");
    }
    let names = |letter: char| (0..300).map(|n| format!("\"{letter}{n}\"")).collect::<Vec<_>>().join(", ");
    text += &format!("[[permission]]\nresources = [{}]\nactions = [{}]\n", names('r'), names('a'));
    text += "[[role]]\ncode_name = \"boss\"\nname = \"Boss\"\npermissions = [\"*:all\"]\n";
    let mut last = (0, 0);
    apply(&place.ctx(), &[file("s.toml", &text)], false, &mut |done, total| last = (done, total)).unwrap();
    assert_eq!(place.number("SELECT COUNT(*) FROM permissions"), 90_300);
    assert_eq!(last, (601 + 90_300 + 1 + 300, 601 + 90_300 + 1 + 300));
    assert_eq!(lines(&load(&place, &text, true).unwrap()), [""; 0]);
}

#[test]
fn lists_that_multiply_beyond_measure_are_refused() {
    let place = Place::new();
    let many = |letter: char| (0..1500).map(|n| format!("\"{letter}{n}\"")).collect::<Vec<_>>().join(", ");
    let text = format!("[[permission]]\nresources = [{}]\nactions = [{}]\n", many('r'), many('a'));
    let found = faults(plan(&place.ctx(), &[file("s.toml", &text)], false));
    assert!(found.contains(&"s.toml:2: more than 1000000 permissions in all".to_owned()), "{:?}", &found[..3]);
    assert_eq!(found.last().unwrap(), ": and 2001 more");
}

/// D-7: a file cannot rename `all` either.
#[test]
fn all_keeps_its_name() {
    let place = Place::new();
    load_once(&place.ctx()).unwrap();
    let renamed = faults(load(&place, "[[action]]\ncode_name = \"all\"\nname = \"Nothing\"", false));
    assert_eq!(renamed, ["s.toml:2: the action all is built in and keeps its name \"All\""]);
}
