//! Runtime settings: what an administrator changes while the server runs, by CLI or `settings/` (D-11, D-14).
//!
//! The one list of them is in `settings/known.rs`. A value is kept as JSON, and only if it differs from its default. How
//! the process itself is started is in `config.rs`, not here.

mod django;
mod guard;
mod kinds;
mod known;
pub mod mail;
pub mod throttling;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use chrono::TimeDelta;

use serde_json::Value;

use super::keys::Algorithm;
use throttling::{Rate, Scope, Throttling};

pub use django::{Authenticator, DjoserRules, Pagination};
pub use kinds::{Item, Kind, Setting};
pub use known::{ALL, find};
pub use values::switch;

/// Rules for tokens, one set for each of the systems that the server speaks as (D-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the profile's name in D-11")]
pub enum Profile {
    Rbac,
    Djoser,
    SimpleJwt,
    PyJwt,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 4] = [Profile::Rbac, Profile::Djoser, Profile::SimpleJwt, Profile::PyJwt];

    /// The stored text, and the first part of the keys of its settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::Rbac => "rbac",
            Profile::Djoser => "djoser",
            Profile::SimpleJwt => "simplejwt",
            Profile::PyJwt => "pyjwt",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text)
    }

    /// Whether its refresh tokens are UUIDs that are kept as hashes, not JWTs (D-11).
    pub fn refresh_is_opaque(self) -> bool {
        self == Profile::PyJwt
    }

    /// Whether its tokens carry the claim `username` (S3-32).
    pub fn names_user(self) -> bool {
        self == Profile::SimpleJwt
    }
}

/// Lifetimes and rotation of one profile (D-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRules {
    /// Life of an access token.
    pub access: Duration,
    /// Life of a refresh token.
    pub refresh: Duration,
    /// Life of a session, however often it is refreshed.
    pub session: Duration,
    /// Whether a refresh spends the refresh token and gives a new one.
    pub rotates: bool,
}

/// Who may register (D-14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
    /// Whoever has an address in one of these domains, in ASCII.
    Domains(Vec<String>),
}

/// A value out of what is stored; `None` if it is unknown or no longer valid, and so not obeyed.
pub fn read_stored(key: &str, json: &str) -> Option<Value> {
    find(key)?.accept(&serde_json::from_str(json).ok()?).ok()
}

/// All settings as they are at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    changed: BTreeMap<String, Value>,
}

impl Settings {
    /// Settings out of what is stored; what is unknown or no longer valid is left out and so has its default.
    pub fn from_stored(stored: impl IntoIterator<Item = (String, String)>) -> Self {
        let changed =
            stored.into_iter().filter_map(|(key, json)| read_stored(&key, &json).map(|value| (key, value))).collect();
        Self { changed }
    }

    /// The value of a setting.
    pub fn value(&self, setting: &Setting) -> Value {
        self.changed.get(setting.key).cloned().unwrap_or_else(|| setting.default_value())
    }

    /// Whether the setting was changed from its default.
    pub fn is_changed(&self, setting: &Setting) -> bool {
        self.changed.contains_key(setting.key)
    }

    fn get(&self, key: &str) -> &Value {
        /// The defaults, read once.
        static DEFAULTS: LazyLock<HashMap<&str, Value>> =
            LazyLock::new(|| ALL.iter().map(|setting| (setting.key, setting.default_value())).collect());
        self.changed.get(key).or_else(|| DEFAULTS.get(key)).unwrap_or(&Value::Null)
    }

    fn seconds(&self, key: &str) -> Duration {
        Duration::from_secs(self.get(key).as_u64().unwrap_or(0))
    }

    fn switch(&self, key: &str) -> bool {
        self.get(key).as_bool().unwrap_or(false)
    }

    fn text(&self, key: &str) -> String {
        self.get(key).as_str().unwrap_or("").to_owned()
    }

    /// Rules for tokens of a profile.
    pub fn token_rules(&self, profile: Profile) -> TokenRules {
        let name = profile.as_str();
        TokenRules {
            access: self.seconds(&format!("{name}.access_lifetime")),
            refresh: self.seconds(&format!("{name}.refresh_lifetime")),
            session: self.seconds(&format!("{name}.session_lifetime")),
            rotates: self.switch(&format!("{name}.rotate_refresh")),
        }
    }

    /// How long a spent refresh token gets the same successor.
    pub fn refresh_grace(&self) -> Duration {
        self.seconds("refresh.grace")
    }

    /// How long events of the audit trail are kept; for ever if there is no such time.
    pub fn audit_retention(&self) -> Option<TimeDelta> {
        let kept = TimeDelta::from_std(self.seconds("audit.retention")).ok();
        kept.filter(|kept| *kept > TimeDelta::zero())
    }

