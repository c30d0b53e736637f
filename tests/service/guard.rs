//! How often somebody may guess, by the test's clock (R-9 … R-13, E.3): the schedule, what counts together, what a success
//! changes, who is exempt, and what survives restarts and clocks that step.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use authsrv::domain::error::{Error, Reason};
use authsrv::domain::guard::{Bucket, Device};
use authsrv::domain::identifiers::{Email, Phone, Username};
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::NewUser;
use authsrv::service::guard::{self, COUNTS_MAX, Range, Those};
use authsrv::service::{Actor, Env, Origin, api_tokens, login, me, recovery, tokens, users};

use super::common::{actor, column, number, patch, set};
use crate::support::mails::newest;
use crate::support::{PASSWORD, TestApp, origin};

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    In,
    Refused,
    /// Seconds to wait, rounded up.
    Limited(u64),
}

fn came<T>(result: Result<T, Error>) -> Came {
    match result.map(drop) {
        Ok(()) => Came::In,
        Err(Error::Unauthenticated(Reason::BadCredentials) | Error::Invalid(_)) => Came::Refused,
        Err(Error::TooMany { retry_after }) => Came::Limited(retry_after.as_secs_f64().ceil() as u64),
        Err(other) => panic!("{other:?}"),
    }
}

/// An address of its own for each number.
fn address(n: u32) -> IpAddr {
    IpAddr::from([10, (n >> 8) as u8, n as u8, 1])
}

/// One sign-in from an address, perhaps by a device; and the credential that it gives.
fn try_from(env: &Env, who: &str, password: &str, (from, device): (IpAddr, Option<&Device>)) -> (Came, Option<Device>) {
    let origin = Origin { address: Some(from), device: device.cloned(), ..origin() };
    let ctx = env.ctx(&Actor::Anonymous, &origin);
    let came = came(login::login(&ctx, who, password, Profile::Rbac));
    (came, ctx.device_given())
}

/// A wrong password from an address that nobody else has.
fn guess(app: &TestApp, who: &str, n: u32) -> Came {
    try_from(&app.env, who, "Wrong-1-password", (address(n), None)).0
}

/// Both parts of the link that was mailed to Ann last.
fn newest_link(app: &TestApp) -> (String, String) {
    let letter = newest(app, "password_reset", "ann@example.com");
    (letter.uid().to_owned(), letter.token().to_owned())
}

fn later(app: &TestApp, seconds: u64) {
    app.clock.advance(Duration::from_secs(seconds));
}

fn device_of(app: &TestApp, who: &str) -> Device {
    try_from(&app.env, who, PASSWORD, (address(60_000), None)).1.expect("a sign-in gives a device credential")
}

/// five guesses are free, then the pauses double to a quarter of an hour; whoever comes too early waits no longer.
#[test]
fn pauses_between_guesses_double_to_a_quarter_of_an_hour() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    for who in ["ann@example.com", "nobody@example.com"] {
        for n in 0..5 {
            assert_eq!(guess(&app, who, n), Came::Refused, "{who}");
        }
        for (n, pause) in [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900].into_iter().enumerate() {
            for _ in 0..3 {
                assert_eq!(guess(&app, who, 5), Came::Limited(pause), "{who}, pause {n}");
            }
            later(&app, pause - 1);
            assert_eq!(guess(&app, who, 5), Came::Limited(1), "{who}: knocking prolongs nothing");
            later(&app, 1);
            assert_eq!(guess(&app, who, 100 + n as u32), Came::Refused, "{who}: after {pause} s");
        }
    }
}

/// 100 guesses a day, whatever pauses are waited for, and not for good.
#[test]
fn a_hundred_guesses_a_day_are_the_end() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let mut judged = 0;
    for n in 0..24 * 60 {
        while guess(&app, "ann@example.com", n) == Came::Refused {
            judged += 1;
        }
        later(&app, 60);
    }
    assert!((90..=100).contains(&judged), "{judged} guesses in a day");
    set(&app, "guard.account_free", 0);
    while guess(&app, "ann@example.com", 5_000) == Came::Refused {}
    let Came::Limited(wait) = guess(&app, "ann@example.com", 5_001) else { panic!("100 a day") };
    assert!(wait <= 86_400, "{wait}");
    later(&app, 86_400);
    assert_eq!(guess(&app, "ann@example.com", 5_002), Came::Refused, "nothing is for good");
}

