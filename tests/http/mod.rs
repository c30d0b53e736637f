//! The network's door. Most tests send requests to the router itself; `server.rs` opens sockets.

mod account;
mod answers;
mod api_tokens;
mod audit;
mod authtoken;
mod bodies;
mod browse;
mod connections;
mod cors;
mod djoser;
mod document;
mod drf;
mod forward;
mod fuzz;
mod keys;
mod lists;
mod pages;
mod pyjwt;
mod rbac;
mod routing;
mod server;
mod simplejwt;
mod switches;
mod throttle;
mod tls;

use authsrv::http;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::support::TestApp;

/// The program behind its router.
pub struct Door {
    pub app: TestApp,
    router: Router,
    runtime: Runtime,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|wrong| panic!("{wrong}: {}", self.text))
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Door {
    pub fn new() -> Self {
        let app = TestApp::new();
        let router = http::router(app.env.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { app, router, runtime }
    }

    /// A request as it stands.
    pub fn send(&self, mut request: Request<Body>) -> Reply {
        request.headers_mut().entry("host").or_insert(HeaderValue::from_static("testserver"));
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
            Reply { status: parts.status, headers: parts.headers, text }
        })
    }

    /// A request with JSON, by whoever holds this access token.
    pub fn ask(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        self.send(request.header("content-type", "application/json").body(body).unwrap())
    }

    pub fn get(&self, path: &str, token: Option<&str>) -> Reply {
        self.ask("GET", path, token, None)
    }

    pub fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Reply {
        self.ask("POST", path, token, Some(body))
    }

    /// An access token of a new superuser.
    pub fn root(&self) -> String {
        self.app.superuser("root@example.com");
        self.app.sign_in("root@example.com").access
    }

    /// An access token of a new user with these roles.
    pub fn somebody(&self, roles: &[&str]) -> String {
        self.app.user("ann@example.com", roles);
        self.app.sign_in("ann@example.com").access
    }
}
