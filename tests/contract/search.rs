//! Searching users: any part of a word of three characters or more, the beginning of a shorter one.

use authsrv::domain::pages::Listing;
use authsrv::domain::users::NewUser;
use authsrv::store::Store;

use super::{all, at, person, phone, store, username};

fn found(store: &dyn Store, words: &[&str]) -> Vec<String> {
    let listing = Listing { search: words.iter().map(|word| (*word).to_owned()).collect(), ..all() };
    let (users, total) = store.read(|tx| Ok((tx.list_users(&listing)?, tx.count_users(&listing)?))).unwrap();
    assert_eq!(users.len() as u64, total, "{words:?}");
    users.iter().map(|user| user.label().to_owned()).collect()
}

fn filled() -> (tempfile::TempDir, Box<dyn Store>) {
    let (folder, store) = store();
    let people = [
        NewUser {
            first_name: "Анна".to_owned(),
            last_name: "Иванова".to_owned(),
            middle_name: Some("Петровна".to_owned()),
            ..person("ann@example.com")
        },
        NewUser {
            phone: phone("+71234567890"),
            username: username("Bob_100%"),
            first_name: "Bob".to_owned(),
            last_name: "O\"Hara*".to_owned(),
            ..person("bob@example.org")
        },
        NewUser { first_name: "NEAR".to_owned(), last_name: "AND OR NOT".to_owned(), ..person("near@example.net") },
    ];
    store.write(|tx| people.iter().try_for_each(|new| tx.insert_user(new, None, at(0)).map(drop))).unwrap();
    (folder, store)
}

#[test]
fn parts_of_three_characters_are_found_anywhere_and_without_case() {
    let (_folder, store) = filled();
    for (words, hits) in [
        (&["nn@exa"][..], &["ann@example.com"][..]),
        (&["NN@EXA"], &["ann@example.com"]),
        (&["ван"], &["ann@example.com"]),
        (&["ИВАНО"], &["ann@example.com"]),
        (&["етровн"], &["ann@example.com"]),
        (&["23456"], &["bob@example.org"]),
        (&["example"], &["ann@example.com", "bob@example.org", "near@example.net"]),
        (&["example", "ванов"], &["ann@example.com"]),
        (&["bob", "ванов"], &[]),
        (&["nosuch"], &[]),
        (&["ann@example.com"], &["ann@example.com"]),
        (&["Ann@Exam", "ванов"], &["ann@example.com"]),
        (&["ear@example.net", "AND OR"], &["near@example.net"]),
        (&["ann@example.org"], &[]),
        (&["bob@bob"], &[]),
        (&["bob@"], &["bob@example.org"]),
    ] {
        assert_eq!(found(&*store, words), hits, "{words:?}");
    }
}

#[test]
fn shorter_words_are_found_at_the_beginning() {
    let (_folder, store) = filled();
    for (word, hits) in [
        ("an", &["ann@example.com", "near@example.net"][..]), // His last name begins with "AND".
        ("AN", &["ann@example.com", "near@example.net"]),
        ("b", &["bob@example.org"]),
        ("+7", &["bob@example.org"]),
        ("Ан", &["ann@example.com"]),
        ("ан", &["ann@example.com"]),
        ("АН", &["ann@example.com"]),
        ("и", &["ann@example.com"]),
        ("ob", &[]),
        ("zz", &[]),
    ] {
        assert_eq!(found(&*store, &[word]), hits, "{word:?}");
    }
}

/// nothing that people type is syntax.
#[test]
fn syntax_is_inert() {
    let (_folder, store) = filled();
    for (word, hits) in [
        ("O\"Hara*", &["bob@example.org"][..]),
        ("O\"H", &["bob@example.org"]),
        ("100%", &["bob@example.org"]),
        ("b_1", &["bob@example.org"]),
        ("ra*", &["bob@example.org"]),
        ("AND", &["near@example.net"]),
        ("AND OR NOT", &["near@example.net"]),
        ("exa%", &[]),
        ("exa*", &[]),
        ("b%1", &[]),
        ("___", &[]),
        ("%%%", &[]),
        ("\"\"\"", &[]),
        ("***", &[]),
        ("email:bob", &[]),
        ("{email} : bob", &[]),
        ("NEAR(bob bob)", &[]),
        ("bob OR ann", &[]),
        ("-bob", &[]),
        ("^bob", &[]),
        ("bob)", &[]),
        ("' OR 1=1 --", &[]),
        ("\\\\\\", &[]),
        ("%", &[]),
        ("_", &[]),
        ("\"", &[]),
        ("*", &[]),
        ("'", &[]),
        ("\0", &[]),
        ("bo\0", &[]),
        ("bob\0", &[]),
        ("\0bob", &[]),
        ("bob\0\" OR bob", &[]),
        ("🦀🦀🦀", &[]),
        ("\u{10ffff}", &[]),
    ] {
        assert_eq!(found(&*store, &[word]), hits, "{word:?}");
    }
    assert!(found(&*store, &[&"x".repeat(100_000)]).is_empty());
    assert!(found(&*store, &[&format!("bob@{}", "x".repeat(100_000))]).is_empty());
    assert_eq!(found(&*store, &["bob@example%"]), Vec::<String>::new());
    assert_eq!(found(&*store, &["bob@_xample"]), Vec::<String>::new());
}

#[test]
fn the_index_follows_changes_and_deletions() {
    let (_folder, store) = filled();
    let mut ann = store.read(|tx| tx.user_by_keys(&["ann@example.com"])).unwrap().unwrap();
    ann.last_name = "Сидорова".to_owned();
    store.write(|tx| tx.update_user(&ann)).unwrap();
    assert_eq!(found(&*store, &["ванов"]), Vec::<String>::new());
    assert_eq!(found(&*store, &["сидор"]), ["ann@example.com"]);
    let dropped = store.begin(authsrv::store::Mode::Write).unwrap();
    assert!(dropped.delete_user(ann.id).unwrap());
    drop(dropped);
    assert_eq!(found(&*store, &["сидор"]), ["ann@example.com"]);
    store.write(|tx| tx.delete_user(ann.id)).unwrap();
    assert_eq!(found(&*store, &["сидор"]), Vec::<String>::new());
    assert_eq!(store.read(|tx| tx.quick_check()).unwrap(), Vec::<String>::new());
}

#[test]
fn near_misses_of_names_are_offered() {
    let (_folder, store) = filled();
    let near = |text: &str| store.read(|tx| tx.similar_identifiers(text, 10)).unwrap();
    assert_eq!(near("AN"), ["ann@example.com"]);
    assert_eq!(near("bob@exmaple.org"), ["bob@example.org", "Bob_100%"]);
    assert!(near("AMN@example.com").is_empty());
    assert!(near("zz").is_empty());
}