#[test]
fn five_are_free_again_after_a_quarter_of_an_hour() {
    let app = TestApp::new();
    for _ in 0..2 {
        for n in 0..5 {
            assert_eq!(guess(&app, "ann@example.com", n), Came::Refused);
        }
        assert_eq!(guess(&app, "ann@example.com", 9), Came::Limited(5));
        later(&app, 900);
    }
}

/// R-9, D-15: one account, by whatever name and at whatever door.
#[test]
fn spellings_names_and_doors_count_together() {
    let app = TestApp::new();
    let id = app.account(
        NewUser {
            email: Some(Email::parse("ann@example.com").unwrap()),
            phone: Some(Phone::parse("+71234567890").unwrap()),
            username: Some(Username::parse("Ann Lee").unwrap()),
            is_active: true,
            ..NewUser::default()
        },
        &[],
    );
    let signed_in = actor(&app, "ann@example.com");
    assert_eq!(guess(&app, "ANN@Example.com ", 1), Came::Refused);
    assert_eq!(guess(&app, "+7 (123) 456-78-90", 2), Came::Refused);
    let token = app.call(&Actor::Anonymous, |ctx| api_tokens::login_token(ctx, "ann  LEE", "wrong"));
    assert_eq!(came(token), Came::Refused);
    assert_eq!(came(app.call(&signed_in, |ctx| me::check_password(ctx, "wrong"))), Came::Refused);
    assert_eq!(came(app.call(&signed_in, |ctx| me::delete(ctx, "wrong"))), Came::Refused);
    assert_eq!(guess(&app, "ann lee", 3), Came::Limited(5));
    let new = || Password::parse("new_password", "another horse 9").unwrap();
    let locked = |what| assert_eq!(what, Came::Limited(5));
    locked(came(app.call(&signed_in, |ctx| me::change_password(ctx, PASSWORD, new()))));
    locked(came(app.call(&signed_in, |ctx| me::set_username(ctx, PASSWORD, Username::parse("x").unwrap()))));
    locked(came(app.call(&signed_in, |ctx| users::delete_by(ctx, id, PASSWORD))));
    let own =
        users::AccountPatch { password: Some(Password::parse("password", "wrong").unwrap()), ..Default::default() };
    locked(came(app.call(&signed_in, |ctx| users::change_all(ctx, id, own))));
    // So does every spelling of a name that nobody has.
    for who in
        ["Nobody@Example.com", " nobody@example.com", "NOBODY@EXAMPLE.COM", "nobody@example.com", "nobody@example.COM"]
    {
        assert_eq!(guess(&app, who, 4), Came::Refused);
    }
    assert_eq!(guess(&app, "nobody@example.com", 5), Came::Limited(5));
}

/// A success takes back its own attempt and nothing else.
#[test]
fn a_success_changes_nothing_for_guesses_before_and_after_it() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    for n in 0..4 {
        assert_eq!(guess(&app, "ann@example.com", n), Came::Refused);
    }
    for n in 10..40 {
        let (came, _) = try_from(&app.env, "ann@example.com", PASSWORD, (address(n), None));
        assert_eq!(came, Came::In, "right passwords are no guesses");
    }
    assert_eq!(guess(&app, "ann@example.com", 5), Came::Refused);
    assert_eq!(guess(&app, "ann@example.com", 6), Came::Limited(5), "the four before the successes still count");
    let (came, _) = try_from(&app.env, "ann@example.com", PASSWORD, (address(7), None));
    assert_eq!(came, Came::Limited(5), "a right password is not even looked at");
}

