//! Sessions and the refresh tokens that they own.

use authsrv::domain::error::Error;
use authsrv::domain::ids::{SessionId, TokenId, UserId};
use authsrv::domain::pages::Listing;
use authsrv::domain::sessions::EndReason;
use authsrv::domain::users::User;
use authsrv::store::sessions::Which;
use authsrv::store::{Mode, Store};

use super::{add_session, add_token, add_user, at, store};

/// Two users with two sessions each, of one token each. The last session was begun a second after the others.
fn filled() -> (tempfile::TempDir, Box<dyn Store>, [UserId; 2], [SessionId; 4]) {
    let (folder, store) = store();
    let (users, sessions) = store
        .write(|tx| {
            let users = [add_user(tx, "a@example.com"), add_user(tx, "b@example.com")];
            let sessions = [0, 1, 2, 3].map(|n| add_session(tx, users[n / 2], &format!("s{n}"), i64::from(n == 3)));
            for (n, session) in sessions.iter().enumerate() {
                add_token(tx, users[n / 2], *session, 1, 0);
            }
            Ok((users, sessions))
        })
        .unwrap();
    (folder, store, users, sessions)
}

/// Rows as they are counted by the engine, and as they are.
fn counts(store: &dyn Store) -> [u64; 3] {
    let everything = Listing { search: vec![], limit: 100_000, ..Listing::default() };
    store
        .read(|tx| {
            let kept = [
                tx.count_users(&everything)?,
                tx.count_sessions(&everything, at(0))?,
                tx.count_tokens(&everything, at(0))?,
            ];
            let real = [
                tx.list_users(&everything)?.len() as u64,
                tx.list_sessions(&everything, at(0))?.len() as u64,
                tx.list_tokens(&everything, at(0))?.len() as u64,
            ];
            assert_eq!(kept, real);
            Ok(real)
        })
        .unwrap()
}

#[test]
fn ending_reaches_just_those_that_are_meant() {
    for (which, ended) in [
        (|_: [UserId; 2], s: [SessionId; 4]| Which::One(s[1]), vec![1]),
        (|u, _| Which::OfUser(u[0]), vec![0, 1]),
        (|u, s| Which::OthersOfUser(u[0], s[0]), vec![1]),
        (|u, _| Which::BegunBefore(u[1], at(1)), vec![2]),
        (|_, _| Which::Everyone, vec![0, 1, 2, 3]),
    ] as [(fn([UserId; 2], [SessionId; 4]) -> Which, Vec<usize>); 5]
    {
        let (_folder, store, users, sessions) = filled();
        let which = which(users, sessions);
        let number = store.write(|tx| tx.end_sessions(which, EndReason::Revoked, at(5))).unwrap();
        assert_eq!(number, ended.len() as u64);
        for (n, session) in sessions.iter().enumerate() {
            let (session, token) =
                store.read(|tx| Ok((tx.session(*session)?, tx.newest_token(*session, at(5))?))).unwrap();
            let (session, token) = (session.unwrap(), token.unwrap());
            let end = ended.contains(&n).then(|| at(5));
            assert_eq!((session.ended_at, token.revoked_at), (end, end), "{which:?}");
            assert_eq!(session.end_reason, end.map(|_| EndReason::Revoked));
        }
        assert_eq!(store.write(|tx| tx.end_sessions(which, EndReason::Logout, at(6))).unwrap(), 0);
        assert_eq!(counts(&*store), [2, 4, 4]);
    }
}

