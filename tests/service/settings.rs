//! Runtime settings: bounds, units, all or none.

use authsrv::domain::error::{Entity, Error, Refusal};
use authsrv::domain::identifiers::Email;
use authsrv::domain::settings::{ALL, Kind, find};
use authsrv::service::settings::{change, get, list, reset, similar};
use serde_json::{Value, json};

use super::common::{column, holder, invalid, number, refusal, set};
use crate::support::TestApp;

fn accepts(key: &str, value: Value) -> bool {
    find(key).unwrap().accept(&value).is_ok()
}

#[test]
fn every_setting_takes_its_default_and_both_its_bounds() {
    for setting in ALL {
        assert_eq!(find(setting.key).unwrap(), setting, "in order, or it is not found");
        assert_eq!(setting.accept(&setting.default_value()).unwrap(), setting.default_value(), "{}", setting.key);
        assert!(!setting.help.is_empty() && !setting.bounds().is_empty());
        for wrong in [json!(null), json!({}), json!(-1), json!(1.5), json!(1e300), json!([1]), json!("\u{0}")] {
            assert!(setting.accept(&wrong).is_err(), "{} {wrong}", setting.key);
        }
        if let Kind::Seconds(low, high) | Kind::Count(low, high) = setting.kind {
            assert!(setting.accept(&json!(low)).is_ok() && setting.accept(&json!(high)).is_ok());
            assert!(setting.accept(&json!(high + 1)).is_err());
            assert!(low == 0 || setting.accept(&json!(low - 1)).is_err());
            assert!(setting.accept(&json!(low.to_string())).is_err(), "a number is no text");
        }
    }
}

/// D-11: the defaults.
#[test]
fn the_defaults_are_those_of_the_table() {
    let app = TestApp::new();
    let value = |key: &str| app.operate(|ctx| get(ctx, key)).unwrap().value;
    for (profile, access, refresh, session, rotates) in [
        ("rbac", 300, 86_400, 30 * 86_400, true),
        ("djoser", 300, 86_400, 30 * 86_400, false),
        ("simplejwt", 7200, 42 * 86_400, 365 * 86_400, true),
        ("pyjwt", 30, 30 * 86_400, 365 * 86_400, true),
    ] {
        assert_eq!(value(&format!("{profile}.access_lifetime")), access);
        assert_eq!(value(&format!("{profile}.refresh_lifetime")), refresh);
        assert_eq!(value(&format!("{profile}.session_lifetime")), session);
        assert_eq!(value(&format!("{profile}.rotate_refresh")), rotates);
    }
    assert_eq!((value("refresh.grace"), value("tokens.bearer_refresh")), (json!(10), json!(false)));
    assert_eq!((value("registration.mode"), value("registration.activation")), (json!("open"), json!(false)));
}

#[test]
fn times_may_be_typed_with_units() {
    let lifetime = find("rbac.refresh_lifetime").unwrap();
    for (text, seconds) in
        [("90", 90), ("90s", 90), (" 5m ", 300), ("24h", 86_400), ("30d", 2_592_000), ("6w", 3_628_800)]
    {
        assert_eq!(lifetime.accept_text(text).unwrap(), seconds, "{text}");
    }
    for wrong in [
        "",
        "s",
        "5 m",
        "-5m",
        "1.5h",
        "5y",
        "5min",
        "10м",
        "59",
        "366d",
        "99999999999999999999",
        "18446744073709551615w",
        "٣٠٠",
    ] {
        assert!(lifetime.accept_text(wrong).is_err(), "{wrong}");
    }
    let switch = find("tokens.bearer_refresh").unwrap();
    for (text, value) in [("true", true), ("yes", true), ("on", true), ("1", true), ("false", false), ("off", false)] {
        assert_eq!(switch.accept_text(text).unwrap(), value);
    }
    assert!(switch.accept_text("TRUE?").is_err());
    assert_eq!(find("sessions.per_user").unwrap().accept_text("0").unwrap(), 0);
    assert!(find("sessions.per_user").unwrap().accept_text("5m").is_err());
    assert_eq!(find("password.profile").unwrap().accept_text("nist").unwrap(), "nist");
}

