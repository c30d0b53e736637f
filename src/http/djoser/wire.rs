//! What goes over the wire; of passwords and usernames in [`passwords`], of links in [`mails`]. A form that a setting makes
//! ask twice is a type of its own: the order of its fields is that of its complaints.

pub mod mails;
pub mod passwords;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::error::{Error, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::passwords::Password;
use crate::domain::users::User;
use crate::http::body::Sent;
use crate::http::devices::Asked;
use crate::service::me::OwnPatch;
use crate::service::registration::Registration;

/// An account; `id` only where users are addressed by it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DjoserUser")]
pub struct UserOut {
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    username: String,
}

/// The same just made, in the order of the registration.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DjoserUserCreated")]
pub struct CreatedOut {
    email: String,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
}

/// An account in the manner of S1 (S1-10).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PhoneUser")]
pub struct PhoneUserOut {
    id: i64,
    username: String,
    email: Option<String>,
    phone: Option<String>,
    is_active: bool,
    is_superuser: bool,
}

/// An account in the manner of the door.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "OwnAccount")]
pub enum AccountOut {
    /// Djoser's own.
    Stock(UserOut),
    /// S1's.
    Phone(PhoneUserOut),
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

impl UserOut {
    /// Of a user; `by_username`: without the id.
    pub fn of(user: &User, by_username: Addressed) -> Self {
        Self { email: text(user.email.as_ref()), id: by_username.id(user), username: text(user.username.as_ref()) }
    }
}

impl CreatedOut {
    /// Of a user.
    pub fn of(user: &User, by_username: Addressed) -> Self {
        Self { email: text(user.email.as_ref()), username: text(user.username.as_ref()), id: by_username.id(user) }
    }
}

/// What users are addressed by, and so shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed {
    /// By id.
    ById,
    /// By username (S3-24).
    ByUsername,
}

impl Addressed {
    fn id(self, user: &User) -> Option<i64> {
        (self == Addressed::ById).then_some(user.id.0)
    }
}

impl From<&User> for PhoneUserOut {
    fn from(user: &User) -> Self {
        // The e-mail, or the phone, or at last a name that some other door has set (S1-12, D-15).
        let username = [text(user.email.as_ref()), text(user.phone.as_ref()), text(user.username.as_ref())];
        Self {
            id: user.id.0,
            username: username.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            email: user.email.as_ref().map(ToString::to_string),
            phone: user.phone.as_ref().map(ToString::to_string),
            is_active: user.is_active,
            is_superuser: user.is_superuser,
        }
    }
}

/// A registration at `/auth/`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DjoserUserCreate")]
pub struct Create {
    /// Address; unique without case.
    #[serde(default)]
    #[schemars(length(max = 254), extend("format" = "email"))]
    pub email: Sent<String>,
    /// Letters, digits and @/./+/-/_ only.
    #[schemars(length(min = 1, max = 150), extend("format" = "django_username"))]
    pub username: String,
    /// At least 8 characters.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub password: String,
}

/// The same with the password twice.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "DjoserUserCreateRetype")]
pub struct CreateRetype {
    #[serde(flatten)]
    create: Create,
    /// The password again.
    #[schemars(length(min = 1), extend("format" = "password"))]
    re_password: String,
}

impl CreateRetype {
    /// The registration, and whether the passwords differ.
    pub fn into_parts(self) -> (Create, Twice) {
        let twice = Twice::of("password", &self.create.password, &self.re_password);
        (self.create, twice)
    }
}

/// Something that was asked for twice.
#[derive(Debug, Clone, Copy)]
pub struct Twice {
    what: &'static str,
    same: bool,
}

impl Twice {
    /// Of a form that asks once.
    pub const ONCE: Twice = Twice { what: "", same: true };

    /// Of a form that asks for this twice.
    fn of(what: &'static str, first: &str, second: &str) -> Self {
        Self { what, same: first == second }
    }

