//! `authsrv tokens`: the refresh tokens that were issued. No command prints one; `tokens api` prints a key it has made.

use std::ffi::OsString;

use indicatif::{ProgressBar, ProgressStyle};

use super::api_tokens;
use super::call::Call;
use super::failure::{Code, Failure};
use super::lists::Fields;
use super::output::{Cell, Format, Output, Record, counted};
use super::prompt::line_from_stdin;
use super::sessions::{List, end_all, end_of_user};
use super::users::Labels;
use crate::domain::advice::Advice;
use crate::domain::tokens::RefreshToken;
use crate::service::tokens::{self, Inspection};

/// What can be done with tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List refresh tokens
    List(List),
    /// Revoke a refresh token, which ends its session; does not ask
    Revoke(Revoke),
    /// End all sessions and tokens, API tokens too, of a user or everyone; only `--everyone` asks first
    RevokeAll(RevokeAll),
    /// Read a token, or the key of an API token, from standard input and say whether it is valid, and whose; exits 0 if
    /// valid, 1 if not
    #[command(after_help = "Example:\n  authsrv tokens inspect < token.txt")]
    Inspect(Inspect),
    /// Delete sessions and tokens that expired over five minutes ago, and API tokens that ended then; does not ask
    Purge,
    /// List, make and revoke API tokens: keys for programs
    #[command(subcommand)]
    Api(api_tokens::Command),
}

/// Options of `tokens revoke`.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// The token's jti, as `tokens list` shows it; never the token itself
    #[arg(value_name = "JTI")]
    jti: String,
}

/// Options of `tokens inspect`.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    // Taken so that it can be refused without repeating it, as the parser would.
    #[arg(hide = true)]
    typed: Vec<OsString>,
}

/// Options of `tokens revoke-all`.
#[derive(Debug, clap::Args)]
#[group(id = "whose", required = true, multiple = false)]
pub struct RevokeAll {
    /// Those of this user; does not ask
    #[arg(long, value_name = "USER", group = "whose")]
    user: Option<String>,
    /// Those of all users: everybody has to sign in again; asks first
    #[arg(long, group = "whose")]
    everyone: bool,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::Revoke(args) => revoke(&args.jti, call),
        Command::RevokeAll(RevokeAll { user: Some(user), .. }) => end_of_user(&user, call),
        Command::RevokeAll(RevokeAll { user: None, .. }) => end_all(call),
        Command::Inspect(args) => inspect(&args, call),
        Command::Purge => purge(call),
        Command::Api(command) => api_tokens::run(command, call),
    }
}

const FIELDS: Fields = Fields {
    all: &[
        "id",
        "jti",
        "user_id",
        "user",
        "session_id",
        "generation",
        "issued_at",
        "expires_at",
        "is_revoked",
        "revoked_at",
        "last_used_at",
        "ip_address",
        "user_agent",
    ],
    usual: &["jti", "user_id", "session_id", "issued_at", "expires_at", "is_revoked", "last_used_at", "ip_address"],
    table: &["jti", "is_revoked", "user", "expires_at", "last_used_at", "session_id", "issued_at", "ip_address"],
};

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let listing = args.listing(tokens::ORDER, call)?;
    let fetch = move |listing: &_| tokens::list(&call.ctx(), listing);
    let columns = args.part.columns(&FIELDS, call.format)?;
    let mut labels = Labels::wanted_by(&columns, call);
    let row = move |token: RefreshToken| labels.added(record(&token), token.user_id);
    Ok(Output::many(args.part.list("No tokens.", columns, listing, fetch, row)))
}

fn revoke<'a>(jti: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    if jti.split('.').count() == 3 {
        return Err(Failure::usage("this is a token, and whoever sees it can use it; name it by its jti")
            .hint(Advice::run("tokens inspect").and(" reads a token from standard input and says its jti")));
    }
    let revoked = tokens::revoke(&call.ctx(), jti)?;
    let text = if revoked { "Revoked token" } else { "Had been revoked already: token" };
    let record = Record(vec![("jti", Cell::text(jti)), ("revoked", Cell::Bool(revoked))]);
    Ok(Output::done(format!("{text} {jti}."), record))
}

