//! Writers exclude each other and wait; none fails for it.

use authsrv::domain::ids::UserId;
use authsrv::domain::pages::Listing;

use super::{add_user, another, at, store, users};

const THREADS: usize = 4;
const WRITES: usize = 200;

/// Two handles, four threads on each, two hundred writes in each thread: none is refused and none is lost, though every
/// write reads a number and stores the next.
#[test]
fn no_write_fails_or_is_lost_under_two_handles() {
    let (folder, first) = store();
    let second = another(&folder);
    first.write(|tx| tx.set_mark("counter", "0")).unwrap();
    std::thread::scope(|scope| {
        for store in [&first, &second] {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..WRITES {
                        store
                            .write(|tx| {
                                let now: u64 = tx.mark("counter")?.unwrap().parse().unwrap();
                                tx.set_mark("counter", &(now + 1).to_string())
                            })
                            .unwrap();
                        store.read(|tx| tx.count_users(&Listing::default())).unwrap();
                    }
                });
            }
        }
    });
    let counted = first.read(|tx| tx.mark("counter")).unwrap().unwrap();
    assert_eq!(counted, (2 * THREADS * WRITES).to_string());
}

#[test]
fn two_that_take_one_address_at_once_leave_one_account() {
    let (folder, first) = store();
    let second = another(&folder);
    let made: Vec<Option<UserId>> = std::thread::scope(|scope| {
        let threads: Vec<_> = [&first, &second, &first, &second]
            .into_iter()
            .map(|store| {
                scope.spawn(move || {
                    let new = super::person("same@example.com");
                    store
                        .write(|tx| match tx.taken_identifier(&new, None)? {
                            Some(_) => Ok(None),
                            None => tx.insert_user(&new, None, at(0)).map(Some),
                        })
                        .unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.into_iter().flatten().count(), 1);
    assert_eq!(users(&*first), 1);
}

#[test]
fn many_readers_and_a_writer_at_once() {
    let (_folder, store) = store();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..20 {
                    store.read(|tx| tx.list_users(&super::all())).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for n in 0..50 {
                store.write(|tx| Ok(add_user(tx, &format!("u{n}@example.com")))).unwrap();
            }
        });
    });
    assert_eq!(users(&*store), 50);
}
