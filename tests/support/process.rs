//! The real binary: how it is started, and a server in a process of its own.

use std::ffi::OsStr;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::http::Client;
use super::once;

/// The binary.
pub const BINARY: &str = env!("CARGO_BIN_EXE_authsrv");

/// What a program may know of the caller's environment: where programs are, where temporary files go, and where a
/// measurement of coverage is written.
const KEPT: [&str; 3] = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"];

/// The binary, to be run in this folder, called as one who has it on his path does. It sees nothing else of the caller's
/// environment, neither variables of its own nor those that decide on colours and widths.
pub fn authsrv(folder: &Path) -> Command {
    let mut command = isolated(BINARY, folder);
    command.arg0("authsrv");
    command
}

/// A text for a shell, to be run in this folder with the binary on its path, as isolated as [`authsrv`].
pub fn script(shell: &str, folder: &Path, text: &str) -> Command {
    let mut command = isolated(shell, folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let binary = Path::new(BINARY).parent().unwrap().to_owned();
    let path = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&path)));
    command.args(["-c", text]).env("PATH", path.unwrap());
    command
}

/// Another program, to be run in this folder, as isolated as [`authsrv`].
pub fn isolated(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let kept = KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.env_clear().envs(kept).current_dir(folder);
    command
}

/// A server in a process of its own; killed when dropped.
pub struct Process {
    /// Where it says it listens.
    pub address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a command that serves, and waits until it says where.
    pub fn of(mut command: Command) -> Self {
        let (mut pipe, writer) = std::io::pipe().unwrap();
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap();
        // Or the pipe would not end with the process.
        drop(command);
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        let said = || String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
        let address = once(|| match listening(&said()) {
            None if reader.is_finished() => Some(None),
            found => found.map(Some),
        });
        let Some(address) = address.flatten() else {
            drop(child.kill());
            panic!("the server did not start: {}", said());
        };
        Self { address, child, log, reader: Some(reader) }
    }

    /// Somebody without credentials.
    pub fn anonymous(&self) -> Client {
        Client::of(self.address)
    }

    /// Somebody who shows this access token.
    pub fn bearer(&self, access: &str) -> Client {
        self.anonymous().bearer(access)
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote until now, to whichever stream.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// What it wrote, once `text` is among it.
    pub fn log_with(&self, text: &str) -> String {
        once(|| Some(self.log()).filter(|log| log.contains(text)))
            .unwrap_or_else(|| panic!("the server did not write {text:?} but: {}", self.log()))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        let status = once(|| self.child.try_wait().unwrap());
        let status = status.unwrap_or_else(|| panic!("the server does not end: {}", self.log()));
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }

    /// Ends it as an operator does, which must succeed; gives all that it wrote.
    pub fn stop(&mut self, signal: Signal) -> String {
        self.signal(signal);
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The address in the line that tells it, once that line is complete.
fn listening(log: &str) -> Option<SocketAddr> {
    let mut lines = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let line = lines.find(|line| line.contains("Listening") || line.contains("listening"))?;
    let end = |c: char| !(c.is_ascii_digit() || ".:".contains(c));
    line.split("://").nth(1)?.split(end).next()?.parse().ok()
}
