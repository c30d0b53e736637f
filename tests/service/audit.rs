//! The trail: every change leaves its event in its own transaction, nothing leaves one that changes nothing, and no
//! event holds a secret (R-53, R-56).

use authsrv::domain::catalog::{CodeName, Kind, NamedPatch};
use authsrv::domain::error::Result;
use authsrv::domain::identifiers::Email;
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::{NewUser, UserPatch};
use authsrv::service::me::Names;
use authsrv::service::registration::register;
use authsrv::service::users::{AccountPatch, NewAccount};
use authsrv::service::{Actor, Ctx, catalog, login, me, permissions, roles, seed, sessions, settings, tokens, users};
use serde_json::json;

use super::common::{actor, code, column, new_named, number, right};
use super::registration::person;
use crate::support::{PASSWORD, TestApp, operator};

const OTHER: &str = "An0ther-one-of-mine";

/// Runs `deed` and gives the names of the events that it left.
fn trail(app: &TestApp, actor: &Actor, deed: impl FnOnce(&Ctx) -> Result<()>) -> Vec<String> {
    let before = number(app, "SELECT COUNT(*) FROM audit");
    app.call(actor, deed).unwrap();
    column(app, &format!("SELECT action FROM audit ORDER BY id LIMIT -1 OFFSET {before}"))
}

fn id(app: &TestApp, kind: Kind, name: &str) -> i64 {
    app.operate(|ctx| catalog::find(ctx, kind, &code(name))).unwrap().id
}

fn named(name: &str) -> NamedPatch {
    NamedPatch { name: Some(name.to_owned()), ..NamedPatch::default() }
}

fn account(patch: UserPatch) -> AccountPatch {
    AccountPatch { profile: patch, ..AccountPatch::default() }
}

#[test]
fn every_change_of_users_leaves_its_event() {
    let app = TestApp::new();
    let root = operator();
    let new = || NewAccount {
        profile: NewUser {
            email: Some(Email::parse("ann@example.com").unwrap()),
            is_active: true,
            ..NewUser::default()
        },
        password: Some(Password::parse("password", PASSWORD).unwrap()),
        roles: vec![code("viewer")],
    };
    let same = || AccountPatch {
        profile: UserPatch {
            email: Some(Some(Email::parse("ann@example.com").unwrap())),
            is_active: Some(true),
            ..UserPatch::default()
        },
        password: new().password,
        roles: Some(new().roles),
    };
    assert_eq!(trail(&app, &root, |ctx| users::create(ctx, new()).map(drop)), ["user.created", "role.granted"]);
    assert_eq!(trail(&app, &root, |ctx| users::ensure(ctx, same()).map(drop)), [""; 0]);
    let ann = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
    let update = |patch: fn() -> AccountPatch| {
        let first = trail(&app, &root, |ctx| users::update(ctx, ann, patch()).map(drop));
        let again = trail(&app, &root, |ctx| users::update(ctx, ann, patch()).map(drop));
        (first, again)
    };
    let once = |name: &str| (vec![name.to_owned()], vec![]);
    assert_eq!(
        update(|| account(UserPatch { first_name: Some("A".into()), ..UserPatch::default() })),
        once("user.updated")
    );
    assert_eq!(
        update(|| account(UserPatch { is_active: Some(false), ..UserPatch::default() })),
        once("user.deactivated")
    );
    assert_eq!(update(|| account(UserPatch { is_active: Some(true), ..UserPatch::default() })), once("user.activated"));
    assert_eq!(update(AccountPatch::default), (vec![], vec![]));
    let password = || AccountPatch { password: Password::parse("password", OTHER).ok(), ..AccountPatch::default() };
    assert_eq!(update(password).0, ["user.password_changed"]);
    let roles = || AccountPatch { roles: Some(vec![code("manager")]), ..AccountPatch::default() };
    assert_eq!(update(roles), (vec!["role.revoked".into(), "role.granted".into()], vec![]));
    let grant = || trail(&app, &root, |ctx| roles::grant(ctx, ann, &code("viewer")).map(drop));
    assert_eq!((grant(), grant()), (vec!["role.granted".to_owned()], vec![]));
    let revoke = || trail(&app, &root, |ctx| roles::revoke(ctx, ann, &code("viewer")).map(drop));
    assert_eq!((revoke(), revoke()), (vec!["role.revoked".to_owned()], vec![]));
    assert_eq!(trail(&app, &root, |ctx| users::delete(ctx, ann)), ["user.deleted"]);
}

