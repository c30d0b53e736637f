//! The figures of a run, and how they are printed.

use std::fmt;

/// What a figure is held against.
#[derive(Clone, Copy)]
pub enum Aim {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// Nothing: it is told for orientation.
    None,
}

/// Two sides of one comparison, round by round.
#[derive(Default)]
pub struct Sides {
    pairs: Vec<(f64, f64)>,
    failures: (u64, u64),
}

/// The figures so far.
#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    what: String,
    ours: f64,
    theirs: Option<(String, f64)>,
    unit: &'static str,
    /// What the aim is about: the ratio, or our figure where there is no other side.
    judged: f64,
    aim: Aim,
    /// Answers that were not as expected, ours and theirs.
    failures: (u64, u64),
}

impl Sides {
    /// Adds a round. A side that has done nothing in it has failed.
    pub fn add(&mut self, ours: f64, theirs: f64) {
        self.pairs.push((ours, theirs));
        self.failed(u64::from(ours <= 0.0), u64::from(theirs <= 0.0));
    }

    /// Adds answers that were not as expected.
    pub fn failed(&mut self, ours: u64, theirs: u64) {
        self.failures = (self.failures.0 + ours, self.failures.1 + theirs);
    }
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Table {
    /// Adds a comparison of `what` with another side; `aim` is about the ratio.
    pub fn compared(&mut self, what: &str, (with, sides): (&str, &Sides), unit: &'static str, aim: Aim) {
        let pairs = || sides.pairs.iter().copied();
        self.put(Row {
            what: what.to_owned(),
            ours: median(pairs().map(|(ours, _)| ours)),
            theirs: Some((with.to_owned(), median(pairs().map(|(_, theirs)| theirs)))),
            unit,
            judged: median(pairs().map(|(ours, theirs)| ours / theirs)),
            aim,
            failures: sides.failures,
        });
    }

    /// Adds a figure of our own that `aim` is about.
    pub fn alone(&mut self, what: &str, figure: f64, unit: &'static str, aim: Aim) {
        let what = what.to_owned();
        self.put(Row { what, ours: figure, theirs: None, unit, judged: figure, aim, failures: (0, 0) });
    }

    fn put(&mut self, row: Row) {
        eprintln!("{row}");
        self.0.push(row);
    }
}

impl Row {
    fn verdict(&self) -> String {
        let good = match self.aim {
            _ if self.failures != (0, 0) => {
                return format!("void: {} and {} failures", self.failures.0, self.failures.1);
            }
            Aim::AtLeast(least) => self.judged >= least,
            Aim::AtMost(most) => self.judged <= most,
            Aim::None => return String::new(),
        };
        if good { "met".to_owned() } else { "NOT MET".to_owned() }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (with, theirs) = self.theirs.as_ref().map_or(("", String::new()), |(with, theirs)| (with, figure(*theirs)));
        let ratio = self.theirs.as_ref().map_or(String::new(), |_| format!("{:.2}", self.judged));
        let aim = match self.aim {
            Aim::AtLeast(least) => format!("≥ {least}"),
            Aim::AtMost(most) => format!("≤ {most}"),
            Aim::None => String::new(),
        };
        let (ours, unit, verdict) = (figure(self.ours), self.unit, self.verdict());
        write!(
            f,
            "| {:<44} | {ours:>9} | {with:<34} | {theirs:>9} | {unit:<4} | {ratio:>6} | {aim:>6} | {verdict} |",
            self.what
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| {:<44} | {:>9} | {:<34} | {:>9} | {:<4} | {:>6} | {:>6} | |",
            "", "authsrv", "against", "", "", "ratio", "aim"
        )?;
        writeln!(f, "|---|---:|---|---:|---|---:|---:|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// A number with as many digits as mean something.
fn figure(number: f64) -> String {
    match number {
        _ if number >= 100.0 => format!("{number:.0}"),
        _ if number >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}
