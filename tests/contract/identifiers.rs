//! E-mail, phone and username share one namespace (D-15).

use authsrv::domain::error::{Conflict, Entity, Error};
use authsrv::domain::users::NewUser;

use super::{at, email, person, phone, store, username};

#[test]
fn an_identifier_that_anybody_has_in_any_column_is_taken() {
    let (_folder, store) = store();
    let ann = NewUser { phone: phone("+7 123 456-78-90"), username: username("Ann  A"), ..person("Ann@Example.com") };
    let ann = store.write(|tx| tx.insert_user(&ann, None, at(0))).unwrap();
    let taken = |new: NewUser| store.read(|tx| tx.taken_identifier(&new, None)).unwrap();
    let named = |name: &str| NewUser { username: username(name), ..NewUser::default() };
    assert_eq!(taken(person("ann@example.COM")), Some("email"));
    assert_eq!(taken(NewUser { phone: phone("+71234567890"), ..NewUser::default() }), Some("phone"));
    assert_eq!(taken(named("ANN a")), Some("username"));
    assert_eq!(taken(named("ANN@example.com")), Some("username"));
    assert_eq!(taken(named("+7 (123) 456 78 90")), Some("username"));
    assert_eq!(taken(NewUser { username: username("ann a"), ..person("new@example.com") }), Some("username"));
    assert_eq!(taken(named("Ann B")), None);
    let own = NewUser { username: username("ann@example.com"), ..person("ann@example.com") };
    assert_eq!(store.read(|tx| tx.taken_identifier(&own, Some(ann))).unwrap(), None);
}

#[test]
fn a_username_that_is_an_address_keeps_others_from_the_address() {
    let (_folder, store) = store();
    let bob = NewUser { username: username("bob@example.com"), is_active: true, ..NewUser::default() };
    store.write(|tx| tx.insert_user(&bob, None, at(0))).unwrap();
    assert_eq!(store.read(|tx| tx.taken_identifier(&person("BOB@example.com"), None)).unwrap(), Some("email"));
}

#[test]
fn an_account_is_found_by_each_of_its_identifiers() {
    let (_folder, store) = store();
    let ann = NewUser { phone: phone("+71234567890"), username: username("Анна"), ..person("ann@example.com") };
    let ann = store.write(|tx| tx.insert_user(&ann, None, at(0))).unwrap();
    for key in ["ann@example.com", "+71234567890", "анна"] {
        assert_eq!(store.read(|tx| tx.user_by_keys(&[key])).unwrap().unwrap().id, ann, "{key}");
    }
    assert!(store.read(|tx| tx.user_by_keys(&[])).unwrap().is_none());
    assert!(store.read(|tx| tx.user_by_keys(&["ann", "Ann@example.com", ""])).unwrap().is_none());
}

#[test]
fn the_same_identifier_twice_is_a_conflict_and_names_its_field() {
    let (_folder, store) = store();
    let ann = NewUser { phone: phone("+71234567890"), username: username("ann"), ..person("ann@example.com") };
    store.write(|tx| tx.insert_user(&ann, None, at(0))).unwrap();
    let cases = [
        ("email", person("ANN@example.com")),
        ("phone", NewUser { phone: phone("+71234567890"), ..NewUser::default() }),
        ("username", NewUser { username: username("Ann"), ..NewUser::default() }),
    ];
    for (field, new) in cases {
        let refused = store.write(|tx| tx.insert_user(&new, None, at(0)));
        let Err(Error::Conflict(Conflict::Taken(Entity::User, taken))) = refused else { panic!("{refused:?}") };
        assert_eq!(taken, field);
    }
    assert_eq!(super::users(&*store), 1);
}

#[test]
fn an_account_without_any_identifier_is_refused() {
    let (_folder, store) = store();
    assert!(store.write(|tx| tx.insert_user(&NewUser::default(), None, at(0))).is_err());
}

#[test]
fn every_column_comes_back_as_it_went_in() {
    let (_folder, store) = store();
    let new = NewUser {
        email: email("Ann.O'Hara@Bücher.example"),
        phone: phone("+71234567890"),
        username: username("Анна Ivanova"),
        first_name: "Анна".to_owned(),
        last_name: "O'Hara\"; DROP TABLE users".to_owned(),
        middle_name: Some(String::new()),
        is_active: true,
        pending: Some(authsrv::domain::users::Pending::Address),
        is_staff: true,
        is_superuser: true,
        force_logout_at: Some(at(7)),
    };
    let id = store.write(|tx| tx.insert_user(&new, Some("hash"), at(5))).unwrap();
    let mut user = store.read(|tx| tx.user(id)).unwrap().unwrap();
    assert_eq!(NewUser::of(&user), new);
    assert_eq!((user.date_joined, user.updated_at, user.last_login), (at(5), at(5), None));
    user.email = None;
    user.middle_name = None;
    user.last_login = Some(at(9));
    user.updated_at = at(10);
    user.force_logout_at = None;
    user.pending = None;
    store.write(|tx| tx.update_user(&user)).unwrap();
    assert_eq!(store.read(|tx| tx.user(id)).unwrap().unwrap(), user);
    assert_eq!(store.read(|tx| tx.password_hash(id)).unwrap().as_deref(), Some("hash"));
}
