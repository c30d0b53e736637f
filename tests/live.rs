//! The command line beside a running server, both real, on one file: what one has acknowledged, the other's next request
//! or command goes by.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::PASSWORD;
use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::shell::{Ran, Shell};

/// A running server with a superuser, and people.
pub struct Site {
    /// Where the database is.
    pub shell: Shell,
    /// The server.
    pub server: Process,
}

/// The superuser.
pub const ROOT: &str = "root@example.com";

impl Site {
    /// A fresh installation with the superuser [`ROOT`].
    pub fn new() -> Self {
        let shell = Shell::empty();
        shell.pipe(&format!("createsuperuser --email {ROOT} --password-stdin --no-input"), PASSWORD).done();
        Self { server: shell.serve(), shell }
    }

    /// Runs a command; a password is at standard input.
    pub fn run(&self, words: &str) -> Ran {
        self.shell.pipe(words, PASSWORD)
    }

    /// What a command prints, as JSON.
    pub fn json(&self, words: &str) -> Value {
        self.shell.json(words)
    }

    /// Makes a user with [`PASSWORD`] and signs him in.
    pub fn person(&self, email: &str) -> Person {
        self.shell.user(email);
        self.sign_in(email)
    }

    /// Signs somebody in over HTTP.
    pub fn sign_in(&self, email: &str) -> Person {
        let pair = self.server.anonymous().sign_in(email);
        Person { client: self.server.bearer(&pair.access), access: pair.access, refresh: pair.refresh }
    }
}

/// Somebody who is signed in.
pub struct Person {
    /// Sends his requests.
    pub client: Client,
    /// His access token.
    pub access: String,
    /// His refresh token.
    pub refresh: String,
}

impl Person {
    fn me(&self) -> u16 {
        self.client.get("/me/").status
    }

    fn users(&self) -> u16 {
        self.client.get("/users/").status
    }

    fn check(&self) -> u16 {
        self.client.post("/check/", json!({"resource": "users", "action": "read"})).status
    }
}

/// Routes that ask who it is, one of each dialect.
const ROUTES: [&str; 5] = ["/me/", "/auth/users/me/", "/api/auth/users/me/", "/auth/users/", "/api/v1/account/"];

/// What the dialects say to a caller.
fn everywhere(client: &Client) -> [u16; 5] {
    ROUTES.map(|path| client.get(path).status)
}

fn refreshed(site: &Site, person: &Person) -> u16 {
    site.server.anonymous().post("/token/refresh/", json!({"refresh": person.refresh})).status
}

#[test]
fn rights_given_and_taken_at_the_shell_count_at_the_next_request() {
    let site = Site::new();
    let ann = site.person("ann@example.com");
    assert_eq!(ann.users(), 403);
    for _ in 0..3 {
        site.run("roles grant ann@example.com viewer").done();
        assert_eq!(ann.users(), 200);
        site.run("roles revoke ann@example.com viewer").done();
        assert_eq!(ann.users(), 403);
    }
    site.run("roles grant ann@example.com viewer").done();
    site.run("roles deny viewer users:read").done();
    assert_eq!((ann.users(), ann.client.get("/roles/").status), (403, 200));
    site.run("roles allow viewer users:all").done();
    let made = ann.client.post("/users/", json!({"email": "new@example.com", "password": PASSWORD}));
    assert_eq!(made.status, 201, "{made:?}");
    site.run("roles delete viewer --yes").done();
    assert_eq!((ann.users(), ann.me()), (403, 200));
    site.run("users update ann@example.com --superuser").done();
    assert_eq!(ann.users(), 200);
    site.run("users update ann@example.com --no-superuser").done();
    assert_eq!(ann.users(), 403);
}

