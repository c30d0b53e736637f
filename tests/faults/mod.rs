//! What machines do to programs: processes are killed, power goes, disks fill up, fail and lie, others hold locks. Clients and
//! commands work all the while, and the ledger (`tests/ledger/`) is held against what is there afterwards.

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
