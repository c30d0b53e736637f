//! `authsrv`: users, sign-in, sessions and rights for REST APIs, in one binary over one SQLite file.
//!
//! # The map
//!
//! In order of dependency; each module may name those above it and none below (`tests/layers.rs` keeps that):
//!
//! | module | what it is | start at |
//! |---|---|---|
//! | [`domain`] | users, roles, sessions …: values and their rules; [`Error`](domain::error::Error) | `domain/users.rs` |
//! | [`crypto`] | hashing, signing, sealing, randomness | `crypto/jwt.rs`: the one function that verifies tokens |
//! | [`store`] | what is asked of a database, as traits; `store/sqlite` is the engine | `store/mod.rs` |
//! | [`mail`] | templates, and the ways out for mails: mail server, folder, log | `mail/mod.rs`: `open` |
//! | [`service`] | the operations, each with all its rules | `service/mod.rs`: `Env`, `Ctx`, how an operation goes |
//! | [`http`] | the server; a folder for each dialect of its API | `http/mod.rs`: `router` |
//! | [`cli`] | the terminal | `cli/mod.rs`: the command tree |
//! | [`app`] | puts engine, clock, randomness and keys together | `Parts::open` |
//! | [`config`] | how the process is started: flags > environment > `.env` > `authsrv.toml` > default | `Config` |
//!
//! To see what a request or command does, read its handler, the service function it calls, and the SQL that this runs.
//!
//! # What always holds
//!
//! - Every door calls the same service functions; rights, values and lifetimes are decided there and nowhere else. A
//!   route also names its guard in its table, which judges a request before its body is parsed; the service asks again.
//! - Every change writes one audit row in the transaction of the change, the end of all sessions also where there was none,
//!   since it stops sign-ins that are under way. Only these write none: a spent token shown again within the grace, which is
//!   marked as used; the use of an API token, which is noted beside the answer; what has expired or is over, when it is
//!   marked as ended or cleared (also that imported hashes were about); a mail on its way, which is marked as sent or to
//!   be tried again; attempts that are counted; that a proxy was not trusted, which is noted for `doctor`; and what time it is, which a thread
//!   of the server notes each minute (`service/clock.rs`). Hashing never happens inside a transaction.
//! - Whatever can end access (session, user, rights, key, setting) is read from the database at each request, since the
//!   command line may have changed it a moment ago. Of keys only the parsed form is kept: a `kid` never gets another key;
//!   and of a token only that its signature is good (`crypto/jwt/proven.rs`). What a connection remembers of small tables,
//!   it remembers as long as SQLite tells it that nobody has changed anything (`store/sqlite/memo.rs`).
//! - When a key begins to sign is written down before it does ([`domain::keys`]), and with everything that is signed, until
//!   when it is good: so a rotation needs nobody at its instant, and a key is known for as long as anything under it is good.
//! - What is sealed is sealed in the transaction that writes it, under the master key that the database names
//!   (`service/seals.rs`).
//! - Whoever writes is judged twice: when the request begins, and again in its transaction (`Ctx::write`), as are the last
//!   superuser, a free address, a token not spent yet.
//! - Whatever judges a password asks the guard first (`service/guard/`), which counts the attempt before anything is hashed,
//!   in the file, and the same for accounts that there are not.
//! - A mail is written in the transaction of what causes it, and sent later by a thread of the server: no answer waits for
//!   a mail server or tells of it. Links in mails begin with a setting, never with what a request says.
//! - A backup is looked through before it has its name, and with a restored one nothing comes back that let somebody in: all
//!   ends before it takes the place of the database, in a file that has another name until then (`service/backups.rs`,
//!   `store/sqlite/restore.rs`).
//! - What a request says of its origin, and at the door for proxies of another request, counts from trusted proxies alone
//!   (`http/client.rs`, `http/forward/`).
//! - Audit rows are chained and sealed where they are written (`store/audit.rs`), under a key that the database alone does not
//!   yield: without the master key nothing is written. What anybody can cause without end (denials, throttled requests,
//!   and after the first in a minute refused passwords and requests for links) is counted in memory and written each minute
//!   by a thread of the server (`service/audit/`).
//! - `synchronous=FULL`: what was answered with success survives a power loss. Writes that come at once share a transaction,
//!   each in a savepoint of its own, and are answered when it is on the disk (`store/sqlite/group.rs`). A refusal waits, too,
//!   if what it rests on is not there yet.
//! - A full disk keeps nobody in: what ends access has room that is kept for it (`store/sqlite/ballast.rs`), and is written by
//!   `Ctx::end` in place of `Ctx::write`.
//! - What has expired is deleted by a thread of the server, in small batches (`service/tokens/purge.rs`).
//! - One JSON body parser, driven by the same schema that the OpenAPI document shows (`http/shape.rs`).
//! - Every line of the log is one line, about a request it has its id, and none is waited for; labels of metrics are route templates
//!   and fixed words. Neither holds anything that a client sent (`http/visit.rs`, `http/metrics.rs`, `cli/logs.rs`).
//! - Domain types cannot be serialised: an answer shows what a `wire` type lists, and no more.
//!
//! # Where this differs from what one might expect
//!
//! - Roles, resources and actions have the same columns, so one set of functions serves all three
//!   ([`domain::catalog`], `service/catalog.rs`); what only roles have is in `service/roles.rs`.
//! - Runtime settings are one table of keys, kinds and bounds ([`domain::settings`]) with JSON values, not a type per
//!   setting, since doors list them generically.
//! - Mailed links are one-time tokens, of which only a hash is kept; `service/links.rs` makes, judges and kills them. Who
//!   sets a password or changes an address kills them in the same transaction. Their pages (`http/pages/`) are no API:
//!   HTML without scripts, where a GET changes nothing.
//! - A registration with a taken address, while accounts wait for activation, uses up an id and tells of an account that
//!   does not exist, so that nobody learns who has one.
//! - A refresh token's successor is kept sealed under a key that only the spent token yields, so that the same pair can be
//!   given again within the grace although nothing readable is stored; it is forgotten at the session's next refresh after
//!   the grace, or at a purge.
//! - The key of a user's login token (`Authorization: Token …`) is the same at every login, as Django REST framework's, and
//!   yet stored as a hash only: it is derived from a nonce of its row and a sealed secret (`service/secrets.rs`).
//! - Services block and are run by threads that may, but for checks of tokens: these are over before another thread could
//!   begin, and are done where the request is, in one look at the database (`http/call/at_once.rs`, `service/glance.rs`).
//!   Whatever such a look does not find in order is done again in the way of all others, which may wait and write.
//! - Requests are counted against rates in memory (`http/throttle.rs`), as Django REST framework does by default: a restart
//!   forgets them. Guesses are counted elsewhere (`service/guard/`).
//! - An access token names the place of its session in a status list, which follows from the session's number. The token is
//!   signed before that number is given: for the next one, and anew in the transaction if another session was faster.
//! - Device credentials are stored nowhere, so a restoration changes what they are derived from (`service/secrets.rs`).
//! - The one cookie that the API looks at, that of a known device, gives no rights: only a budget of guesses of its own.
//! - Two kinds of refresh tokens are known by a hash: UUIDs, whose successor is derived and not kept at all, and those of a
//!   former system, which begin a session when they are first used. The latter's access tokens have no session; the end of
//!   all sessions of a user voids what was issued by then (`service/tokens/imported.rs`).
//! - Where the server speaks TLS itself, the certificate is the one thing outside the database that is followed while it runs
//!   (`http/tls.rs`); what is in use changes only for a pair of files that go together.
//! - The names under which tokens were issued (`iss`) are kept, so that a new public URL ends no session.

pub mod app;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod http;
pub mod mail;
pub mod service;
pub mod store;