/// 20 from an address, 200 from a network, whatever accounts they are about, and an own account does not help.
#[test]
fn addresses_and_networks_have_budgets_that_no_success_renews() {
    let app = TestApp::new();
    app.user("mallory@example.com", &[]);
    let from = IpAddr::from([198, 51, 100, 9]);
    for n in 0..20 {
        let (in_between, _) = try_from(&app.env, "mallory@example.com", PASSWORD, (from, None));
        assert_eq!(in_between, Came::In, "{n}");
        assert_eq!(try_from(&app.env, &format!("victim{n}@example.com"), "x", (from, None)).0, Came::Refused, "{n}");
    }
    assert_eq!(try_from(&app.env, "mallory@example.com", PASSWORD, (from, None)).0, Came::Limited(600));
    for n in 0..180 {
        let neighbour = IpAddr::from([198, 51, 100, 10 + (n / 19) as u8]);
        assert_eq!(
            try_from(&app.env, &format!("other{n}@example.com"), "x", (neighbour, None)).0,
            Came::Refused,
            "{n}"
        );
    }
    let fresh = IpAddr::from([198, 51, 100, 200]);
    assert_eq!(try_from(&app.env, "ann@example.com", "x", (fresh, None)).0, Came::Limited(3600));
    assert_eq!(try_from(&app.env, "ann@example.com", "x", (IpAddr::from([198, 51, 101, 1]), None)).0, Came::Refused);
    later(&app, 3600);
    assert_eq!(try_from(&app.env, "ann@example.com", "x", (from, None)).0, Came::Refused);
}

#[test]
fn of_ipv6_a_household_and_a_site_count_as_one() {
    let app = TestApp::new();
    let from = |text: &str| (text.parse().unwrap(), None);
    for n in 0..20 {
        let came = try_from(&app.env, &format!("a{n}@example.com"), "x", from(&format!("2001:db8:1:2::{n}"))).0;
        assert_eq!(came, Came::Refused);
    }
    assert_eq!(try_from(&app.env, "b@example.com", "x", from("2001:db8:1:2:ffff::1")).0, Came::Limited(600));
    assert_eq!(try_from(&app.env, "b@example.com", "x", from("2001:db8:1:3::1")).0, Came::Refused);
    for n in 0..20 {
        let came = try_from(&app.env, &format!("c{n}@example.com"), "x", from("192.0.2.99")).0;
        assert_eq!(came, Came::Refused);
    }
    assert_eq!(try_from(&app.env, "d@example.com", "x", from("::ffff:192.0.2.99")).0, Came::Limited(600));
}

/// whoever has signed in before is not kept out by those who guess, neither at his account nor from his address.
#[test]
fn a_known_device_has_a_budget_of_its_own() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let device = device_of(&app, "ann@example.com");
    let home = address(1);
    while try_from(&app.env, "ann@example.com", "x", (home, None)).0 == Came::Refused {}
    for n in 0..30 {
        try_from(&app.env, &format!("nobody{n}@example.com"), "x", (home, None));
    }
    assert_eq!(try_from(&app.env, "ann@example.com", PASSWORD, (home, None)).0, Came::Limited(600));
    for _ in 0..9 {
        assert_eq!(try_from(&app.env, "ann@example.com", "typo", (home, Some(&device))).0, Came::Refused);
    }
    let (came, renewed) = try_from(&app.env, "ann@example.com", PASSWORD, (home, Some(&device)));
    assert_eq!(came, Came::In);
    // The next credential is of the same device: a success does not renew its budget.
    assert_eq!(try_from(&app.env, "ann@example.com", "typo", (home, renewed.as_ref())).0, Came::Refused);
    assert_eq!(try_from(&app.env, "ann@example.com", PASSWORD, (home, renewed.as_ref())).0, Came::Limited(600));
    later(&app, 3600);
    let (came, _) = try_from(&app.env, "ann@example.com", PASSWORD, (address(2), renewed.as_ref()));
    assert_eq!(came, Came::In);
    assert_eq!(number(&app, "SELECT count(*) FROM audit WHERE action = 'device.distrusted'"), 1);
    // What lost trust has lost it for good, and its sign-in begins with another.
    while try_from(&app.env, "ann@example.com", "x", (address(3), None)).0 == Came::Refused {}
    assert!(matches!(
        try_from(&app.env, "ann@example.com", PASSWORD, (address(4), renewed.as_ref())).0,
        Came::Limited(_)
    ));
}