/// Those by which somebody gets in, whatever of session and user speaks against it; and the highest number, also when what
/// had it is gone.
#[test]
fn usable_sessions_and_the_newest_number() {
    let (_folder, store) = store();
    assert_eq!(store.read(|tx| tx.newest_session()).unwrap(), SessionId(0));
    let (_folder, store, users, sessions) = filled();
    let usable = |now| store.read(|tx| tx.usable_sessions(1..=100, at(now))).unwrap();
    assert_eq!(usable(5), sessions);
    assert_eq!(store.read(|tx| tx.usable_sessions(2..=3, at(5))).unwrap(), sessions[1..3]);
    for now in [0, 5, 100_000_000] {
        let live = store.read(|tx| Ok([tx.live_sessions(users[0], at(now))?, tx.live_sessions(users[1], at(now))?]));
        let mut live: Vec<SessionId> = live.unwrap().iter().flatten().map(|session| session.id).collect();
        live.sort();
        assert_eq!(usable(now), live, "{now}");
    }
    let change = |change: &dyn Fn(&mut User)| {
        let mut user = store.read(|tx| tx.user(users[1])).unwrap().unwrap();
        change(&mut user);
        store.write(|tx| tx.update_user(&user)).unwrap();
    };
    change(&|user| user.is_active = false);
    assert_eq!(usable(5), sessions[..2]);
    // The last was begun a second after the others.
    change(&|user| (user.is_active, user.force_logout_at) = (true, Some(at(1))));
    assert_eq!(usable(0), sessions);
    assert_eq!(usable(1), [sessions[0], sessions[1], sessions[3]]);
    store.write(|tx| tx.end_sessions(Which::One(sessions[0]), EndReason::Logout, at(2))).unwrap();
    assert_eq!(usable(2), [sessions[1], sessions[3]]);
    store.write(|tx| tx.delete_user(users[1])).unwrap();
    assert_eq!(usable(2), [sessions[1]]);
    assert_eq!(store.read(|tx| tx.newest_session()).unwrap(), sessions[3]);
}

/// a clock that ran ahead and was set right again brings nothing back that was ended meanwhile.
#[test]
fn an_end_outlasts_a_clock_that_steps_back() {
    let (_folder, store, users, _) = filled();
    store.write(|tx| tx.end_sessions(Which::OfUser(users[0]), EndReason::RevokedAll, at(999_999))).unwrap();
    assert_eq!(store.read(|tx| tx.live_sessions(users[0], at(10))).unwrap(), []);
    assert_eq!(store.read(|tx| tx.live_sessions(users[1], at(10))).unwrap().len(), 2);
}

#[test]
fn live_sessions_come_newest_first() {
    let (_folder, store, users, sessions) = filled();
    let live = |now| -> Vec<SessionId> {
        store.read(|tx| tx.live_sessions(users[0], now)).unwrap().iter().map(|session| session.id).collect()
    };
    assert_eq!(live(at(3599)), [sessions[1], sessions[0]]);
    assert!(live(at(3600)).is_empty());
    store.write(|tx| tx.set_session_end(sessions[0], at(5000))).unwrap();
    assert_eq!(live(at(3600)), [sessions[0]]);
}

/// the newest token is the one of the highest generation, whatever the times say.
#[test]
fn a_token_is_spent_once() {
    let (_folder, store, users, sessions) = filled();
    let second = store.write(|tx| Ok(add_token(tx, users[0], sessions[0], 2, -50))).unwrap();
    let newest = store.read(|tx| tx.newest_token(sessions[0], at(0))).unwrap().unwrap();
    assert_eq!((newest.id, newest.generation), (second, 2));
    store.write(|tx| tx.spend_token(second, b"sealed", at(7), at(0))).unwrap();
    let row = store.read(|tx| tx.refresh_token(&newest.jti, at(8))).unwrap().unwrap();
    assert_eq!((row.spent_at, row.revoked_at, row.last_used_at), (Some(at(7)), Some(at(7)), Some(at(7))));
    assert_eq!(row.successor.as_deref(), Some(&b"sealed"[..]));
    let again = store.write(|tx| tx.spend_token(second, b"another", at(8), at(0)));
    assert!(matches!(again, Err(Error::Internal(_))));
    assert!(store.write(|tx| tx.touch_token(TokenId(999), at(8))).is_err());
    assert_eq!(store.read(|tx| tx.refresh_token(&newest.jti, at(8))).unwrap().unwrap(), row);
}

