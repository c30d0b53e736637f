//! The checker itself: a good history passes, and each rule has a bad one that it finds.

use super::{Census, Door, Event, History, Key, Outcome, Value, broken};

/// No rule is broken.
const NONE: [u8; 0] = [];

fn event(outcome: Outcome, times: (u64, u64), writes: &[(Key, Value)]) -> Event {
    Event { writes: writes.to_vec(), ..Event::new((Door::Http, "test"), times, (outcome, 0)) }
}

fn done(times: (u64, u64), writes: &[(Key, Value)]) -> Event {
    event(Outcome::Done, times, writes)
}

fn saw(times: (u64, u64), key: Key, value: Value) -> Event {
    Event { reads: vec![(key, value)], ..done(times, &[]) }
}

fn session() -> Key {
    Key::Session("s".to_owned())
}

fn leaf(jti: &str) -> (Key, Value) {
    (Key::Leaf("s".to_owned()), Value::Is(jti.to_owned()))
}

fn account(value: Value) -> (Key, Value) {
    (Key::Account("ann".to_owned()), value)
}

fn role(value: Value) -> (Key, Value) {
    (Key::Role("ann".to_owned(), "viewer".to_owned()), value)
}

/// A file in which there is this, and one superuser.
fn census(at: u64, values: &[(Key, Value)]) -> Census {
    let values = values.iter().filter(|(_, value)| *value != Value::Gone).cloned().collect();
    Census { from: at, to: at + 1, values, superusers: 1, ..Census::default() }
}

