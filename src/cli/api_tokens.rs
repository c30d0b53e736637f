//! `authsrv tokens api`: keys for programs. A key is printed once, when it is made.

use super::call::{Call, word_of};
use super::catalog::LEFT;
use super::failure::Failure;
use super::inert::shell_word;
use super::lists::Fields;
use super::output::{Cell, Output, Record, counted};
use super::sessions::List;
use super::users::{Labels, told};
use crate::domain::advice::Advice;
use crate::domain::api_tokens::ApiToken;
use crate::domain::error::{Conflict, Error};
use crate::domain::ids::{ApiTokenId, Timestamp};
use crate::domain::times;
use crate::domain::users::User;
use crate::service::api_tokens::{self, Key, NewToken};

/// What can be done with API tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List API tokens, without their keys
    List(List),
    /// Make an API token for a program that acts as a user, and print its key, once for ever
    #[command(after_help = "Example:\n  authsrv tokens api create ann@example.com --name backup --expires-in 90d")]
    Create(Create),
    /// Revoke API tokens, or all of a user; does not ask
    #[command(
        after_help = "Examples:\n  authsrv tokens api revoke 17 18\n  authsrv tokens api revoke --user ann@example.com"
    )]
    Revoke(Revoke),
}

/// Options of `tokens api create`.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// Whose rights it carries: id, e-mail, phone or username
    #[arg(value_name = "USER")]
    user: String,
    /// What it is for; each live one of a user has another name
    #[arg(long)]
    name: String,
    /// How long it is good, as in 12h, 90d or 52w (default: until it is revoked)
    #[arg(long, value_name = "TIME")]
    expires_in: Option<String>,
    /// Leave a live one of this name as it is, and print no key
    #[arg(long)]
    if_missing: bool,
}

/// Options of `tokens api revoke`.
#[derive(Debug, clap::Args)]
#[group(id = "keys", required = true, multiple = false)]
pub struct Revoke {
    /// Ids, as `tokens api list` shows them; never the keys themselves
    #[arg(value_name = "ID", group = "keys")]
    ids: Vec<String>,
    /// All of this user; the sessions go on
    #[arg(long, value_name = "USER", group = "keys")]
    user: Option<String>,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::Create(args) => create(args, call),
        Command::Revoke(Revoke { user: Some(user), .. }) => revoke_of_user(&user, call),
        Command::Revoke(Revoke { ids, user: None }) => revoke(&ids, call),
    }
}

const FIELDS: Fields = Fields {
    all: &["id", "name", "user_id", "user", "is_active", "created_at", "expires_at", "last_used_at", "revoked_at"],
    usual: &["id", "name", "user_id", "is_active", "created_at", "expires_at", "last_used_at"],
    table: &["id", "name", "user", "is_active", "expires_at", "last_used_at", "created_at"],
};

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let listing = args.listing(api_tokens::ORDER, call)?;
    let columns = args.part.columns(&FIELDS, call.format)?;
    let now = call.ctx().now;
    let fetch = move |listing: &_| api_tokens::list(&call.ctx(), listing);
    let mut labels = Labels::wanted_by(&columns, call);
    let row = move |token: ApiToken| labels.added(record(&token, now), token.user_id);
    Ok(Output::many(args.part.list("No API tokens.", columns, listing, fetch, row)))
}

fn create(args: Create, call: &Call) -> Result<Output<'_>, Failure> {
    let user = call.user(&args.user)?.user;
    let ctx = call.ctx();
    let expires_at = args.expires_in.as_deref().map(|text| end(text, ctx.now)).transpose()?;
    if args.if_missing
        && let Some(there) = api_tokens::named(&ctx, user.id, &args.name)?
    {
        let note = format!("{LEFT} API token {} of {}.", there.id, user.label());
        return Ok(Output::one(with_key(&there, None, &user, ctx.now)).with_note(note));
    }
    let new = NewToken { name: args.name.clone(), expires_at };
    match api_tokens::create(&ctx, user.id, new) {
        Ok((token, key)) => {
            let note = format!("Made API token {} of {}. Its key is not shown again.", token.id, user.label());
            Ok(Output::one(with_key(&token, Some(key), &user, ctx.now)).with_note(note))
        }
        Err(Error::Conflict(Conflict::Taken(..))) => Err(taken(&user, &args.name, call)),
        Err(Error::Invalid(fields)) if fields.iter().any(|fault| fault.field == "user") => {
            let activate = Advice::run(format!("users activate {}", word_of(&user))).and(" lets the user in again");
            Err(Failure::refused(format!("{} is not active and gets no API token", user.label())).hint(activate))
        }
        Err(error) => Err(error.into()),
    }
}

