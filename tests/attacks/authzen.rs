//! Somebody asks the decision point for more than he may know, in ways that it might misread, or hopes that a question that
//! makes no sense is answered with yes (R-26, R-35, R-37, R-41, R-45, R-47; AuthZEN Authorization API 1.0).

use serde_json::{Value, json};

use super::wire::exchange;
use super::{Site, refused};
use crate::support::http::{Answer, Client};

const ONE: &str = "/access/v1/evaluation";
const SEVERAL: &str = "/access/v1/evaluations";

fn question(user: impl ToString, action: &str, resource: &str) -> Value {
    json!({
        "subject": {"type": "user", "id": user.to_string()}, "action": {"name": action},
        "resource": {"type": resource, "id": "17"},
    })
}

/// The decision, which is no error.
#[track_caller]
fn decided(answer: &Answer) -> bool {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert!(body["context"].is_object(), "{body}");
    body["decision"].as_bool().unwrap_or_else(|| panic!("{body}"))
}

fn decisions(answer: &Answer) -> Vec<bool> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let all = body["evaluations"].as_array().unwrap_or_else(|| panic!("{body}"));
    all.iter().map(|one| one["decision"].as_bool().unwrap()).collect()
}

/// A site with users of every seeded role; 1 is a viewer, 5 the superuser, 6 inactive.
fn site() -> (Site, Client) {
    let site = Site::new();
    for (at, roles) in [&["viewer"][..], &["manager"], &["admin"], &[]].iter().enumerate() {
        site.app.user(&format!("user{at}@example.com"), roles);
    }
    let root = site.root();
    let off = site.app.user("off@example.com", &["admin"]);
    assert_eq!(root.patch(&format!("/users/{off}/"), json!({"is_active": false})).status, 200);
    (site, root)
}

/// One decision for every door (S4-54).
#[test]
fn it_decides_as_check_does() {
    let (_site, root) = site();
    let mut allowed = 0;
    for user in 1..=7 {
        let mut asked = Vec::new();
        for resource in ["users", "roles", "tokens", "documents", "nothing", "Users", "all"] {
            for action in ["read", "create", "update", "delete", "all", "approve", "fly"] {
                asked.push((resource, action));
            }
        }
        let checks: Vec<Value> = asked.iter().map(|(r, a)| json!({"resource": r, "action": a, "user": user})).collect();
        let checked = root.post("/check/", json!(checks)).json();
        let checked: Vec<bool> = checked.as_array().unwrap().iter().map(|one| one["allowed"] == true).collect();
        let items: Vec<Value> =
            asked.iter().map(|(r, a)| json!({"resource": {"type": r, "id": "1"}, "action": {"name": a}})).collect();
        let body = json!({"subject": {"type": "user", "id": user.to_string()}, "evaluations": items});
        assert_eq!(decisions(&root.post(SEVERAL, body)), checked, "user {user}");
        for ((resource, action), wanted) in asked.iter().zip(&checked).step_by(5) {
            assert_eq!(decided(&root.post(ONE, question(user, action, resource))), *wanted);
        }
        allowed += checked.iter().filter(|yes| **yes).count();
    }
    assert!(allowed > 20, "{allowed}");
}