fn inspect<'a>(args: &Inspect, call: &'a Call) -> Result<Output<'a>, Failure> {
    if !args.typed.is_empty() {
        return Err(Failure::usage(
            "a token is never given as an argument: others could read it in the list of processes",
        )
        .hint(Advice::from("pipe it to standard input: ").and_run("tokens inspect < token.txt")));
    }
    let line = line_from_stdin("the token")?;
    let text = line.trim();
    let text = ["Bearer ", "Token "].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text).trim();
    let found = tokens::inspect(&call.ctx(), text)?;
    let code = if found.valid { Code::Done } else { Code::Refused };
    let valid = found.valid;
    let mut record = inspected(found);
    if call.format == Format::Table && !valid {
        // What is no token at all says nothing; scripts find the same fields in all cases.
        record.0.retain(|(_, cell)| *cell != Cell::Null);
    }
    Ok(Output::one(record).with_code(code))
}

fn purge(call: &Call) -> Result<Output<'_>, Failure> {
    // Drawn on standard error, and only if that is a terminal.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} deleted, {elapsed}") {
        bar.set_style(style);
    }
    let gone = tokens::purge(&call.ctx(), &mut |total| bar.set_position(total));
    bar.finish_and_clear();
    let gone = gone?;
    let text = match gone {
        0 => "Nothing has expired long enough ago; nothing was deleted.".to_owned(),
        gone => format!("Deleted {} of expired sessions and tokens.", counted(gone, "row")),
    };
    Ok(Output::done(text, Record(vec![("deleted", Cell::count(gone))])))
}

fn inspected(found: Inspection) -> Record {
    let mut fields = vec![("valid", Cell::Bool(found.valid)), ("reason", Cell::maybe(found.reason))];
    let user_id = found.user_id.map_or(Cell::Null, Cell::Number);
    let (sid, jti, kid) = (Cell::maybe(found.sid), Cell::maybe(found.jti), Cell::maybe(found.kid));
    let (token_type, issued_at) = (Cell::maybe(found.token_type), Cell::time(found.issued_at));
    let expires_at = Cell::time(found.expires_at);
    if found.proven {
        fields.extend([
            ("token_type", token_type),
            ("user_id", user_id),
            ("user", Cell::maybe(found.user)),
            ("session_id", found.session_id.map_or(Cell::Null, Cell::Number)),
            ("sid", sid),
            ("jti", jti),
            ("kid", kid),
            ("issued_at", issued_at),
            ("expires_at", expires_at),
        ]);
    } else {
        fields.extend([
            ("claimed_token_type", token_type),
            ("claimed_user_id", user_id),
            ("user", Cell::Null),
            ("session_id", Cell::Null),
            ("claimed_sid", sid),
            ("claimed_jti", jti),
            ("claimed_kid", kid),
            ("claimed_issued_at", issued_at),
            ("claimed_expires_at", expires_at),
        ]);
    }
    Record(fields)
}

fn record(token: &RefreshToken) -> Record {
    Record(vec![
        ("id", Cell::Number(token.id.0)),
        ("jti", Cell::text(&token.jti)),
        ("user_id", Cell::Number(token.user_id.0)),
        ("session_id", Cell::Number(token.session_id.0)),
        ("generation", Cell::Number(token.generation)),
        ("issued_at", Cell::Time(token.issued_at)),
        ("expires_at", Cell::Time(token.expires_at)),
        ("is_revoked", Cell::Bool(token.revoked_at.is_some())),
        ("revoked_at", Cell::time(token.revoked_at)),
        ("last_used_at", Cell::time(token.last_used_at)),
        ("ip_address", Cell::maybe(token.ip_address)),
        ("user_agent", Cell::text(&token.user_agent)),
    ])
}