#[test]
fn every_end_of_access_at_the_shell_is_seen_by_the_next_request() {
    let site = Site::new();
    for (name, words) in [
        ("deactivated", "users deactivate"),
        ("updated", "users update --inactive"),
        ("deleted", "users delete --yes"),
        ("another password", "users set-password --password-stdin"),
        ("another address", "users update --email else@example.com"),
        ("forced out", "users update --force-logout-at now"),
        ("logged out", "users logout"),
        ("revoked", "sessions revoke --user"),
        ("all tokens", "tokens revoke-all --user"),
    ] {
        let email = format!("{}@example.com", name.replace(' ', "-"));
        site.run(&format!("users create --email {email} --role viewer --password-stdin")).done();
        let people = [site.sign_in(&email), site.sign_in(&email)];
        for person in &people {
            assert_eq!((person.me(), person.users(), person.check()), (200, 200, 200));
        }
        // The same at the doors of the others, by what those give (S3-18, S3-28).
        let given = |path: &str, key: &str| {
            let body = json!({"username": email, "password": PASSWORD});
            site.server.anonymous().post(path, body).text(key)
        };
        let others = [
            site.server.bearer(&given("/api/token/", "access")),
            site.server.bearer(&given("/auth/jwt/create/", "access")),
            site.server.anonymous().token(&given("/api-token-auth/", "token")),
        ];
        for client in &others {
            assert_eq!(everywhere(client), [200; 5], "{name}");
        }
        let ran = site.run(&format!("{words} {email}")).done();
        for person in &people {
            let answer = person.client.get("/me/");
            assert_eq!(answer.status, 401, "R-26: {name}: {answer:?} after {}", ran.err);
            assert!(answer.header("www-authenticate").is_some());
            assert_eq!((person.users(), person.check()), (401, 401), "R-26, R-30: {name}");
            assert_eq!(refreshed(&site, person), 401, "R-26: {name}");
            assert_eq!(everywhere(&person.client), [401; 5], "R-26: {name}");
        }
        for client in &others {
            assert_eq!(everywhere(client), [401; 5], "R-26, R-30: {name}");
        }
        let login = site.server.anonymous().post("/login/", json!({"email": email, "password": PASSWORD})).status;
        let is_out = ["deactivated", "updated", "deleted", "another address"].contains(&name);
        assert_eq!(login, if is_out { 401 } else { 200 }, "R-32: {name}");
    }
    let bystander = site.person("bystander@example.com");
    let one = site.person("one@example.com");
    let sessions = site.json("sessions list --user one@example.com --active");
    let other = site.sign_in("one@example.com");
    site.run(&format!("sessions revoke {}", sessions[0]["uuid"].as_str().unwrap())).done();
    assert_eq!((one.me(), other.me()), (401, 200));
    let tokens = site.json("tokens list --user one@example.com --active");
    site.run(&format!("tokens revoke {}", tokens[0]["jti"].as_str().unwrap())).done();
    assert_eq!((other.me(), bystander.me()), (401, 200));
    site.run("tokens revoke-all --everyone --yes").done();
    assert_eq!((bystander.me(), refreshed(&site, &bystander)), (401, 401));
}

/// a key made at the shell is good at the next request, and nothing any more at the request after its end.
#[test]
fn api_tokens_made_and_ended_at_the_shell() {
    let site = Site::new();
    site.shell.user("ann@example.com");
    let made = |name: &str| {
        let token = site.json(&format!("tokens api create ann@example.com --name {name}"));
        let client = site.server.anonymous().token(token["key"].as_str().unwrap());
        assert_eq!(everywhere(&client), [200; 5], "{name}");
        (token["id"].as_i64().unwrap(), client)
    };
    for (name, words) in [
        ("one", "tokens api revoke {id}"),
        ("his", "tokens api revoke --user ann@example.com"),
        ("logged-out", "users logout ann@example.com"),
        ("revoked", "sessions revoke --user ann@example.com"),
        ("all", "sessions revoke --all --yes"),
        ("everyone", "tokens revoke-all --everyone --yes"),
        ("forced", "users update ann@example.com --force-logout-at now"),
        ("kept-out", "users deactivate ann@example.com"),
    ] {
        let (id, client) = made(name);
        site.run(&words.replace("{id}", &id.to_string())).done();
        assert_eq!(everywhere(&client), [401; 5], "R-26: {name}");
    }
    site.run("users activate ann@example.com").done();
    let (_, client) = made("kept");
    site.run("users set-password ann@example.com --password-stdin").done();
    assert_eq!(client.get("/me/").status, 200, "a named one outlives the password");
    site.run("users delete ann@example.com --yes").done();
    assert_eq!(client.get("/me/").status, 401);
}

