//! The list of runtime settings, [`ALL`]: names, bounds, defaults and help are here and nowhere else.

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A time in whole seconds between two bounds, both allowed.
    Seconds(u64, u64),
    /// A whole number between two bounds, both allowed.
    Count(u64, u64),
    /// Yes or no.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text of at most this many characters.
    Text(usize),
    /// An absolute `http` or `https` URL without a path, or nothing.
    Url,
    /// `open`, `closed`, or a list of e-mail domains.
    Registration,
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Name, `rbac.access_lifetime`.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Default as JSON.
    pub(super) default: &'static str,
    /// What it does, one sentence.
    pub help: &'static str,
}

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;

const fn setting(key: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind, default, help }
}

/// Every setting there is, in the order of their keys. Lifetimes are those of D-11.
pub const ALL: &[Setting] = &[
    setting(
        "djoser.access_lifetime",
        Kind::Seconds(1, DAY),
        "300",
        "How long an access token of Djoser's routes is good.",
    ),
    setting(
        "djoser.logout_on_password_change",
        Kind::Switch,
        "false",
        "Whether a change of one's password revokes one's login token also where it was made with that token.",
    ),
    setting(
        "djoser.refresh_lifetime",
        Kind::Seconds(60, YEAR),
        "86400",
        "How long a refresh token of Djoser's routes is good.",
    ),
    setting(
        "djoser.rotate_refresh",
        Kind::Switch,
        "false",
        "Whether a refresh at Djoser's routes gives a new refresh token and spends the old one.",
    ),
    setting(
        "djoser.session_lifetime",
        Kind::Seconds(60, YEAR),
        "2592000",
        "When a session of Djoser's routes ends for good.",
    ),
    setting(
        "password.profile",
        Kind::Choice(&["django", "nist"]),
        "\"django\"",
        "Password rules: django asks for 8 characters (12 for staff and superusers), nist for 15.",
    ),
    setting(
        "public_url",
        Kind::Url,
        "\"\"",
        "URL that clients reach the server by; names the issuer of tokens. Empty: the listening address over http.",
    ),
    setting(
        "pyjwt.access_lifetime",
        Kind::Seconds(1, DAY),
        "30",
        "How long an access token of the PyJWT routes is good.",
    ),
    setting(
        "pyjwt.refresh_lifetime",
        Kind::Seconds(60, YEAR),
        "2592000",
        "How long a refresh token of the PyJWT routes is good.",
    ),
    setting(
        "pyjwt.rotate_refresh",
        Kind::Switch,
        "true",
        "Whether a refresh at the PyJWT routes gives a new refresh token and spends the old one.",
    ),
    setting(
        "pyjwt.session_lifetime",
        Kind::Seconds(60, YEAR),
        "31536000",
        "When a session of the PyJWT routes ends for good.",
    ),
    setting("rbac.access_lifetime", Kind::Seconds(1, DAY), "300", "How long an access token is good."),
    setting(
        "rbac.refresh_lifetime",
        Kind::Seconds(60, YEAR),
        "86400",
        "How long a refresh token is good: a session that is not refreshed for so long ends.",
    ),
    setting(
        "rbac.rotate_refresh",
        Kind::Switch,
        "true",
        "Whether a refresh gives a new refresh token and spends the old one.",
    ),
    setting(
        "rbac.session_lifetime",
        Kind::Seconds(60, YEAR),
        "2592000",
        "When a session ends for good, however often it is refreshed.",
    ),
    setting(
        "refresh.grace",
        Kind::Seconds(0, 60),
        "10",
        "How long a spent refresh token still gets the same successor, for answers lost on the way. 0: never.",
    ),
    setting(
        "registration.activation",
        Kind::Switch,
        "false",
        "Whether a new account is inactive until it is activated, and gets no tokens before.",
    ),
    setting(
        "registration.mode",
        Kind::Registration,
        "\"open\"",
        "Who may register: open, closed, or e-mail domains separated by commas.",
    ),
    setting(
        "sessions.per_user",
        Kind::Count(0, 10_000),
        "20",
        "Most live sessions of one user; a further sign-in ends the one used least lately. 0: no limit.",
    ),
    setting(
        "simplejwt.access_lifetime",
        Kind::Seconds(1, DAY),
        "7200",
        "How long an access token of the SimpleJWT routes is good.",
    ),
    setting(
        "simplejwt.refresh_lifetime",
        Kind::Seconds(60, YEAR),
        "3628800",
        "How long a refresh token of the SimpleJWT routes is good.",
    ),
    setting(
        "simplejwt.rotate_refresh",
        Kind::Switch,
        "true",
        "Whether a refresh at the SimpleJWT routes gives a new refresh token and spends the old one.",
    ),
    setting(
        "simplejwt.session_lifetime",
        Kind::Seconds(60, YEAR),
        "31536000",
        "When a session of the SimpleJWT routes ends for good.",
    ),
    setting(
        "tokens.audience",
        Kind::Text(200),
        "\"\"",
        "Value of the claim aud in new tokens, and required in them. Empty: no such claim.",
    ),
    setting(
        "tokens.bearer_refresh",
        Kind::Switch,
        "false",
        "Whether a refresh token is accepted in the Authorization header in place of an access token. Not recommended.",
    ),
];

/// The setting of this name.
pub fn find(key: &str) -> Option<&'static Setting> {
    ALL.binary_search_by(|setting| setting.key.cmp(key)).ok().map(|at| &ALL[at])
}
