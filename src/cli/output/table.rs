//! Data for people: tables fitted to the terminal.

use std::io::{self, Write};

use comfy_table::{Attribute, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::layout::{self, Layout};
use super::{Cell, Look, Record};
use crate::cli::inert::inert;
use crate::domain::ids::Timestamp;

/// One record: names beside values.
pub fn one(out: &mut dyn Write, record: &Record, look: Look) -> io::Result<()> {
    let mut table = blank(look);
    for (name, cell) in &record.0 {
        let value = comfy_table::Cell::new(text(cell, "\n"));
        table.add_row(vec![head(name, look), value]);
    }
    writeln!(out, "{table}")
}

/// Several records, in the layout that was chosen for the first of them.
pub fn many(out: &mut dyn Write, records: &[Record], layout: &Layout, look: Look) -> io::Result<()> {
    let Layout::Rows(names) = layout else { return records.iter().try_for_each(|record| one(out, record, look)) };
    let mut table = blank(look);
    table.set_header(names.iter().map(|name| head(name, look)).collect::<Vec<_>>());
    for record in records {
        table.add_row(names.iter().map(|name| text(record.get(name), ", ")).collect::<Vec<_>>());
    }
    for (column, name) in table.column_iter_mut().zip(names) {
        if records.iter().all(|record| matches!(record.get(name), Cell::Number(_) | Cell::Null)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let least = look.width.map(|width| layout::least(names, records, usize::from(width)));
    for (column, least) in table.column_iter_mut().zip(least.unwrap_or_default()) {
        let least = u16::try_from(least).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
    }
    writeln!(out, "{table}")
}

/// `2024-07-13 17:24:33Z`: in UTC wherever the reader is, to the second.
pub fn time(time: &Timestamp) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn blank(look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).force_no_tty();
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if look.colour {
        table.enforce_styling();
    }
    table
}

fn head(name: &str, look: Look) -> comfy_table::Cell {
    let cell = comfy_table::Cell::new(name);
    if look.colour { cell.add_attribute(Attribute::Bold) } else { cell }
}

/// A value as a text that is safe to show; `between` the items of a list.
pub fn text(cell: &Cell, between: &str) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) | Cell::Json(text) => inert(text).into_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Bool(yes) => yes.to_string(),
        Cell::Time(at) => time(at),
        Cell::List(items) => items.iter().map(|item| inert(item)).collect::<Vec<_>>().join(between),
    }
}
