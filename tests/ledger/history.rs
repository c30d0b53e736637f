//! What was asked, when, and what came of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::Census;
use crate::support::once;

/// A register. What nobody has written is [`Value::Gone`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An account, by its address: `Live`, `Off` while it is not active, or `Gone`.
    Account(String),
    /// The password of an account.
    Password(String),
    /// Whether an account has a role.
    Role(String, String),
    /// A session, by its UUID: `Live` or `Gone`. It never comes back.
    Session(String),
    /// The refresh token of a session that is good, by its `jti`.
    Leaf(String),
    /// A session of this account whose UUID nobody was told: its answer was lost.
    SomeSession(String),
}

/// What stands in a register.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// There, and good.
    Live,
    /// There, and not active.
    Off,
    /// Not there, or not good any more.
    Gone,
    /// This text.
    Is(String),
    /// Something that nobody was told.
    Unnamed,
}

/// Which way it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A request.
    Http,
    /// A command.
    Cli,
    /// Made in the test by the operations themselves, on the same file, as a command does.
    Made,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Success was told.
    Done,
    /// A refusal was told: nothing may have happened.
    Refused,
    /// Nothing was told: it may have happened, whole, or not at all.
    Unknown,
}

/// An operation or a look.
#[derive(Debug, Clone)]
pub struct Event {
    /// Which way it went.
    pub door: Door,
    /// What was done.
    pub name: &'static str,
    /// When it was sent, in nanoseconds of the ledger's clock, which never steps.
    pub invoked: u64,
    /// When its answer was there, or known to be lost.
    pub answered: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether it could not happen any more once `answered`, though nobody knows if it has: its process was gone.
    pub is_settled: bool,
    /// What it writes if it happens.
    pub writes: Vec<(Key, Value)>,
    /// What its answer showed.
    pub reads: Vec<(Key, Value)>,
    /// Status or exit code.
    pub said: i32,
}

/// All that is known of a run.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Operations and looks.
    pub events: Vec<Event>,
    /// When every process was gone that could still have done what was not answered.
    pub deaths: Vec<u64>,
    /// What was in the file at some times.
    pub censuses: Vec<Census>,
}

/// How much there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Acknowledged writes.
    pub acknowledged: usize,
    /// Of them, those by a command.
    pub by_cli: usize,
    /// Refused ones.
    pub refused: usize,
    /// Those whose answer was lost.
    pub unknown: usize,
    /// Looks at a credential.
    pub looks: usize,
}

/// Writes a history down while it happens: in memory, and in a file that is not in the file system under test.
pub struct Ledger {
    begun: Instant,
    history: Mutex<History>,
    file: Mutex<File>,
    acknowledged: AtomicUsize,
}

impl Ledger {
    /// An empty one, in this new file.
    pub fn new(file: &Path) -> Self {
        let file = Mutex::new(File::create_new(file).unwrap());
        Self { begun: Instant::now(), history: Mutex::default(), file, acknowledged: AtomicUsize::new(0) }
    }

    /// The time.
    pub fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap()
    }

    /// Writes an event down. The process that does so is not the one that is killed, so the line need not be synced.
    pub fn record(&self, event: Event) {
        writeln!(self.file.lock().unwrap(), "{event:?}").unwrap();
        let is_acknowledged = event.outcome == Outcome::Done && event.is_write();
        self.history.lock().unwrap().events.push(event);
        self.acknowledged.fetch_add(usize::from(is_acknowledged), Ordering::SeqCst);
    }

    /// How many writes were acknowledged until now.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until so many more writes are acknowledged.
    pub fn hears(&self, more: usize) {
        let all = self.acknowledged() + more;
        once(|| (self.acknowledged() >= all).then_some(())).expect("the load goes on");
    }

    /// What was not answered until now will not happen any more.
    pub fn died(&self) {
        let now = self.now();
        self.history.lock().unwrap().deaths.push(now);
    }

    /// What was refused since then may have happened after all: its disk was cut off in the middle of it, and nothing could
    /// be written over what it may have kept.
    pub fn doubts(&self, since: u64) {
        for event in &mut self.history.lock().unwrap().events {
            if event.outcome == Outcome::Refused && event.answered >= since {
                event.outcome = Outcome::Unknown;
            }
        }
    }

    /// Writes down what is in the file.
    pub fn counted(&self, census: Census) {
        self.history.lock().unwrap().censuses.push(census);
    }

    /// All until now.
    pub fn history(&self) -> History {
        self.history.lock().unwrap().clone()
    }

    /// What began and was answered between two instants.
    pub fn between(&self, (from, to): (u64, u64)) -> Vec<Event> {
        let history = self.history.lock().unwrap();
        history.events.iter().filter(|event| event.invoked >= from && event.answered <= to).cloned().collect()
    }

    /// How much there was until now.
    pub fn tally(&self) -> Tally {
        self.history.lock().unwrap().tally()
    }

    /// Answers that no storage, load or limit explains: their statuses, and how often each came.
    pub fn odd(&self) -> BTreeMap<(&'static str, i32), usize> {
        let mut odd = BTreeMap::new();
        for event in &self.history.lock().unwrap().events {
            let is_odd = match event.door {
                Door::Http => event.said >= 500 && event.said != 503 || [400, 403, 404, 405, 429].contains(&event.said),
                Door::Cli => ![0, 1].contains(&event.said) && event.outcome != Outcome::Unknown,
                Door::Made => false,
            };
            if is_odd {
                *odd.entry((event.name, event.said)).or_default() += 1;
            }
        }
        odd
    }
}

impl Event {
    /// One that writes and shows nothing yet, sent and answered at these times, with its status or exit code.
    pub fn new((door, name): (Door, &'static str), times: (u64, u64), (outcome, said): (Outcome, i32)) -> Self {
        let ((invoked, answered), (writes, reads)) = (times, (vec![], vec![]));
        Self { door, name, invoked, answered, outcome, is_settled: false, writes, reads, said }
    }

    /// Whether it would change something.
    pub fn is_write(&self) -> bool {
        !self.writes.is_empty()
    }
}

impl History {
    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for event in &self.events {
            match event.outcome {
                _ if !event.is_write() => tally.looks += 1,
                Outcome::Done => {
                    tally.acknowledged += 1;
                    tally.by_cli += usize::from(event.door == Door::Cli);
                }
                Outcome::Refused => tally.refused += 1,
                Outcome::Unknown => tally.unknown += 1,
            }
        }
        tally
    }

    /// From when on it cannot happen any more.
    pub fn completed(&self, event: &Event) -> u64 {
        if event.outcome != Outcome::Unknown || event.is_settled {
            return event.answered;
        }
        let deaths = self.deaths.iter().filter(|death| **death >= event.invoked);
        deaths.min().map_or(u64::MAX, |death| event.answered.max(*death))
    }
}
