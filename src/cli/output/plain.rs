//! Data for `cut` and `grep`: one line a record, fields between tabs, no header.

use std::io::{self, Write};

use super::{Cell, Record};
use crate::cli::inert::reversible;

/// One line.
pub fn row(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let fields: Vec<String> = record.0.iter().map(|(_, cell)| text(cell)).collect();
    writeln!(out, "{}", fields.join("\t"))
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) | Cell::Json(text) => reversible(text).into_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Bool(yes) => yes.to_string(),
        Cell::Time(time) => super::table::time(time),
        Cell::List(items) => items.iter().map(|item| reversible(item)).collect::<Vec<_>>().join(","),
    }
}
