//! Status lists: whose bit is where, and what it says.

use std::io::Read;

use authsrv::domain::ids::SessionId;
use authsrv::domain::status_lists::{LIST_SIZE, ListNumber, StatusReference, Statuses};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;

const URL: &str = "https://auth.example.com";

fn bits(list: i64, newest: i64, live: &[i64]) -> Vec<u8> {
    let live: Vec<SessionId> = live.iter().copied().map(SessionId).collect();
    let packed = Statuses::of(ListNumber::new(list).unwrap(), SessionId(newest), &live).packed().unwrap();
    let mut bits = Vec::new();
    ZlibDecoder::new(&URL_SAFE_NO_PAD.decode(packed).unwrap()[..]).read_to_end(&mut bits).unwrap();
    bits
}

#[test]
fn every_session_has_one_place() {
    for (session, list, index) in [
        (1, 1, 0),
        (2, 1, 1),
        (LIST_SIZE, 1, LIST_SIZE - 1),
        (LIST_SIZE + 1, 2, 0),
        (10 * LIST_SIZE, 10, LIST_SIZE - 1),
    ] {
        let reference = StatusReference::of(SessionId(session), URL);
        assert_eq!((reference.index, reference.uri), (index, format!("{URL}/api/auth/status-lists/{list}/")));
        let number = ListNumber::of(SessionId(session));
        assert_eq!(Some(number), ListNumber::new(list));
        assert_eq!(number.sessions().start() + index, session);
    }
    for none in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(ListNumber::new(none), None, "{none}");
    }
    assert!(ListNumber::new(i64::MAX / LIST_SIZE).unwrap().sessions().end() > &0);
    assert_eq!(ListNumber::of(SessionId(0)), ListNumber::FIRST);
}

/// The first of eight is the lowest bit; what is over is set; what is yet to begin is not.
#[test]
fn what_the_bits_say() {
    let size = usize::try_from(LIST_SIZE).unwrap();
    assert_eq!(bits(1, 0, &[]), vec![0; size / 8]);
    let begun = |bytes: Vec<u8>| bytes[..4].to_vec();
    assert_eq!(begun(bits(1, 1, &[])), [1, 0, 0, 0]);
    assert_eq!(begun(bits(1, 1, &[1])), [0, 0, 0, 0]);
    assert_eq!(begun(bits(1, 11, &[])), [0xff, 0b111, 0, 0]);
    assert_eq!(begun(bits(1, 16, &[])), [0xff, 0xff, 0, 0]);
    assert_eq!(begun(bits(1, 11, &[2, 9, 11])), [0b1111_1101, 0b010, 0, 0]);
    assert_eq!(bits(1, LIST_SIZE, &[]), vec![0xff; size / 8]);
    assert_eq!(bits(1, 9 * LIST_SIZE, &[]), vec![0xff; size / 8]);
    let last = bits(2, 2 * LIST_SIZE, &[2 * LIST_SIZE]);
    assert_eq!((last[0], last[size / 8 - 1]), (0xff, 0x7f));
    // Numbers of other lists change nothing.
    assert_eq!(bits(2, 2 * LIST_SIZE, &[1, LIST_SIZE, 2 * LIST_SIZE + 1]), vec![0xff; size / 8]);
    assert_eq!(bits(2, LIST_SIZE, &[]), vec![0; size / 8]);
}
