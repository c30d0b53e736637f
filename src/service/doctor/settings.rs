//! What the settings of the server mean for its safety.

use std::net::IpAddr;
use std::time::Duration;

use super::{Finding, Level};
use crate::domain::advice::Advice;
use crate::domain::error::Result;
use crate::domain::settings::{self, Profile, Registration, Settings};
use crate::domain::times;
use crate::service::Ctx;

/// Longest life of an access token that is no risk where the default is not longer: one hour.
const ACCESS_MAX: Duration = Duration::from_secs(3600);
/// Longest life of a session that is no risk where the default is not longer: 90 days.
const SESSION_MAX: Duration = Duration::from_secs(90 * 86_400);
/// Longest grace that is no risk: three times the default.
const GRACE_MAX: Duration = Duration::from_secs(30);
/// Most sessions of one user that are no risk: five times the default.
const SESSIONS_MAX: u64 = 100;

/// Looks at the settings that a deployment stands or falls with.
pub(super) fn look(ctx: &Ctx) -> Result<Vec<Finding>> {
    let stored = ctx.env.store.read(|tx| tx.stored_settings())?;
    let mut findings: Vec<Finding> = stored.iter().filter_map(|(key, json)| ignored(key, json)).collect();
    let settings = Settings::from_stored(stored);
    findings.push(registration(&settings));
    findings.push(public_url(&settings, &ctx.env.default_url));
    findings.push(bearer_refresh(&settings));
    findings.push(account_open(&settings));
    findings.push(Finding::ok("password.profile", passwords(&settings)));
    findings.push(grace(&settings));
    findings.push(sessions(&settings));
    findings.extend(scopes(&settings));
    findings.extend(guard(&settings));
    let risky: Vec<Finding> = Profile::ALL.into_iter().flat_map(|profile| tokens(&settings, profile)).collect();
    if risky.is_empty() {
        findings.push(Finding::ok("lifetimes", "of tokens and sessions: none is longer than it need be"));
    }
    findings.extend(risky);
    Ok(findings)
}

/// A stored value that is not obeyed.
fn ignored(key: &str, json: &str) -> Option<Finding> {
    if settings::read_stored(key, json).is_some() {
        return None;
    }
    let text = match settings::find(key) {
        Some(_) => format!("the stored value of {key} is not one that this program takes; the default is in force"),
        None => format!("{key} is stored and is no setting of this program"),
    };
    Some(Finding::new(Level::Warning, "settings", text, reset(key)))
}

fn registration(settings: &Settings) -> Finding {
    const SUBJECT: &str = "registration.mode";
    match (settings.registration(), settings.activation()) {
        (Registration::Closed, _) => Finding::ok(SUBJECT, "nobody may register"),
        (Registration::Open, true) => {
            Finding::ok(SUBJECT, "anybody may register, and gets in once an administrator has activated the account")
        }
        (Registration::Open, false) => {
            let text = "anybody may register, and is signed in before anything proves the address";
            let advice =
                Advice::from("if you make the accounts yourself: ").and_run("settings set registration.mode closed");
            Finding::new(Level::Note, SUBJECT, text, advice)
        }
        (Registration::Domains(domains), true) => {
            let domains = domains.join(", ");
            Finding::ok(
                SUBJECT,
                format!(
                    "whoever claims an address in {domains} gets in once an administrator has activated the account"
                ),
            )
        }
        (Registration::Domains(domains), false) => {
            let text =
                format!("anybody who claims an address in {} may register: nothing proves it", domains.join(", "));
            let advice = Advice::run("settings set registration.activation true")
                .and(", and let in whom you know one by one: ")
                .and_run("users activate USER");
            Finding::new(Level::Warning, SUBJECT, text, advice)
        }
    }
}

fn public_url(settings: &Settings, default_url: &str) -> Finding {
    const SUBJECT: &str = "public_url";
    const SET: &str = "settings set public_url https://auth.example.com";
    let url = settings.public_url();
    let in_force = url.as_deref().unwrap_or(default_url);
    if in_force.starts_with("http://") && !is_loopback(in_force) {
        let text = format!("{in_force} is plain http: passwords and tokens travel readable; set your own https name");
        return Finding::new(Level::Warning, SUBJECT, text, Advice::run(SET));
    }
    match &url {
        Some(url) => Finding::ok(SUBJECT, format!("tokens are issued as {url}")),
        None => Finding::new(
            Level::Note,
            SUBJECT,
            "not set; tokens are issued in the name of the address that the server listens on",
            Advice::from("if clients reach it by another name: ").and_run(SET),
        ),
    }
}

/// Whether `scheme://host[:port]` names this machine only.
fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn bearer_refresh(settings: &Settings) -> Finding {
    const SUBJECT: &str = "tokens.bearer_refresh";
    if !settings.bearer_refresh() {
        return Finding::ok(SUBJECT, "refresh tokens are taken only where they are refreshed");
    }
    let text = "refresh tokens are taken in place of access tokens: whoever sees one has a session for weeks";
    Finding::new(Level::Warning, SUBJECT, text, reset(SUBJECT))
}

fn account_open(settings: &Settings) -> Finding {
    const SUBJECT: &str = "account.open";
    if !settings.account_open() {
        return Finding::ok(SUBJECT, "nobody lists, changes or deletes accounts without a right");
    }
    let text = "anybody on the network lists all accounts, and changes and deletes those of ordinary users";
    Finding::new(Level::Problem, SUBJECT, text, reset(SUBJECT))
}

