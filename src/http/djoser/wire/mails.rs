//! Who wants a link, and what a link holds.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::error::Result;
use crate::domain::identifiers::Email;

/// An address.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "EmailAddress")]
pub struct Address {
    /// Address of the account.
    #[schemars(length(min = 1), extend("format" = "email"))]
    email: String,
}

impl Address {
    /// The address.
    ///
    /// # Errors
    /// `Invalid("email")`.
    pub fn into_email(self) -> Result<Email> {
        Email::parse(&self.email)
    }
}

/// What a mailed link holds.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UidAndToken")]
pub struct UidAndToken {
    /// Whose.
    #[schemars(length(min = 1))]
    pub uid: String,
    /// Its token.
    #[schemars(length(min = 1))]
    pub token: String,
}
