//! A load generator: as many requests as a server answers, over connections that stay open.
//!
//! It works as `wrk` does, since it runs on the cores that the server needs: few threads over epoll, requests that are
//! made beforehand where they can be, and of an answer only its status and its length are read. Whoever is measured by
//! it pays for it, so the cheaper it is, the less it flatters a slow server.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// Threads of the generator, as many as the machine of the published figures has cores.
const THREADS: usize = 2;
/// Longest answer that is read.
const ANSWER_MAX: usize = 64 * 1024;
/// Longest wait for the answers to the last requests.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// What one connection says. It goes on where it was when the next round begins.
pub trait Script: Send {
    /// The next request, whole.
    fn request(&mut self) -> &[u8];

    /// Looks at an answer; whether it is the one that was expected.
    fn answered(&mut self, status: u16, body: &[u8]) -> bool {
        let _ = body;
        status == 200
    }
}

/// How long a round lasts.
#[derive(Clone, Copy)]
pub struct Length {
    /// At first, when nothing counts yet.
    pub warming: Duration,
    /// After that.
    pub counting: Duration,
}

impl Length {
    /// Rounds of so many seconds, a fifth of which before is not counted.
    pub fn of(seconds: f64) -> Self {
        Self { warming: Duration::from_secs_f64(seconds / 5.0), counting: Duration::from_secs_f64(seconds) }
    }
}

/// What came of a round.
#[derive(Default)]
pub struct Outcome {
    /// Expected answers in a second.
    pub rate: f64,
    /// Answers that were not as expected, and connections that were lost.
    pub failures: u64,
    /// How long each answer took, in microseconds, the fastest first.
    pub latencies: Vec<u32>,
}

impl Outcome {
    /// The time, in milliseconds, that this share of the answers was faster than.
    pub fn percentile(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

/// Plays the scripts to a server, each on a connection of its own.
pub fn run(server: SocketAddr, scripts: &mut [Box<dyn Script>], length: Length) -> Outcome {
    let share = scripts.len().div_ceil(THREADS);
    let drivers: Vec<_> = scripts.chunks_mut(share).map(|scripts| Driver::new(server, scripts)).collect();
    let start = Barrier::new(drivers.len());
    let mut outcomes = std::thread::scope(|scope| {
        let start = &start;
        let spawn = |driver| scope.spawn(move || Driver::drive(driver, start, length));
        let threads: Vec<_> = drivers.into_iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut whole = outcomes.pop().unwrap_or_default();
    for other in outcomes {
        whole.rate += other.rate;
        whole.failures += other.failures;
        whole.latencies.extend(other.latencies);
    }
    whole.latencies.sort_unstable();
    whole
}

/// One thread's connections.
struct Driver<'a> {
    server: SocketAddr,
    epoll: rustix::fd::OwnedFd,
    lines: Vec<Line<'a>>,
    failures: u64,
}

/// One connection.
struct Line<'a> {
    stream: TcpStream,
    script: &'a mut Box<dyn Script>,
    read: Vec<u8>,
    /// Bytes of the answer that have come.
    filled: usize,
    /// When the request was sent that is not answered yet.
    sent: Option<Instant>,
}

/// What came back.
enum Heard {
    /// The answer that was expected, to what was sent then.
    Expected(Instant),
    /// Another, or the end of the connection.
    Other,
}

/// What is known of an answer once it is whole.
struct Answer {
    status: u16,
    body: usize,
    closes: bool,
}

impl<'a> Driver<'a> {
    fn new(server: SocketAddr, scripts: &'a mut [Box<dyn Script>]) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let open = |(number, script)| {
            let stream = connect(server, &epoll, number);
            Line { stream, script, read: vec![0; ANSWER_MAX], filled: 0, sent: None }
        };
        let lines = scripts.iter_mut().enumerate().map(open).collect();
        Self { server, epoll, lines, failures: 0 }
    }

    fn drive(mut self, start: &Barrier, length: Length) -> Outcome {
        start.wait();
        let counts_from = Instant::now() + length.warming;
        let ends = counts_from + length.counting;
        let mut latencies = Vec::with_capacity(1 << 20);
        for number in 0..self.lines.len() {
            self.ask(number);
        }
        let mut events = Vec::with_capacity(64);
        let patience = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        while self.lines.iter().any(|line| line.sent.is_some()) && Instant::now() < ends + LAST_ANSWERS {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&patience)).unwrap();
            for event in &events {
                let number = usize::try_from(event.data.u64()).unwrap();
                let Some(heard) = self.hear(number) else { continue };
                let now = Instant::now();
                match heard {
                    Heard::Expected(sent) if (counts_from..ends).contains(&now) => {
                        latencies.push(u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX));
                    }
                    Heard::Expected(_) => {}
                    Heard::Other => self.failures += 1,
                }
                if now < ends {
                    self.ask(number);
                }
            }
        }
        self.failures += self.lines.iter().filter(|line| line.sent.is_some()).count() as u64;
        Outcome { rate: latencies.len() as f64 / length.counting.as_secs_f64(), failures: self.failures, latencies }
    }

    /// Sends the next request. It is short, and nothing else is on its way.
    fn ask(&mut self, number: usize) {
        let line = &mut self.lines[number];
        // Where it cannot be sent, the end of the connection is read next.
        let _ = line.stream.write_all(line.script.request());
        line.sent = Some(Instant::now());
    }

    /// Reads what has come. Nothing, while an answer is not whole.
    fn hear(&mut self, number: usize) -> Option<Heard> {
        let line = &mut self.lines[number];
        match line.stream.read(&mut line.read[line.filled..]) {
            Ok(got @ 1..) => line.filled += got,
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => return None,
            Ok(0) | Err(_) => {
                self.reconnect(number);
                return Some(Heard::Other);
            }
        }
        let Answer { status, body, closes } = answer(&line.read[..line.filled])?;
        let expected = line.script.answered(status, &line.read[body..line.filled]);
        let sent = line.sent.take().filter(|_| expected);
        line.filled = 0;
        if closes {
            self.reconnect(number);
        }
        Some(sent.map_or(Heard::Other, Heard::Expected))
    }

    fn reconnect(&mut self, number: usize) {
        let stream = connect(self.server, &self.epoll, number);
        let line = &mut self.lines[number];
        // The old one leaves the epoll as it is closed.
        line.stream = stream;
        line.filled = 0;
        line.sent = None;
    }
}