#[test]
fn what_is_unknown_is_denied_and_no_error() {
    let (_site, root) = site();
    assert!(decided(&root.post(ONE, question(1, "read", "users"))));
    for (about, body) in [
        ("resource", question(5, "read", "x")),
        ("an empty role's action", question(4, "read", "users")),
        ("action", question(1, "fly", "users")),
        ("case of the action", question(1, "READ", "users")),
        ("case of the resource", question(1, "read", "USERS")),
        ("lookalike", question(1, "read", "uѕers")),
        ("a pattern", question(1, "%", "users")),
        ("a pair", question(1, "read", "users:read")),
        ("inactive user", question(6, "read", "users")),
        ("nobody", question(999_999, "read", "users")),
        ("zero", question(0, "read", "users")),
        ("negative", question(-1, "read", "users")),
        ("another spelling", question("01", "read", "users")),
        ("a plus", question("+1", "read", "users")),
        ("other digits", question("１", "read", "users")),
        ("a fraction", question("1.0", "read", "users")),
        ("too large", question("18446744073709551617", "read", "users")),
        ("a name", question("user0@example.com", "read", "users")),
        (
            "another kind",
            json!({
                "subject": {"type": "group", "id": "1"}, "action": {"name": "read"},
                "resource": {"type": "users", "id": "1"},
            }),
        ),
        (
            "the kind in capitals",
            json!({
                "subject": {"type": "USER", "id": "1"}, "action": {"name": "read"},
                "resource": {"type": "users", "id": "1"},
            }),
        ),
    ] {
        // A superuser passes every check, also those that make no sense.
        let wanted = about == "resource";
        assert_eq!(decided(&root.post(ONE, body.clone())), wanted, "R-35: {about}");
        assert_eq!(decided(&root.post(SEVERAL, body)), wanted, "R-35: {about}");
    }
}

#[test]
fn what_does_not_matter_does_not_matter() {
    let (_site, root) = site();
    for (user, wanted) in [(1, true), (4, false)] {
        for id in ["1", "", "../..", "*", "999999999999999999999", "null"] {
            let body = json!({
                "subject": {"type": "user", "id": user.to_string(), "properties": {"is_superuser": true, "id": "5"}},
                "action": {"name": "read", "properties": {"name": "all", "method": "GET"}},
                "resource": {"type": "documents", "id": id, "properties": {"type": "users", "owner": "4"}},
                "context": {"is_superuser": true, "subject": {"type": "user", "id": "5"}, "time": "now"},
                "is_superuser": true, "user": 5, "futureField": {"nested": [true]},
            });
            assert_eq!(decided(&root.post(ONE, body)), wanted, "{id}");
        }
    }
}

#[test]
fn who_asks_must_be_known_and_may_ask_about_himself() {
    let (site, root) = site();
    site.app.widen();
    for client in [site.server.anonymous(), site.server.bearer("not.a.token"), site.server.anonymous().token("x")] {
        for path in [ONE, SEVERAL] {
            for body in [question(1, "read", "users"), json!({}), json!([])] {
                let answer = client.post(path, body);
                assert_eq!(answer.status, 401, "{answer:?}");
                assert!(answer.header("www-authenticate").is_some());
                refused(&answer, path);
            }
        }
    }
    let own = site.signed_in("user3@example.com");
    assert!(!decided(&own.post(ONE, question(4, "read", "users"))));
    for other in ["1", "5", "999999", "x", "04"] {
        let answer = own.post(ONE, question(other, "read", "users"));
        assert_eq!((answer.status, &answer.json()["required"]), (403, &json!("permissions:read")), "D-9: {other}");
        // One question about another spoils all.
        let both = json!({"evaluations": [question(4, "read", "users"), question(other, "read", "users")]});
        assert_eq!(own.post(SEVERAL, both).status, 403, "D-9: {other}");
    }
    // By an API token, and as long as the right is there.
    let manager = site.signed_in("user1@example.com");
    let key = manager.post("/api-tokens/", json!({"name": "pep"})).text("key");
    let pep = site.server.anonymous().token(&key);
    assert_eq!(pep.post(ONE, question(1, "read", "users")).status, 403);
    site.role("pep", &["permissions:read"]);
    assert_eq!(root.post("/users/2/roles/", json!({"role": "pep"})).status, 201);
    assert!(decided(&pep.post(ONE, question(1, "read", "users"))));
    let viewer = root.get("/users/1/roles/").json()[0]["id"].as_i64();
    let viewer = viewer.or(root.get("/users/1/roles/").json()["results"][0]["id"].as_i64()).unwrap();
    assert_eq!(root.delete(&format!("/users/1/roles/{viewer}/")).status, 204);
    assert!(!decided(&pep.post(ONE, question(1, "read", "users"))), "R-26");
    assert_eq!(root.patch("/users/2/", json!({"is_active": false})).status, 200);
    assert_eq!(pep.post(ONE, question(1, "read", "users")).status, 401, "R-26");
}

