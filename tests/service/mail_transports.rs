//! The ways out for mails: a mail server, a folder; and what is refused before anything is connected to.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use authsrv::domain::mails::{Kind, Language, Letter, Status};
use authsrv::domain::pages::Listing;
use authsrv::mail::{Failure, Transport, open};
use authsrv::service::Office;
use authsrv::service::doctor::Level;
use authsrv::service::mails::{self, deliver};

use super::common::set;
use super::mails::{letter, posted};
use super::place::Place;
use crate::support::TestApp;
use crate::support::smtp::{MailServer, Manner};

fn way_out(app: &TestApp, office: &Office) -> Result<Box<dyn Transport>, Failure> {
    let stored = app.env.store.read(|tx| tx.stored_settings()).unwrap();
    open(&authsrv::domain::settings::Settings::from_stored(stored).mails(), office)
}

/// A program with a mail in its outbox that goes to this server.
fn by(server: &MailServer) -> TestApp {
    let app = TestApp::new();
    set(&app, "mail.transport", "smtp");
    set(&app, "mail.smtp_host", "127.0.0.1");
    set(&app, "mail.smtp_port", server.port);
    set(&app, "mail.smtp_security", "none");
    let ann = app.user("ann@example.com", &[]);
    posted(&app, &letter(Kind::Activation, ann));
    app
}

fn delivered(app: &TestApp) -> (u32, Status, Option<String>) {
    let transport = way_out(app, &Office::default()).unwrap();
    let sent = deliver(&app.env, transport.as_ref(), app.env.clock.now()).unwrap();
    let listing = Listing { limit: 1, ..Listing::default() };
    let mail = app.operate(|ctx| mails::list(ctx, &listing, None)).unwrap().items.pop().unwrap();
    (sent, mail.status, mail.last_error)
}

#[test]
fn a_mail_server_gets_a_whole_mail() {
    let server = MailServer::start(Manner::Takes);
    let app = by(&server);
    set(&app, "mail.from", "Example <no-reply@example.com>");
    assert_eq!(delivered(&app), (1, Status::Sent, None));
    let [mail] = &server.mails()[..] else { panic!() };
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    for line in [
        "From: Example <no-reply@example.com>",
        "To: ann@example.com",
        "Subject: Account activation on authsrv",
        "Auto-Submitted: auto-generated",
        "Date: Fri, 02 Jan 2026 03:04:05 +0000",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|there| there == line), "{line}: {head}");
    }
    let name = head.lines().find(|line| line.starts_with("Message-ID: <")).unwrap();
    assert!(name.ends_with("@example.com>"), "{name}");
    assert!(head.contains("multipart/alternative"), "{head}");
    assert!(body.contains("text/plain") && body.contains("text/html"), "{body}");
}

#[test]
fn a_refusal_for_good_is_told_from_one_for_now() {
    for (answer, status) in [("550 5.1.1 no such user", Status::Failed), ("451 4.7.1 come back later", Status::Queued)]
    {
        let (sent, now, error) = delivered(&by(&MailServer::start(Manner::Refuses(answer))));
        assert_eq!((sent, now), (0, status), "{error:?}");
        assert!(error.unwrap().contains(&answer[4..9]), "{answer}");
    }
    // What is wrong with us is not the mail's fault.
    let (_, status, _) = delivered(&by(&MailServer::start(Manner::Refuses("530 5.7.0 Authentication required"))));
    assert_eq!(status, Status::Queued);
    let gone = by(&MailServer::start(Manner::Takes));
    set(&gone, "mail.smtp_port", 1);
    assert_eq!(delivered(&gone).1, Status::Queued);
}

/// a server quotes the link that it does not like; neither the log nor the outbox repeats it.
#[test]
fn a_link_that_a_server_quotes_is_not_kept() {
    let (_, _, error) = delivered(&by(&MailServer::start(Manner::Refuses(
        "550 5.7.1 bad link https://auth.example.com/account/activate/MQ/Einmal-Wort-7751/ in it",
    ))));
    let error = error.unwrap();
    assert!(error.contains("bad link") && !error.contains("Einmal-Wort"), "{error}");
}

/// A domain in any script gets its mail by its ASCII form.
#[test]
fn an_international_domain_is_reached() {
    let server = MailServer::start(Manner::Takes);
    let app = by(&server);
    let ann = app.user("ann@пример.рф", &[]);
    posted(&app, &Letter { to: "ann@пример.рф".to_owned(), ..letter(Kind::Activation, ann) });
    delivered(&app);
    assert!(server.mails()[1].contains("To: ann@xn--e1afmkfd.xn--p1ai\r\n"), "{:?}", server.mails());
}

