//! What goes over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::error::Result;
use crate::domain::identifiers::{Email, Username};
use crate::domain::passwords::Password;
use crate::domain::users::{User, UserPatch};
use crate::http::body::Sent;
use crate::http::times::{Instant, Naive};
use crate::service::registration::Registration;

/// When somebody joined, with or without its zone.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "DateJoined")]
pub enum Joined {
    /// With `Z`.
    Zoned(Instant),
    /// Without, in UTC (S0-11).
    Naive(Naive),
}

/// An account (S0-10).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub struct AccountOut {
    id: i64,
    email: Option<String>,
    username: Option<String>,
    date_joined: Joined,
}

impl AccountOut {
    /// Of a user.
    pub fn of(user: &User, dates: Dates) -> Self {
        Self {
            id: user.id.0,
            email: user.email.as_ref().map(ToString::to_string),
            username: user.username.as_ref().map(ToString::to_string),
            date_joined: match dates {
                Dates::Zoned => Joined::Zoned(Instant(user.date_joined)),
                Dates::Naive => Joined::Naive(Naive(user.date_joined)),
            },
        }
    }
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// With their zone.
    Zoned,
    /// Without.
    Naive,
}

/// A registration, and a change of everything.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccountCreate")]
pub struct Create {
    /// Address; unique without case.
    #[schemars(length(min = 1, max = 254), extend("format" = "email"))]
    email: String,
    /// Spaces are allowed; unique without case.
    #[schemars(length(min = 3, max = 30), extend("format" = "username"))]
    username: String,
    /// At least 10 characters.
    #[schemars(length(min = 10, max = 128), extend("format" = "password"))]
    password: String,
}

/// A change of what is sent.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "AccountUpdate")]
pub struct Update {
    /// Address; unique without case.
    #[schemars(length(min = 1, max = 254), extend("format" = "email"))]
    email: Sent<String>,
    /// Spaces are allowed; unique without case.
    #[schemars(length(min = 3, max = 30), extend("format" = "username"))]
    username: Sent<String>,
    /// At least 10 characters.
    #[schemars(length(min = 10, max = 128), extend("format" = "password"))]
    password: Sent<String>,
}

impl Create {
    /// The registration it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<Registration> {
        Ok(Registration {
            email: Some(Email::parse(&self.email)?),
            username: Some(Username::parse(&self.username)?),
            ..Registration::of(Password::parse("password", &self.password)?)
        })
    }

    /// The change it means.
    pub fn into_update(self) -> Update {
        let some = |text| Sent(Some(text));
        Update { email: some(self.email), username: some(self.username), password: some(self.password) }
    }
}

impl Update {
    /// The change it means, and the password.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_patch(self) -> Result<(UserPatch, Option<Password>)> {
        let email = self.email.0.map(|text| Email::parse(&text)).transpose()?;
        let username = self.username.0.map(|text| Username::parse(&text)).transpose()?;
        let password = self.password.0.map(|text| Password::parse("password", &text)).transpose()?;
        Ok((UserPatch { email: email.map(Some), username: username.map(Some), ..UserPatch::default() }, password))
    }
}

/// Where the list is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountRoot")]
pub struct RootOut {
    /// Address of `account/`.
    pub account: String,
}
