//! Registration: an account that somebody makes for himself (S4-69, D-14).

use serde_json::json;

use crate::domain::error::{Conflict, Entity, Error, Refusal, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::settings::{self, Profile, Settings};
use crate::domain::users::NewUser;
use crate::service::issue::{self, Issuer};
use crate::service::login::SignedIn;
use crate::service::{Ctx, Env};
use crate::store::Tx;

/// What somebody registers with; at least one of the three identifiers.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Registration {
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub username: Option<Username>,
    pub password: Password,
    pub first_name: String,
    pub last_name: String,
    pub middle_name: Option<String>,
}

/// What comes of it.
#[derive(Debug)]
pub enum Registered {
    /// The account is active and signed in.
    SignedIn(Box<SignedIn>),
    /// The account waits for its activation, or the address was taken: the two look the same (D-14).
    Pending,
}

/// Makes an account for whoever asks and signs it in.
///
/// Needs no right, only that `registration.mode` lets the address in. Writes the user, his first session with its
/// refresh token, and one `user.registered` event; with `registration.activation` on, an inactive user and the event, or
/// only the event, refused, if the address is taken.
///
/// # Errors
/// - `Forbidden(RegistrationClosed)` — by the setting `registration.mode`
/// - `Invalid("password")` — weaker than the rules ask; `Invalid("")` — no identifier; `Invalid` — a name that is too long
/// - `Conflict(Taken)` — an account has this e-mail, phone or username; not with activation on
/// - `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn register(ctx: &Ctx, new: Registration, profile: Profile) -> Result<Registered> {
    let env = ctx.env;
    let Registration { email, phone, username, password, first_name, last_name, middle_name } = new;
    let user = NewUser { email, phone, username, first_name, last_name, middle_name, ..NewUser::default() };
    let mut user = user.normalised();
    user.check()?;
    let (issuer, taken) = env.store.read(|tx| {
        let issuer = Issuer::read(env, tx)?;
        admit(&issuer.settings, &user)?;
        Ok((issuer, tx.taken_identifier(&user, None)?))
    })?;
    let rules = Rules::for_account(issuer.settings.nist_passwords(), false);
    passwords::check("password", &password, rules, &Person::of(&user))?;
    user.is_active = !issuer.settings.activation();
    if let (Some(field), true) = (taken, user.is_active) {
        return Err(Error::Conflict(Conflict::Taken(Entity::User, field)));
    }
    let hash = env.hasher.hash(password.as_str(), env.random.as_ref())?;
    env.store.write(|tx| store(ctx, tx, &user, &hash, profile))
}

/// Passes unless nobody at all may register, so that a closed door says so before anything else (D-14).
///
/// # Errors
/// `Forbidden(RegistrationClosed)`, and those of the store.
pub fn is_open(env: &Env) -> Result<()> {
    match Settings::from_stored(env.store.read(|tx| tx.stored_settings())?).registration() {
        settings::Registration::Closed => Err(Error::Forbidden(Refusal::RegistrationClosed)),
        settings::Registration::Open | settings::Registration::Domains(_) => Ok(()),
    }
}

/// Whether the settings let this person register.
fn admit(settings: &Settings, user: &NewUser) -> Result<()> {
    let closed = Err(Error::Forbidden(Refusal::RegistrationClosed));
    match settings.registration() {
        settings::Registration::Open => Ok(()),
        settings::Registration::Closed => closed,
        settings::Registration::Domains(domains) => {
            let domain = user.email.as_ref().map(Email::domain);
            if domains.iter().any(|listed| Some(listed.as_str()) == domain) { Ok(()) } else { closed }
        }
    }
}

fn store(ctx: &Ctx, tx: &dyn Tx, user: &NewUser, hash: &str, profile: Profile) -> Result<Registered> {
    // The settings may have changed while the hash was computed, and somebody else may have taken the address.
    let issuer = Issuer::read(ctx.env, tx)?;
    admit(&issuer.settings, user)?;
    let user = &NewUser { is_active: !issuer.settings.activation(), ..user.clone() };
    if let Some(field) = tx.taken_identifier(user, None)? {
        if user.is_active {
            return Err(Error::Conflict(Conflict::Taken(Entity::User, field)));
        }
        // Also so that both answers wait for the disk: else the quick one would tell.
        let mut event = ctx.event("user.registered", "user", None, json!({ "taken": field }));
        event.result = "refused";
        tx.record(&event)?;
        return Ok(Registered::Pending);
    }
    let id = tx.insert_user(user, Some(hash), ctx.now)?;
    let stored = tx.user(id)?.ok_or_else(|| Error::internal("a user was inserted and is not there"))?;
    let details = json!({"user": stored.label(), "is_active": user.is_active});
    tx.record(&ctx.event("user.registered", "user", Some(id.0), details))?;
    if !user.is_active {
        return Ok(Registered::Pending);
    }
    let pair = issue::open(ctx, &issuer, id, profile)?.store(ctx, tx)?;
    Ok(Registered::SignedIn(Box::new(SignedIn { user: stored, pair })))
}
