//! Pages: every order of the allowlists, both ways; none repeats or skips a row.

use std::cmp::Ordering;
use std::fmt::Debug;

use authsrv::domain::catalog::{CodeName, Kind, Named, NewNamed, Permission};
use authsrv::domain::ids::{ActionId, ResourceId};
use authsrv::domain::pages::{Listing, Order};
use authsrv::domain::sessions::{EndReason, Session};
use authsrv::domain::tokens::RefreshToken;
use authsrv::domain::users::User;
use authsrv::store::catalog::{NAMED_ORDER, PERMISSION_ORDER};
use authsrv::store::sessions::{SESSION_ORDER, Which};
use authsrv::store::tokens::TOKEN_ORDER;
use authsrv::store::users::USER_ORDER;

use super::{add_session, add_token, all, at, person, store, username};

const ROWS: i64 = 23;

fn by(field: &'static str, descending: bool) -> Listing {
    Listing { order: vec![Order { field, descending }], ..all() }
}

/// Walks through all pages of several sizes and compares with the list in one piece.
fn paged(whole: &[i64], page: impl Fn(u64, u32) -> Vec<i64>) {
    for size in [1, 4, 23, 50] {
        let mut seen = Vec::new();
        loop {
            let items = page(seen.len() as u64, size);
            if items.is_empty() {
                break;
            }
            seen.extend(items);
        }
        assert_eq!(seen, whole, "pages of {size}");
    }
}

/// Passes if the keys come in this order, and equal ones by id in the same direction.
fn assert_ordered<K: Ord + Debug>(keys: Vec<(K, i64)>, field: &str, descending: bool) {
    assert_eq!(keys.len() as i64, ROWS, "{field}");
    assert!(keys.iter().any(|(key, _)| *key != keys[0].0), "{field}: there is nothing to order");
    let way = |pair: &[(K, i64)]| if descending { pair[0] > pair[1] } else { pair[0] < pair[1] };
    assert!(keys.windows(2).all(way), "{field} {descending}: {keys:?}");
}

fn folded(user: &User, field: &str) -> String {
    let text = match field {
        "email" => user.email.as_ref().map_or("", |email| email.key()),
        "username" => user.username.as_ref().map_or("", |name| name.key()),
        "first_name" => &user.first_name,
        _ => &user.last_name,
    };
    text.to_ascii_lowercase()
}

fn compare(a: &User, b: &User, field: &str) -> Ordering {
    match field {
        "id" => a.id.cmp(&b.id),
        "date_joined" => a.date_joined.cmp(&b.date_joined),
        "last_login" => a.last_login.cmp(&b.last_login),
        "updated_at" => a.updated_at.cmp(&b.updated_at),
        text => folded(a, text).cmp(&folded(b, text)),
    }
}

#[test]
fn users_in_every_order() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            for n in 0..ROWS {
                let mut new = person(&format!("U{:02}@example.com", (n * 7) % ROWS));
                new.first_name = ["bob", "Ann", "Bob", ""][usize::try_from(n % 4).unwrap()].to_owned();
                new.last_name = format!("L{}", n % 3);
                new.username = (n % 2 == 0).then(|| username(&format!("name {}", 50 - n)).unwrap());
                let id = tx.insert_user(&new, None, at(n % 5))?;
                let mut user = tx.user(id)?.unwrap();
                user.last_login = (n % 3 == 0).then(|| at(n % 6));
                user.updated_at = at(n % 4);
                tx.update_user(&user)?;
            }
            Ok(())
        })
        .unwrap();
    let list = |listing: &Listing| store.read(|tx| tx.list_users(listing)).unwrap();
    for field in USER_ORDER {
        for descending in [false, true] {
            let listing = by(field, descending);
            let whole = list(&listing);
            assert_eq!(whole.len() as i64, ROWS, "{field}");
            for pair in whole.windows(2) {
                let (first, second) = if descending { (&pair[1], &pair[0]) } else { (&pair[0], &pair[1]) };
                assert_ne!(compare(first, second, field), Ordering::Greater, "{field} {descending}");
            }
            let whole: Vec<i64> = whole.iter().map(|user| user.id.0).collect();
            paged(&whole, |offset, limit| {
                list(&Listing { offset, limit, ..listing.clone() }).iter().map(|user| user.id.0).collect()
            });
        }
    }
}