#[test]
fn a_generation_of_a_session_exists_once() {
    let (_folder, store, users, sessions) = filled();
    let twice = authsrv::domain::tokens::NewRefreshToken {
        secret_hash: None,
        jti: "another".to_owned(),
        session_id: sessions[0],
        user_id: users[0],
        generation: 1,
        issued_at: at(0),
        expires_at: at(1),
        ip_address: None,
        user_agent: String::new(),
    };
    assert!(store.write(|tx| tx.insert_token(&twice)).is_err());
    assert_eq!(counts(&*store), [2, 4, 4]);
}

#[test]
fn deleting_a_user_deletes_sessions_and_tokens_and_the_counts_follow() {
    let (_folder, store, users, sessions) = filled();
    let dropped = store.begin(Mode::Write).unwrap();
    assert!(dropped.delete_user(users[0]).unwrap());
    drop(dropped);
    assert_eq!(counts(&*store), [2, 4, 4]);
    assert!(store.write(|tx| tx.delete_user(users[0])).unwrap());
    assert_eq!(counts(&*store), [1, 2, 2]);
    assert!(store.read(|tx| tx.session(sessions[0])).unwrap().is_none());
    assert!(store.read(|tx| tx.refresh_token("jti-1-1", at(0))).unwrap().is_none());
    store.write(|tx| tx.purge_sessions(at(99_999), 1)).unwrap();
    assert_eq!(counts(&*store), [1, 1, 1]);
    store.write(|tx| tx.purge_tokens(at(99_999), 10)).unwrap();
    assert_eq!(counts(&*store), [1, 1, 0]);
    store.write(|tx| tx.delete_user(users[1])).unwrap();
    assert_eq!(counts(&*store), [0, 0, 0]);
    store.write(|tx| Ok(add_user(tx, "c@example.com"))).unwrap();
    assert_eq!(counts(&*store), [1, 0, 0]);
}

/// S4-35: a forced logout that has come has ended what was begun before it, whoever asks.
#[test]
fn what_a_forced_logout_has_ended_is_not_ended_again() {
    let (_folder, store, [ann, _], [old, ..]) = filled();
    let new = store
        .write(|tx| {
            let forced = User { force_logout_at: Some(at(50)), ..tx.user(ann)?.unwrap() };
            tx.update_user(&forced)?;
            Ok(add_session(tx, ann, "new", 50))
        })
        .unwrap();
    let ends = |which, now| {
        let tx = store.begin(Mode::Write).unwrap();
        tx.end_sessions(which, EndReason::Revoked, now).unwrap()
    };
    for (now, old_ends, all_end) in [(at(49), 1, 3), (at(50), 0, 1)] {
        assert_eq!((ends(Which::One(old), now), ends(Which::OfUser(ann), now)), (old_ends, all_end));
        assert_eq!(ends(Which::One(new), now), 1);
        let live: Vec<SessionId> =
            store.read(|tx| tx.live_sessions(ann, now)).unwrap().iter().map(|session| session.id).collect();
        assert_eq!((live.len() as u64, live[0]), (all_end, new));
        let revoked_at = store.read(|tx| tx.newest_token(old, now)).unwrap().unwrap().revoked_at;
        assert_eq!(revoked_at, (old_ends == 0).then_some(at(50)));
    }
}

/// ending all sessions is told to whoever looked before and comes back later; ending one is not.
#[test]
fn the_epoch_grows_when_all_sessions_of_a_user_end() {
    let (_folder, store, [ann, bob], _) = filled();
    let epochs = || store.read(|tx| Ok((tx.epoch(ann)?, tx.epoch(bob)?))).unwrap();
    let end = |which| store.write(|tx| tx.end_sessions(which, EndReason::RevokedAll, at(0))).unwrap();
    let before = epochs();
    end(Which::One(SessionId(1)));
    assert_eq!(epochs(), before);
    end(Which::OfUser(ann));
    assert_eq!(epochs(), (before.0 + 1, before.1));
    end(Which::OthersOfUser(ann, SessionId(1)));
    assert_eq!(epochs(), (before.0 + 2, before.1));
    end(Which::BegunBefore(ann, at(0)));
    assert_eq!(epochs(), (before.0 + 3, before.1));
    end(Which::Everyone);
    assert_eq!(epochs(), (before.0 + 4, before.1 + 1));
}
