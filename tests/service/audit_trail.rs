//! The trail as a whole: chained, sealed, verified, pruned, taken out, and begun on a file of an older program (R-56).

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use authsrv::domain::audit::{Hash, Link};
use authsrv::domain::error::{Error, FieldError, Result};
use authsrv::domain::identifiers::Username;
use authsrv::domain::ids::UserId;
use authsrv::domain::pages::Listing;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::NewUser;
use authsrv::service::audit::{self, Fault, Refusal, Verified};
use authsrv::service::users::AccountPatch;
use authsrv::service::{Actor, Origin, login, settings, users};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::common::{actor, column, number};
use crate::support::{TestApp, operator};

/// An installation in whose trail something has happened.
fn told() -> TestApp {
    let app = TestApp::new();
    for n in 1..=9 {
        app.user(&format!("user{n}@example.com"), &[]);
    }
    app
}

fn raw(app: &TestApp) -> Connection {
    Connection::open(app.folder.path().join("authsrv.db")).unwrap()
}

/// What somebody does who has the file and not the key.
fn tamper(app: &TestApp, sql: &str) {
    let unguarded = "DROP TRIGGER IF EXISTS audit_append_only_update; DROP TRIGGER IF EXISTS audit_append_only_delete;";
    raw(app).execute_batch(&format!("{unguarded} {sql}")).unwrap();
}

fn verify(app: &TestApp) -> Verified {
    app.operate(|ctx| audit::verify(ctx, None)).unwrap()
}

/// Where it is broken, and how.
fn fault(app: &TestApp) -> (i64, Fault) {
    let broken = verify(app).broken.expect("it is whole");
    assert!(!broken.to_string().is_empty());
    (broken.id, broken.fault)
}

fn last(app: &TestApp) -> i64 {
    number(app, "SELECT MAX(id) FROM audit")
}

#[test]
fn a_trail_that_nobody_touched_is_whole() {
    let app = told();
    let found = verify(&app);
    assert_eq!((found.broken, found.first, found.last.id), (None, Some(1), last(&app)));
    assert_eq!(found.checked, u64::try_from(last(&app)).unwrap());
    let newest = app.operate(|ctx| audit::verify_newest(ctx, 3)).unwrap();
    assert_eq!((newest.broken, newest.checked, newest.last), (None, 3, found.last));
    // Another program on the file goes on where this one stopped.
    let other = app.second();
    users::update(&other.ctx(&operator(), &Origin::default()), UserId(1), AccountPatch::default()).unwrap();
    app.user("last@example.com", &[]);
    assert_eq!(verify(&app).broken, None);
}

