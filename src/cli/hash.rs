//! `authsrv hash`: what hashing passwords costs on this machine.

use std::thread::available_parallelism;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::failure::Failure;
use super::output::{Cell, List, Output, Record};
use crate::service::hashing::{self, Point};

/// What can be done about hashes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure the three permitted costs of a password hash on this machine; no database is needed, and nothing is changed
    #[command(after_help = HELP)]
    Calibrate(Calibrate),
}

const HELP: &str = "\
alone_ms is the time of one hash while no other is computed, per_second how many there are with one
on each core: the most sign-ins that this machine can judge. All three are equally hard to guess by.
A server that works meanwhile makes all figures worse.

Examples:
  authsrv hash calibrate
  authsrv hash calibrate --seconds 30 -o json";

/// Options of `hash calibrate`.
#[derive(Debug, clap::Args)]
pub struct Calibrate {
    /// How long to measure
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// Runs one of them.
pub fn run(command: &Command) -> Result<Output<'static>, Failure> {
    match command {
        Command::Calibrate(args) => calibrate(args),
    }
}

fn calibrate(args: &Calibrate) -> Result<Output<'static>, Failure> {
    let cores = available_parallelism().map_or(1, usize::from);
    // Drawn on standard error, and only if that is a terminal.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent} %") {
        bar.set_style(style);
    }
    let measured = hashing::calibrate(cores, Duration::from_secs(args.seconds), &mut |done, whole| {
        bar.set_length(whole.into());
        bar.set_position(done.into());
    });
    bar.finish_and_clear();
    let points = measured?;
    let note = verdict(&points);
    let mut page = Some(points.iter().map(record).collect());
    let fields = vec!["memory_mib", "passes", "alone_ms", "per_second", "in_use", "fastest"];
    Ok(Output::many(List::new(fields, "Nothing was measured.", Box::new(move || Ok(page.take())))).with_note(note))
}

fn record(point: &Point) -> Record {
    Record(vec![
        ("memory_mib", Cell::count(point.memory_mib.into())),
        ("passes", Cell::count(point.passes.into())),
        ("alone_ms", Cell::Json(format!("{:.1}", point.alone.as_secs_f64() * 1000.0))),
        ("per_second", Cell::Json(format!("{:.1}", point.per_second))),
        ("in_use", Cell::Bool(point.is_used)),
        ("fastest", Cell::Bool(point.is_fastest)),
    ])
}

/// What the figures say.
fn verdict(points: &[Point]) -> String {
    let named = |point: &Point| format!("{} MiB with {} passes", point.memory_mib, point.passes);
    let used = points.iter().find(|point| point.is_used);
    let fastest = points.iter().find(|point| point.is_fastest);
    match (used, fastest) {
        (Some(used), Some(fastest)) if used != fastest => {
            let share = fastest.per_second / used.per_second;
            format!("In use: {}. Here {} would give {share:.2} times as many.", named(used), named(fastest))
        }
        (Some(used), _) => format!("In use: {}, which is the fastest here.", named(used)),
        (None, _) => String::new(),
    }
}
