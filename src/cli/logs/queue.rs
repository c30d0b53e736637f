//! The way of a line to standard error: through a queue, and by a thread of its own. Whoever does not read, or has closed
//! the pipe, neither holds the server up nor ends it; what finds no room meanwhile is counted and dropped.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Most lines that wait.
const WAITING_MAX: usize = 16 * 1024;
/// Bytes that are written at once, and a line more.
const AT_ONCE: usize = 64 * 1024;
/// How long lines gather before they are written: to be woken for each would cost its request more than to write it.
const PAUSE: Duration = Duration::from_millis(2);
/// How long the end of the program waits for the last lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Clone)]
pub(super) struct Queue {
    lines: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

enum Item {
    Line(Vec<u8>),
    /// Asks to be told once all lines before it are written.
    Flush(SyncSender<()>),
}

impl Queue {
    /// An empty queue with its thread.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub(super) fn start() -> io::Result<Self> {
        let (lines, items) = sync_channel(WAITING_MAX);
        let lost = Arc::<AtomicU64>::default();
        let dropped = Arc::clone(&lost);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write(&items, &dropped))?;
        Ok(Self { lines, lost })
    }

    /// Waits until what was logged is written, but not long.
    pub(super) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.lines.try_send(Item::Flush(done)).is_ok() {
            // Nobody reads it then; there is no one to tell.
            let _ = written.recv_timeout(LAST_WORDS);
        }
    }
}

fn write(items: &Receiver<Item>, lost: &AtomicU64) {
    let (mut standard_error, mut lines) = (io::stderr(), Vec::new());
    while let Ok(first) = items.recv() {
        let mut flushed = Vec::new();
        for item in std::iter::once(first).chain(items.try_iter()) {
            match item {
                Item::Line(line) => lines.extend_from_slice(&line),
                Item::Flush(done) => flushed.push(done),
            }
            if lines.len() >= AT_ONCE {
                break;
            }
        }
        // Where nobody takes them there is no other place for them.
        let _ = standard_error.write_all(&lines);
        lines.clear();
        let is_awaited = !flushed.is_empty();
        for done in &flushed {
            // Whoever has given up waiting needs no answer.
            let _ = done.try_send(());
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "lines of the log are lost: nobody took them in time");
        }
        if !is_awaited {
            std::thread::sleep(PAUSE);
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = &'a Queue;

    fn make_writer(&'a self) -> &'a Queue {
        self
    }
}

/// Each write is a whole line: the log hands them over so.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.lines.try_send(Item::Line(line.to_vec()))
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
