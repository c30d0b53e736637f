//! How a list stands in a terminal: which columns there is room for, and whether they stand in rows at all. The first
//! records decide, so that a long list needs no more memory than a short one.

use dialoguer::console::measure_text_width;

use super::table::text;
use super::{Cell, Columns, Record};

/// Longest word that a column is kept wide enough for: names, addresses and UUIDs are to be read and copied whole.
const WORD_MAX: usize = 40;
/// Width that several words get before they are wrapped.
const PROSE: usize = 24;
/// Blanks beside the text of a column.
const PADDING: usize = 2;

/// How a list stands in a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// These names above the values.
    Rows(Vec<&'static str>),
    /// Names beside values, a table for each record.
    Cards,
}

impl Layout {
    /// The layout that fits. Before anything is wrapped, columns that are empty are left out, then the least important
    /// ones; only where every column was named does each record get a table of its own.
    pub fn of(columns: &Columns, records: &[Record], width: Option<u16>) -> Self {
        let all = || Layout::Rows(columns.fields.clone());
        let Some(room) = width.map(usize::from) else { return all() };
        let fits = |names: &[&str], fit| whole(names, records, fit) <= room;
        if fits(&columns.fields, Fit::Whole) {
            return all();
        }
        let mut names = columns.fields.clone();
        names.retain(|name| !columns.spare.contains(name));
        for name in &columns.spare {
            names.push(name);
            if is_empty(name, records) || !fits(&names, Fit::Comfortable) {
                names.pop();
            }
        }
        names.sort_by_key(|name| columns.fields.iter().position(|field| field == name));
        if columns.spare.is_empty() && !fits(&names, Fit::Comfortable) && !fits(&names, Fit::Tight(room)) {
            return Layout::Cards;
        }
        Layout::Rows(names)
    }

    /// Those of the fields that have no place in it.
    pub fn lacks(&self, fields: &[&'static str]) -> Vec<&'static str> {
        match self {
            Layout::Rows(names) => fields.iter().filter(|field| !names.contains(field)).copied().collect(),
            Layout::Cards => Vec::new(),
        }
    }
}

/// How narrow a column may be.
#[derive(Debug, Clone, Copy)]
enum Fit {
    /// Nothing is wrapped.
    Whole,
    /// Nothing is wrapped but long texts and very long words.
    Comfortable,
    /// In this room, texts and times are wrapped at blanks, and words that fill half of it are broken.
    Tight(usize),
}

/// The least widths of the columns, with padding, as far as the room allows: if it is too small for all, the first
/// column is kept whole, since its value is what the others are asked for by.
pub fn least(names: &[&'static str], records: &[Record], room: usize) -> Vec<usize> {
    let padded = |name: &&str, fit| narrowest(name, records, fit) + PADDING;
    match [Fit::Whole, Fit::Comfortable, Fit::Tight(room)].into_iter().find(|fit| whole(names, records, *fit) <= room) {
        Some(fit) => names.iter().map(|name| padded(name, fit)).collect(),
        None => names.first().map(|name| padded(name, Fit::Comfortable).min(room * 3 / 4)).into_iter().collect(),
    }
}

/// Width of a table, with its lines.
fn whole(names: &[&str], records: &[Record], fit: Fit) -> usize {
    names.iter().map(|name| narrowest(name, records, fit) + PADDING + 1).sum::<usize>() + 1
}

fn narrowest(name: &str, records: &[Record], fit: Fit) -> usize {
    let widths = records.iter().map(|record| width(record.get(name), fit));
    widths.max().unwrap_or(0).max(measure_text_width(name))
}

fn width(cell: &Cell, fit: Fit) -> usize {
    let text = text(cell, ", ");
    let word = text.split_whitespace().map(measure_text_width).max().unwrap_or(0);
    match (fit, cell) {
        (Fit::Whole, _) => measure_text_width(&text),
        (Fit::Tight(room), _) => word.min(WORD_MAX).min(room / 2),
        (Fit::Comfortable, Cell::Text(_) | Cell::List(_) | Cell::Json(_)) => {
            word.min(WORD_MAX).max(measure_text_width(&text).min(PROSE))
        }
        (Fit::Comfortable, _) => measure_text_width(&text),
    }
}

fn is_empty(name: &str, records: &[Record]) -> bool {
    records.iter().all(|record| text(record.get(name), "").is_empty())
}
