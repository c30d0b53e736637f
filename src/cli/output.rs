//! What commands give back, and the only place that prints. Data goes to standard output, everything else to standard
//! error; text from users is inert on both.

mod json;
mod layout;
mod lines;
mod plain;
mod table;

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use dialoguer::console::Term;

use super::failure::{Code, Failure};
use super::inert::inert;
use super::program::Program;
use crate::domain::ids::Timestamp;
use layout::Layout;
pub use lines::Line;

/// In what form data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    // Doc comments here would stretch every help page.
    #[default]
    Table,
    Json,
    Plain,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Text(String),
    Number(i64),
    Bool(bool),
    Time(Timestamp),
    List(Vec<String>),
    /// A JSON text, which JSON output shows as what it says.
    Json(String),
}

impl Cell {
    /// A text.
    pub fn text(text: impl ToString) -> Self {
        Cell::Text(text.to_string())
    }

    /// A text, or null.
    pub fn maybe(text: Option<impl ToString>) -> Self {
        text.map_or(Cell::Null, Cell::text)
    }

    /// A time, or null.
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Cell::Null, Cell::Time)
    }

    /// A count.
    pub fn count(number: u64) -> Self {
        Cell::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// One thing: its fields by their names in the API, in the order of printing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record(pub Vec<(&'static str, Cell)>);

impl Record {
    fn get(&self, field: &str) -> &Cell {
        self.0.iter().find(|(name, _)| *name == field).map_or(&Cell::Null, |(_, cell)| cell)
    }
}

/// Gives the next page of a list, and `None` after the last.
pub type Pages<'a> = Box<dyn FnMut() -> Result<Option<Vec<Record>>, Failure> + 'a>;

/// Gives more lines that are safe to print as they are, and `None` after the last.
pub type Lines<'a> = Box<dyn FnMut() -> Result<Option<Vec<String>>, Failure> + 'a>;

/// The fields of a list that are printed.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// All of them, in order.
    pub fields: Vec<&'static str>,
    /// Those that a table may leave out for want of room, the most important first.
    pub spare: Vec<&'static str>,
    /// What shows those that are left out: `--fields all`.
    pub shows: &'static str,
}

/// A list of things, fetched while it is printed, so that a long one needs no more memory than a short one.
pub struct List<'a> {
    /// Fields to print, of those in the records.
    pub columns: Columns,
    /// Said when there is nothing: `No users.`
    pub none: &'static str,
    /// The things.
    pub pages: Pages<'a>,
}

impl<'a> List<'a> {
    /// A list of which nothing is left out.
    pub fn new(fields: Vec<&'static str>, none: &'static str, pages: Pages<'a>) -> Self {
        Self { columns: Columns { fields, ..Columns::default() }, none, pages }
    }
}

/// What a command gives back.
pub struct Output<'a> {
    /// The data.
    pub body: Body<'a>,
    /// Said on standard error, one line each.
    pub notes: Vec<String>,
    /// How the program exits.
    pub code: Code,
}

/// The data of an [`Output`].
pub enum Body<'a> {
    /// One thing.
    One(Record),
    /// A list.
    Many(List<'a>),
    /// Findings for people.
    Lines(Vec<Line>),
    /// Lines for people and for plain, a record for JSON.
    Said(Vec<String>, Record),
    /// Bytes as they are, made by this program.
    Bytes(Vec<u8>),
    /// Lines as they are, in any form.
    Stream(Lines<'a>),
}

impl<'a> Output<'a> {
    /// One thing.
    pub fn one(record: Record) -> Self {
        Self { body: Body::One(record), notes: Vec::new(), code: Code::Done }
    }

    /// A list.
    pub fn many(list: List<'a>) -> Self {
        Self { body: Body::Many(list), notes: Vec::new(), code: Code::Done }
    }

    /// Findings for people.
    pub fn lines(lines: Vec<Line>) -> Self {
        Self { body: Body::Lines(lines), notes: Vec::new(), code: Code::Done }
    }

    /// Lines for people, a record for scripts that read JSON.
    pub fn said(lines: Vec<String>, record: Record) -> Self {
        Self { body: Body::Said(lines, record), notes: Vec::new(), code: Code::Done }
    }

    /// A change that is told in a sentence on standard error; scripts that read JSON get a record.
    pub fn done(text: impl Into<String>, record: Record) -> Self {
        Self::said(Vec::new(), record).with_note(text)
    }

    /// Bytes as they are.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self { body: Body::Bytes(bytes), notes: Vec::new(), code: Code::Done }
    }

    /// Lines that are fetched while they are printed, the same in every form.
    pub fn streamed(lines: Lines<'a>) -> Self {
        Self { body: Body::Stream(lines), notes: Vec::new(), code: Code::Done }
    }

    /// Adds a note.
    pub fn with_note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Sets the exit code.
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }
}

/// What the terminal at a stream can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Columns, where they are known.
    pub width: Option<u16>,
    /// Whether colours are wanted.
    pub colour: bool,
}

