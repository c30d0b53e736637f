//! `authsrv doctor`: what is wrong or risky with this installation, and what to do about it.

mod confinement;
mod copies;

use std::path::PathBuf;

use super::Start;
use super::backup::{bar, shown};
use super::call::Call;
use super::failure::{Code, Failure};
use super::output::{Cell, Format, Line, List, Output, Record, counted};
use super::program::Program;
use super::superuser;
use crate::app::{self, Missing};
use crate::domain::advice;
use crate::service::clock;
use crate::service::doctor::{Facts, Finding, Level, examine, examine_in_depth, unopened};

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "A table only names what is well; -o plain and -o json say more of it.")]
pub struct Args {
    /// Look at everything that is stored, in a copy beside the database, which is deleted again: takes as much room, and time
    #[arg(long)]
    deep: bool,
    /// Take the time of this machine for right, although the database has seen a later one, so that `serve` starts again
    #[arg(long, conflicts_with = "deep")]
    reset_clock: bool,
}

/// Looks; exits 1 if anything is wrong or risky. A database that cannot be opened is a finding among others.
pub fn run(args: &Args, start: &Start) -> Result<Output<'static>, Failure> {
    if args.reset_clock {
        return reset_clock(&start.call(Missing::Refuse)?);
    }
    let facts = facts(start);
    let findings = match start.call(Missing::Refuse) {
        Ok(call) if args.deep => in_depth(&call, &facts)?,
        Ok(call) => examine(&call.ctx(), &facts)?,
        Err(error) if error.is_missing() => return Err(error.into()),
        Err(error) => unopened(&facts, error.to_string(), error.advice()),
    };
    let bad = findings.iter().filter(|finding| finding.level.is_bad()).count();
    let has_notes = findings.iter().any(|finding| finding.level == Level::Note);
    let output = match start.format {
        Format::Table => Output::lines(lines(&findings, &start.program)),
        Format::Json | Format::Plain => Output::many(list(&findings, &start.program)),
    };
    Ok(match (bad, has_notes) {
        (0, false) => output.with_note("All is well."),
        (0, true) => output.with_note("Nothing is wrong or risky. A note is no fault."),
        (bad, _) => {
            let needs = if bad == 1 { "needs" } else { "need" };
            let text = format!("{} {needs} attention.", counted(bad as u64, "finding"));
            output.with_note(text).with_code(Code::Refused)
        }
    })
}

fn reset_clock(call: &Call) -> Result<Output<'static>, Failure> {
    let behind = clock::reset(&call.ctx())?;
    let text = match behind {
        Some(behind) => {
            let seconds = u64::try_from((behind.seen - behind.now).num_seconds()).unwrap_or(0);
            format!(
                "The time of this machine counts again; the database had seen one {} later.",
                counted(seconds, "second")
            )
        }
        None => "The database has seen no later time than this machine's; nothing was changed.".to_owned(),
    };
    let record = Record(vec![
        ("reset", Cell::Bool(behind.is_some())),
        ("now", Cell::Time(app::now())),
        ("seen", Cell::time(behind.map(|behind| behind.seen))),
    ]);
    Ok(Output::done(text, record))
}

/// The usual findings, and those of the long look; worst first.
fn in_depth(call: &Call, facts: &Facts) -> Result<Vec<Finding>, Failure> {
    let mut findings = examine(&call.ctx(), facts)?;
    let bar = bar();
    let found = examine_in_depth(&call.ctx(), &mut |now| shown(&bar, now));
    bar.finish_and_clear();
    findings.extend(found?);
    findings.sort_by_key(|finding| finding.level);
    Ok(findings)
}

/// What is found around the database before it is opened.
fn facts(start: &Start) -> Facts {
    let config = &start.config;
    let files = app::files(&config.db);
    let own: Vec<PathBuf> = files.iter().cloned().chain([config.master_key_file.clone()]).collect();
    let servers = files.iter().filter(|path| path.extension().is_some_and(|end| end == "lock"));
    let servers = servers.flat_map(|lock| confinement::of_servers(lock));
    Facts {
        database: config.db.clone(),
        master_key: config.master_key_file.clone(),
        copies: copies::beside(&own),
        processes: std::iter::once(confinement::of_this()).chain(servers).collect(),
        left_over: superuser::left_over(start),
        tls: config.tls.clone(),
        files,
    }
}

/// For people: what needs attention or is worth knowing, with what to do about it, then the names of all that is well.
fn lines(findings: &[Finding], program: &Program) -> Vec<Line> {
    let (well, rest): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.level == Level::Ok && finding.advice.is_empty());
    let mut lines = Vec::new();
    for finding in rest {
        lines.push(Line::Led(finding.level.as_str(), format!("{}: {}", finding.subject, finding.text)));
        lines.extend(finding.advice.lines(|words| program.command(words)).into_iter().map(|line| match line {
            advice::Line::Text(text) => Line::Text(text),
            advice::Line::Command(command) => Line::Command(command),
        }));
    }
    if !well.is_empty() {
        let subjects: Vec<&str> = well.iter().map(|finding| finding.subject).collect();
        lines.push(Line::Led(Level::Ok.as_str(), subjects.join(", ")));
    }
    lines
}

fn list(findings: &[Finding], program: &Program) -> List<'static> {
    let mut records = Some(findings.iter().map(|finding| record(finding, program)).collect());
    List::new(
        vec!["level", "subject", "text", "advice"],
        "Nothing was looked at.",
        Box::new(move || Ok(records.take())),
    )
}

fn record(finding: &Finding, program: &Program) -> Record {
    let advice = finding.advice.told(|words| program.command(words));
    Record(vec![
        ("level", Cell::text(finding.level.as_str())),
        ("subject", Cell::text(finding.subject)),
        ("text", Cell::text(&finding.text)),
        ("advice", Cell::maybe(Some(advice).filter(|advice| !advice.is_empty()))),
    ])
}
