//! New passwords: what a password is, and which ones are refused (D-16, R-2, R-3).
//!
//! The texts and the arithmetic are Django's. Hashing and verifying is not done here: that is `crypto`. Start at
//! [`check`].

use std::cmp::Ordering;
use std::fmt;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::error::{Error, FieldError, Result};
use super::identifiers::{Email, Phone, Username};
use super::users::NewUser;

/// Longest password, in code points; hence at most 512 bytes.
pub const PASSWORD_MAX: usize = 128;
/// Longest password before its normalisation, in bytes: 128 code points that each are typed as several.
const TYPED_MAX: usize = 2048;
/// Least length for ordinary accounts, in code points (D-16).
const MINIMUM: usize = 8;
/// Least length for staff and superusers, in code points (D-16).
const MINIMUM_PRIVILEGED: usize = 12;
/// Least length where the password is the only factor, in code points (NIST SP 800-63B-4, 3.1.1.2).
const MINIMUM_NIST: usize = 15;
/// From this share of common characters on, a password is too similar (Django's `max_similarity`).
const SIMILARITY_MAX: f64 = 0.7;
/// As much of an attribute is compared, in characters: the longest that can be stored.
const ATTRIBUTE_MAX: usize = 150;
/// Words that make no password, however often repeated and whatever digits stand around them (ASVS 6.2.11).
const CONTEXT_WORDS: &[&str] = &["authsrv"];

/// A password as somebody typed it: never trimmed, in NFC, 1 to 128 code points without NUL. Wiped when dropped.
pub struct Password {
    normal: Zeroizing<String>,
    /// Where the normal form is another.
    typed: Option<Zeroizing<String>>,
}

impl Password {
    /// Reads a password out of the input field `field`. Costs nothing much, however long the input.
    ///
    /// # Errors
    /// `Invalid(<field>)` with code `blank` (empty), `max_length` or `null_characters_not_allowed`.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(FieldError::blank(field).into());
        }
        if text.len() > TYPED_MAX {
            return Err(FieldError::too_long(field, PASSWORD_MAX).into());
        }
        // NFC makes UTF-8 at most three times as long (UAX 15): the text never moves and leaves no copy behind.
        let mut plain = Zeroizing::new(String::with_capacity(3 * text.len()));
        plain.extend(text.nfc());
        if plain.chars().nth(PASSWORD_MAX).is_some() {
            return Err(FieldError::too_long(field, PASSWORD_MAX).into());
        }
        if plain.contains('\0') {
            return Err(FieldError::null_characters(field).into());
        }
        let typed = (*plain != *text).then(|| Zeroizing::new(text.to_owned()));
        Ok(Self { normal: plain, typed })
    }

    /// The secret itself, for hashing and verifying.
    pub fn as_str(&self) -> &str {
        &self.normal
    }

    /// As it was typed, if that is not in NFC: other programs made their hashes of that.
    pub fn typed(&self) -> Option<&str> {
        self.typed.as_ref().map(|typed| typed.as_str())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// What is asked of a new password beside the two rules that always hold: not common, not similar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Least length, in code points.
    pub minimum: usize,
    /// Whether digits alone are refused.
    pub digits_only_refused: bool,
}

impl Rules {
    /// Rules of the profile `nist`, or else `django`, for an account that is `privileged` (staff, superuser) or not.
    pub fn for_account(nist: bool, privileged: bool) -> Self {
        match (nist, privileged) {
            (true, _) => Self { minimum: MINIMUM_NIST, digits_only_refused: false },
            (false, true) => Self { minimum: MINIMUM_PRIVILEGED, digits_only_refused: true },
            (false, false) => Self { minimum: MINIMUM, digits_only_refused: true },
        }
    }
}

/// Whose password it is to be, as far as a password must not resemble it. Empty texts are not compared; the default is
/// nobody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Person<'a> {
    pub username: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub email: &'a str,
    pub phone: &'a str,
    pub middle_name: &'a str,
}

impl<'a> Person<'a> {
    /// The person of an account.
    pub fn of(user: &'a NewUser) -> Self {
        Self {
            username: user.username.as_ref().map_or("", Username::as_str),
            first_name: &user.first_name,
            last_name: &user.last_name,
            email: user.email.as_ref().map_or("", Email::as_str),
            phone: user.phone.as_ref().map_or("", Phone::as_str),
            middle_name: user.middle_name.as_deref().unwrap_or(""),
        }
    }

    /// What a password is compared with, in Django's order and words; ours after that.
    fn attributes(&self) -> [(&'static str, &'a str); 6] {
        [
            ("username", self.username),
            ("first name", self.first_name),
            ("last name", self.last_name),
            ("email address", self.email),
            ("phone number", self.phone),
            ("middle name", self.middle_name),
        ]
    }
}