#[test]
fn several_fields_decide_in_their_order() {
    let (_folder, store) = store();
    let ids: Vec<i64> = store
        .write(|tx| {
            let add = |address: &str, first: &str| {
                let new = authsrv::domain::users::NewUser { first_name: first.to_owned(), ..person(address) };
                tx.insert_user(&new, None, at(0)).map(|id| id.0)
            };
            Ok(vec![add("c@example.com", "x")?, add("a@example.com", "y")?, add("b@example.com", "x")?])
        })
        .unwrap();
    let ordered = |order: &[(&'static str, bool)]| -> Vec<i64> {
        let order = order.iter().map(|(field, descending)| Order { field, descending: *descending }).collect();
        let listing = Listing { order, ..all() };
        store.read(|tx| tx.list_users(&listing)).unwrap().iter().map(|user| user.id.0).collect()
    };
    let [c, a, b] = ids[..] else { panic!() };
    assert_eq!(ordered(&[]), [c, a, b]);
    assert_eq!(ordered(&[("first_name", false), ("email", false)]), [b, c, a]);
    assert_eq!(ordered(&[("first_name", true), ("email", false)]), [a, b, c]);
    assert_eq!(ordered(&[("first_name", false), ("id", false)]), [c, b, a]);
    assert_eq!(ordered(&[("first_name", false), ("id", true)]), [b, c, a]);
    assert_eq!(ordered(&[("id", false), ("email", false)]), [c, a, b]);
    assert_eq!(ordered(&[("id", true), ("email", false)]), [b, a, c]);
}

#[test]
fn nothing_past_the_end_and_nothing_for_a_limit_of_nothing() {
    let (_folder, store) = store();
    store.write(|tx| tx.insert_user(&person("a@example.com"), None, at(0))).unwrap();
    for (offset, limit) in [(1, 10), (u64::MAX, 10), (0, 0), (u64::MAX, u32::MAX)] {
        let listing = Listing { offset, limit, ..Listing::default() };
        let found = store.read(|tx| Ok((tx.list_users(&listing)?, tx.count_users(&listing)?))).unwrap();
        assert_eq!((found.0.len(), found.1), (0, 1));
    }
}

#[test]
fn active_and_inactive_users() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            for n in 0..9 {
                let new =
                    authsrv::domain::users::NewUser { is_active: n % 3 != 0, ..person(&format!("u{n}@example.com")) };
                tx.insert_user(&new, None, at(0))?;
            }
            Ok(())
        })
        .unwrap();
    for (active, search, wanted) in
        [(None, "", 9), (Some(true), "", 6), (Some(false), "", 3), (Some(false), "u3@", 1), (Some(true), "u3@", 0)]
    {
        let search = Some(search.to_owned()).filter(|word| !word.is_empty()).into_iter().collect();
        let listing = Listing { active, search, ..all() };
        let (found, total) = store.read(|tx| Ok((tx.list_users(&listing)?, tx.count_users(&listing)?))).unwrap();
        assert_eq!((found.len(), total), (wanted, wanted as u64), "{listing:?}");
        assert!(active.is_none_or(|active| found.iter().all(|user| user.is_active == active)));
    }
}

fn session_key(session: &Session, field: &str) -> (i64, i64) {
    let key = match field {
        "id" => session.id.0,
        "created_at" => session.created_at.timestamp(),
        "expires_at" => session.expires_at.timestamp(),
        "user_id" => session.user_id.0,
        other => panic!("how is {other} ordered?"),
    };
    (key, session.id.0)
}

fn token_key(token: &RefreshToken, field: &str) -> (i64, i64) {
    let key = match field {
        "id" => token.id.0,
        "issued_at" => token.issued_at.timestamp(),
        "expires_at" => token.expires_at.timestamp(),
        "user_id" => token.user_id.0,
        other => panic!("how is {other} ordered?"),
    };
    (key, token.id.0)
}

