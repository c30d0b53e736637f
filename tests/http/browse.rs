//! The browsable side (S2-12, S3-3): browsers get a page, clients what they always got, and nothing in a page runs but the
//! one script.

use authsrv::http::browse::files::FILES;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::{Door, Reply};

/// What Firefox sends.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

fn ask(door: &Door, method: &str, path: &str, accept: &str, token: Option<&str>) -> Reply {
    let mut request = Request::builder().method(method).uri(path).header("accept", accept);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    door.send(request.body(Body::empty()).unwrap())
}

fn browse(door: &Door, path: &str, token: Option<&str>) -> Reply {
    let reply = ask(door, "GET", path, BROWSER, token);
    is_page(&reply);
    reply
}

/// Passes if it is a page in which nothing can run.
#[track_caller]
fn is_page(reply: &Reply) {
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{reply:?}");
    assert_eq!(reply.header("content-security-policy"), POLICY, "R-44");
    assert_eq!(reply.header("cross-origin-embedder-policy"), "require-corp", "R-44");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(reply.header("vary").contains("Accept"), "{reply:?}");
    assert!(reply.headers.get("set-cookie").is_none());
    let text = reply.text.to_lowercase();
    assert_eq!(text.matches("<script").count(), 1, "R-44");
    let is_handler = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).starts_with('=');
    assert!(!text.split(" on").skip(1).any(is_handler), "R-44: {text}");
    assert!(!text.contains("<style") && !text.contains(" style="), "R-44: {text}");
}

/// Unescaped as a browser would show it: enough to find a text.
fn seen(reply: &Reply) -> String {
    reply.text.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&#x27;", "'").replace("&amp;", "&")
}

#[test]
fn a_browser_gets_a_page_with_the_status_and_headers_of_the_answer() {
    let door = Door::new();
    let token = door.root();
    // A view of a Django dialect.
    let page = browse(&door, "/api/me/", None);
    assert_eq!(page.status, 401);
    assert_eq!(page.header("www-authenticate"), "Bearer realm=\"api\"");
    assert_eq!(page.header("allow"), "GET, PUT, PATCH, HEAD, OPTIONS");
    let text = seen(&page);
    for part in [
        "HTTP 401 Unauthorized",
        "Authentication credentials were not provided.",
        "WWW-Authenticate:",
        "Content-Type:</dt> <dd>application/json",
        "GET, PUT, PATCH, HEAD, OPTIONS",
        "Needs somebody signed in.",
        "\"username\": \"John Smith\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let page = browse(&door, "/api/me/", Some(&token));
    assert_eq!(page.status, 200);
    assert!(seen(&page).contains("\"email\": \"root@example.com\""));
    // The RBAC dialect.
    let page = browse(&door, "/users/1/", Some(&token));
    assert_eq!(page.status, 200);
    assert!(seen(&page).contains("Needs the permission <code>users:read</code>."));
    for (path, token, status) in [
        ("/users/", None, 401),
        ("/users/999/", Some(token.as_str()), 404),
        ("/login/", None, 405),
        ("/api/login/", None, 405),
        ("/api/token/", None, 405),
        ("/api/auth/users/", None, 401),
    ] {
        let page = browse(&door, path, token);
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains(&format!("HTTP {status} ")), "{path}");
    }
    let nobody = door.somebody(&[]);
    assert_eq!(browse(&door, "/users/", Some(&nobody)).status, 403);
}

/// Also who comes too often is told so by a page, with the time to wait.
#[test]
fn a_browser_that_comes_too_often_gets_a_page() {
    let door = Door::new();
    let root = door.root();
    let rates = json!({"throttle.rates": "anon=1/minute"});
    assert_eq!(door.ask("PATCH", "/settings/", Some(&root), Some(&rates)).status, 200);
    assert_eq!(browse(&door, "/api-doc/", None).status, 200);
    let page = browse(&door, "/api-doc/", None);
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (429, "60"));
    assert!(page.text.contains("HTTP 429 Too Many Requests") && page.text.contains("Request was throttled."));
}

#[test]
fn clients_get_what_they_always_got() {
    let door = Door::new();
    let token = door.root();
    for path in ["/users/", "/me/", "/api/me/", "/nowhere/", "/api/token/"] {
        let plain = door.get(path, Some(&token));
        for accept in ["*/*", "application/json", "application/json, text/plain, */*", "application/json, text/html"] {
            let reply = ask(&door, "GET", path, accept, Some(&token));
            assert_eq!((reply.status, &reply.text), (plain.status, &plain.text), "{path} {accept}");
            assert_eq!(reply.header("content-type"), "application/json", "{path} {accept}");
            assert_eq!(reply.header("vary"), plain.header("vary"), "{path} {accept}");
        }
    }
    // What is no answer of a dialect stays what it is.
    for path in ["/healthz", "/api/schema/", "/.well-known/jwks.json"] {
        assert_eq!(ask(&door, "GET", path, BROWSER, None).header("content-type"), "application/json", "{path}");
    }
    // Only reading has pages in the RBAC dialect.
    let posted = ask(&door, "POST", "/login/", BROWSER, None);
    assert_eq!((posted.status.as_u16(), posted.header("content-type")), (400, "application/json"));
}

