//! An installation with people in it, wherever its folder is, and the server that is started and killed there.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::OsRandom;
use authsrv::domain::catalog::Kind;
use authsrv::domain::identifiers::Email;
use authsrv::domain::ids::Timestamp;
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::NewUser;
use authsrv::service::users::{self, NewAccount};
use authsrv::service::{Actor, Clock, Env, login, settings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::{Census, Door, Event, Key, Ledger, Outcome, Value};
use crate::support::process::{Process, authsrv};
use crate::support::{PASSWORD, operator, origin};

/// The superuser, who is left alone.
const ROOT: &str = "root@example.com";

/// Sessions that each person has when a round begins.
const SESSIONS: usize = 6;

/// Settings under which no limit and no end of time is met: what is tried here is something else.
const WIDE: [(&str, u64); 3] = [("rbac.access_lifetime", 86_400), ("sessions.per_user", 0), ("refresh.grace", 10)];

/// The pair of tokens of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// UUID of the session.
    pub session: String,
    /// Access token.
    pub access: String,
    /// Refresh token.
    pub refresh: String,
    /// Its `jti`.
    pub jti: String,
}

/// Somebody with an account, as one who speaks for him alone knows it.
#[derive(Debug, Clone)]
pub struct Person {
    /// Address.
    pub email: String,
    /// Number of the account.
    pub id: i64,
    /// Whether the account is active.
    pub is_active: bool,
    /// Whether he is a viewer.
    pub is_viewer: bool,
    /// Password.
    pub password: String,
    /// The one that he may have instead, where an answer was lost.
    pub or: Option<String>,
    /// Sessions that are good.
    pub cards: Vec<Card>,
    /// Sessions that may be good, but whose newest tokens were lost with an answer.
    pub astray: Vec<String>,
}

/// An installation in a folder.
pub struct World {
    /// The folder.
    pub folder: PathBuf,
    /// What is written down of it.
    pub ledger: Ledger,
    /// A session of the superuser.
    pub root: Card,
    /// The role that is given and taken.
    pub viewer: i64,
}

/// The operations themselves on the file, as in a command, with cheap hashes.
struct Mint(Env);

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        let now = chrono::Utc::now();
        Timestamp::from_timestamp_micros(now.timestamp_micros()).unwrap()
    }
}

impl World {
    /// A new installation in a folder that is made, with this file for its ledger.
    pub fn new(folder: &Path, ledger: &Path) -> Self {
        DirBuilder::new().mode(0o700).create(folder).unwrap();
        let (mint, ledger) = (Mint::open(folder, Missing::Create), Ledger::new(ledger));
        mint.account(&ledger, ROOT);
        mint.settle();
        let root = mint.session(&ledger, ROOT, PASSWORD);
        let viewer = mint.0.store.read(|tx| tx.named_by_code(Kind::Role, "viewer")).unwrap().unwrap().id;
        Self { folder: folder.to_owned(), ledger, root, viewer }
    }

    /// The command that serves it on a free port, to a proxy on this machine as well.
    pub fn server(&self) -> Command {
        let mut command = authsrv(&self.folder);
        let words = "serve --listen 127.0.0.1:0 --trusted-proxies 127.0.0.1 --log warn";
        command.args(words.split_whitespace());
        command
    }

    /// Serves it.
    pub fn serve(&self) -> Process {
        Process::of(self.server())
    }

    /// People with these names, each with some sessions.
    pub fn people(&self, names: &[String]) -> Vec<Person> {
        let mint = Mint::open(&self.folder, Missing::Refuse);
        let mut people: Vec<Person> = names.iter().map(|name| mint.account(&self.ledger, name)).collect();
        mint.top_up(&self.ledger, &mut people);
        people
    }

    /// Gives everybody sessions again.
    pub fn top_up<'p>(&self, people: impl IntoIterator<Item = &'p mut Person>) {
        Mint::open(&self.folder, Missing::Refuse).top_up(&self.ledger, people);
    }

    /// What is in the file, written down.
    pub fn counted(&self) -> Census {
        let census = Census::of(&self.folder, &self.ledger);
        self.ledger.counted(census.clone());
        census
    }

    /// Of what people hold for theirs, leaves what is. A password of which nobody knows is tried.
    pub fn reconcile(&self, server: &Process, census: &Census, people: &mut Vec<Person>) {
        let value = |key| census.values.get(&key).cloned().unwrap_or(Value::Gone);
        people.retain(|person| value(Key::Account(person.email.clone())) != Value::Gone);
        for person in people {
            person.is_active = value(Key::Account(person.email.clone())) == Value::Live;
            person.is_viewer = value(Key::Role(person.email.clone(), "viewer".to_owned())) == Value::Live;
            let is_good = |card: &Card| value(Key::Leaf(card.session.clone())) == Value::Is(card.jti.clone());
            let (good, lost) = std::mem::take(&mut person.cards).into_iter().partition(is_good);
            person.cards = good;
            person.astray.extend(Vec::into_iter(lost).map(|card| card.session));
            person.astray.retain(|session| value(Key::Session(session.clone())) == Value::Live);
            if let Some(other) = person.or.take().filter(|_| person.is_active) {
                self.try_passwords(server, person, other);
            }
        }
    }

    fn try_passwords(&self, server: &Process, person: &mut Person, other: String) {
        for password in [person.password.clone(), other] {
            let invoked = self.ledger.now();
            let body = json!({"email": person.email, "password": password});
            let answer = server.anonymous().post("/login/", body);
            if answer.status == 200 {
                let card = Card::of(&answer.text("access"), &answer.text("refresh"));
                let reads = vec![(Key::Password(person.email.clone()), Value::Is(password.clone()))];
                let event = Event { reads, ..made("login", &card, (invoked, self.ledger.now())) };
                self.ledger.record(Event { door: Door::Http, said: 200, ..event });
                person.password = password;
                person.cards.push(card);
                return;
            }
        }
        panic!("no password of {} is good", person.email);
    }
}

