//! A list of a million stays quick: every order of the long tables walks along an index and sorts at most one page.
//!
//! The statements are those that the store runs, out of its log.

use std::fs::File;
use std::io::{Read, Seek};
use std::sync::LazyLock;

use authsrv::domain::error::Result;
use authsrv::domain::guard::{Bucket, Key};
use authsrv::domain::ids::{ApiTokenId, MailId, SessionId, UserId};
use authsrv::domain::mails::Kind;
use authsrv::domain::pages::{Listing, Order};
use authsrv::domain::sessions::EndReason;
use authsrv::domain::users::NewUser;
use authsrv::store::api_tokens::Those;
use authsrv::store::guard::Counts;
use authsrv::store::sessions::{SESSION_ORDER, Which};
use authsrv::store::tokens::TOKEN_ORDER;
use authsrv::store::users::USER_ORDER;
use authsrv::store::{Store, Tx};
use rusqlite::{Connection, Row, params_from_iter};
use tempfile::TempDir;
use tracing::Dispatch;

use super::{all, at, person, phone, store, username};

/// Asks for every event as long as the tests run, so that tracing never settles on that nobody does, when another thread
/// is the first to log a statement.
static LISTENER: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).finish()));

struct Plans {
    store: Box<dyn Store>,
    connection: Connection,
    _folder: TempDir,
}

impl Plans {
    fn new() -> Self {
        LazyLock::force(&LISTENER);
        let (folder, store) = store();
        let connection = Connection::open(folder.path().join("authsrv.db")).unwrap();
        Self { store, connection, _folder: folder }
    }

    /// The statements that `work` makes the store run.
    fn statements<T>(&self, work: impl FnOnce(&dyn Tx) -> Result<T>) -> Vec<String> {
        let mut log: File = tempfile::tempfile().unwrap();
        let writer = log.try_clone().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.try_clone().unwrap())
            .finish();
        tracing::subscriber::with_default(subscriber, || self.store.write(work)).unwrap();
        let mut text = String::new();
        log.rewind().unwrap();
        log.read_to_string(&mut text).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter_map(|line| Some(line["fields"]["sql"].as_str()?.to_owned())).collect()
    }

    /// The steps of a statement, each with whether it stands in a subquery.
    fn of(&self, sql: &str) -> Vec<(bool, String)> {
        let mut statement = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![rusqlite::types::Value::Null; statement.parameter_count()];
        let step = |row: &Row| Ok((row.get::<_, i64>("parent")? != 0, row.get("detail")?));
        statement.query_map(params_from_iter(values), step).unwrap().map(|step| step.unwrap()).collect()
    }

    /// Passes if `work` asks for a list and its page comes in order without a look at the rest.
    fn assert_walks<T>(&self, work: impl FnOnce(&dyn Tx) -> Result<T>) {
        let statements = self.statements(work);
        let [sql] = &statements[..] else { panic!("{statements:?}") };
        let plan = self.of(sql);
        assert!(plan.iter().any(|(within, step)| *within && step.starts_with("SCAN")), "no page: {sql}: {plan:?}");
        let sorts = |(within, step): &(bool, String)| *within && step.contains("TEMP B-TREE FOR ORDER BY");
        assert!(!plan.iter().any(sorts), "{sql}: {plan:?}");
    }

    /// Passes if all that `work` asks is found by an index.
    fn assert_searches<T>(&self, work: impl FnOnce(&dyn Tx) -> Result<T>) {
        let statements = self.statements(work);
        assert!(!statements.is_empty());
        for sql in statements {
            let plan = self.of(&sql);
            let scans = |step: &str| step.starts_with("SCAN") && !SMALL.iter().any(|index| step.contains(index));
            assert!(!plan.iter().any(|(_, step)| scans(step)), "{sql}: {plan:?}");
        }
    }
}

/// Indices with nothing in them but the rows that are asked for.
const SMALL: [&str; 4] =
    [" users_imported_hash", " users_inactive", " users_active_superusers", " users_search VIRTUAL TABLE INDEX 0:M"];

#[test]
fn every_order_of_the_long_lists_walks_along_an_index() {
    let plans = Plans::new();
    for descending in [false, true] {
        let by = |field| Listing { order: vec![Order { field, descending }], ..all() };
        for field in USER_ORDER {
            plans.assert_walks(|tx| tx.list_users(&by(field)));
        }
        for field in SESSION_ORDER {
            plans.assert_walks(|tx| tx.list_sessions(&by(field), at(0)));
        }
        for field in TOKEN_ORDER {
            plans.assert_walks(|tx| tx.list_tokens(&by(field), at(0)));
        }
    }
}

#[test]
fn filtered_lists_are_searched_and_not_scanned() {
    let plans = Plans::new();
    let of_user = Listing { user: Some(UserId(1)), ..all() };
    plans.assert_searches(|tx| tx.list_sessions(&of_user, at(0)));
    plans.assert_searches(|tx| tx.list_tokens(&of_user, at(0)));
    let inactive = Listing { active: Some(false), ..all() };
    plans.assert_searches(|tx| tx.list_users(&inactive));
    for word in ["ab", "abc"] {
        let named = Listing { search: vec![word.to_owned()], ..all() };
        plans.assert_searches(|tx| tx.list_users(&named));
        plans.assert_searches(|tx| tx.count_users(&named));
        plans.assert_searches(|tx| tx.list_sessions(&named, at(0)));
        plans.assert_searches(|tx| tx.list_tokens(&named, at(0)));
    }
    for listing in [inactive, all()] {
        plans.assert_searches(|tx| tx.count_users(&listing));
    }
    plans.assert_searches(|tx| Ok((tx.count_sessions(&all(), at(0))?, tx.count_tokens(&all(), at(0))?)));
}

