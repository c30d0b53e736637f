//! What goes over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::tokens::TokenPair;
use crate::http::body::Sent;
use crate::http::devices::Asked;
use crate::service::tokens::Refreshed;

/// Who wants a pair.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TokenObtain")]
pub struct Obtain {
    /// E-mail, phone or username.
    #[schemars(length(min = 1))]
    pub username: String,
    /// The password.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub password: String,
    /// The device credential of an earlier sign-in; an empty text or `true` asks for the first one.
    #[serde(default)]
    pub device: Sent<Asked>,
}

/// A pair, the refresh token first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenPair")]
pub struct PairOut {
    refresh: String,
    access: String,
    /// Device credential, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

impl PairOut {
    /// The same with a device credential, if one was asked for.
    pub fn with_device(self, device: Option<String>) -> Self {
        Self { device, ..self }
    }
}

impl From<TokenPair> for PairOut {
    fn from(pair: TokenPair) -> Self {
        Self { refresh: pair.refresh, access: pair.access, device: None }
    }
}

/// A refresh token, under either of its names (S1-19).
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TokenRefresh", extend("x-exactly-one" = ["refresh", "refresh_token"]))]
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
    pub fn into_token(self) -> String {
        self.refresh.0.or(self.refresh_token.0).unwrap_or_default()
    }
}

/// What a refresh gives; the refresh token only where the session rotates.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TokenRefreshed")]
pub struct RefreshedOut {
    access: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
}

impl From<Refreshed> for RefreshedOut {
    fn from(refreshed: Refreshed) -> Self {
        Self { access: refreshed.access, refresh: refreshed.refresh }
    }
}

/// A token of any type.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TokenVerify")]
pub struct Verify {
    /// The token.
    #[schemars(length(min = 1))]
    pub token: String,
}

/// A refresh token, or nothing.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "TokenLogout")]
pub struct Logout {
    /// The refresh token.
    #[schemars(length(min = 1))]
    refresh: Sent<String>,
    /// Another name of the same.
    #[schemars(length(min = 1))]
    refresh_token: Sent<String>,
}

impl Logout {
    /// The token, if one was sent.
    pub fn into_token(self) -> Option<String> {
        self.refresh.0.or(self.refresh_token.0)
    }
}
