//! An empty installation in a directory of its own, for tests of services.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::OsRandom;
use authsrv::crypto::seal::MasterKey;
use authsrv::domain::ids::Timestamp;
use authsrv::domain::proxies::TrustedProxies;
use authsrv::service::audit::{Sealer, Tally};
use authsrv::service::{Actor, Clock, Ctx, Env, Office, Origin, audit, keys};
use authsrv::store::sqlite::Sqlite;
use authsrv::store::sqlite::open::Missing;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
    }
}

pub struct Place {
    pub env: Env,
    pub actor: Actor,
    pub origin: Origin,
    pub directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let master = MasterKey::at(directory.path().join("authsrv.key"));
        master.create_if_missing(&OsRandom).unwrap();
        let database = directory.path().join("authsrv.db");
        let master = Arc::new(master);
        let chain = Arc::new(Sealer::new(Arc::clone(&master)));
        let (store, _) = Sqlite::open(&database, Missing::Create, Duration::from_secs(5), chain).unwrap();
        let env = Env {
            store: Box::new(store),
            clock: Box::new(Noon),
            random: Box::new(OsRandom),
            hasher: Hasher::for_tests(),
            master,
            keys: keys::Cache::default(),
            settings: authsrv::service::settings::Parsed::default(),
            default_url: "http://127.0.0.1:8000".to_owned(),
            turns: Default::default(),
            mail: Office::default(),
            proxies: TrustedProxies::default(),
            tally: Tally::default(),
        };
        audit::begin(&env, None);
        let origin = Origin { door: "cli", ..Origin::default() };
        Self { env, actor: Actor::Operator("root@test".to_owned()), origin, directory }
    }

    pub fn ctx(&self) -> Ctx<'_> {
        self.env.ctx(&self.actor, &self.origin)
    }

    pub fn database(&self) -> PathBuf {
        self.directory.path().join("authsrv.db")
    }

    /// One number out of the file, past the services.
    pub fn number(&self, sql: &str) -> i64 {
        rusqlite::Connection::open(self.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// One column of the file, past the services.
    pub fn column(&self, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    pub fn run(&self, sql: &str) {
        rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }
}
