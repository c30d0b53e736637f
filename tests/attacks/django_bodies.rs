//! Bodies as Django takes them, turned against the server: forms, multipart, charsets, keys twice (R-8, R-47, R-51). What
//! the original is lenient about must never give power, and no body may be a fault of the server or take long.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Site;
use crate::support::PASSWORD;
use crate::support::http::Answer;

const LATE: Duration = Duration::from_secs(8);
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=xyz";
/// Where anybody may register, and what he must send.
const DOORS: [&str; 3] = ["/auth/users/", "/api/auth/users/", "/api/v1/account/"];

fn send(site: &Site, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let begun = Instant::now();
    let answer = site.server.anonymous().send("POST", path, Some((kind, body.into())));
    assert!(begun.elapsed() < LATE, "R-51: {kind}");
    assert!(answer.status < 500 || answer.status == 503, "{kind}: {answer:?}");
    answer
}

fn part(disposition: &str, value: &str) -> String {
    format!("--xyz\r\nContent-Disposition: {disposition}\r\n\r\n{value}\r\n")
}

fn named(name: &str, value: &str) -> String {
    part(&format!("form-data; name=\"{name}\""), value)
}

#[track_caller]
fn powerless(site: &Site, name: &str) {
    let account = site.app.operate(|ctx| authsrv::service::users::find(ctx, name)).unwrap();
    let user = account.user;
    assert!(!user.is_staff && !user.is_superuser && account.roles.is_empty(), "R-8: {user:?}");
}

/// Keys of power in forms, and twice: ignored, whichever comes last.
#[test]
fn no_form_gives_power() {
    let site = Site::new();
    let powers = [
        "is_superuser",
        "is_staff",
        "is_active",
        "roles",
        "groups",
        "user_permissions",
        "id",
        "pk",
        "password_hash",
        "pending",
        "user.is_superuser",
        "user[is_superuser]",
        "is_superuser[]",
    ];
    for (at, path) in DOORS.into_iter().enumerate() {
        let own = |kind: &str| (format!("{kind} {at}"), format!("{kind}{at}@example.com"));
        let (name, email) = own("form");
        let mut form = form_urlencoded::Serializer::new(String::new());
        for power in powers {
            form.append_pair(power, "1").append_pair(power, "true");
        }
        let username = name.replace(' ', "");
        form.append_pair("username", &username).append_pair("email", &email).append_pair("password", PASSWORD);
        for power in powers {
            form.append_pair(power, "1");
        }
        assert_eq!(send(&site, path, FORM, form.finish()).status, 201, "{path}");
        powerless(&site, &email);
        let (name, email) = own("part");
        let mut parts: String = powers.map(|power| named(power, "true")).concat();
        parts += &(named("username", &name.replace(' ', "")) + &named("email", &email) + &named("password", PASSWORD));
        parts += &(powers.map(|power| named(power, "true")).concat() + "--xyz--\r\n");
        assert_eq!(send(&site, path, PARTS, parts).status, 201, "{path}");
        powerless(&site, &email);
    }
}