    /// Passes if both are the same. If not, the complaints of `first` come before that.
    ///
    /// # Errors
    /// Those of `first`; `Invalid("")`.
    pub fn check(self, first: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.same {
            return Ok(());
        }
        first()?;
        Err(Error::invalid("", "mismatch", format!("The two {} fields didn't match.", self.what)))
    }
}

impl Create {
    /// The registration it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_command(self) -> Result<Registration> {
        let email = self.email.0.filter(|text| !text.is_empty());
        Ok(Registration {
            email: email.map(|text| Email::parse(&text)).transpose()?,
            username: Some(Username::parse(&self.username)?),
            ..Registration::of(Password::parse("password", &self.password)?)
        })
    }
}

/// A registration at `/api/auth/`: by e-mail or phone (S1-8, S1-9).
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PhoneUserCreate")]
pub struct PhoneCreate {
    /// Address; unique without case.
    #[serde(default)]
    #[schemars(length(max = 254), extend("format" = "email"))]
    email: Sent<Option<String>>,
    /// E.164, `+` first.
    #[serde(default)]
    #[schemars(extend("format" = "phone"))]
    phone: Sent<Option<String>>,
    /// At least 8 characters.
    #[schemars(length(min = 1), extend("format" = "password"))]
    password: String,
}

impl PhoneCreate {
    /// The registration it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong; `Invalid("")` with neither.
    pub fn into_command(self) -> Result<Registration> {
        let filled = |sent: Sent<Option<String>>| sent.0.flatten().filter(|text| !text.is_empty());
        let (email, phone) = (filled(self.email), filled(self.phone));
        if email.is_none() && phone.is_none() {
            return Err(Error::invalid("", "required", "Either email or phone must be given."));
        }
        Ok(Registration {
            email: email.map(|text| Email::parse(&text)).transpose()?,
            phone: phone.map(|text| Phone::parse(&text)).transpose()?,
            ..Registration::of(Password::parse("password", &self.password)?)
        })
    }
}

/// A change of an account.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "DjoserUserUpdate")]
pub struct Update {
    /// Address; unique without case. Empty removes it.
    #[schemars(length(max = 254), extend("format" = "email"))]
    email: Sent<String>,
}

/// The same in the manner of S1.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "PhoneUserUpdate")]
pub struct PhoneUpdate {
    /// Address; unique without case. `null` removes it.
    #[schemars(length(max = 254), extend("format" = "email"))]
    email: Sent<Option<String>>,
    /// E.164, `+` first. `null` removes it.
    #[schemars(extend("format" = "phone"))]
    phone: Sent<Option<String>>,
}

impl Update {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid("email")`.
    pub fn into_patch(self) -> Result<OwnPatch> {
        let email = self.email.0.map(|text| parsed(Some(text), Email::parse)).transpose()?;
        Ok(OwnPatch { email, ..OwnPatch::default() })
    }
}

impl PhoneUpdate {
    /// The change it means.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn into_patch(self) -> Result<OwnPatch> {
        let email = self.email.0.map(|text| parsed(text, Email::parse)).transpose()?;
        let phone = self.phone.0.map(|text| parsed(text, Phone::parse)).transpose()?;
        Ok(OwnPatch { email, phone, ..OwnPatch::default() })
    }
}

/// A text as what it should be; an empty one is nothing.
fn parsed<T>(text: Option<String>, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    text.filter(|text| !text.is_empty()).map(|text| parse(&text)).transpose()
}

/// The caller's password.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "CurrentPassword")]
pub struct CurrentPassword {
    /// The caller's password.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub current_password: String,
}

/// Who wants an API token. Neither is asked for: without them it is refused as with wrong ones.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "TokenCreate")]
pub struct TokenLogin {
    /// The password.
    #[schemars(length(min = 1), extend("format" = "password"))]
    pub password: Sent<String>,
    /// E-mail, phone or username.
    #[schemars(length(min = 1))]
    pub username: Sent<String>,
    /// The device credential of an earlier sign-in; an empty text or `true` asks for the first one.
    pub device: Sent<Asked>,
}

/// An API token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuthToken")]
pub struct TokenOut {
    /// For the header `Authorization: Token …`.
    pub auth_token: String,
    /// Device credential, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// Where the lists are.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DjoserRoot")]
pub struct RootOut {
    /// Address of `users/`.
    pub users: String,
}
