//! Dialects that a setting switches off (D-1).

use authsrv::service::settings;
use serde_json::json;

use crate::support::TestApp;
use crate::support::http::Server;

/// A path of each dialect that answers everybody with something else than 404.
const PATHS: [(&str, &str, &str); 11] = [
    ("account", "GET", "/api/v1/"),
    ("authtoken", "POST", "/api-token-auth/"),
    ("authzen", "POST", "/access/v1/evaluation"),
    ("authzen", "GET", "/.well-known/authzen-configuration"),
    ("djoser", "GET", "/auth/"),
    ("djoser", "POST", "/api/auth/users/activation/"),
    ("oauth", "POST", "/api/auth/introspect/"),
    ("oauth", "GET", "/api/auth/status-lists/1/"),
    ("pyjwt", "GET", "/api/me/"),
    ("rbac", "GET", "/users/"),
    ("simplejwt", "POST", "/api/token/verify/"),
];

/// What is off is not there, at the next request, and nothing else is touched.
#[test]
fn d1_a_dialect_is_switched_off_and_on_while_the_server_runs() {
    let app = TestApp::new();
    let server = Server::start(&app);
    let set = |value| app.operate(|ctx| settings::change(ctx, &[("dialects.off".to_owned(), value)])).unwrap();
    let status = |(_, method, path): &(&str, &str, &str)| server.anonymous().send(method, path, None).status;
    for off in ["account", "authtoken", "authzen", "djoser", "oauth", "pyjwt", "rbac", "simplejwt"] {
        set(Some(json!([off])));
        for path in &PATHS {
            assert_eq!(status(path) == 404, path.0 == off, "{off} is off: {path:?}");
        }
        set(None);
        assert!(PATHS.iter().all(|path| status(path) != 404), "{off} is on again");
    }
    for served in ["/healthz", "/.well-known/jwks.json", "/api/schema/"] {
        set(Some(json!("account,authtoken,authzen,djoser,oauth,pyjwt,rbac,simplejwt")));
        assert_eq!(server.anonymous().get(served).status, 200, "{served}");
    }
}