/// The end of a token that is made now and good for so long.
fn end(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = || Failure::usage("--expires-in: enter a time such as 12h, 90d or 52w, up to a hundred years");
    /// A century, in seconds.
    const LONGEST: i64 = 100 * 366 * 86_400;
    let seconds = times::seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
    let seconds = seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or_else(wrong)?;
    now.checked_add_signed(chrono::Duration::seconds(seconds)).ok_or_else(wrong)
}

/// The failure for a name that a live token of the user has.
fn taken(user: &User, name: &str, call: &Call) -> Failure {
    let failure = Failure::refused(format!("{} has an API token of this name already", user.label()));
    let there = api_tokens::named(&call.ctx(), user.id, name).ok().flatten();
    let Some(there) = there else { return failure };
    let failure = failure.hint(
        Advice::run(format!("tokens api revoke {}", there.id)).and(" revokes that one; then another can be made"),
    );
    match shell_word(name) {
        Some(name) => failure.hint(
            Advice::run(format!("tokens api create {} --name {name} --if-missing", word_of(user)))
                .and(" leaves it as it is"),
        ),
        None => failure,
    }
}

fn revoke<'a>(ids: &[String], call: &'a Call) -> Result<Output<'a>, Failure> {
    let ids = ids.iter().map(|text| id(text)).collect::<Result<Vec<_>, _>>()?;
    let (mut notes, mut revoked, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        let done = api_tokens::revoke(&call.ctx(), id).map_err(|error| explained(error, id, &notes))?;
        let text = if done { "Revoked API token" } else { "Had been revoked or had expired already: API token" };
        notes.push(format!("{text} {id}."));
        if done { &mut revoked } else { &mut unchanged }.push(id.to_string());
    }
    let record = Record(vec![("revoked", Cell::List(revoked)), ("unchanged", Cell::List(unchanged))]);
    let mut output = Output::said(Vec::new(), record);
    output.notes = notes;
    Ok(output)
}

/// The failure of one of several, after what was done before it.
fn explained(error: Error, id: ApiTokenId, done: &[String]) -> Failure {
    let text = match &error {
        Error::NotFound(_) => Some(format!("no API token {id}")),
        _ => None,
    };
    let mut failure = Failure::from(error);
    failure.text = text.unwrap_or(failure.text);
    failure.lines.extend(done.iter().cloned());
    failure
}

/// The id that was typed. A key that was typed in its place is not repeated.
fn id(text: &str) -> Result<ApiTokenId, Failure> {
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.map(ApiTokenId).ok_or_else(|| {
        Failure::usage("this is no id of an API token")
            .hint(Advice::run("tokens api list").and(" shows the ids; a key is never an argument"))
    })
}

fn revoke_of_user<'a>(user: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    let user = call.user(user)?.user;
    let revoked = api_tokens::revoke_of_user(&call.ctx(), user.id)?;
    let text = format!("Revoked {} of {}.", counted(revoked, "API token"), user.label());
    Ok(Output::done(text, told(&user, ("revoked", Cell::count(revoked)))))
}

fn with_key(token: &ApiToken, key: Option<Key>, user: &User, now: Timestamp) -> Record {
    let mut record = record(token, now);
    record.0.push(("user", Cell::text(user.label())));
    record.0.insert(0, ("key", Cell::maybe(key.map(|key| key.0))));
    record
}

fn record(token: &ApiToken, now: Timestamp) -> Record {
    Record(vec![
        ("id", Cell::Number(token.id.0)),
        ("name", Cell::maybe(token.name.as_ref())),
        ("user_id", Cell::Number(token.user_id.0)),
        ("is_active", Cell::Bool(token.is_live(now))),
        ("created_at", Cell::Time(token.created_at)),
        ("expires_at", Cell::time(token.expires_at)),
        ("last_used_at", Cell::time(token.last_used_at)),
        ("revoked_at", Cell::time(token.revoked_at)),
    ])
}
