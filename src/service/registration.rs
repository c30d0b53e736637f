//! Registration: an account that somebody makes for himself (S4-69, D-14).
//!
//! While accounts wait for their activation, an address that is taken must look like a free one, and nobody may inherit
//! what somebody else registered with it before: see `Standing`.

use serde_json::json;

use crate::crypto::random::uuid;
use crate::domain::error::{Conflict, Entity, Error, Refusal, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::ids::{Timestamp, UserId};
use crate::domain::one_time_tokens::Purpose;
use crate::domain::passwords::{self, Password, Person, Rules};
use crate::domain::settings::{self, Profile, Settings};
use crate::domain::users::{NewUser, Pending, User};
use crate::service::issue::{self, Issuer};
use crate::service::links::{self, Link};
use crate::service::login::SignedIn;
use crate::service::{Ctx, Env, guard};
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

impl Registration {
    /// One with this password and nothing else.
    pub fn of(password: Password) -> Self {
        Self {
            email: None,
            phone: None,
            username: None,
            password,
            first_name: String::new(),
            last_name: String::new(),
            middle_name: None,
        }
    }
}

/// What comes of it.
#[derive(Debug)]
pub enum Registered {
    /// The account is active and signed in.
    SignedIn(Box<SignedIn>),
    /// The account is active.
    Created(Box<User>),
    /// The account waits for its activation, or the address was taken and this is what it would be: the two look the same
    /// (D-14).
    Pending(Box<User>),
}

impl Registered {
    /// The account, as whoever registers is shown it.
    pub fn into_user(self) -> Box<User> {
        match self {
            Registered::SignedIn(signed) => Box::new(signed.user),
            Registered::Created(user) | Registered::Pending(user) => user,
        }
    }
}

/// How the identifiers of a registration stand to the accounts that are there.
enum Standing {
    /// Nobody has them.
    Free,
    /// An account that waits for its activation has them, and gives way to this registration.
    Replaces(Box<User>),
    /// This field is another's, and whoever registers may know.
    Taken(&'static str),
    /// This field is another's, and nobody may know.
    Hidden(&'static str),
}

/// Makes an account for whoever asks, and signs it in by the rules of a profile, if one is given.
///
/// Needs no right, only that `registration.mode` lets the address in. Writes the user, his first session with its
/// refresh token, and one `user.registered` event. With `registration.activation` on: an inactive user, the token and the
/// mail of his activation, and the event; an account with this address that was registered before and waits still is
/// deleted with all that was issued to it, and its link and password with it. If the address is taken, only the
/// event, refused; the id that is told has then been used up.
///
/// # Errors
/// - `Forbidden(RegistrationClosed)` — by the setting `registration.mode`
/// - `Invalid("password")` — weaker than the rules ask; `Invalid("")` — no identifier; `Invalid` — a name that is too long
/// - `Conflict(Taken)` — an account has this e-mail, phone or username; with activation on only of a username
/// - `Unavailable` — too many hashes are being computed, or the database cannot be written
pub fn register(ctx: &Ctx, new: Registration, profile: Option<Profile>) -> Result<Registered> {
    let env = ctx.env;
    let Registration { email, phone, username, password, first_name, last_name, middle_name } = new;
    let user = NewUser { email, phone, username, first_name, last_name, middle_name, ..NewUser::default() };
    let user = user.normalised();
    user.check()?;
    let (settings, standing) = env.store.read(|tx| {
        let settings = super::settings::of(ctx.env, tx)?;
        admit(&settings, &user)?;
        let standing = Standing::of(tx, &settings, &user)?;
        Ok((settings, standing))
    })?;
    let rules = Rules::for_account(settings.nist_passwords(), false);
    passwords::check("password", &password, rules, &Person::of(&user))?;
    if let Standing::Taken(field) = standing {
        return Err(Error::Conflict(Conflict::Taken(Entity::User, field)));
    }
    let hash = env.hasher.hash(password.as_str(), env.random.as_ref())?;
    let link = Link::draft(ctx, settings, Purpose::Activation)?;
    env.store.write(|tx| {
        // The settings may have changed while the hash was computed, and somebody else may have taken the address.
        let issuer = Issuer::read(env, tx)?;
        admit(&issuer.settings, &user)?;
        if issuer.settings.activation() {
            let waiting = NewUser { is_active: false, pending: Some(Pending::Registration), ..user.clone() };
            let standing = Standing::of(tx, &issuer.settings, &user)?;
            return wait(ctx, tx, (&waiting, &hash), (standing, &link)).map(|user| Registered::Pending(Box::new(user)));
        }
        if let Some(field) = tx.taken_identifier(&user, None)? {
            return Err(Error::Conflict(Conflict::Taken(Entity::User, field)));
        }
        let stored = insert(ctx, tx, &NewUser { is_active: true, ..user.clone() }, &hash)?;
        let Some(profile) = profile else { return Ok(Registered::Created(Box::new(stored))) };
        let pair = issue::open(ctx, &issuer, &stored, profile)?.store(ctx, tx)?;
        Ok(Registered::SignedIn(Box::new(SignedIn { user: stored, pair })))
    })
}

/// Passes if the password could be that of this registration.
///
/// # Errors
/// `Invalid("password")` — weaker than the rules ask; those of the store.
pub fn check_password(ctx: &Ctx, new: &Registration) -> Result<()> {
    let settings = super::settings::in_force(ctx.env)?;
    let Registration { email, phone, username, first_name, last_name, middle_name, .. } = new;
    let user = NewUser {
        email: email.clone(),
        phone: phone.clone(),
        username: username.clone(),
        first_name: first_name.clone(),
        last_name: last_name.clone(),
        middle_name: middle_name.clone(),
        ..NewUser::default()
    };
    let rules = Rules::for_account(settings.nist_passwords(), false);
    passwords::check("password", &new.password, rules, &Person::of(&user))
}

/// Whether somebody who registers is told that this is taken: a username always, an e-mail address unless that is kept
/// from strangers.
///
/// # Errors
/// Those of the store.
pub fn tells_taken(env: &Env, field: &str, text: &str) -> Result<bool> {
    let key = match field {
        "username" => Username::parse(text).ok().map(|username| username.key().to_owned()),
        "email" => Email::parse(text).ok().map(|email| email.key().to_owned()),
        _ => None,
    };
    let Some(key) = key else { return Ok(false) };
    env.store.read(|tx| {
        let holder = tx.user_by_keys(&[&key])?;
        let is_name = field == "username";
        let holder = holder.filter(|user| !is_name || user.username.as_ref().is_some_and(|name| name.key() == key));
        Ok(holder.is_some() && (is_name || !Settings::from_stored(tx.stored_settings()?).activation()))
    })
}

/// Lets somebody at the door, before anything that he brings is looked at: passes unless nobody at all may register, so
/// that a closed door says so before anything else (D-14), and counts him by his address, since what he is told of a name
/// tells whether it is taken (E.3).
///
/// # Errors
/// `Forbidden(RegistrationClosed)`; `TooMany` — too many came from this address; those of the store.
pub fn knock(ctx: &Ctx) -> Result<()> {
    match super::settings::in_force(ctx.env)?.registration() {
        settings::Registration::Closed => Err(Error::Forbidden(Refusal::RegistrationClosed)),
        settings::Registration::Open | settings::Registration::Domains(_) => guard::registration(ctx),
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

impl Standing {
    fn of(tx: &dyn Tx, settings: &Settings, user: &NewUser) -> Result<Self> {
        let Some(field) = tx.taken_identifier(user, None)? else { return Ok(Standing::Free) };
        if !settings.activation() {
            return Ok(Standing::Taken(field));
        }
        let before = waiting_before(tx, user)?;
        let except = before.as_ref().map(|before| before.id);
        let Some(field) = tx.taken_identifier(user, except)? else {
            return Ok(before.map_or(Standing::Free, |before| Standing::Replaces(Box::new(before))));
        };
        // Usernames are public; what only reads like another's address is as secret as the address.
        let named = user.username.as_ref().map(Username::key);
        let holder = named.map(|key| tx.user_by_keys(&[key])).transpose()?.flatten();
        let holder = holder.filter(|holder| Some(holder.id) != except);
        let same_name = holder.is_some_and(|holder| holder.username.as_ref().map(Username::key) == named);
        Ok(if same_name { Standing::Taken("username") } else { Standing::Hidden(field) })
    }
}

/// The account that was registered with this address before and waits still; by its phone if this one has no address.
/// One that was made staff or a superuser meanwhile does not give way.
fn waiting_before(tx: &dyn Tx, user: &NewUser) -> Result<Option<User>> {
    let key = user.email.as_ref().map(Email::key).or(user.phone.as_ref().map(Phone::key));
    let found = key.map(|key| tx.user_by_keys(&[key])).transpose()?.flatten();
    Ok(found.filter(|found| {
        let own = [found.email.as_ref().map(Email::key), found.phone.as_ref().map(Phone::key)];
        found.pending == Some(Pending::Registration) && !found.is_privileged() && own.contains(&key)
    }))
}

/// Makes an account that waits for its activation, or does as if.
fn wait(ctx: &Ctx, tx: &dyn Tx, new: (&NewUser, &str), then: (Standing, &Link)) -> Result<User> {
    let ((user, hash), (standing, link)) = (new, then);
    match standing {
        Standing::Taken(field) => return Err(Error::Conflict(Conflict::Taken(Entity::User, field))),
        Standing::Hidden(field) => {
            link.feign(ctx, tx, user.email.as_ref())?;
            // Also so that both answers wait for the disk: else the quick one would tell.
            let mut event = ctx.event("user.registered", "user", None, json!({ "taken": field }));
            event.result = "refused";
            tx.record(&event)?;
            return Ok(shown(burnt(ctx, tx, (user, hash))?, user, ctx.now));
        }
        Standing::Replaces(before) => {
            links::forget(tx, before.id)?;
            tx.delete_user(before.id)?;
            tx.record(&ctx.event("user.replaced", "user", Some(before.id.0), json!({"user": before.label()})))?;
        }
        Standing::Free => {}
    }
    let stored = insert(ctx, tx, user, hash)?;
    link.send(ctx, tx, &stored)?;
    Ok(stored)
}

fn insert(ctx: &Ctx, tx: &dyn Tx, user: &NewUser, hash: &str) -> Result<User> {
    let id = tx.insert_user(user, Some(hash), ctx.now)?;
    let stored = tx.user(id)?.ok_or_else(|| Error::internal("a user was inserted and is not there"))?;
    let details = json!({"user": stored.label(), "is_active": user.is_active});
    tx.record(&ctx.event("user.registered", "user", Some(id.0), details))?;
    Ok(stored)
}

/// An id that a user might have had: it is used up, so that the next account does not get it, which would tell.
fn burnt(ctx: &Ctx, tx: &dyn Tx, (user, hash): (&NewUser, &str)) -> Result<UserId> {
    let name = uuid(ctx.env.random.as_ref())?;
    let username = Some(Username::from_stored(name.clone(), name));
    let id = tx.insert_user(&NewUser { email: None, phone: None, username, ..user.clone() }, Some(hash), ctx.now)?;
    tx.delete_user(id)?;
    Ok(id)
}

/// A user as he would be stored.
fn shown(id: UserId, new: &NewUser, now: Timestamp) -> User {
    let NewUser { email, phone, username, first_name, last_name, middle_name, .. } = new.clone();
    User {
        id,
        email,
        phone,
        username,
        first_name,
        last_name,
        middle_name,
        is_active: new.is_active,
        pending: new.pending,
        is_staff: new.is_staff,
        is_superuser: new.is_superuser,
        date_joined: now,
        last_login: None,
        updated_at: now,
        force_logout_at: new.force_logout_at,
    }
}
