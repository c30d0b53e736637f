//! Sign-ins against raw argon2 of the same costs on all cores, and token checks beside them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Version};
use authsrv::crypto::hash::Params;

use crate::Plan;
use crate::load::{InTurn, Length, Script, request, run};
use crate::site::Folder;
use crate::support::PASSWORD;
use crate::table::{Aim, Sides, Table, median};

/// People who sign in, in turn.
const PEOPLE: usize = 64;
/// Connections that sign in: enough to keep all cores at work.
const CONNECTIONS: usize = 8;
/// Connections that sign in as in a flood; as many as wait for a hash without being sent away.
const FLOOD: usize = 32;
/// Connections that check tokens meanwhile, each as fast as it is answered.
const CHECKERS: usize = 4;

/// Measures both.
pub fn measure(plan: &Plan, table: &mut Table) {
    let folder = Folder::with(CHECKERS);
    let people = folder.strangers(PEOPLE);
    let server = folder.serve(&[]);
    let mut logins = scripts("POST /api/auth/login/", &people, CONNECTIONS);
    let mut sides = Sides::default();
    for _ in 0..plan.rounds {
        let ours = run(server.address, &mut logins, plan.length);
        sides.add(ours.rate, raw(plan.length.counting));
        sides.failed(ours.failures, 0);
    }
    table.compared("logins", ("raw argon2, all cores", &sides), "/s", Aim::AtLeast(0.95));

    let check = |person: &crate::site::Person| {
        request("GET /api/auth/me/", &[format!("Authorization: Bearer {}", person.access)], "")
    };
    let requests: Vec<_> = folder.people.iter().map(check).collect();
    let mut flood = scripts("POST /api/auth/login/", &people, FLOOD);
    let mut waits = Vec::new();
    for _ in 0..plan.rounds {
        let mut checks = InTurn::scripts(requests.clone(), CHECKERS);
        // Sign-ins begin before the checks are counted, and end after.
        let around = Length { warming: Duration::ZERO, counting: plan.length.warming + plan.length.counting };
        let checked = std::thread::scope(|scope| {
            let flood = scope.spawn(|| run(server.address, &mut flood, around));
            let checked = run(server.address, &mut checks, plan.length);
            flood.join().unwrap();
            checked
        });
        waits.push(if checked.failures == 0 { checked.percentile(0.99) } else { f64::NAN });
    }
    table.alone("token checks while logins saturate: p99", median(waits), "ms", Aim::AtMost(20.0));
    table.alone("memory after logins", server.resident(), "MB", Aim::None);
}

/// Scripts that sign these people in at a route.
pub fn scripts(first: &str, people: &[String], connections: usize) -> Vec<Box<dyn Script>> {
    let login = |email: &String| request(first, &[], &format!(r#"{{"email": "{email}", "password": "{PASSWORD}"}}"#));
    InTurn::scripts(people.iter().map(login).collect(), connections)
}

/// Hashes in a second with the default costs, a thread on each core, each with memory that it keeps.
pub fn raw(length: Duration) -> f64 {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let cores = std::thread::available_parallelism().unwrap().get();
    let Params { memory_kib, passes, lanes } = Params::DEFAULT;
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let params = argon2::Params::new(memory_kib, passes, lanes, Some(32)).unwrap();
                let mut memory = vec![Block::new(); params.block_count()];
                let (argon2, mut tag) = (Argon2::new(Algorithm::Argon2id, Version::V0x13, params), [0; 32]);
                while !stop.load(Ordering::Relaxed) {
                    let salt = done.load(Ordering::Relaxed).to_le_bytes();
                    argon2
                        .hash_password_into_with_memory(
                            PASSWORD.as_bytes(),
                            &[salt, salt].concat(),
                            &mut tag,
                            &mut memory,
                        )
                        .unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / length.as_secs_f64()
}
