//! Mails: the outbox, and what comes after a failure.

use std::sync::Mutex;
use std::time::Duration;

use authsrv::domain::ids::{MailId, UserId};
use authsrv::domain::mails::{Kind, Language, Letter, Mail, Status};
use authsrv::domain::pages::Listing;
use authsrv::mail::{Failure, Message, Transport};
use authsrv::service::mails::{self, deliver, drop_of, drop_of_token, notice_expiry, post, prepare};
use authsrv::service::{Env, users};
use chrono::TimeDelta;

use super::common::{column, number, refusal, set};
use crate::support::TestApp;

const HOUR: Duration = Duration::from_secs(3600);
const LINK: &str = "https://auth.example.com/account/activate/MQ/Einmal-Wort-7751/";

/// Keeps what it is given, or refuses it.
#[derive(Default)]
pub struct Pigeon {
    sent: Mutex<Vec<Message>>,
    refuses: Option<bool>,
}

impl Pigeon {
    fn refusing(permanent: bool) -> Self {
        Self { refuses: Some(permanent), ..Self::default() }
    }

    fn sent(&self) -> Vec<Message> {
        self.sent.lock().unwrap().clone()
    }
}

impl Transport for Pigeon {
    fn send(&self, message: &Message) -> Result<(), Failure> {
        match self.refuses {
            Some(permanent) => Err(Failure {
                permanent,
                text: "no wind".to_owned(),
                advice: authsrv::domain::advice::Advice::default(),
            }),
            None => {
                self.sent.lock().unwrap().push(message.clone());
                Ok(())
            }
        }
    }
}

pub fn letter(kind: Kind, user: UserId) -> Letter {
    Letter {
        kind,
        user: Some(user),
        to: "ann@example.com".to_owned(),
        language: Language::En,
        username: "Anna-Geheim-8862".to_owned(),
        link: Some(LINK.to_owned()),
        token: Some(7),
    }
}

/// Posts a letter that lives for three days.
pub fn posted(app: &TestApp, letter: &Letter) {
    app.operate(|ctx| {
        let prepared = prepare(ctx, letter, notice_expiry(ctx)).unwrap();
        ctx.env.store.write(|tx| post(ctx, tx, &prepared)).unwrap();
    });
}

fn with_mail() -> (TestApp, UserId) {
    let app = TestApp::new();
    let ann = app.user("ann@example.com", &[]);
    posted(&app, &letter(Kind::Activation, ann));
    (app, ann)
}

fn sends(env: &Env, transport: &Pigeon) -> u32 {
    deliver(env, transport, env.clock.now()).unwrap()
}

fn all(app: &TestApp) -> Vec<Mail> {
    app.operate(|ctx| mails::list(ctx, &Listing { limit: 100, ..Listing::default() }, None)).unwrap().items
}

fn only(app: &TestApp) -> Mail {
    all(app).pop().unwrap()
}

