//! `authsrv backup`: one state of the database in a new file, once or again and again, while the server runs; or whether a
//! backup is whole.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use super::Start;
use super::call::Call;
use super::failure::{Code, Failure};
use super::output::{self, Cell, Output, Record, counted};
use crate::app::{self, Missing};
use crate::domain::advice::Advice;
use crate::domain::backups::{Fault, Progress, Series, Whole, period};
use crate::service::backups::{self, Made};

/// After a failure the next try of a series is made this soon at first, and then each time after twice as long.
const RETRY: Duration = Duration::from_secs(60);
/// How long what was begun may go on when the program is told to stop.
const LAST: Duration = Duration::from_secs(5);

/// Options of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A new file for it, or a folder
    #[arg(value_name = "FILE")]
    file: OsString,
    /// Only say whether this file is a whole backup, and change nothing; exits 1 if not
    #[arg(long, conflicts_with_all = ["every", "keep"])]
    verify: bool,
    /// Make one each time that this long has passed, such as 6h or 1d, until SIGTERM or SIGINT
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    every: Option<Duration>,
    /// Delete the oldest but this many, of those that the same command has made
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

const HELP: &str = "\
The server may run meanwhile, and waits for nothing. Each backup is looked through before it gets its name.
With --every, with --keep, and in a folder the time in UTC is added to the name.
The master key is in no backup: keep a copy of it, and keep it apart.

Examples:
  authsrv backup /backups/before-the-move.db
  authsrv backup --keep 14 /backups/
  authsrv backup --every 6h --keep 28 /backups/
  authsrv backup --verify /backups/before-the-move.db";

fn duration(text: &str) -> Result<Duration, String> {
    period(text).ok_or_else(|| "enter a length of time such as 90m, 6h or 1d".to_owned())
}

/// Makes one, or goes on making them, or verifies one.
pub fn run(args: &Args, start: &Start) -> Result<Code, Failure> {
    let path = Path::new(&args.file);
    if args.verify {
        return output::print(verify(path, start)?, start.format);
    }
    let names = Names::of(args, start)?;
    match args.every {
        None => output::print(once(args, &names, start)?.with_note(of_key(start)), start.format),
        Some(period) => again(args, &names, (start, period)),
    }
}

/// How backups are called.
enum Names {
    One(PathBuf),
    Each(Series),
}

impl Names {
    fn of(args: &Args, start: &Start) -> Result<Self, Failure> {
        let path = Path::new(&args.file);
        let is_folder = path.is_dir() || args.file.as_encoded_bytes().ends_with(b"/");
        let named = match start.config.db.file_name().filter(|_| is_folder) {
            Some(name) => path.join(name),
            None => path.to_owned(),
        };
        if !is_folder && args.every.is_none() && args.keep.is_none() {
            return Ok(Names::One(named));
        }
        Series::of(&named).map(Names::Each).ok_or_else(|| (&Fault::NoName(named)).into())
    }
}

/// One backup, and what of its series is deleted for it.
fn once(args: &Args, names: &Names, start: &Start) -> Result<Output<'static>, Failure> {
    let begun = Instant::now();
    let call = start.call(Missing::Refuse)?;
    let (path, made) = match names {
        Names::One(path) => (path.clone(), made(&call, path)?),
        Names::Each(series) => made_of(&call, series)?,
    };
    let seconds = begun.elapsed().as_secs_f64();
    let gone = match (names, args.keep) {
        (Names::Each(series), Some(keep)) => {
            let own: Vec<PathBuf> = app::files(&start.config.db).into_iter().chain([path.clone()]).collect();
            // The new one is spared, and counts.
            let keep = usize::try_from(keep).unwrap_or(usize::MAX) - 1;
            backups::prune(&call.ctx(), series, (keep, &own))?
        }
        _ => Vec::new(),
    };
    Ok(told(&path, &made, (seconds, &gone)))
}

/// One of a series. What was made within the same second has the name already: the next second is not far.
fn made_of(call: &Call, series: &Series) -> Result<(PathBuf, Made), Failure> {
    let mut path = series.at(call.env.clock.now());
    for _ in 0..3 {
        if path.symlink_metadata().is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1050));
        path = series.at(call.env.clock.now());
    }
    let made = made(call, &path)?;
    Ok((path, made))
}

