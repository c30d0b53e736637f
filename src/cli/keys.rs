//! `authsrv keys`: the keys that tokens are signed and verified with. No command prints a secret, and none takes one as an
//! argument.

mod import;

use super::call::{Call, unknown};
use super::failure::Failure;
use super::lists::Fields;
use super::output::{Cell, List, Output, Record, counted};
use crate::domain::error::{Entity, Error};
use crate::domain::keys::{Algorithm, Ring, State, StoredKey};
use crate::domain::times;
use crate::service::{Ensured, keys};

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the keys that tokens are signed and verified with, oldest first
    List,
    /// Make the next key: published from now on, it signs once you rotate to it
    #[command(after_help = "Examples:\n  authsrv keys generate\n  authsrv keys generate --algorithm EdDSA")]
    Generate(Generate),
    /// Let the next key sign, and make one if there is none. It signs once it has been published for five minutes, which
    /// others may keep the published keys for; tokens of the old key stay good until they expire
    #[command(after_help = "Examples:\n  authsrv keys rotate\n  authsrv keys rotate --now")]
    Rotate(Rotate),
    /// Kill a key: tokens that it signed are refused from the next request on. If it is the one that signs, another takes
    /// its place at once. Asks first if that signs users out; an imported secret is revoked without asking
    Revoke(Name),
    /// Take the secret of a former system, so that the tokens that it signed stay good until they expire; or a private key
    /// or shared secret of one's own, to sign with
    #[command(
        after_help = "Examples:\n  authsrv keys import --hs256 --file secret.txt --for 42d\n  authsrv keys import --hs256 --secret-stdin --until 2026-12-31 < secret.txt\n  authsrv keys import --private-key --file key.pem\n\nThe secret is the value of SIMPLE_JWT's SIGNING_KEY, which is Django's SECRET_KEY if not set.\nAgain with the same secret only changes the end."
    )]
    Import(import::Import),
    /// Print public keys, for who verifies tokens without asking for them: all that are published, or one
    #[command(
        after_help = "Examples:\n  authsrv keys export-public > jwks.json\n  authsrv keys export-public --format pem > authsrv.pem\n\nAs jwk or pem it is the key that signs, if you name none."
    )]
    ExportPublic(Export),
    /// Change the master key: everything that is sealed with it is sealed anew, and the file is replaced; a running server
    /// follows. Copies of the database made before open with the old key only: keep a copy of it with them
    Reseal,
}

/// Options of `keys generate`.
#[derive(Debug, clap::Args)]
pub struct Generate {
    /// How it signs: ES256, EdDSA, RS256 or HS256 [default: the setting keys.algorithm]
    #[arg(long, short, value_name = "NAME", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
}

/// Options of `keys rotate`.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The next key to take, if there are several [default: the newest]
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// Sign with it at once: who keeps the published keys refuses new tokens until he asks for them again
    #[arg(long)]
    now: bool,
}

/// A key.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Name {
    /// The key's kid, as `keys list` shows it; it may begin with a hyphen
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    kid: String,
}

/// Options of `keys export-public`.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The key's kid, as `keys list` shows it
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// jwks (RFC 7517), jwk, or pem [default: jwk with a KID, else jwks]
    #[arg(long, value_enum, value_name = "FORM", hide_possible_values = true)]
    format: Option<Form>,
}

/// How public keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Jwk,
    Jwks,
    Pem,
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::typed(text).ok_or_else(|| "enter ES256, EdDSA, RS256 or HS256".to_owned())
}

/// Runs one of them.
pub fn run(command: Command, call: &Call) -> Result<Output<'_>, Failure> {
    match command {
        Command::List => list(call),
        Command::Generate(args) => generate(&args, call),
        Command::Rotate(args) => rotate(&args, call),
        Command::Revoke(args) => revoke(&args.kid, call),
        Command::Import(args) => import::run(&args, call),
        Command::ExportPublic(args) => export(&args, call),
        Command::Reseal => reseal(call),
    }
}

const ALL: &[&str] = &[
    "kid",
    "algorithm",
    "state",
    "signs",
    "is_imported",
    "is_active",
    "created_at",
    "signs_from",
    "expires_at",
    "revoked_at",
];

const FIELDS: Fields =
    Fields { all: ALL, usual: ALL, table: &["kid", "state", "algorithm", "created_at", "signs_from", "expires_at"] };

fn list(call: &Call) -> Result<Output<'_>, Failure> {
    let ring = keys::list(&call.ctx())?;
    let mut page = Some(ring.keys().iter().map(|key| record(&ring, key)).collect());
    let columns = FIELDS.usual(call.format, "-o json");
    Ok(Output::many(List { columns, none: "No keys.", pages: Box::new(move || Ok(page.take())) }))
}

fn generate<'a>(args: &Generate, call: &'a Call) -> Result<Output<'a>, Failure> {
    let (key, text) = match keys::generate(&call.ctx(), args.algorithm)? {
        Ensured::Created(key) => (key, "Made the next key"),
        Ensured::Unchanged(key) | Ensured::Differs(key, _) => (key, "There is a next key already:"),
    };
    let output =
        Output::done(format!("{text} {} ({}).", key.kid, key.algorithm), record(&keys::list(&call.ctx())?, &key));
    let output = if key.is_symmetric() {
        output.with_note("It is a shared secret: it is not published, and only this server can verify by it.")
    } else {
        output
    };
    Ok(match key.signs_from {
        Some(from) => output.with_note(format!("It signs from {} on.", times::written(from))),
        None => output.with_note(format!("It signs once you rotate to it: {}", call.command("keys rotate"))),
    })
}

