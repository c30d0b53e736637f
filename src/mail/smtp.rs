//! A mail server. Without encryption nothing is sent, except to this machine itself.

use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};

use super::{Failure, Message, Office, Transport, compose, password};
use crate::domain::advice::Advice;
use crate::domain::settings::mail::{Security, Smtp as Settings};

/// How long the server may take to connect, and for each answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers that refuse a mail for good by their number, but speak of us and not of this mail: who signs in, and how.
const OF_US: [u16; 4] = [530, 534, 535, 538];
/// Longest answer of a server that is kept, in characters.
const ANSWER_MAX: usize = 300;

/// Hands each mail to a mail server, over a connection of its own.
pub(super) struct Smtp(SmtpTransport);

impl Smtp {
    /// The server of the settings; it is not connected to yet.
    pub(super) fn new(settings: &Settings, office: &Office) -> Result<Self, Failure> {
        let host = settings.host.as_str();
        if host.is_empty() {
            return Err(Failure::passing("mail.transport is smtp, and mail.smtp_host is not set")
                .advised(Advice::run("settings set mail.smtp_host smtp.example.com")));
        }
        let builder = SmtpTransport::builder_dangerous(host).port(settings.port).timeout(Some(PATIENCE));
        let builder = builder.tls(encryption(settings)?);
        if settings.user.is_empty() {
            return Ok(Self(builder.build()));
        }
        let Some(path) = &office.password_file else {
            return Err(Failure::passing(format!("mail.smtp_user is {}, and there is no password", settings.user))
                .advised("put the password into a file that you alone may read, and name it with --smtp-password-file PATH (or AUTHSRV_SMTP_PASSWORD_FILE)"));
        };
        let read = password::read(path);
        let read = read.map_err(|error| Failure::passing(error.to_string()).advised(error.advice()))?;
        Ok(Self(builder.credentials(Credentials::new(settings.user.clone(), read.as_str().to_owned())).build()))
    }
}

fn encryption(settings: &Settings) -> Result<Tls, Failure> {
    let parameters = || {
        let made = TlsParameters::new_rustls(settings.host.clone());
        made.map_err(|error| Failure::passing(format!("TLS cannot be set up: {}", told(&error))))
    };
    match settings.security {
        Security::Tls => parameters().map(Tls::Wrapper),
        Security::StartTls => parameters().map(Tls::Required),
        Security::None if is_this_machine(&settings.host) => Ok(Tls::None),
        Security::None => {
            let text = format!("mail.smtp_security is none, and {} is another machine", settings.host);
            Err(Failure::passing(text).advised(Advice::run("settings reset mail.smtp_security")))
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl Transport for Smtp {
    fn send(&self, message: &Message) -> Result<(), Failure> {
        let formed = compose::formed(message)?;
        self.0.send(&formed).map(drop).map_err(|error| {
            let of_us = error.status().is_some_and(|code| OF_US.contains(&u16::from(code)));
            let failure = Failure::passing(format!("the mail server: {}", told(&error)));
            Failure { permanent: error.is_permanent() && !of_us, ..failure.advised(advice(&error, of_us)) }
        })
    }
}

fn advice(error: &Error, of_us: bool) -> Advice {
    if of_us {
        return "look at mail.smtp_user and at the file of --smtp-password-file".into();
    }
    if error.is_response() || error.is_transient() || error.is_permanent() {
        return Advice::default();
    }
    Advice::from("look at mail.smtp_host, mail.smtp_port and mail.smtp_security: ").and_run("settings list")
}

/// An error with its causes, on one line: servers answer what they like.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ANSWER_MAX).collect();
    text.trim().to_owned()
}
