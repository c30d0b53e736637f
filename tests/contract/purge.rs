//! What has expired goes in batches.

use super::{add_session, add_token, add_user, at, store};

#[test]
fn purging_takes_at_most_the_batch_and_only_what_expired() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            let user = add_user(tx, "a@example.com");
            for n in 0..12 {
                let session = add_session(tx, user, &format!("s{n}"), n * 10);
                add_token(tx, user, session, 1, n * 10);
            }
            Ok(())
        })
        .unwrap();
    let before = at(3600 + 70); // Seven ended before this second.
    let tokens = || store.write(|tx| tx.purge_tokens(before, 3)).unwrap();
    assert_eq!([tokens(), tokens(), tokens(), tokens()], [3, 3, 1, 0]);
    let sessions = || store.write(|tx| tx.purge_sessions(before, 5)).unwrap();
    assert_eq!([sessions(), sessions(), sessions()], [5, 2, 0]);
    let left = store.read(|tx| Ok((tx.list_sessions(&super::all(), at(0))?, tx.list_tokens(&super::all(), at(0))?)));
    let (sessions, tokens) = left.unwrap();
    assert!(sessions.iter().all(|session| session.expires_at >= before));
    assert_eq!((sessions.len(), tokens.len()), (5, 5));
}

#[test]
fn sealed_successors_are_forgotten_in_batches() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            let user = add_user(tx, "a@example.com");
            let session = add_session(tx, user, "s", 0);
            for n in 1..=5 {
                let token = add_token(tx, user, session, n, 0);
                tx.spend_token(token, b"sealed", at(n), at(0))?;
            }
            Ok(())
        })
        .unwrap();
    let forget = || store.write(|tx| tx.forget_successors(at(5), 3)).unwrap();
    assert_eq!([forget(), forget(), forget()], [3, 1, 0]);
    let rows = store.read(|tx| tx.list_tokens(&super::all(), at(0))).unwrap();
    assert_eq!(rows.iter().filter(|row| row.successor.is_some()).count(), 1);
    assert!(rows.iter().all(|row| row.spent_at.is_some()));
}

/// What was sealed for a grace that is over goes with the next refresh of its session, and touches no other session.
#[test]
fn spending_a_token_forgets_older_successors_of_its_session() {
    let (_folder, store) = store();
    let sealed = store
        .write(|tx| {
            let user = add_user(tx, "a@example.com");
            for name in ["a", "b"] {
                let session = add_session(tx, user, name, 0);
                for n in 1..=4 {
                    let token = add_token(tx, user, session, n, 0);
                    let forget = if name == "a" { at(n * 10 - 20) } else { at(0) };
                    tx.spend_token(token, b"sealed", at(n * 10), forget)?;
                }
            }
            tx.list_tokens(&super::all(), at(0))
        })
        .unwrap();
    let kept: Vec<bool> = sealed.iter().map(|row| row.successor.is_some()).collect();
    assert_eq!(kept, [false, false, true, true, true, true, true, true], "spent at 10 and 20, forgotten up to 20");
}
