//! `authsrv seed`: loads resources, actions, permissions and roles.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::Start;
use super::call::Call;
use super::failure::Failure;
use super::lists;
use super::output::{Format, Output, counted};
use super::prompt::Prompt;
use crate::app::Scratch;
use crate::service::seed::{self, Change, Part, Plan, SeedFile, Step};

/// Options of `seed`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  authsrv seed --dry-run\n  authsrv seed my-roles.toml\n  authsrv seed my-roles.toml --prune --yes"
)]
pub struct Args {
    /// Files to load [default: what comes with authsrv]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only show what would change; makes and changes no database
    #[arg(long)]
    dry_run: bool,
    /// Also delete what the files do not name; asks first
    #[arg(long)]
    prune: bool,
}

impl Args {
    /// Whether nothing is to be changed.
    pub fn is_plan(&self) -> bool {
        self.dry_run
    }

    /// Reads the files. To be done before the database is opened.
    pub fn read(&self) -> Result<Vec<SeedFile>, Failure> {
        let files = if self.files.is_empty() { seed::embedded() } else { seed::read_all(&self.files) };
        files.map_err(Failure::of_input)
    }
}

/// What loading would do where there is no database: tried on one that is gone afterwards. A new database begins with
/// what comes with authsrv.
pub fn plan_of_new(args: &Args, files: &[SeedFile], start: &Start) -> Result<Plan, Failure> {
    let scratch = Scratch::new()?;
    let call = start.call_on(scratch.open()?);
    let mut plan = seed::plan(&call.ctx(), &seed::embedded()?, false)?;
    if !args.files.is_empty() || args.prune {
        seed::load_once(&call.ctx())?;
        let more = seed::plan(&call.ctx(), files, args.prune).map_err(Failure::of_input)?;
        plan.steps.extend(more.steps.into_iter().filter(|step| step.change != Change::Unchanged));
    }
    Ok(plan)
}

/// A plan, for people to read: in a table only what changes.
pub fn planned(mut plan: Plan, format: Format) -> Output<'static> {
    let hidden = format == Format::Table && plan.count(Change::Unchanged) > 0;
    let more = if hidden { " (-o plain lists what is unchanged, too)" } else { "" };
    let note = format!("Nothing was changed. It would be: {}{more}.", summary(&plan));
    if hidden {
        plan.steps.retain(|step| step.change != Change::Unchanged);
    }
    shown(plan.steps).with_note(note)
}

/// Loads; repeatable without effect. Of a database that is new, what was `made` with it is told too.
pub fn run<'a>(args: &Args, files: &[SeedFile], made: Option<Plan>, call: &'a Call) -> Result<Output<'a>, Failure> {
    if args.dry_run {
        return Ok(planned(seed::plan(&call.ctx(), files, args.prune).map_err(Failure::of_input)?, call.format));
    }
    if args.prune {
        confirm(&seed::plan(&call.ctx(), files, true).map_err(Failure::of_input)?, call.prompt)?;
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} written") {
        bar.set_style(style);
    }
    let plan = seed::apply(&call.ctx(), files, args.prune, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let plan = plan.map_err(Failure::of_input)?;
    let mut plan = made.unwrap_or(plan);
    let note = format!("Loaded: {}.", summary(&plan));
    plan.steps.retain(|step| step.change != Change::Unchanged);
    Ok(shown(plan.steps).with_note(note))
}

fn confirm(plan: &Plan, prompt: Prompt) -> Result<(), Failure> {
    let gone: Vec<&Step> = plan.steps.iter().filter(|step| step.change == Change::Removed).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let name = |step: &&Step| match step.kind {
        Part::RolePermission => format!("{}:{}", step.name, step.detail),
        kind => format!("{} {}", kind.as_str(), step.name),
    };
    let names: Vec<String> = gone.iter().take(5).map(name).collect();
    let more = if gone.len() > names.len() { " and more" } else { "" };
    prompt.confirm(&format!("Remove {} ({}{more})?", counted(gone.len() as u64, "thing"), names.join(", ")))
}

fn summary(plan: &Plan) -> String {
    let words = [Change::Added, Change::Changed, Change::Removed, Change::Unchanged];
    let counts = words.map(|word| (plan.count(word), word.as_str()));
    let texts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") }
}

fn shown(mut steps: Vec<Step>) -> Output<'static> {
    // What changes comes last, beside the sum.
    steps.sort_by_key(|step| step.change != Change::Unchanged);
    lists::steps(steps.iter().map(|step| [step.change.as_str(), step.kind.as_str(), &step.name, &step.detail]))
}
