//! What people sign in by: e-mail address, phone number, username.
//!
//! Each is parsed once, where it comes in, and then holds two texts: the stored form, which is shown and gets the mail,
//! and the canonical key, by which accounts are found and told apart. Keys of all three live in one namespace
//! (D-15): what could be mistaken for somebody's address or number has that address's or number's key. Nothing here
//! knows which keys are taken. Start at [`sign_in_keys`].

use std::fmt;
use std::net::IpAddr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::error::{Error, FieldError, Result};

/// Longest stored e-mail address, in characters (S4-34).
pub const EMAIL_MAX: usize = 150;
/// Longest stored username, in characters (that of Django's users).
pub const USERNAME_MAX: usize = 150;
/// Longest phone number as typed, in characters: 15 digits with room for blanks and brackets.
const PHONE_TYPED_MAX: usize = 64;
/// Digits of an international number: at most 15 (ITU-T E.164, 6.2.1); fewer than 8 are no subscriber's.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Longest text that is looked up at a sign-in, in characters.
const SIGN_IN_MAX: usize = 512;
/// Longest username before its normalisation, in bytes. Room for 150 characters that each are typed as several.
const USERNAME_TYPED_MAX: usize = 4096;

/// A valid e-mail address. Made by [`Email::parse`], or out of storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email {
    stored: String,
    key: String,
}

impl Email {
    /// Reads an address as typed; white space around it is dropped (S4-68).
    ///
    /// The rules are those of Django 5.2's `EmailValidator`, with three differences: control and invisible characters
    /// are refused, a domain must be one by UTS 46 and is judged by its ASCII form, and the part before the `@` is plain
    /// ASCII (under `re.IGNORECASE` Django also lets through the dotless i, the dotted I, the long s and the Kelvin sign).
    ///
    /// # Errors
    /// `Invalid("email")` with code `blank`, `max_length` ([`EMAIL_MAX`]), `null_characters_not_allowed` or `invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = bounded("email", text, EMAIL_MAX)?;
        let refuse = || Error::invalid("email", "invalid", "Enter a valid email address.");
        if text.chars().any(is_hidden) {
            return Err(refuse());
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(refuse)?;
        let mailbox = canonical_local(local).ok_or_else(refuse)?;
        let host = canonical_domain(domain).ok_or_else(refuse)?;
        let stored = format!("{local}@{}", domain.to_lowercase());
        // A few capitals have more than one small letter.
        bounded("email", &stored, EMAIL_MAX)?;
        Ok(Self { stored, key: format!("{mailbox}@{host}") })
    }

    /// An address as it was once parsed and stored.
    pub fn from_stored(stored: String, key: String) -> Self {
        Self { stored, key }
    }

    /// As typed, the domain in small letters. Mail goes here.
    pub fn as_str(&self) -> &str {
        &self.stored
    }

    /// The same for every spelling of one address: small letters, no needless quotes, domain in ASCII (RFC 5890).
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The domain in its ASCII form, `xn--bcher-kva.example`.
    pub fn domain(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// A phone number in E.164 form, `+71234567890`. Made by [`Phone::parse`], or out of storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as typed; blanks, brackets, hyphens and dots are dropped (D-15).
    ///
    /// # Errors
    /// `Invalid("phone")` with code `blank`, `max_length` (64 as typed), `null_characters_not_allowed` or `invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let typed = bounded("phone", text, PHONE_TYPED_MAX)?;
        let number: String =
            typed.chars().filter(|c| !c.is_whitespace() && !"()[]-.\u{2010}\u{2011}".contains(*c)).collect();
        let digits = number.strip_prefix('+').unwrap_or_default();
        let good = PHONE_DIGITS.contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if good {
            Ok(Self(number))
        } else {
            let message = "Enter a valid phone number in international form, such as +71234567890.";
            Err(Error::invalid("phone", "invalid", message))
        }
    }

    /// A number as it was once parsed and stored.
    pub fn from_stored(stored: String) -> Self {
        Self(stored)
    }

    /// `+` and the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as [`Phone::as_str`]: a number has one form.
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// A free name to sign in by; it may have spaces inside (S0-13). Made by [`Username::parse`], or out of storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username {
    stored: String,
    key: String,
}

impl Username {
    /// Reads a name as typed: brought into NFKC, white space around it dropped.
    ///
    /// # Errors
    /// `Invalid("username")` with code `blank`, `max_length` ([`USERNAME_MAX`]), `null_characters_not_allowed` or
    /// `invalid` (control, format or otherwise invisible characters).
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() > USERNAME_TYPED_MAX {
            return Err(FieldError::too_long("username", USERNAME_MAX).into());
        }
        let normal: String = text.nfkc().collect();
        let stored = bounded("username", &normal, USERNAME_MAX)?.to_owned();
        if stored.chars().any(is_hidden) {
            let message = "Control and invisible characters are not allowed.";
            return Err(Error::invalid("username", "invalid", message));
        }
        let key = username_key(&stored);
        if key.is_empty() { Err(FieldError::blank("username").into()) } else { Ok(Self { stored, key }) }
    }

    /// A name as it was once parsed and stored.
    pub fn from_stored(stored: String, key: String) -> Self {
        Self { stored, key }
    }

    /// The name in NFKC.
    pub fn as_str(&self) -> &str {
        &self.stored
    }

    /// The name without case, runs of blanks as one; for a name that reads as an address or a number of the other kinds,
    /// the key of that, so that nobody takes another's address for a name (D-15).
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stored)
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stored)
    }
}