#[test]
fn malformed_questions_are_refused() {
    let (site, root) = site();
    let good = question(1, "read", "users");
    let raw = |path: &str, text: &str| root.send("POST", path, Some(("application/json", text.as_bytes().to_vec())));
    let mut bad: Vec<String> = Vec::new();
    for (part, field) in
        [("subject", "type"), ("subject", "id"), ("action", "name"), ("resource", "type"), ("resource", "id")]
    {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(part);
        bad.push(body.to_string());
        for wrong in [json!("x"), json!(5), json!([]), json!(null), json!({})] {
            let mut body = good.clone();
            body[part] = wrong;
            bad.push(body.to_string());
        }
        for wrong in [json!(5), json!(true), json!([]), json!({}), json!(null), json!("x".repeat(2000)), json!("\0")] {
            let mut body = good.clone();
            body[part][field] = wrong;
            bad.push(body.to_string());
        }
    }
    bad.extend(["", "{", "[]", "5", "null", "\u{feff}{}"].map(str::to_owned));
    // two answers to one question would be possible.
    bad.push(good.to_string().replacen('{', "{\"subject\":{\"type\":\"user\",\"id\":\"5\"},", 1));
    bad.push(good.to_string().replace("\"id\":\"1\"", "\"id\":\"4\",\"id\":\"1\""));
    bad.push(format!("{},\"context\":{}{}}}", good.to_string().trim_end_matches('}'), "[".repeat(40), "]".repeat(40)));
    for text in &bad {
        for path in [ONE, SEVERAL] {
            let answer = raw(path, text);
            assert_eq!(answer.status, 400, "{path} {text}: {answer:?}");
            refused(&answer, text);
        }
    }
    for wrong in [json!("x"), json!({}), json!([5]), json!(["x"]), json!([[]]), json!(null)] {
        let mut body = good.clone();
        body["evaluations"] = wrong;
        assert_eq!(root.post(SEVERAL, body.clone()).status, 400, "{body}");
    }
    for wrong in [json!("never"), json!(1), json!(["execute_all"]), json!("EXECUTE_ALL"), json!("")] {
        let body = json!({"evaluations": [good], "options": {"evaluations_semantic": wrong}});
        assert_eq!(root.post(SEVERAL, body.clone()).status, 400, "{body}");
    }
    let many = |count| json!({"subject": good["subject"], "evaluations": vec![json!({}); count]});
    assert_eq!(root.post(SEVERAL, many(100)).json()["evaluations"].as_array().unwrap().len(), 100);
    assert_eq!(root.post(SEVERAL, many(101)).status, 400);
    let kind = root.send("POST", ONE, Some(("text/plain", good.to_string().into())));
    assert_eq!(kind.status, 400);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(root.send(method, ONE, None).status, 405);
    }
    site.lives();
}

#[test]
fn several_questions() {
    let (_site, root) = site();
    let on = |resource: &str| json!({"resource": {"type": resource, "id": "1"}});
    let asked = |items: &[Value], semantic: &str| {
        root.post(
            SEVERAL,
            json!({
                "subject": {"type": "user", "id": "1"}, "action": {"name": "read"}, "evaluations": items,
                "options": {"evaluations_semantic": semantic, "another": "x"},
            }),
        )
    };
    // A viewer reads users and no tokens.
    let items = [on("users"), on("tokens"), on("roles"), on("tokens")];
    assert_eq!(decisions(&asked(&items, "execute_all")), [true, false, true, false]);
    assert_eq!(decisions(&asked(&items, "deny_on_first_deny")), [true, false]);
    assert_eq!(decisions(&asked(&items, "permit_on_first_permit")), [true]);
    assert_eq!(decisions(&asked(&items[1..], "permit_on_first_permit")), [false, true]);
    assert_eq!(decisions(&asked(&[on("users")], "deny_on_first_deny")), [true]);
    // What lacks something is denied alone.
    let lacking = asked(&[on("users"), json!({}), json!({"resource": {"id": "1"}}), on("roles")], "execute_all");
    assert_eq!(decisions(&lacking), [true, false, false, true]);
    assert_eq!(lacking.json()["evaluations"][1]["context"]["error"]["status"], 400);
    assert_eq!(decisions(&asked(&[json!({}), on("users")], "deny_on_first_deny")), [false]);
    // What a question says itself goes before what stands beside the questions, part by part.
    let own = json!({
        "subject": {"type": "user", "id": "4"}, "action": {"name": "read"}, "resource": {"type": "users", "id": "1"},
        "evaluations": [
            {}, {"subject": {"id": "1"}}, {"subject": {"id": "1", "type": "group"}},
            {"subject": {"id": "1"}, "action": {"name": "delete"}}, {"subject": {"id": "3"}, "action": {"name": "delete"}},
            {"subject": {"id": "1"}, "resource": {"type": "tokens"}}, {"subject": {"id": "1"}, "resource": {"id": "9"}},
        ],
    });
    assert_eq!(decisions(&root.post(SEVERAL, own)), [false, true, false, false, true, false, true]);
    // Without questions it is the one that stands there itself.
    for none in [json!([]), Value::Null] {
        let mut body = question(1, "read", "users");
        if none.is_array() {
            body["evaluations"] = none;
        }
        let answer = root.post(SEVERAL, body);
        assert!(decided(&answer));
        assert_eq!(answer.json().get("evaluations"), None);
    }
}

