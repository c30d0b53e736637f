//! Backups: one state of the whole database in a file of its own, made while the server runs. What a backup holds is sealed
//! under the master key, which is in none.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::crypto::mac::{hex, sha256_of};
use crate::domain::backups::{Fault, Former, Hear, Series, Whole};
use crate::domain::error::{Error, Result};
use crate::domain::pages::Listing;
use crate::domain::sessions::EndReason;
use crate::service::{Ctx, bounds, clock, seals, secrets};
use crate::store::Tx;
use crate::store::api_tokens::Those;
use crate::store::sessions::Which;

/// What tells a database of ours, and where in the file: how SQLite's begin, and the application id
/// (<https://sqlite.org/fileformat.html#application_id>).
const MARKS: [(usize, &[u8]); 2] = [(0, b"SQLite format 3\0"), (68, b"ASRV")];

/// Name of the event of a restoration.
const RESTORED: &str = "backup.restored";
/// Mark that holds the details of a restoration of which there is no event yet.
const UNRECORDED: &str = "restored_unrecorded";

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    /// What is in it.
    pub whole: Whole,
    /// SHA-256 of the file in hexadecimal, if it could be read again.
    pub sha256: Option<String>,
    /// Why there is no event of it, if so.
    pub unrecorded: Option<String>,
}

/// Makes a backup in a new file, for its owner only, and looks through it before it gets its name.
///
/// Operators and superusers only. Writes one `backup.made` event, after it is made: that there is none is no reason to
/// have no backup.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` for others; `Internal` with a [`Fault`], then there is no file
/// of that name.
pub fn make(ctx: &Ctx, to: &Path, hear: Hear) -> Result<Made> {
    bounds::superuser(ctx)?;
    let whole = ctx.env.store.back_up(to, hear)?;
    let sha256 = File::open(to).and_then(sha256_of).ok().map(|hash| hex(&hash));
    let details = json!({
        "file": to.display().to_string(),
        "bytes": whole.bytes,
        "schema": whole.schema,
        "sha256": sha256,
    });
    let recorded = ctx.write(|tx| tx.record(&ctx.event("backup.made", "database", None, details)));
    let unrecorded = recorded.err().map(|error| match error {
        Error::Internal(cause) => cause.to_string(),
        error => error.to_string(),
    });
    Ok(Made { whole, sha256, unrecorded })
}

/// What ended with a restoration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// Sessions that were live.
    pub sessions: u64,
    /// API tokens that were live.
    pub api_tokens: u64,
    /// Mailed links.
    pub links: u64,
    /// Mails that were not sent.
    pub mails: u64,
}

/// Makes of a database that was a backup one that may be used: whatever let somebody in before lets nobody in any more, and
/// what must not be undone of the `former` database is kept. Says what ended, and what is wrong with the master
/// key, if something is: then the event is written when the right one is there.
///
/// Operators and superusers only. Writes the ends and one `backup.restored` event.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` for others; those of the store.
pub fn settle(ctx: &Ctx, (file, schema): (&Path, i64), former: Option<&Former>) -> Result<(Ended, Option<Error>)> {
    bounds::superuser(ctx)?;
    let env = ctx.env;
    let fault = seals::usable(env).and_then(|()| secrets::ensure(env)).err();
    let mut generation = [0; 16];
    env.random.fill(&mut generation)?;
    let ended = env.store.write(|tx| {
        let newest = tx.list_entries(&Listing { limit: 1, ..Listing::default() })?;
        let known = newest.first().map(|entry| entry.at);
        // Whatever the clock says: what is in the files was before.
        let now = [former.and_then(|former| former.latest), known].into_iter().flatten().fold(ctx.now, Ord::max);
        let sessions = tx.end_sessions(Which::Everyone, EndReason::Restored, now)?;
        let api_tokens = tx.revoke_api_tokens(Those::Everyone, now)?;
        let (links, mails) = tx.end_links()?;
        let ended = Ended { sessions, api_tokens, links, mails };
        tx.follow(former)?;
        clock::raise(tx, now)?;
        secrets::begin_generation(tx, &hex(&generation))?;
        let details = json!({
            "file": file.display().to_string(),
            "schema": schema,
            "replaced": former.is_some(),
            "sessions": sessions,
            "api_tokens": api_tokens,
            "links": links,
            "mails": mails,
        });
        match fault {
            None => tx.record(&ctx.event(RESTORED, "database", None, details))?,
            Some(_) => tx.set_mark(UNRECORDED, &details.to_string())?,
        }
        Ok(ended)
    })?;
    Ok((ended, fault))
}

/// Writes the event of a restoration that had no master key, once there is one.
pub(super) fn catch_up(ctx: &Ctx) -> Result<()> {
    let is_waiting = |tx: &dyn Tx| Ok(tx.mark(UNRECORDED)?.filter(|details| !details.is_empty()));
    if ctx.env.store.read(is_waiting)?.is_none() {
        return Ok(());
    }
    ctx.env.store.write(|tx| {
        // Another process may have been first.
        let Some(details) = is_waiting(tx)? else { return Ok(()) };
        let details = serde_json::from_str(&details).unwrap_or_default();
        tx.record(&ctx.event(RESTORED, "database", None, details))?;
        tx.set_mark(UNRECORDED, "")
    })
}

/// Deletes the oldest backups of a series but the newest `keep`, and nothing that is no backup of ours; says which. `spared`
/// are files that are none, whatever they are called, such as the database.
///
/// Operators and superusers only.
///
/// # Errors
/// `Forbidden(SuperuserOnly)` for others; `Internal` with a [`Fault`] when a file cannot be deleted.
pub fn prune(ctx: &Ctx, series: &Series, (keep, spared): (usize, &[PathBuf])) -> Result<Vec<PathBuf>> {
    bounds::superuser(ctx)?;
    let spared: Vec<_> = spared.iter().filter_map(|path| identity(path)).collect();
    let undeleted = |path: &Path, cause| Fault::Undeleted { path: path.to_owned(), cause };
    let entries = series.folder().read_dir().map_err(|cause| undeleted(series.folder(), cause))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| series.has(&entry.file_name()))
        .map(|entry| entry.path())
        .filter(|path| identity(path).is_some_and(|own| !spared.contains(&own)) && is_ours(path))
        .collect();
    // Names sort as times do.
    found.sort();
    found.truncate(found.len().saturating_sub(keep));
    for path in &found {
        std::fs::remove_file(path).map_err(|cause| undeleted(path, cause))?;
    }
    Ok(found)
}

/// Device and number of a plain file; none of a link.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = path.symlink_metadata().ok().filter(|file| file.is_file())?;
    Some((file.dev(), file.ino()))
}

fn is_ours(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(100).read_to_end(&mut start));
    let marked = |(at, mark): (usize, &[u8])| start.get(at..).is_some_and(|rest| rest.starts_with(mark));
    read.is_ok() && MARKS.into_iter().all(marked)
}