/// Keys under which the account may be stored that somebody means who typed `text` at a sign-in: as an e-mail address,
/// a phone number and a username, each once. Empty when it can be none of them or has more than 512 characters.
pub fn sign_in_keys(text: &str) -> Vec<String> {
    if longer_than(text, SIGN_IN_MAX) {
        return Vec::new();
    }
    let readings = [
        Email::parse(text).map(|email| email.key),
        Phone::parse(text).map(|phone| phone.0),
        Username::parse(text).map(|username| username.key),
    ];
    let mut keys: Vec<String> = readings.into_iter().flatten().collect();
    keys.dedup();
    keys
}

/// Whether a character has no shape of its own and can make two texts look alike, or turn a line around: controls,
/// line and paragraph separators, format characters (Cf) and what may be ignored in display. The selectors of emoji
/// variants, U+FE00 to U+FE0F, are let through; keys drop them.
///
/// Source: Unicode 17, `DerivedGeneralCategory.txt` (Cc, Cf, Zl, Zp) and `Default_Ignorable_Code_Point`.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x115F..=0x1160
            | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164
            | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x110BD | 0x110CD | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// `text` without white space around it, provided that something is left, at most `most` characters, none of them NUL.
fn bounded<'a>(field: &str, text: &'a str, most: usize) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        Err(FieldError::blank(field).into())
    } else if longer_than(text, most) {
        Err(FieldError::too_long(field, most).into())
    } else if text.contains('\0') {
        Err(FieldError::null_characters(field).into())
    } else {
        Ok(text)
    }
}

/// Whether `text` has more than `most` characters; reads no more of it than that.
fn longer_than(text: &str, most: usize) -> bool {
    text.chars().nth(most).is_some()
}

/// The part before the `@`, in small letters and without quotes and escapes that change nothing (RFC 5321, 4.1.2).
fn canonical_local(local: &str) -> Option<String> {
    let Some(rest) = local.strip_prefix('"') else {
        return is_dot_atom(local).then(|| local.to_ascii_lowercase());
    };
    let plain = unquoted(rest.strip_suffix('"')?)?.to_ascii_lowercase();
    if is_dot_atom(&plain) { Some(plain) } else { Some(quoted(&plain)) }
}

fn is_dot_atom(text: &str) -> bool {
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
}

/// What stands between the quotes, escapes resolved. As in Django, a blank must be escaped.
fn unquoted(inner: &str) -> Option<String> {
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let meant = match c {
            '\\' => chars.next().filter(|escaped| matches!(escaped, ' '..='~'))?,
            '"' => return None,
            '!'..='~' => c,
            _ => return None,
        };
        plain.push(meant);
    }
    Some(plain)
}

fn quoted(plain: &str) -> String {
    let mut text = String::from('"');
    for c in plain.chars() {
        if matches!(c, '"' | '\\' | ' ') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// The domain of an e-mail address in ASCII and small letters (UTS 46, not transitional: ß stays itself), or an IP address
/// in brackets; `None` if no address can have it.
pub fn canonical_domain(domain: &str) -> Option<String> {
    if let Some(literal) = domain.strip_prefix('[') {
        let address: IpAddr = literal.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let uts46 = Uts46::new();
    let ascii =
        uts46.to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify).ok()?;
    (ascii == "localhost" || is_full_domain(&ascii)).then(|| ascii.into_owned())
}

/// Whether an ASCII domain has two labels or more, and a last one of two characters or more and without digits, unless
/// that is Punycode. That each label is letters, digits and inner hyphens, and short enough, has been seen to.
fn is_full_domain(ascii: &str) -> bool {
    let is_top = |label: &str| {
        label.len() >= 2 && (label.starts_with("xn--") || !label.bytes().any(|byte| byte.is_ascii_digit()))
    };
    ascii.rsplit_once('.').is_some_and(|(_, top)| is_top(top))
}

fn username_key(stored: &str) -> String {
    Email::parse(stored)
        .map(|email| email.key)
        .or_else(|_| Phone::parse(stored).map(|phone| phone.0))
        .unwrap_or_else(|_| folded(stored))
}

/// NFKC without case. Small, capital and small again comes near to full case folding (ß and ẞ become ss) and takes the
/// dotless i for an i. Letter by letter, so that a sigma is the same everywhere in a word.
fn folded(text: &str) -> String {
    let folded: String = text
        .nfkc()
        .filter(|c| !matches!(c, '\u{FE00}'..='\u{FE0F}'))
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}
