//! Attacks, one file a family, the scenario on top of each. Everything goes through a real listener or the real binary.

mod account_enumeration;
mod account_enumeration_dialects;
mod algorithm_confusion;
mod api_tokens;
mod audit_trail;
mod authzen;
mod corrupted_file;
mod cors;
mod device_credentials;
mod django_bodies;
mod escalation;
mod escalation_catalog;
mod escalation_dialects;
mod foreign_ids;
mod foreign_links;
mod forged_tokens;
mod forward_auth;
mod forwarded_headers;
mod guessing;
mod guest_mode;
mod hidden_addresses;
mod hidden_users;
mod hostile_bodies;
mod hostile_headers;
mod hostile_queries;
mod imported_keys;
mod inert_output;
mod introspection;
mod last_superuser;
mod leaked_everywhere;
mod leaked_secrets;
mod lockout;
mod log_injection;
mod mail_headers;
mod mail_server;
mod mass_assignment;
mod mass_assignment_dialects;
mod method_override;
mod methods;
mod metrics;
mod mutated_tokens;
mod one_time_links;
mod open_files;
mod outbound;
mod parallel_guesses;
mod pre_hijacking;
mod process_hardening;
mod rbac_model;
mod refresh_reuse;
mod request_smuggling;
mod reset_poisoning;
mod response_headers;
mod restored_backup;
mod reused_ids;
mod revocation;
mod revocation_dialects;
mod slow_clients;
mod stolen_database;
mod suffix_confusion;
mod swapped_file;
mod terminal_injection;
mod timing;
mod token_status_list;
mod uuid_refresh;
/// Bytes on a socket.
pub mod wire;

use authsrv::http::Patience;
use serde_json::{Value, json};

use crate::support::http::{Answer, Client, Server};
use crate::support::{PASSWORD, TestApp};

/// A program of the test and its server.
pub struct Site {
    /// The program.
    pub app: TestApp,
    /// Its server.
    pub server: Server,
}

impl Site {
    /// A fresh installation, served.
    pub fn new() -> Self {
        Self::of(TestApp::new())
    }

    /// An installation, served.
    pub fn of(app: TestApp) -> Self {
        let server = Server::start(&app);
        Self { app, server }
    }

    /// A fresh installation, served with this patience.
    pub fn patient(patience: Patience) -> Self {
        let app = TestApp::new();
        let server = Server::patient(&app, patience);
        Self { app, server }
    }

    /// Makes a role with these rights.
    pub fn role(&self, code_name: &str, rights: &[&str]) {
        let rights: Vec<Value> = rights.iter().map(|right| json!(right)).collect();
        let root = self.root();
        let body = json!({"name": code_name, "code_name": code_name, "permissions": rights});
        assert_eq!(root.post("/roles/", body).status, 201);
    }

    /// Somebody signed in with this address, made with these roles.
    pub fn somebody(&self, email: &str, roles: &[&str]) -> Client {
        self.app.user(email, roles);
        self.signed_in(email)
    }

    /// Whoever has this address, signed in.
    pub fn signed_in(&self, email: &str) -> Client {
        self.server.bearer(&self.server.sign_in(email).access)
    }

    /// A superuser, always the same.
    pub fn root(&self) -> Client {
        const ROOT: &str = "root@example.com";
        let there = self.app.operate(|ctx| authsrv::service::users::find(ctx, ROOT));
        if there.is_err() {
            self.app.superuser(ROOT);
        }
        self.signed_in(ROOT)
    }

    /// Passes if the server still serves.
    #[track_caller]
    pub fn lives(&self) {
        let ready = self.server.anonymous().get("/readyz/");
        assert_eq!(ready.status, 200, "{ready:?}");
    }
}

/// Passes if this is a refusal in the one shape: 4xx, JSON, `detail` and `code`, or messages by field.
#[track_caller]
pub fn refused(answer: &Answer, about: &str) {
    assert!((400..500).contains(&answer.status), "{about}: {answer:?}");
    shaped(answer, about);
}

/// Passes if this is no fault of the server; a refusal must have its shape.
#[track_caller]
pub fn survived(answer: &Answer, about: &str) {
    assert!(answer.status < 500, "{about}: {answer:?}");
    if answer.status >= 400 {
        shaped(answer, about);
    }
}

#[track_caller]
fn shaped(answer: &Answer, about: &str) {
    if answer.header("allow").is_some() && is_of_a_view(answer) {
        return;
    }
    let kind = answer.header("content-type").unwrap_or("");
    assert!(kind.starts_with("application/json"), "{about}: {answer:?}");
    let body = answer.json();
    let object = body.as_object().unwrap_or_else(|| panic!("{about}: {answer:?}"));
    let by_detail =
        object.get("detail").is_some_and(Value::is_string) && object.get("code").is_some_and(Value::is_string);
    // RFC 6749, section 5.2.
    let by_word = object.get("error").is_some_and(Value::is_string)
        && object.get("error_description").is_some_and(Value::is_string);
    let by_field =
        !object.is_empty() && object.values().all(|messages| messages.as_array().is_some_and(|all| !all.is_empty()));
    assert!(by_detail || by_word || by_field, "{about}: {answer:?}");
}

/// Whether this is a refusal in one of the shapes of Django REST framework, which has a word for programs only where a
/// token is wrong: `detail`, messages by field, a bare list of them, or the status alone.
fn is_of_a_view(answer: &Answer) -> bool {
    if answer.body.is_empty() {
        return true;
    }
    let messages =
        |value: &Value| value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string));
    let body = answer.json();
    let detail = body["detail"].is_string();
    let is_known = detail || messages(&body) || body.as_object().is_some_and(|body| body.values().all(messages));
    is_known && answer.header("content-type") == Some("application/json")
}

/// Whether there is such a path.
pub fn served(path: &str) -> bool {
    authsrv::http::route_table().iter().any(|route| route.path.trim_end_matches('/') == path.trim_end_matches('/'))
}

/// A registration that is as it should be, but for what is added.
pub fn registration(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "password2": PASSWORD})
}

/// `base` with the entries of `more`.
pub fn with(mut base: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        base[key] = value.clone();
    }
    base
}
