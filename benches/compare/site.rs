//! The product as it is measured: the real binary, on a file of its own, with people who have signed in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::Hasher;
use authsrv::domain::identifiers::Email;
use authsrv::domain::passwords::Password;
use authsrv::domain::settings::Profile;
use authsrv::domain::users::NewUser;
use authsrv::service::users::{self, NewAccount};
use authsrv::service::{Actor, Env, Ref, login, settings};
use serde_json::{Value, json};

use crate::support::shell::Shell;
use crate::support::{PASSWORD, operator, origin};

/// Longest wait for a server to listen.
const START: Duration = Duration::from_secs(20);

/// Somebody who has signed in.
pub struct Person {
    /// His access token, good for the whole comparison.
    pub access: String,
    /// His refresh token.
    pub refresh: String,
}

/// A folder with a database, and its people.
pub struct Folder {
    /// Where the files are.
    pub shell: Shell,
    /// Its people.
    pub people: Vec<Person>,
}

/// A server; ended when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took to answer.
    pub starting: Duration,
    child: Child,
}

impl Folder {
    /// A database with so many people, each in one session, and without limits on what one address may do.
    pub fn with(people: usize) -> Self {
        let shell = Shell::empty();
        let env = open(&shell, Hasher::for_tests());
        let ctx_of = |actor| env.ctx(actor, &ORIGIN);
        let operator = operator();
        let limits = authsrv::domain::settings::ALL.iter().filter(|setting| setting.key.starts_with("guard."));
        let mut changes: Vec<(String, Option<Value>)> =
            limits.map(|setting| (setting.key.to_owned(), Some(0.into()))).collect();
        for (key, value) in [
            ("public_url", json!("http://127.0.0.1")),
            ("rbac.access_lifetime", json!(86_400)),
            ("sessions.per_user", json!(0)),
        ] {
            changes.push((key.to_owned(), Some(value)));
        }
        settings::change(&ctx_of(&operator), &changes).unwrap();
        let person = |number| {
            let email = format!("user-{number:04}@example.com");
            create(&env, &email);
            let pair = login::login(&ctx_of(&Actor::Anonymous), &email, PASSWORD, Profile::Rbac).unwrap().pair;
            Person { access: pair.access, refresh: pair.refresh }
        };
        let people = (0..people).map(person).collect();
        Self { shell, people }
    }

    /// Makes people who can sign in by real hashes; gives their addresses.
    pub fn strangers(&self, count: usize) -> Vec<String> {
        let params = authsrv::crypto::hash::Params::DEFAULT;
        let env = open(&self.shell, Hasher::new(params, 1).unwrap());
        let email = |number| format!("stranger-{number:04}@example.com");
        (0..count).map(email).inspect(|email| create(&env, email)).collect()
    }

    /// Starts the server, with these variables.
    pub fn serve(&self, variables: &[(&str, &Path)]) -> Server {
        let address = free_address();
        let log = std::env::var("COMPARE_LOG").unwrap_or_else(|_| "info".to_owned());
        let words = format!("serve --listen {address} --metrics-listen {} --log {log}", free_address());
        let mut command = self.shell.process(&format!("{words} --trusted-proxies 127.0.0.1"));
        command.envs(variables.iter().copied());
        Server::start(command, address)
    }
}

static ORIGIN: std::sync::LazyLock<authsrv::service::Origin> = std::sync::LazyLock::new(origin);

fn open(shell: &Shell, hasher: Hasher) -> Env {
    let parts = Parts::real(&shell.file("authsrv.db"), &shell.file("authsrv.key")).unwrap();
    Parts { hasher, ..parts }.open(Missing::Create).unwrap().0
}

fn create(env: &Env, email: &str) {
    let profile = NewUser { email: Some(Email::parse(email).unwrap()), is_active: true, ..NewUser::default() };
    let password = Some(Password::parse("password", PASSWORD).unwrap());
    let roles = vec![Ref::Code("viewer".to_owned())];
    let operator = operator();
    users::create(&env.ctx(&operator, &ORIGIN), NewAccount { profile, password, roles }).unwrap();
}

/// An address that nobody listens at.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Server {
    /// Starts a command that listens at this address, and waits until it answers. What it says goes nowhere.
    pub fn start(mut command: std::process::Command, address: SocketAddr) -> Self {
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { address, starting: Duration::ZERO, child };
        while answers(address).is_err() {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < START, "{command:?} does not listen: {ended:?}");
            std::thread::sleep(Duration::from_micros(200));
        }
        server.starting = begun.elapsed();
        server
    }

    /// Memory of the process and of those that it started, in MB of a million bytes: what is in memory now.
    pub fn resident(&self) -> f64 {
        resident(self.child.id())
    }
}

/// Passes when a server answers there, whatever it answers.
fn answers(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(START))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    stream.read_exact(&mut [0])
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0);
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    kib * 1024.0 / 1e6 + children.map(resident).sum::<f64>()
}