fn connect(server: SocketAddr, epoll: &rustix::fd::OwnedFd, number: usize) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_nonblocking(true).unwrap();
    epoll::add(epoll, &stream, EventData::new_u64(number as u64), EventFlags::IN).unwrap();
    stream
}

/// The answer, if all of it is there.
fn answer(read: &[u8]) -> Option<Answer> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")?;
    let body = head + 4;
    let head = &read[..head + 2];
    let length = header(head, [b"\r\ncontent-length: ", b"\r\nContent-Length: "]).map_or(0, number);
    if read.len() < body + length {
        return None;
    }
    let closes = header(head, [b"\r\nconnection: close", b"\r\nConnection: close"]).is_some();
    Some(Answer { status: u16::try_from(number(&head[9..])).unwrap_or(0), body, closes })
}

/// What follows one of the two spellings of a header.
fn header<'a, const N: usize>(head: &'a [u8], spellings: [&[u8; N]; 2]) -> Option<&'a [u8]> {
    let at = head.windows(N).position(|some| spellings.iter().any(|spelling| some == *spelling))?;
    Some(&head[at + N..])
}

fn number(text: &[u8]) -> usize {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// Sends these requests one after the other, for ever.
pub struct InTurn {
    requests: std::sync::Arc<Vec<Vec<u8>>>,
    next: usize,
}

impl InTurn {
    /// So many scripts, each of which begins with another request.
    pub fn scripts(requests: Vec<Vec<u8>>, connections: usize) -> Vec<Box<dyn Script>> {
        let requests = std::sync::Arc::new(requests);
        let first = |number| number * requests.len() / connections;
        let script = |number| Box::new(Self { requests: requests.clone(), next: first(number) }) as Box<dyn Script>;
        (0..connections).map(script).collect()
    }
}

impl Script for InTurn {
    fn request(&mut self) -> &[u8] {
        let now = self.next;
        self.next = (now + 1) % self.requests.len();
        &self.requests[now]
    }
}

/// A request with these lines between the first and the host, and this body of JSON.
pub fn request(first: &str, headers: &[String], body: &str) -> Vec<u8> {
    let mut text = format!("{first} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for header in headers {
        text += &format!("{header}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    format!("{text}\r\n{body}").into_bytes()
}
