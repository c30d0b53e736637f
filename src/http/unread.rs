//! What is left of a body when the answer is there. hyper would end the connection for it without a word, and the
//! client's next request would be lost.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use hyper::body::{Frame, Incoming, SizeHint};

/// How much of a rest is read and dropped to keep the connection.
const REST_MAX: usize = 64 * 1024;
/// Longest time for that.
const REST_TIME: Duration = Duration::from_secs(1);

/// A body that is not lost when its reader loses interest.
#[derive(Clone)]
pub struct Unread {
    body: Arc<Mutex<Incoming>>,
    /// The client sends the body only if it is asked to, which reading it would do.
    waits: bool,
}

impl Unread {
    /// The body of a request with these headers.
    pub fn new(body: Incoming, headers: &HeaderMap) -> Self {
        Self { body: Arc::new(Mutex::new(body)), waits: headers.contains_key(EXPECT) }
    }

    /// Drops what is left of it; `false` when that is too much, and the connection must end.
    pub async fn drop_rest(mut self) -> bool {
        if self.is_end_stream() {
            return true;
        }
        !self.waits && tokio::time::timeout(REST_TIME, self.read_rest()).await.unwrap_or(false)
    }

    async fn read_rest(&mut self) -> bool {
        let mut dropped = 0;
        while dropped <= REST_MAX {
            match std::future::poll_fn(|context| Pin::new(&mut *self).poll_frame(context)).await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => dropped += frame.data_ref().map_or(0, Bytes::len),
            }
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, Incoming> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}
