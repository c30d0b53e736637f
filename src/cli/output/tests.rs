#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use chrono::{TimeZone, Utc};

use super::*;

fn record(id: i64, name: &str) -> Record {
    let at = Utc.with_ymd_and_hms(2024, 7, 13, 17, 24, 33).unwrap();
    Record(vec![
        ("id", Cell::Number(id)),
        ("first_name", Cell::text(name)),
        ("is_active", Cell::Bool(true)),
        ("phone", Cell::Null),
        ("roles", Cell::List(vec!["a".into(), "b".into()])),
        ("date_joined", Cell::Time(at)),
    ])
}

fn shown(body: Body<'_>, format: Format, look: Look) -> String {
    let mut out = Vec::new();
    assert!(write_body(&mut out, body, format, look).is_ok());
    String::from_utf8(out).unwrap()
}

fn pages(mut pages: Vec<Vec<Record>>) -> Body<'static> {
    pages.reverse();
    let fields = vec!["id", "first_name", "is_active", "phone", "roles", "date_joined"];
    Body::Many(List::new(fields, "No users.", Box::new(move || Ok(pages.pop()))))
}

#[test]
fn json_is_one_array_over_all_pages() {
    let text =
        shown(pages(vec![vec![record(1, "A"), record(2, "B")], vec![record(3, "C")]]), Format::Json, Look::default());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.as_array().unwrap().len(), 3);
    assert_eq!(value[2]["first_name"], "C");
    assert_eq!(value[0]["date_joined"], "2024-07-13T17:24:33Z");
    assert!(text.starts_with("[\n  {\n    \"id\": 1,\n"), "{text}");
    assert_eq!(shown(pages(vec![]), Format::Json, Look::default()), "[]\n");
}

#[test]
fn json_keeps_microseconds_and_nulls() {
    let at = Utc.timestamp_opt(0, 855_512_000).unwrap();
    let text =
        shown(Body::One(Record(vec![("at", Cell::Time(at)), ("phone", Cell::Null)])), Format::Json, Look::default());
    assert_eq!(text, "{\n  \"at\": \"1970-01-01T00:00:00.855512Z\",\n  \"phone\": null\n}\n");
}

#[test]
fn plain_is_one_line_a_record() {
    let text = shown(pages(vec![vec![record(1, "a\tb\nc\\")]]), Format::Plain, Look::default());
    assert_eq!(text, "1\ta\\tb\\nc\\\\\ttrue\t\ta,b\t2024-07-13 17:24:33Z\n");
}

#[test]
fn nothing_moves_the_cursor() {
    for format in [Format::Table, Format::Json, Format::Plain] {
        let text = shown(pages(vec![vec![record(1, "x\x1b[2J\u{202e}\u{9b}1m\u{200b}")]]), format, Look::default());
        assert!(!text.chars().any(|c| !"\n\t".contains(c) && super::super::inert::is_hidden(c)), "{text}");
    }
}

#[test]
fn a_table_fits_its_terminal_and_has_colour_only_where_wanted() {
    let narrow = Look { width: Some(60), colour: false };
    let text = shown(pages(vec![vec![record(1, "A name that is much longer than its column")]]), Format::Table, narrow);
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    assert!(!text.contains('\x1b'));
    let colour = Look { width: Some(200), colour: true };
    assert!(shown(pages(vec![vec![record(1, "A")]]), Format::Table, colour).contains("\x1b[1m"));
}

#[test]
fn a_terminal_too_narrow_for_columns_that_were_named_gets_one_table_a_record() {
    let look = Look { width: Some(40), colour: false };
    let text = shown(pages(vec![vec![record(1, "A"), record(2, "B")]]), Format::Table, look);
    assert_eq!(text.matches("first_name").count(), 2, "{text}");
    assert_eq!(text.matches("phone").count(), 2, "empty, and named: {text}");
}

#[test]
fn fields_are_chosen_alike_in_every_format() {
    let list = || {
        List::new(vec!["first_name", "id"], "", {
            let mut pages = vec![vec![record(7, "A")]];
            Box::new(move || Ok(pages.pop()))
        })
    };
    assert_eq!(shown(Body::Many(list()), Format::Plain, Look::default()), "A\t7\n");
    let json: serde_json::Value =
        serde_json::from_str(&shown(Body::Many(list()), Format::Json, Look::default())).unwrap();
    assert_eq!(json.to_string(), "[{\"first_name\":\"A\",\"id\":7}]");
}

