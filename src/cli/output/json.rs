//! Data for scripts: JSON, two blanks a level.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::{Cell, Record};
use crate::cli::inert;
use crate::domain::times;

/// An object and a line break.
pub fn one(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    writeln!(out, "{}", inert::json(&pretty(record)))
}

/// An array that is written piece by piece.
#[derive(Default)]
pub struct Array {
    begun: bool,
}

impl Array {
    /// Adds elements.
    pub fn add(&mut self, out: &mut dyn Write, records: &[Record]) -> io::Result<()> {
        for record in records {
            out.write_all(if std::mem::replace(&mut self.begun, true) { b",\n" } else { b"[\n" })?;
            let text = format!("  {}", pretty(record).replace('\n', "\n  "));
            out.write_all(inert::json(&text).as_bytes())?;
        }
        Ok(())
    }

    /// Ends the array.
    pub fn end(self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })
    }
}

fn pretty(record: &Record) -> String {
    let object: Map<String, Value> = record.0.iter().map(|(name, cell)| ((*name).to_owned(), value(cell))).collect();
    format!("{:#}", Value::Object(object))
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        Cell::Number(number) => Value::from(*number),
        Cell::Bool(yes) => Value::from(*yes),
        Cell::List(items) => Value::from(items.as_slice()),
        Cell::Time(time) => Value::from(times::written(*time)),
    }
}
