//! What machines do to programs: processes are killed, power goes, disks fill up, fail and lie, clocks jump, others hold locks.
//! Clients and commands work all the while, and the ledger (`tests/ledger/`) is held against what is there afterwards.
//!
//! | fault | promises | where | full form |
//! |---|---|---|---|
//! | `kill -9` of the server, and of commands in their middle; control: acknowledged too early | R-58, R-59, R-63, R-64 | `kills.rs`; one crash step by step: `tests/lifecycle.rs` | 1,000 rounds |
//! | power loss; control: without the syncs of the log | R-58, R-59 | `power.rs` | 200 rounds |
//! | checks beside ends of access; control: a cache of a second | R-26, R-28, R-30 | `races.rs`; each end by name: `tests/live.rs`, `tests/attacks/revocation*.rs` | 100,000 ends |
//! | full disk | R-13, R-33, R-61 | `disk_full.rs` | – |
//! | read-only file system, file system cut off, log locked | R-13, R-33, R-60 | `read_only.rs`; files too open: `tests/attacks/open_files.rs` | – |
//! | errors of fsync and write; a crash while they last | R-60 | `injected.rs`; what a connection does then: `tests/contract/sqlite_connections.rs` | 5 rounds of 12 errors |
//! | lock held by another program | R-63 | `locked.rs`; shells and clients at once: `tests/lifecycle.rs` | 30 s |
//! | reader that does not end | R-68 | `locked.rs` | 8,000 writes |
//! | clock set forward and back | R-59, R-70 | `clock.rs` | 20 rounds of 7 steps |
//! | SIGTERM, twice, with slow clients | R-65 | `processes.rs`; twenty sign-ins: `tests/lifecycle.rs` | – |
//! | SIGSTOP of a command in its commit, and of the server | R-63 | `processes.rs` | – |
//! | no files to be had | R-68 | `processes.rs` | – |
//! | slow clients | R-51 | `tests/attacks/slow_clients.rs` | – |
//! | mail server down, with crashes | R-69 | `mails.rs`; one that hangs: `tests/attacks/mail_server.rs`; retries: `tests/service/mails.rs` | – |
//! | database moved away or replaced | R-30, R-58 | `tests/attacks/swapped_file.rs` | – |
//!
//! Quick forms run with all tests. All full forms: `cargo test --release -- --ignored --nocapture --test-threads 1 faults::`;
//! one of them: `… faults::kills`, with `AUTHSRV_TEST_ROUNDS=50` before it for so many rounds.

mod clock;
mod disk_full;
mod disks;
mod injected;
mod kills;
mod locked;
mod mails;
mod native;
mod power;
mod processes;
mod proxy;
mod races;
mod read_only;

/// How many rounds the full form of a fault has: as many as `AUTHSRV_TEST_ROUNDS` says, else this.
pub fn rounds(default: usize) -> usize {
    std::env::var("AUTHSRV_TEST_ROUNDS").map_or(default, |rounds| rounds.parse().unwrap())
}
