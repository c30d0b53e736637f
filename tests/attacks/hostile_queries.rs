//! Queries of lists: pages that are none, SQL where a name belongs, patterns of LIKE and FTS, bytes that are no text
//!

use super::wire::Wire;
use super::{Site, refused, survived};

const LISTS: [&str; 6] = ["/users/", "/roles/", "/actions/", "/resourses/", "/permissions/", "/sessions/"];

/// Texts for searches, in the form of a query.
const TEXTS: [&str; 42] = [
    "%27",
    "%27%27",
    "%22",
    "%22%22%22",
    "*",
    "**",
    "%22*%22",
    "a*",
    "^a",
    "-a",
    "%2Ba",
    "a%20AND%20b",
    "a%20OR",
    "NOT%20a",
    "NEAR(a%20b)",
    "NEAR(a,%202)",
    "{a}:b",
    "email_key:a",
    "(",
    ")",
    "((((",
    "a%22%20OR%20%22b",
    "%25",
    "%25%25%25",
    "_",
    "___",
    "%5C",
    "%5C%25",
    "%27%20OR%201%3D1--",
    "%27%3B%20DROP%20TABLE%20users%3B--",
    "1%20UNION%20SELECT%20password",
    "%00",
    "a%00b",
    "%FF%FE",
    "%C3%28",
    "%ED%A0%80",
    "%F4%90%80%80",
    "%F4%8F%BF%BF",
    "%E2%80%AE",
    "%CC%81%CC%81%CC%81",
    "%F0%9F%92%A9%F0%9F%92%A9%F0%9F%92%A9",
    "\u{1}",
];

fn ask(wire: &mut Option<Wire>, site: &Site, token: &str, target: &str) -> crate::support::http::Answer {
    let mut open = wire.take().unwrap_or_else(|| Wire::to(site.server.address));
    open.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"));
    let answer = open.answer().unwrap_or_else(|| panic!("no answer to {target}"));
    if answer.header("connection") != Some("close") {
        *wire = Some(open);
    }
    answer
}

fn site() -> (Site, String) {
    let site = Site::new();
    site.app.superuser("root@example.com");
    for at in 0..5 {
        site.app.user(&format!("user{at}@example.com"), &[]);
    }
    let token = site.server.sign_in("root@example.com").access;
    (site, token)
}

#[test]
fn searches_are_texts_and_nothing_more() {
    let (site, token) = site();
    let mut wire = None;
    let long = format!("{}a", "%F0%9F%92%A9".repeat(600));
    let words = "a+".repeat(2000);
    for list in LISTS {
        for text in TEXTS.iter().copied().chain([long.as_str(), words.as_str()]) {
            let answer = ask(&mut wire, &site, &token, &format!("{list}?search={text}"));
            survived(&answer, &format!("{list} {text}"));
            let body = String::from_utf8_lossy(&answer.body).to_lowercase();
            for leak in ["sql", "fts", "syntax", "argon2"] {
                assert!(!body.contains(leak), "R-46: {list} {text}: {body}");
            }
        }
    }
    let all = site.root().get("/users/?search=%25").json()["count"].as_i64().unwrap();
    assert_eq!(all, 0, "R-46: % is no wildcard");
    assert_eq!(site.root().get("/users/?search=user").json()["count"], 5);
    site.lives();
}

#[test]
fn orders_come_from_a_list() {
    let (site, token) = site();
    let mut wire = None;
    for list in LISTS {
        for name in [
            "password",
            "-password",
            "email_key",
            "id;DROP%20TABLE%20users",
            "id--",
            "(SELECT%201)",
            "1",
            "rowid",
            "id%20DESC",
            "id,password",
            "CASE%20WHEN%201%20THEN%20id%20END",
            "%00",
            "%FF",
            "--id",
            "ID",
            "random()",
            "users.id",
            "id%0a",
            "successor",
            "uuid",
        ] {
            let answer = ask(&mut wire, &site, &token, &format!("{list}?ordering={name}"));
            if name == "id%0a" {
                survived(&answer, name);
            } else {
                assert_eq!(answer.status, 400, "R-46: {list} {name}: {answer:?}");
                refused(&answer, name);
            }
        }
        let many = "id,".repeat(2000);
        survived(&ask(&mut wire, &site, &token, &format!("{list}?ordering={many}")), "2000 fields");
    }
}

#[test]
fn pages_that_are_none() {
    let (site, token) = site();
    let mut wire = None;
    for list in LISTS {
        for page in [
            "0",
            "-1",
            "abc",
            "1.5",
            "1e3",
            "999999999999999999999",
            "9223372036854775807",
            "0x1",
            "%00",
            "%FF",
            "%D9%A1",
            "1,2",
            "999999",
            "LAST",
            "1%27",
        ] {
            let answer = ask(&mut wire, &site, &token, &format!("{list}?page={page}"));
            assert_eq!(answer.status, 404, "{list} {page}: {answer:?}");
            refused(&answer, page);
        }
        for size in ["0", "-1", "abc", "201", "1000000", "99999999999999999999999", "1.5", "%00", "%FF", ""] {
            let answer = ask(&mut wire, &site, &token, &format!("{list}?page_size={size}"));
            survived(&answer, &format!("{list} {size}"));
            let shown = answer.json()["results"].as_array().map_or(0, Vec::len);
            assert!(shown <= 200, "R-51: {list} {size}: {shown}");
        }
        let last = ask(&mut wire, &site, &token, &format!("{list}?page=last&page_size=9223372036854775807"));
        assert_eq!(last.status, 200, "{last:?}");
    }
}

#[test]
fn other_parameters() {
    let (site, token) = site();
    let mut wire = None;
    let repeated = "page=1&".repeat(1000);
    let names = (0..500).map(|at| format!("p{at}=1&")).collect::<String>();
    for list in LISTS {
        for query in [
            "user=abc",
            "user=-1",
            "user=99999999999999999999",
            "user=%00",
            "user=1%20OR%201",
            "is_active=maybe",
            "is_active=%FF",
            "page=1&page=abc",
            "page=abc&page=1",
            "page[]=1",
            "page%5B%5D=1",
            "page[$ne]=1",
            "page=%",
            "page=%2",
            "page=%zz",
            "%=1",
            "=1",
            "=",
            "&&&&",
            "?",
            "page",
            "page=&search=&ordering=",
            "search=a&search=%00",
            "id__in=1",
            "fields=password",
            "include=password",
            "expand=password",
            "password=x",
            "format=xml",
            "callback=alert(1)",
            repeated.as_str(),
            names.as_str(),
        ] {
            survived(&ask(&mut wire, &site, &token, &format!("{list}?{query}")), &format!("{list} {query}"));
        }
    }
    // Links to other pages are addresses of this list and nothing else.
    let mut open = Wire::to(site.server.address);
    open.send(format!(
        "GET /users/?page_size=1&x=%22%3E%3Cscript%3E HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {token}\r\n\r\n"
    ));
    let next = open.answer().unwrap().text("next");
    assert!(!next.contains(['"', '<', '>', ' ']), "R-45: {next}");
    site.lives();
}
