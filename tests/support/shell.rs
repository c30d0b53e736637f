//! The real binary at the shell: commands in a folder, and what came of them.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

use super::process::{Process, authsrv, script};
use super::{PASSWORD, PATIENCE};

/// A folder with its own database, and commands that run in it.
pub struct Shell {
    folder: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs words in a folder, with a text at standard input.
pub fn run<S: AsRef<str>>(folder: &Path, words: &[S], input: &str) -> Ran {
    let mut command = Command::from_std(authsrv(folder));
    command.args(words.iter().map(AsRef::as_ref)).timeout(PATIENCE);
    Ran::from(command.write_stdin(input).output().unwrap())
}

impl Shell {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A folder with a fresh database.
    pub fn new() -> Self {
        let shell = Self::empty();
        shell.run("migrate").done();
        shell
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Words that have no blanks in them, to be run.
    pub fn command(&self, words: &str) -> Command {
        Command::from_std(self.process(words))
    }

    /// The same, as the standard library has it.
    pub fn process(&self, words: &str) -> std::process::Command {
        let mut command = authsrv(self.folder());
        command.args(words.split_whitespace());
        command
    }

    /// Runs words that have no blanks in them.
    pub fn run(&self, words: &str) -> Ran {
        self.pipe(words, "")
    }

    /// Runs words.
    pub fn run_all(&self, words: &[&str]) -> Ran {
        self.pipe_all(words, "")
    }

    /// Runs words that have no blanks in them, with a text at standard input.
    pub fn pipe(&self, words: &str, input: &str) -> Ran {
        self.pipe_all(&words.split_whitespace().collect::<Vec<_>>(), input)
    }

    /// Runs words with a text at standard input.
    pub fn pipe_all(&self, words: &[&str], input: &str) -> Ran {
        run(self.folder(), words, input)
    }

    /// Pastes a command into a shell in the folder that has the program on its path.
    pub fn paste(&self, command: &str) -> Ran {
        Ran::from(script("sh", self.folder(), command).output().unwrap())
    }

    /// Makes an active user with [`PASSWORD`].
    pub fn user(&self, email: &str) {
        self.pipe(&format!("users create --email {email} --password-stdin"), PASSWORD).done();
    }

    /// Makes an active superuser with [`PASSWORD`].
    pub fn superuser(&self, email: &str) {
        self.pipe(&format!("users create --email {email} --superuser --password-stdin"), PASSWORD).done();
    }

    /// Runs words and reads the JSON that they print.
    pub fn json(&self, words: &str) -> serde_json::Value {
        self.run(&format!("{words} --output json")).json()
    }

    /// What `doctor` finds, whether all is well or not.
    pub fn json_of_doctor(&self) -> serde_json::Value {
        self.run("doctor --output json").json()
    }

    /// A server on a free port, to be started.
    pub fn server(&self) -> std::process::Command {
        self.process("serve --listen 127.0.0.1:0")
    }

    /// Starts a server on a free port.
    pub fn serve(&self) -> Process {
        Process::of(self.server())
    }
}

impl Ran {
    /// Passes if it exited with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}stderr: {}", self.out, self.err);
        self
    }

    /// Passes if it exited with 0.
    #[track_caller]
    pub fn done(self) -> Self {
        self.exits(0)
    }

    /// Passes if standard error holds this.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in {}", self.err);
        self
    }

    /// Passes if standard output holds this.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{text:?} is not in {}", self.out);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