#[test]
fn sessions_and_tokens_in_every_order_and_by_what_is_live() {
    let (_folder, store) = store();
    let users = store
        .write(|tx| {
            let users = [super::add_user(tx, "a@example.com"), super::add_user(tx, "b@example.com")];
            for n in 0..ROWS {
                let user = users[usize::from(n % 3 == 0)];
                let session = add_session(tx, user, &format!("{n:02}-uuid"), (n % 5) * 1000);
                tx.set_session_end(session, at(3000 + n * 7 % ROWS * 100))?;
                add_token(tx, user, session, 1, (n % 5) * 1000);
                if n % 4 == 0 {
                    tx.end_sessions(Which::One(session), EndReason::Revoked, at(10))?;
                }
            }
            Ok(users)
        })
        .unwrap();
    let now = at(3700); // Some of either have expired.
    let sessions = |listing: &Listing| store.read(|tx| tx.list_sessions(listing, now)).unwrap();
    let tokens = |listing: &Listing| store.read(|tx| tx.list_tokens(listing, now)).unwrap();
    for descending in [false, true] {
        for field in SESSION_ORDER {
            let listing = by(field, descending);
            let whole = sessions(&listing);
            assert_ordered(whole.iter().map(|session| session_key(session, field)).collect(), field, descending);
            let whole: Vec<i64> = whole.iter().map(|session| session.id.0).collect();
            paged(&whole, |offset, limit| {
                sessions(&Listing { offset, limit, ..listing.clone() }).iter().map(|session| session.id.0).collect()
            });
        }
        for field in TOKEN_ORDER {
            let listing = by(field, descending);
            let whole = tokens(&listing);
            assert_ordered(whole.iter().map(|token| token_key(token, field)).collect(), field, descending);
            let whole: Vec<i64> = whole.iter().map(|token| token.id.0).collect();
            paged(&whole, |offset, limit| {
                tokens(&Listing { offset, limit, ..listing.clone() }).iter().map(|token| token.id.0).collect()
            });
        }
    }
    for active in [None, Some(true), Some(false)] {
        for user in [None, Some(users[0])] {
            let listing = Listing { active, user, ..all() };
            let found = sessions(&listing);
            assert!(found.iter().all(|session| active.is_none_or(|active| session.is_live(now) == active)));
            assert!(found.iter().all(|session| user.is_none_or(|user| session.user_id == user)));
            let counted =
                store.read(|tx| Ok((tx.count_sessions(&listing, now)?, tx.count_tokens(&listing, now)?))).unwrap();
            assert_eq!(counted, (found.len() as u64, tokens(&listing).len() as u64));
            let live = |token: &RefreshToken| token.revoked_at.is_none() && now < token.expires_at;
            assert!(tokens(&listing).iter().all(|token| active.is_none_or(|active| live(token) == active)));
        }
    }
    let parts: u64 = [Some(true), Some(false)]
        .map(|active| store.read(|tx| tx.count_tokens(&Listing { active, ..all() }, now)).unwrap())
        .iter()
        .sum();
    assert_eq!(parts as i64, ROWS);
    let hits = |word: &str| sessions(&Listing { search: vec![word.to_owned()], ..all() }).len();
    assert_eq!((hits("07-U"), hits("192.0.2."), hits("7-u"), hits("%")), (1, 23, 0, 0));
}

fn named_key(named: &Named, field: &str) -> (String, i64) {
    let key = match field {
        "id" => format!("{:05}", named.id),
        "name" => named.name.clone(),
        "code_name" => named.code_name.clone(),
        other => panic!("how is {other} ordered?"),
    };
    (key, named.id)
}

fn permission_key(permission: &Permission, field: &str) -> (String, i64) {
    let key = match field {
        "id" => format!("{:05}", permission.id.0),
        "resource" => permission.right.resource.to_string(),
        "action" => permission.right.action.to_string(),
        other => panic!("how is {other} ordered?"),
    };
    (key, permission.id.0)
}

#[test]
fn named_things_and_permissions_in_every_order() {
    let (_folder, store) = store();
    store
        .write(|tx| {
            for n in 0..ROWS {
                let new = |code: i64| {
                    let code_name = CodeName::parse(&format!("c{:02}", code % ROWS)).unwrap();
                    NewNamed { name: format!("N {}", 90 - n), code_name, description: None }
                };
                let resource = tx.insert_named(Kind::Resource, &new(n * 5))?;
                let action = tx.insert_named(Kind::Action, &new(n * 7))?;
                tx.insert_permission(ResourceId(resource), ActionId(action))?;
            }
            Ok(())
        })
        .unwrap();
    let named = |listing: &Listing| store.read(|tx| tx.list_named(Kind::Resource, listing)).unwrap();
    let permissions = |listing: &Listing| store.read(|tx| tx.list_permissions(listing)).unwrap();
    for descending in [false, true] {
        for field in NAMED_ORDER {
            let listing = by(field, descending);
            let whole = named(&listing);
            assert_ordered(whole.iter().map(|named| named_key(named, field)).collect(), field, descending);
            let whole: Vec<i64> = whole.iter().map(|named| named.id).collect();
            paged(&whole, |offset, limit| {
                named(&Listing { offset, limit, ..listing.clone() }).iter().map(|named| named.id).collect()
            });
        }
        for field in PERMISSION_ORDER {
            let listing = by(field, descending);
            let whole = permissions(&listing);
            assert_ordered(whole.iter().map(|found| permission_key(found, field)).collect(), field, descending);
            let whole: Vec<i64> = whole.iter().map(|found| found.id.0).collect();
            paged(&whole, |offset, limit| {
                permissions(&Listing { offset, limit, ..listing.clone() }).iter().map(|found| found.id.0).collect()
            });
        }
    }
}
