//! Password hashing and its lane.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use authsrv::crypto::hash::{Hasher, Params, Verdict};
use authsrv::crypto::random::{OsRandom, Random};
use authsrv::domain::error::{Error, Result};

use super::Counting;

/// "password" with the salt "somesalt": a test vector of the reference implementation (phc-winner-argon2, `src/test.c`).
const FOREIGN: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

/// Randomness that is drawn inside the lane: whoever draws counts as running until it is given.
struct Gauge<'a> {
    running: &'a AtomicUsize,
    most: &'a AtomicUsize,
}

impl Random for Gauge<'_> {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        self.most.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(3));
        self.running.fetch_sub(1, Ordering::SeqCst);
        OsRandom.fill(bytes)
    }
}

/// Randomness that tells when it is drawn and does not come until the gate opens.
struct Gate {
    arrived: Mutex<Sender<()>>,
    open: Mutex<Receiver<()>>,
}

impl Random for Gate {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        self.arrived.lock().unwrap().send(()).unwrap();
        let _ = self.open.lock().unwrap().recv();
        OsRandom.fill(bytes)
    }
}

struct Panicking;

impl Random for Panicking {
    fn fill(&self, _: &mut [u8]) -> Result<()> {
        panic!("on purpose");
    }
}

fn retry_after<T>(result: Result<T>) -> Option<Duration> {
    match result {
        Err(Error::Unavailable { retry_after }) => Some(retry_after),
        _ => None,
    }
}

/// Occupies both places of a hasher for tests until the sender it gives is dropped.
fn occupy<'scope>(scope: &'scope thread::Scope<'scope, '_>, hasher: &'scope Hasher) -> Vec<Sender<()>> {
    let (arrived, arrivals) = channel();
    let gates = (0..2).map(|_| {
        let (sender, open) = channel();
        let gate = Gate { arrived: Mutex::new(arrived.clone()), open: Mutex::new(open) };
        scope.spawn(move || hasher.hash("secret", &gate).unwrap());
        sender
    });
    let gates = gates.collect();
    for _ in 0..2 {
        arrivals.recv().unwrap();
    }
    gates
}

#[test]
fn r1_a_hash_is_argon2id_at_the_floor_with_a_salt_of_16_bytes() {
    let hasher = Hasher::new(Params::DEFAULT, 2).unwrap();
    let phc = hasher.hash("correct horse", &Counting::default()).unwrap();
    let start = "$argon2id$v=19$m=12288,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$";
    assert_eq!(phc.strip_prefix(start).expect("our costs and the salt given").len(), 43);
    assert_eq!(hasher.verify("correct horse", &phc).unwrap(), Verdict::Right);
    assert_eq!(hasher.verify("correct horse ", &phc).unwrap(), Verdict::Wrong);
}

#[test]
fn r1_costs_below_the_floor_or_beyond_the_ceiling_are_refused() {
    let with = |memory_kib, passes, lanes| Hasher::new(Params { memory_kib, passes, lanes }, 1).is_ok();
    for (memory, passes) in [(46 * 1024, 1), (19 * 1024, 2), (12 * 1024, 3)] {
        assert!(with(memory, passes, 1));
        assert!(!with(memory - 1, passes, 1));
        assert!(!with(memory, passes - 1, 1));
        assert!(!with(memory, passes, 0));
    }
    assert!(with(64 * 1024, 3, 1) && with(256 * 1024, 10, 8));
    assert!(!with(256 * 1024 + 1, 1, 1) && !with(256 * 1024, 11, 1) && !with(256 * 1024, 1, 9));
    let text = Hasher::new(Params { memory_kib: 8, passes: 1, lanes: 1 }, 1).unwrap_err().to_string();
    assert!(text.contains("19 MiB with 2 passes"), "{text}");
}

#[test]
fn r1_a_right_password_under_other_costs_asks_to_be_hashed_anew() {
    let phc = Hasher::for_tests().hash("secret", &OsRandom).unwrap();
    assert_eq!(Hasher::for_tests().verify("secret", &phc).unwrap(), Verdict::Right);
    let strong = Hasher::new(Params::DEFAULT, 1).unwrap();
    assert_eq!(strong.verify("secret", &phc).unwrap(), Verdict::RightButWeak);
    assert_eq!(strong.verify("Secret", &phc).unwrap(), Verdict::Wrong);
    let stronger = strong.hash("secret", &OsRandom).unwrap();
    assert_eq!(Hasher::for_tests().verify("secret", &stronger).unwrap(), Verdict::RightButWeak);
}