/// The last of a key counts (R-47), in every form, for whoever checks and whoever writes.
#[test]
fn of_a_key_twice_the_last_counts() {
    let site = Site::new();
    let json = format!(
        r#"{{"username":"first","username":"ann","\u0075sername":"last","password":"x","password":"{PASSWORD}"}}"#
    );
    assert_eq!(send(&site, "/auth/users/", "application/json", json).text("username"), "last");
    let form = format!("username=first&password=x&username=second&password={PASSWORD}");
    assert_eq!(send(&site, "/auth/users/", FORM, form).text("username"), "second");
    let parts = named("username", "first")
        + &named("password", "x")
        + &named("username", "third")
        + &named("password", PASSWORD)
        + "--xyz--\r\n";
    assert_eq!(send(&site, "/auth/users/", PARTS, parts).text("username"), "third");
    let bad = format!(r#"{{"username":"fourth","password":"{PASSWORD}","password":"1"}}"#);
    assert_eq!(send(&site, "/auth/users/", "application/json", bad).status, 400, "the weak one is the last");
    let twice = format!(r#"{{"username":"fourth","password":"{PASSWORD}","username":"last"}}"#);
    assert_eq!(send(&site, "/auth/users/", "application/json", twice).status, 400, "taken is judged of the last");
}

#[test]
fn too_much_is_refused_and_much_is_borne() {
    let site = Site::new();
    for (kind, body) in [
        (FORM, "a=b&".repeat(10_000)),
        (FORM, format!("username={}", "a".repeat(3_000_000))),
        (PARTS, named("a", "b").repeat(1_000) + "--xyz--\r\n"),
        ("application/json", format!("[{}]", "0,".repeat(20_000))),
        ("application/json", "[".repeat(100_000)),
    ] {
        assert_eq!(send(&site, "/auth/users/", kind, body).status, 413, "{kind}");
    }
    let many = (0..300).map(|at| named(&format!("f{at}"), "")).collect::<String>();
    for (kind, body) in [
        (FORM, "a&".repeat(8_000)),
        (FORM, (0..2_000).map(|at| format!("k{at}=1&")).collect()),
        (PARTS, many[..15_000].to_owned()),
        (PARTS, "--xyz\r\n".repeat(2_000)),
        (PARTS, "\r\n".repeat(8_000)),
        (PARTS, format!("--xyz\r\n{}\r\n\r\n", "A: b\r\n".repeat(2_500))),
        ("application/json", "[".repeat(16_000)),
        ("application/json", "{\"a\":".repeat(3_000)),
        (
            "application/json",
            format!("{{{}\"z\":1}}", (0..1_500).map(|at| format!("\"k{at}\":1,")).collect::<String>()),
        ),
    ] {
        let answer = send(&site, "/auth/users/", kind, body);
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
    }
    site.lives();
}

/// A body that is cut off or lies about its parts is what could be read of it, or refused (0: either); a file is no text.
#[test]
fn multipart_tricks() {
    let site = Site::new();
    let whole = named("username", "ann") + &named("password", PASSWORD);
    let mixed = "form-data; name=\"username\"\r\nContent-Type: multipart/mixed; boundary=in";
    let mixed = part(mixed, "--in\r\n\r\nann\r\n--in--");
    for (at, (kind, body, status)) in [
        (PARTS.to_owned(), format!("{whole}--xyz--\r\nusername=eve"), 201),
        (PARTS.to_owned(), format!("preamble\r\n{whole}--xyz--"), 201),
        (PARTS.to_owned(), part("form-data; name=\"username\"; filename=\"a.txt\"", "eve") + &whole + "--xyz--\r\n", 0),
        (
            PARTS.to_owned(),
            whole.clone() + &part("form-data; name=\"username\"; filename=\"../../etc/passwd\"", "eve") + "--xyz--\r\n",
            0,
        ),
        (
            PARTS.to_owned(),
            whole.clone() + &part("form-data; name=\"username\"; filename=\"\"", "eve") + "--xyz--\r\n",
            0,
        ),
        (PARTS.to_owned(), whole.clone() + &part("attachment; name=\"username\"", "") + "--xyz--\r\n", 0),
        (PARTS.to_owned(), mixed + &named("password", PASSWORD) + "--xyz--\r\n", 400),
        ("multipart/form-data".to_owned(), whole.clone(), 400),
        ("multipart/form-data; boundary=".to_owned(), whole.clone(), 400),
        (format!("multipart/form-data; boundary={}", "x".repeat(5_000)), whole.clone(), 400),
        ("multipart/form-data; boundary=other".to_owned(), whole.clone(), 400),
        ("multipart/form-data; boundary=other; boundary=xyz".to_owned(), format!("{whole}--xyz--\r\n"), 0),
        ("multipart/mixed; boundary=xyz".to_owned(), whole.clone(), 415),
        ("application/json; boundary=xyz".to_owned(), whole.clone(), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let body = body.replace("ann", &format!("ann{at}"));
        let answer = send(&site, "/auth/users/", &kind, body);
        assert!(answer.status == status || status == 0, "{at} {kind}: {answer:?}");
        if answer.status == 201 {
            assert_eq!(answer.text("username"), format!("ann{at}"), "a file is no text: {answer:?}");
        }
    }
    let found = site.app.operate(|ctx| authsrv::service::users::find(ctx, "eve"));
    assert!(found.is_err(), "{found:?}");
}

/// Of two types neither counts: what a proxy judged by one must not be read by the other.
#[test]
fn two_types_are_none() {
    let site = Site::new();
    let body = json!({"username": "ann", "password": PASSWORD}).to_string();
    for types in [["application/json", "text/plain"], ["text/plain", "application/json"], ["application/json", FORM]] {
        let request = format!(
            "POST /auth/users/ HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nContent-Type: {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            types[0],
            types[1],
            body.len()
        );
        let answer = super::wire::exchange(site.server.address, request).unwrap();
        assert_eq!(answer.status, 415, "{types:?}: {answer:?}");
    }
}

/// What a charset makes of bytes is judged as any text; nothing passes a check in one form and is stored in another.
#[test]
fn charset_tricks() {
    let site = Site::new();
    site.app.superuser("root@example.com");
    let body = |name: &str| json!({"username": name, "password": PASSWORD}).to_string();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut lone = utf16(&body("aXb"));
    let at = lone.windows(2).position(|pair| pair == [b'X', 0]).unwrap();
    lone[at..at + 2].copy_from_slice(&[0x00, 0xd8]);
    for (kind, bytes) in [
        ("application/json; charset=utf-16le", lone),
        ("application/json; charset=utf-16le", utf16(&body("a\u{0}b"))),
        ("application/json; charset=utf-16le", body("eve").into_bytes()),
        ("application/json; charset=utf-7", body("+AGUAdgBl-\u{1}").into_bytes()),
        ("application/json; charset=iso-2022-kr", body("eve").into_bytes()),
        ("application/json; charset=hz-gb-2312", body("eve").into_bytes()),
        ("application/json; charset=utf-32", body("eve").into_bytes()[..9].to_vec()),
        ("application/json", b"{\"username\":\"\xff\xfe\",\"password\":\"x\"}".to_vec()),
        ("application/json", b"{\"username\":\"\xed\xa0\x80\",\"password\":\"x\"}".to_vec()),
        ("application/json", br#"{"username":"\ud800","password":"Tr0ub4dor-and-3"}"#.to_vec()),
        ("application/json", "\u{feff}{}".into()),
        (FORM, b"username=%00&password=Tr0ub4dor-and-3".to_vec()),
        (FORM, b"username=a%00b&password=Tr0ub4dor-and-3".to_vec()),
        (FORM, b"username=%ff&password=Tr0ub4dor-and-3".to_vec()),
        (FORM, b"username=%ed%a0%80&password=Tr0ub4dor-and-3".to_vec()),
        (FORM, b"username=\xff\xfe&password=Tr0ub4dor-and-3".to_vec()),
        (FORM, b"username;password=%%%&&&==".to_vec()),
        (PARTS, [b"--xyz\r\nContent-Disposition: form-data; name=\"username\"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n".as_slice(), b"\xff\x00", b"\r\n--xyz--\r\n"].concat()),
    ] {
        let answer = send(&site, "/auth/users/", kind, bytes.clone());
        assert_eq!(answer.status, 400, "{kind} {:?}: {answer:?}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(site.root().get("/users/").json()["count"], 1, "nobody was made");
}

/// A form is no way around the guards of pages of other origins: a signed-in caller needs his header (R-43).
#[test]
fn a_form_of_another_page_has_no_caller() {
    let site = Site::new();
    site.app.user("ann@example.com", &[]);
    let access = site.server.sign_in("ann@example.com").access;
    for (path, body) in [
        ("/auth/users/set_password/", format!("new_password=An0ther-of-mine&current_password={PASSWORD}")),
        ("/auth/users/me/", format!("current_password={PASSWORD}")),
        ("/auth/token/logout/", format!("access={access}&Authorization=Bearer%20{access}")),
    ] {
        let answer = send(&site, &format!("{path}?access_token={access}&token={access}"), FORM, body);
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
}

/// Nothing of a body that fails is written to a log or told (R-53), though it is judged in many ways.
#[test]
fn refusals_quote_no_secret() {
    let site = Site::new();
    let secret = "S3cret-of-Ann-77";
    for (kind, body) in [
        ("application/json", format!(r#"{{"username":"ann","password":"{secret}""#)),
        ("application/json", format!(r#"{{"username":{{}},"password":["{secret}"]}}"#)),
        (FORM, format!("password={secret}&username=")),
        (PARTS, named("password", secret)),
        ("text/plain", secret.to_owned()),
    ] {
        for path in DOORS.into_iter().chain(["/api/token/", "/api-token-auth/", "/auth/token/login/"]) {
            let answer = send(&site, path, kind, body.clone());
            assert!([400, 415].contains(&answer.status), "{path} {kind}: {answer:?}");
            assert!(!String::from_utf8_lossy(&answer.body).contains(secret), "R-53: {path} {kind}: {answer:?}");
        }
    }
}
