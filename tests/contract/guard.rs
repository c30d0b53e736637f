//! Attempts that are limited.

use authsrv::domain::guard::{Attempts, Bucket, Count, Key};
use authsrv::domain::ids::UserId;
use authsrv::store::guard::Counts;

use super::{at, store};

fn count(bucket: Bucket, subject: &str, user: Option<i64>, times: &[i64]) -> Count {
    Count {
        key: Key { bucket, subject: subject.to_owned() },
        user: user.map(UserId),
        address: Some([192, 0, 2, 1].into()),
        attempts: Attempts::from_stored(times.to_vec(), None),
        expires_at: at(times.len() as i64),
    }
}

#[test]
fn counts_are_kept_replaced_listed_and_forgotten() {
    let (_folder, store) = store();
    let all = [
        count(Bucket::Account, "user 1", Some(1), &[i64::MIN, -1, 0, i64::MAX]),
        count(Bucket::Account, "user 2", Some(2), &[]),
        Count {
            attempts: Attempts::from_stored(vec![7], Some(at(9))),
            address: Some("2001:db8::1".parse().unwrap()),
            ..count(Bucket::Device, "d", Some(1), &[])
        },
        count(Bucket::Network, "192.0.2.0/24", None, &[1, 2, 3]),
    ];
    store.write(|tx| all.iter().try_for_each(|one| tx.store_attempts(one))).unwrap();
    store
        .read(|tx| {
            for one in &all {
                assert_eq!(tx.attempts(&one.key)?.as_ref(), Some(one));
            }
            assert_eq!(tx.attempts(&Key { bucket: Bucket::Address, ..all[0].key.clone() })?, None);
            assert_eq!(tx.count_attempts()?, 4);
            let (first, rest) = (tx.list_attempts(None, 3)?, tx.list_attempts(Some(&all[2].key), 3)?);
            assert_eq!((first.as_slice(), rest.as_slice()), (&all[..3], &all[3..]));
            Ok(())
        })
        .unwrap();
    let again = Count { attempts: Attempts::from_stored(vec![5], None), ..all[0].clone() };
    store.write(|tx| tx.store_attempts(&again)).unwrap();
    assert_eq!(store.read(|tx| tx.attempts(&again.key)).unwrap(), Some(again));
    let forget = |which: &Counts| store.write(|tx| tx.forget_attempts(which)).unwrap();
    assert_eq!([forget(&Counts::OfUser(UserId(1))), forget(&Counts::OfUser(UserId(1)))], [2, 0]);
    assert_eq!(forget(&Counts::One(all[1].key.clone())), 1);
    assert_eq!(store.read(|tx| tx.count_attempts()).unwrap(), 1);
    assert_eq!(forget(&Counts::All), 1);
    assert_eq!(store.read(|tx| tx.count_attempts()).unwrap(), 0);
}

#[test]
fn what_matters_no_more_is_purged_in_batches() {
    let (_folder, store) = store();
    let counts = (0..5_i64).map(|n| count(Bucket::Account, &n.to_string(), None, &vec![0; n as usize]));
    store.write(|tx| counts.clone().try_for_each(|one| tx.store_attempts(&one))).unwrap();
    let purge = || store.write(|tx| tx.purge_attempts(at(3), 3)).unwrap();
    assert_eq!([purge(), purge(), purge()], [3, 1, 0]);
    assert_eq!(store.read(|tx| tx.count_attempts()).unwrap(), 1);
}