#[test]
fn every_change_of_the_catalog_leaves_its_event() {
    let app = TestApp::new();
    let root = operator();
    let did = |deed: &dyn Fn(&Ctx) -> Result<()>| trail(&app, &root, |ctx| deed(ctx));
    for (kind, word) in [(Kind::Resource, "resource"), (Kind::Action, "action")] {
        assert_eq!(did(&|ctx| catalog::create(ctx, kind, new_named("one")).map(drop)), [format!("{word}.created")]);
        assert_eq!(did(&|ctx| catalog::ensure(ctx, kind, new_named("one")).map(drop)), [""; 0]);
        let one = id(&app, kind, "one");
        assert_eq!(did(&|ctx| catalog::update(ctx, kind, one, named("One")).map(drop)), [format!("{word}.updated")]);
        assert_eq!(did(&|ctx| catalog::update(ctx, kind, one, named("One")).map(drop)), [""; 0]);
        assert_eq!(did(&|ctx| catalog::delete(ctx, kind, one)), [format!("{word}.deleted")]);
    }
    let which = [right("projects:read")];
    assert_eq!(did(&|ctx| roles::create(ctx, new_named("r"), &which).map(drop)), ["role.created", "role.allowed"]);
    assert_eq!(did(&|ctx| roles::ensure(ctx, new_named("r"), &which).map(drop)), [""; 0]);
    let role = authsrv::domain::ids::RoleId(id(&app, Kind::Role, "r"));
    assert_eq!(did(&|ctx| roles::update(ctx, role, named("R"), None).map(drop)), ["role.updated"]);
    assert_eq!(did(&|ctx| roles::update(ctx, role, named("R"), Some(&which)).map(drop)), [""; 0]);
    let other = [right("documents:read")];
    let both = ["role.denied", "role.allowed"];
    assert_eq!(did(&|ctx| roles::update(ctx, role, named("R"), Some(&other)).map(drop)), both);
    assert_eq!(did(&|ctx| roles::allow(ctx, role, &which).map(drop)), ["role.allowed"]);
    assert_eq!(did(&|ctx| roles::allow(ctx, role, &which).map(drop)), [""; 0]);
    assert_eq!(did(&|ctx| roles::deny(ctx, role, &which).map(drop)), ["role.denied"]);
    assert_eq!(did(&|ctx| roles::deny(ctx, role, &which).map(drop)), [""; 0]);
    let sessions_export = [right("sessions:export")];
    let made = ["permission.created", "role.allowed"];
    assert_eq!(did(&|ctx| roles::allow(ctx, role, &sessions_export).map(drop)), made);
    let users_export = |ctx: &Ctx| permissions::create(ctx, &code("users"), &code("export"));
    assert_eq!(did(&|ctx| users_export(ctx).map(drop)), ["permission.created"]);
    let right = authsrv::domain::rights::Right::of("users", "export");
    let permission = app.env.store.read(|tx| tx.permission_by_right(&right)).unwrap().unwrap().id;
    let turn = |ctx: &Ctx| permissions::update(ctx, permission, None, Some(&code("approve"))).map(drop);
    assert_eq!((did(&turn), did(&turn)), (vec!["permission.updated".to_owned()], vec![]));
    assert_eq!(did(&|ctx| permissions::delete(ctx, permission)), ["permission.deleted"]);
    assert_eq!(did(&|ctx| roles::delete(ctx, role)), ["role.deleted"]);
    let grace = |ctx: &Ctx| settings::change(ctx, &[("refresh.grace".to_owned(), Some(json!(3)))]).map(drop);
    assert_eq!((did(&grace), did(&grace)), (vec!["settings.changed".to_owned()], vec![]));
}

/// R-56: the trail says what was changed, in the same words whether a door or a seed changed it.
#[test]
fn a_change_of_the_catalog_says_what_was_and_what_is() {
    let details = |app: &TestApp| {
        let last = column(app, "SELECT details FROM audit WHERE action = 'resource.updated' ORDER BY id DESC LIMIT 1");
        serde_json::from_str::<serde_json::Value>(&last[0]).unwrap()
    };
    let app = TestApp::new();
    let one = app.operate(|ctx| catalog::create(ctx, Kind::Resource, new_named("one"))).unwrap().id;
    let description = Some(Some("Text".to_owned()));
    let change = |patch: NamedPatch| app.operate(|ctx| catalog::update(ctx, Kind::Resource, one, patch)).unwrap();
    change(NamedPatch { description, ..named("One") });
    let expected = json!({
        "code_name": "one", "before": {"name": "one", "description": null},
        "after": {"name": "One", "description": "Text"},
    });
    assert_eq!(details(&app), expected);
    change(NamedPatch { code_name: Some(CodeName::parse("uno").unwrap()), ..NamedPatch::default() });
    let renamed = json!({"code_name": "uno", "before": {"code_name": "one"}, "after": {"code_name": "uno"}});
    assert_eq!(details(&app), renamed);

    let app = TestApp::new();
    app.operate(|ctx| catalog::create(ctx, Kind::Resource, new_named("one"))).unwrap();
    let text = "[[resource]]\ncode_name = \"one\"\nname = \"One\"\ndescription = \"Text\"\n";
    let files = [seed::parse("s.toml", text).unwrap()];
    app.operate(|ctx| seed::apply(ctx, &files, false, &mut |_, _| ())).unwrap();
    assert_eq!(details(&app), expected);
}

