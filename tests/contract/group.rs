//! Writes that come at once become permanent together, and are otherwise as if each had come alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use authsrv::domain::error::Error;
use authsrv::store::{Mode, Store};

use super::{add_user, another, store, users};

const THREADS: u64 = 32;
const WRITES: u64 = 40;

/// Adds one to a number that is kept as a mark, and gives it.
fn count_up(store: &dyn Store, name: &str) -> u64 {
    let up = |tx: &dyn authsrv::store::Tx| {
        let next = tx.mark(name)?.map_or(0, |mark| mark.parse::<u64>().unwrap()) + 1;
        tx.set_mark(name, &next.to_string())?;
        Ok(next)
    };
    store.write(up).unwrap()
}

fn mark(store: &dyn Store, name: &str) -> u64 {
    store.read(|tx| tx.mark(name)).unwrap().map_or(0, |mark| mark.parse().unwrap())
}

#[test]
fn what_was_answered_is_there_for_everybody_at_once() {
    let (folder, store) = store();
    let other = another(&folder);
    let start = Barrier::new(usize::try_from(THREADS).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, other, start) = (&store, &other, &start);
            scope.spawn(move || {
                start.wait();
                for round in 1..=WRITES {
                    let own = format!("thread {thread}");
                    assert_eq!(count_up(&**store, &own), round);
                    let all = count_up(&**store, "all");
                    // Another process, or a reader, sees it as soon as it was answered.
                    let seen = (mark(&**other, &own), mark(&**store, &own));
                    assert_eq!(seen, (round, round));
                    assert!(mark(&**other, "all") >= all);
                }
            });
        }
    });
    assert_eq!(mark(&*other, "all"), THREADS * WRITES);
}

/// One of three refuses what it has written, one of three panics in the middle of it: neither takes anything of the others
/// along, and nothing of it stays.
#[test]
fn each_is_all_or_nothing_by_itself() {
    let (_folder, store) = store();
    let (kept, start) = (AtomicU64::new(0), Barrier::new(usize::try_from(THREADS).unwrap()));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, kept, start) = (&store, &kept, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..WRITES {
                    let address = format!("u{thread}-{round}@example.com");
                    let ended = catch_unwind(AssertUnwindSafe(|| {
                        store.write(|tx| {
                            add_user(tx, &address);
                            match (thread + round) % 3 {
                                0 => Ok(()),
                                1 => Err(Error::internal("changed its mind")),
                                _ => std::panic::resume_unwind(Box::new("on purpose")),
                            }
                        })
                    }));
                    let is_there = store.read(|tx| tx.user_by_keys(&[&address])).unwrap().is_some();
                    assert_eq!(is_there, matches!(ended, Ok(Ok(()))), "{address}");
                    kept.fetch_add(u64::from(is_there), Ordering::Relaxed);
                }
            });
        }
    });
    let kept = kept.into_inner();
    assert!(kept > 0);
    assert_eq!(users(&*store), kept);
}

/// What has only begun is seen by the next who writes in the same transaction, and by nobody else; whoever refuses because
/// of it says so when it is permanent.
#[test]
fn a_refusal_rests_on_what_lasts() {
    let (folder, store) = store();
    let other = another(&folder);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, other) = (&store, &other);
            scope.spawn(move || {
                let refused = store.write(|tx| match tx.mark("taken")? {
                    None => tx.set_mark("taken", &thread.to_string()),
                    Some(_) => Err(Error::internal("taken")),
                });
                assert!(other.read(|tx| tx.mark("taken")).unwrap().is_some(), "{refused:?}");
            });
        }
    });
}

#[test]
fn a_writer_that_waits_in_vain_is_told_so_and_hurts_nobody() {
    let (folder, store) = store();
    let impatient = super::impatient(&folder);
    let writer = store.begin(Mode::Write).unwrap();
    add_user(&*writer, "a@example.com");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let refused = impatient.write(|tx| Ok(add_user(tx, "b@example.com")));
                assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
            });
        }
    });
    writer.commit().unwrap();
    impatient.write(|tx| Ok(add_user(tx, "c@example.com"))).unwrap();
    assert_eq!(users(&*store), 2);
}