#[test]
fn credentials_of_others_old_ones_and_broken_ones_are_none() {
    let app = TestApp::new();
    let (ann, _) = (app.user("ann@example.com", &[]), app.user("bob@example.com", &[]));
    let device = device_of(&app, "ann@example.com");
    let limited = |device: &Device| {
        let came = try_from(&app.env, "ann@example.com", PASSWORD, (address(9), Some(device))).0;
        matches!(came, Came::Limited(_))
    };
    while guess(&app, "ann@example.com", 1) == Came::Refused {}
    assert!(!limited(&device));
    let text = &device.0;
    let mut others = vec![
        device_of(&app, "bob@example.com"),
        Device(text[..text.len() - 1].to_owned()),
        Device(format!("{text}A")),
        Device(format!("{text}=")),
        Device(text.to_ascii_lowercase()),
        Device(String::new()),
        Device("x".to_owned()),
    ];
    for at in [0, 11, 20, 40, 84] {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        others.push(Device(String::from_utf8(changed).unwrap()));
    }
    for other in &others {
        assert!(limited(other), "{}", other.0);
    }
    // It dies with the password, and after 180 days.
    later(&app, 86_400);
    while guess(&app, "ann@example.com", 2) == Came::Refused {}
    let same = Some(Password::parse("password", PASSWORD).unwrap());
    patch(&app, ann, users::AccountPatch { password: same, ..Default::default() });
    assert_eq!(guess(&app, "ann@example.com", 4), Came::Refused, "a new password forgives the guesses at the old one");
    while guess(&app, "ann@example.com", 5) == Came::Refused {}
    assert!(limited(&device), "the same password again is another one");
    later(&app, 86_400);
    let device = device_of(&app, "ann@example.com");
    later(&app, 180 * 86_400 - 10);
    while guess(&app, "ann@example.com", 3) == Came::Refused {}
    assert!(!limited(&device));
    later(&app, 10);
    while guess(&app, "ann@example.com", 3) == Came::Refused {}
    assert!(limited(&device), "E.2: 180 days");
}

/// a mailed link sets a password, and that password lets its owner in, whoever guesses.
#[test]
fn a_password_set_by_mail_ends_the_wait() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    while guess(&app, "ann@example.com", 1) == Came::Refused {}
    let email = Email::parse("ann@example.com").unwrap();
    assert!(app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &email)).unwrap());
    let (uid, token) = newest_link(&app);
    let origin = Origin { address: Some(address(7)), ..origin() };
    let ctx = app.env.ctx(&Actor::Anonymous, &origin);
    let new = Password::parse("password", "another horse 9").unwrap();
    recovery::reset_password(&ctx, &uid, &token, new).unwrap();
    let device = ctx.device_given();
    assert_eq!(try_from(&app.env, "ann@example.com", "another horse 9", (address(8), None)).0, Came::In);
    while guess(&app, "ann@example.com", 2) == Came::Refused {}
    let (came, _) = try_from(&app.env, "ann@example.com", "another horse 9", (address(8), device.as_ref()));
    assert_eq!(came, Came::In, "by the credential that the reset gave");
}

/// Counts are in the file: a second program and a restart know them.
#[test]
fn counts_outlive_the_program() {
    let app = TestApp::new();
    let wrong = |env: &Env, n| try_from(env, "ann@example.com", "x", (address(n), None)).0;
    for n in 0..5 {
        let env = app.second();
        assert_eq!(wrong(&env, n), Came::Refused);
    }
    assert_eq!(wrong(&app.second(), 9), Came::Limited(5));
    assert_eq!(wrong(&app.env, 9), Came::Limited(5));
}

/// A clock that is put back neither opens nor prolongs anything.
#[test]
fn a_clock_that_steps_neither_opens_nor_locks() {
    let app = TestApp::new();
    for n in 0..5 {
        guess(&app, "ann@example.com", n);
    }
    app.clock.step_back(Duration::from_secs(365 * 86_400));
    assert_eq!(guess(&app, "ann@example.com", 9), Came::Limited(5), "it opens nothing");
    later(&app, 5);
    assert_eq!(guess(&app, "ann@example.com", 9), Came::Refused, "nor prolongs it by a year");
    assert_eq!(guess(&app, "ann@example.com", 9), Came::Limited(10));
    later(&app, 2 * 365 * 86_400);
    for n in 0..5 {
        assert_eq!(guess(&app, "ann@example.com", n), Came::Refused);
    }
    assert_eq!(guess(&app, "ann@example.com", 9), Came::Limited(5));
}

