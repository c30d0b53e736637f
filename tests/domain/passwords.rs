//! Passwords: taken as typed, and refused for Django's reasons in Django's words (D-16, R-2, R-3).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use authsrv::domain::error::Result;
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::passwords::{Password, Person, Rules, check};
use authsrv::domain::users::NewUser;

use super::{codes, complaints, messages};

const COMMON: &str = "This password is too common.";
const NUMERIC: &str = "This password is entirely numeric.";
const SHORT: &str = "This password is too short. It must contain at least 8 characters.";

fn checked(password: &str, person: &Person<'_>) -> Result<()> {
    check("password", &Password::parse("password", password).unwrap(), Rules::for_account(false, false), person)
}

fn refused(password: &str) -> Vec<String> {
    messages(checked(password, &Person::default()))
}

#[test]
fn r2_a_password_is_taken_as_typed() {
    for text in [" pass word ", "ПарольПароль", "a", "\t\u{202e}\u{1}", "😀😀😀"] {
        assert_eq!(Password::parse("password", text).unwrap().as_str(), text);
    }
    let composed = Password::parse("password", "caf\u{e9} Å").unwrap();
    assert_eq!(composed.as_str(), Password::parse("password", "cafe\u{301} A\u{30a}").unwrap().as_str());
    // NFC, not NFKC: what only looks alike stays different.
    assert_eq!(Password::parse("password", "ﬁ①Ａ").unwrap().as_str(), "ﬁ①Ａ");
}

#[test]
fn r2_128_code_points_are_allowed_and_129_are_not() {
    for unit in ["a", "é", "漢", "😀", "e\u{301}", "\u{1112}\u{1161}\u{11ab}"] {
        assert_eq!(Password::parse("password", &unit.repeat(128)).unwrap().as_str().chars().count(), 128, "{unit}");
        let outcome = Password::parse("password", &unit.repeat(129));
        assert_eq!(messages(outcome), ["Ensure this field has no more than 128 characters."], "{unit}");
    }
    // This letter is longer in NFC: two code points.
    assert!(Password::parse("password", &"\u{958}".repeat(64)).is_ok());
    assert_eq!(codes(Password::parse("password", &"\u{958}".repeat(65))), ["max_length"]);
}

#[test]
fn r2_ten_megabytes_are_refused_at_once() {
    let texts = ["a", "e\u{301}", "\u{301}", "\0"].map(|unit| unit.repeat(10_000_000 / unit.len()));
    let start = Instant::now();
    for text in &texts {
        assert_eq!(codes(Password::parse("password", text)), ["max_length"]);
    }
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
}

#[test]
fn complaints_name_the_field_it_came_in() {
    let blank = complaints(Password::parse("new_password", ""));
    assert_eq!((blank[0].field.as_str(), blank[0].code), ("new_password", "blank"));
    assert_eq!(blank[0].message, "This field may not be blank.");
    let nul = complaints(Password::parse("new_password", "pass\0word"));
    assert_eq!((nul[0].field.as_str(), nul[0].code), ("new_password", "null_characters_not_allowed"));
    assert_eq!(nul[0].message, "Null characters are not allowed.");
    let short = Password::parse("new_password", "x").unwrap();
    let outcome = check("new_password", &short, Rules::for_account(false, false), &Person::default());
    assert_eq!(complaints(outcome)[0].field, "new_password");
}

#[test]
fn a_password_is_not_shown() {
    let shown = format!("{:?}", Password::parse("password", "correct horse").unwrap());
    assert!(!shown.contains("correct") && !shown.contains("13"), "{shown}");
}

#[test]
fn d16_lengths_by_account_and_profile() {
    assert_eq!(Rules::for_account(false, false), Rules { minimum: 8, digits_only_refused: true });
    assert_eq!(Rules::for_account(false, true), Rules { minimum: 12, digits_only_refused: true });
    assert_eq!(Rules::for_account(true, false), Rules { minimum: 15, digits_only_refused: false });
    assert_eq!(Rules::for_account(true, true), Rules { minimum: 15, digits_only_refused: false });
    let word = Password::parse("password", "xkqzvwjy3").unwrap();
    let outcome = check("password", &word, Rules::for_account(false, true), &Person::default());
    assert_eq!(messages(outcome), ["This password is too short. It must contain at least 12 characters."]);
}

#[test]
fn lengths_are_counted_in_code_points() {
    assert!(refused("漢字仮名交文章").contains(&SHORT.to_owned()));
    assert!(refused("漢字仮名交文章語").is_empty());
}

#[test]
fn r3_common_passwords_are_refused() {
    for text in ["password", "PassWord", " password\n", "123qwe123", "qwertyuiop", "trustno1"] {
        assert!(refused(text).contains(&COMMON.to_owned()), "{text}");
    }
    assert_eq!(refused("password"), [COMMON]);
    assert_eq!(refused("123456789"), [COMMON, NUMERIC]);
    assert_eq!(refused("123456"), [SHORT, COMMON, NUMERIC]);
    assert!(refused("correct horse battery staple").is_empty());
}