/// Checks a new password; `field` is where it came in.
///
/// # Errors
/// - `Invalid(<field>)` with every complaint at once, in Django's order: `password_too_similar`, `password_too_short`,
///   `password_too_common`, `password_entirely_numeric`
/// - `Internal` when the embedded list cannot be read
pub fn check(field: &str, password: &Password, rules: Rules, person: &Person<'_>) -> Result<()> {
    let lower = Zeroizing::new(password.as_str().to_lowercase());
    let mut complaints = Vec::new();
    let mut complain = |code, message| complaints.push(FieldError::new(field, code, message));
    if let Some(name) = similar_attribute(&lower, person) {
        complain("password_too_similar", format!("The password is too similar to the {name}."));
    }
    if password.as_str().chars().count() < rules.minimum {
        let least = rules.minimum;
        let message = format!("This password is too short. It must contain at least {least} characters.");
        complain("password_too_short", message);
    }
    if is_common(&lower)? || is_context_word(&lower) {
        complain("password_too_common", "This password is too common.".to_owned());
    }
    if rules.digits_only_refused && lower.chars().all(char::is_numeric) {
        complain("password_entirely_numeric", "This password is entirely numeric.".to_owned());
    }
    if complaints.is_empty() { Ok(()) } else { Err(Error::Invalid(complaints)) }
}

/// The first attribute that the password resembles, as a whole or in one of its words, like Django's
/// `UserAttributeSimilarityValidator`.
fn similar_attribute(lower: &str, person: &Person<'_>) -> Option<&'static str> {
    let password = sorted(lower);
    let resembles = |value: &str| {
        let value = value.nfc().take(ATTRIBUTE_MAX).collect::<String>().to_lowercase();
        let mut words = value.split(|c: char| !c.is_alphanumeric() && c != '_').chain([value.as_str()]);
        words.any(|word| is_similar(&password, &sorted(word)))
    };
    person.attributes().into_iter().find(|(_, value)| resembles(value)).map(|(name, _)| name)
}

fn sorted(text: &str) -> Zeroizing<Vec<char>> {
    let mut chars = Zeroizing::new(Vec::with_capacity(text.len()));
    chars.extend(text.chars());
    chars.sort_unstable();
    chars
}

/// Whether two sorted texts have at least [`SIMILARITY_MAX`] in common by the measure of `difflib`'s `quick_ratio`:
/// twice the common characters, each as often as both have it, over all characters. A word of a tenth of the password
/// or less is not compared (Django's `exceeds_maximum_length_ratio`).
fn is_similar(password: &[char], word: &[char]) -> bool {
    if password.len() >= 10 * word.len() {
        return false;
    }
    let (mut at, mut other, mut common) = (0, 0, 0_u16);
    while let (Some(left), Some(right)) = (password.get(at), word.get(other)) {
        let order = left.cmp(right);
        at += usize::from(order != Ordering::Greater);
        other += usize::from(order != Ordering::Less);
        common += u16::from(order == Ordering::Equal);
    }
    2.0 * f64::from(common) / (password.len() + word.len()) as f64 >= SIMILARITY_MAX
}

/// Whether the letters of the password are one of [`CONTEXT_WORDS`], once or several times.
fn is_context_word(lower: &str) -> bool {
    let letters: Zeroizing<String> = Zeroizing::new(lower.chars().filter(|c| c.is_alphabetic()).collect());
    !letters.is_empty() && CONTEXT_WORDS.iter().any(|word| letters.split(word).all(str::is_empty))
}

/// Whether the password is on the list of common ones; like Django, without regard to white space around it.
fn is_common(lower: &str) -> Result<bool> {
    static LIST: OnceLock<Option<Vec<&'static str>>> = OnceLock::new();
    let list = LIST.get_or_init(|| unpack().ok()).as_ref();
    let list = list.ok_or_else(|| Error::internal("the embedded list of common passwords cannot be read"))?;
    Ok(list.binary_search(&lower.trim()).is_ok())
}

/// The list of 19,640 passwords in small letters, sorted; kept for good, some 500 kB.
fn unpack() -> std::io::Result<Vec<&'static str>> {
    let mut text = String::new();
    GzDecoder::new(include_bytes!("common-passwords.txt.gz").as_slice()).read_to_string(&mut text)?;
    text.shrink_to_fit();
    let mut list: Vec<&'static str> = text.leak().lines().map(str::trim).collect();
    list.sort_unstable();
    list.shrink_to_fit();
    Ok(list)
}