impl Mint {
    /// Opens the file, beside a server where one runs.
    fn open(folder: &Path, missing: Missing) -> Self {
        let parts = Parts {
            database: folder.join("authsrv.db"),
            master_key: folder.join("authsrv.key"),
            clock: Box::new(Now),
            random: Box::new(OsRandom),
            hasher: Hasher::for_tests(),
        };
        let (mut env, _) = parts.open(missing).unwrap();
        env.default_url = "http://127.0.0.1:8000".to_owned();
        Self(env)
    }

    fn settle(&self) {
        let guards = settings_of_the_guard().map(|key| (key, Some(Json::from(0))));
        let wide = WIDE.map(|(key, value)| (key.to_owned(), Some(Json::from(value))));
        let all: Vec<_> = guards.chain(wide).collect();
        settings::change(&self.0.ctx(&operator(), &origin()), &all).unwrap();
    }

    fn account(&self, ledger: &Ledger, email: &str) -> Person {
        let invoked = ledger.now();
        let profile = NewUser {
            email: Some(Email::parse(email).unwrap()),
            is_active: true,
            is_superuser: email == ROOT,
            ..NewUser::default()
        };
        let password = Some(Password::parse("password", PASSWORD).unwrap());
        let new = NewAccount { profile, password, roles: vec![] };
        let id = users::create(&self.0.ctx(&operator(), &origin()), new).unwrap().user.id.0;
        let writes = vec![
            (Key::Account(email.to_owned()), Value::Live),
            (Key::Password(email.to_owned()), Value::Is(PASSWORD.to_owned())),
        ];
        ledger.record(Event { name: "create", writes, ..made_at((invoked, ledger.now())) });
        let (password, email) = (PASSWORD.to_owned(), email.to_owned());
        Person { email, id, is_active: true, is_viewer: false, password, or: None, cards: vec![], astray: vec![] }
    }

    /// A session of somebody.
    fn session(&self, ledger: &Ledger, email: &str, password: &str) -> Card {
        let invoked = ledger.now();
        let (anybody, origin) = (Actor::Anonymous, origin());
        let ctx = self.0.ctx(&anybody, &origin);
        let pair = login::login(&ctx, email, password, Profile::Rbac).unwrap().pair;
        let card = Card::of(&pair.access, &pair.refresh);
        ledger.record(made("login", &card, (invoked, ledger.now())));
        card
    }

    fn top_up<'p>(&self, ledger: &Ledger, people: impl IntoIterator<Item = &'p mut Person>) {
        for person in people.into_iter().filter(|person| person.is_active) {
            while person.cards.len() < SESSIONS {
                person.cards.push(self.session(ledger, &person.email, &person.password));
            }
        }
    }
}

impl Card {
    /// Of a pair of tokens.
    pub fn of(access: &str, refresh: &str) -> Self {
        let text = |key: &str| claims(refresh)[key].as_str().unwrap().to_owned();
        Self { session: text("sid"), jti: text("jti"), access: access.to_owned(), refresh: refresh.to_owned() }
    }

    /// What a sign-in that gives it writes.
    pub fn begins(&self) -> Vec<(Key, Value)> {
        vec![
            (Key::Session(self.session.clone()), Value::Live),
            (Key::Leaf(self.session.clone()), Value::Is(self.jti.clone())),
        ]
    }
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Json {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn settings_of_the_guard() -> impl Iterator<Item = String> {
    let guards = authsrv::domain::settings::ALL.iter().map(|setting| setting.key);
    guards.filter(|key| key.starts_with("guard.")).map(str::to_owned)
}

fn made(name: &'static str, card: &Card, times: (u64, u64)) -> Event {
    Event { name, writes: card.begins(), ..made_at(times) }
}

fn made_at(times: (u64, u64)) -> Event {
    Event::new((Door::Made, "made"), times, (Outcome::Done, 0))
}
