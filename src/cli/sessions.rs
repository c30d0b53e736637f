//! `authsrv sessions`: who is signed in, where, and ending that.

use super::call::{Call, unknown};
use super::failure::Failure;
use super::lists::{Fields, Part};
use super::output::{Cell, Output, Record, counted};
use super::users::{Labels, told};
use crate::domain::error::{Entity, Error};
use crate::domain::ids::{SessionId, Timestamp};
use crate::domain::pages::Listing;
use crate::domain::sessions::Session;
use crate::service::sessions;

/// What can be done with sessions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List sessions
    #[command(after_help = "Example:\n  authsrv sessions list --user ann@example.com --active")]
    List(List),
    /// Show one session
    Show(One),
    /// End a session, or all of a user, or all there are; only `--all` asks first
    #[command(
        after_help = "Examples:\n  authsrv sessions revoke 17\n  authsrv sessions revoke --user ann@example.com\n  authsrv sessions revoke --all --yes"
    )]
    Revoke(Revoke),
}

/// Options of `sessions list`, `tokens list` and `tokens api list`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct List {
    #[command(flatten)]
    pub part: Part,
    /// Only those of this user
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Only live ones
    #[arg(long)]
    pub active: bool,
    /// Ended ones too, as without this flag
    #[arg(long, conflicts_with = "active")]
    pub all: bool,
}

/// One session.
#[derive(Debug, clap::Args)]
pub struct One {
    /// Id or UUID
    #[arg(value_name = "SESSION")]
    session: String,
}

/// Options of `sessions revoke`.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false)]
pub struct Revoke {
    /// Id or UUID
    #[arg(value_name = "SESSION", group = "which")]
    session: Option<String>,
    /// All of this user, and all API tokens of this user; does not ask
    #[arg(long, value_name = "USER", group = "which")]
    user: Option<String>,
    /// All there are, and all API tokens: everybody has to sign in again; asks first
    #[arg(long, group = "which")]
    all: bool,
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List(args) => list(&args, call),
        Command::Show(one) => Ok(Output::one(record(&find(&one.session, call)?, call.ctx().now))),
        Command::Revoke(args) => revoke(&args, call),
    }
}

const FIELDS: Fields = Fields {
    all: &[
        "id",
        "uuid",
        "user_id",
        "user",
        "is_active",
        "profile",
        "ip_address",
        "user_agent",
        "created_at",
        "expires_at",
        "ends_at",
        "ended_at",
        "end_reason",
    ],
    usual: &[
        "id",
        "uuid",
        "user_id",
        "is_active",
        "ip_address",
        "user_agent",
        "created_at",
        "expires_at",
        "end_reason",
    ],
    table: &["id", "user", "is_active", "expires_at", "ip_address", "user_agent", "end_reason"],
};

impl List {
    /// The listing that the flags ask for.
    pub fn listing(&self, order: &[&'static str], call: &Call) -> Result<Listing, Failure> {
        let user = self.user.as_deref().map(|user| call.user(user)).transpose()?.map(|account| account.user.id);
        Ok(Listing { user, active: self.active.then_some(true), ..self.part.listing(order)? })
    }
}

fn list<'a>(args: &List, call: &'a Call) -> Result<Output<'a>, Failure> {
    let listing = args.listing(sessions::ORDER, call)?;
    let columns = args.part.columns(&FIELDS, call.format)?;
    let now = call.ctx().now;
    let fetch = move |listing: &_| sessions::list(&call.ctx(), listing);
    let mut labels = Labels::wanted_by(&columns, call);
    let row = move |session: Session| labels.added(record(&session, now), session.user_id);
    Ok(Output::many(args.part.list("No sessions.", columns, listing, fetch, row)))
}

fn revoke<'a>(args: &Revoke, call: &'a Call) -> Result<Output<'a>, Failure> {
    if let Some(session) = &args.session {
        let session = find(session, call)?;
        let ended = sessions::end(&call.ctx(), session.id)?;
        let text = if ended { "Ended session" } else { "Had ended already: session" };
        let record = Record(vec![("id", Cell::Number(session.id.0)), ("ended", Cell::Bool(ended))]);
        return Ok(Output::done(format!("{text} {}.", session.id), record));
    }
    match &args.user {
        Some(user) => end_of_user(user, call),
        None => end_all(call),
    }
}

/// Ends all sessions of a user.
pub fn end_of_user<'a>(user: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    let user = call.user(user)?.user;
    let ended = sessions::end_of_user(&call.ctx(), user.id)?;
    let text = format!("Ended {} of {}.", counted(ended, "session"), user.label());
    Ok(Output::done(text, told(&user, ("sessions", Cell::count(ended)))))
}

/// Ends all sessions there are, after a yes.
pub fn end_all(call: &Call) -> Result<Output<'_>, Failure> {
    call.prompt.confirm("End the sessions and API tokens of all users? Everybody has to sign in again.")?;
    let ended = sessions::end_everyones(&call.ctx())?;
    Ok(Output::done(format!("Ended {}.", counted(ended, "session")), Record(vec![("sessions", Cell::count(ended))])))
}

/// The session that a text names by id or UUID.
fn find(text: &str, call: &Call) -> Result<Session, Failure> {
    let found = match text.parse::<i64>() {
        Ok(id) => sessions::get(&call.ctx(), SessionId(id)),
        Err(_) => sessions::by_uuid(&call.ctx(), text),
    };
    found.map_err(|error| match error {
        Error::NotFound(_) => unknown(Entity::Session, text, &[]),
        error => error.into(),
    })
}

fn record(session: &Session, now: Timestamp) -> Record {
    Record(vec![
        ("id", Cell::Number(session.id.0)),
        ("uuid", Cell::text(&session.uuid)),
        ("user_id", Cell::Number(session.user_id.0)),
        ("is_active", Cell::Bool(session.is_live(now))),
        ("profile", Cell::text(session.profile.as_str())),
        ("ip_address", Cell::maybe(session.ip_address)),
        ("user_agent", Cell::text(&session.user_agent)),
        ("created_at", Cell::Time(session.created_at)),
        ("expires_at", Cell::Time(session.expires_at)),
        ("ends_at", Cell::Time(session.ends_at)),
        ("ended_at", Cell::time(session.ended_at)),
        ("end_reason", Cell::maybe(session.end_reason.map(|reason| reason.as_str()))),
    ])
}
