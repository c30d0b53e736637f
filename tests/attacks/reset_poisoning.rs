//! Mallory asks for a link to Ann's mailbox with a Host of his own, so that the link leads to him.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use super::{Site, registration};
use crate::support::PATIENCE;
use crate::support::mails::newest;

/// Registers with these headers in place of a plain `Host`; gives the status line.
fn registers(site: &Site, email: &str, headers: &str) -> String {
    let body = registration(email).to_string();
    let mut stream = TcpStream::connect(site.server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "POST /register/ HTTP/1.1\r\n{headers}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn links_lead_to_the_configured_place_whatever_the_host() {
    let site = Site::new();
    let root = site.root();
    assert_eq!(root.patch("/settings/", json!({"registration.activation": true})).status, 200);
    for (public, base) in [("", "http://127.0.0.1:8000/"), ("https://auth.example.com", "https://auth.example.com/")] {
        assert_eq!(root.patch("/settings/", json!({"public_url": public})).status, 200);
        for (n, headers) in [
            "Host: evil.example",
            "Host: evil.example:80",
            "Host: a\r\nX-Forwarded-Host: evil.example",
            "Host: a\r\nX-Forwarded-Proto: evil\r\nX-Host: evil.example\r\nX-Original-URL: http://evil.example/",
            "Host: a\r\nForwarded: host=evil.example;proto=https",
            "Host: a\r\nOrigin: http://evil.example\r\nReferer: http://evil.example/",
        ]
        .iter()
        .enumerate()
        {
            let email = format!("ann{n}{}@example.com", public.len());
            let status = registers(&site, &email, headers);
            assert!(status.contains(" 201 "), "{headers}: {status}");
            let letter = newest(&site.app, "activation", &email);
            assert!(letter.link.starts_with(&format!("{base}account/activate/")), "R-48: {headers}: {}", letter.link);
            assert!(!letter.link.contains("evil"), "R-48: {headers}: {}", letter.link);
        }
    }
}