/// What a client calls its request comes back, if it can do no harm; else the server's own name of it.
#[test]
fn request_ids() {
    let (site, _) = site();
    let body = question(1, "read", "users").to_string();
    let ask = |path: &str, headers: &str, access: &str| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\n{access}{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        exchange(site.server.address, request).unwrap()
    };
    let access = format!("Authorization: Bearer {}\r\n", site.server.sign_in("root@example.com").access);
    for path in [ONE, SEVERAL] {
        for (id, access, status) in [
            ("bfe9eb29-ab87-4ca3-be83-a1d5d8305716", access.as_str(), 200),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "", 401),
        ] {
            let answer = ask(path, &format!("X-Request-ID: {id}\r\n"), access);
            assert_eq!((answer.status, answer.header("x-request-id")), (status, Some(id)));
        }
        for id in ["", "a b", "<script>", "a,b", "\"x\"", "é", &"x".repeat(129), "a\tb", "%0d%0aSet-Cookie:x", "a;b"] {
            let answer = ask(path, &format!("X-Request-ID: {id}\r\n"), &access);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("x-request-id").unwrap().len(), 36, "{id:?}: {answer:?}");
        }
        let two = ask(path, "X-Request-ID: one\r\nX-Request-ID: two\r\n", &access);
        assert_eq!(two.header("x-request-id").unwrap().len(), 36, "{two:?}");
        assert_eq!(two.headers.iter().filter(|(name, _)| name == "x-request-id").count(), 1);
    }
    // Nowhere else does a client name a request.
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-ID: mine\r\n\r\n";
    assert_eq!(exchange(site.server.address, request).unwrap().header("x-request-id").unwrap().len(), 36);
}

#[test]
fn metadata_leads_to_what_there_is() {
    let site = Site::new();
    let nobody = site.server.anonymous();
    let told = nobody.get("/.well-known/authzen-configuration").json();
    assert_eq!(told["policy_decision_point"], "http://127.0.0.1:8000");
    for (name, path) in [("access_evaluation_endpoint", ONE), ("access_evaluations_endpoint", SEVERAL)] {
        assert_eq!(told[name], format!("http://127.0.0.1:8000{path}"));
        assert_eq!(nobody.post(path, json!({})).status, 401);
    }
    assert_eq!(told.as_object().unwrap().len(), 3, "no search endpoints: {told}");
}

/// E.3: of credentials that nobody has, ten are answered; good ones pass all the same.
#[test]
fn guesses_of_credentials_are_counted() {
    let (site, root) = site();
    let guess = || site.server.bearer("not.a.token").post(ONE, question(1, "read", "users")).status;
    assert!((0..10).all(|_| guess() == 401));
    assert_eq!(guess(), 429, "E.3");
    assert!(decided(&root.post(ONE, question(1, "read", "users"))));
}
