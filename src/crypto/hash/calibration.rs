//! How fast hashes of each permitted cost are on this machine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Hasher, Params};
use crate::domain::error::{Error, Result};

/// How often each cost has its turn. The others have theirs in between, so that what else the machine does meanwhile
/// weighs on all of them alike.
const ROUNDS: u32 = 5;
/// Parts of the time of a round: a hash at a time, and one on each core, for each of the three points.
const PARTS: u32 = 2 * Params::POINTS.len() as u32;

/// How fast hashes of one cost are: the medians of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// The cost.
    pub params: Params,
    /// What one takes while no other is computed.
    pub alone: Duration,
    /// How many there are in a second with one on each core.
    pub per_second: f64,
}

/// Measures the three points of the floor for about as long as `length`, each as a sign-in would compute it, on so
/// many cores. `progress` hears how many of how many parts are done.
///
/// # Errors
/// `Unavailable` when memory is short; `Internal` when the system has no threads left.
pub fn calibrate(cores: usize, length: Duration, progress: &mut dyn FnMut(u32, u32)) -> Result<Vec<Speed>> {
    let mut found = Vec::new();
    for params in Params::POINTS {
        found.push((Hasher::new(params, cores)?, Vec::new(), Vec::new()));
    }
    let (part, whole) = (length / (ROUNDS * PARTS), ROUNDS * PARTS);
    let mut done = 0;
    for _ in 0..ROUNDS {
        for (hasher, alone, together) in &mut found {
            alone.push(rate(hasher, 1, part)?);
            progress(done + 1, whole);
            together.push(rate(hasher, cores, part)?);
            done += 2;
            progress(done, whole);
        }
    }
    let speed = |(hasher, alone, together): (Hasher, Vec<f64>, Vec<f64>)| Speed {
        params: hasher.params,
        alone: Duration::from_secs_f64(1.0 / median(alone)),
        per_second: median(together),
    };
    Ok(found.into_iter().map(speed).collect())
}

/// Hashes in a second with so many at once; at least one by each.
fn rate(hasher: &Hasher, threads: usize, length: Duration) -> Result<f64> {
    let stop = AtomicBool::new(false);
    let work = || -> Result<f64> {
        let (begun, mut count) = (Instant::now(), 0_u32);
        while count == 0 || !stop.load(Ordering::Relaxed) {
            hasher.verify_nobody("correct horse battery staple")?;
            count += 1;
            if begun.elapsed() >= length {
                break;
            }
        }
        Ok(f64::from(count) / begun.elapsed().as_secs_f64())
    };
    thread::scope(|scope| {
        let others = (1..threads).map(|_| thread::Builder::new().spawn_scoped(scope, work));
        let others: Vec<_> = others.collect::<std::io::Result<_>>().map_err(Error::internal)?;
        let mut whole = work()?;
        // Who began later must not be measured alone.
        stop.store(true, Ordering::Relaxed);
        for other in others {
            whole += other.join().map_err(|_| Error::internal("a thread that hashed panicked"))??;
        }
        Ok(whole)
    })
}

/// The middle one of some; of none, one that no rate is.
fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(f64::MIN_POSITIVE)
}
