//! Signing in and out, over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::users::BriefUserOut;
use crate::domain::error::{Error, Result};
use crate::domain::identifiers::Email;
use crate::domain::passwords::Password;
use crate::http::body::Sent;
use crate::http::devices::Asked;
use crate::service::login::SignedIn;
use crate::service::registration::{Registered, Registration};
use crate::service::tokens::Refreshed;

/// A registration.
#[derive(Deserialize, JsonSchema)]
pub struct Register {
    /// Address; unique without case.
    #[schemars(length(min = 1), extend("format" = "email"))]
    email: String,
    /// At least 8 characters.
    #[schemars(length(min = 1), extend("format" = "password"))]
    password: String,
    /// The password again.
    #[schemars(length(min = 1), extend("format" = "password"))]
    password2: String,
    /// First name.
    #[serde(default)]
    #[schemars(length(max = 150))]
    first_name: Sent<String>,
    /// Last name.
    #[serde(default)]
    #[schemars(length(max = 150))]
    last_name: Sent<String>,
    /// Middle name.
    #[serde(default)]
    #[schemars(length(max = 150))]
    middle_name: Sent<Option<String>>,
}

impl Register {
    /// The registration it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong; `password2` when the two passwords differ.
    pub fn into_command(self) -> Result<Registration> {
        if self.password != self.password2 {
            return Err(Error::invalid("password2", "password_mismatch", "The two passwords do not match."));
        }
        Ok(Registration {
            email: Some(Email::parse(&self.email)?),
            phone: None,
            username: None,
            password: Password::parse("password", &self.password)?,
            first_name: self.first_name.0.unwrap_or_default(),
            last_name: self.last_name.0.unwrap_or_default(),
            middle_name: self.middle_name.0.flatten(),
        })
    }
}

/// A sign-in: a password, and one of the three that say whose.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("x-exactly-one" = ["email", "username", "phone"]))]
pub struct Login {
    /// Address, phone or username.
    #[serde(default)]
    #[schemars(length(min = 1))]
    email: Sent<String>,
    /// Address, phone or username.
    #[serde(default)]
    #[schemars(length(min = 1))]
    username: Sent<String>,
    /// Address, phone or username.
    #[serde(default)]
    #[schemars(length(min = 1))]
    phone: Sent<String>,
    /// The password.
    #[schemars(length(min = 1), extend("format" = "password"))]
    password: String,
    /// The device credential of an earlier sign-in; an empty text or `true` asks for the first one.
    #[serde(default)]
    device: Sent<Asked>,
}

impl Login {
    /// Identifier, password and device.
    pub fn into_command(self) -> (String, String, Asked) {
        let identifier = self.email.0.or(self.username.0).or(self.phone.0).unwrap_or_default();
        (identifier, self.password, self.device.0.unwrap_or_default())
    }
}

/// A refresh token, under either of its names.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("x-exactly-one" = ["refresh", "refresh_token"]))]
pub struct Refresh {
    /// The refresh token.
    #[serde(default)]
    #[schemars(length(min = 1))]
    refresh: Sent<String>,
    /// Another name of the same.
    #[serde(default)]
    #[schemars(length(min = 1))]
    refresh_token: Sent<String>,
}

impl Refresh {
    /// The token.
    pub fn into_command(self) -> String {
        self.refresh.0.or(self.refresh_token.0).unwrap_or_default()
    }
}

/// A refresh token, or nothing.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Logout {
    /// The refresh token.
    #[schemars(length(min = 1))]
    refresh: Sent<String>,
    /// Another name of the same.
    #[schemars(length(min = 1))]
    refresh_token: Sent<String>,
}

impl Logout {
    /// The token, if there is one.
    pub fn into_command(self) -> Option<String> {
        self.refresh.0.or(self.refresh_token.0)
    }
}

/// A change of one's own password.
#[derive(Deserialize, JsonSchema)]
pub struct PasswordChange {
    /// The password as it is.
    #[schemars(length(min = 1), extend("format" = "password"))]
    current_password: String,
    /// The password as it is to be.
    #[schemars(length(min = 1), extend("format" = "password"))]
    new_password: String,
    /// The new one again, if given.
    #[serde(default)]
    #[schemars(length(min = 1), extend("format" = "password"))]
    new_password2: Sent<String>,
}

impl PasswordChange {
    /// The current password and the new one.
    ///
    /// # Errors
    /// `Invalid("new_password2")` when the two new ones differ; `Invalid("new_password")`.
    pub fn into_command(self) -> Result<(String, Password)> {
        if self.new_password2.0.is_some_and(|again| again != self.new_password) {
            return Err(Error::invalid("new_password2", "password_mismatch", "The two passwords do not match."));
        }
        Ok((self.current_password, Password::parse("new_password", &self.new_password)?))
    }
}

/// Tokens and the user whom they are for.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SignedIn")]
pub struct SignedInOut {
    /// Access token, for the header `Authorization: Bearer …`.
    pub access: String,
    /// Refresh token; good once.
    pub refresh: String,
    /// Who signed in.
    pub user: BriefUserOut,
    /// Device credential, if one was asked for: shown at later sign-ins, it keeps its holder from being refused because
    /// others guess the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl From<SignedIn> for SignedInOut {
    fn from(signed: SignedIn) -> Self {
        Self { access: signed.pair.access, refresh: signed.pair.refresh, user: signed.user.into(), device: None }
    }
}

/// What comes of a registration.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Registered")]
pub enum RegisteredOut {
    /// The account is active and signed in.
    SignedIn(SignedInOut),
    /// The account waits for its activation.
    Pending {
        /// Sentence for people.
        detail: &'static str,
        /// `activation_required`.
        code: &'static str,
    },
}

impl From<Registered> for RegisteredOut {
    fn from(registered: Registered) -> Self {
        match registered {
            Registered::SignedIn(signed) => RegisteredOut::SignedIn((*signed).into()),
            // Without a session there is nothing else to show; `register/` always asks for one.
            Registered::Created(_) | Registered::Pending(_) => RegisteredOut::Pending {
                detail: "The account must be activated before it can be used.",
                code: "activation_required",
            },
        }
    }
}

/// Fresh tokens.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Refreshed")]
pub struct RefreshedOut {
    /// Access token.
    pub access: String,
    /// The refresh token to use from now on; absent where the old one stays good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
}

impl From<Refreshed> for RefreshedOut {
    fn from(Refreshed { access, refresh }: Refreshed) -> Self {
        Self { access, refresh }
    }
}

/// How many sessions were ended.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Revoked")]
pub struct RevokedOut {
    /// Sessions ended.
    pub revoked: u64,
}
