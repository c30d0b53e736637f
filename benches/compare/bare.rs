//! The least that there is to compare with: one axum route that gives back the bytes of an answer of the product, in a
//! process of its own with the product's own runtime.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use authsrv::http::{Patience, serve};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::site::{Server, free_address};

/// Tells the process that it is to be the bare server: what it is to answer.
const ANSWER: &str = "COMPARE_BARE_ANSWER";
/// Where it is to listen.
const ADDRESS: &str = "COMPARE_BARE_ADDRESS";
/// Who is to accept and read.
const LOOP: &str = "COMPARE_BARE_LOOP";

/// Who accepts connections and reads requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    /// The product's own loop, with its limits and its gate.
    Product,
    /// What `axum::serve` does.
    Axum,
}

/// Starts a server that answers every request as the product answered this one.
pub fn start(product: SocketAddr, request: &[u8], by: Loop) -> Server {
    let (address, mut command) = (free_address(), Command::new(std::env::current_exe().unwrap()));
    command.env(ANSWER, sample(product, request)).env(ADDRESS, address.to_string());
    if by == Loop::Axum {
        command.env(LOOP, "axum");
    }
    Server::start(command, address)
}

/// What the product answers, as text.
fn sample(product: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(product).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // The connection stays open, so it ends with the wait.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{}: {answer}", String::from_utf8_lossy(request));
    answer
}

/// Serves until it is killed, if this process was started for that.
pub fn serve_if_asked() {
    let Ok(answer) = std::env::var(ANSWER) else { return };
    let address: SocketAddr = std::env::var(ADDRESS).unwrap().parse().unwrap();
    let router = router(&answer);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.unwrap();
        match std::env::var_os(LOOP) {
            Some(_) => serve_plainly(listener, router).await,
            None => serve(listener, router, std::future::pending(), Patience::default()).await,
        }
    });
}

fn router(answer: &str) -> Router {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        // hyper writes those itself.
        if !matches!(name, "date" | "content-length") {
            headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        }
    }
    let body = Bytes::from(body.to_owned());
    let answer = async move || {
        let mut response = axum::response::Response::new(Body::from(body.clone()));
        *response.status_mut() = StatusCode::OK;
        *response.headers_mut() = headers.clone();
        response
    };
    Router::new().route("/{*anything}", axum::routing::any(answer))
}

/// The loop of `axum::serve`, which comes with a feature of axum that the product has no use for.
async fn serve_plainly(listener: TcpListener, router: Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let router = router.clone();
        let answered = hyper::service::service_fn(move |request: axum::http::Request<hyper::body::Incoming>| {
            let router = router.clone();
            async move { Ok::<_, Infallible>(router.oneshot(request.map(Body::new)).await.unwrap()) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), answered);
        tokio::spawn(async { drop(connection.await) });
    }
}
