//! Puts the program together from engine, clock, randomness, hashing and keys. To all others the engine is a [`Store`](crate::store::Store).

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::crypto::hash::{Hasher, Params};
use crate::crypto::random::{OsRandom, Random};
use crate::crypto::seal::{MasterKey, MasterKeyError};
use crate::domain::advice::Advice;
use crate::domain::error::{Error, Result as Checked};
use crate::domain::ids::Timestamp;
use crate::domain::imports::Source;
use crate::domain::proxies::TrustedProxies;
use crate::service::{Actor, Clock, Env, Office, Origin, audit, guard, import, keys, seed, settings};
use crate::store::sqlite::{Sqlite, django, open as file};

pub use crate::crypto::tls;
pub use crate::store::sqlite::backup::verify;
pub use crate::store::sqlite::open::{Missing, Opened, closed_directory, files};
pub use crate::store::sqlite::restore::Restoring;

/// How long a writer waits for writers in other processes before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a program is made of; tests replace clock, randomness and hashing cost.
pub struct Parts {
    /// The database file.
    pub database: PathBuf,
    /// The master key file.
    pub master_key: PathBuf,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// Password hashing.
    pub hasher: Hasher,
}

/// Why the program did not open.
#[derive(Debug)]
pub enum OpenError {
    /// The database file.
    File(file::OpenError),
    /// What is made in it at the first start, or the master key.
    Setup(Error),
}

impl OpenError {
    /// The lock that others hold, where that is the reason.
    pub fn held(&self) -> Option<PathBuf> {
        let OpenError::File(file::OpenError::InUse(database)) = self else { return None };
        file::files(database).into_iter().find(|path| path.extension().is_some_and(|end| end == "lock"))
    }