#[test]
fn users_are_found_by_what_tells_them_apart() {
    let plans = Plans::new();
    let ann = NewUser { phone: phone("+71234567890"), username: username("ann"), ..person("ann@example.com") };
    plans.assert_searches(|tx| tx.taken_identifier(&ann, None));
    plans.assert_searches(|tx| tx.user_by_keys(&["ann@example.com"]));
    plans.assert_searches(|tx| tx.similar_identifiers("ann", 5));
    plans.assert_searches(|tx| tx.count_active_superusers());
    plans.assert_searches(|tx| Ok((tx.has_imported_hash(None)?, tx.has_imported_hash(Some(UserId(1)))?)));
    plans.assert_searches(|tx| Ok((tx.rights_of_user(UserId(1))?, tx.roles_of_user(UserId(1))?)));
    plans.assert_searches(|tx| tx.delete_user(UserId(1)));
}

#[test]
fn sessions_and_tokens_are_found_ended_and_purged_by_an_index() {
    let plans = Plans::new();
    plans.assert_searches(|tx| Ok((tx.session_by_uuid("uuid")?, tx.live_sessions(UserId(1), at(0))?)));
    plans.assert_searches(|tx| Ok((tx.refresh_token("jti", at(0))?, tx.newest_token(SessionId(1), at(0))?)));
    let statements = plans.statements(|tx| tx.usable_sessions(1..=10, at(0)));
    let plan = plans.of(&statements[0]);
    assert!(plan[0].1.starts_with("SEARCH s USING INTEGER PRIMARY KEY"), "{plan:?}");
    for which in [Which::One(SessionId(1)), Which::OfUser(UserId(1)), Which::BegunBefore(UserId(1), at(0))] {
        plans.assert_searches(|tx| tx.end_sessions(which, EndReason::Logout, at(0)));
    }
    for those in [Those::One(ApiTokenId(1)), Those::LoginOf(UserId(1)), Those::MadeBefore(UserId(1), at(0))] {
        plans.assert_searches(|tx| tx.revoke_api_tokens(those, at(0)));
    }
    plans.assert_searches(|tx| Ok((tx.api_token_by_hash(&[0; 32], at(0))?, tx.login_token(UserId(1), at(0))?)));
    plans.assert_searches(|tx| tx.api_token_named(UserId(1), "name", at(0)));
    plans.assert_searches(|tx| tx.list_api_tokens(&Listing { user: Some(UserId(1)), ..all() }, at(0)));
    plans.assert_searches(|tx| tx.forget_successors(at(0), 10));
    plans.assert_searches(|tx| Ok((tx.purge_tokens(at(0), 10)?, tx.purge_sessions(at(0), 10)?)));
    plans.assert_searches(|tx| tx.purge_api_tokens(at(0), 10));
}

#[test]
fn mails_are_found_sent_and_dropped_by_an_index() {
    let plans = Plans::new();
    plans.assert_searches(|tx| {
        Ok((tx.mail(MailId(1))?, tx.has_due_mail(at(0))?, tx.claim_mail(at(0), at(1))?.is_some()))
    });
    plans.assert_searches(|tx| Ok((tx.give_up_mails(at(0))?, tx.purge_mails(at(0), 10)?)));
    plans.assert_searches(|tx| Ok((tx.drop_mails(UserId(1), &[Kind::Activation])?, tx.drop_mails_of_token(1)?)));
    plans.assert_searches(|tx| Ok((tx.requeue_mail(MailId(1), at(0))?, tx.requeue_mails(at(0))?)));
}

#[test]
fn attempts_are_found_forgotten_and_purged_by_an_index() {
    let plans = Plans::new();
    let key = || Key { bucket: Bucket::Account, subject: "user 1".to_owned() };
    plans.assert_searches(|tx| Ok((tx.attempts(&key())?, tx.count_attempts()?, tx.list_attempts(Some(&key()), 10)?)));
    for which in [Counts::OfUser(UserId(1)), Counts::One(key())] {
        plans.assert_searches(|tx| tx.forget_attempts(&which));
    }
    plans.assert_searches(|tx| tx.purge_attempts(at(0), 10));
}

/// The cascade of a deletion must find its rows by an index as well.
#[test]
fn every_foreign_key_has_an_index() {
    let plans = Plans::new();
    let sql =
        "SELECT t.name, k.\"from\" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table'";
    let mut statement = plans.connection.prepare(sql).unwrap();
    let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let keys: Vec<(String, String)> = keys.map(|key| key.unwrap()).collect();
    assert!(keys.contains(&("tokens".to_owned(), "session_id".to_owned())), "{keys:?}");
    for (table, column) in keys {
        let plan = plans.of(&format!("DELETE FROM {table} WHERE {column} = ?"));
        assert!(!plan.iter().any(|(_, step)| step.starts_with("SCAN")), "{table}.{column}: {plan:?}");
    }
}
