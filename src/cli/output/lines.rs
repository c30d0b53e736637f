//! Findings for people: a word at the margin, what there is to say beside it, and commands whole, so that they can be
//! copied.

use std::io::{self, Write};

use dialoguer::console::measure_text_width;

use super::Look;
use crate::cli::inert::inert;

/// Where texts begin: after the longest word of the margin.
const MARGIN: usize = 9;

/// One of the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A word at the margin with the text beside it.
    Led(&'static str, String),
    /// A text beside the margin.
    Text(String),
    /// A command, never wrapped.
    Command(String),
}

/// Writes lines.
pub fn write(out: &mut dyn Write, lines: &[Line], look: Look) -> io::Result<()> {
    let (start, end) = if look.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    lines.iter().try_for_each(|line| match line {
        Line::Led(word, text) => {
            write!(out, "{start}{word}{end}{:1$}", "", MARGIN.saturating_sub(word.len()))?;
            writeln!(out, "{}", wrapped(text, look))
        }
        Line::Text(text) => writeln!(out, "{:MARGIN$}{}", "", wrapped(text, look)),
        Line::Command(command) => writeln!(out, "{:MARGIN$}  {}", "", inert(command)),
    })
}

/// The text, wrapped at blanks, its further lines beside the margin.
fn wrapped(text: &str, look: Look) -> String {
    let text = inert(text);
    let Some(width) = look.width else { return text.into_owned() };
    let (mut shown, mut at) = (String::new(), MARGIN);
    for word in text.split_whitespace() {
        let length = measure_text_width(word);
        if at > MARGIN && at + 1 + length > usize::from(width) {
            shown.push_str(&format!("\n{:MARGIN$}", ""));
            at = MARGIN;
        } else if at > MARGIN {
            shown.push(' ');
            at += 1;
        }
        shown.push_str(word);
        at += length;
    }
    shown
}
