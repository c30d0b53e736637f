//! Asks the person at the terminal: for passwords, and before something is destroyed. Where nobody sits, or with
//! `--no-input`, it says which flag gives the answer. Secrets never come from arguments.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use dialoguer::Password as SecretPrompt;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::failure::{Code, Failure};
use super::output;
use crate::domain::passwords::Password;

/// Longest line that is read as a secret, in bytes; passwords are much shorter.
const SECRET_MAX: usize = 16 * 1024;

/// Whether and how the person at the terminal is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Ask, where there is a terminal.
    Ask,
    /// Never ask (`--no-input`).
    Never,
}

/// Asks.
#[derive(Debug, Clone, Copy)]
pub struct Prompt {
    /// Whether to ask.
    pub asking: Asking,
    /// Whether every question is answered by yes (`--yes`).
    pub yes: bool,
}

/// Where a password comes from.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Secret {
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub password_stdin: bool,
}

impl Secret {
    /// The password, from standard input or asked for twice.
    ///
    /// # Errors
    /// `Usage` when there is none to be had, or it is no password.
    pub fn read(&self, prompt: Prompt) -> Result<Password, Failure> {
        let text = if self.password_stdin { line_from_stdin("the password")? } else { prompt.new_password()? };
        Ok(Password::parse("password", &text)?)
    }
}

/// The refusal of a password that was typed as an argument, if that is what is wrong with the command line.
pub fn typed_password(error: &clap::Error) -> Option<Failure> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let typed = matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(word)) if word == "--password");
    (typed && error.kind() == ErrorKind::UnknownArgument).then(no_argument)
}

/// The refusal of a password that was typed as an argument. Does not repeat it, as the parser would.
pub fn no_argument() -> Failure {
    Failure::usage("a password is never given as an argument: others could read it in the list of processes")
        .hint("leave it out to be asked for it, or pipe it: `… --password-stdin < file`")
}

impl Prompt {
    /// Why nothing can be asked, if so.
    fn mute(self) -> Option<&'static str> {
        if self.asking == Asking::Never {
            return Some("--no-input was given");
        }
        if !io::stdin().is_terminal() {
            return Some("standard input is not a terminal");
        }
        (!io::stderr().is_terminal()).then_some("standard error is not a terminal")
    }

    /// Passes if `--yes` was given or the person says yes.
    ///
    /// # Errors
    /// `Refused` on a no; `Usage` when nothing can be asked.
    pub fn confirm(self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if let Some(why) = self.mute() {
            return Err(Failure::usage(format!("{question} This needs an answer, and {why}"))
                .hint("add --yes to do it without asking; it cannot be undone"));
        }
        let answer = asked(&format!("{} [y/N] ", super::inert::inert(question)))?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::refused("nothing was changed"))
    }

    /// A new secret, asked for twice without echo.
    ///
    /// # Errors
    /// `Usage` when nothing can be asked, or nothing is typed.
    pub fn new_password(self) -> Result<Zeroizing<String>, Failure> {
        if let Some(why) = self.mute() {
            return Err(Failure::usage(format!("a password is needed, and {why}"))
                .hint("pipe it to standard input with --password-stdin"));
        }
        restore_when_interrupted().map_err(unheard)?;
        loop {
            let password = hidden("Password")?;
            if hidden("Password again")? == password {
                return Ok(password);
            }
            output::note("The two are not the same; try again.");
        }
    }

    /// A secret that is there already, asked for once without echo. `otherwise` says what gives it when nothing can be asked.
    ///
    /// # Errors
    /// `Usage` when nothing can be asked, or nothing is typed.
    pub fn secret(self, what: &str, otherwise: &str) -> Result<Zeroizing<String>, Failure> {
        if let Some(why) = self.mute() {
            return Err(Failure::usage(format!("a secret is needed, and {why}")).hint(otherwise));
        }
        restore_when_interrupted().map_err(unheard)?;
        hidden(what)
    }

    /// A line of text, such as an e-mail address. `flag` is what gives it when nothing can be asked.
    ///
    /// # Errors
    /// `Usage` when nothing can be asked.
    pub fn line(self, what: &str, flag: &str) -> Result<String, Failure> {
        if let Some(why) = self.mute() {
            return Err(Failure::usage(format!("{what} is needed, and {why}")).hint(format!("give it with {flag}")));
        }
        asked(&format!("{what}: "))
    }
}

/// What is typed at a question. The terminal itself edits the line, so that Ctrl-D ends the asking like Ctrl-C.
fn asked(question: &str) -> Result<String, Failure> {
    let mut line = String::new();
    let mut terminal = io::stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).map_err(unheard)?;
    if io::stdin().read_line(&mut line).map_err(unheard)? == 0 {
        output::note("");
        return Err(Failure::refused("no answer was given; nothing was changed"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// From now on the program puts the terminal back before a signal ends it: while a password is typed the terminal shows
/// nothing, and would go on showing nothing in the shell.
fn restore_when_interrupted() -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // Here and not in the thread: from the first character on, a signal must find somebody who listens.
    let (mut interrupt, mut terminate, mut hangup) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
        });
        // If the terminal is gone there is nothing to put back.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
        output::note("");
        std::process::exit(Code::Interrupted as i32);
    });
    Ok(())
}

/// What is typed at a question without being seen. Nothing, as by Ctrl-D, ends the asking.
fn hidden(what: &str) -> Result<Zeroizing<String>, Failure> {
    let prompt = SecretPrompt::new().with_prompt(what).allow_empty_password(true).report(false);
    let secret = prompt.interact().map(Zeroizing::new).map_err(|dialoguer::Error::IO(error)| unheard(error))?;
    if secret.is_empty() {
        let asked = what.split(' ').next().unwrap_or(what).to_lowercase();
        return Err(Failure::usage(format!("no {asked} was typed; nothing was changed")));
    }
    Ok(secret)
}

/// The first line of standard input, as it is but for its one line break.
///
/// # Errors
/// `Usage` when there is none, it is too long or no UTF-8.
pub fn line_from_stdin(what: &str) -> Result<Zeroizing<String>, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        output::note(&format!("Type {what} and Enter; it will be visible."));
    }
    let mut line = Zeroizing::new(Vec::with_capacity(SECRET_MAX + 1));
    stdin.lock().take(SECRET_MAX as u64 + 1).read_until(b'\n', &mut line).map_err(unheard)?;
    if line.len() > SECRET_MAX {
        return Err(Failure::usage(format!("{what} on standard input is too long")));
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    }
    if line.is_empty() {
        return Err(Failure::usage(format!("{what} was to come from standard input, and nothing came")));
    }
    let text =
        std::str::from_utf8(&line).map_err(|_| Failure::usage(format!("{what} on standard input is not UTF-8")))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn unheard(error: io::Error) -> Failure {
    Failure::refused(format!("cannot read the answer: {error}"))
}