#[test]
fn r3_the_name_of_the_product_is_no_password() {
    for text in ["authsrv1", "AuthSrv-2026", "authsrv authsrv!"] {
        assert_eq!(refused(text), [COMMON], "{text}");
    }
    assert!(refused("my authsrv pass").is_empty());
    assert!(refused("----====").is_empty());
}

#[test]
fn digits_alone_are_refused_at_any_length_but_not_by_nist() {
    for text in ["4815162342108", "٤٨١٥١٦٢٣٤٢", "²²²²²²²²"] {
        assert_eq!(refused(text), [NUMERIC], "{text}");
    }
    assert!(refused("4815162342.108").is_empty());
    let digits = Password::parse("password", "481516234210815").unwrap();
    assert!(check("password", &digits, Rules::for_account(true, false), &Person::default()).is_ok());
}

#[test]
fn r3_similar_passwords_are_refused_as_django_does() {
    let person = Person {
        username: "testclient",
        first_name: "Test",
        last_name: "Client",
        email: "testclient@example.com",
        ..Person::default()
    };
    let cases = [
        ("testclient", Some("username")),
        ("testclient1", Some("username")),
        ("TestClient9!", Some("username")),
        ("tnelictset", Some("username")),
        ("client12", Some("last name")),
        ("example1", Some("email address")),
        ("example.com", Some("email address")),
        ("xyzzy-plugh", None),
        ("testclient-and-much-more-beside", None),
    ];
    for (password, attribute) in cases {
        let expected: Vec<String> =
            attribute.iter().map(|name| format!("The password is too similar to the {name}.")).collect();
        assert_eq!(messages(checked(password, &person)), expected, "{password}");
    }
}

#[test]
fn r3_an_email_counts_as_a_whole_and_in_parts() {
    let person = Person { email: "user@example.com", ..Person::default() };
    let similar = "The password is too similar to the email address.";
    for password in ["user@example.com1", "USER@EXAMPLE.COM", "examples", "moc.elpmaxe@resu"] {
        assert_eq!(messages(checked(password, &person)), [similar], "{password}");
    }
    assert_eq!(messages(checked("example", &person)), [similar, SHORT]);
    assert_eq!(codes(checked("user", &person)), ["password_too_similar", "password_too_short", "password_too_common"]);
}

#[test]
fn seven_tenths_in_common_are_too_many() {
    let person = Person { username: "abcdefg", ..Person::default() };
    // 7 of 7 and 13 characters: 14/20; one more: 14/21.
    assert_eq!(codes(checked("abcdefgVWXYZ1", &person)), ["password_too_similar"]);
    assert!(checked("abcdefgVWXYZ12", &person).is_ok());
    // Characters count as often as both have them.
    let person = Person { username: "aaaa1234", ..Person::default() };
    assert!(checked("abcd1xyz", &person).is_ok());
}

#[test]
fn only_the_first_similar_attribute_is_named() {
    let person = Person {
        username: "kowalski",
        first_name: "kowalski",
        last_name: "kowalski",
        email: "kowalski@kowalski.pl",
        phone: "+48123456789",
        middle_name: "Włodzimierz",
    };
    assert_eq!(messages(checked("kowalski7", &person)), ["The password is too similar to the username."]);
    assert_eq!(messages(checked("48123456789x", &person)), ["The password is too similar to the phone number."]);
    assert_eq!(messages(checked("wŁodzimierz", &person)), ["The password is too similar to the middle name."]);
    // Typed in letters and marks apart, it is the same name.
    let person = Person { first_name: "Ame\u{301}lie-Andre\u{301}e", ..Person::default() };
    assert_eq!(messages(checked("amélie-andrée", &person)), ["The password is too similar to the first name."]);
}

#[test]
fn the_person_of_a_new_user_has_all_his_attributes() {
    let user = NewUser {
        email: Some(Email::parse("User@Example.com").unwrap()),
        phone: Some(Phone::parse("+7 123 456 78 90").unwrap()),
        username: Some(Username::parse("John Smith").unwrap()),
        first_name: "John".to_owned(),
        last_name: "Smith".to_owned(),
        middle_name: Some("Q.".to_owned()),
        ..NewUser::default()
    };
    let person = Person {
        username: "John Smith",
        first_name: "John",
        last_name: "Smith",
        email: "User@example.com",
        phone: "+71234567890",
        middle_name: "Q.",
    };
    assert_eq!(Person::of(&user), person);
    assert_eq!(Person::of(&NewUser::default()), Person::default());
}

#[test]
fn r3_the_check_is_fast_whatever_the_input() {
    let _ = refused("the list is read once");
    // CVE-2021-45115: long attributes of many words.
    for name in ["a ".repeat(500_000), "é".repeat(500_000), "a\u{301}\u{302}".repeat(300_000)] {
        let person = Person { username: &name, first_name: &name, last_name: &name, email: &name, ..Person::default() };
        let start = Instant::now();
        let _ = checked(&"İ".repeat(128), &person);
        assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    }
}