/// A server that offers no encryption gets nothing, neither mail nor password.
#[test]
fn without_encryption_nothing_is_sent() {
    let server = MailServer::start(Manner::Takes);
    let app = by(&server);
    set(&app, "mail.smtp_security", "starttls");
    let (sent, status, error) = delivered(&app);
    assert_eq!((sent, status), (0, Status::Queued));
    assert!(error.as_deref().is_some_and(|error| error.to_lowercase().contains("starttls")), "{error:?}");
    set(&app, "mail.smtp_security", "tls");
    app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(delivered(&app).0, 0);
    assert_eq!(server.mails(), [""; 0]);
}

#[test]
fn settings_that_cannot_work_are_told_by_name() {
    let app = TestApp::new();
    let says = |office: &Office, text: &str| {
        let failure = way_out(&app, office).err().unwrap_or_else(|| panic!("{text}"));
        assert!(failure.text.contains(text) && !failure.permanent, "{failure:?}");
        assert!(!failure.advice.is_empty(), "{failure:?}");
    };
    let none = Office::default();
    assert!(way_out(&app, &none).is_ok(), "the log");
    set(&app, "mail.transport", "folder");
    says(&none, "mail.folder is not set");
    set(&app, "mail.transport", "smtp");
    says(&none, "mail.smtp_host is not set");
    set(&app, "mail.smtp_host", "mail.example.com");
    assert!(way_out(&app, &none).is_ok());
    set(&app, "mail.smtp_security", "none");
    says(&none, "another machine");
    set(&app, "mail.smtp_security", "starttls");
    set(&app, "mail.smtp_user", "me");
    says(&none, "there is no password");
    let file = app.folder.path().join("password");
    let office = Office::new(Some(file.clone()));
    says(&office, "cannot be read");
    fs::write(&file, "Geheim-1184\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    says(&office, "open to others (mode 0640)");
    assert!(office.check().is_err());
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(way_out(&app, &office).is_ok() && office.check().is_ok());
    fs::write(&file, "\n").unwrap();
    says(&office, "not one line");
    set(&app, "mail.from", "nobody");
    says(&office, "mail.from");
}

#[test]
fn a_folder_gets_a_file_for_each_mail() {
    let app = TestApp::new();
    let folder = app.folder.path().join("mails/out");
    set(&app, "mail.transport", "folder");
    set(&app, "mail.folder", folder.to_str().unwrap());
    set(&app, "mail.site_name", "Музей");
    let ann = app.user("ann@example.com", &[]);
    posted(&app, &Letter { language: Language::Ru, ..letter(Kind::Activation, ann) });
    posted(&app, &letter(Kind::PasswordChanged, ann));
    assert_eq!(delivered(&app).0, 2);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(file.extension().is_some_and(|end| end == "eml"));
    }
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    // Nothing but ASCII goes over the wire, in headers and bodies.
    let mail = fs::read_to_string(&files[0]).unwrap();
    assert!(mail.is_ascii() && mail.contains("Subject: =?utf-8?b?"), "{mail}");
    assert!(mail.contains("charset=utf-8") && mail.contains("Content-Transfer-Encoding: "), "{mail}");
}

/// Everything about mails that a deployment should know.
#[test]
fn doctor_names_what_keeps_mails_from_arriving() {
    let place = Place::new();
    let ctx = place.ctx();
    let set = |key: &str, value: serde_json::Value| {
        authsrv::service::settings::change(&ctx, &[(key.to_owned(), Some(value))]).unwrap();
    };
    let facts = authsrv::service::doctor::Facts {
        database: place.database(),
        files: Vec::new(),
        master_key: place.env.master.path().to_owned(),
        ..Default::default()
    };
    let has = |level: Level, subject: &str, text: &str| {
        let found = authsrv::service::doctor::examine(&place.ctx(), &facts).unwrap();
        let there = found.iter().any(|f| (f.level, f.subject) == (level, subject) && f.text.contains(text));
        assert!(there, "{subject}: {found:?}");
    };
    has(Level::Note, "mail.transport", "for development");
    set("registration.activation", true.into());
    has(Level::Warning, "mail.transport", "reaches nobody");
    set("mail.transport", "smtp".into());
    has(Level::Problem, "mail.transport", "mail.smtp_host");
    set("mail.smtp_host", "mail.example.com".into());
    has(Level::Ok, "mail.transport", "mail.example.com");
    has(Level::Problem, "public_url", "links in mails");
    set("public_url", "https://auth.example.com".into());
    has(Level::Ok, "public_url", "https://auth.example.com");
    place.run(
        "INSERT INTO outbox (kind, recipient, status, sealed, next_attempt_at, created_at, expires_at)
         VALUES ('test', 'a@example.com', 'queued', x'00', 0, 0, 0)",
    );
    has(Level::Warning, "mails", "1 waiting, the oldest since 1970-01-01T00:00:00Z: no server");
    set("mail.templates", "/nowhere/at/all".into());
    has(Level::Warning, "mail.templates", "not a folder");
}
