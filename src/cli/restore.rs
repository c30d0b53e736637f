//! `authsrv restore`: puts a backup in the place of the database, which is kept.

use std::ffi::OsString;
use std::path::Path;

use super::backup::{bar, shown};
use super::failure::Failure;
use super::output::{Cell, Output, Record, counted};
use super::{Start, holders};
use crate::app::{self, Parts, Restoring};
use crate::domain::advice::{Advice, quoted};
use crate::domain::backups::Fault;
use crate::service::backups::{self, Ended};

/// Options of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: OsString,
}

const HELP: &str = "\
Stop the server first. The database that is there now is kept beside the new one, under a name with the time.
Passwords, rights and settings are those of the backup; sessions, tokens of every kind and mailed links from before
are good for nothing any more, so that nothing that was revoked since the backup comes back.

Examples:
  authsrv restore /backups/before-the-move.db
  authsrv restore --yes /backups/authsrv-20260102T030405Z.db";

/// Restores.
pub fn run(args: &Args, start: &Start) -> Result<Output<'static>, Failure> {
    let (file, database) = (Path::new(&args.file), &start.config.db);
    let bar = bar();
    let begun = Restoring::begin(database, file, &mut |now| shown(&bar, now));
    bar.finish_and_clear();
    let restoring = begun.map_err(|fault| refused(&fault, args, start))?;
    if restoring.former.is_some() {
        let question = format!("Put {} in the place of {}, which is kept?", file.display(), database.display());
        start.prompt.confirm(&question)?;
    }
    let parts = Parts::real(database, &start.config.master_key_file)?;
    let call = start.call_on(parts.open_staged(&restoring)?);
    let schema = restoring.whole.schema;
    let (ended, fault) = backups::settle(&call.ctx(), (file, schema), restoring.former.as_ref())?;
    drop(call);
    let former = restoring.finish(app::now()).map_err(|fault| refused(&fault, args, start))?;
    let output = told(start, (file, schema), (&ended, former.as_deref()));
    Ok(match fault {
        None => output,
        Some(error) => {
            let failure = Failure::from(error);
            let hints = failure.hints.iter().map(|hint| hint.told(|words| start.program.command(words)));
            let text = hints.fold(failure.text.clone(), |text, hint| format!("{text}; {hint}"));
            output.with_note(format!("warning: what is in it does not open: {text}"))
        }
    })
}

/// Why it is refused. Of a database in use, by what.
fn refused(fault: &Fault, args: &Args, start: &Start) -> Failure {
    let Fault::InUse(database) = fault else { return fault.into() };
    let again = Advice::from("stop it, then: ").and_run(format!("restore {}", quoted(Path::new(&args.file))));
    let locks =
        app::files(&start.config.db).into_iter().filter(|path| path.extension().is_some_and(|end| end == "lock"));
    let mut failure = Failure::refused(format!("{} is in use; nothing was changed", database.display())).hint(again);
    failure.lines = locks.flat_map(|lock| holders::of(&lock)).map(|holder| format!("used by {holder}")).collect();
    failure
}

fn told(start: &Start, (file, schema): (&Path, i64), (ended, former): (&Ended, Option<&Path>)) -> Output<'static> {
    let database = start.config.db.display();
    let Ended { sessions, api_tokens, links, mails } = *ended;
    let text = format!("{database} is now what {} holds.", file.display());
    let all = [(sessions, "session"), (api_tokens, "API token"), (links, "mailed link"), (mails, "unsent mail")];
    let all: Vec<String> = all.into_iter().map(|(number, noun)| counted(number, noun)).collect();
    let record = Record(vec![
        ("db", Cell::text(database)),
        ("restored", Cell::text(file.display())),
        ("schema_version", Cell::Number(schema)),
        ("former", Cell::maybe(former.map(Path::display))),
        ("sessions", Cell::count(sessions)),
        ("api_tokens", Cell::count(api_tokens)),
        ("links", Cell::count(links)),
        ("mails", Cell::count(mails)),
    ]);
    let output = Output::done(text, record)
        .with_note(format!("Ended with it: {}. Everybody signs in anew.", all.join(", ")))
        .with_note(
            "Accounts, passwords and rights are those of the backup, also where they were changed or taken since.",
        );
    match former {
        Some(former) => output.with_note(format!(
            "The former database is kept as {}; delete it when it is not needed any more.",
            former.display()
        )),
        None => output,
    }
}
