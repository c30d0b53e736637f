//! Users over the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RefIn;
use crate::domain::error::{Error, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::ids::Timestamp;
use crate::domain::passwords::Password;
use crate::domain::users::{User, UserPatch};
use crate::http::body::{ReadOnly, Sent};
use crate::http::times::{self, Instant};
use crate::service::Ref;
use crate::service::me::Names;
use crate::service::users::{Account, AccountPatch, NewAccount};

/// A user: every column but the password.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub struct UserOut {
    /// Never used again for another.
    pub id: i64,
    /// Address.
    pub email: Option<String>,
    /// E.164: `+` and digits.
    pub phone: Option<String>,
    /// Free name to sign in by.
    pub username: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Whether the user's credentials are accepted.
    pub is_active: bool,
    /// Whether the admin pages let the user in; gives no right.
    pub is_staff: bool,
    /// Passes every check.
    pub is_superuser: bool,
    /// When the account was made.
    pub date_joined: Instant,
    /// Last sign-in with a password.
    pub last_login: Option<Instant>,
    /// Last change of the profile.
    pub updated_at: Instant,
    /// Everything issued before this instant is void.
    pub force_logout_at: Option<Instant>,
    /// Ids of the user's roles.
    pub roles: Vec<i64>,
}

impl From<Account> for UserOut {
    fn from(Account { user, roles }: Account) -> Self {
        Self {
            id: user.id.0,
            email: user.email.map(|email| email.as_str().to_owned()),
            phone: user.phone.map(|phone| phone.as_str().to_owned()),
            username: user.username.map(|username| username.as_str().to_owned()),
            first_name: user.first_name,
            last_name: user.last_name,
            middle_name: user.middle_name,
            is_active: user.is_active,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            date_joined: Instant(user.date_joined),
            last_login: user.last_login.map(Instant),
            updated_at: Instant(user.updated_at),
            force_logout_at: user.force_logout_at.map(Instant),
            roles: roles.into_iter().map(|role| role.0).collect(),
        }
    }
}

/// The user of an answer to a sign-in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SignedInUser")]
pub struct BriefUserOut {
    /// Never used again for another.
    pub id: i64,
    /// Address.
    pub email: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

impl From<User> for BriefUserOut {
    fn from(user: User) -> Self {
        let email = user.email.map(|email| email.as_str().to_owned());
        Self { id: user.id.0, email, first_name: user.first_name, last_name: user.last_name }
    }
}

/// What can be written of a user but the password. The last four keys are taken and not looked at.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UserFields {
    /// Address; unique without case. `null` removes it.
    #[schemars(length(min = 1), extend("format" = "email"))]
    email: Sent<Option<String>>,
    /// E.164, beginning with `+`; written with blanks, brackets or hyphens it is the same number. `null` removes it.
    #[schemars(length(min = 1), extend("format" = "phone"))]
    phone: Sent<Option<String>>,
    /// Free name to sign in by; unique without case. `null` removes it.
    #[schemars(length(min = 1), extend("format" = "username"))]
    username: Sent<Option<String>>,
    /// First name.
    #[schemars(length(max = 150))]
    first_name: Sent<String>,
    /// Last name.
    #[schemars(length(max = 150))]
    last_name: Sent<String>,
    /// Middle name.
    #[schemars(length(max = 150))]
    middle_name: Sent<Option<String>>,
    /// Whether the user's credentials are accepted.
    is_active: Sent<bool>,
    /// Whether the admin pages let the user in. Only superusers may write it.
    is_staff: Sent<bool>,
    /// Passes every check. Only superusers may write it.
    is_superuser: Sent<bool>,
    /// Makes everything void that was issued before this instant.
    #[schemars(extend("format" = "date-time"))]
    force_logout_at: Sent<Option<String>>,
    /// Roles, by id or code name: all that the user is to have.
    #[schemars(length(max = 1000))]
    roles: Sent<Vec<RefIn>>,
    id: ReadOnly,
    date_joined: ReadOnly,
    last_login: ReadOnly,
    updated_at: ReadOnly,
}

/// A user to make.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("x-at-least-one" = ["email", "phone", "username"]))]
pub struct UserCreate {
    #[serde(flatten)]
    fields: UserFields,
    /// At least 8 characters, 12 for staff and superusers.
    #[schemars(length(min = 1), extend("format" = "password"))]
    password: String,
}

/// A user to change: what is left out stays as it is, but an identifier must be there.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("x-at-least-one" = ["email", "phone", "username"]))]
pub struct UserReplace {
    #[serde(flatten)]
    change: UserUpdate,
}

/// A user to change: what is left out stays as it is.
#[derive(Deserialize, JsonSchema)]
pub struct UserUpdate {
    #[serde(flatten)]
    fields: UserFields,
    /// A new password; ends the user's sessions.
    #[serde(default)]
    #[schemars(length(min = 1), extend("format" = "password"))]
    password: Sent<String>,
}

/// One's own names to change; no other key is taken.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NamesUpdate {
    /// First name.
    #[schemars(length(max = 150))]
    first_name: Sent<String>,
    /// Last name.
    #[schemars(length(max = 150))]
    last_name: Sent<String>,
    /// Middle name.
    #[schemars(length(max = 150))]
    middle_name: Sent<Option<String>>,
}

impl NamesUpdate {
    /// The change it means.
    pub fn into_command(self) -> Names {
        Names { first_name: self.first_name.0, last_name: self.last_name.0, middle_name: self.middle_name.0 }
    }
}

impl UserFields {
    /// The change, and the roles to have.
    fn into_patch(self) -> Result<(UserPatch, Option<Vec<Ref>>)> {
        let patch = UserPatch {
            email: read(self.email, Email::parse)?,
            phone: read(self.phone, Phone::parse)?,
            username: read(self.username, Username::parse)?,
            first_name: self.first_name.0,
            last_name: self.last_name.0,
            middle_name: self.middle_name.0,
            is_active: self.is_active.0,
            is_staff: self.is_staff.0,
            is_superuser: self.is_superuser.0,
            force_logout_at: read(self.force_logout_at, instant)?,
        };
        Ok((patch, self.roles.0.map(|roles| roles.into_iter().map(Ref::from).collect())))
    }
}

impl UserCreate {
    /// The account it means; active unless it says otherwise.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<NewAccount> {
        let password = Password::parse("password", &self.password)?;
        let (patch, roles) = self.fields.into_patch()?;
        let profile = patch.into_new();
        Ok(NewAccount { profile, password: Some(password), roles: roles.unwrap_or_default() })
    }
}

impl UserUpdate {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<AccountPatch> {
        let password = self.password.0.map(|text| Password::parse("password", &text)).transpose()?;
        let (profile, roles) = self.fields.into_patch()?;
        Ok(AccountPatch { profile, password, roles })
    }
}

impl UserReplace {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<AccountPatch> {
        self.change.into_command()
    }
}

fn read<T>(sent: Sent<Option<String>>, parse: impl Fn(&str) -> Result<T>) -> Result<Option<Option<T>>> {
    sent.0.map(|text| text.as_deref().map(parse).transpose()).transpose()
}

fn instant(text: &str) -> Result<Timestamp> {
    times::parse(text).ok_or_else(|| Error::invalid("force_logout_at", "invalid", times::WRONG_FORMAT))
}