#[test]
fn the_first_event_that_was_touched_is_named() {
    type Case = (&'static str, (i64, Fault));
    let cases: &[Case] = &[
        ("UPDATE audit SET actor = 'mallory' WHERE id = 5", (5, Fault::Changed)),
        ("UPDATE audit SET details = '{}' WHERE id = 5", (5, Fault::Changed)),
        ("UPDATE audit SET at = at + 1 WHERE id = 5", (5, Fault::Changed)),
        ("UPDATE audit SET ip_address = '192.0.2.9' WHERE id = 5", (5, Fault::Changed)),
        ("UPDATE audit SET hash = zeroblob(32) WHERE id = 5", (5, Fault::Changed)),
        ("UPDATE audit SET hash = NULL, seal = NULL WHERE id = 5", (5, Fault::Changed)),
        ("UPDATE audit SET seal = zeroblob(32) WHERE id = 5", (5, Fault::Forged)),
        ("DELETE FROM audit WHERE id IN (5, 6)", (5, Fault::Missing(6))),
        ("DELETE FROM audit WHERE id = 1", (1, Fault::Missing(1))),
        (
            "UPDATE audit SET id = 1000 WHERE id = 5; UPDATE audit SET id = 5 WHERE id = 6; UPDATE audit SET id = 6 WHERE id = 1000;",
            (5, Fault::Changed),
        ),
    ];
    for (sql, expected) in cases {
        let app = told();
        tamper(&app, sql);
        assert_eq!(fault(&app), *expected, "{sql}");
        app.user("later@example.com", &[]);
        assert_eq!(fault(&app), *expected, "it stays broken when the trail goes on: {sql}");
    }
}

#[test]
fn what_is_missing_or_added_at_the_ends_is_named() {
    let app = told();
    let end = last(&app);
    tamper(&app, &format!("DELETE FROM audit WHERE id > {end} - 2"));
    assert_eq!(fault(&app), (end - 1, Fault::Missing(end)));
    app.user("later@example.com", &[]);
    assert_eq!(fault(&app), (end - 1, Fault::Missing(end)));

    let app = told();
    let end = last(&app);
    let copied = "at, actor_kind, actor_id, actor, door, ip_address, user_agent, action, entity, entity_id, subject_id,
                  result, details, hash, seal";
    tamper(&app, &format!("INSERT INTO audit ({copied}) SELECT {copied} FROM audit WHERE id = 3"));
    assert_eq!(fault(&app), (end + 1, Fault::Added));
    app.user("later@example.com", &[]);
    assert_eq!(fault(&app), (end + 1, Fault::Changed));

    // The end is set back as well, by somebody who cannot seal: the program says so in the trail before it goes on.
    let app = told();
    let set_back = "DELETE FROM audit WHERE id > 5;
                    UPDATE audit_head SET last_id = 5, last_hash = (SELECT hash FROM audit WHERE id = 5);
                    UPDATE sqlite_sequence SET seq = 5 WHERE name = 'audit';";
    tamper(&app, set_back);
    assert_eq!(fault(&app), (5, Fault::Head));
    app.user("later@example.com", &[]);
    assert_eq!(fault(&app), (6, Fault::Tampered));
    let tampered = "SELECT details FROM audit WHERE action = 'audit.tampered'";
    assert_eq!(column(&app, tampered), [r#"{"head":"changed"}"#]);

    let app = told();
    let end = last(&app);
    tamper(&app, "DELETE FROM audit_head");
    assert_eq!(fault(&app), (1, Fault::Head));
    app.user("later@example.com", &[]);
    assert_eq!(fault(&app), (end + 1, Fault::Tampered));
}

/// Whoever has the file can hash as the server does, and go on with the chain; he cannot seal.
#[test]
fn a_chain_that_somebody_else_hashed_anew_is_found() {
    let app = told();
    let entries = app.env.store.read(|tx| tx.entries_after(0, &Listing { limit: 1000, ..Listing::default() })).unwrap();
    let mut previous = entries[3].hash.unwrap();
    for entry in &entries[4..] {
        let mut forged = entry.clone();
        if entry.id == 5 {
            forged.actor = "mallory".to_owned();
        }
        previous = Hash(authsrv::crypto::mac::sha256(forged.text(&previous).as_bytes()));
        tamper(
            &app,
            &format!("UPDATE audit SET actor = '{}', hash = X'{previous}' WHERE id = {}", forged.actor, entry.id),
        );
    }
    tamper(&app, &format!("UPDATE audit_head SET last_hash = X'{previous}'"));
    assert_eq!(fault(&app).1, Fault::Head);
    app.user("later@example.com", &[]);
    assert_eq!(fault(&app), (5, Fault::Forged));
}

/// What no seal shows is an older state of the whole file; a hash that was noted elsewhere does.
#[test]
fn an_older_copy_is_found_by_what_was_noted() {
    let app = told();
    let noted = verify(&app).last;
    app.user("later@example.com", &[]);
    let expect =
        |link: Link| app.operate(|ctx| audit::verify(ctx, Some(link))).unwrap().broken.map(|broken| broken.fault);
    assert_eq!(expect(noted), None);
    assert_eq!(expect(Link { hash: Hash::default(), ..noted }), Some(Fault::Unexpected));
    assert_eq!(expect(Link { id: noted.id + 100, ..noted }), Some(Fault::Unknown));
}

fn retain(app: &TestApp, seconds: u64) {
    let change = [("audit.retention".to_owned(), Some(json!(seconds)))];
    app.operate(|ctx| settings::change(ctx, &change)).unwrap();
}

#[test]
fn a_pruned_trail_is_whole() {
    let app = told();
    retain(&app, 3600);
    let before = last(&app);
    app.clock.advance(Duration::from_secs(1800));
    app.user("second@example.com", &[]);
    assert_eq!(app.operate(audit::prune).unwrap(), 0, "nothing is older");
    app.clock.advance(Duration::from_secs(1801));
    assert_eq!(app.operate(audit::prune).unwrap(), u64::try_from(before).unwrap());
    assert_eq!(number(&app, "SELECT MIN(id) FROM audit"), before + 1);
    let pruned = column(&app, "SELECT details FROM audit WHERE action = 'audit.pruned'");
    assert_eq!(pruned, [json!({"up_to": before, "count": before}).to_string()]);
    let found = verify(&app);
    assert_eq!((found.broken, found.first, found.pruned), (None, Some(before + 1), before));
    // Kept for ever.
    retain(&app, 0);
    app.clock.advance(Duration::from_secs(400 * 86_400));
    assert_eq!(app.operate(audit::prune).unwrap(), 0);
    // What is gone does not come back, and more than that is missed.
    tamper(&app, &format!("DELETE FROM audit WHERE id = {}", before + 1));
    assert_eq!(fault(&app), (before + 1, Fault::Missing(before + 1)));
}

/// More than one batch at once, and a younger event before an older one, as a clock that was set back writes them.
#[test]
fn pruning_takes_the_oldest_in_batches_and_nothing_behind_a_younger_one() {
    let app = TestApp::new();
    let event = |ctx: &authsrv::service::Ctx| ctx.event("test.made", "test", None, json!({}));
    app.operate(|ctx| app.env.store.write(|tx| (0..2500).try_for_each(|_| tx.record(&event(ctx))))).unwrap();
    app.clock.advance(Duration::from_secs(100));
    app.operate(|ctx| app.env.store.write(|tx| tx.record(&event(ctx)))).unwrap();
    app.clock.step_back(Duration::from_secs(100));
    app.operate(|ctx| app.env.store.write(|tx| tx.record(&event(ctx)))).unwrap();
    let end = last(&app);
    retain(&app, 50);
    app.clock.advance(Duration::from_secs(60));
    let gone = app.operate(audit::prune).unwrap();
    assert_eq!(i64::try_from(gone).unwrap(), end - 2);
    assert_eq!(number(&app, "SELECT MIN(id) FROM audit"), end - 1);
    assert_eq!(column(&app, "SELECT action FROM audit WHERE action = 'audit.pruned'").len(), 3, "one for each batch");
    assert_eq!(verify(&app).broken, None);
}

/// R-56: who may change settings over the API cannot remove events by it.
#[test]
fn only_the_command_line_shortens_how_long_the_trail_is_kept() {
    let app = TestApp::new();
    app.superuser("root@example.com");
    let root = actor(&app, "root@example.com");
    let set = |actor: &Actor, value: Option<Value>| {
        app.call(actor, |ctx| settings::change(ctx, &[("audit.retention".to_owned(), value)])).map(drop)
    };
    let refused = |outcome: Result<()>| match outcome {
        Err(Error::Invalid(faults)) => assert!(matches!(&faults[..], [FieldError { code: "command_line_only", .. }])),
        other => panic!("{other:?}"),
    };
    refused(set(&root, Some(json!(86_400))));
    set(&root, Some(json!(100 * 86_400))).unwrap();
    refused(set(&root, None));
    set(&root, Some(json!(0))).unwrap();
    refused(set(&root, Some(json!(365 * 86_400))));
    set(&operator(), Some(json!(60))).unwrap();
    set(&root, None).unwrap();
}

#[test]
fn an_export_can_be_verified_without_the_program() {
    let app = told();
    let name = Username::parse("zo\u{eb}").unwrap();
    app.account(NewUser { username: Some(name), is_active: true, ..NewUser::default() }, &[]);
    let mut lines: Vec<String> = Vec::new();
    let mut after = 0;
    while let Some((page, last)) = app.operate(|ctx| audit::export(ctx, &Listing::default(), after)).unwrap() {
        lines.extend(page);
        after = last;
    }
    assert_eq!(lines.len(), usize::try_from(last(&app)).unwrap());
    let mut previous = "0".repeat(64);
    for line in &lines {
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "R-45: {line}");
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["details"].is_object(), "{line}");
        let (hashed, _) = line.rsplit_once(",\"hash\":\"").unwrap();
        assert_eq!(event["previous"], previous);
        previous = authsrv::crypto::mac::hex(&authsrv::crypto::mac::sha256(hashed.as_bytes()));
        assert_eq!(event["hash"], previous, "{line}");
        assert!(line.ends_with(&format!(",\"seal\":{}}}", event["seal"])));
    }
    // Filters leave lines out and change none.
    let some = Listing { user: Some(UserId(3)), ..Listing::default() };
    let (some, _) = app.operate(|ctx| audit::export(ctx, &some, 0)).unwrap().unwrap();
    assert!(!some.is_empty() && some.len() < lines.len() && some.iter().all(|line| lines.contains(line)));
}

/// A file of schema 5, in which an older program wrote events.
fn old_file(app: &TestApp) {
    const OLD: [&str; 5] = [
        include_str!("../../src/store/sqlite/migrations/0001_init.sql"),
        include_str!("../../src/store/sqlite/migrations/0002_api_tokens.sql"),
        include_str!("../../src/store/sqlite/migrations/0003_one_time_tokens.sql"),
        include_str!("../../src/store/sqlite/migrations/0004_outbox.sql"),
        include_str!("../../src/store/sqlite/migrations/0005_token_services.sql"),
    ];
    let path = app.folder.path().join("old.db");
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(&OLD.concat()).unwrap();
    raw.execute_batch(
        "PRAGMA application_id = 0x41535256; PRAGMA user_version = 5;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2345)
         INSERT INTO audit (at, actor_kind, actor, door, user_agent, action, entity, entity_id, result, details)
         SELECT i, 'operator', 'root@host', 'cli', '', CASE i % 2 WHEN 0 THEN 'user.created' ELSE 'session.ended' END,
                CASE i % 2 WHEN 0 THEN 'user' ELSE 'session' END, i, 'ok', json_object('user_id', 7) FROM n;",
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn events_of_an_older_program_are_chained_by_the_upgrade() {
    let app = TestApp::new();
    old_file(&app);
    let (db, key) = (app.folder.path().join("old.db"), app.folder.path().join("old.key"));
    let (env, _) = authsrv::app::Parts::real(&db, &key).unwrap().open(authsrv::app::Missing::Create).unwrap();
    let (root, origin) = (operator(), Origin::default());
    let ctx = env.ctx(&root, &origin);
    let found = audit::verify(&ctx, None).unwrap();
    assert_eq!((found.broken, found.first, found.chained_at), (None, Some(1), Some(2346)));
    let own = |listing: Listing| audit::list(&ctx, &Listing { limit: 5000, ..listing }).unwrap();
    let migrated = own(Listing { event: Some("database.migrated".to_owned()), ..Listing::default() }).items;
    let details: Value = serde_json::from_str(&migrated[0].details).unwrap();
    assert_eq!(details["from"], 5);
    let about = own(Listing { user: Some(UserId(7)), ..Listing::default() });
    assert!(about.items.iter().all(|entry| entry.subject_id == Some(7) && entry.entity == "session"));
    assert_eq!(about.total, 1173);
    // Details that somebody wrote into the old file, so that its events seem later to have been chained late, are in it.
    assert_eq!(own(Listing::default()).total, found.checked);
}

/// R-56: what anybody can cause as often as he likes makes a bounded number of events.
#[test]
fn refusals_are_counted_and_written_together() {
    let app = told();
    let before = last(&app);
    let ann = actor(&app, "user1@example.com");
    let refuse = |actor: &Actor, address: [u8; 4], route: &str| {
        let origin = Origin { door: "rbac", address: Some(address.into()), ..Origin::default() };
        let refusal = Refusal { action: "authz.denied", result: "denied", details: json!({"route": route}) };
        app.env.tally.count(&app.env.ctx(actor, &origin), refusal);
    };
    for n in 0..1000_u32 {
        refuse(&ann, [10, 0, u8::try_from(n % 200).unwrap(), 1], "GET /users/");
        refuse(&Actor::Anonymous, [10, 0, 0, u8::try_from(n % 250).unwrap()], "GET /users/");
    }
    app.clock.advance(Duration::from_secs(5));
    refuse(&ann, [10, 0, 0, 1], "GET /users/");
    refuse(&ann, [10, 0, 0, 1], "GET /roles/");
    assert_eq!(last(&app), before + 1, "nothing is written meanwhile but the login");
    assert_eq!(app.env.tally.write(&app.env).unwrap(), 3);
    assert_eq!(app.env.tally.write(&app.env).unwrap(), 0);
    let sql = "SELECT actor || ' ' || result || ' ' || details FROM audit WHERE action = 'authz.denied' ORDER BY 1";
    let until = "2026-01-02T03:04:10.678901Z";
    assert_eq!(
        column(&app, sql),
        [
            r#" denied {"route":"GET /users/","count":1000,"until":"2026-01-02T03:04:05.678901Z"}"#.to_owned(),
            format!(r#"user1@example.com denied {{"route":"GET /roles/","count":1,"until":"{until}"}}"#),
            format!(r#"user1@example.com denied {{"route":"GET /users/","count":1001,"until":"{until}"}}"#),
        ]
    );
    for n in 0..5000_u32 {
        let [_, a, b, _] = n.to_be_bytes();
        refuse(&Actor::Anonymous, [10, a, b, 1], &format!("GET /{n}/"));
    }
    assert_eq!(app.env.tally.write(&app.env).unwrap(), 101, "a hundred, and one for all others");
    let others = column(&app, "SELECT details FROM audit WHERE details LIKE '%others%'");
    assert!(others.len() == 1 && others[0].contains(r#""count":4900"#), "{others:?}");
    assert_eq!(verify(&app).broken, None);
}

/// R-56: so do refused sign-ins, also of names that there are not and from everywhere: each of the first in a minute is an
/// event, the others are counted by network.
#[test]
fn a_flood_of_refused_sign_ins_makes_a_bounded_number_of_events() {
    let app = told();
    let guess = |n: u8| {
        let origin = Origin { door: "rbac", address: Some([10, n % 80, 0, n].into()), ..Origin::default() };
        let who = format!("nobody{n}@example.com");
        let ctx = app.env.ctx(&Actor::Anonymous, &origin);
        assert!(matches!(login::login(&ctx, &who, "Wr0ng-and-long", Profile::Rbac), Err(Error::Unauthenticated(_))));
    };
    let failed = || number(&app, "SELECT COUNT(*) FROM audit WHERE action = 'login.failed'");
    (0..240).for_each(guess);
    assert_eq!(failed(), 60);
    assert_eq!(app.env.tally.write(&app.env).unwrap(), 80, "one for each network");
    let counted = "SELECT SUM(details ->> 'count') FROM audit WHERE action = 'login.failed'";
    assert_eq!((failed(), number(&app, counted)), (140, 180));
    let told = "SELECT DISTINCT details ->> 'reason' || ' ' || result FROM audit WHERE action = 'login.failed'";
    assert_eq!(column(&app, told), ["unknown_account refused"]);
    app.clock.advance(Duration::from_secs(61));
    guess(240);
    assert_eq!(failed(), 141, "in another minute it is written by itself again");
    assert_eq!(verify(&app).broken, None);
}

/// Names and user agents of any length make events of bounded length.
#[test]
fn details_are_bounded() {
    let long = "é".repeat(100_000);
    let wide: Vec<String> = (0..10_000).map(|n| format!("{n}{long:.200}")).collect();
    for details in
        [json!({"name": long}), json!({"list": wide}), json!({"deep": {"list": wide, "name": long}}), json!(long)]
    {
        let text = authsrv::domain::audit::details(&details);
        assert!(text.len() <= 4096, "{}", text.len());
        serde_json::from_str::<Value>(&text).unwrap();
    }
    assert_eq!(authsrv::domain::audit::details(&json!({"a": [1, null, "x"]})), r#"{"a":[1,null,"x"]}"#);
}
