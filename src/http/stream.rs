//! A connection with patience that ends: the head of a request, an idle wait and a stuck write each have their time.
//!
//! hyper has one timer for both the head and the wait before it. Here the two are told apart by what arrives: the first
//! byte after an answer begins a head, and from then on the head has its own time, which is shorter. On its way to
//! hyper everything passes a [`Gate`]; in place of a head that it refuses hyper gets `STAND_IN`, which the service
//! answers with the refusal when its turn comes.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::head::Gate;
use super::tls::Line;

/// How many bytes of an answer count as progress. A client that takes one at a time would keep its place for ever.
const WRITE_LEAST: usize = 16 * 1024;

/// What hyper gets to read in place of a refused head.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";
/// Bytes taken from the connection at a time.
const CHUNK: usize = 8 * 1024;
/// How much that has arrived behind a refused head is dropped, so that the client gets to read the refusal.
const DROPPED_MAX: usize = 1024 * 1024;

/// What a connection is at; shared between its stream and its service.
#[derive(Clone)]
pub struct Phase(Arc<Shared>);

struct Shared {
    at: AtomicU8,
    begun: Instant,
    /// Milliseconds from `begun` to when it began to wait for a request.
    waits_from: AtomicU64,
    /// Whether the client is slow in taking an answer.
    is_writing: AtomicBool,
    /// Requests that the service has seen.
    seen: AtomicU64,
    /// The request that stands for a refused head, counted from 1; 0 while there is none.
    refused: AtomicU64,
    /// Status of that refusal.
    status: AtomicU16,
}

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

impl Phase {
    /// A connection just accepted: the first head is due.
    pub fn first() -> Self {
        Self(Arc::new(Shared {
            at: AtomicU8::new(HEAD),
            begun: Instant::now(),
            waits_from: AtomicU64::new(0),
            is_writing: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            status: AtomicU16::new(0),
        }))
    }

    /// A request is complete as far as its head goes. Gives the status of the refusal, if it only stands for one.
    pub fn busy(&self) -> Option<StatusCode> {
        self.0.at.store(BUSY, Ordering::Release);
        let number = self.0.seen.fetch_add(1, Ordering::AcqRel) + 1;
        let is_refused = self.0.refused.load(Ordering::Acquire) == number;
        is_refused
            .then(|| StatusCode::from_u16(self.0.status.load(Ordering::Acquire)).unwrap_or(StatusCode::BAD_REQUEST))
    }

    /// When the connection was accepted.
    pub fn begun(&self) -> Instant {
        self.0.begun
    }

    /// Its answer is there.
    pub fn idle(&self) {
        let now = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.waits_from.store(now, Ordering::Release);
        self.0.at.store(IDLE, Ordering::Release);
    }

    /// Since when it waits for a request; `None` while one is being answered.
    pub fn waiting_since(&self) -> Option<Instant> {
        let at_work = self.is(BUSY) || self.0.is_writing.load(Ordering::Acquire);
        let waits_from = Duration::from_millis(self.0.waits_from.load(Ordering::Acquire));
        (!at_work).then(|| self.0.begun + waits_from)
    }

    fn refuse(&self, number: u64, status: StatusCode) {
        self.0.status.store(status.as_u16(), Ordering::Release);
        self.0.refused.store(number, Ordering::Release);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.at.load(Ordering::Acquire) == phase
    }
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For the head of a request.
    pub head: Duration,
    /// For some of an answer.
    pub write: Duration,
}

/// A write that waits for the client.
struct Slow {
    limit: Pin<Box<Sleep>>,
    /// Bytes written since it was set.
    moved: usize,
}

/// See the module.
pub struct Stream {
    inner: Box<dyn Line>,
    phase: Phase,
    head: Pin<Box<Sleep>>,
    times: Times,
    /// Set while the client is slow in taking an answer.
    write: Option<Slow>,
    gate: Gate,
    /// What the gate has let through and nobody has read yet.
    ready: Vec<u8>,
}

impl Stream {
    /// A new connection: its first head is due as long after it was accepted as every further one after it has begun.
    pub fn new(inner: Box<dyn Line>, phase: Phase, times: Times) -> Self {
        let head = Box::pin(tokio::time::sleep_until(phase.begun() + times.head));
        Self { inner, phase, head, times, write: None, gate: Gate::default(), ready: Vec::new() }
    }

    /// Takes in what has arrived.
    fn arrived(&mut self, context: &mut Context<'_>, bytes: &[u8]) {
        if self.phase.is(IDLE) {
            self.begin_head();
        }
        if let Err(status) = self.gate.pass(bytes, &mut self.ready) {
            self.phase.refuse(self.gate.passed() + 1, status);
            self.ready.extend_from_slice(STAND_IN);
            self.drop_arrived(context);
        }
    }

    fn begin_head(&mut self) {
        self.phase.0.at.store(HEAD, Ordering::Release);
        let due = Instant::now() + self.times.head;
        self.head.as_mut().reset(due);
    }

    /// Drops what is there to read. To close a connection with bytes unread would make the client lose the answer.
    fn drop_arrived(&mut self, context: &mut Context<'_>) {
        let (mut space, mut dropped) = ([0; CHUNK], 0);
        while dropped < DROPPED_MAX {
            let mut read = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(context, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => dropped += read.filled().len(),
                _ => break,
            }
        }
    }

    /// Nothing has arrived: a head that has begun has its time.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.phase.is(IDLE) && self.gate.is_waiting() {
            self.begin_head();
        }
        if self.phase.is(HEAD) {
            return self.head.as_mut().poll(context).map(|()| Err(Error::from(ErrorKind::TimedOut)));
        }
        Poll::Pending
    }

    /// Passes a result of writing on, unless too little has moved for too long. `moved` tells how much has, if all of it
    /// has: nothing is known to be left then.
    fn watch_write<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<Result<T>>,
        moved: fn(&T) -> Moved,
    ) -> Poll<Result<T>> {
        self.phase.0.is_writing.store(outcome.is_pending(), Ordering::Release);
        match (outcome, &mut self.write) {
            (Poll::Ready(Ok(done)), slow) => {
                let is_over = match (moved(&done), slow.as_mut()) {
                    (Moved::Bytes(bytes), Some(slow)) => {
                        slow.moved += bytes;
                        slow.moved >= WRITE_LEAST
                    }
                    _ => true,
                };
                if is_over {
                    *slow = None;
                }
                Poll::Ready(Ok(done))
            }
            (Poll::Ready(Err(failure)), _) => Poll::Ready(Err(failure)),
            (Poll::Pending, slow) => {
                let time = self.times.write;
                let slow = slow.get_or_insert_with(|| Slow { limit: Box::pin(tokio::time::sleep(time)), moved: 0 });
                slow.limit.as_mut().poll(context).map(|()| Err(Error::from(ErrorKind::TimedOut)))
            }
        }
    }
}

/// How much of an answer has gone out.
enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// All of it.
    All,
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let mut space = [0; CHUNK];
        while self.ready.is_empty() {
            let mut read = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(context, &mut read) {
                Poll::Pending => return self.wait(context),
                Poll::Ready(Ok(())) if !read.filled().is_empty() => self.arrived(context, read.filled()),
                over => return over,
            }
        }
        let length = self.ready.len().min(buffer.remaining());
        buffer.put_slice(&self.ready[..length]);
        self.ready.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch_write(context, outcome, |bytes| Moved::Bytes(*bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        self.watch_write(context, outcome, |()| Moved::All)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch_write(context, outcome, |()| Moved::All)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, bytes);
        self.watch_write(context, outcome, |bytes| Moved::Bytes(*bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
