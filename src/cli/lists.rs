//! What all lists have in common: which part, in what order, which fields; and fetching them page by page.

use clap::Args;

use super::failure::Failure;
use super::output::{Cell, Columns, Format, List, Output, Pages, Record};
use crate::domain::error::Result;
use crate::domain::pages::{Listing, Order, PAGE_DEFAULT, PageOf};

/// Things that are fetched at once; bounds the memory that a list needs.
const FETCH: u32 = 10_000;

/// Which part of a list, and how.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Part {
    /// Only what contains all of these words; UUIDs, addresses and words of one or two letters match at the beginning
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// Fields to order by, separated by commas; with - before it the largest first
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true, value_delimiter = ',')]
    pub ordering: Vec<String>,
    /// Print at most this many (default: all)
    #[arg(long, value_name = "N", conflicts_with_all = ["page", "page_size"])]
    pub limit: Option<u64>,
    /// Only this page, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub page: Option<u32>,
    /// Length of a page [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub page_size: Option<u32>,
    /// Fields to print, separated by commas, or all (default: the usual ones, in a table those that fit; all in JSON)
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub fields: Vec<String>,
}

/// The fields of a list.
pub struct Fields {
    /// All that a record has.
    pub all: &'static [&'static str],
    /// Those in plain lines when nothing else is asked for (JSON has all).
    pub usual: &'static [&'static str],
    /// Those in tables when nothing else is asked for, the most important first; a narrow terminal gets fewer.
    pub table: &'static [&'static str],
}

/// Columns that a table never leaves out: they say what is listed.
const KEPT: usize = 2;

impl Fields {
    /// What is printed when nothing else is asked for; `shows` is what shows the rest.
    pub fn usual(&self, format: Format, shows: &'static str) -> Columns {
        let (fields, spare) = match format {
            Format::Json => (self.all, &[][..]),
            Format::Plain => (self.usual, &[][..]),
            Format::Table => (self.table, self.table.get(KEPT..).unwrap_or_default()),
        };
        Columns { fields: fields.to_vec(), spare: spare.to_vec(), shows }
    }
}

impl Part {
    /// The listing that the flags ask for.
    ///
    /// # Errors
    /// `Usage` when a field cannot be ordered by.
    pub fn listing(&self, order: &[&'static str]) -> Result<Listing, Failure> {
        let search = self.search.as_deref().unwrap_or("").split_whitespace().map(str::to_owned).collect();
        let order = self.ordering.iter().map(|text| ordered(text, order)).collect::<Result<_, _>>()?;
        Ok(Listing { search, order, ..Listing::default() })
    }

    /// What is printed of a list.
    ///
    /// # Errors
    /// `Usage` when a field does not exist.
    pub fn columns(&self, fields: &Fields, format: Format) -> Result<Columns, Failure> {
        let named = match self.fields.as_slice() {
            [] => return Ok(fields.usual(format, "--fields all")),
            [all] if all == "all" => fields.all.to_vec(),
            names => names.iter().map(|name| known("--fields", name, fields.all)).collect::<Result<_, _>>()?,
        };
        Ok(Columns { fields: named, ..Columns::default() })
    }

    /// A list that is fetched while it is printed.
    pub fn list<'a, T: 'a>(
        &self,
        none: &'static str,
        columns: Columns,
        listing: Listing,
        fetch: impl FnMut(&Listing) -> Result<PageOf<T>> + 'a,
        record: impl FnMut(T) -> Record + 'a,
    ) -> List<'a> {
        List { columns, none, pages: self.pages(listing, fetch, record) }
    }

    fn pages<'a, T: 'a>(
        &self,
        mut listing: Listing,
        mut fetch: impl FnMut(&Listing) -> Result<PageOf<T>> + 'a,
        mut record: impl FnMut(T) -> Record + 'a,
    ) -> Pages<'a> {
        let size = self.page_size.unwrap_or(PAGE_DEFAULT);
        let paged = self.page.is_some() || self.page_size.is_some();
        let mut left = if paged { u64::from(size) } else { self.limit.unwrap_or(u64::MAX) };
        listing.offset = u64::from(self.page.unwrap_or(1) - 1) * if paged { u64::from(size) } else { 0 };
        Box::new(move || {
            if left == 0 {
                return Ok(None);
            }
            listing.limit = u32::try_from(left).unwrap_or(FETCH).min(FETCH);
            let page = fetch(&listing)?;
            let got = page.items.len() as u64;
            listing.offset += got;
            left = if got == 0 || listing.offset >= page.total { 0 } else { left.saturating_sub(got) };
            Ok(Some(page.items.into_iter().map(&mut record).collect()))
        })
    }
}

/// Everything of a list, for the small ones that are needed whole.
pub fn everything<T>(mut fetch: impl FnMut(&Listing) -> Result<PageOf<T>>) -> Result<Vec<T>> {
    let mut listing = Listing { limit: FETCH, ..Listing::default() };
    let mut all = Vec::new();
    loop {
        let page = fetch(&listing)?;
        let done = page.items.is_empty();
        all.extend(page.items);
        if done || all.len() as u64 >= page.total {
            return Ok(all);
        }
        listing.offset = all.len() as u64;
    }
}

fn ordered(text: &str, allowed: &[&'static str]) -> Result<Order, Failure> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    Ok(Order { field: known("--ordering", name, allowed)?, descending })
}

fn known(flag: &str, name: &str, allowed: &[&'static str]) -> Result<&'static str, Failure> {
    let name = name.trim().replace('-', "_");
    allowed
        .iter()
        .find(|field| **field == name)
        .copied()
        .ok_or_else(|| Failure::usage(format!("{flag}: no field \"{name}\"; the fields are {}", allowed.join(", "))))
}

/// The steps of a plan: of each its change, the kind of thing, its name, and a detail, which may be empty.
pub fn steps<'a>(steps: impl Iterator<Item = [&'a str; 4]>) -> Output<'static> {
    let record = |[change, kind, name, detail]: [&str; 4]| {
        Record(vec![
            ("change", Cell::text(change)),
            ("kind", Cell::text(kind)),
            ("name", Cell::text(name)),
            ("detail", Cell::maybe(Some(detail).filter(|detail| !detail.is_empty()))),
        ])
    };
    let mut records = Some(steps.map(record).collect());
    let fields = vec!["change", "kind", "name", "detail"];
    let columns = Columns { fields, spare: vec!["detail", "kind"], shows: "-o plain" };
    Output::many(List { columns, none: "Nothing to change.", pages: Box::new(move || Ok(records.take())) })
}