/// who cannot be counted is not let in.
#[test]
fn nobody_is_let_in_uncounted() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let raw = rusqlite::Connection::open(app.folder.path().join("authsrv.db")).unwrap();
    raw.execute_batch("CREATE TRIGGER no BEFORE INSERT ON guard BEGIN SELECT RAISE(ABORT, 'no'); END").unwrap();
    for who in ["ann@example.com", "nobody@example.com"] {
        let refused = app.call(&Actor::Anonymous, |ctx| login::login(ctx, who, PASSWORD, Profile::Rbac));
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    }
    raw.execute_batch("DROP TRIGGER no").unwrap();
    app.sign_in("ann@example.com");
    assert_eq!(number(&app, "SELECT count(*) FROM guard"), 0, "a success leaves nothing behind");
}

/// Names are made up faster than accounts: the table has an end, and names beyond it share counts.
#[test]
fn a_full_table_gives_nobody_a_fresh_start() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    guess(&app, "early@example.com", 1);
    let raw = rusqlite::Connection::open(app.folder.path().join("authsrv.db")).unwrap();
    let never = i64::MAX / 2;
    raw.execute_batch(&format!(
        "INSERT INTO guard (bucket, subject, times, expires_at)
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {COUNTS_MAX})
         SELECT 'account', 'name ' || x, x'', {never} FROM n"
    ))
    .unwrap();
    set(&app, "guard.address", 0);
    set(&app, "guard.network", 0);
    for who in ["ann@example.com", "late@example.com", "early@example.com"] {
        let free = if who.starts_with("early") { 4 } else { 5 };
        for _ in 0..free {
            assert_eq!(guess(&app, who, 1), Came::Refused, "{who}");
        }
        assert_eq!(guess(&app, who, 1), Came::Limited(5), "{who}");
    }
    let shared = column(&app, "SELECT subject FROM guard WHERE subject LIKE 'shared %'");
    assert_eq!(shared.len(), 2, "{shared:?}");
    assert_eq!(number(&app, "SELECT count(*) FROM audit WHERE action = 'guard.limiter_full'"), 1, "once an hour");
    let id = app.operate(|ctx| users::find(ctx, "ann@example.com")).unwrap().user.id;
    app.operate(|ctx| guard::clear(ctx, &Those::User(id))).unwrap();
    assert_eq!(guess(&app, "ann@example.com", 1), Came::Refused);
}

/// What matters no more leaves by itself.
#[test]
fn counts_that_are_over_are_deleted() {
    let app = TestApp::new();
    for n in 0..50 {
        guess(&app, &format!("nobody{n}@example.com"), n * 256);
    }
    assert!(number(&app, "SELECT count(*) FROM guard") > 100);
    later(&app, 86_400);
    for n in 0..50 {
        guess(&app, "ann@example.com", n);
        later(&app, 3600);
    }
    assert!(number(&app, "SELECT count(*) FROM guard") < 10);
}

#[test]
fn what_is_limited_is_listed_and_lifted() {
    let app = TestApp::new();
    let ann = app.user("ann@example.com", &[]);
    while guess(&app, "ann@example.com", 1) == Came::Refused {}
    while guess(&app, "nobody@example.com", 2) == Came::Refused {}
    for n in 0..20 {
        try_from(&app.env, &format!("x{n}@example.com"), "x", (address(3), None));
    }
    let listed = app.operate(|ctx| guard::list(ctx, Range::Limited)).unwrap();
    let told: Vec<_> = listed.iter().map(|one| (one.bucket, one.user.clone(), one.attempts, one.address)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.contains(&(Bucket::Account, Some((ann, Some("ann@example.com".to_owned()))), 5, Some(address(1)))));
    assert!(told.contains(&(Bucket::Address, None, 20, Some(address(3)))));
    assert!(listed.iter().all(|one| one.until.is_some_and(|until| until > app.env.clock.now())));
    assert!(!format!("{listed:?}").contains("nobody"), "names that nobody has may be passwords: {listed:?}");
    assert!(app.operate(|ctx| guard::list(ctx, Range::Counted)).unwrap().len() > 20);

    assert_eq!(app.operate(|ctx| guard::clear(ctx, &Those::User(ann))).unwrap(), 1);
    assert_eq!(guess(&app, "ann@example.com", 1), Came::Refused);
    assert_eq!(app.operate(|ctx| guard::clear(ctx, &Those::Name("NOBODY@example.com".to_owned()))).unwrap(), 1);
    assert_eq!(guess(&app, "nobody@example.com", 1), Came::Refused);
    assert_eq!(app.operate(|ctx| guard::clear(ctx, &Those::Address(address(3)))).unwrap(), 2);
    assert_eq!(try_from(&app.env, "y@example.com", "x", (address(3), None)).0, Came::Refused);
    assert!(app.operate(|ctx| guard::clear(ctx, &Those::All)).unwrap() > 10);
    assert_eq!(app.operate(|ctx| guard::list(ctx, Range::Counted)).unwrap(), []);
    assert_eq!(number(&app, "SELECT count(*) FROM audit WHERE action = 'guard.cleared'"), 4);
    let user = actor(&app, "ann@example.com");
    assert!(matches!(app.call(&user, |ctx| guard::clear(ctx, &Those::All)), Err(Error::Forbidden(_))));
    assert!(matches!(app.call(&user, |ctx| guard::list(ctx, Range::Limited)), Err(Error::Forbidden(_))));
}

