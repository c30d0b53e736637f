//! Names that would be code, markup or lines of their own where somebody looks at them: in a browser, in a program that
//! reads JSON, in the log (R-45). Terminals are in `terminal_injection.rs`, letters in `mail_headers.rs`.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::Site;
use super::wire::{exchange, request};
use crate::support::PASSWORD;
use crate::support::http::Answer;
use crate::support::process::Process;
use crate::support::shell::Shell;

/// What somebody may call himself.
const NAMES: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title></pre></script><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)//",
    "{{7177*3}}{%x%}${7177*3}<%= 7177*3 %>",
    "&lt;b&gt;&#60;i&#62;",
    "a\u{2028}b\u{2029}c",
    "=cmd|' /C calc'!A1",
];

fn site() -> (Site, String) {
    let site = Site::new();
    let root = site.root();
    for (at, name) in NAMES.iter().enumerate() {
        let user =
            json!({"email": format!("a{at}@example.com"), "password": PASSWORD, "first_name": name, "last_name": name});
        assert_eq!(root.post("/users/", user).status, 201, "{name}");
        for list in ["roles", "resources", "actions"] {
            let body = json!({"name": name, "code_name": format!("c{at}"), "description": name});
            assert_eq!(root.post(&format!("/{list}/"), body).status, 201, "{name}");
        }
    }
    let access = site.server.sign_in("root@example.com").access;
    (site, access)
}

fn asks(site: &Site, method: &str, target: &str, headers: &str) -> Answer {
    let headers = format!("Accept: text/html,*/*;q=0.8\r\nConnection: close\r\n{headers}");
    exchange(site.server.address, request(method, target, &headers)).unwrap()
}

/// Passes if nothing in it is markup that is not the server's own.
#[track_caller]
fn is_inert(answer: &Answer, about: &str) {
    let kind = answer.header("content-type").unwrap_or("");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{about}");
    if !kind.starts_with("text/html") {
        assert!(kind.is_empty() || kind.starts_with("application/json"), "{about}: {kind}");
        return;
    }
    let page = String::from_utf8(answer.body.clone()).unwrap();
    for markup in ["<script>", "<img", "<svg", "<i>", "onerror=alert(1)>", "' onmouseover='", "href=\"javascript:"] {
        assert!(!page.contains(markup), "R-45: {about}: {markup} in {page}");
    }
    for tag in ["</title>", "</pre>"] {
        assert_eq!(
            page.matches(tag).count(),
            page.matches(&tag.replace('/', "")[..tag.len() - 2]).count(),
            "R-45: {about}: {tag}"
        );
    }
    assert!(!page.contains("21531"), "R-45: {about}: a template was run");
}

#[test]
fn pages_show_names_and_run_none() {
    let (site, access) = site();
    let authorization = format!("Authorization: Bearer {access}\r\n");
    let mut shown = 0;
    for path in
        ["/users/", "/roles/", "/resources/", "/actions/", "/auth/users/", "/api/v1/account/", "/users/3/", "/roles/5/"]
    {
        let page = asks(&site, "GET", path, &authorization);
        assert_eq!(page.status, 200, "{path}");
        is_inert(&page, path);
        shown += usize::from(String::from_utf8_lossy(&page.body).contains("onerror"));
    }
    assert!(shown > 3, "or nothing was proved");
}

#[test]
fn pages_repeat_nothing_of_a_request_as_markup() {
    let (site, access) = site();
    let authorization = format!("Authorization: Bearer {access}\r\n");
    for name in NAMES {
        let coded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let coded = coded.replace('+', "%20");
        for path in [
            format!("/users/?search={coded}&ordering={coded}&page={coded}&next={coded}"),
            format!("/users/{coded}/"),
            format!("/{coded}"),
            format!("/auth/users/{coded}/?format={coded}"),
            format!("/activate/{coded}/{coded}"),
            format!("/password/reset/confirm/{coded}/{coded}?next={coded}"),
            format!("/api/docs/{coded}"),
            format!("/api/docs/?url={coded}"),
        ] {
            is_inert(&asks(&site, "GET", &path, &authorization), &path);
            is_inert(&asks(&site, "POST", &path, "Content-Length: 0\r\n"), &path);
        }
        let quoted = name.replace(['\u{2028}', '\u{2029}'], "");
        for header in ["Host-Name", "User-Agent", "Referer", "X-Forwarded-Host", "Accept-Language", "Origin"] {
            is_inert(&asks(&site, "GET", "/api/me/", &format!("{header}: {quoted}\r\n")), header);
        }
    }
}

/// What was put in comes out, as a text and nothing else: names are made harmless where they are shown, not changed.
#[test]
fn json_gives_names_as_they_are() {
    let (site, _) = site();
    let roles = site.root().get("/roles/?page_size=200");
    assert_eq!(roles.header("content-type"), Some("application/json"));
    let roles = roles.json();
    let names: Vec<&str> =
        roles["results"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    for name in NAMES {
        assert!(names.contains(&name), "{name:?} is not in {names:?}");
    }
}

/// Nobody writes a line of the log but the server, and each is what it seems to be.
#[test]
fn the_log_has_the_lines_of_the_server_alone() {
    const FORGED: &str = "2026-01-01T00:00:00.000000Z  INFO forged";
    for format in ["text", "json"] {
        let shell = Shell::new();
        shell.superuser("root@example.com");
        let mut command = shell.server();
        command.args(["--log", "trace", "--log-format", format]);
        let mut server = Process::of(command);
        let root = server.bearer(&server.anonymous().sign_in("root@example.com").access);
        for end in ["\n", "\r\n", "\r", "\u{2028}", "\u{85}", "\\n"] {
            let name = format!("a{end}{FORGED}");
            root.post("/roles/", json!({"name": name, "code_name": "x"}));
            root.post(
                "/users/",
                json!({"email": format!("{name}@example.com"), "password": PASSWORD, "first_name": name}),
            );
            root.patch("/settings/", json!({"mail.site_name": name, "tokens.audience": name}));
            server.anonymous().post("/login/", json!({"email": name, "password": name}));
            server.anonymous().post("/auth/users/reset_password/", json!({"email": format!("{name}@example.com")}));
            let coded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            server.anonymous().get(&format!("/{coded}/?{coded}"));
            let raw = request("GET", "/healthz", &format!("User-Agent: x {FORGED}\r\nConnection: close\r\n"));
            exchange(server.address, raw);
            exchange(server.address, format!("GET /healthz HTTP/1.1\r\nHost: a\r\nUser-Agent: a\n{FORGED}\r\n\r\n"));
        }
        let log = server.stop(Signal::TERM);
        for line in log.lines().filter(|line| !line.is_empty()) {
            assert!(!line.starts_with(FORGED), "R-45: {format}: {line}");
            assert!(!line.contains(['\u{1b}', '\r', '\u{85}', '\u{2028}']), "R-45: {format}: {line:?}");
            if format == "json" {
                assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()), "R-45: {line}");
            }
        }
    }
}