#[test]
fn every_change_of_sessions_leaves_its_event() {
    let app = TestApp::new();
    let root = operator();
    let nobody = Actor::Anonymous;
    assert_eq!(
        trail(&app, &nobody, |ctx| register(ctx, person(Some("ann@example.com")), Some(Profile::Rbac)).map(drop)),
        ["user.registered"]
    );
    let enter = |ctx: &Ctx| login::login(ctx, "ann@example.com", PASSWORD, Profile::Rbac).map(drop);
    assert_eq!(trail(&app, &nobody, enter), ["login.succeeded"]);
    let pair = app.sign_in("ann@example.com");
    let exchange = |ctx: &Ctx| tokens::refresh(ctx, &pair.refresh).map(drop);
    assert_eq!(trail(&app, &nobody, exchange), ["token.refreshed"]);
    assert_eq!(trail(&app, &nobody, exchange), [""; 0], "the same answer again");
    let out = |ctx: &Ctx| login::logout_by_refresh(ctx, &pair.refresh);
    assert_eq!(trail(&app, &nobody, out), ["session.ended"]);
    let ann = actor(&app, "ann@example.com");
    assert_eq!(trail(&app, &ann, login::logout), ["session.ended"]);
    assert_eq!(trail(&app, &ann, login::logout), [""; 0]);
    let ann = actor(&app, "ann@example.com");
    let names = || Names { last_name: Some("A".to_owned()), ..Names::default() };
    assert_eq!(trail(&app, &ann, |ctx| me::rename(ctx, names()).map(drop)), ["user.updated"]);
    assert_eq!(trail(&app, &ann, |ctx| me::rename(ctx, names()).map(drop)), [""; 0]);
    let other = || Password::parse("new_password", OTHER).unwrap();
    assert_eq!(trail(&app, &ann, |ctx| me::change_password(ctx, PASSWORD, other())), ["user.password_changed"]);
    assert_eq!(trail(&app, &ann, |ctx| sessions::end_mine(ctx).map(drop)), ["sessions.ended"]);
    // R-28: there was none, and yet whoever was about to sign in has to begin again.
    assert_eq!(trail(&app, &ann, |ctx| sessions::end_mine(ctx).map(drop)), ["sessions.ended"]);
    app.user("bob@example.com", &[]);
    let session = |ctx: &Ctx| sessions::by_uuid(ctx, &column(&app, "SELECT uuid FROM sessions ORDER BY id DESC")[0]);
    app.sign_in("bob@example.com");
    let last = app.operate(session).unwrap();
    assert_eq!(trail(&app, &root, |ctx| sessions::end(ctx, last.id).map(drop)), ["session.ended"]);
    assert_eq!(trail(&app, &root, |ctx| sessions::end(ctx, last.id).map(drop)), [""; 0]);
    app.sign_in("bob@example.com");
    assert_eq!(trail(&app, &root, |ctx| sessions::end_of_user(ctx, last.user_id).map(drop)), ["sessions.ended"]);
    app.sign_in("bob@example.com");
    let jti = column(&app, "SELECT jti FROM tokens ORDER BY id DESC").remove(0);
    assert_eq!(trail(&app, &root, |ctx| tokens::revoke(ctx, &jti.to_uppercase()).map(drop)), ["session.ended"]);
    assert_eq!(trail(&app, &root, |ctx| tokens::revoke(ctx, &jti).map(drop)), [""; 0]);
    app.sign_in("bob@example.com");
    assert_eq!(trail(&app, &root, |ctx| sessions::end_everyones(ctx).map(drop)), ["sessions.ended"]);
    assert_eq!(trail(&app, &root, |ctx| sessions::end_of_user(ctx, last.user_id).map(drop)), ["sessions.ended"]);
    assert_eq!(trail(&app, &root, |ctx| sessions::end_everyones(ctx).map(drop)), ["sessions.ended"]);
    app.clock.advance(std::time::Duration::from_secs(40 * 86_400));
    assert_eq!(trail(&app, &root, |ctx| tokens::purge(ctx, &mut |_| ()).map(drop)), ["tokens.purged"]);
    assert_eq!(trail(&app, &root, |ctx| tokens::purge(ctx, &mut |_| ()).map(drop)), [""; 0]);
    // R-53: nothing that opens anything stands in the trail.
    let trail = column(
        &app,
        "SELECT actor || ' ' || action || ' ' || details || ' ' || user_agent || ' ' || COALESCE(ip_address, '') FROM audit",
    );
    let hashes = column(&app, "SELECT password FROM users");
    for secret in [PASSWORD, OTHER, "$argon2", "eyJ", &pair.access, &pair.refresh, &hashes[0]] {
        assert!(!trail.iter().any(|line| line.contains(secret)), "{secret}");
    }
    let who = column(
        &app,
        "SELECT DISTINCT actor_kind || ' ' || door || ' ' || COALESCE(ip_address, '') FROM audit
        WHERE action NOT LIKE 'key.%' AND door <> 'start' ORDER BY 1",
    );
    assert_eq!(who, ["anonymous test 192.0.2.7", "operator test 192.0.2.7", "user test 192.0.2.7"]);
}