/// Pages of a list whose columns but the first two may be left out.
fn usual(pages_of: Vec<Vec<Record>>) -> Body<'static> {
    let Body::Many(mut list) = pages(pages_of) else { unreachable!() };
    list.columns.spare = vec!["roles", "date_joined", "is_active", "phone"];
    Body::Many(list)
}

fn head(text: &str) -> Vec<String> {
    let names = text.lines().nth(1).unwrap().split(['│', '┆']).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_narrow_table_leaves_out_what_is_empty_then_what_matters_least() {
    let of_width = |width| {
        let text =
            shown(usual(vec![vec![record(1, "Ann"), record(2, "Bob")]]), Format::Table, Look { width, colour: false });
        assert!(text.lines().all(|line| width.is_none_or(|width| line.chars().count() <= width.into())), "{text}");
        assert_eq!(text.lines().count(), 6, "no line is wrapped: {text}");
        head(&text)
    };
    let all = ["id", "first_name", "is_active", "phone", "roles", "date_joined"];
    assert_eq!(of_width(None), all);
    assert_eq!(of_width(Some(70)), all);
    assert_eq!(of_width(Some(69)), ["id", "first_name", "is_active", "roles", "date_joined"]);
    assert_eq!(of_width(Some(60)), ["id", "first_name", "roles", "date_joined"]);
    assert_eq!(of_width(Some(40)), ["id", "first_name", "is_active", "roles"]);
    assert_eq!(of_width(Some(30)), ["id", "first_name", "roles"]);
    assert_eq!(of_width(Some(20)), ["id", "first_name"]);
}

/// A page is all that is in memory: the first decides for those that follow, whatever they hold.
#[test]
fn columns_are_decided_by_the_first_page() {
    let look = Look { width: Some(69), colour: false };
    let mut later = record(2, "Bob");
    later.0[3].1 = Cell::text("+4912345678");
    let text = shown(usual(vec![vec![record(1, "Ann")], vec![later]]), Format::Table, look);
    assert!(!text.contains("phone") && !text.contains("+4912345678"), "{text}");
    assert_eq!(text.matches("date_joined").count(), 2, "{text}");
}

/// What a record is found by stays whole even where nothing else does.
#[test]
fn the_first_column_is_broken_last() {
    let key = "simplejwt.refresh_lifetime";
    let record = Record(vec![("key", Cell::text(key)), ("value", Cell::text("https://auth.example-company.com"))]);
    let columns = Columns { fields: vec!["key", "value"], spare: vec!["none"], shows: "" };
    let mut records = Some(vec![record]);
    let list = List { columns, none: "", pages: Box::new(move || Ok(records.take())) };
    let text = shown(Body::Many(list), Format::Table, Look { width: Some(40), colour: false });
    assert!(text.contains(key) && text.lines().all(|line| line.chars().count() <= 40), "{text}");
}

#[test]
fn a_table_of_named_columns_breaks_no_word() {
    let look = Look { width: Some(66), colour: false };
    let text = shown(pages(vec![vec![record(1, "A name longer than the column is")]]), Format::Table, look);
    assert!(["first_name", "is_active", "phone", "date_joined", "2024-07-13"].iter().all(|word| text.contains(word)));
    assert!(text.lines().all(|line| line.chars().count() <= 66), "{text}");
    assert_eq!(text.matches("date_joined").count(), 1, "{text}");
}

#[test]
fn a_finding_is_wrapped_beside_its_margin_and_its_command_stays_whole() {
    let command = "authsrv --db /var/lib/authsrv/authsrv.db settings set registration.mode closed";
    let lines = || {
        Body::Lines(vec![
            Line::Led("warning", "registration.mode: anybody may register here".to_owned()),
            Line::Text("if you make the accounts yourself:".to_owned()),
            Line::Command(command.to_owned()),
            Line::Led("ok", "a\u{1b}b".to_owned()),
        ])
    };
    let narrow = shown(lines(), Format::Table, Look { width: Some(40), colour: false });
    let expected = "\
warning  registration.mode: anybody may
         register here
         if you make the accounts
         yourself:
           authsrv --db /var/lib/authsrv/authsrv.db settings set registration.mode closed
ok       a\\u{1b}b
";
    assert_eq!(narrow, expected);
    assert_eq!(shown(lines(), Format::Table, Look::default()).lines().count(), 4);
}
