//! How fast passwords are hashed on this machine.

use std::time::Duration;

use crate::crypto::hash::{Params, calibration};
use crate::domain::error::Result;

/// One of the three costs that passwords may be hashed with, and how fast that is here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Memory of a hash, in MiB.
    pub memory_mib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Time of a hash while no other is computed.
    pub alone: Duration,
    /// Hashes in a second with one on each core: the most sign-ins that the machine can judge.
    pub per_second: f64,
    /// Whether this program hashes with it.
    pub is_used: bool,
    /// Whether no other gives more hashes in a second here.
    pub is_fastest: bool,
}

/// Measures the three, for about as long as `length`, on so many cores. Needs no right and no database: what is computed
/// is thrown away. `progress` hears how many of how many parts are done.
///
/// # Errors
/// `Unavailable` when memory is short; `Internal` when the system has no threads left.
pub fn calibrate(cores: usize, length: Duration, progress: &mut dyn FnMut(u32, u32)) -> Result<Vec<Point>> {
    let speeds = calibration::calibrate(cores, length, progress)?;
    let fastest = speeds.iter().map(|speed| speed.per_second).fold(0.0, f64::max);
    let point = |speed: &calibration::Speed| Point {
        memory_mib: speed.params.memory_kib / 1024,
        passes: speed.params.passes,
        alone: speed.alone,
        per_second: speed.per_second,
        is_used: speed.params == Params::DEFAULT,
        is_fastest: speed.per_second >= fastest,
    };
    Ok(speeds.iter().map(point).collect())
}
