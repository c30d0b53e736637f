//! How the peer was set up for each profile of `meta.json`, said in our settings.

use serde_json::{Value, json};

use super::world::MAILS;

/// A setting and its value.
pub type Set = (&'static str, Value);

/// What holds in every profile: guess limits off, no grace, Djoser as `stock` has it. Where the peer has no such thing
/// (a limit of sessions, rights for S0's routes), ours is off.
fn stock() -> Vec<Set> {
    let mut all = vec![
        ("account.open", json!(true)),
        ("account.zoned_dates", json!(true)),
        ("drf.authenticators", json!("jwt,token")),
        ("drf.page_size", json!(0)),
        ("mail.folder", json!(MAILS)),
        ("mail.from", json!("webmaster@localhost")),
        ("mail.transport", json!("folder")),
        ("public_url", json!("http://testserver")),
        ("refresh.grace", json!(0)),
        ("sessions.per_user", json!(0)),
    ];
    all.extend(site("example", "http://example.com"));
    all.extend(links("activate", "password/reset/confirm", "username/reset/confirm"));
    all.extend(tokens(300, 86_400, true));
    all
}

/// Name and address of the front end that mails speak of.
fn site(name: &str, url: &str) -> [Set; 2] {
    [("mail.site_name", json!(name)), ("mail.frontend_url", json!(url))]
}

/// Paths of the links in mails.
fn links(activation: &str, password: &str, username: &str) -> [Set; 3] {
    let path = |path: &str| json!(format!("{path}/{{uid}}/{{token}}"));
    [
        ("djoser.activation_url", path(activation)),
        ("djoser.password_reset_url", path(password)),
        ("djoser.username_reset_url", path(username)),
    ]
}

/// Lifetimes in seconds, and rotation: the peer has one set for all its routes.
fn tokens(access: u32, refresh: u32, rotates: bool) -> [Set; 6] {
    [
        ("djoser.access_lifetime", json!(access)),
        ("djoser.refresh_lifetime", json!(refresh)),
        ("djoser.rotate_refresh", json!(rotates)),
        ("simplejwt.access_lifetime", json!(access)),
        ("simplejwt.refresh_lifetime", json!(refresh)),
        ("simplejwt.rotate_refresh", json!(rotates)),
    ]
}

/// The third seed's own set-up.
fn seed003() -> Vec<Set> {
    let mut all = vec![("djoser.user_id_field", json!("username")), ("registration.activation", json!(true))];
    all.extend(site("NFTs", "http://127.0.0.1:8000"));
    all.extend(links("auth/users/activate", "auth/users/reset_password_confirm", "auth/users/reset_username_confirm"));
    all.extend(tokens(7_200, 3_628_800, true));
    all
}

/// What differs from `stock`; `None` for a profile that is not known.
fn own(profile: &str) -> Option<Vec<Set>> {
    let yes = |keys: &[&'static str]| keys.iter().map(|key| (*key, json!(true))).collect();
    Some(match profile {
        // With these the peer only does what we always do (a password change ends tokens), or shows pages of errors.
        "stock" | "revoke" | "rotate_noblacklist" | "debug" => Vec::new(),
        "activation" => yes(&[
            "registration.activation",
            "djoser.send_confirmation_email",
            "djoser.password_changed_email_confirmation",
            "djoser.username_changed_email_confirmation",
        ]),
        "retype" => {
            let mut all: Vec<Set> = yes(&[
                "djoser.user_create_password_retype",
                "djoser.set_password_retype",
                "djoser.password_reset_confirm_retype",
                "djoser.set_username_retype",
                "djoser.username_reset_confirm_retype",
                "djoser.password_reset_show_email_not_found",
                "djoser.username_reset_show_email_not_found",
                "djoser.logout_on_password_change",
            ]);
            all.push(("djoser.hide_users", json!(false)));
            all
        }
        "seed001" | "phone_rotate" => {
            let mut all = vec![("drf.authenticators", json!("jwt,session"))];
            all.extend(tokens(300, 86_400, profile == "phone_rotate"));
            all
        }
        "seed003_nothrottle" => seed003(),
        "seed003" => {
            let mut all = seed003();
            all.push(("throttle.rates", json!("anon=3/minute,user=5/minute,ten=10/minute,scoped=2/minute")));
            all
        }
        "authtoken" => vec![("drf.authenticators", json!("token"))],
        "session_basic" => vec![("drf.authenticators", json!("session"))],
        "norotate" => tokens(300, 86_400, false).to_vec(),
        "issuer" => vec![
            ("simplejwt.issuer", json!("peer")),
            ("tokens.audience", json!("clients")),
            ("simplejwt.leeway", json!(10)),
            ("simplejwt.auth_header_types", json!("Bearer,JWT")),
        ],
        "paginated" => vec![("drf.page_size", json!(2)), ("drf.pagination", json!("page_number"))],
        "paginated_lo" => vec![("drf.page_size", json!(2)), ("drf.pagination", json!("limit_offset"))],
        _ => return None,
    })
}

/// All settings of a profile, each once; those of `stock` and false if it is not known.
pub fn settings(profile: &str) -> (Vec<Set>, bool) {
    let own = own(profile);
    let is_known = own.is_some();
    let own = own.unwrap_or_default();
    let mut all: Vec<Set> = stock().into_iter().filter(|(key, _)| own.iter().all(|(other, _)| other != key)).collect();
    all.extend(own);
    (all, is_known)
}

/// Whether calls are counted in it, so that none may be spent on getting a token.
pub fn throttles(profile: &str) -> bool {
    settings(profile).0.iter().any(|(key, _)| *key == "throttle.rates")
}

#[test]
fn every_profile_of_the_recordings_is_known() {
    let meta: Value = serde_json::from_str(include_str!("meta.json")).unwrap();
    let unknown: Vec<_> = meta["profiles"].as_object().unwrap().keys().filter(|name| !settings(name).1).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
