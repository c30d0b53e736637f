//! The program as tests use it: on a file of its own, with a clock that the test holds, seeded randomness and cheap
//! hashes. Nothing else is replaced.

pub mod dump;
pub mod former;
pub mod http;
pub mod mails;
pub mod process;
pub mod shell;
pub mod smtp;
pub mod tls;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use authsrv::app::{Missing, Parts, Restoring};
use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::{OsRandom, Random};
use authsrv::domain::error::Result;
use authsrv::domain::identifiers::Email;
use authsrv::domain::ids::{Timestamp, UserId};
use authsrv::domain::keys::{Ring, StoredKey};
use authsrv::domain::passwords::Password;
use authsrv::domain::proxies::TrustedProxies;
use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::domain::users::NewUser;
use authsrv::service::tokens::{self, Credentials};
use authsrv::service::users::{self, NewAccount};
use authsrv::service::{Actor, Clock, Ctx, Env, Origin, Ref, backups, login};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A password that every rule accepts, also for superusers.
pub const PASSWORD: &str = "Tr0ub4dor-and-3";

/// Longest that anything in a test may take; far more than it does.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What `look` gives, once it gives something; `None` when [`PATIENCE`] is at its end.
pub fn once<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let seen = look();
        if seen.is_some() || begun.elapsed() > PATIENCE {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Where the clock of a new [`TestApp`] stands: 2026-01-02 03:04:05.678901 UTC.
pub const START: i64 = 1_767_323_045_678_901;

/// The program on a file of its own.
pub struct TestApp {
    /// The program's surroundings, shared with a server where a test starts one.
    pub env: Arc<Env>,
    /// The clock.
    pub clock: TestClock,
    /// Folder of the database `authsrv.db`; gone at the end.
    pub folder: TempDir,
}

/// A clock that moves when a test says so.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Moves back.
    pub fn step_back(&self, by: Duration) {
        self.0.fetch_sub(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// The same "randomness" in every run (splitmix64).
pub struct Seeded(Mutex<u64>);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TestApp {
    /// A fresh installation: created, migrated, seeded, without users. Made once and copied, so all have one signing key.
    pub fn new() -> Self {
        static MADE: OnceLock<[(&str, Vec<u8>); 2]> = OnceLock::new();
        let (folder, clock) = (TempDir::new().unwrap(), TestClock(Arc::new(AtomicI64::new(START))));
        for (name, bytes) in MADE.get_or_init(|| made(&clock)) {
            let path = folder.path().join(name);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
            file.write_all(bytes).unwrap();
        }
        let env = open(&folder, &clock);
        Self { env: Arc::new(env), clock, folder }
    }

    /// An installation that shares nothing with the others: it has a signing key of its own.
    pub fn foreign() -> Self {
        let (folder, clock) = (TempDir::new().unwrap(), TestClock(Arc::new(AtomicI64::new(START))));
        let env = open(&folder, &clock);
        Self { env: Arc::new(env), clock, folder }
    }

    /// The same where these proxies are trusted; to be said before a server starts.
    pub fn behind(mut self, proxies: &str) -> Self {
        let env = Arc::get_mut(&mut self.env).expect("no server has started");
        env.proxies = TrustedProxies::parse(proxies).unwrap();
        self
    }

    /// A second program on the same file, as the command line is to the server.
    pub fn second(&self) -> Env {
        Env { random: Box::new(Seeded(Mutex::new(2))), ..open(&self.folder, &self.clock) }
    }

    /// The same after a backup took the place of the database, as the command `restore` does it. No server may run.
    pub fn restored(self, backup: &Path) -> Self {
        let Self { env, clock, folder } = self;
        drop(Arc::into_inner(env).expect("no server runs"));
        let restoring = Restoring::begin(&folder.path().join("authsrv.db"), backup, &mut |_| {}).unwrap();
        let parts = Parts { random: Box::new(OsRandom), ..parts(&folder, &clock) };
        let env = parts.open_staged(&restoring).unwrap();
        let origin = origin();
        let settled = backups::settle(
            &env.ctx(&operator(), &origin),
            (backup, restoring.whole.schema),
            restoring.former.as_ref(),
        );
        assert!(settled.unwrap().1.is_none(), "the master key is the right one");
        drop(env);
        restoring.finish(clock.now()).unwrap();
        let env = Env { random: Box::new(OsRandom), ..open(&folder, &clock) };
        Self { env: Arc::new(env), clock, folder }
    }

    /// Does something as the operator at the command line.
    pub fn operate<T>(&self, what: impl FnOnce(&Ctx) -> T) -> T {
        self.call(&operator(), what)
    }

    /// Lets everybody try ten thousand times, for tests that are about something else than limits.
    pub fn widen(&self) {
        let limits = authsrv::domain::settings::ALL.iter().filter(|setting| setting.key.starts_with("guard."));
        let wide: Vec<_> = limits.map(|setting| (setting.key.to_owned(), Some(10_000.into()))).collect();
        self.operate(|ctx| authsrv::service::settings::change(ctx, &wide)).unwrap();
    }

    /// Does something as anybody.
    pub fn call<T>(&self, actor: &Actor, what: impl FnOnce(&Ctx) -> T) -> T {
        what(&self.env.ctx(actor, &origin()))
    }

    /// Does something as whoever holds this access token.
    pub fn with_token<T>(&self, access: &str, what: impl FnOnce(&Ctx) -> Result<T>) -> Result<T> {
        let actor = self.authenticate(access)?;
        self.call(&actor, what)
    }

    /// Who holds this access token.
    pub fn authenticate(&self, access: &str) -> Result<Actor> {
        tokens::authenticate(&self.env, &Credentials::Bearer(access.to_owned()), self.clock.now())
    }

    /// Makes an active user with [`PASSWORD`] and these roles.
    pub fn user(&self, email: &str, roles: &[&str]) -> UserId {
        self.account(
            NewUser { email: Some(Email::parse(email).unwrap()), is_active: true, ..NewUser::default() },
            roles,
        )
    }

    /// Makes an active superuser with [`PASSWORD`].
    pub fn superuser(&self, email: &str) -> UserId {
        let email = Some(Email::parse(email).unwrap());
        self.account(NewUser { email, is_active: true, is_superuser: true, ..NewUser::default() }, &[])
    }

    /// Makes a user with [`PASSWORD`] and these roles.
    pub fn account(&self, profile: NewUser, roles: &[&str]) -> UserId {
        let password = Some(Password::parse("password", PASSWORD).unwrap());
        let roles = roles.iter().map(|role| Ref::Code((*role).to_owned())).collect();
        self.operate(|ctx| users::create(ctx, NewAccount { profile, password, roles })).unwrap().user.id
    }

    /// The key that signs, with its secret half, which nobody else can read.
    pub fn current_key(&self) -> (StoredKey, Zeroizing<Vec<u8>>) {
        let keys = self.env.store.read(|tx| tx.signing_keys()).unwrap();
        let key = Ring::new(keys, self.clock.now()).current().unwrap().clone();
        let secret = self.env.master.open(&format!("signing-key:{}", key.kid), &key.sealed).unwrap();
        (key, secret)
    }

    /// Signs in with [`PASSWORD`].
    pub fn sign_in(&self, identifier: &str) -> TokenPair {
        self.call(&Actor::Anonymous, |ctx| login::login(ctx, identifier, PASSWORD, Profile::Rbac)).unwrap().pair
    }
}

/// The files of a first start.
fn made(clock: &TestClock) -> [(&'static str, Vec<u8>); 2] {
    let folder = TempDir::new().unwrap();
    drop(open(&folder, clock));
    ["authsrv.db", "authsrv.key"].map(|name| (name, std::fs::read(folder.path().join(name)).unwrap()))
}

fn parts(folder: &TempDir, clock: &TestClock) -> Parts {
    Parts {
        database: folder.path().join("authsrv.db"),
        master_key: folder.path().join("authsrv.key"),
        clock: Box::new(clock.clone()),
        random: Box::new(Seeded(Mutex::new(1))),
        hasher: Hasher::for_tests(),
    }
}

fn open(folder: &TempDir, clock: &TestClock) -> Env {
    let (mut env, _) = parts(folder, clock).open(Missing::Create).unwrap();
    env.default_url = "http://127.0.0.1:8000".to_owned();
    env
}

/// The operator at the command line.
pub fn operator() -> Actor {
    Actor::Operator("root@test".to_owned())
}

/// Where calls of tests come from.
pub fn origin() -> Origin {
    let address = Some([192, 0, 2, 7].into());
    Origin { door: "test", address, user_agent: "tests/1".to_owned(), ..Origin::default() }
}
