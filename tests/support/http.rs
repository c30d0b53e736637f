//! The server on a port of its own, and callers who send it real requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use authsrv::app::tls::Pair;
use authsrv::domain::tls::TlsFiles;
use authsrv::domain::tokens::TokenPair;
use authsrv::http::tls::Tls;
use authsrv::http::{Entrance, Patience};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{PATIENCE, TestApp};

/// A running server; stops and drains when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the test's program.
    pub fn start(app: &TestApp) -> Self {
        Self::patient(app, Patience { drain: Duration::from_secs(5), ..Patience::default() })
    }

    /// Serves the test's program with this patience.
    pub fn patient(app: &TestApp, patience: Patience) -> Self {
        Self::secure(app, patience, None)
    }

    /// Serves the test's program with this patience, by TLS if there are files for it.
    pub fn secure(app: &TestApp, patience: Patience, tls: Option<TlsFiles>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, address) = std::sync::mpsc::channel();
        let env = Arc::clone(&app.env);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let site = authsrv::http::Site::of(Arc::clone(&env));
                let tls = tls.map(|files| Tls::new(files.clone(), Pair::read(&files).unwrap(), env));
                let entrance = Entrance { listener, tls };
                authsrv::http::serve(entrance, site, async { drop(stopped.await) }, patience).await;
            });
        });
        Self { address: address.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    /// Somebody without credentials.
    pub fn anonymous(&self) -> Client {
        Client::of(self.address)
    }

    /// Somebody who shows this access token.
    pub fn bearer(&self, access: &str) -> Client {
        self.anonymous().bearer(access)
    }

    /// Signs in over HTTP with [`super::PASSWORD`].
    pub fn sign_in(&self, email: &str) -> TokenPair {
        self.anonymous().sign_in(email)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .new_agent()
}

/// A connection in which the server has read the head of a POST with JSON, and asks for the body.
pub fn asked_for_body(address: SocketAddr, path: &str, length: usize) -> TcpStream {
    const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; GO_ON.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), GO_ON);
    stream
}

/// One caller.
#[derive(Clone)]
pub struct Client {
    base: String,
    authorization: Option<String>,
    headers: Vec<(String, String)>,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers as sent; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body as sent.
    pub body: Vec<u8>,
}

impl Client {
    /// Somebody without credentials, to the server at this address.
    pub fn of(address: SocketAddr) -> Self {
        Self { base: format!("http://{address}"), authorization: None, headers: Vec::new(), agent: agent() }
    }

    /// The same, showing this access token.
    pub fn bearer(self, access: &str) -> Self {
        Self { authorization: Some(format!("Bearer {access}")), ..self }
    }

    /// The same, showing the key of an API token.
    pub fn token(self, key: &str) -> Self {
        Self { authorization: Some(format!("Token {key}")), ..self }
    }

    /// The same, with cookies.
    pub fn cookie(self, cookie: &str) -> Self {
        self.with("cookie", cookie)
    }

    /// The same, sending one more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs in with [`super::PASSWORD`].
    pub fn sign_in(&self, email: &str) -> TokenPair {
        let answer = self.post("/login/", serde_json::json!({"email": email, "password": super::PASSWORD}));
        assert_eq!(answer.status, 200, "{answer:?}");
        TokenPair { access: answer.text("access"), refresh: answer.text("refresh") }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// POST with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.json("POST", path, &body)
    }

    /// PUT with a JSON body.
    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.json("PUT", path, &body)
    }

    /// PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, &body)
    }

    /// Any method with a JSON body.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, Some(("application/json", body.to_string().into_bytes())))
    }

    /// POST with a JSON body to a server that may be gone: `None` if no answer came.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send("POST", path, Some(("application/json", body.to_string().into_bytes()))).ok()
    }

    /// Any method, with a JSON body if there is one, to a server that may be gone: `None` if no answer came.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        self.try_send(method, path, body).ok()
    }

    /// Any method with any body.
    pub fn send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Answer {
        self.try_send(method, path, body).unwrap()
    }

    fn try_send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let sent = match body {
            Some((kind, bytes)) => self.agent.run(request.header("content-type", kind).body(bytes).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = sent?;
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
        Ok(Answer {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: response.body_mut().read_to_vec()?,
        })
    }
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A text in the body.
    pub fn text(&self, key: &str) -> String {
        self.json()[key].as_str().unwrap_or_else(|| panic!("no text {key:?} in {self:?}")).to_owned()
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