#[test]
fn urls_are_scheme_host_and_port() {
    let url =
        |text: &str| find("public_url").unwrap().accept(&json!(text)).map(|value| value.as_str().unwrap().to_owned());
    for (text, kept) in [
        ("", ""),
        ("  ", ""),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://auth.example.com/", "https://auth.example.com"),
        (" HTTPS://Auth.Example.COM:8443 ", "https://auth.example.com:8443"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("https://xn--bcher-kva.example:1", "https://xn--bcher-kva.example:1"),
        ("https://a:65535", "https://a:65535"),
    ] {
        assert_eq!(url(text).unwrap(), kept, "{text:?}");
    }
    for wrong in [
        "auth.example.com",
        "//auth.example.com",
        "ftp://a",
        "javascript://a",
        "http:a",
        "http:/a",
        "http://",
        "http:///",
        "http://a/b",
        "http://a//",
        "http://a?b",
        "http://a#b",
        "http://a:b@c",
        "http://a@b",
        "http://a:",
        "http://a:0",
        "http://a:65536",
        "http://a:+80",
        "http://a:8 0",
        "http://a b",
        "http://a\nb",
        "http://a\\b",
        "http://bücher.example",
        "http://[::1",
        "http://::1",
        "http://[::1]x",
        "http://[127.0.0.1]",
        "http://[]",
        "http://[::1%25eth0]",
        "http://-a",
        "http://a-",
        "http://a..b",
        "http://.a",
        "http://a.",
        "http://a_b",
        "http://%61",
        "http://*",
        "http://a,b",
    ] {
        assert!(url(wrong).is_err(), "{wrong:?}");
    }
    assert!(url(&format!("http://{}", "a".repeat(300))).is_err());
}

#[test]
fn registration_is_open_closed_or_for_domains() {
    let mode = |value: Value| find("registration.mode").unwrap().accept(&value).ok();
    assert_eq!(mode(json!("open")), Some(json!("open")));
    assert_eq!(mode(json!("closed")), Some(json!("closed")));
    assert_eq!(mode(json!(" @Example.com, b.example ")), Some(json!(["example.com", "b.example"])));
    assert_eq!(mode(json!(["Bücher.example"])), Some(json!(["xn--bcher-kva.example"])));
    assert_eq!(
        mode(json!(["XN--bcher-kva.example", "[192.0.2.1]"])),
        Some(json!(["xn--bcher-kva.example", "[192.0.2.1]"]))
    );
    // What is taken, somebody can have an address in; whatever else would let nobody in.
    for domain in ["example.c0m", "a.1", "-a.b", "a-.example", "a_b.example", "a.b", "192.0.2.1"] {
        assert!(Email::parse(&format!("ann@{domain}")).is_err(), "{domain}");
        assert_eq!(mode(json!([domain])), None, "{domain}");
    }
    for wrong in [
        json!(""),
        json!([]),
        json!("OPEN"),
        json!("nodot"),
        json!("a..b"),
        json!("a b.c"),
        json!("a.b,"),
        json!(["a.b", 1]),
        json!("a@b.c"),
        json!("*.b.c"),
        json!(true),
    ] {
        assert_eq!(mode(wrong.clone()), None, "{wrong}");
    }
    assert!(!accepts("registration.mode", json!(vec!["a.example"; 101])));
}

#[test]
fn a_wrong_change_names_everything_and_does_nothing() {
    let app = TestApp::new();
    let changes = [
        ("refresh.grace".to_owned(), Some(json!(20))),
        ("refresh.grce".to_owned(), Some(json!(20))),
        ("rbac.access_lifetime".to_owned(), Some(json!(0))),
        ("nosuch".to_owned(), None),
        ("password.profile".to_owned(), Some(json!("DJANGO"))),
    ];
    let result = app.operate(|ctx| change(ctx, &changes));
    let Err(Error::Invalid(faults)) = &result else { panic!("{result:?}") };
    assert!(faults[0].message.contains("refresh.grace"), "{faults:?}");
    assert_eq!(
        invalid(result),
        [
            ("refresh.grce".to_owned(), "unknown"),
            ("rbac.access_lifetime".to_owned(), "invalid"),
            ("nosuch".to_owned(), "unknown"),
            ("password.profile".to_owned(), "invalid"),
        ]
    );
    assert_eq!(number(&app, "SELECT COUNT(*) FROM settings"), 0);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'settings.changed'"), 0);
}

#[test]
fn what_equals_the_default_is_not_kept() {
    let app = TestApp::new();
    let reset = |key: &str| app.operate(|ctx| change(ctx, &[(key.to_owned(), None)])).unwrap();
    set(&app, "refresh.grace", 20);
    assert!(app.operate(|ctx| get(ctx, "refresh.grace")).unwrap().changed);
    set(&app, "refresh.grace", 10);
    assert!(!app.operate(|ctx| get(ctx, "refresh.grace")).unwrap().changed);
    set(&app, "public_url", "https://a.example/");
    reset("public_url");
    reset("public_url");
    assert_eq!(number(&app, "SELECT COUNT(*) FROM settings"), 0);
    let details = column(&app, "SELECT details FROM audit WHERE action = 'settings.changed'");
    assert_eq!(details.len(), 4, "{details:?}");
    assert_eq!(details[0], r#"{"refresh.grace":{"before":10,"after":20}}"#);
}

#[test]
fn settings_are_guarded_and_named() {
    let app = TestApp::new();
    let (_, reader) = holder(&app, "reader", &["settings:read"]);
    let (_, nobody) = holder(&app, "nobody", &[]);
    let one = [("refresh.grace".to_owned(), Some(json!(1)))];
    assert_eq!(app.call(&reader, list).unwrap().len(), ALL.len());
    assert!(matches!(refusal(app.call(&reader, |ctx| change(ctx, &one))), Refusal::Lacks(_)));
    let key = ["refresh.grace".to_owned()];
    assert!(matches!(refusal(app.call(&reader, |ctx| reset(ctx, &key))), Refusal::Lacks(_)));
    assert!(matches!(refusal(app.call(&nobody, list)), Refusal::Lacks(_)));
    assert!(matches!(app.call(&reader, |ctx| get(ctx, "nosuch")), Err(Error::NotFound(Entity::Setting))));
    assert_eq!(similar("refresh.grac"), ["refresh.grace"]);
}

/// A value that an older program stored and that is not good any more has its default.
#[test]
fn what_is_stored_wrong_counts_as_the_default() {
    let app = TestApp::new();
    app.env
        .store
        .write(|tx| {
            tx.store_setting("refresh.grace", "999999", app.env.clock.now())?;
            tx.store_setting("rbac.access_lifetime", "not json", app.env.clock.now())?;
            tx.store_setting("unknown.setting", "1", app.env.clock.now())
        })
        .unwrap();
    assert_eq!(app.operate(|ctx| get(ctx, "refresh.grace")).unwrap().value, 10);
    assert_eq!(app.operate(|ctx| get(ctx, "rbac.access_lifetime")).unwrap().value, 300);

    // R-56: it can be forgotten, and the trail says what it was.
    let keys = ["unknown.setting", "refresh.grace", "rbac.access_lifetime", "sessions.per_user"].map(str::to_owned);
    let forget = || app.operate(|ctx| reset(ctx, &keys));
    assert_eq!(forget().unwrap(), [true, true, true, false]);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM settings"), 0);
    let details = column(&app, "SELECT details FROM audit WHERE action = 'settings.changed'");
    assert_eq!(
        details,
        [
            r#"{"unknown.setting":{"before":1,"after":null},"refresh.grace":{"before":999999,"after":10},"rbac.access_lifetime":{"before":"not json","after":300}}"#
        ]
    );
    assert_eq!(invalid(forget()), [("unknown.setting".to_owned(), "unknown")], "neither known nor stored");
    assert_eq!(app.operate(|ctx| reset(ctx, &keys[1..])).unwrap(), [false; 3]);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'settings.changed'"), 1);
    let unknown = [("unknown.setting".to_owned(), Some(json!(1)))];
    assert_eq!(invalid(app.operate(|ctx| change(ctx, &unknown))), [("unknown.setting".to_owned(), "unknown")]);
}
