//! Who else is here? What the routes of self-service tell somebody without rights (R-35, R-40, S3-23).

use serde_json::json;

use super::Site;
use crate::support::PASSWORD;
use crate::support::http::Client;

/// Ann, and three whom she should not learn of: an ordinary one, an inactive one, a superuser.
fn site() -> (Site, Client) {
    let site = Site::new();
    let ann = site.somebody("ann@example.com", &[]);
    site.app.user("bob@example.com", &[]);
    site.app.user("off@example.com", &[]);
    assert_eq!(site.root().patch("/users/3/", json!({"is_active": false})).status, 200);
    (site, ann)
}

/// All of others look the same, whoever they are: state and power are not told.
#[test]
fn others_look_alike() {
    let (site, ann) = site();
    for hidden in [true, false] {
        assert_eq!(site.root().patch("/settings/", json!({"djoser.hide_users": hidden})).status, 200);
        for (method, path) in [
            ("GET", "/auth/users/"),
            ("HEAD", "/auth/users/"),
            ("PUT", "/auth/users/"),
            ("PATCH", "/auth/users/"),
            ("DELETE", "/auth/users/"),
            ("GET", "/api/v1/account/"),
            ("PUT", "/api/v1/account/"),
            ("PATCH", "/api/v1/account/"),
            ("DELETE", "/api/v1/account/"),
            ("GET", "/users/"),
            ("PATCH", "/users/"),
            ("DELETE", "/users/"),
        ] {
            let told: Vec<(u16, Vec<u8>)> = (2..=4)
                .map(|id| {
                    let body = json!({"email": "x@example.com", "current_password": PASSWORD});
                    let answer = ann.json(method, &format!("{path}{id}/"), &body);
                    (answer.status, answer.body)
                })
                .collect();
            assert!(told.iter().all(|one| *one == told[0]), "{method} {path}: {told:?}");
            assert!([403, 404].contains(&told[0].0), "{method} {path}: {told:?}");
        }
    }
}

/// Where others are hidden, looking and changing say 404 for all of them; only S4's routes say the same of nobody.
/// Djoser and the account API tell who is there from who is not, as their originals do: ids are no secret there.
#[test]
fn what_tells_somebody_from_nobody() {
    let (_site, ann) = site();
    for (method, path, others, nobody) in [
        ("GET", "/auth/users/", 404, 404),
        ("PATCH", "/auth/users/", 404, 404),
        ("DELETE", "/auth/users/", 403, 404),
        ("GET", "/api/v1/account/", 403, 404),
        ("DELETE", "/api/v1/account/", 403, 404),
        ("GET", "/users/", 403, 403),
        ("GET", "/api/auth/users/", 403, 403),
    ] {
        let body = json!({"current_password": PASSWORD});
        let status = |id: i64| ann.json(method, &format!("{path}{id}/"), &body).status;
        assert_eq!((status(2), status(99)), (others, nobody), "{method} {path}");
    }
}

#[test]
fn lists_and_pages_hold_the_caller_alone() {
    let (site, ann) = site();
    for pagination in ["page_number", "limit_offset"] {
        let settings = json!({"drf.page_size": 1, "drf.pagination": pagination});
        assert_eq!(site.root().patch("/settings/", settings).status, 200);
        for path in ["/auth/users/", "/api/v1/account/"] {
            for query in [
                "",
                "?page=1",
                "?page=2",
                "?page=last",
                "?limit=100",
                "?offset=1",
                "?limit=5&offset=0",
                "?search=bob",
                "?ordering=-id",
            ] {
                let answer = ann.get(&format!("{path}{query}"));
                let text = String::from_utf8(answer.body.clone()).unwrap();
                assert!(!["bob", "off@", "root"].iter().any(|other| text.contains(other)), "{path}{query}: {text}");
                assert!(answer.status == 404 || answer.json()["count"] == 1, "{path}{query}: {text}");
            }
        }
    }
}

/// A name in the path reaches nobody by his address or phone, where users go by their names.
#[test]
fn a_name_is_no_search() {
    let (site, ann) = site();
    assert_eq!(site.root().patch("/settings/", json!({"djoser.user_id_field": "username"})).status, 200);
    for name in ["bob@example.com", "bob%40example.com", "BOB@EXAMPLE.COM", "2", "%25", "*", "' OR 1=1--"] {
        let path = format!("/auth/users/{}/", name.replace(' ', "%20"));
        for method in ["GET", "PATCH", "DELETE"] {
            let answer = ann.json(method, &path, &json!({"current_password": PASSWORD}));
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
}

/// A password is asked for, and it is the caller's: nobody learns another's by it, nor deletes without the right.
#[test]
fn the_password_in_a_deletion_is_the_callers() {
    let (site, ann) = site();
    site.role("eraser", &["users:delete"]);
    let eraser = site.somebody("eraser@example.com", &["eraser"]);
    for (who, status) in [(&ann, 403), (&eraser, 400)] {
        let answer = who.json("DELETE", "/auth/users/2/", &json!({"current_password": "Wrong-1-password"}));
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let power = eraser.json("DELETE", "/auth/users/4/", &json!({"current_password": PASSWORD}));
    assert_eq!(power.status, 403, "R-38: {power:?}");
    assert_eq!(eraser.json("DELETE", "/auth/users/2/", &json!({"current_password": PASSWORD})).status, 204);
}