    /// Who may register.
    pub fn registration(&self) -> Registration {
        match self.get("registration.mode") {
            Value::String(word) if word == "open" => Registration::Open,
            Value::Array(items) => {
                Registration::Domains(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
            }
            _ => Registration::Closed,
        }
    }

    /// Whether a new account waits for its activation.
    pub fn activation(&self) -> bool {
        self.switch("registration.activation")
    }

    /// How long the link that activates an account is good.
    pub fn activation_lifetime(&self) -> Duration {
        self.seconds("accounts.activation_lifetime")
    }

    /// How long the link of a reset is good.
    pub fn reset_lifetime(&self) -> Duration {
        self.seconds("accounts.reset_lifetime")
    }

    /// Whether an activation is told by mail.
    pub fn confirms_activation(&self) -> bool {
        self.switch("djoser.send_confirmation_email")
    }

    /// Whether a new password is told by mail.
    pub fn confirms_password(&self) -> bool {
        self.switch("djoser.password_changed_email_confirmation")
    }

    /// Whether a new username is told by mail.
    pub fn confirms_username(&self) -> bool {
        self.switch("djoser.username_changed_email_confirmation")
    }

    /// Whether Djoser's routes tell who asks for a new password that nobody has this address.
    pub fn tells_of_unknown_password_reset(&self) -> bool {
        self.switch("djoser.password_reset_show_email_not_found")
    }

    /// Whether Djoser's routes tell who asks for a new username that nobody has this address.
    pub fn tells_of_unknown_username_reset(&self) -> bool {
        self.switch("djoser.username_reset_show_email_not_found")
    }

    /// Whether passwords follow NIST SP 800-63B-4 in place of Django.
    pub fn nist_passwords(&self) -> bool {
        self.text("password.profile") == "nist"
    }

    /// Public URL, if one is set.
    pub fn public_url(&self) -> Option<String> {
        Some(self.text("public_url")).filter(|url| !url.is_empty())
    }

    fn items(&self, key: &str) -> impl Iterator<Item = &str> {
        self.get(key).as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Origins whose pages may call the API, as browsers name them; exact, never a pattern.
    pub fn cors_origins(&self) -> Vec<&str> {
        self.items("cors.origins").collect()
    }

    /// How long a browser may keep the answer to a preflight.
    pub fn cors_max_age(&self) -> Duration {
        self.seconds("cors.max_age")
    }

    /// Rates of requests, and where their scopes apply.
    pub fn throttling(&self) -> Throttling {
        Throttling {
            rates: self.items("throttle.rates").filter_map(Rate::parse).collect(),
            scopes: self.items("throttle.scopes").filter_map(Scope::parse).collect(),
        }
    }

    /// Audience of tokens, if one is set.
    pub fn audience(&self) -> Option<String> {
        Some(self.text("tokens.audience")).filter(|audience| !audience.is_empty())
    }

    /// Words that may stand before a token in the Authorization header of the SimpleJWT and Djoser routes, the first of
    /// which is told to clients.
    pub fn auth_header_types(&self) -> Vec<String> {
        self.text("simplejwt.auth_header_types").split(',').map(str::to_owned).collect()
    }

    /// Name of the issuer of tokens of the SimpleJWT and Djoser routes, if it is not the public URL.
    pub fn issuer(&self, profile: Profile) -> Option<String> {
        let named = matches!(profile, Profile::SimpleJwt | Profile::Djoser);
        Some(self.text("simplejwt.issuer")).filter(|issuer| named && !issuer.is_empty())
    }

    /// How far the times in tokens may be off.
    pub fn leeway(&self) -> Duration {
        self.seconds("simplejwt.leeway")
    }

    /// Whether a refresh token is accepted as Bearer (D-13).
    pub fn bearer_refresh(&self) -> bool {
        self.switch("tokens.bearer_refresh")
    }

    /// Whether a password change revokes the login token that it was made with.
    pub fn logout_on_password_change(&self) -> bool {
        self.switch("djoser.logout_on_password_change")
    }

    /// Whether access tokens say where others look whether their session has ended: at a list that is served.
    pub fn status_list_enabled(&self) -> bool {
        self.switch("status_list.enabled") && !self.is_off("oauth")
    }

    /// How long a status list is believed.
    pub fn status_list_lifetime(&self) -> Duration {
        self.seconds("status_list.lifetime")
    }

    /// Algorithm of new signing keys.
    pub fn key_algorithm(&self) -> Algorithm {
        Algorithm::typed(&self.text("keys.algorithm")).unwrap_or(Algorithm::Es256)
    }

    /// How long a key signs before the server replaces it, if it does.
    pub fn key_rotation(&self) -> Option<Duration> {
        Some(self.seconds("keys.rotate_every")).filter(|every| !every.is_zero())
    }

    /// Most live sessions of one user, if there is a limit.
    pub fn sessions_per_user(&self) -> Option<u64> {
        self.get("sessions.per_user").as_u64().filter(|most| *most > 0)
    }
}
