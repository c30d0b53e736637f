//! What goes over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::error::Result;
use crate::domain::identifiers::{Email, Username};
use crate::domain::passwords::Password;
use crate::domain::tokens::TokenPair;
use crate::domain::users::User;
use crate::http::body::Sent;
use crate::http::devices::Asked;
use crate::service::me::OwnPatch;
use crate::service::registration::Registration;

/// Who wants an account.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PyJwtRegister")]
pub struct Register {
    /// Address; unique without case.
    #[schemars(length(min = 1), extend("format" = "email"))]
    email: String,
    /// At least 8 characters.
    #[schemars(length(min = 1), extend("format" = "password"))]
    password: String,
}

impl Register {
    /// The registration it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<Registration> {
        Ok(Registration {
            email: Some(Email::parse(&self.email)?),
            phone: None,
            username: None,
            password: Password::parse("password", &self.password)?,
            first_name: String::new(),
            last_name: String::new(),
            middle_name: None,
        })
    }
}

/// A new account (S2-13).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PyJwtRegistered")]
pub struct RegisteredOut {
    id: i64,
    email: String,
}

impl From<User> for RegisteredOut {
    fn from(user: User) -> Self {
        Self { id: user.id.0, email: address(&user) }
    }
}

/// Who wants tokens.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PyJwtLogin")]
pub struct Login {
    /// Address, phone or username.
    #[schemars(length(min = 1))]
    pub email: String,
    /// The password.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub password: String,
    /// The device credential of an earlier sign-in; an empty text or `true` asks for the first one.
    #[serde(default)]
    pub device: Sent<Asked>,
}

/// Two tokens (S2-14, S2-16).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PyJwtPair")]
pub struct PairOut {
    access_token: String,
    refresh_token: String,
    /// Device credential, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

impl PairOut {
    /// Of these.
    pub fn new(access: String, refresh: String) -> Self {
        Self { access_token: access, refresh_token: refresh, device: None }
    }

    /// The same with a device credential, if one was asked for.
    pub fn with_device(self, device: Option<String>) -> Self {
        Self { device, ..self }
    }
}

impl From<TokenPair> for PairOut {
    fn from(pair: TokenPair) -> Self {
        Self::new(pair.access, pair.refresh)
    }
}

/// A refresh token.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PyJwtRefresh")]
pub struct Refresh {
    /// As `login/` or `refresh/` gave it.
    #[schemars(length(min = 1))]
    pub refresh_token: String,
}

/// The session is over (S2-15).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PyJwtLoggedOut")]
pub struct LoggedOut {
    success: &'static str,
}

impl Default for LoggedOut {
    fn default() -> Self {
        Self { success: "User logged out." }
    }
}

/// One's own account (S2-17).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PyJwtMe")]
pub struct MeOut {
    id: i64,
    /// Empty where there is none.
    username: String,
    /// Empty where there is none.
    email: String,
}

impl From<User> for MeOut {
    fn from(user: User) -> Self {
        let email = address(&user);
        Self { id: user.id.0, username: user.username.map(|name| name.as_str().to_owned()).unwrap_or_default(), email }
    }
}

fn address(user: &User) -> String {
    user.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default()
}

/// A change of one's own account (S2-18).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "PyJwtUpdate")]
pub struct Update {
    /// A free name; spaces are allowed. Empty: none.
    #[schemars(length(max = 150))]
    username: Sent<String>,
    /// Another address.
    #[schemars(length(min = 1), extend("format" = "email"))]
    email: Sent<String>,
}

impl Update {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<OwnPatch> {
        let username = self.username.0.map(|name| match name.as_str() {
            "" => Ok(None),
            name => Username::parse(name).map(Some),
        });
        let email = self.email.0.map(|email| Email::parse(&email).map(Some));
        Ok(OwnPatch { username: username.transpose()?, email: email.transpose()?, ..OwnPatch::default() })
    }
}

/// Where the endpoints are.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PyJwtContents")]
#[expect(missing_docs, reason = "each field is the address of the endpoint of its name")]
pub struct ContentsOut {
    pub register: String,
    pub login: String,
    pub refresh: String,
    pub logout: String,
    pub me: String,
}
