//! How this program is called again, on the same files. Every command that is suggested is completed here.

use std::ffi::{OsStr, OsString};

use super::inert::shell_path;

/// The words that a suggested command begins with: `authsrv`, or `target/release/authsrv --db 'my files/auth.db'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(String);

impl Program {
    /// The program as it was `called`, with those of `settings` that another shell would not know: what was typed or
    /// stands in the environment of this process. `.env` and the configuration file are there for every shell.
    pub fn new(called: Option<&OsStr>, settings: &[(&str, Option<OsString>)]) -> Self {
        // A name without a slash was found on the path, where others find it too.
        let named = called.filter(|word| word.as_encoded_bytes().contains(&b'/')).map(shell_path);
        let mut words = vec![named.unwrap_or_else(|| "authsrv".to_owned())];
        for (flag, value) in settings {
            if let Some(value) = value {
                words.extend([(*flag).to_owned(), shell_path(value)]);
            }
        }
        Self(words.join(" "))
    }

    /// A command of this program, safe to paste.
    pub fn command(&self, words: &str) -> String {
        format!("{} {words}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_on_the_path_is_named_as_it_was_called() {
        let named = |called: &str| Program::new(Some(OsStr::new(called)), &[]).0;
        for path in ["target/release/authsrv", "./authsrv", "/opt/authsrv"] {
            assert_eq!(named(path), path);
        }
        assert_eq!(named("/my programs/authsrv"), "'/my programs/authsrv'");
        assert_eq!([named("authsrv"), Program::new(None, &[]).0], ["authsrv"; 2]);
    }

    #[test]
    fn what_another_shell_would_not_know_is_added() {
        let settings = [("--db", Some("my files/a.db".into())), ("--config", None)];
        let program = Program::new(Some(OsStr::new("authsrv")), &settings);
        assert_eq!(program.command("users list"), "authsrv --db 'my files/a.db' users list");
    }
}
