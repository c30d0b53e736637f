#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::domain::settings::throttling::Rate;

const SECOND: i64 = 1_000_000;

fn key(who: Who) -> Key {
    Key { scope: "anon".to_owned(), who }
}

/// Grants or tells how long to wait.
fn ask(log: &mut Log, rate: &Rate, now: i64) -> i64 {
    let key = key(Who::User(1));
    let wait = log.wait(&key, rate, now);
    if wait == 0 {
        log.count(key, rate, now);
    }
    wait
}

#[test]
fn the_window_slides_over_what_was_granted() {
    let (mut log, rate) = (Log::default(), Rate::parse("anon=3/minute").unwrap());
    for second in [0, 10, 20] {
        assert_eq!(ask(&mut log, &rate, second * SECOND), 0);
    }
    for _ in 0..5 {
        assert_eq!(ask(&mut log, &rate, 30 * SECOND), 30 * SECOND, "what is refused does not count");
    }
    assert_eq!(ask(&mut log, &rate, 60 * SECOND - 1), 1);
    assert_eq!(ask(&mut log, &rate, 60 * SECOND), 0);
    assert_eq!(ask(&mut log, &rate, 60 * SECOND), 10 * SECOND);
}

#[test]
fn a_rate_that_was_lowered_waits_until_fewer_count() {
    let (mut log, five) = (Log::default(), Rate::parse("anon=5/minute").unwrap());
    for second in 0..5 {
        assert_eq!(ask(&mut log, &five, second * SECOND), 0);
    }
    let two = Rate::parse("anon=2/minute").unwrap();
    assert_eq!(ask(&mut log, &two, 10 * SECOND), 53 * SECOND, "until the fourth has left");
}

#[test]
fn a_clock_that_is_put_back_shuts_nobody_out_for_longer() {
    let (mut log, rate) = (Log::default(), Rate::parse("anon=1/minute").unwrap());
    assert_eq!(ask(&mut log, &rate, 10_000 * SECOND), 0);
    assert_eq!(ask(&mut log, &rate, 100 * SECOND), 60 * SECOND);
    assert_eq!(ask(&mut log, &rate, 160 * SECOND), 0);
}

#[test]
fn memory_is_bounded_and_the_latest_stay() {
    let (mut log, rate) = (Log::default(), Rate::parse("anon=3/hour").unwrap());
    for user in 0..1000 {
        log.count(key(Who::User(user)), &rate, user);
        log.bound(user, 100, 10_000);
        assert!(log.granted.len() <= 100 && log.times <= 100);
    }
    assert!(log.granted.contains_key(&key(Who::User(999))));
    assert!(!log.granted.contains_key(&key(Who::User(0))));
    log.bound(2 * 3600 * SECOND, 10, 10);
    assert!(log.granted.is_empty() && log.times == 0, "what counts no more goes first");
    for user in 0..100 {
        log.count(key(Who::User(user)), &rate, 0);
    }
    log.bound(0, 50, 10_000);
    assert_eq!(log.granted.len(), 25, "also where all are of one moment");
}

#[test]
fn a_network_of_ipv6_is_one_caller() {
    let of = |text: &str| networks::household(text.parse().unwrap());
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
}