fn made(call: &Call, path: &Path) -> Result<Made, Failure> {
    let bar = bar();
    let made = backups::make(&call.ctx(), path, &mut |now| shown(&bar, now));
    bar.finish_and_clear();
    Ok(made?)
}

/// Drawn on standard error, and only if that is a terminal.
pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Draws how far it is.
pub(super) fn shown(bar: &ProgressBar, now: Progress) {
    let draw = |template| {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    };
    match now {
        Progress::Copied(done, all) => {
            draw("{spinner} copying {bar:40} {percent}%, {elapsed}");
            bar.set_length(all);
            bar.set_position(done);
        }
        // How far that is SQLite does not tell.
        Progress::Checking => draw("{spinner} looking through the copy, {elapsed}"),
    }
}

fn told(path: &Path, made: &Made, (seconds, gone): (f64, &[PathBuf])) -> Output<'static> {
    let Whole { bytes, pages, schema } = made.whole;
    let text = format!("Wrote {} ({} bytes) in {seconds:.1} s.", path.display(), bytes);
    let names = gone.iter().map(|path| path.display().to_string()).collect();
    let record = Record(vec![
        ("path", Cell::text(path.display())),
        ("bytes", Cell::count(bytes)),
        ("pages", Cell::count(pages)),
        ("seconds", Cell::Json(format!("{seconds:.3}"))),
        ("schema_version", Cell::Number(schema)),
        ("sha256", Cell::maybe(made.sha256.as_ref())),
        ("deleted", Cell::List(names)),
    ]);
    let mut output = Output::done(text, record);
    if !gone.is_empty() {
        output = output.with_note(format!("Deleted {} of before.", counted(gone.len() as u64, "backup")));
    }
    match &made.unrecorded {
        Some(why) => output.with_note(format!("warning: the audit trail has no event of it: {why}")),
        None => output,
    }
}

/// What every backup lacks.
fn of_key(start: &Start) -> String {
    let key = start.config.master_key_file.display();
    format!("The master key is not in it, and without that it is of little use: keep a copy of {key}, apart from it.")
}

/// Makes one after the other. What fails is told, and tried again.
fn again(args: &Args, names: &Names, (start, period): (&Start, Duration)) -> Result<Code, Failure> {
    let stopped = stops().map_err(|error| Failure::internal(format!("signals cannot be heard: {error}")))?;
    output::note(&of_key(start).replace(" in it,", " in them,").replace("apart from it", "apart from them"));
    let mut retry = RETRY;
    loop {
        let begun = Instant::now();
        let wait = match once(args, names, start).and_then(|output| output::print(output, start.format)) {
            Ok(_) => {
                retry = RETRY;
                period.saturating_sub(begun.elapsed())
            }
            Err(failure) => {
                output::complain(&failure, &start.program);
                let wait = retry.min(period);
                retry = retry.saturating_mul(2);
                wait
            }
        };
        if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return Ok(Code::Done);
        }
    }
}

/// Tells when the program is to stop, which it does by itself if nobody has listened for a while: what is unfinished then
/// has no name, and the next one deletes it.
fn stops() -> io::Result<Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // Here and not in the thread: from now on a signal must find somebody who listens.
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let (tell, told) = channel();
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        });
        let _ = tell.send(());
        std::thread::sleep(LAST);
        std::process::exit(Code::Done as i32);
    });
    Ok(told)
}

/// Whether a backup is whole. Neither the database nor the backup is touched.
fn verify(path: &Path, start: &Start) -> Result<Output<'static>, Failure> {
    let same = |file: &Path| file.canonicalize().ok();
    if same(path).is_some() && same(path) == same(&start.config.db) {
        let text = Fault::Own(path.to_owned()).to_string();
        return Err(
            Failure::refused(text).hint(Advice::from("the database itself is examined by: ").and_run("doctor --deep"))
        );
    }
    let bar = bar();
    let found = app::verify(path, &mut |now| shown(&bar, now));
    bar.finish_and_clear();
    let Whole { bytes, pages, schema } = found.map_err(|fault| Failure::from(&fault))?;
    let text = format!("{} is whole: {bytes} bytes, schema {schema}.", path.display());
    let record = Record(vec![
        ("path", Cell::text(path.display())),
        ("bytes", Cell::count(bytes)),
        ("pages", Cell::count(pages)),
        ("schema_version", Cell::Number(schema)),
    ]);
    Ok(Output::done(text, record))
}