#[test]
fn head_is_get_without_the_body() {
    let door = Door::new();
    for path in ["/users/", "/api/me/", "/api-doc/"] {
        let (head, get) = (ask(&door, "HEAD", path, BROWSER, None), ask(&door, "GET", path, BROWSER, None));
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "content-length", "vary", "allow", "content-security-policy"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

#[test]
fn a_format_may_be_asked_for_by_name() {
    let door = Door::new();
    is_page(&ask(&door, "GET", "/api/me/?format=api", "*/*", None));
    let bare = ask(&door, "GET", "/api/me/?format=json", BROWSER, None);
    assert_eq!(bare.header("content-type"), "application/json");
    let page = browse(&door, "/api/me/?a=1&format=api&b=2", None);
    assert!(seen(&page).contains("href=\"/api/me/?a=1&b=2&format=json\""), "{}", page.text);
}

/// S2-3, S2-12: the endpoints of the dialect with what they take and need; addresses for programs.
#[test]
fn the_contents_tell_of_all_endpoints() {
    let door = Door::new();
    let page = browse(&door, "/api-doc/", None);
    let text = seen(&page);
    for path in ["/api/register/", "/api/login/", "/api/refresh/", "/api/logout/", "/api/me/"] {
        assert!(text.contains(&format!("data-path=\"{path}\"")), "{path}");
    }
    assert!(text.contains("\"refresh_token\": \"0f1c6a9e"), "{text}");
    assert!(text.contains("<a href=\"/api/login/\" rel=\"nofollow\">http://testserver/api/login/</a>"), "{text}");
    let told = door.get("/api-doc", None);
    assert_eq!(told.status, 200);
    assert_eq!(told.json()["me"], "http://testserver/api/me/");
}

/// whatever somebody managed to put into a name, a path or a query is text in the page.
#[test]
fn hostile_text_is_inert() {
    let door = Door::new();
    let token = door.root();
    let evil = [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'\"></pre><svg/onload=alert(1)>",
        "{{1234567*9}}{% raw %}",
    ];
    for (at, text) in evil.into_iter().enumerate() {
        let renamed = door.ask("PUT", "/api/me/", Some(&token), Some(&json!({ "username": text })));
        assert_eq!(renamed.status, 200, "{renamed:?}");
        let made = door.post("/roles/", Some(&token), &json!({"name": text, "code_name": format!("evil-{at}")}));
        assert_eq!(made.status, 201, "{made:?}");
        for path in ["/api/me/", "/me/", "/users/", "/roles/"] {
            let page = ask(&door, "GET", path, BROWSER, Some(&token));
            assert_eq!(page.status, 200, "{path}");
            inert(&page);
            assert!(!page.text.contains("11111103"), "a template was run: {}", page.text);
        }
    }
    for target in [
        "/api/me/?x=\"><img/src=x/onerror=alert(1)>",
        "/api/me/?x=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/users/?search='\"><svg/onload=alert(1)>",
        "/users/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E/",
        "/users/1\"><script>alert(1)<%2Fscript>/",
        "/api/v1/account/%22%3E%3Cscript%3E/",
    ] {
        let Ok(request) = Request::builder().uri(target).header("accept", BROWSER).body(Body::empty()) else {
            continue;
        };
        inert(&door.send(request));
    }
    // A host that would make links of this server lead elsewhere.
    for host in ["evil.test\"><script>", "a@evil.test", "javascript:alert(1)"] {
        let request = Request::builder().uri("/api-doc/").header("accept", BROWSER).header("host", host);
        let page = door.send(request.body(Body::empty()).unwrap());
        assert!(page.text.matches("<script").count() <= 1 && !page.text.contains("href=\"javascript"), "{page:?}");
    }
}

/// Passes if nothing of what was put in is markup.
#[track_caller]
fn inert(page: &Reply) {
    let text = page.text.to_lowercase();
    assert!(text.matches("<script").count() <= 1, "{text}");
    for markup in ["<img", "<svg", "</pre><", "onerror=alert(1)>", "javascript:"] {
        assert!(!text.contains(markup) || page.header("content-type") == "application/json", "{markup}: {text}");
    }
}

#[test]
fn the_files_are_of_this_server_and_kept_for_good() {
    let door = Door::new();
    let page = browse(&door, "/api-doc/", None);
    for file in FILES.iter() {
        let path = format!("/api/browse/{}", file.name);
        assert!(page.text.contains(&path), "{path}");
        let reply = door.get(&path, None);
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, file.content), "{path}");
        assert_eq!(reply.header("content-type"), file.media_type);
        assert!(reply.header("cache-control").contains("immutable"));
    }
    assert_eq!(door.get("/api/browse/page.css", None).status, 404);
    // The token is kept nowhere, and nothing is made of text but text.
    let script = FILES[1].content;
    for word in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "localStorage",
        "sessionStorage",
        "indexedDB",
        "document.cookie",
        "Function(",
    ] {
        assert!(!script.contains(word), "{word}");
    }
}
