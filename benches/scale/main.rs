//! `cargo bench --bench scale`: what the size of the file costs.
//!
//! For each size a file with so many users, each with a role, a session and a refresh token, is made under `target/` and
//! kept for the next run: by SQL, on a fresh database of the product, never on a live one. Then the product's own services
//! are called on it, in this process, with hashes that cost nothing: what is left of a sign-in is the lookup and the
//! writing. The people who call are spread over the whole file. Ratios are to the smallest file of the run.
//!
//! | variable | default | |
//! |---|---|---|
//! | `SCALE_SIZES` | 1000,1000000 | users; 10000000 takes some 15 GB and many minutes |
//! | `SCALE_CALLS` | 2000 | of each operation |
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that fails has no figures")]

mod generate;
#[expect(dead_code, reason = "tests use the rest")]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use authsrv::app::{Missing, Parts};
use authsrv::crypto::hash::Hasher;
use authsrv::domain::pages::{Listing, Order};
use authsrv::domain::settings::Profile;
use authsrv::domain::tokens::TokenPair;
use authsrv::service::tokens::{self, Credentials};
use authsrv::service::{Actor, Env, login, users};
use support::process::BINARY;
use support::{PASSWORD, operator, origin};

/// People who call, spread over the file.
const PEOPLE: u64 = 500;
/// Users on a page.
const PAGE: u32 = 20;
/// Most that the largest file may cost, of what the smallest does.
const AIM: f64 = 1.3;
/// Most that a start may take, in milliseconds.
const START_AIM: f64 = 100.0;

/// An operation and what it took, in microseconds.
type Figure = (&'static str, f64);

fn main() {
    let sizes = std::env::var("SCALE_SIZES").unwrap_or_else(|_| "1000,1000000".to_owned());
    let sizes: Vec<u64> = sizes.split(',').map(|size| size.trim().parse().unwrap()).collect();
    let columns: Vec<Vec<Figure>> = sizes.iter().map(|size| measured(*size)).collect();
    print!("| {:<34} |", "");
    sizes.iter().for_each(|size| print!(" {size:>10} |"));
    println!("  ratio |    aim | |\n|---|{}---:|---:|---|", "---:|".repeat(sizes.len()));
    for (row, (what, first)) in columns[0].iter().enumerate() {
        print!("| {what:<34} |");
        columns.iter().for_each(|column| print!(" {:>10.1} |", column[row].1));
        let last = columns.last().map_or(f64::NAN, |column| column[row].1);
        let (judged, aim) = if what.starts_with("start") { (last, START_AIM) } else { (last / first, AIM) };
        let verdict = if judged <= aim { "met" } else { "NOT MET" };
        println!(" {:>6.2} | {aim:>6} | {verdict} |", last / first);
    }
}

fn measured(size: u64) -> Vec<Figure> {
    let folder = generate::file_of(size);
    let mut figures = vec![("start until it answers, ms", start(&folder))];
    let env = generate::open(&folder);
    figures.extend(operations(&env, size));
    for (what, figure) in &figures {
        eprintln!("{size}: {what}: {figure:.1}");
    }
    figures
}

/// The time until the real binary answers, in milliseconds: the median of some starts.
fn start(folder: &Path) -> f64 {
    let once = || {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(BINARY);
        command.args(["serve", "--log", "warn", "--listen", &address.to_string()]).current_dir(folder);
        let begun = Instant::now();
        let mut server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let answered = || -> std::io::Result<()> {
            let mut stream = TcpStream::connect(address)?;
            std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
            stream.read_exact(&mut [0])
        };
        while answered().is_err() {
            assert!(server.try_wait().unwrap().is_none(), "the server ended");
            std::thread::sleep(Duration::from_micros(200));
        }
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        server.kill().unwrap();
        server.wait().unwrap();
        took
    };
    median((0..5).map(|_| once()).collect())
}

fn operations(env: &Env, size: u64) -> Vec<Figure> {
    let (origin, nobody) = (origin(), Actor::Anonymous);
    let calls: usize = std::env::var("SCALE_CALLS").map_or(2000, |calls| calls.parse().unwrap());
    let email = |number: usize| generate::email(1 + (number as u64 * 7919) % PEOPLE * (size / PEOPLE));
    let sign_in = |number| login::login(&env.ctx(&nobody, &origin), &email(number), PASSWORD, Profile::Rbac);
    let people = PEOPLE as usize;
    let mut pairs: Vec<_> = (0..people).map(|number| sign_in(number).unwrap().pair).collect();
    let check =
        |pair: &TokenPair| tokens::authenticate(env, &Credentials::Bearer(pair.access.clone()), env.clock.now());
    let mut figures = vec![
        ("token check", timed(calls, |call| drop(check(&pairs[call % people]).unwrap()))),
        ("sign-in without its hash", timed(calls / 4, |call| drop(sign_in(call).unwrap()))),
    ];
    let refresh = |call: usize| {
        let pair = &mut pairs[call % people];
        pair.refresh = tokens::refresh(&env.ctx(&nobody, &origin), &pair.refresh).unwrap().refresh.unwrap();
    };
    figures.push(("refresh", timed(calls / 4, refresh)));
    figures.extend(lists(env, size, calls / 4));
    figures
}

fn lists(env: &Env, size: u64, calls: usize) -> Vec<Figure> {
    let (origin, operator) = (origin(), operator());
    let page =
        |search: Option<String>| Listing { limit: PAGE, search: search.into_iter().collect(), ..Listing::default() };
    let newest = || vec![Order { field: "date_joined", descending: true }];
    let some = |call: usize| 1 + (call as u64 * 104_729) % size;
    let look = |find: &dyn Fn(usize) -> Listing| {
        timed(calls, |call| {
            let found = users::list(&env.ctx(&operator, &origin), &find(call)).unwrap();
            assert!(!found.items.is_empty());
        })
    };
    vec![
        ("first page of users", look(&|_| page(None))),
        ("first page, the newest first", look(&|_| Listing { order: newest(), ..page(None) })),
        ("search: a word that one user has", look(&|call| page(Some(generate::word(some(call)))))),
        ("search: a whole address", look(&|call| page(Some(generate::email(some(call)))))),
        ("search: a beginning", look(&|call| page(Some(generate::word(some(call))[..6].to_owned())))),
    ]
}

/// What a call takes, in microseconds: the median, after a tenth of the calls that are not counted.
fn timed(calls: usize, mut call: impl FnMut(usize)) -> f64 {
    (0..calls / 10).for_each(&mut call);
    let mut once = |number| {
        let begun = Instant::now();
        call(number);
        begun.elapsed().as_secs_f64() * 1e6
    };
    median((calls / 10..calls + calls / 10).map(&mut once).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The program on the file, with hashes that cost nothing.
fn program(folder: &Path, missing: Missing) -> Env {
    let parts = Parts::real(&folder.join("authsrv.db"), &folder.join("authsrv.key")).unwrap();
    Parts { hasher: Hasher::for_tests(), ..parts }.open(missing).unwrap().0
}
