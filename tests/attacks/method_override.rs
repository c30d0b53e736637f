//! A method smuggled in a header, the query or the form, as some frameworks take it: here the request line alone counts.

use super::Site;
use super::wire::{Wire, exchange};
use crate::support::PASSWORD;

#[test]
fn the_request_line_alone_counts() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let access = site.server.sign_in("ann@example.com").access;
    let form = format!("_method=DELETE&_HttpMethod=DELETE&current_password={PASSWORD}&email=x%40example.com");
    for header in [
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-HTTP-Method-Override: PATCH",
        "X-Original-Method: DELETE",
        "X-Rewrite-Method: DELETE",
    ] {
        for (path, status) in [
            ("/auth/users/me/", 405),
            ("/auth/users/1/", 405),
            ("/auth/users/1/?_method=DELETE", 405),
            ("/auth/users/me.json?format=json&_method=DELETE", 405),
            ("/api/v1/account/1/?_method=DELETE", 405),
            ("/api/v1/account/1/remove/", 405),
            ("/me/", 405),
        ] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {access}\r\n{header}\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            );
            let answer = exchange(site.server.address, request).unwrap();
            assert_eq!(answer.status, status, "{header} {path}: {answer:?}");
        }
    }
    assert_eq!(site.server.bearer(&access).get("/me/").text("email"), "ann@example.com");
}

/// A path in a header is no path either.
#[test]
fn the_request_target_alone_counts() {
    let site = Site::new();
    for header in
        ["X-Original-URL: /healthz", "X-Rewrite-URL: /healthz", "X-Forwarded-Prefix: /x", "X-Script-Name: /auth/users"]
    {
        let request = format!("GET /auth/users/ HTTP/1.1\r\nHost: a\r\n{header}\r\nConnection: close\r\n\r\n");
        let answer = Wire::to(site.server.address).send(request).answer().unwrap();
        assert_eq!(answer.status, 401, "{header}: {answer:?}");
    }
}
