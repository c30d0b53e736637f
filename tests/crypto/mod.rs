//! Hashing, tokens and sealing, each on its own.

mod django;
mod hash;
mod jwt;
mod jwt_claims;
mod jwt_shape;
mod mac;
mod seal;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use authsrv::crypto::random::{OsRandom, Random, uuid};
use authsrv::domain::error::Result;

/// Bytes that count up: different at each call, the same in each run.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed) as u8;
        }
        Ok(())
    }
}

/// The shortest time that each of these takes. They take turns, since the machine is shared.
fn quickest<const N: usize>(runs: [&dyn Fn(); N]) -> [Duration; N] {
    let mut quickest = [Duration::MAX; N];
    for _ in 0..9 {
        for (run, quickest) in runs.iter().zip(&mut quickest) {
            let begin = Instant::now();
            run();
            *quickest = begin.elapsed().min(*quickest);
        }
    }
    quickest
}

#[test]
fn uuids_are_of_version_4_and_follow_the_given_randomness() {
    assert_eq!(uuid(&Counting::default()).unwrap(), "00010203-0405-4607-8809-0a0b0c0d0e0f");
}

#[test]
fn system_randomness_does_not_repeat() {
    assert_ne!(uuid(&OsRandom).unwrap(), uuid(&OsRandom).unwrap());
}
