//! What seed files may look like, and what is said of those that are wrong.

use authsrv::domain::error::Error;
use authsrv::service::seed::{FILE_MAX, embedded, parse, read, read_all};

/// The faults of a text, as `line: reason`.
fn faults(text: &str) -> Vec<String> {
    let faults = parse("s.toml", text).map(|_| ()).unwrap_err();
    faults.iter().map(|fault| fault.to_string().strip_prefix("s.toml:").unwrap().to_owned()).collect()
}

#[test]
fn the_embedded_files_are_right() {
    assert_eq!(embedded().unwrap().len(), 4);
}

#[test]
fn an_empty_file_is_right() {
    assert!(parse("s.toml", "# nothing\n").is_ok());
}

#[test]
fn every_fault_is_named_with_its_line() {
    let text = r#"colour = "red"

[[resource]]
code_name = "Big"
name = "x"

[[resource]]
code_name = "invoices"
nmae = "Invoices"

[[action]]
code_name = 7
name = ""

[[role]]
code_name = "clerk"
name = "Clerk"
permissions = [
    "invoices:read",
    "invoices",
    "invoices:*",
    "*:*",
    "*:read",
    "*:read",
    5,
]

[[permission]]
resources = ["invoices", "invoices"]

[[permission]]
resources = "invoices"
actions = ["*"]
"#;
    assert_eq!(
        faults(text),
        [
            "1: unknown table \"colour\"; there are resource, action, permission and role",
            "4: \"Big\" is not a code name (1 to 100 of a-z, 0-9, \"_\", \"-\" and \".\", beginning with a letter)",
            "7: this resource has no name",
            "9: unknown key \"nmae\"; a resource has code_name, name, description",
            "12: code_name must be a text, not a number",
            "13: name is empty",
            "20: \"invoices\" is not of the form \"resource:action\"",
            "21: \"invoices:*\": \"*\" can only stand for the resource; write \"invoices:all\", which is every action on it",
            "22: \"*:*\": \"*\" can only stand for the resource; write \"*:all\", which is every action on it",
            "24: \"*:read\" stands twice in this list; first in line 23",
            "25: permissions must hold texts only, not a number",
            "28: this permission has no actions",
            "29: \"invoices\" stands twice in this list; first in line 29",
            "32: resources must be a list of texts, not a text",
            "33: \"*\" is not a code name (1 to 100 of a-z, 0-9, \"_\", \"-\" and \".\", beginning with a letter)",
        ]
    );
}

#[test]
fn tables_need_double_brackets() {
    assert_eq!(
        faults("[role]\ncode_name = \"a\"\nname = \"A\"\n"),
        ["1: write [[role]], in double brackets, above each entry"]
    );
    assert_eq!(faults("role = [1]\n"), ["1: role must be a table, not a number"]);
}

#[test]
fn what_is_not_toml_is_refused_with_its_lines() {
    let found = faults("[[role]]\ncode_name = \n\n[[role]]\nname = \"x\n");
    assert!(found.len() >= 2, "{found:?}");
    assert!(found[0].starts_with("2: not TOML: "), "{found:?}");
    assert!(found[1].starts_with("5: not TOML: "), "{found:?}");
}

#[test]
fn a_key_twice_is_refused() {
    let found = faults("[[role]]\ncode_name = \"a\"\nname = \"A\"\nname = \"B\"\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("4: not TOML: "), "{found:?}");
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let found = faults(&format!("x = {}", "[".repeat(1_000_000)));
    assert!(found[0].starts_with("1: not TOML: "), "{:?}", found.first());
}

#[test]
fn texts_have_bounds() {
    let found = faults(&format!("[[role]]\ncode_name = \"a\"\nname = \"{}\"\n", "ж".repeat(101)));
    assert_eq!(found, ["3: name is longer than 100 characters"]);
    let found = faults("[[role]]\ncode_name = \"a\"\nname = \"a\\u0000b\"\ndescription = \"a\\nb\"\n");
    assert_eq!(found, ["3: name holds a control character"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("latin1.toml"), b"# one\n# two\nname = \"\xe9\"\n").unwrap();
    std::fs::File::create(path("big.toml")).unwrap().set_len(FILE_MAX + 1).unwrap();
    let said = |name: &str| read(&path(name)).map(|_| ()).unwrap_err()[0].to_string();
    let place = |name: &str| path(name).display().to_string();
    assert_eq!(said("none.toml"), format!("{}: there is no such file", place("none.toml")));
    assert_eq!(said("latin1.toml"), format!("{}:3: is not UTF-8 text", place("latin1.toml")));
    assert_eq!(said("big.toml"), format!("{}: is larger than 16 MiB", place("big.toml")));
    let all = read_all(&[path("none.toml"), directory.path().to_owned(), path("latin1.toml")]);
    let Err(Error::Invalid(fields)) = all else { panic!("not refused") };
    assert_eq!(fields.len(), 3);
    assert_eq!(fields[1].message, "is a directory; name the files in it");
    assert_eq!(fields[2].field, format!("{}:3", place("latin1.toml")));
}
