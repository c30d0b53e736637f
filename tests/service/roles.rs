//! Roles, resources, actions and permissions: nobody gives what he does not hold, `all` is built in.

use authsrv::domain::catalog::{CodeName, DESCRIPTION_MAX, Kind, NAME_MAX, NamedPatch, NewNamed};
use authsrv::domain::error::{Conflict, Entity, Error, Refusal, Result};
use authsrv::domain::ids::{PermissionId, RoleId};
use authsrv::domain::rights::{Right, action, resource};
use authsrv::service::{Actor, Ensured, Ref, catalog, permissions, roles};

use super::common::{code, column, holder, invalid, new_named, number, refusal, right, role};
use crate::support::{TestApp, operator};

fn id(app: &TestApp, kind: Kind, name: &str) -> i64 {
    app.operate(|ctx| catalog::find(ctx, kind, &code(name))).unwrap().id
}

fn role_id(app: &TestApp, name: &str) -> RoleId {
    RoleId(id(app, Kind::Role, name))
}

fn permission_id(app: &TestApp, text: &str) -> PermissionId {
    let right = Right::parse(text).unwrap();
    app.env.store.read(|tx| tx.permission_by_right(&right)).unwrap().unwrap().id
}

fn renamed(name: &str) -> NamedPatch {
    NamedPatch { code_name: Some(CodeName::parse(name).unwrap()), ..NamedPatch::default() }
}

fn beyond<T>(result: Result<T>) -> String {
    match refusal(result) {
        Refusal::Beyond(right) => right.to_string(),
        other => panic!("{other:?}"),
    }
}