/// The rules that are broken, each once.
fn found(events: Vec<Event>, censuses: Vec<Census>) -> Vec<u8> {
    let deaths = vec![100];
    let mut rules: Vec<u8> =
        broken(&History { events, deaths, censuses }).into_iter().map(|broken| broken.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn what_could_have_been_passes() {
    let login = [(session(), Value::Live), leaf("a")];
    let events = vec![
        done((1, 2), &[account(Value::Live)]),
        done((3, 4), &login),
        saw((5, 6), session(), Value::Live),
        done((7, 8), &[leaf("b")]),
        done((9, 10), &[role(Value::Live)]),
        done((11, 12), &[role(Value::Gone)]),
        event(Outcome::Refused, (13, 14), &[role(Value::Live)]),
        // Overlaps its end, and may see either.
        done((20, 30), &[(session(), Value::Gone)]),
        saw((19, 31), session(), Value::Live),
        saw((21, 22), session(), Value::Gone),
        saw((40, 41), session(), Value::Gone),
        event(Outcome::Unknown, (50, 60), &[account(Value::Off)]),
    ];
    for value in [Value::Live, Value::Off] {
        let census = census(200, &[account(value)]);
        assert_eq!(found(events.clone(), vec![census]), NONE, "either way");
    }
}

#[test]
fn rule_1_an_acknowledged_write_that_is_lost() {
    assert_eq!(found(vec![done((1, 2), &[account(Value::Live)])], vec![census(200, &[])]), [1]);
    let roles = vec![done((1, 2), &[role(Value::Live)]), done((3, 4), &[role(Value::Gone)])];
    assert_eq!(found(roles, vec![census(200, &[role(Value::Live)])]), [1], "an older value is back");
    let rotated = vec![done((1, 2), &[leaf("a")]), done((3, 4), &[leaf("b")])];
    assert_eq!(found(rotated, vec![census(200, &[leaf("a")])]), [1], "a rotation is lost");
    let early = vec![done((1, 2), &[(session(), Value::Live)]), saw((3, 4), session(), Value::Gone)];
    assert_eq!(found(early, vec![]), [1], "nobody ended it");
    let late = vec![
        event(Outcome::Unknown, (1, 2), &[role(Value::Live)]),
        done((150, 160), &[role(Value::Live)]),
        done((161, 162), &[role(Value::Gone)]),
    ];
    assert_eq!(found(late, vec![census(200, &[role(Value::Live)])]), [1], "what died cannot happen later");
}

#[test]
fn rule_2_an_ended_session_that_is_good_again() {
    let mut events = vec![done((1, 2), &[(session(), Value::Live)]), done((3, 4), &[(session(), Value::Gone)])];
    assert_eq!(found(events.clone(), vec![census(200, &[(session(), Value::Live)])]), [2]);
    events.push(saw((5, 6), session(), Value::Live));
    assert_eq!(found(events.clone(), vec![]), [2]);
    events.pop();
    events.push(saw((4, 6), session(), Value::Live));
    assert_eq!(found(events, vec![]), NONE, "it was asked before the end was acknowledged");
}

#[test]
fn rule_3_a_session_seen_over_and_good() {
    let events = vec![
        done((1, 2), &[(session(), Value::Live)]),
        saw((3, 4), session(), Value::Live),
        // Never acknowledged, so that rule 2 says nothing.
        event(Outcome::Unknown, (5, 90), &[(session(), Value::Gone)]),
        saw((10, 11), session(), Value::Gone),
        saw((12, 13), session(), Value::Live),
    ];
    assert_eq!(found(events, vec![]), [3]);
}

#[test]
fn rule_4_what_nobody_made() {
    assert_eq!(found(vec![], vec![census(200, &[account(Value::Live)])]), [4]);
    let refused = vec![event(Outcome::Refused, (1, 2), &[account(Value::Live)])];
    assert_eq!(found(refused, vec![census(200, &[account(Value::Live)])]), [4], "success was not told");
    let of_ann = |known: &[(Key, Value)]| Census {
        owners: [("s".to_owned(), "ann".to_owned())].into(),
        ..census(200, &[known, &[(session(), Value::Live)]].concat())
    };
    assert_eq!(found(vec![], vec![of_ann(&[])]), [4], "a session");
    let lost = event(Outcome::Unknown, (1, 2), &[(Key::SomeSession("ann".to_owned()), Value::Live)]);
    assert_eq!(found(vec![lost.clone()], vec![of_ann(&[])]), NONE);
    let two = Census {
        owners: [("s".to_owned(), "ann".to_owned()), ("t".to_owned(), "ann".to_owned())].into(),
        ..census(200, &[])
    };
    assert_eq!(found(vec![lost], vec![two]), [4], "two for one lost answer");
}

#[test]
fn rule_5_half_of_an_operation() {
    let before = done((1, 2), &[account(Value::Live), (session(), Value::Live)]);
    let cut = event(Outcome::Unknown, (3, 90), &[account(Value::Off), (session(), Value::Gone)]);
    let after = |account_is: Value, session_is: Value| {
        let values = [account(account_is), (session(), session_is)];
        found(vec![before.clone(), cut.clone()], vec![census(200, &values)])
    };
    assert_eq!(after(Value::Off, Value::Live), [5]);
    assert_eq!(after(Value::Live, Value::Gone), [5]);
    assert_eq!(after(Value::Off, Value::Gone), NONE);
    assert_eq!(after(Value::Live, Value::Live), NONE);
    // One before it whose answer was lost as well has ended the session.
    let earlier = Event { is_settled: true, ..event(Outcome::Unknown, (2, 3), &[(session(), Value::Gone)]) };
    let later = Event { invoked: 4, ..cut };
    let values = census(200, &[account(Value::Live)]);
    assert_eq!(found(vec![before.clone(), earlier, later], vec![values]), NONE);
}

#[test]
fn rule_6_two_leaves_or_no_superuser() {
    let leaves = |count| Census { leaves: [("s".to_owned(), count)].into(), ..census(200, &[]) };
    assert_eq!(found(vec![], vec![leaves(1)]), NONE);
    assert_eq!(found(vec![], vec![leaves(2)]), [6]);
    assert_eq!(found(vec![], vec![leaves(0)]), [6], "rotated by half");
    assert_eq!(found(vec![], vec![Census { superusers: 0, ..census(200, &[]) }]), [6]);
}

#[test]
fn rule_7_a_file_that_is_not_whole() {
    let census = Census { faults: vec!["row 3 missing from index users_first_name".to_owned()], ..census(200, &[]) };
    assert_eq!(found(vec![], vec![census]), [7]);
}
