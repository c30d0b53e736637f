//! The process as the system sees it, under the names that Prometheus has for that
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::fs;

use prometheus::{Gauge, IntGauge};

use super::{Maker, whole};

/// Gauges of the process. Where the system tells nothing they stay 0.
pub(super) struct Process {
    cpu: Gauge,
    started: Gauge,
    memory: IntGauge,
    files: IntGauge,
    files_max: IntGauge,
}

/// What `/proc` tells of a process.
struct Stat {
    /// Time on a processor, in ticks.
    ticks: u64,
    /// When it began, in ticks since the system did.
    began: u64,
    /// Memory, in pages.
    pages: u64,
}

impl Process {
    pub(super) fn new(make: &Maker) -> prometheus::Result<Self> {
        Ok(Self {
            cpu: make.fractional("process_cpu_seconds_total", "Time that the process spent on a processor.")?,
            started: make.fractional("process_start_time_seconds", "When the process began, in seconds since 1970.")?,
            memory: make.gauge("process_resident_memory_bytes", "Memory that the process occupies.")?,
            files: make.gauge("process_open_fds", "Files and connections that the process has open.")?,
            files_max: make.gauge("process_max_fds", "As many as it may have open.")?,
        })
    }

    /// Looks anew.
    pub(super) fn look(&self) {
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(parsed) {
            self.cpu.set(stat.ticks as f64 / per_second);
            self.memory.set(whole(stat.pages.saturating_mul(rustix::param::page_size() as u64)));
            if let Some(booted) = fs::read_to_string("/proc/stat").ok().as_deref().and_then(boot_time) {
                self.started.set(booted as f64 + stat.began as f64 / per_second);
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.files.set(whole(open.count() as u64));
        }
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        self.files_max.set(most.map_or(i64::MAX, whole));
    }
}

/// Reads `/proc/self/stat` (proc_pid_stat(5)); the name in it, which may hold anything, ends with the last bracket.
fn parsed(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // The first of these is the third of the manual.
    let number = |nth: usize| fields.get(nth - 3)?.parse::<u64>().ok();
    Some(Stat { ticks: number(14)? + number(15)?, began: number(22)?, pages: number(24)? })
}

/// When the system began, in seconds since 1970 (proc_stat(5)).
fn boot_time(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}
