//! `authsrv users import`: takes over the accounts of another program.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use crate::app;
use crate::cli::call::Call;
use crate::cli::failure::Failure;
use crate::cli::lists;
use crate::cli::output::{Format, Output, counted};
use crate::domain::error::Error;
use crate::domain::imports::{Change, Ids, Part, Report, Source};
use crate::service::import;

/// Where users can come from.
#[derive(Debug, clap::Subcommand)]
pub enum Import {
    /// Take over the users of a Django site with their passwords, and its groups as roles
    Django(Django),
}

const EXAMPLES: &str = "\
Examples:
  authsrv users import django db.sqlite3 --dry-run
  authsrv users import django db.sqlite3
  authsrv users import django users.json --model shop.customer";

/// Each paragraph is one line: it is wrapped where it is shown.
const RULES: &str = "\
A dump should hold the groups and the user model's app, here \"shop\":
  manage.py dumpdata auth shop --natural-foreign > users.json

Users are made with e-mail, phone, username, names, flags, times and password (pbkdf2_sha256, pbkdf2_sha1, argon2, \
bcrypt_sha256, bcrypt, scrypt); the hash is replaced by ours when its user first signs in. A group becomes a role. Its \
permissions to add, view, change and delete a model become create, read, update and delete on a resource of the model's \
name, or APP_MODEL where two apps have such a model or this server guards something of that name.

Left out, each with its reason: identifiers that are not valid, or that a user before has in whatever case; users who \
have none left, or who have one of somebody else here; permissions that a user has by no group; passwords of other \
algorithms or with a work factor beyond all measure; users with addresses outside the domains of registration.mode, if \
that names any.

Users who are here already stay as they are: it may be run again, also after an interruption.

A user keeps the old id if it is above every id that was ever given here, else gets a new one. Import before anybody \
registers, since tokens of the old site name users by their ids (see keys import --hs256). With --keep-ids nothing is \
done unless all can be kept. Times without a zone are taken for UTC.";

/// Options of `users import django`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{RULES}")
)]
pub struct Django {
    /// The site's SQLite database, or a file of its `dumpdata` (JSON)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Table of the users in a database [default: the one that looks like it]
    #[arg(long, value_name = "TABLE", conflicts_with = "model")]
    table: Option<String>,
    /// Model of the users in a dump, such as auth.user [default: the one that looks like it]
    #[arg(long, value_name = "APP.MODEL")]
    model: Option<String>,
    /// Do nothing unless every user can keep the old id
    #[arg(long)]
    keep_ids: bool,
}

impl Django {
    /// Reads the file. To be done before the database is opened: see [`app::read_django`].
    pub fn read(&self) -> Result<Source, Failure> {
        app::read_django(&self.file, self.table.as_deref(), self.model.as_deref()).map_err(Failure::of_input)
    }
}

/// Takes over what was read; repeatable without effect.
pub fn django<'a>(args: &Django, source: &Source, call: &'a Call) -> Result<Output<'a>, Failure> {
    if source.users.is_empty() {
        let (file, name) = (args.file.display(), &source.name);
        return Err(Failure::refused(format!("{file} has no users in {name}; nothing was changed")));
    }
    let ids = if args.keep_ids { Ids::KeepAll } else { Ids::KeepFree };
    if args.dry_run {
        let report = import::plan(&call.ctx(), source, ids)?;
        let note = format!("Nothing was changed. It would be: {}", summary(&report));
        return Ok(shown(report, call.format).with_note(note));
    }
    let bar = ProgressBar::new(source.users.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} users") {
        bar.set_style(style);
    }
    let report = import::apply(&call.ctx(), source, ids, &mut |done, _| bar.set_position(done));
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        Error::Unavailable { .. } | Error::Internal(_) => {
            Failure::from(error).hint("what was written stays; run the same again, and it goes on from there")
        }
        error => error.into(),
    })?;
    let note = format!("Imported from {}: {}", source.name, summary(&report));
    Ok(shown(report, call.format).with_note(note))
}

/// `2 users created, 1 left out; 1 role created.`
fn summary(report: &Report) -> String {
    let parts = [
        (Part::User, "user"),
        (Part::UserField, "field of a user"),
        (Part::Role, "role"),
        (Part::Resource, "resource"),
        (Part::Action, "action"),
        (Part::Permission, "permission"),
        (Part::RolePermission, "permission of a role"),
    ];
    let texts = parts.into_iter().filter_map(|(part, noun)| {
        let changes = [Change::Created, Change::Unchanged, Change::Left].into_iter();
        let counts = changes.map(|change| (report.count(change, part) as u64, change)).filter(|(count, _)| *count > 0);
        let told: Vec<String> = counts
            .map(|(count, change)| match noun.split_once(' ') {
                Some((first, rest)) => format!("{} {rest} {}", counted(count, first), change.as_str()),
                None => format!("{} {}", counted(count, noun), change.as_str()),
            })
            .collect();
        (!told.is_empty()).then(|| told.join(", "))
    });
    format!("{}.", texts.collect::<Vec<_>>().join("; "))
}

/// The lines; in a table without those that change nothing, and what is left out at the end, beside the sum.
fn shown(report: Report, format: Format) -> Output<'static> {
    let mut steps = report.steps;
    if format == Format::Table {
        steps.retain(|step| step.change != Change::Unchanged);
    }
    steps.sort_by_key(|step| step.change == Change::Left);
    lists::steps(steps.iter().map(|step| [step.change.as_str(), step.part.as_str(), &step.name, &step.detail]))
}
