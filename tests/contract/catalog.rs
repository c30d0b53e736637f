//! Roles, resources, actions, permissions: links, cascades, conflicts.

use authsrv::domain::catalog::{CodeName, Kind, NamedPatch, NewNamed};
use authsrv::domain::error::{Conflict, Entity, Error};
use authsrv::domain::ids::{ActionId, PermissionId, ResourceId, RoleId, UserId};
use authsrv::domain::pages::Listing;
use authsrv::domain::rights::Right;
use authsrv::store::{Store, Tx};

use super::{add_user, all, store};

fn new(code: &str) -> NewNamed {
    let name = format!("The {code}");
    NewNamed { name, code_name: CodeName::parse(code).unwrap(), description: Some("d".to_owned()) }
}

struct Shop {
    user: UserId,
    role: RoleId,
    resource: ResourceId,
    action: ActionId,
    permission: PermissionId,
}

/// A user with the role `clerk`, which allows `orders:read`.
fn shop(tx: &dyn Tx) -> Shop {
    let user = add_user(tx, "a@example.com");
    let role = RoleId(tx.insert_named(Kind::Role, &new("clerk")).unwrap());
    let resource = ResourceId(tx.insert_named(Kind::Resource, &new("orders")).unwrap());
    let action = ActionId(tx.insert_named(Kind::Action, &new("read")).unwrap());
    let permission = tx.insert_permission(resource, action).unwrap();
    assert!(tx.allow(role, permission).unwrap());
    assert!(tx.grant(user, role).unwrap());
    Shop { user, role, resource, action, permission }
}