fn rotate<'a>(args: &Rotate, call: &'a Call) -> Result<Output<'a>, Failure> {
    let when = if args.now { keys::When::Now } else { keys::When::Published };
    let rotated =
        keys::rotate(&call.ctx(), args.kid.as_deref(), when).map_err(|error| named(error, args.kid.as_deref()))?;
    let ring = keys::list(&call.ctx())?;
    let (kid, from) = (&rotated.key.kid, rotated.key.signs_from.unwrap_or(call.ctx().now));
    let at = times::written(from);
    let text = match (ring.state(&rotated.key), rotated.known) {
        (State::Current, _) => format!("Key {kid} signs from now on."),
        (_, true) => format!("It is decided already: key {kid} signs from {at} on."),
        (_, false) => format!("Key {kid} is published, and signs from {at} on."),
    };
    let output = Output::done(text, record(&ring, &rotated.key));
    let Some(previous) = rotated.previous else { return Ok(output) };
    Ok(output.with_note(format!("Tokens of key {previous} stay good until they expire.")))
}

fn revoke<'a>(kid: &str, call: &'a Call) -> Result<Output<'a>, Failure> {
    let ring = keys::list(&call.ctx())?;
    let key = ring.key(kid).ok_or_else(|| unknown(Entity::Key, kid, &[]))?;
    if matches!(ring.state(key), State::Current | State::Retiring) {
        let question =
            "Every token that this key signed is refused from then on, and users must sign in again. Revoke it?";
        call.prompt.confirm(question)?;
    }
    let revoked = keys::revoke(&call.ctx(), kid).map_err(|error| named(error, Some(kid)))?;
    let text = if revoked.revoked { "Revoked key" } else { "Had been revoked already: key" };
    let successor = revoked.successor.as_ref().map(|key| &key.kid);
    let record = Record(vec![
        ("kid", Cell::text(kid)),
        ("revoked", Cell::Bool(revoked.revoked)),
        ("successor", Cell::maybe(successor)),
    ]);
    let output = Output::done(format!("{text} {kid}."), record);
    Ok(match successor {
        Some(successor) => output.with_note(format!("Key {successor} signs from now on.")),
        None => output,
    })
}

fn export<'a>(args: &Export, call: &'a Call) -> Result<Output<'a>, Failure> {
    let form = args.format.unwrap_or(if args.kid.is_some() { Form::Jwk } else { Form::Jwks });
    let ctx = call.ctx();
    if let (Form::Jwks, None) = (form, &args.kid) {
        return Ok(Output::bytes(format!("{:#}\n", keys::public_jwks(&call.env)?).into_bytes()));
    }
    let key = keys::public(&ctx, args.kid.as_deref()).map_err(|error| named(error, args.kid.as_deref()))?;
    let jwk = || serde_json::from_str::<serde_json::Value>(&key.public_jwk).map_err(Error::internal);
    let text = match form {
        Form::Jwk => format!("{:#}\n", jwk()?),
        Form::Jwks => format!("{:#}\n", serde_json::json!({"keys": [jwk()?]})),
        Form::Pem => keys::pem(&key)?,
    };
    Ok(Output::bytes(text.into_bytes()))
}

fn reseal(call: &Call) -> Result<Output<'_>, Failure> {
    let resealed = keys::reseal(&call.ctx())?;
    let all = [counted(resealed.keys, "key"), counted(resealed.secrets, "secret"), counted(resealed.mails, "mail")];
    let record = Record(vec![
        ("keys", Cell::count(resealed.keys)),
        ("secrets", Cell::count(resealed.secrets)),
        ("mails", Cell::count(resealed.mails)),
    ]);
    let output = Output::done(format!("Changed the master key: sealed {} anew.", all.join(", ")), record);
    Ok(output.with_note("Copies of the database made before open with the old master key only."))
}

/// The failure of something that was asked for by a kid.
fn named(error: Error, kid: Option<&str>) -> Failure {
    match (error, kid) {
        (Error::NotFound(_), Some(kid)) => unknown(Entity::Key, kid, &[]),
        (error, _) => error.into(),
    }
}

fn record(ring: &Ring, key: &StoredKey) -> Record {
    let state = ring.state(key);
    Record(vec![
        ("kid", Cell::text(&key.kid)),
        ("algorithm", Cell::text(&key.algorithm)),
        ("state", Cell::text(state.as_str())),
        ("signs", Cell::Bool(state == State::Current)),
        ("is_imported", Cell::Bool(key.is_imported())),
        ("is_active", Cell::Bool(!matches!(state, State::Revoked | State::Expired))),
        ("created_at", Cell::Time(key.created_at)),
        ("signs_from", Cell::time(key.signs_from)),
        ("expires_at", Cell::time(ring.ends_at(key))),
        ("revoked_at", Cell::time(key.revoked_at)),
    ])
}
