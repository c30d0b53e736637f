//! New passwords and usernames.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Twice;
use crate::http::body::Sent;

/// A new password for who knows the old one.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetPassword")]
pub struct SetPassword {
    /// At least 8 characters.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub new_password: String,
    /// The password until now.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub current_password: String,
}

/// The same with the new one twice.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetPasswordRetype")]
pub struct SetPasswordRetype {
    #[schemars(length(min = 1), extend("format" = "password"))]
    new_password: String,
    #[schemars(length(min = 1), extend("format" = "password"))]
    re_new_password: String,
    #[schemars(length(min = 1), extend("format" = "password"))]
    current_password: String,
}

impl SetPasswordRetype {
    /// The change, and whether the passwords differ.
    pub fn into_parts(self) -> (SetPassword, Twice) {
        let twice = Twice::of("password", &self.new_password, &self.re_new_password);
        (SetPassword { new_password: self.new_password, current_password: self.current_password }, twice)
    }
}

/// A new password for who has a mailed link.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResetPasswordConfirm")]
pub struct ResetConfirm {
    /// Whose.
    #[schemars(length(min = 1))]
    pub uid: String,
    /// Its token.
    #[schemars(length(min = 1))]
    pub token: String,
    /// At least 8 characters.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub new_password: String,
}

/// The same with the password twice.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResetPasswordConfirmRetype")]
pub struct ResetConfirmRetype {
    #[serde(flatten)]
    confirm: ResetConfirm,
    #[schemars(length(min = 1), extend("format" = "password"))]
    re_new_password: String,
}

impl ResetConfirmRetype {
    /// The change, and whether the passwords differ.
    pub fn into_parts(self) -> (ResetConfirm, Twice) {
        let twice = Twice::of("password", &self.confirm.new_password, &self.re_new_password);
        (self.confirm, twice)
    }
}

/// A new username for who knows the password.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetUsername")]
pub struct SetUsername {
    /// The caller's password.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub current_password: String,
    /// Letters, digits and @/./+/-/_ only.
    #[schemars(length(min = 1, max = 150), extend("format" = "django_username"))]
    pub new_username: String,
}

/// The same with the name twice.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "SetUsernameRetype")]
pub struct SetUsernameRetype {
    #[serde(flatten)]
    set: SetUsername,
    #[schemars(length(min = 1))]
    re_new_username: String,
}

impl SetUsernameRetype {
    /// The change, and whether the names differ.
    pub fn into_parts(self) -> (SetUsername, Twice) {
        let twice = Twice::of("username", &self.set.new_username, &self.re_new_username);
        (self.set, twice)
    }
}

/// A new username for who has a mailed link.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResetUsernameConfirm")]
pub struct UsernameConfirm {
    /// Letters, digits and @/./+/-/_ only.
    #[schemars(length(min = 1, max = 150), extend("format" = "django_username"))]
    pub new_username: String,
    /// Whose.
    #[serde(default)]
    pub uid: Sent<String>,
    /// Its token.
    #[serde(default)]
    pub token: Sent<String>,
}

/// The same with the name twice.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ResetUsernameConfirmRetype")]
pub struct UsernameConfirmRetype {
    #[serde(flatten)]
    confirm: UsernameConfirm,
    #[schemars(length(min = 1))]
    re_new_username: String,
}

impl UsernameConfirmRetype {
    /// The change, and whether the names differ.
    pub fn into_parts(self) -> (UsernameConfirm, Twice) {
        let twice = Twice::of("username", &self.confirm.new_username, &self.re_new_username);
        (self.confirm, twice)
    }
}