/// a role gets no right that its maker lacks, in whichever way.
#[test]
fn no_role_gets_more_than_its_maker_has() {
    let app = TestApp::new();
    let (_, maker) = holder(
        &app,
        "maker",
        &["roles:read", "roles:create", "roles:update", "permissions:create", "projects:read", "documents:all"],
    );
    role(&app, "clerk", &["projects:read"]);
    let clerk = role_id(&app, "clerk");
    let make = |name: &str, rights: &[&str]| {
        let rights: Vec<_> = rights.iter().map(|text| right(text)).collect();
        app.call(&maker, |ctx| roles::create(ctx, new_named(name), &rights))
    };
    let allow = |text: &str| app.call(&maker, |ctx| roles::allow(ctx, clerk, &[right(text)]));
    for text in ["projects:update", "projects:all", "users:read", "tokens:delete"] {
        assert_eq!(beyond(make("new", &["projects:read", text])), text);
        assert_eq!(beyond(allow(text)), text);
        let set = [right("projects:read"), right(text)];
        let update = app.call(&maker, |ctx| roles::update(ctx, clerk, NamedPatch::default(), Some(&set)));
        assert_eq!(beyond(update), text);
        let by_id = permissions::PermissionRef::Id(permission_id(&app, text).0);
        assert_eq!(beyond(app.call(&maker, |ctx| roles::allow(ctx, clerk, &[by_id]))), text);
        let ensured = app.call(&maker, |ctx| roles::ensure(ctx, new_named("new"), &[right(text)]));
        assert_eq!(beyond(ensured), text);
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM roles WHERE code_name = 'new'"), 0);
    make("new", &["projects:read", "documents:all", "documents:export"]).unwrap();
    assert!(allow("documents:delete").unwrap()[0].1);
    assert!(!allow("documents:delete").unwrap()[0].1);
}

/// nor does anybody get a role whose rights the giver lacks.
#[test]
fn nobody_gives_a_role_that_gives_more_than_he_has() {
    let app = TestApp::new();
    let (_, giver) = holder(&app, "giver", &["users:update", "projects:all"]);
    role(&app, "small", &["projects:read", "projects:export"]);
    role(&app, "big", &["projects:read", "documents:read"]);
    let ann = app.user("ann@example.com", &[]);
    let grant = |name: &str| app.call(&giver, |ctx| roles::grant(ctx, ann, &code(name)));
    assert!(grant("small").unwrap().1);
    assert!(!grant("small").unwrap().1);
    assert_eq!(beyond(grant("big")), "documents:read");
    assert!(matches!(refusal(grant("admin")), Refusal::Beyond(_)));
    assert!(matches!(grant("nosuch"), Err(Error::NotFound(Entity::Role))));
    app.operate(|ctx| roles::grant(ctx, ann, &code("big"))).unwrap();
    let revoke = |name: &str| app.call(&giver, |ctx| roles::revoke(ctx, ann, &code(name)));
    assert_eq!(beyond(revoke("small")), "documents:read", "she holds more than he does by now");
    app.operate(|ctx| roles::revoke(ctx, ann, &code("big"))).unwrap();
    assert!(revoke("small").unwrap().1);
    assert!(!revoke("small").unwrap().1);
    let root = app.superuser("root@example.com");
    let refused = app.call(&giver, |ctx| roles::grant(ctx, root, &code("small")));
    assert_eq!(refusal(refused), Refusal::SuperuserOnly);
}

/// a permission is made, or turned into another, only by whoever holds both.
#[test]
fn permissions_are_bounded() {
    let app = TestApp::new();
    let (_, maker) = holder(
        &app,
        "maker",
        &["permissions:create", "permissions:update", "roles:update", "projects:all", "documents:read"],
    );
    app.operate(|ctx| catalog::create(ctx, Kind::Action, new_named("sign"))).unwrap();
    let make =
        |resource: &str, action: &str| app.call(&maker, |ctx| permissions::create(ctx, &code(resource), &code(action)));
    assert_eq!(beyond(make("documents", "sign")), "documents:sign");
    assert!(make("projects", "sign").is_ok());
    assert!(matches!(make("projects", "sign"), Err(Error::Conflict(Conflict::Taken(Entity::Permission, _)))));
    assert_eq!(invalid(make("nosuch", "sign"))[0].0, "resource");
    assert_eq!(invalid(make("projects", "nosuch"))[0].0, "action");
    // A pair that is no permission yet is made one inside a role, within the same bounds.
    let clerk = role_id(&app, "viewer");
    let allow = app.call(&maker, |ctx| roles::allow(ctx, clerk, &[right("documents:sign")]));
    assert_eq!(beyond(allow), "documents:sign");
    let turn = |from: &str, to: (&str, &str)| {
        let which = permission_id(&app, from);
        let (resource, action) = (code(to.0), code(to.1));
        app.call(&maker, |ctx| permissions::update(ctx, which, Some(&resource), Some(&action)))
    };
    assert_eq!(beyond(turn("projects:sign", ("documents", "sign"))), "documents:sign");
    assert_eq!(beyond(turn("documents:update", ("projects", "sign"))), "documents:update");
    assert!(matches!(turn("documents:read", ("projects", "sign")), Err(Error::Conflict(_))));
    assert!(turn("projects:sign", ("projects", "sign")).is_ok(), "the same is no change");
}

/// whoever renames a thing renames the rights on it; he must hold them under both names.
#[test]
fn renaming_is_no_way_to_rights() {
    let app = TestApp::new();
    let (_, actor) = holder(
        &app,
        "namer",
        &["resources:update", "resources:delete", "actions:update", "actions:delete", "roles:update", "projects:all"],
    );
    let rename = |actor: &Actor, kind, from: &str, to: &str| {
        let id = id(&app, kind, from);
        app.call(actor, |ctx| catalog::update(ctx, kind, id, renamed(to)))
    };
    assert!(beyond(rename(&actor, Kind::Resource, "documents", "papers")).starts_with("documents:"));
    let documents = || id(&app, Kind::Resource, "documents");
    assert!(
        beyond(app.call(&actor, |ctx| catalog::delete(ctx, Kind::Resource, documents()))).starts_with("documents:")
    );
    // The name of what is gone is no prize for what he holds.
    app.operate(|ctx| catalog::delete(ctx, Kind::Resource, documents())).unwrap();
    assert!(beyond(rename(&actor, Kind::Resource, "projects", "documents")).starts_with("documents:"));
    app.operate(|ctx| catalog::create(ctx, Kind::Resource, new_named("documents"))).unwrap();
    app.operate(|ctx| permissions::create(ctx, &code("documents"), &code("approve"))).unwrap();
    assert_eq!(beyond(rename(&actor, Kind::Action, "approve", "accept")), "documents:approve");
    assert!(rename(&actor, Kind::Action, "export", "take").is_ok(), "all on projects covers any name");
    let viewer = role_id(&app, "viewer");
    let role = app.call(&actor, |ctx| roles::update(ctx, viewer, renamed("looker"), None));
    assert!(matches!(refusal(role), Refusal::Beyond(_)));
    assert!(rename(&operator(), Kind::Resource, "projects", "works").is_ok());
    let name = NamedPatch { name: Some("Anything".to_owned()), ..NamedPatch::default() };
    let users = id(&app, Kind::Resource, "users");
    assert!(app.call(&actor, |ctx| catalog::update(ctx, Kind::Resource, users, name)).is_ok(), "names are for people");
}

/// D-7, D-9, R-37.
#[test]
fn what_the_server_asks_for_by_name_stays() {
    let app = TestApp::new();
    let all = resource::GUARDED.map(|name| (Kind::Resource, name)).into_iter();
    for (kind, name) in all.chain(action::BUILT_IN.map(|name| (Kind::Action, name))) {
        let id = id(&app, kind, name);
        let built_in = |result: Result<()>| {
            assert!(
                matches!(result, Err(Error::Conflict(Conflict::BuiltIn(entity))) if entity == kind.entity()),
                "{name}"
            );
        };
        built_in(app.operate(|ctx| catalog::delete(ctx, kind, id)));
        built_in(app.operate(|ctx| catalog::update(ctx, kind, id, renamed("other"))).map(drop));
        app.operate(|ctx| catalog::update(ctx, kind, id, renamed(name))).unwrap();
    }
}

/// D-7: `all` is never renamed, by any of its names; what it means may be told in other words.
#[test]
fn all_keeps_its_name() {
    let app = TestApp::new();
    let all = id(&app, Kind::Action, "all");
    let change = |patch| app.operate(|ctx| catalog::update(ctx, Kind::Action, all, patch));
    let renamed = change(NamedPatch { name: Some("Nothing".to_owned()), ..NamedPatch::default() });
    assert!(matches!(renamed, Err(Error::Conflict(Conflict::BuiltIn(Entity::Action)))), "{renamed:?}");
    let described = NamedPatch { description: Some(Some("Everything.".to_owned())), ..NamedPatch::default() };
    assert_eq!(change(described).unwrap().description.as_deref(), Some("Everything."));
}

/// there is no second `all`, nor one that looks like it.
#[test]
fn all_is_made_by_nobody() {
    let app = TestApp::new();
    let make = |name: &str| app.operate(|ctx| catalog::create(ctx, Kind::Action, new_named(name)));
    let reserved = [("code_name".to_owned(), "reserved")];
    assert_eq!(invalid(make("all")), reserved);
    let approve = id(&app, Kind::Action, "approve");
    assert_eq!(invalid(app.operate(|ctx| catalog::update(ctx, Kind::Action, approve, renamed("all")))), reserved);
    assert_eq!(invalid(app.operate(|ctx| catalog::ensure(ctx, Kind::Action, new_named("all")))), reserved);
    for alike in
        ["ALL", "All", "аll", "ａｌｌ", "al\u{200b}l", "a\u{301}ll", "all\0", "аӏӏ", "a l l", "*", "", "1all", "-all"]
    {
        assert!(CodeName::parse(alike).is_err(), "{alike:?}");
    }
    assert_eq!(CodeName::parse(" all ").unwrap().as_str(), "all");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM actions WHERE code_name LIKE '%all%'"), 1);
}

#[test]
fn names_are_unique_and_not_empty() {
    let app = TestApp::new();
    for kind in [Kind::Role, Kind::Resource, Kind::Action] {
        app.operate(|ctx| match kind {
            Kind::Role => roles::create(ctx, new_named("one"), &[]).map(drop),
            _ => catalog::create(ctx, kind, new_named("one")).map(drop),
        })
        .unwrap();
        let make = |name: &str, code: &str| {
            let new = NewNamed { name: name.to_owned(), ..new_named(code) };
            app.operate(|ctx| match kind {
                Kind::Role => roles::create(ctx, new, &[]).map(drop),
                _ => catalog::create(ctx, kind, new).map(drop),
            })
        };
        assert!(matches!(make("Other", "one"), Err(Error::Conflict(Conflict::Taken(_, "code_name")))));
        assert!(matches!(make("one", "two"), Err(Error::Conflict(Conflict::Taken(_, "name")))));
        assert_eq!(invalid(make(" ", "two")), [("name".to_owned(), "blank")]);
    }
}

#[test]
fn ensuring_twice_is_doing_it_once() {
    let app = TestApp::new();
    let ensure = |rights: &[&str]| {
        let rights: Vec<_> = rights.iter().map(|text| right(text)).collect();
        app.operate(|ctx| roles::ensure(ctx, new_named("clerk"), &rights))
    };
    assert!(matches!(ensure(&["projects:read"]).unwrap(), Ensured::Created(_)));
    let events = number(&app, "SELECT COUNT(*) FROM audit");
    assert!(matches!(ensure(&["projects:read"]).unwrap(), Ensured::Unchanged(_)));
    let differs = |ensured| match ensured {
        Ok(Ensured::Differs(_, fields)) => fields,
        other => panic!("{other:?}"),
    };
    assert_eq!(differs(ensure(&["projects:read", "documents:read", "documents:publish"])), ["permissions"]);
    let resource = |name: &str| app.operate(|ctx| catalog::ensure(ctx, Kind::Resource, new_named(name)));
    assert!(matches!(resource("orders").unwrap(), Ensured::Created(_)));
    assert!(matches!(resource("orders").unwrap(), Ensured::Unchanged(_)));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit"), events + 1);
}

#[test]
fn a_wrong_permission_changes_nothing_of_the_rest() {
    let app = TestApp::new();
    let viewer = role_id(&app, "viewer");
    let before = column(&app, "SELECT permission_id || '' FROM role_permissions ORDER BY 1");
    for bad in [right("projects:nosuch"), right("nosuch:read"), permissions::PermissionRef::Id(99_999)] {
        let which = [right("projects:update"), bad.clone()];
        let results = [
            app.operate(|ctx| roles::allow(ctx, viewer, &which)).map(drop),
            app.operate(|ctx| roles::update(ctx, viewer, NamedPatch::default(), Some(&which))).map(drop),
            app.operate(|ctx| roles::create(ctx, new_named("new"), &which)).map(drop),
        ];
        for result in results {
            assert_eq!(invalid(result), [("permissions".to_owned(), "does_not_exist")]);
        }
        match (bad, app.operate(|ctx| roles::deny(ctx, viewer, &which))) {
            (permissions::PermissionRef::Id(_), result) => {
                assert!(matches!(result, Err(Error::NotFound(Entity::Permission))), "{result:?}");
            }
            (_, result) => assert_eq!(invalid(result), [("permissions".to_owned(), "does_not_exist")]),
        }
    }
    assert_eq!(column(&app, "SELECT permission_id || '' FROM role_permissions ORDER BY 1"), before);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM roles"), 3);
}

/// taking a right away is felt by the next call of whoever had it.
#[test]
fn a_role_that_changes_changes_its_holders_at_once() {
    let app = TestApp::new();
    app.user("ann@example.com", &["viewer"]);
    let pair = app.sign_in("ann@example.com");
    let sees = || app.with_token(&pair.access, |ctx| catalog::get(ctx, Kind::Resource, 1)).is_ok();
    let viewer = role_id(&app, "viewer");
    assert!(sees());
    app.operate(|ctx| roles::deny(ctx, viewer, &[right("resources:read")])).unwrap();
    assert!(!sees());
    app.operate(|ctx| roles::allow(ctx, viewer, &[right("resources:all")])).unwrap();
    assert!(sees());
    app.operate(|ctx| permissions::delete(ctx, permission_id(&app, "resources:all"))).unwrap();
    assert!(!sees());
    app.operate(|ctx| roles::allow(ctx, viewer, &[right("resources:read")])).unwrap();
    assert!(sees());
    app.operate(|ctx| roles::delete(ctx, viewer)).unwrap();
    assert!(!sees());
    assert!(matches!(app.operate(|ctx| roles::get(ctx, viewer)), Err(Error::NotFound(Entity::Role))));
    assert!(matches!(app.operate(|ctx| catalog::find(ctx, Kind::Role, &Ref::Id(viewer.0))), Err(Error::NotFound(_))));
}

#[test]
fn names_and_descriptions_have_an_end() {
    let app = TestApp::new();
    let (name, description) = ("n".repeat(NAME_MAX + 1), "d".repeat(DESCRIPTION_MAX + 1));
    let new = NewNamed { name, description: Some(description.clone()), ..new_named("long") };
    let both = [("name".to_owned(), "max_length"), ("description".to_owned(), "max_length")];
    assert_eq!(invalid(app.operate(|ctx| roles::create(ctx, new.clone(), &[]))), both);
    assert_eq!(invalid(app.operate(|ctx| catalog::create(ctx, Kind::Resource, new))), both);
    let id = app.operate(|ctx| catalog::create(ctx, Kind::Resource, new_named("short"))).unwrap().id;
    let patch = NamedPatch { description: Some(Some(description)), ..NamedPatch::default() };
    let changed = app.operate(|ctx| catalog::update(ctx, Kind::Resource, id, patch));
    assert_eq!(invalid(changed), [("description".to_owned(), "max_length")]);
}
