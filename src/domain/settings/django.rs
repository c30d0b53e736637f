//! What the settings say of the dialects that speak as Django's packages do.

use super::Settings;

/// A way to prove who one is, as Django REST framework calls it. Stored as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authenticator {
    /// `Authorization: Bearer <access token>`.
    Jwt,
    /// `Authorization: Token <API token>`.
    Token,
    /// Django's session cookie. There is none here: it finds nobody, but answers say that it was looked for.
    Session,
}

impl Authenticator {
    /// The stored texts.
    pub const WORDS: &'static [&'static str] = &["jwt", "token", "session"];

    fn parse(word: &str) -> Option<Self> {
        match word {
            "jwt" => Some(Authenticator::Jwt),
            "token" => Some(Authenticator::Token),
            "session" => Some(Authenticator::Session),
            _ => None,
        }
    }

    /// What `WWW-Authenticate` asks for where this is the first; a cookie cannot be asked for.
    pub fn challenge(self) -> &'static str {
        match self {
            Authenticator::Jwt | Authenticator::Session => "Bearer realm=\"api\"",
            Authenticator::Token => "Token",
        }
    }
}

/// How lists of these dialects are cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pagination {
    /// Not at all: a bare array.
    None,
    /// `page`, so many items each.
    PageNumber(u32),
    /// `limit` and `offset`, so many items unless asked otherwise.
    LimitOffset(u32),
}

/// What must be typed twice at Djoser's routes, and what they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of Djoser under its own name")]
#[expect(missing_docs, reason = "the fields are the settings of these names")]
pub struct DjoserRules {
    pub user_create_password_retype: bool,
    pub set_password_retype: bool,
    pub password_reset_confirm_retype: bool,
    pub set_username_retype: bool,
    pub username_reset_confirm_retype: bool,
    pub hide_users: bool,
    /// Whether users are addressed by their usernames, and shown without their ids (`djoser.user_id_field`).
    pub by_username: bool,
}

impl Settings {
    /// How callers of these dialects may prove who they are, the first first.
    pub fn authenticators(&self) -> Vec<Authenticator> {
        let words = self.get("drf.authenticators");
        words.as_array().into_iter().flatten().filter_map(|word| Authenticator::parse(word.as_str()?)).collect()
    }

    /// How their lists are cut into pages.
    pub fn pagination(&self) -> Pagination {
        let size = self.get("drf.page_size").as_u64().and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
        match self.text("drf.pagination").as_str() {
            _ if size == 0 => Pagination::None,
            "limit_offset" => Pagination::LimitOffset(size),
            _ => Pagination::PageNumber(size),
        }
    }

    /// The rules of Djoser's routes.
    pub fn djoser(&self) -> DjoserRules {
        DjoserRules {
            user_create_password_retype: self.switch("djoser.user_create_password_retype"),
            set_password_retype: self.switch("djoser.set_password_retype"),
            password_reset_confirm_retype: self.switch("djoser.password_reset_confirm_retype"),
            set_username_retype: self.switch("djoser.set_username_retype"),
            username_reset_confirm_retype: self.switch("djoser.username_reset_confirm_retype"),
            hide_users: self.switch("djoser.hide_users"),
            by_username: self.text("djoser.user_id_field") == "username",
        }
    }

    /// Whether S0's routes let everybody list accounts, and change and delete those without a role.
    pub fn account_open(&self) -> bool {
        self.switch("account.open")
    }

    /// Whether S0's routes write dates with their zone.
    pub fn account_zoned_dates(&self) -> bool {
        self.switch("account.zoned_dates")
    }

    /// Whether the API of this name is not served (D-1).
    pub fn is_off(&self, dialect: &str) -> bool {
        self.items("dialects.off").any(|off| off == dialect)
    }
}
