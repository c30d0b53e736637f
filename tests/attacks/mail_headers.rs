//! Somebody whose name or address, or an administrator whose setting, holds line breaks wants mails of ours to carry
//! headers and recipients of his.

use authsrv::domain::mails::{Kind, Language, Letter};
use authsrv::domain::settings::Settings;
use authsrv::mail::open;
use authsrv::service::mails::{deliver, notice_expiry, post, prepare};
use serde_json::json;

use super::Site;
use crate::support::TestApp;
use crate::support::smtp::{MailServer, Manner};

const EVIL: &str = "x\r\nBcc: mallory@example.com\r\n\r\n<h1>Pay here</h1>";

fn app(server: &MailServer) -> TestApp {
    let app = TestApp::new();
    app.operate(|ctx| {
        let changes = [
            ("mail.transport", json!("smtp")),
            ("mail.smtp_host", json!("127.0.0.1")),
            ("mail.smtp_port", json!(server.port)),
            ("mail.smtp_security", json!("none")),
        ];
        let changes = changes.map(|(key, value)| (key.to_owned(), Some(value)));
        authsrv::service::settings::change(ctx, &changes).unwrap();
    });
    app
}

fn sent(app: &TestApp, letter: &Letter) -> u32 {
    app.operate(|ctx| {
        let prepared = prepare(ctx, letter, notice_expiry(ctx)).unwrap();
        ctx.env.store.write(|tx| post(ctx, tx, &prepared)).unwrap();
    });
    let settings = Settings::from_stored(app.env.store.read(|tx| tx.stored_settings()).unwrap()).mails();
    let transport = open(&settings, &app.env.mail).unwrap();
    deliver(&app.env, transport.as_ref(), app.env.clock.now()).unwrap()
}

fn letter(to: &str, username: &str) -> Letter {
    Letter {
        kind: Kind::PasswordReset,
        user: None,
        to: to.to_owned(),
        language: Language::En,
        username: username.to_owned(),
        link: Some("https://auth.example.com/x".to_owned()),
        token: None,
    }
}

#[test]
fn a_name_begins_no_header() {
    let server = MailServer::start(Manner::Takes);
    let app = app(&server);
    assert_eq!(sent(&app, &letter("ann@example.com", EVIL)), 1);
    let mail = server.mails().pop().unwrap();
    assert!(!mail.lines().any(|line| line.starts_with("Bcc")), "{mail}");
    assert!(!mail.contains("<h1>"), "{mail}");
}

#[test]
fn an_address_with_more_than_an_address_gets_nothing() {
    let server = MailServer::start(Manner::Takes);
    let app = app(&server);
    for to in [
        "ann@example.com\r\nBcc: mallory@example.com",
        "ann@example.com, mallory@example.com",
        "ann@example.com>\r\nRCPT TO:<mallory@example.com",
        "Mallory <mallory@example.com>",
        "",
    ] {
        assert_eq!(sent(&app, &letter(to, "ann")), 0, "{to:?}");
    }
    assert_eq!(server.mails(), [""; 0]);
}

#[test]
fn settings_take_no_line_breaks() {
    let site = Site::new();
    let root = site.root();
    for key in
        ["mail.from", "mail.site_name", "mail.smtp_host", "mail.smtp_user", "mail.folder", "djoser.activation_url"]
    {
        for value in ["a@example.com\r\nBcc: m@example.com", "/a\nb", "{uid}/{token}\n"] {
            let answer = root.patch("/settings/", json!({ key: value }));
            // White space at the ends is dropped, wherever it comes from.
            if answer.status != 400 {
                let now = answer.json()[key].as_str().unwrap().to_owned();
                assert!(!now.contains(['\r', '\n']), "{key}: {now:?}");
            }
        }
    }
}
