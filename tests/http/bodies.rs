//! Bodies: one parser, every complaint at once, in Django REST framework's words (R-47).

use authsrv::domain::error::Error;
use authsrv::domain::json::{self, Twice};
use authsrv::http::body::{DEPTH_MAX, read};
use authsrv::http::fault::{Fault, Unreadable};
use authsrv::http::rbac::wire::checks::Questions;
use authsrv::http::rbac::wire::named::{NamedCreate, RoleGrant};
use authsrv::http::rbac::wire::sign_in::{Login, Register};
use authsrv::http::rbac::wire::users::{NamesUpdate, UserCreate, UserUpdate};
use authsrv::http::routes::Reading;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// Field and message of each complaint, `field: message`, in order.
fn complaints<T: DeserializeOwned + JsonSchema + 'static>(body: &str) -> Vec<String> {
    match read::<T>(body.as_bytes(), Reading::Strict) {
        Ok(_) => Vec::new(),
        Err(Fault::Refused(Error::Invalid(all))) => {
            all.into_iter().map(|one| format!("{}: {}", one.field, one.message)).collect()
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn parse(body: &[u8]) -> Result<serde_json::Value, String> {
    json::parse(body, DEPTH_MAX, Twice::Refused)
}

fn parse_error(body: &[u8]) -> String {
    parse(body).unwrap_err()
}

#[test]
fn every_field_is_reported_at_once_in_the_order_of_the_form() {
    assert_eq!(
        complaints::<Register>(r#"{"last_name": null, "password": "", "zzz": 1, "first_name": 5}"#),
        [
            "email: This field is required.",
            "password: This field may not be blank.",
            "password2: This field is required.",
            "first_name: Not a valid string.",
            "last_name: This field may not be null.",
            "zzz: Unknown field.",
        ]
    );
}

#[test]
fn the_domain_judges_its_own_formats() {
    assert_eq!(
        complaints::<UserCreate>(r#"{"email": "nobody", "force_logout_at": "tomorrow", "password": "x"}"#),
        [
            "email: Enter a valid email address.",
            "force_logout_at: Datetime has wrong format. Use one of these formats instead: \
             YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
        ]
    );
    assert_eq!(complaints::<NamedCreate>(r#"{"name": "All", "code_name": "ALL"}"#).len(), 1);
}

#[test]
fn types_have_their_messages() {
    assert_eq!(
        complaints::<UserUpdate>(
            r#"{"email": ["a"], "is_active": "yes", "roles": 5, "is_staff": 1, "is_superuser": null}"#
        ),
        [
            "email: Not a valid string.",
            "is_active: Must be a valid boolean.",
            "is_staff: Must be a valid boolean.",
            "is_superuser: This field may not be null.",
            "roles: Expected a list of items but got type \"int\".",
        ]
    );
    assert_eq!(complaints::<UserUpdate>(r#"{"roles": [1, "admin", true, 1.5]}"#).len(), 2);
    assert_eq!(
        complaints::<UserUpdate>(r#"{"roles": [18446744073709551615]}"#),
        ["roles: A valid integer is required."]
    );
    assert_eq!(complaints::<RoleGrant>(r#"{"role": ""}"#), ["role: This field may not be blank."]);
}

#[test]
fn texts_are_bounded_and_free_of_nul() {
    let long = format!(r#"{{"first_name": "{}"}}"#, "я".repeat(151));
    assert_eq!(complaints::<NamesUpdate>(&long), ["first_name: Ensure this field has no more than 150 characters."]);
    assert_eq!(
        complaints::<NamesUpdate>(r#"{"first_name": "a\u0000b"}"#),
        ["first_name: Null characters are not allowed."]
    );
}

#[test]
fn texts_are_trimmed_but_passwords_are_not() {
    let body = br#"{"email": " ann@example.com ", "password": " secret "}"#;
    let (identifier, password, _) = read::<Login>(body, Reading::Strict).unwrap().into_command();
    assert_eq!((identifier.as_str(), password.as_str()), ("ann@example.com", " secret "));
}

#[test]
fn login_takes_exactly_one_identifier() {
    assert_eq!(complaints::<Login>("{}"), ["email: This field is required.", "password: This field is required."]);
    assert_eq!(
        complaints::<Login>(r#"{"email": "a", "phone": "b", "password": "c"}"#),
        [": Give only one of email, username, phone."]
    );
}

#[test]
fn a_body_must_be_an_object() {
    for (body, kind) in [("[]", "list"), ("5", "int"), ("1.5", "float"), ("\"a\"", "str"), ("true", "bool")] {
        assert_eq!(complaints::<Login>(body), [format!(": Invalid data. Expected a dictionary, but got {kind}.")]);
    }
    assert_eq!(complaints::<Login>("null"), [": No data provided"]);
    assert_eq!(complaints::<NamesUpdate>(""), Vec::<String>::new());
}

#[test]
fn questions_are_one_or_a_hundred() {
    let many = |count: usize| format!("[{}]", vec![r#"{"resource": "users", "action": "read"}"#; count].join(","));
    assert!(matches!(
        read::<Questions>(many(1).trim_matches(['[', ']']).as_bytes(), Reading::Strict),
        Ok(Questions::One(_))
    ));
    assert!(matches!(read::<Questions>(many(100).as_bytes(), Reading::Strict), Ok(Questions::Many(_))));
    assert_eq!(complaints::<Questions>(&many(101)), [": Ensure this field has no more than 100 elements."]);
    assert_eq!(complaints::<Questions>("[]"), [": This list may not be empty."]);
    assert_eq!(
        complaints::<Questions>(r#"[{"resource": "users", "action": "read"}, {"resource": "users"}, 5]"#),
        ["1.action: This field is required.", "2: Invalid data. Expected a dictionary, but got int."]
    );
}

#[test]
fn a_lenient_dialect_ignores_unknown_keys_and_takes_numbers_for_text() {
    let names =
        read::<NamesUpdate>(br#"{"first_name": 5, "is_superuser": true, "first_name": 6}"#, Reading::Lenient).unwrap();
    assert_eq!(names.into_command().first_name.as_deref(), Some("6"));
}

#[test]
fn json_is_read_strictly() {
    assert!(parse_error(b"{\"a\": 1, \"a\": 2}").contains("twice"));
    assert!(parse_error(b"{\"a\": {\"b\": 1, \"b\": 2}}").contains("twice"));
    assert!(parse_error(b"{} {}").contains("trailing"));
    assert!(parse_error(b"\xff").contains("UTF-8"));
    assert!(parse_error("\u{feff}{}".as_bytes()).contains("byte order mark"));
    assert!(parse_error(br#"{"a": "\ud800"}"#).contains("hex escape"));
    for wrong in
        ["{", "NaN", "Infinity", "{\"a\": 1e999}", "{'a': 1}", "{\"a\": 01}", "{\"a\": \"\u{1}\"}", "nul", "[1,]"]
    {
        assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert!(matches!(read::<Login>(b"{", Reading::Strict), Err(Fault::Unreadable(Unreadable::Json(_)))));
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert!(parse_error(nested(DEPTH_MAX + 1).as_bytes()).contains("deeper"));
    assert!(parse_error("[".repeat(100_000).as_bytes()).contains("deeper"));
    assert!(parse_error(r#"{"a":"#.repeat(1000).as_bytes()).contains("deeper"));
}