/// who was kept out gets no token by any door, and gets one again when he is let in.
#[test]
fn deactivation_and_activation_at_the_shell() {
    let site = Site::new();
    let ann = site.person("ann@example.com");
    let login =
        || site.server.anonymous().post("/login/", json!({"email": "ann@example.com", "password": PASSWORD})).status;
    site.run("users deactivate ann@example.com").done();
    assert_eq!((ann.me(), login(), refreshed(&site, &ann)), (401, 401, 401));
    assert_eq!(site.shell.pipe("tokens inspect", &ann.access).code, 1);
    site.run("users activate ann@example.com").done();
    assert_eq!((ann.me(), login()), (401, 200), "what was issued before stays void");
    site.run("users delete ann@example.com --yes").done();
    let again = json!({"email": "ann@example.com", "password": PASSWORD, "password2": PASSWORD});
    assert_eq!(site.server.anonymous().post("/register/", again).status, 201);
    assert_eq!(ann.me(), 401, "a new account of the same name is another account (R-31)");
}

#[test]
fn settings_changed_at_the_shell_count_at_the_next_request() {
    let site = Site::new();
    let register = |door: &str, email: &str| {
        let body = json!({"email": email, "password": PASSWORD, "password2": PASSWORD});
        site.server.anonymous().post(door, body)
    };
    assert_eq!(register("/register/", "a@example.com").status, 201);
    site.run("settings set registration.mode closed").done();
    for door in ["/register/", "/register", "/api/auth/register/", "/api/auth/register"] {
        let refused = register(door, "b@example.com");
        assert_eq!((refused.status, refused.text("code").as_str()), (403, "registration_closed"), "R-7: {door}");
    }
    site.run("settings set registration.mode example.org").done();
    for email in ["b@example.com", "b@sub.example.org", "b@example.org.evil.com", "\"b@example.org\"@evil.com"] {
        assert_eq!(register("/register/", email).status, 403, "R-7: {email}");
    }
    assert_eq!(register("/register/", "B@EXAMPLE.org ").status, 201);
    site.run("settings reset registration.mode").done();
    assert_eq!(register("/register/", "b@example.com").status, 201);

    let life = |person: &Person| {
        let claims = site.json_of_token(&person.access);
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    assert_eq!(life(&site.sign_in("a@example.com")), 300);
    site.run("settings set rbac.access_lifetime 90s").done();
    assert_eq!(life(&site.sign_in("a@example.com")), 90);

    let person = site.sign_in("a@example.com");
    let by_refresh = |token: &str| site.server.bearer(token).get("/me/").status;
    assert_eq!(by_refresh(&person.refresh), 401);
    site.run("settings set tokens.bearer_refresh true").done();
    assert_eq!(by_refresh(&person.refresh), 200, "D-13");
    site.run("settings set tokens.bearer_refresh false").done();
    assert_eq!(by_refresh(&person.refresh), 401);

    site.run("settings set tokens.audience shop").done();
    assert_eq!(person.me(), 401, "a token without the audience that is asked for now");
    assert_eq!(site.sign_in("a@example.com").me(), 200);
    site.run("settings reset tokens.audience").done();
    assert_eq!(person.me(), 200);

    site.run("settings set public_url https://auth.example.com").done();
    let later = site.sign_in("a@example.com");
    assert_eq!(site.json_of_token(&later.access)["iss"], "https://auth.example.com");
    assert_eq!((later.me(), person.me()), (200, 200), "another name for the same server ends no session");

    site.run("settings set sessions.per_user 1").done();
    let last = site.sign_in("a@example.com");
    assert_eq!((later.me(), person.me(), last.me()), (401, 401, 200));
    site.run("settings set password.profile nist").done();
    let short = json!({"email": "c@example.com", "password": "Short-one-14ch", "password2": "Short-one-14ch"});
    assert_eq!(site.server.anonymous().post("/register/", short.clone()).status, 400);
    site.run("settings reset password.profile").done();
    assert_eq!(site.server.anonymous().post("/register/", short).status, 201);
}

impl Site {
    /// The claims of a token, unverified.
    fn json_of_token(&self, token: &str) -> Value {
        use base64::Engine as _;
        let claims = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }
}

#[test]
fn what_was_done_over_http_is_seen_by_the_next_command() {
    let site = Site::new();
    let root = site.sign_in(ROOT);
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let id = root.client.post("/users/", body).json()["id"].as_i64().unwrap();
    assert_eq!(site.json("users show ann@example.com")["id"], id);
    let may = |words: &str| site.run(&format!("check ann@example.com {words}")).code;
    assert_eq!(may("users read"), 1);
    assert_eq!(root.client.post(&format!("/users/{id}/roles/"), json!({"role": "viewer"})).status, 201);
    assert_eq!((may("users read"), may("users delete")), (0, 1));
    let allowed = root.client.post("/roles/3/permissions/", json!({"permission": "users:delete"}));
    assert_eq!((allowed.status, may("users delete")), (201, 0));
    let ann = site.sign_in("ann@example.com");
    let inspect = |token: &str| site.shell.pipe("tokens inspect", token).code;
    assert_eq!((inspect(&ann.access), inspect(&ann.refresh)), (0, 0));
    assert_eq!(site.json("sessions list --user ann@example.com --active").as_array().unwrap().len(), 1);
    assert_eq!(ann.client.post("/logout/", json!({})).status, 200);
    assert_eq!((inspect(&ann.access), inspect(&ann.refresh)), (1, 1));
    assert_eq!(site.json("sessions list --user ann@example.com --active").as_array().unwrap().len(), 0);
    assert_eq!(root.client.patch("/settings/", json!({"refresh.grace": 0})).status, 200);
    assert_eq!(site.json("settings get refresh.grace")["value"].to_string().trim_matches('"'), "0");
    assert_eq!(root.client.delete(&format!("/users/{id}/")).status, 204);
    site.run("users show ann@example.com").exits(1);
}

/// the last superuser stays, whichever two doors are used to remove two at once.
#[test]
fn two_doors_at_once_leave_a_superuser() {
    let site = Site::new();
    for round in 0..4 {
        let email = format!("second-{round}@example.com");
        site.run(&format!("users create --email {email} --superuser --password-stdin")).done();
        let id = site.json(&format!("users show {email}"))["id"].as_i64().unwrap();
        let root = site.sign_in(ROOT);
        let (by_http, by_shell) = std::thread::scope(|scope| {
            let http = scope.spawn(|| {
                // About as long as the program takes to start, or one of the two would always be first.
                std::thread::sleep(Duration::from_millis(round * 8));
                root.client.patch(&format!("/users/{id}/"), json!({"is_superuser": false})).status
            });
            let shell = scope.spawn(|| site.run(&format!("users update {ROOT} --no-superuser")).code);
            (http.join().unwrap(), shell.join().unwrap())
        });
        let left = site.json("users list");
        let left = left.as_array().unwrap().iter().filter(|user| user["is_superuser"] == true).count();
        assert_eq!(left, 1, "{by_http} {by_shell}");
        assert!(matches!((by_http, by_shell), (200, 1) | (403 | 409, 0)), "{by_http} {by_shell}");
        site.run(&format!("users update {ROOT} --superuser")).done();
        site.run(&format!("users update {email} --no-superuser")).done();
    }
}
