//! Users: the people and programs that sign in.

use super::error::{Error, FieldError, Result};
use super::identifiers::{Email, Phone, Username};
use super::ids::{Timestamp, UserId};

/// Longest first, last or middle name, in characters (S4-34).
pub const NAME_MAX: usize = 150;

/// Why an account waits for its activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// It was made by whoever registered; nobody has proved yet that the address is his.
    Registration,
    /// Its address was changed, and the new one is not proved yet.
    Address,
}

impl Pending {
    /// The stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Pending::Registration => "registration",
            Pending::Address => "address",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        [Pending::Registration, Pending::Address].into_iter().find(|pending| pending.as_str() == text)
    }
}

/// One account. At least one of `email`, `phone` and `username` is set (D-15). The password hash is not part of it: it
/// is read on its own, by whoever verifies passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never reused, not even after a deletion.
    pub id: UserId,
    /// Address as registered, trimmed.
    pub email: Option<Email>,
    /// E.164.
    pub phone: Option<Phone>,
    /// Free name to sign in by.
    pub username: Option<Username>,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Whether any credential of this user is accepted.
    pub is_active: bool,
    /// Whether he may let himself in by a mailed link, and why he must; always none for one who is active.
    pub pending: Option<Pending>,
    /// Whether the admin pages let him in; gives no right (D-8).
    pub is_staff: bool,
    /// Passes every check (D-8).
    pub is_superuser: bool,
    /// When the account was made.
    pub date_joined: Timestamp,
    /// Last sign-in with a password.
    pub last_login: Option<Timestamp>,
    /// Last change of the profile (S4-37).
    pub updated_at: Timestamp,
    /// Everything issued before this instant is void once the instant has come (S4-35, D-10).
    pub force_logout_at: Option<Timestamp>,
}

impl User {
    /// What to call this user in texts: e-mail, else phone, else username.
    pub fn label(&self) -> &str {
        self.email
            .as_ref()
            .map(Email::as_str)
            .or(self.phone.as_ref().map(Phone::as_str))
            .or(self.username.as_ref().map(Username::as_str))
            .unwrap_or("")
    }

    /// By what this user is most likely to sign in: username, else e-mail, else phone.
    pub fn sign_in_name(&self) -> &str {
        self.username.as_ref().map_or_else(|| self.label(), Username::as_str)
    }

    /// Whether the account has more power than its roles give: staff and superusers.
    pub fn is_privileged(&self) -> bool {
        self.is_staff || self.is_superuser
    }
}

/// What a new account starts with; the password comes beside it, hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct NewUser {
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub username: Option<Username>,
    pub first_name: String,
    pub last_name: String,
    pub middle_name: Option<String>,
    pub is_active: bool,
    pub pending: Option<Pending>,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub force_logout_at: Option<Timestamp>,
}

impl NewUser {
    /// Whether the account will be staff's or a superuser's.
    pub fn is_privileged(&self) -> bool {
        self.is_staff || self.is_superuser
    }

    /// What an account would be made from anew.
    pub fn of(user: &User) -> Self {
        Self {
            email: user.email.clone(),
            phone: user.phone.clone(),
            username: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            middle_name: user.middle_name.clone(),
            is_active: user.is_active,
            pending: user.pending,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            force_logout_at: user.force_logout_at,
        }
    }

    /// The same with its names as they are kept: white space around them is no part of them, and an empty middle name
    /// is none.
    #[must_use]
    pub fn normalised(self) -> Self {
        Self {
            first_name: trimmed(self.first_name),
            last_name: trimmed(self.last_name),
            middle_name: filled(self.middle_name),
            ..self
        }
    }

    /// Passes if the account can be told from others and its names fit.
    ///
    /// # Errors
    /// `Invalid` with code `required` (no e-mail, phone or username; no field) or `max_length` ([`NAME_MAX`]).
    pub fn check(&self) -> Result<()> {
        if self.email.is_none() && self.phone.is_none() && self.username.is_none() {
            let message = "An account needs an e-mail address, a phone number or a username.";
            return Err(Error::invalid("", "required", message));
        }
        names_fit([Some(&self.first_name), Some(&self.last_name), self.middle_name.as_ref()])
    }
}

/// A change of an account: `None` leaves a field as it is; `Some(None)` empties one that can be empty.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct UserPatch {
    pub email: Option<Option<Email>>,
    pub phone: Option<Option<Phone>>,
    pub username: Option<Option<Username>>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub middle_name: Option<Option<String>>,
    pub is_active: Option<bool>,
    pub is_staff: Option<bool>,
    pub is_superuser: Option<bool>,
    pub force_logout_at: Option<Option<Timestamp>>,
}

impl UserPatch {
    /// The same with its names as they are kept; see [`NewUser::normalised`].
    #[must_use]
    pub fn normalised(self) -> Self {
        Self {
            first_name: self.first_name.map(trimmed),
            last_name: self.last_name.map(trimmed),
            middle_name: self.middle_name.map(filled),
            ..self
        }
    }

    /// A new account of these values, active unless they say otherwise.
    pub fn into_new(self) -> NewUser {
        NewUser {
            email: self.email.flatten(),
            phone: self.phone.flatten(),
            username: self.username.flatten(),
            first_name: self.first_name.unwrap_or_default(),
            last_name: self.last_name.unwrap_or_default(),
            middle_name: self.middle_name.flatten(),
            is_active: self.is_active.unwrap_or(true),
            pending: None,
            is_staff: self.is_staff.unwrap_or(false),
            is_superuser: self.is_superuser.unwrap_or(false),
            force_logout_at: self.force_logout_at.flatten(),
        }
    }

    /// Passes if the names fit.
    ///
    /// # Errors
    /// `Invalid` with code `max_length` ([`NAME_MAX`]).
    pub fn check(&self) -> Result<()> {
        let middle_name = self.middle_name.as_ref().and_then(Option::as_ref);
        names_fit([self.first_name.as_ref(), self.last_name.as_ref(), middle_name])
    }
}

/// A text as it is kept: white space around it is no part of it.
pub(super) fn trimmed(text: String) -> String {
    match text.trim() {
        all if all.len() == text.len() => text,
        part => part.to_owned(),
    }
}

/// A text that may be absent: an empty one is.
pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.map(trimmed).filter(|text| !text.is_empty())
}

/// First, last and middle name.
fn names_fit(names: [Option<&String>; 3]) -> Result<()> {
    let named = ["first_name", "last_name", "middle_name"].into_iter().zip(names);
    let long = named.filter(|(_, name)| name.is_some_and(|name| name.chars().count() > NAME_MAX));
    let faults: Vec<FieldError> = long.map(|(field, _)| FieldError::too_long(field, NAME_MAX)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
