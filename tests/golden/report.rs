//! What a replay says: for each file how many steps are as recorded, and each that is not.

use std::collections::BTreeMap;

use super::compare::Difference;
use super::deviations::Deviations;
use super::load::Case;
use super::run::{Replayed, Verdict};

/// Longest text of an answer that is shown.
const SHOWN: usize = 300;

/// Sums over files.
#[derive(Default)]
pub struct Tally {
    /// Steps that are as recorded.
    pub equal: usize,
    /// Steps that were compared.
    pub compared: usize,
    /// Of those that differ, the ones that a rule explains, by rule.
    explained: BTreeMap<String, usize>,
    /// Steps that differ, and no rule says why.
    pub unexplained: usize,
    /// The peer's own faults.
    faults: usize,
    /// Of those, the ones that are ours as well.
    pub copied: usize,
    /// Steps that were not compared.
    skipped: usize,
    /// Remarks, and in how many cases.
    remarks: BTreeMap<String, usize>,
    /// The report.
    pub lines: Vec<String>,
}

impl Tally {
    /// Counts one file and reports on it.
    pub fn file(&mut self, name: &str, cases: &[Case], replayed: &[Replayed]) {
        let mut own = Tally::default();
        let mut lines = Vec::new();
        for (case, replayed) in cases.iter().zip(replayed) {
            for (at, verdict) in replayed.verdicts.iter().enumerate() {
                lines.extend(own.count(case, at, verdict));
            }
            for remark in &replayed.remarks {
                *self.remarks.entry(remark.clone()).or_default() += 1;
            }
        }
        self.lines.push(format!("golden: {} of {} steps {name}{}", own.equal, own.compared, own.besides()));
        self.lines.append(&mut lines);
        self.add(own);
    }

    fn count(&mut self, case: &Case, at: usize, verdict: &Verdict) -> Option<String> {
        let request = &case.steps[at].request;
        let place = format!("{}[{at}] {} {}", case.name, request.method, request.path);
        match verdict {
            Verdict::Equal => self.equal += 1,
            Verdict::PeerFault(ours) => {
                self.faults += 1;
                self.copied += usize::from(ours.is_some());
            }
            Verdict::Skipped(_) => self.skipped += 1,
            Verdict::Differs(..) => {}
        }
        match verdict {
            Verdict::Equal | Verdict::Differs(..) => self.compared += 1,
            Verdict::PeerFault(_) | Verdict::Skipped(_) => {}
        }
        match verdict {
            Verdict::Equal | Verdict::PeerFault(None) => None,
            Verdict::PeerFault(Some(ours)) => Some(format!("  FAULT    {place}: {ours}")),
            Verdict::Skipped(why) => Some(format!("  skipped  {place}: {why}")),
            Verdict::Differs(differences, by) => {
                match by {
                    Some(by) => *self.explained.entry(by.clone()).or_default() += 1,
                    None => self.unexplained += 1,
                }
                let word = by.as_ref().map_or("DIFFERS  ".to_owned(), |by| format!("by rule  ({by}) "));
                Some(format!("  {word}{place}{}", differences.iter().map(shown).collect::<String>()))
            }
        }
    }

    /// What a file has beside steps that are equal.
    fn besides(&self) -> String {
        let explained: usize = self.explained.values().sum();
        let counts = [
            (explained, "unequal by rule"),
            (self.unexplained, "unequal"),
            (self.faults, "the peer's faults, left out"),
            (self.skipped, "skipped"),
        ];
        let told: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
    }

    fn add(&mut self, other: Tally) {
        self.equal += other.equal;
        self.compared += other.compared;
        self.unexplained += other.unexplained;
        self.faults += other.faults;
        self.copied += other.copied;
        self.skipped += other.skipped;
        for (by, count) in other.explained {
            *self.explained.entry(by).or_default() += count;
        }
    }

    /// A remark on more than a case.
    pub fn remark(&mut self, text: String) {
        *self.remarks.entry(text).or_default() += 1;
    }

    /// Percentage of compared steps that are equal.
    pub fn percent(&self) -> f64 {
        let count = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
        if self.compared == 0 { 0.0 } else { 100.0 * count(self.equal) / count(self.compared) }
    }

    /// Reports on the sums.
    pub fn summary(&mut self, rules: &Deviations) {
        let is_used = |id: &str| self.explained.keys().any(|by| by.split(" + ").any(|part| part == id));
        let unused = rules.rules.iter().filter(|rule| !is_used(&rule.id));
        let mut lines: Vec<_> = unused.map(|rule| format!("  unused   {}: {}", rule.id, rule.reason)).collect();
        lines.extend(self.remarks.iter().map(|(remark, times)| format!("  remark   {remark} ({times} times)")));
        lines.extend(self.explained.iter().map(|(by, count)| format!("  rule     {by}: {count} steps")));
        let (equal, compared) = (self.equal, self.compared);
        lines.push(format!("golden in all: {equal} of {compared} steps, {:.1} %{}", self.percent(), self.besides()));
        self.lines.append(&mut lines);
    }
}

fn shown(difference: &Difference) -> String {
    let [ours, theirs] = [&difference.ours, &difference.theirs].map(|text| {
        let text = without_tokens(text);
        let short: String = text.chars().take(SHOWN).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        format!("{short:?}{more}")
    });
    format!("\n             {}: {ours}, want {theirs}", difference.part)
}

/// A text in which only the first letters of tokens are left, which nobody reads.
fn without_tokens(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._=-".contains(c);
    let mut out = String::new();
    for piece in text.split_inclusive(|c| !is_part(c)) {
        let run = piece.trim_end_matches(|c| !is_part(c));
        match run.len() {
            0..=60 => out.push_str(piece),
            _ => out.extend([&piece[..8], "…", &piece[run.len()..]]),
        }
    }
    out
}