/// Prints an output: notes after the data. A closed pipe is no error, a full disk is.
///
/// # Errors
/// What fetching the data gives, and `Internal` when the data cannot be written.
pub fn print(output: Output<'_>, format: Format) -> Result<Code, Failure> {
    let stdout = io::stdout();
    let width = if stdout.is_terminal() { Term::stdout().size_checked().map(|(_, columns)| columns) } else { None };
    let look = Look { width, colour: wants_colour(&stdout) };
    let mut out = BufWriter::new(stdout.lock());
    let (body, notes, code) = (output.body, output.notes, output.code);
    let written = write_body(&mut out, body, format, look).and_then(|()| out.flush().map_err(Unwritten::Io));
    match written {
        Ok(()) => {}
        Err(Unwritten::Io(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(code),
        Err(Unwritten::Io(error)) => return Err(unwritten(&error)),
        Err(Unwritten::Fetch(failure)) => {
            let _ = out.flush();
            return Err(failure);
        }
    }
    notes.iter().for_each(|text| note(text));
    Ok(code)
}

/// Says a line on standard error. That nobody may hear it is no error.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", inert(text));
}

/// Says why a command failed and what to type next, and how the program exits.
pub fn complain(failure: &Failure, program: &Program) -> Code {
    let mut err = io::stderr().lock();
    let (start, end) = if wants_colour(&io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let _ = writeln!(err, "{start}error:{end} {}", inert(&failure.text));
    for line in &failure.lines {
        let _ = writeln!(err, "  {}", inert(line));
    }
    for hint in &failure.hints {
        let hint = hint.told(|words| format!("`{}`", program.command(words)));
        let _ = writeln!(err, "hint: {}", inert(&hint));
    }
    failure.code
}

/// Says what is wrong with the command line, or gives the help that was asked for; says how the program exits.
pub fn usage(error: &clap::Error, program: &Program) -> Code {
    if !error.use_stderr() {
        return match error.print().and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => complain(&unwritten(&error), program),
            _ => Code::Done,
        };
    }
    let text = error.to_string();
    if text.chars().any(|c| c != '\n' && super::inert::is_hidden(c)) {
        let lines: Vec<_> = text.lines().map(inert).collect();
        let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
    } else {
        let _ = error.print();
    }
    Code::Usage
}

/// `1 session`, `2 sessions`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Whether `NO_COLOR` and the terminal allow colours.
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::internal(format!("cannot write the output: {error}"))
}

/// Why data did not reach the output.
enum Unwritten {
    Io(io::Error),
    Fetch(Failure),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Unwritten::Io(error)
    }
}

fn write_body(out: &mut dyn Write, body: Body<'_>, format: Format, look: Look) -> Result<(), Unwritten> {
    match (body, format) {
        (Body::Bytes(bytes), _) => out.write_all(&bytes)?,
        (Body::Stream(mut lines), _) => {
            while let Some(lines) = lines().map_err(Unwritten::Fetch)? {
                lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
        }
        (Body::Lines(lines), _) => lines::write(out, &lines, look)?,
        (Body::One(record) | Body::Said(_, record), Format::Json) => json::one(out, &record)?,
        (Body::One(record), Format::Plain) => plain::row(out, &record)?,
        (Body::One(record), Format::Table) => table::one(out, &record, look)?,
        (Body::Said(lines, _), Format::Table | Format::Plain) => {
            for line in lines {
                writeln!(out, "{}", inert(&line))?;
            }
        }
        (Body::Many(list), format) => write_list(out, list, format, look)?,
    }
    Ok(())
}

fn write_list(out: &mut dyn Write, mut list: List<'_>, format: Format, look: Look) -> Result<(), Unwritten> {
    let mut array = json::Array::default();
    let mut layout = None;
    let columns = &list.columns;
    while let Some(records) = (list.pages)().map_err(Unwritten::Fetch)? {
        let records: Vec<Record> = records.iter().map(|record| chosen(record, &columns.fields)).collect();
        match format {
            Format::Table if records.is_empty() => {}
            Format::Table => {
                let layout = layout.get_or_insert_with(|| Layout::of(columns, &records, look.width));
                table::many(out, &records, layout, look)?;
            }
            Format::Json => array.add(out, &records)?,
            Format::Plain => records.iter().try_for_each(|record| plain::row(out, record))?,
        }
    }
    match (format, layout) {
        (Format::Json, _) => array.end(out)?,
        (Format::Plain, _) => {}
        (Format::Table, None) => note(list.none),
        (Format::Table, Some(layout)) => {
            // Below the table and not above it.
            out.flush()?;
            let lacks = layout.lacks(&columns.fields);
            if !lacks.is_empty() {
                note(&format!("Left out for lack of room: {} ({} shows all).", lacks.join(", "), columns.shows));
            }
        }
    }
    Ok(())
}

fn chosen(record: &Record, fields: &[&'static str]) -> Record {
    Record(fields.iter().map(|field| (*field, record.get(field).clone())).collect())
}

#[cfg(test)]
#[path = "output/tests.rs"]
mod tests;