#[test]
fn hashes_of_the_reference_implementation_are_understood() {
    assert_eq!(Hasher::for_tests().verify("password", FOREIGN).unwrap(), Verdict::RightButWeak);
    assert_eq!(Hasher::for_tests().verify("passwort", FOREIGN).unwrap(), Verdict::Wrong);
}

#[test]
fn stored_texts_that_are_no_usable_hash_are_wrong_and_are_never_computed() {
    let tail = "$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let costs = [
        "m=4294967295,t=1,p=1",
        "m=262145,t=1,p=1",
        "m=64,t=4294967295,p=1",
        "m=64,t=1,p=9",
        "m=7,t=1,p=1",
        "m=64,t=1",
    ];
    let mut stored: Vec<String> = costs.iter().map(|costs| format!("$argon2id$v=19${costs}{tail}")).collect();
    stored.push(format!("$argon2i$v=19$m=64,t=1,p=1{tail}"));
    stored.push(format!("$argon2id$v=16$m=64,t=1,p=1{tail}"));
    stored.push(format!("$argon2id$v=19$m=64,t=1,p=1,data=AAAA{tail}"));
    stored.extend(["", "!", "secret", "$", "$argon2id$v=19$m=64,t=1,p=1", "pbkdf2_sha256$1$a$b"].map(String::from));
    let begin = Instant::now();
    for phc in &stored {
        assert_eq!(Hasher::for_tests().verify("secret", phc).unwrap(), Verdict::Wrong, "{phc}");
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "something was computed at its own costs");
}

#[test]
fn r14_nobody_costs_what_somebody_costs() {
    let hasher = Hasher::new(Params::DEFAULT, 1).unwrap();
    let phc = hasher.hash("secret", &OsRandom).unwrap();
    let runs: [&dyn Fn(); 3] = [
        &|| assert!(hasher.verify("secret", &phc).unwrap().is_right()),
        &|| hasher.verify_nobody("secret").unwrap(),
        &|| assert!(!hasher.verify("secret", "garbage").unwrap().is_right()),
    ];
    let [known, nobody, garbage] = super::quickest(runs);
    for other in [nobody, garbage] {
        assert!(other * 3 > known && known * 3 > other, "{known:?} against {other:?}"); // Wide: the machine is shared.
    }
}

#[test]
fn no_more_than_the_width_of_the_lane_hash_at_once() {
    let (hasher, running, most) = (Hasher::for_tests(), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| hasher.hash("secret", &Gauge { running: &running, most: &most }).unwrap());
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn a_full_queue_and_a_long_wait_are_unavailable_and_the_lane_recovers() {
    let hasher = Hasher::for_tests();
    let refused = Arc::new(Mutex::new(Vec::new()));
    thread::scope(|scope| {
        let gates = occupy(scope, &hasher);
        let waiting: Vec<_> = (0..40)
            .map(|_| {
                let (hasher, refused) = (&hasher, Arc::clone(&refused));
                scope.spawn(move || {
                    let begin = Instant::now();
                    let again = retry_after(hasher.verify_nobody("secret")).unwrap();
                    assert!((1..=2).contains(&again.as_secs()));
                    refused.lock().unwrap().push(begin.elapsed());
                })
            })
            .collect();
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
        drop(gates);
    });
    let refused = refused.lock().unwrap();
    let at_once = refused.iter().filter(|waited| **waited < Duration::from_millis(1500)).count();
    let waited = refused.iter().filter(|waited| **waited >= Duration::from_secs(2)).count();
    assert_eq!((at_once, waited), (8, 32));
    hasher.verify_nobody("secret").unwrap();
}

#[test]
fn those_who_wait_are_let_in_when_there_is_room() {
    let hasher = Hasher::for_tests();
    thread::scope(|scope| {
        let gates = occupy(scope, &hasher);
        let waiting: Vec<_> = (0..32).map(|_| scope.spawn(|| hasher.verify_nobody("secret"))).collect();
        thread::sleep(Duration::from_millis(50));
        drop(gates);
        assert!(waiting.into_iter().all(|thread| thread.join().unwrap().is_ok()));
    });
}

#[test]
fn a_panic_gives_its_place_back() {
    let hasher = Hasher::for_tests();
    for _ in 0..5 {
        let run = std::panic::AssertUnwindSafe(|| hasher.hash("secret", &Panicking));
        assert!(std::panic::catch_unwind(run).is_err());
    }
    hasher.verify_nobody("secret").unwrap();
}