/// Whether the files of the database hold this.
fn is_stored(app: &TestApp, text: &str) -> bool {
    ["authsrv.db", "authsrv.db-wal"].iter().any(|name| {
        let bytes = std::fs::read(app.folder.path().join(name)).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// what a mail says is not readable in the file, and is gone when it was sent.
#[test]
fn what_a_mail_says_rests_sealed_and_is_wiped() {
    let (app, _) = with_mail();
    assert!(is_stored(&app, "activation"), "or this test looks in the wrong place");
    for secret in [LINK, "Einmal-Wort", "Anna-Geheim"] {
        assert!(!is_stored(&app, secret), "{secret}");
    }
    assert_eq!(number(&app, "SELECT COUNT(*) FROM outbox WHERE sealed IS NOT NULL"), 1);
    let pigeon = Pigeon::default();
    assert_eq!(sends(&app.env, &pigeon), 1);
    let [message] = &pigeon.sent()[..] else { panic!() };
    assert_eq!((message.to.as_str(), message.from.as_str()), ("ann@example.com", "webmaster@localhost"));
    assert!(message.content.text.contains(LINK) && message.content.html.contains(LINK));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM outbox WHERE sealed IS NOT NULL"), 0);
    let mail = only(&app);
    assert_eq!((mail.status, mail.attempts, mail.sent_at), (Status::Sent, 1, Some(app.env.clock.now())));
    assert_eq!(sends(&app.env, &pigeon), 0, "once");
    let shown = format!("{:?} {:?}", letter(Kind::Activation, UserId(1)), message);
    assert!(!shown.contains("Einmal-Wort") && !shown.contains("Geheim"), "{shown}");
}

/// A mail is for whom it was sealed: who writes to the file cannot redirect a link.
#[test]
fn the_address_is_sealed_too() {
    let (app, _) = with_mail();
    app.env.store.checkpoint().unwrap();
    let connection = rusqlite::Connection::open(app.folder.path().join("authsrv.db")).unwrap();
    connection.execute("UPDATE outbox SET recipient = 'mallory@example.com'", []).unwrap();
    let pigeon = Pigeon::default();
    sends(&app.env, &pigeon);
    assert_eq!(pigeon.sent()[0].to, "ann@example.com");
}

/// What did not happen writes no mail.
#[test]
fn a_mail_lives_and_dies_with_its_transaction() {
    let app = TestApp::new();
    let ann = app.user("ann@example.com", &[]);
    app.operate(|ctx| {
        let undone = ctx.env.store.write(|tx| {
            // Sealed inside, as where only the transaction knows the token.
            let prepared = prepare(ctx, &letter(Kind::PasswordReset, ann), notice_expiry(ctx))?;
            post(ctx, tx, &prepared)?;
            Err::<(), _>(authsrv::domain::error::Error::internal("no"))
        });
        assert!(undone.is_err());
    });
    assert_eq!(all(&app), []);
    posted(&app, &letter(Kind::PasswordReset, ann));
    app.operate(|ctx| users::delete(ctx, ann)).unwrap();
    assert_eq!(all(&app), [], "a mail goes with whom it concerns");
}

#[test]
fn failures_are_tried_again_after_ever_longer_waits() {
    let (app, _) = with_mail();
    let broken = Pigeon::refusing(false);
    let mut waits = Vec::new();
    for attempt in 1..=10 {
        sends(&app.env, &broken);
        let mail = only(&app);
        assert_eq!((mail.status, mail.attempts), (Status::Queued, attempt));
        assert_eq!(mail.last_error.as_deref(), Some("no wind"));
        let wait = mail.next_attempt_at - app.env.clock.now();
        waits.push(wait.num_milliseconds());
        app.clock.advance((wait - TimeDelta::milliseconds(1)).to_std().unwrap());
        sends(&app.env, &broken);
        assert_eq!(only(&app).attempts, attempt, "not before its time");
        app.clock.advance(Duration::from_millis(1));
    }
    for (wait, least) in waits.iter().zip([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]) {
        assert!((least * 1000..=least * 1250).contains(wait), "{waits:?}");
    }
    assert!(waits.iter().any(|wait| wait % 30_000 != 0), "some chance is in it: {waits:?}");
    assert_eq!(sends(&app.env, &Pigeon::default()), 1);
    let mail = only(&app);
    assert_eq!((mail.status, mail.last_error), (Status::Sent, None));
}

#[test]
fn a_mail_is_given_up_when_it_expires() {
    let (app, _) = with_mail();
    sends(&app.env, &Pigeon::refusing(false));
    app.clock.advance(71 * HOUR);
    sends(&app.env, &Pigeon::refusing(false));
    assert_eq!(only(&app).status, Status::Queued);
    app.clock.advance(HOUR);
    let pigeon = Pigeon::default();
    assert_eq!((sends(&app.env, &pigeon), pigeon.sent().len()), (0, 0));
    let mail = only(&app);
    assert_eq!((mail.status, mail.last_error.as_deref()), (Status::Failed, Some("no wind")));
    assert_eq!(number(&app, "SELECT COUNT(*) FROM outbox WHERE sealed IS NOT NULL"), 0);
    let (_, queued) = app.operate(|ctx| mails::retry(ctx, mail.id)).unwrap();
    assert!(!queued, "there is nothing left to send");
    app.clock.advance(31 * 24 * HOUR);
    sends(&app.env, &pigeon);
    assert_eq!(all(&app), [], "long over");
}

/// A server that refuses the mail for good is not asked again, unless somebody says so.
#[test]
fn a_refused_mail_can_be_tried_again_by_hand() {
    let (app, _) = with_mail();
    sends(&app.env, &Pigeon::refusing(true));
    assert_eq!(only(&app).status, Status::Failed);
    app.clock.advance(2 * HOUR);
    assert_eq!(sends(&app.env, &Pigeon::default()), 0);
    let id = only(&app).id;
    assert!(app.operate(|ctx| mails::retry(ctx, id)).unwrap().1);
    assert_eq!(sends(&app.env, &Pigeon::default()), 1);
    assert!(!app.operate(|ctx| mails::retry(ctx, id)).unwrap().1, "it was sent");
    assert_eq!(column(&app, "SELECT action FROM audit ORDER BY id DESC LIMIT 1"), ["mail.retried"]);
    assert!(app.operate(|ctx| mails::retry(ctx, MailId(99))).is_err());
    assert_eq!(app.operate(mails::retry_all).unwrap(), 0);
}

/// Whoever has a mail in hand has it alone, until his lease is over: then he is taken to be dead.
#[test]
fn no_two_processes_send_a_mail_at_once() {
    let (app, _) = with_mail();
    let other = app.second();
    /// While one sends, the other looks.
    struct Between<'a>(&'a Env, Pigeon);
    impl Transport for Between<'_> {
        fn send(&self, message: &Message) -> Result<(), Failure> {
            assert_eq!(sends(self.0, &Pigeon::default()), 0);
            self.1.send(message)
        }
    }
    let between = Between(&other, Pigeon::default());
    assert_eq!(deliver(&app.env, &between, app.env.clock.now()).unwrap(), 1);
    assert_eq!(between.1.sent().len(), 1);
}

/// A crash between sending and marking sends again, with the same name, so that the receiver can tell.
#[test]
fn a_crash_loses_no_mail() {
    let (app, _) = with_mail();
    let now = app.env.clock.now();
    let claimed = app.env.store.write(|tx| tx.claim_mail(now, now + TimeDelta::minutes(5))).unwrap();
    assert!(claimed.is_some());
    let pigeon = Pigeon::default();
    assert_eq!(sends(&app.env, &pigeon), 0);
    app.clock.advance(Duration::from_secs(300));
    assert_eq!(sends(&app.env, &pigeon), 1);
    assert_eq!(only(&app).attempts, 2);
    assert_eq!(pigeon.sent()[0].name.len(), 32);
}

#[test]
fn what_is_not_wanted_any_more_is_dropped() {
    let (app, ann) = with_mail();
    posted(&app, &Letter { token: Some(8), ..letter(Kind::PasswordReset, ann) });
    posted(&app, &Letter { token: None, link: None, ..letter(Kind::PasswordChanged, ann) });
    let write = |what: &dyn Fn(&dyn authsrv::store::Tx) -> authsrv::domain::error::Result<()>| {
        app.env.store.write(what).unwrap();
    };
    write(&|tx| drop_of_token(tx, 9));
    assert!(all(&app).iter().all(|mail| mail.status == Status::Queued));
    write(&|tx| drop_of_token(tx, 7));
    write(&|tx| drop_of(tx, ann, &[Kind::PasswordReset, Kind::UsernameReset]));
    let status: Vec<Status> = all(&app).iter().map(|mail| mail.status).collect();
    assert_eq!(status, [Status::Dropped, Status::Dropped, Status::Queued]);
    assert_eq!(number(&app, "SELECT COUNT(*) FROM outbox WHERE sealed IS NOT NULL"), 1);
    let pigeon = Pigeon::default();
    assert_eq!((sends(&app.env, &pigeon), pigeon.sent()[0].kind), (1, Kind::PasswordChanged));
}

#[test]
fn what_is_dropped_while_it_is_sent_stays_dropped() {
    let (app, _) = with_mail();
    let now = app.env.clock.now();
    let lease = now + TimeDelta::minutes(5);
    let claimed = app.env.store.write(|tx| tx.claim_mail(now, lease)).unwrap().unwrap();
    app.env.store.write(|tx| drop_of_token(tx, 7)).unwrap();
    app.env.store.write(|tx| tx.mark_sent(claimed.mail.id, now)).unwrap();
    assert_eq!(only(&app).status, Status::Dropped);
}

#[test]
fn the_outbox_is_for_those_who_keep_the_settings() {
    let (app, _) = with_mail();
    let pair = app.sign_in("ann@example.com");
    let lacks = |result: authsrv::domain::error::Result<()>| format!("{:?}", refusal(result));
    let listing = Listing::default();
    assert!(lacks(app.with_token(&pair.access, |ctx| mails::list(ctx, &listing, None).map(drop))).contains("settings"));
    for deed in [
        |ctx: &authsrv::service::Ctx| mails::retry_all(ctx).map(drop),
        |ctx: &authsrv::service::Ctx| mails::retry(ctx, MailId(1)).map(drop),
        |ctx: &authsrv::service::Ctx| mails::send_test(ctx, "a@example.com").map(drop),
        |ctx: &authsrv::service::Ctx| mails::queue_test(ctx, "a@example.com"),
    ] {
        assert!(lacks(app.with_token(&pair.access, deed)).contains("settings"));
    }
}

/// a link begins with a setting. D-19: with a front end it has Djoser's form.
#[test]
fn links_begin_with_what_is_set() {
    let app = TestApp::new();
    let link = |kind| {
        let stored = app.env.store.read(|tx| tx.stored_settings()).unwrap();
        let settings = authsrv::domain::settings::Settings::from_stored(stored);
        settings.mail_link(kind, "MQ", "tok", &app.env.default_url)
    };
    assert_eq!(link(Kind::Activation), "http://127.0.0.1:8000/account/activate/MQ/tok/");
    set(&app, "public_url", "https://auth.example.com");
    assert_eq!(link(Kind::Activation), "https://auth.example.com/account/activate/MQ/tok/");
    assert_eq!(link(Kind::PasswordReset), "https://auth.example.com/account/password-reset/MQ/tok/");
    assert_eq!(link(Kind::UsernameReset), "https://auth.example.com/account/username-reset/MQ/tok/");
    set(&app, "mail.frontend_url", "http://example.com");
    assert_eq!(link(Kind::Activation), "http://example.com/activate/MQ/tok");
    assert_eq!(link(Kind::PasswordReset), "http://example.com/password/reset/confirm/MQ/tok");
    assert_eq!(link(Kind::UsernameReset), "http://example.com/username/reset/confirm/MQ/tok");
    set(&app, "djoser.activation_url", "/auth/users/activate/{uid}/{token}");
    assert_eq!(link(Kind::Activation), "http://example.com/auth/users/activate/MQ/tok");
}

#[test]
fn the_settings_of_links_and_folders_take_only_what_works() {
    let accepts = |key: &str, value: &str| authsrv::domain::settings::find(key).unwrap().accept(&value.into()).is_ok();
    for wrong in
        ["", "activate/{uid}", "{uid}/{token}/{token}", "a b/{uid}/{token}", "{uid}/{token}\r\nX: y", "\"{uid}{token}"]
    {
        assert!(!accepts("djoser.activation_url", wrong), "{wrong}");
    }
    assert!(accepts("djoser.activation_url", "#/activate?uid={uid}&token={token}"));
    assert!(accepts("mail.folder", "/var/spool/mail") && accepts("mail.folder", ""));
    assert!(!accepts("mail.folder", "relative") && !accepts("mail.folder", "/a\nb"));
}
