//! What to do next: words, and commands of this program. Only the door knows how the program is called, so a command
//! stands here without the program's name and is completed where it is told.

use std::path::Path;

/// What to do next. Empty when nothing is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Command(String),
    Shell(String),
}

/// A piece of advice on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Words, to be read.
    Text(String),
    /// A command, to be pasted.
    Command(String),
}

impl Advice {
    /// A command, as the words after the program's name.
    pub fn run(words: impl Into<String>) -> Self {
        Self::default().and_run(words)
    }

    /// A command of the system, whole.
    pub fn shell(command: impl Into<String>) -> Self {
        Self::default().and_shell(command)
    }

    /// Adds a command of the system.
    #[must_use]
    pub fn and_shell(mut self, command: impl Into<String>) -> Self {
        self.0.push(Part::Shell(command.into()));
        self
    }

    /// Adds a text, with the blanks around it.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn and_run(mut self, words: impl Into<String>) -> Self {
        self.0.push(Part::Command(words.into()));
        self
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The advice as a text; `command` completes the words of a command.
    pub fn told(&self, command: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) | Part::Shell(text) => text.clone(),
            Part::Command(words) => command(words),
        };
        self.0.iter().map(part).collect()
    }

    /// The advice with each command on a line of its own; `command` completes the words of one.
    pub fn lines(&self, command: impl Fn(&str) -> String) -> Vec<Line> {
        let part = |part: &Part| match part {
            Part::Text(text) => Line::Text(text.trim_start_matches([',', ';', ' ']).trim_end().to_owned()),
            Part::Shell(words) => Line::Command(words.clone()),
            Part::Command(words) => Line::Command(command(words)),
        };
        self.0.iter().map(part).collect()
    }
}

impl From<&str> for Advice {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::default() } else { Self::default().and(text) }
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

/// A text as one word of a shell command, in quotes where it needs them.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    // zsh looks for a program of the name that follows a leading equals sign.
    let needs_none = !text.is_empty() && !text.starts_with('=') && text.chars().all(plain);
    if needs_none { text.to_owned() } else { in_quotes(text) }
}

/// A text in quotes that a shell takes off again.
pub fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