/// E.3: a mail a minute and five an hour to one account; the answer is the same.
#[test]
fn few_mails_go_to_one_account() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    set(&app, "guard.mail_per_address", 0);
    let email = Email::parse("ann@example.com").unwrap();
    let ask = || app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &email)).unwrap();
    let mails =
        || number(&app, "SELECT count(*) FROM audit WHERE action = 'password_reset.requested' AND result = 'ok'");
    assert!(ask() && ask() && ask());
    assert_eq!(mails(), 1, "one a minute");
    let (uid, token) = newest_link(&app);
    for _ in 0..20 {
        later(&app, 60);
        assert!(ask());
    }
    assert_eq!(mails(), 5, "five an hour");
    later(&app, 3600);
    assert!(ask());
    assert_eq!(mails(), 6);
    let results: BTreeSet<String> =
        column(&app, "SELECT result FROM audit WHERE action = 'password_reset.requested'").into_iter().collect();
    assert_eq!(results.into_iter().collect::<Vec<_>>(), ["limited", "ok"]);
    let old = app.call(&Actor::Anonymous, |ctx| {
        recovery::reset_password(ctx, &uid, &token, Password::parse("password", "another horse 9").unwrap())
    });
    assert!(old.is_err(), "the newest link alone is good");
}

/// E.3: 20 mails an hour from one address, whoever they are for.
#[test]
fn few_mails_are_asked_for_from_one_address() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let ask = |n: u32| {
        let email = Email::parse(&format!("nobody{n}@example.com")).unwrap();
        app.call(&Actor::Anonymous, |ctx| recovery::request_password_reset(ctx, &email))
    };
    for n in 0..20 {
        assert!(!ask(n).unwrap());
    }
    assert_eq!(came(ask(21)), Came::Limited(3600));
    later(&app, 3600);
    assert!(!ask(22).unwrap());
}

/// E.3: 30 refreshes of a session in a minute; the one too many spends nothing.
#[test]
fn a_session_is_refreshed_so_often_and_no_more() {
    let app = TestApp::new();
    app.user("ann@example.com", &[]);
    let (mut one, other) = (app.sign_in("ann@example.com").refresh, app.sign_in("ann@example.com").refresh);
    let refresh = |token: &str| app.call(&Actor::Anonymous, |ctx| tokens::refresh(ctx, token));
    for _ in 0..30 {
        one = refresh(&one).unwrap().refresh.unwrap();
    }
    assert_eq!(came(refresh(&one)), Came::Limited(60));
    refresh(&other).unwrap();
    later(&app, 60);
    refresh(&one).expect("it was not spent");
}

#[test]
fn every_limit_can_be_switched_off() {
    let app = TestApp::new();
    for key in ["account_free", "account_per_day", "address", "network"] {
        set(&app, &format!("guard.{key}"), 0);
    }
    for _ in 0..250 {
        assert_eq!(guess(&app, "ann@example.com", 1), Came::Refused);
    }
    assert_eq!(number(&app, "SELECT count(*) FROM guard"), 0);
}