fn passwords(settings: &Settings) -> &'static str {
    if settings.nist_passwords() {
        "nist: at least 15 characters"
    } else {
        "django: at least 8 characters, 12 for staff and superusers"
    }
}

fn grace(settings: &Settings) -> Finding {
    const SUBJECT: &str = "refresh.grace";
    let grace = settings.refresh_grace();
    if grace > GRACE_MAX {
        let text = format!("for {} a stolen refresh token works as well as its owner's", shown(grace));
        return Finding::new(Level::Warning, SUBJECT, text, reset(SUBJECT));
    }
    Finding::ok(
        SUBJECT,
        match grace.as_secs() {
            0 => "0: a spent refresh token that comes again ends its session at once".to_owned(),
            seconds => format!("{seconds} s in which a spent refresh token still gets the same successor"),
        },
    )
}

fn sessions(settings: &Settings) -> Finding {
    const SUBJECT: &str = "sessions.per_user";
    match settings.sessions_per_user() {
        None => {
            let text = "there is no limit: whoever has a password can fill the database with sessions";
            Finding::new(Level::Warning, SUBJECT, text, reset(SUBJECT))
        }
        Some(most) if most > SESSIONS_MAX => {
            let text = format!("{most} sessions of one user at once: a stolen password goes unnoticed among them");
            Finding::new(Level::Warning, SUBJECT, text, reset(SUBJECT))
        }
        Some(most) => Finding::ok(SUBJECT, format!("at most {most} sessions of one user at once")),
    }
}

/// Limits on guesses that are switched off, each with what that lets happen.
fn guard(settings: &Settings) -> Vec<Finding> {
    let limits = settings.guard();
    let all = [
        ("guard.account_free", limits.account_free, "nothing slows guesses at a password before their daily limit"),
        ("guard.account_per_day", limits.account_per_day, "nothing bounds guesses at a password"),
        ("guard.address", limits.address, "nothing bounds guesses from one address"),
        ("guard.device", limits.device, "nothing bounds guesses by a device that is known"),
        ("guard.mail_per_address", limits.mail_per_address, "nothing bounds the mails that one address asks for"),
        ("guard.mail_per_hour", limits.mail_per_hour, "nothing bounds the mails that an account gets in an hour"),
        ("guard.mail_per_minute", limits.mail_per_minute, "nothing bounds the mails that an account gets in a minute"),
        ("guard.network", limits.network, "nothing bounds guesses from one network"),
        ("guard.refresh", limits.refresh, "nothing bounds the refreshes of a session"),
        ("guard.register", limits.register, "nothing bounds the accounts that one address makes"),
    ];
    let off = all.into_iter().filter(|(_, most, _)| *most == 0);
    let off: Vec<Finding> = off
        .map(|(key, _, text)| {
            Finding::new(Level::Warning, key, format!("this limit is switched off: {text}"), reset(key))
        })
        .collect();
    if off.is_empty() {
        vec![Finding::ok("guard", "all limits on guesses, registrations and mails are on")]
    } else {
        off
    }
}

/// Scopes that limit nothing, since they have no rate.
fn scopes(settings: &Settings) -> Vec<Finding> {
    let throttling = settings.throttling();
    let has_rate = |name: &str| throttling.rates.iter().any(|rate| rate.scope == name);
    let idle = throttling.scopes.iter().filter(|scope| !has_rate(&scope.name));
    idle.map(|scope| {
        let text = format!("{scope}: this scope has no rate, so nothing limits requests to {}", scope.path);
        let advice = Advice::from(format!("give {} a rate, or take it out: ", scope.name))
            .and_run("settings get throttle.rates");
        Finding::new(Level::Warning, "throttle.scopes", text, advice)
    })
    .collect()
}

/// Lifetimes and rotation of a profile. A default is never a risk: the APIs that a profile stands for have it.
fn tokens(settings: &Settings, profile: Profile) -> Vec<Finding> {
    let (rules, usual) = (settings.token_rules(profile), Settings::default().token_rules(profile));
    let mut findings = Vec::new();
    let mut warn = |what: &str, text: String, advice: Option<Advice>| {
        if let Some(setting) = settings::find(&format!("{}.{what}", profile.as_str())) {
            let advice = advice.unwrap_or_else(|| reset(setting.key));
            findings.push(Finding::new(Level::Warning, setting.key, text, advice));
        }
    };
    if rules.access > usual.access.max(ACCESS_MAX) {
        let text = "who verifies tokens by the published keys lets in for so long whoever was shut out here";
        warn("access_lifetime", format!("{}: {text}", shown(rules.access)), None);
    }
    if usual.rotates && !rules.rotates {
        warn(
            "rotate_refresh",
            "a stolen refresh token works until its session ends, and nothing shows it".to_owned(),
            None,
        );
    }
    if rules.session > usual.session.max(SESSION_MAX) {
        warn(
            "session_lifetime",
            format!("{}: whoever got into a session stays in it for so long", shown(rules.session)),
            None,
        );
    }
    if rules.refresh > rules.session {
        let (refresh, session) = (shown(rules.refresh), shown(rules.session));
        let advice = Advice::run(format!("settings set {}.refresh_lifetime {session}", profile.as_str()));
        let text = format!("{refresh} is not what happens: the session ends after {session}, and its tokens with it");
        warn("refresh_lifetime", text, Some(advice));
    }
    findings
}

fn reset(key: &str) -> Advice {
    Advice::run(format!("settings reset {key}"))
}

fn shown(length: Duration) -> String {
    times::length(length.as_secs())
}
