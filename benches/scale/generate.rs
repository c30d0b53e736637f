//! Makes files of any size, in minutes: by SQL, without the indexes and triggers, which are built when the rows are there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use authsrv::app::Missing;
use authsrv::crypto::hash::Hasher;
use authsrv::crypto::random::OsRandom;
use authsrv::domain::settings::ALL;
use authsrv::service::{Env, settings};
use rusqlite::Connection;

use crate::support::{PASSWORD, operator, origin};

/// Rows of one user each, with what the numbers of the others are made of.
const ROWS: &str = "
CREATE TEMP TABLE names (n INTEGER PRIMARY KEY, name TEXT);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
    INSERT INTO names SELECT i, char(65 + i % 26) || char(97 + i / 26 % 26) || 'lin' || char(97 + i / 40) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
    INSERT INTO users (id, email, email_key, password, first_name, last_name, is_active, is_staff, is_superuser,
                       date_joined, updated_at)
    SELECT i, printf('w%08xq@example.com', i * 2654435761 % 4294967296), printf('w%08xq@example.com', i * 2654435761 % 4294967296),
           ?2, a.name, b.name, 1, 0, 0, ?3 - i * 1000000, ?3 - i * 1000000
    FROM n JOIN names a ON a.n = i % 997 JOIN names b ON b.n = i % 991;";

/// What belongs to each of them.
const BELONGINGS: &str = "
INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u JOIN roles r ON r.code_name = 'viewer';
INSERT INTO sessions (id, uuid, user_id, profile, user_agent, created_at, expires_at, ends_at)
    SELECT id, lower(printf('%s-%s-4%s-8%s-%s', hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2),
                            substr(hex(randomblob(2)), 2), hex(randomblob(6)))),
           id, 'rbac', 'scale/1', date_joined, 9000000000000000, 9000000000000000 FROM users;
INSERT INTO tokens (id, jti, session_id, user_id, generation, issued_at, expires_at, user_agent)
    SELECT id, lower(hex(randomblob(16))), id, user_id, 1, created_at, expires_at, 'scale/1' FROM sessions;
UPDATE counts SET n = (SELECT COUNT(*) FROM users) WHERE name = 'users';
UPDATE counts SET n = (SELECT COUNT(*) FROM sessions) WHERE name = 'sessions';
UPDATE counts SET n = (SELECT COUNT(*) FROM tokens) WHERE name = 'tokens';";

/// A word that is in the address of this user alone.
pub fn word(number: u64) -> String {
    format!("w{:08x}q", number.wrapping_mul(2_654_435_761) % 4_294_967_296)
}

/// The address of this user.
pub fn email(number: u64) -> String {
    format!("{}@example.com", word(number))
}

/// The folder of a file with so many users; made if there is none.
pub fn file_of(size: u64) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("scale-{size}"));
    let done = folder.join("done");
    if done.exists() {
        return folder;
    }
    let begun = Instant::now();
    // There may be a part of one.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    // The product makes it, and closes it.
    drop(widened(crate::program(&folder, Missing::Create)));
    fill(&folder.join("authsrv.db"), size);
    std::fs::write(done, "").unwrap();
    let bytes = std::fs::metadata(folder.join("authsrv.db")).unwrap().len();
    eprintln!("{size} users: {:.0} MB in {:.0} s", bytes as f64 / 1e6, begun.elapsed().as_secs_f64());
    folder
}

/// The program on a file that was made before.
pub fn open(folder: &Path) -> Env {
    crate::program(folder, Missing::Refuse)
}

/// Without limits on what one address may do.
fn widened(env: Env) -> Env {
    let limits = ALL.iter().filter(|setting| setting.key.starts_with("guard."));
    let mut wide: Vec<_> = limits.map(|setting| (setting.key.to_owned(), Some(0.into()))).collect();
    wide.push(("rbac.access_lifetime".to_owned(), Some(86_400.into())));
    wide.push(("public_url".to_owned(), Some("http://127.0.0.1".into())));
    settings::change(&env.ctx(&operator(), &origin()), &wide).unwrap();
    env
}

/// Writes the rows. A power loss would ruin the file, which nobody needs.
fn fill(path: &Path, size: u64) {
    let mut file = Connection::open(path).unwrap();
    file.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; PRAGMA temp_store = FILE;
         PRAGMA foreign_keys = OFF;",
    )
    .unwrap();
    let hash = Hasher::for_tests().hash(PASSWORD, &OsRandom).unwrap();
    let now = 1_767_323_045_678_901_i64;
    let batch = file.transaction().unwrap();
    let kept = {
        let of = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('index', 'trigger')
                  AND tbl_name IN ('users', 'user_roles', 'sessions', 'tokens')";
        let mut found = batch.prepare(of).unwrap();
        let rows = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(|row| row.unwrap()).collect::<Vec<(String, String, String)>>()
    };
    for (kind, name, _) in &kept {
        batch.execute_batch(&format!("DROP {kind} {name}")).unwrap();
    }
    let mut statements = ROWS.split_inclusive(';').map(str::trim).filter(|sql| !sql.is_empty()).peekable();
    while let Some(sql) = statements.next() {
        match statements.peek() {
            Some(_) => batch.execute_batch(sql).unwrap(),
            None => drop(batch.execute(sql, (size as i64, &hash, now)).unwrap()),
        }
    }
    batch.execute_batch(BELONGINGS).unwrap();
    batch.execute_batch("INSERT INTO users_search (users_search) VALUES ('rebuild')").unwrap();
    // Indexes first: what they hold, triggers may look up.
    for (_, _, sql) in
        kept.iter().filter(|(kind, ..)| kind == "index").chain(kept.iter().filter(|(kind, ..)| kind != "index"))
    {
        batch.execute_batch(sql).unwrap();
    }
    batch.commit().unwrap();
    file.execute_batch("PRAGMA journal_mode = WAL").unwrap();
}