fn rights(store: &dyn Store, user: UserId) -> Vec<String> {
    store.read(|tx| tx.rights_of_user(user)).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn links_say_whether_they_are_new() {
    let (_folder, store) = store();
    let shop = store.write(|tx| Ok(shop(tx))).unwrap();
    assert_eq!(rights(&*store, shop.user), ["orders:read"]);
    store
        .write(|tx| {
            assert!(!tx.allow(shop.role, shop.permission)? && !tx.grant(shop.user, shop.role)?);
            assert!(tx.deny(shop.role, shop.permission)? && !tx.deny(shop.role, shop.permission)?);
            assert!(tx.revoke(shop.user, shop.role)? && !tx.revoke(shop.user, shop.role)?);
            Ok(())
        })
        .unwrap();
    assert!(rights(&*store, shop.user).is_empty());
}

#[test]
fn deleting_one_end_deletes_the_links() {
    for end in ["user", "role", "resource", "action", "permission"] {
        let (_folder, store) = store();
        let shop = store.write(|tx| Ok(shop(tx))).unwrap();
        let gone = store.write(|tx| match end {
            "user" => tx.delete_user(shop.user),
            "role" => tx.delete_named(Kind::Role, shop.role.0),
            "resource" => tx.delete_named(Kind::Resource, shop.resource.0),
            "action" => tx.delete_named(Kind::Action, shop.action.0),
            _ => tx.delete_permission(shop.permission),
        });
        assert!(gone.unwrap(), "{end}");
        assert!(rights(&*store, shop.user).is_empty(), "{end}");
        store
            .read(|tx| {
                let permission = tx.permission(shop.permission)?;
                assert_eq!(permission.is_none(), matches!(end, "resource" | "action" | "permission"), "{end}");
                assert_eq!(tx.permissions_of_role(shop.role)?.len(), usize::from(end == "user"), "{end}");
                assert_eq!(tx.count_members(shop.role)?, u64::from(!matches!(end, "user" | "role")), "{end}");
                assert_eq!(tx.roles_of_users(&[shop.user])?.len(), usize::from(!matches!(end, "user" | "role")));
                assert_eq!(tx.quick_check()?, Vec::<String>::new());
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn links_to_nothing_are_refused() {
    let (_folder, store) = store();
    let shop = store.write(|tx| Ok(shop(tx))).unwrap();
    assert!(store.write(|tx| tx.grant(UserId(999), shop.role)).is_err());
    assert!(store.write(|tx| tx.grant(shop.user, RoleId(999))).is_err());
    assert!(store.write(|tx| tx.allow(shop.role, PermissionId(999))).is_err());
    assert!(store.write(|tx| tx.insert_permission(ResourceId(999), shop.action)).is_err());
}

#[test]
fn names_and_code_names_are_unique_in_their_list_only() {
    let (_folder, store) = store();
    for kind in [Kind::Role, Kind::Resource, Kind::Action] {
        let id = store.write(|tx| tx.insert_named(kind, &new("one"))).unwrap();
        let taken = |new: NewNamed| match store.write(|tx| tx.insert_named(kind, &new)) {
            Err(Error::Conflict(Conflict::Taken(entity, field))) if entity == kind.entity() => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(taken(NewNamed { name: "Other".to_owned(), ..new("one") }), "code_name");
        assert_eq!(taken(NewNamed { name: "The one".to_owned(), ..new("two") }), "name");
        let patch = NamedPatch { description: Some(None), ..NamedPatch::default() };
        assert!(store.write(|tx| tx.update_named(kind, id, &patch)).unwrap());
        assert!(!store.write(|tx| tx.update_named(kind, 999, &patch)).unwrap());
        let now = store.read(|tx| tx.named(kind, id)).unwrap().unwrap();
        assert_eq!((now.name.as_str(), now.code_name.as_str(), now.description), ("The one", "one", None));
    }
}

#[test]
fn a_pair_is_one_permission() {
    let (_folder, store) = store();
    let shop = store.write(|tx| Ok(shop(tx))).unwrap();
    let refused = store.write(|tx| tx.insert_permission(shop.resource, shop.action));
    assert!(matches!(refused, Err(Error::Conflict(Conflict::Taken(Entity::Permission, _)))), "{refused:?}");
    let right = Right::new("orders", "read");
    assert_eq!(store.read(|tx| tx.permission_by_right(&right)).unwrap().unwrap().id, shop.permission);
    assert!(store.read(|tx| tx.permission_by_right(&Right::new("orders", "READ"))).unwrap().is_none());
}

/// what people search for is a text and never a pattern.
#[test]
fn searching_finds_parts_whatever_their_case_and_no_patterns() {
    let (_folder, store) = store();
    let named = |code: &str, name: &str| NewNamed { name: name.to_owned(), ..new(code) };
    store
        .write(|tx| {
            tx.insert_named(Kind::Role, &named("admin", "Администратор"))?;
            tx.insert_named(Kind::Role, &named("half", "50% off_it \\ \"so\""))?;
            tx.insert_named(Kind::Role, &named("other", "Other"))
        })
        .unwrap();
    let found = |words: &[&str]| -> Vec<String> {
        let listing = Listing { search: words.iter().map(|word| (*word).to_owned()).collect(), ..all() };
        let (items, total) =
            store.read(|tx| Ok((tx.list_named(Kind::Role, &listing)?, tx.count_named(Kind::Role, &listing)?))).unwrap();
        assert_eq!(items.len() as u64, total);
        items.into_iter().map(|item| item.code_name).collect()
    };
    assert_eq!(found(&["ADM"]), ["admin"]);
    assert_eq!(found(&["Админ"]), ["admin"]);
    assert_eq!(found(&["админ"]), ["admin"]);
    assert_eq!(found(&["АДМИН"]), ["admin"]);
    assert_eq!(found(&["0%"]), ["half"]);
    assert_eq!(found(&["%"]), ["half"]);
    assert_eq!(found(&["f_i"]), ["half"]);
    assert_eq!(found(&["\\"]), ["half"]);
    assert_eq!(found(&["\"so\""]), ["half"]);
    assert_eq!(found(&["a%n"]), Vec::<String>::new());
    assert_eq!(found(&["other", "OTH"]), ["other"]);
    assert_eq!(found(&["other", "adm"]), Vec::<String>::new());
    assert_eq!(found(&["' OR 1=1 --"]), Vec::<String>::new());
    assert_eq!(found(&["a\0b"]), Vec::<String>::new());
}

#[test]
fn permissions_are_found_by_both_sides_together() {
    let (_folder, store) = store();
    store.write(|tx| Ok(shop(tx))).unwrap();
    for (word, hits) in [("orders:read", 1), ("ers:re", 1), ("READ", 1), ("orders:delete", 0)] {
        let listing = Listing { search: vec![word.to_owned()], ..all() };
        let found = store.read(|tx| Ok((tx.list_permissions(&listing)?, tx.count_permissions(&listing)?))).unwrap();
        assert_eq!((found.0.len(), found.1), (hits, hits as u64), "{word}");
    }
}
