//! The list of runtime settings, [`ALL`]: names, bounds, defaults and help are here and nowhere else.

use super::django::Authenticator;
use super::kinds::{Item, Kind, Setting};

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;
/// How often somebody may try: each attempt that counts is remembered.
const LIMIT: Kind = Kind::Count(0, 10_000);

const fn setting(key: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { key, kind, default, help }
}

/// Every setting there is, in the order of their keys. Lifetimes are those of D-11.
pub const ALL: &[Setting] = &[
    setting(
        "account.open",
        Kind::Switch,
        "false",
        "Whether the routes of /api/v1/account/ let anybody list all accounts, and change and delete those without a role, as their original does. Not recommended.",
    ),
    setting(
        "account.zoned_dates",
        Kind::Switch,
        "false",
        "Whether the routes of /api/v1/account/ write dates with their zone, as 2024-07-13T17:24:33.855512Z.",
    ),
    setting(
        "accounts.activation_lifetime",
        Kind::Seconds(60, 30 * DAY),
        "86400",
        "How long a mailed link that activates an account is good.",
    ),
    setting(
        "accounts.reset_lifetime",
        Kind::Seconds(60, DAY),
        "1800",
        "How long a mailed link that sets a new password or username is good.",
    ),
    setting(
        "audit.retention",
        Kind::Seconds(0, 100 * YEAR),
        "7776000",
        "How long events of the audit trail are kept; only the command line can shorten it. 0: for ever.",
    ),
    setting(
        "cors.max_age",
        Kind::Seconds(0, DAY),
        "600",
        "How long a browser may keep what it was told about calls from pages of other origins.",
    ),
    setting(
        "cors.origins",
        Kind::List(Item::Origin),
        "[]",
        "Origins whose pages may call the API in a browser, separated by commas. Empty: none but its own.",
    ),
    setting(
        "dialects.off",
        Kind::List(Item::Word(&["account", "authtoken", "authzen", "djoser", "oauth", "pyjwt", "rbac", "simplejwt"])),
        "[]",
        "APIs that are not served, separated by commas: account, authtoken, authzen, djoser, oauth, pyjwt, rbac, simplejwt.",
    ),
    setting(
        "djoser.access_lifetime",
        Kind::Seconds(1, DAY),
        "300",
        "How long an access token of Djoser's routes is good.",
    ),
    setting(
        "djoser.activation_url",
        Kind::Link,
        "\"activate/{uid}/{token}\"",
        "Page of the front end that activates an account; used if mail.frontend_url is set.",
    ),
    setting(
        "djoser.hide_users",
        Kind::Switch,
        "true",
        "Whether somebody without the right to read users finds only himself at Djoser's routes.",
    ),
    setting(
        "djoser.logout_on_password_change",
        Kind::Switch,
        "false",
        "Whether a change of one's password revokes one's login token also where it was made with that token.",
    ),
    setting(
        "djoser.password_changed_email_confirmation",
        Kind::Switch,
        "false",
        "Whether a user is told by mail that the password was changed.",
    ),
    setting(
        "djoser.password_reset_confirm_retype",
        Kind::Switch,
        "false",
        "Whether the new password is asked twice when a forgotten one is replaced (re_new_password).",
    ),
    setting(
        "djoser.password_reset_show_email_not_found",
        Kind::Switch,
        "false",
        "Whether Djoser's routes say that nobody has the address that a new password is asked for. Not recommended.",
    ),
    setting(
        "djoser.password_reset_url",
        Kind::Link,
        "\"password/reset/confirm/{uid}/{token}\"",
        "Page of the front end that takes a new password; used if mail.frontend_url is set.",
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
        "djoser.send_confirmation_email",
        Kind::Switch,
        "false",
        "Whether a user is told by mail that the account was activated.",
    ),
    setting(
        "djoser.session_lifetime",
        Kind::Seconds(60, YEAR),
        "2592000",
        "When a session of Djoser's routes ends for good.",
    ),
    setting(
        "djoser.set_password_retype",
        Kind::Switch,
        "false",
        "Whether the new password is asked twice when it is changed (re_new_password).",
    ),
    setting(
        "djoser.set_username_retype",
        Kind::Switch,
        "false",
        "Whether the new username is asked twice when it is changed (re_new_username).",
    ),
    setting(
        "djoser.user_create_password_retype",
        Kind::Switch,
        "false",
        "Whether the password is asked twice at a registration (re_password).",
    ),
    setting(
        "djoser.user_id_field",
        Kind::Choice(&["id", "username"]),
        "\"id\"",
        "What Djoser's routes address users by; with username, answers show no id.",
    ),
    setting(
        "djoser.username_changed_email_confirmation",
        Kind::Switch,
        "false",
        "Whether a user is told by mail that the username was changed.",
    ),
    setting(
        "djoser.username_reset_confirm_retype",
        Kind::Switch,
        "false",
        "Whether the new username is asked twice when a forgotten one is replaced (re_new_username).",
    ),
    setting(
        "djoser.username_reset_show_email_not_found",
        Kind::Switch,
        "false",
        "Whether Djoser's routes say that nobody has the address that a new username is asked for. Not recommended.",
    ),
    setting(
        "djoser.username_reset_url",
        Kind::Link,
        "\"username/reset/confirm/{uid}/{token}\"",
        "Page of the front end that takes a new username; used if mail.frontend_url is set.",
    ),
    setting(
        "drf.authenticators",
        Kind::List(Item::Word(Authenticator::WORDS)),
        "[\"jwt\",\"token\"]",
        "How callers of the Django dialects prove who they are; the first names the challenge of a 401. With session first, a 401 becomes a 403.",
    ),
    setting(
        "drf.page_size",
        Kind::Count(0, 200),
        "0",
        "Items on a page of the lists of the Django dialects. 0: no pages, a bare array.",
    ),
    setting(
        "drf.pagination",
        Kind::Choice(&["page_number", "limit_offset"]),
        "\"page_number\"",
        "How lists of the Django dialects are cut into pages, if they are.",
    ),
    setting(
        "guard.account_free",
        LIMIT,
        "5",
        "Guesses at an account in 15 minutes before pauses of 5, 10, 20 … 900 seconds stand between them, for clients that are not known. 0: no pauses.",
    ),
    setting(
        "guard.account_per_day",
        LIMIT,
        "100",
        "Most guesses at an account in 24 hours by clients that are not known. 0: no limit.",
    ),
    setting(
        "guard.address",
        LIMIT,
        "20",
        "Most guesses from an address (of IPv6 the network of 64 bits) in 10 minutes; known devices are exempt. 0: no limit.",
    ),
    setting(
        "guard.device",
        LIMIT,
        "10",
        "Guesses of a known device in 15 minutes, after which it is not known any more. 0: no limit.",
    ),
    setting(
        "guard.mail_per_address",
        LIMIT,
        "20",
        "Most links by mail that are asked for from an address in an hour. 0: no limit.",
    ),
    setting(
        "guard.mail_per_hour",
        LIMIT,
        "5",
        "Most links of one kind that are mailed to an account in an hour; more get the usual answer and no mail. 0: no limit.",
    ),
    setting(
        "guard.mail_per_minute",
        LIMIT,
        "1",
        "Most links of one kind that are mailed to an account in a minute; more get the usual answer and no mail. 0: no limit.",
    ),
    setting(
        "guard.network",
        LIMIT,
        "200",
        "Most guesses from a network (24 bits of IPv4, 48 of IPv6) in an hour; known devices are exempt. 0: no limit.",
    ),
    setting("guard.refresh", LIMIT, "30", "Most refreshes of a session in a minute. 0: no limit."),
    setting("guard.register", LIMIT, "100", "Most registrations from an address in an hour. 0: no limit."),
    setting(
        "guard.secrets",
        LIMIT,
        "10",
        "Most credentials that nobody has, shown from an address in 10 minutes to introspection, revocation, AuthZEN and forward-auth; good ones pass all the same. 0: no limit.",
    ),
    setting(
        "keys.algorithm",
        Kind::Choice(&["es256", "eddsa", "rs256", "hs256"]),
        "\"es256\"",
        "Algorithm of new signing keys. By hs256 tokens can be verified only by who could sign them, too.",
    ),
    setting(
        "keys.rotate_every",
        Kind::Seconds(0, 10 * YEAR),
        "7776000",
        "How long a key signs before the server replaces it. 0: until somebody does.",
    ),
    setting(
        "mail.folder",
        Kind::Folder,
        "\"\"",
        "Folder that mails are put into, an .eml file each, where mail.transport is folder.",
    ),
    setting(
        "mail.from",
        Kind::Text(200),
        "\"webmaster@localhost\"",
        "Sender of mails: an address, also with a name before it and itself in angle brackets.",
    ),
    setting(
        "mail.frontend_url",
        Kind::Url,
        "\"\"",
        "URL of the front end that links in mails lead to. Empty: they lead to pages of this server.",
    ),
    setting(
        "mail.language",
        Kind::Choice(&["en", "ru"]),
        "\"en\"",
        "Language of mails to whoever's client asks for neither (Accept-Language): English or Russian.",
    ),
    setting("mail.site_name", Kind::Text(100), "\"authsrv\"", "What mails call this site."),
    setting("mail.smtp_host", Kind::Text(255), "\"\"", "Mail server, where mail.transport is smtp."),
    setting("mail.smtp_port", Kind::Count(1, 65_535), "587", "Port of the mail server: 587 for starttls, 465 for tls."),
    setting(
        "mail.smtp_security",
        Kind::Choice(&["starttls", "tls", "none"]),
        "\"starttls\"",
        "Encryption to the mail server, without which nothing is sent: starttls, tls, or none, to this machine only.",
    ),
    setting(
        "mail.smtp_user",
        Kind::Text(200),
        "\"\"",
        "Who signs in at the mail server, by the password of --smtp-password-file. Empty: nobody.",
    ),
    setting(
        "mail.templates",
        Kind::Folder,
        "\"\"",
        "Folder of your own templates of mails, which replace single files of those built in. Empty: none.",
    ),
    setting(
        "mail.transport",
        Kind::Choice(&["log", "folder", "smtp"]),
        "\"log\"",
        "How mails leave: smtp, folder, or log, which writes them whole, with their links, into the server's log.",
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
        "URL that clients reach the server by; names the issuer of tokens. Empty: the listening address.",
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
        "Whether a new account waits for its mailed link and gets no tokens before; Djoser's SEND_ACTIVATION_EMAIL.",
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
        "simplejwt.auth_header_types",
        Kind::Words(5),
        "\"Bearer\"",
        "Words accepted before a token in the Authorization header of the SimpleJWT and Djoser routes.",
    ),
    setting(
        "simplejwt.issuer",
        Kind::Text(200),
        "\"\"",
        "Value of the claim iss in new tokens of the SimpleJWT and Djoser routes. Empty: the public URL.",
    ),
    setting(
        "simplejwt.leeway",
        Kind::Seconds(0, 60),
        "0",
        "How far the times in a token may be off, for clocks that differ.",
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
        "status_list.enabled",
        Kind::Switch,
        "true",
        "Whether access tokens refer to a status list, by which services that verify them by key alone see that a session has ended.",
    ),
    setting(
        "status_list.lifetime",
        Kind::Seconds(1, 3600),
        "15",
        "How long a status list may be believed, and so how long a service that keeps it may not see an end.",
    ),
    setting(
        "throttle.rates",
        Kind::List(Item::Rate),
        "[]",
        "Most requests in a time, such as anon=3/minute,user=5/minute. Names other than these two are scopes. Empty: no limit.",
    ),
    setting(
        "throttle.scopes",
        Kind::List(Item::Scope),
        "[]",
        "Paths, with all below them, that have a rate of their own in place of anon and user, such as login=/login/.",
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