    /// Whether there simply is no database.
    pub fn is_missing(&self) -> bool {
        matches!(self, OpenError::File(file::OpenError::Missing(_)))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::File(error) => error.fmt(f),
            OpenError::Setup(Error::Internal(cause)) => cause.fmt(f),
            OpenError::Setup(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    /// What to do about it; empty where the text says it.
    pub fn advice(&self) -> Advice {
        match self {
            OpenError::File(error) => error.advice(),
            OpenError::Setup(_) => Advice::default(),
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        OpenError::Setup(error)
    }
}

/// What is wrong with the master key and what to do about it, if an internal error is about that: no fault of the program.
pub fn about_the_master_key(cause: &(dyn std::error::Error + 'static)) -> Option<(String, Advice)> {
    cause.downcast_ref::<MasterKeyError>().map(|fault| (fault.what(), fault.advice()))
}

impl Parts {
    /// The parts of the real program.
    ///
    /// # Errors
    /// `Setup` when the costs of a password hash are below the floor, which a test of [`Params::DEFAULT`] rules out.
    pub fn real(database: &Path, master_key: &Path) -> Result<Self, OpenError> {
        let cores = available_parallelism().map_or(1, usize::from);
        Ok(Self {
            database: database.to_owned(),
            master_key: master_key.to_owned(),
            clock: Box::new(SystemClock),
            random: Box::new(OsRandom),
            hasher: Hasher::new(Params::DEFAULT, cores)?,
        })
    }

    /// Opens the database and makes the program around it. With [`Missing::Create`] everything that a first start makes
    /// is made if it is missing: the file, the master key beside it, the first signing key, the seed. Each is made once
    /// for ever, also when a start is cut off half-way or two start at once.
    ///
    /// # Errors
    /// `File` for everything about the database file; `Setup` when the master key file is missing, too open or the wrong
    /// one, or when the database cannot be written.
    pub fn open(self, missing: Missing) -> Result<(Env, Opened), OpenError> {
        let (env, opened) = self.open_bare(missing)?;
        if missing == Missing::Create {
            set_up(&env)?;
        }
        let migrated = match opened {
            Opened::Migrated { from, .. } => Some((from, file::SCHEMA_VERSION)),
            Opened::Created | Opened::AsItWas => None,
        };
        audit::begin(&env, migrated);
        Ok((env, opened))
    }

    /// Opens a database that was a backup a moment ago, to make of it one that may be used. See [`Restoring`].
    ///
    /// # Errors
    /// `File` for everything about the file.
    pub fn open_staged(self, restoring: &Restoring) -> Result<Env, OpenError> {
        let parts = Self { database: restoring.staged(), ..self };
        Ok(parts.open_bare(Missing::Refuse)?.0)
    }

    /// Opens the database, and makes nothing in it.
    fn open_bare(self, missing: Missing) -> Result<(Env, Opened), OpenError> {
        let master = Arc::new(MasterKey::at(self.master_key));
        let chain = Arc::new(audit::Sealer::new(Arc::clone(&master)));
        let (store, opened) = Sqlite::open(&self.database, missing, PATIENCE, chain).map_err(OpenError::File)?;
        let env = Env {
            store: Box::new(store),
            clock: self.clock,
            random: self.random,
            hasher: self.hasher,
            master,
            keys: keys::Cache::default(),
            settings: settings::Parsed::default(),
            default_url: String::new(),
            mail: Office::default(),
            proxies: TrustedProxies::default(),
            tally: audit::Tally::default(),
            turns: guard::Turns::default(),
        };
        Ok((env, opened))
    }
}

/// A folder for a database that nobody else sees: what would happen can be tried in it. Gone with all files when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder among the temporary files of the system, for its owner alone.
    ///
    /// # Errors
    /// `Setup` when it cannot be made.
    pub fn new() -> Result<Self, OpenError> {
        let mut name = [0; 8];
        OsRandom.fill(&mut name)?;
        let folder = std::env::temp_dir().join(format!("authsrv-{:016x}", u64::from_be_bytes(name)));
        // Fails if there is anything of this name.
        DirBuilder::new().mode(0o700).create(&folder).map_err(|cause| {
            Error::internal(format!("the temporary folder {} cannot be made: {cause}", folder.display()))
        })?;
        Ok(Self(folder))
    }

    /// A new database in it that holds nothing but its tables.
    ///
    /// # Errors
    /// `File` for everything about the database file.
    pub fn open(&self) -> Result<Env, OpenError> {
        let parts = Parts::real(&self.0.join("authsrv.db"), &self.0.join("authsrv.key"))?;
        let (env, _) = parts.open_bare(Missing::Create)?;
        env.master.create_if_missing(env.random.as_ref())?;
        audit::begin(&env, None);
        Ok(env)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind is the system's to tidy up, like all temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Reads the accounts of a Django site out of a file of any of its forms: a SQLite database (`table` may name the accounts
/// in it), or what `dumpdata` wrote (`model` may). To be done before the database is opened, whose locks would be lost if
/// somebody named its file here.
///
/// # Errors
/// `Invalid` with the file as the field: it cannot be read, is neither, or does not say where its accounts are.
pub fn read_django(path: &Path, table: Option<&str>, model: Option<&str>) -> Checked<Source> {
    /// How every SQLite file begins (<https://sqlite.org/fileformat.html#magic_header_string>).
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let refused = |why: String| Error::invalid(path.display().to_string(), "invalid", why);
    let unreadable = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => refused("there is no such file".to_owned()),
        _ => refused(format!("cannot be read: {cause}")),
    };
    // A pipe would be read up by the first look.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(refused("is not a plain file".to_owned()));
    }
    let mut start = Vec::new();
    File::open(path).map_err(unreadable)?.take(MAGIC.len() as u64).read_to_end(&mut start).map_err(unreadable)?;
    match (start == MAGIC, table, model) {
        _ if start.is_empty() => Err(refused("is empty".to_owned())),
        (true, _, None) => django::read(path, table),
        (false, None, _) => import::read_json(path, model),
        (true, _, Some(_)) => Err(refused("is a SQLite database: name its table with --table".to_owned())),
        (false, Some(_), _) => Err(refused("is no SQLite database: name a model with --model".to_owned())),
    }
}

/// Why a file was not written.
#[derive(Debug)]
pub enum Unwritten<E> {
    /// It cannot be.
    File(io::Error),
    /// There was nothing to write, for this reason.
    Source(E),
}

/// Writes lines into a new file that only its owner may read, whatever links lead to its name, and makes sure that
/// it is on the disk. What was begun and not ended is taken away again.
///
/// # Errors
/// `File`, with `AlreadyExists` when there is anything of this name; `Source` with the first error of `pages`.
pub fn write_new<E>(path: &Path, pages: impl Iterator<Item = Result<Vec<String>, E>>) -> Result<(), Unwritten<E>> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path).map_err(Unwritten::File)?;
    let write = |file: &File| {
        let mut out = BufWriter::new(file);
        for page in pages {
            for line in page.map_err(Unwritten::Source)? {
                writeln!(out, "{line}").map_err(Unwritten::File)?;
            }
        }
        out.flush().and_then(|()| file.sync_all()).map_err(Unwritten::File)
    };
    write(&file).inspect_err(|_| {
        // That it could not be written is told; that it could not be taken away says no more.
        let _ = std::fs::remove_file(path);
    })
}

/// Makes what a first start makes, and makes sure that tokens can be signed.
fn set_up(env: &Env) -> Result<(), OpenError> {
    let (actor, origin) = (Actor::Operator("authsrv".to_owned()), Origin { door: "start", ..Origin::default() });
    let ctx = env.ctx(&actor, &origin);
    if keys::is_unsealed(env)? {
        env.master.create_if_missing(env.random.as_ref())?;
    }
    env.master.check()?;
    keys::settle(env)?;
    // First, since whatever is made leaves an event.
    audit::begin(env, None);
    keys::ensure(&ctx)?;
    keys::probe(env)?;
    seed::load_once(&ctx)?;
    import::tidy(env)?;
    Ok(())
}

/// The time by the machine's clock, for what is judged before there is a program.
pub fn now() -> Timestamp {
    SystemClock.now()
}

/// The machine's clock.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = chrono::Utc::now();
        Timestamp::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}
