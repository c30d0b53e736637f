//! How this process is started: flags > environment (`AUTHSRV_…`) > `.env` > `authsrv.toml` > default.
//!
//! [`Flags`] are what was typed, [`Config`] is what it means; [`layers`] looks the rest up. What an administrator
//! changes while the server runs is not here but in `domain/settings.rs`. Nothing here opens the database.

pub mod layers;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use crate::domain::proxies::TrustedProxies;
use crate::domain::tls::{KeyReaders, TlsFiles};
use crate::domain::{settings, times};
use layers::{Layers, Raw};

/// Longest wait for requests under way when the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(600);

/// What was typed on the command line; `None` is looked up in the layers below.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are those of `Config`; `config` is the configuration file")]
pub struct Flags {
    pub config: Option<OsString>,
    pub db: Option<OsString>,
    pub listen: Option<OsString>,
    pub trusted_proxies: Option<OsString>,
    pub tls_cert: Option<OsString>,
    pub tls_key: Option<OsString>,
    pub allow_open_tls_key: Option<OsString>,
    pub master_key_file: Option<OsString>,
    pub smtp_password_file: Option<OsString>,
    pub metrics_listen: Option<OsString>,
    pub drain_timeout: Option<OsString>,
    pub log: Option<OsString>,
    pub log_format: Option<OsString>,
    pub allow_open_directory: Option<OsString>,
}

/// How this process works; every value is checked and every path absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The database.
    pub db: PathBuf,
    /// The key that seals the secrets in the database.
    pub master_key_file: PathBuf,
    /// The password for the mail server, if there is one.
    pub smtp_password_file: Option<PathBuf>,
    /// Where the server listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Proxies whose word on where a request comes from counts.
    pub trusted_proxies: TrustedProxies,
    /// Where Prometheus may ask for the metrics, if it may; port 0 takes a free one.
    pub metrics_listen: Option<SocketAddr>,
    /// Certificate and key of the server, where it speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// How long the server waits for requests under way when it stops.
    pub drain_timeout: Duration,
    /// What is logged: a level, or a filter such as `info,authsrv=debug`.
    pub log: String,
    /// In what form.
    pub log_format: LogFormat,
    /// Whether the server starts although others may write to the directory of its files.
    pub allow_open_directory: bool,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// One setting of the process: its key in `authsrv.toml`, and where else it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Key in `authsrv.toml`.
    pub key: &'static str,
    /// Flag.
    pub flag: &'static str,
    /// Variable, in the environment or in `.env`.
    pub variable: &'static str,
}

const fn setting(key: &'static str, flag: &'static str, variable: &'static str) -> Setting {
    Setting { key, flag, variable }
}

/// The database.
pub const DB: Setting = setting("db", "--db", "AUTHSRV_DB");
const LISTEN: Setting = setting("listen", "--listen", "AUTHSRV_LISTEN");
const TRUSTED_PROXIES: Setting = setting("trusted_proxies", "--trusted-proxies", "AUTHSRV_TRUSTED_PROXIES");
const METRICS_LISTEN: Setting = setting("metrics_listen", "--metrics-listen", "AUTHSRV_METRICS_LISTEN");
/// Name of the master key among the credentials that systemd lends (`LoadCredential=authsrv.key:…`).
const CREDENTIAL: &str = "authsrv.key";
/// The master key.
pub const MASTER_KEY_FILE: Setting = setting("master_key_file", "--master-key-file", "AUTHSRV_MASTER_KEY_FILE");
/// The password for the mail server.
pub const SMTP_PASSWORD_FILE: Setting =
    setting("smtp_password_file", "--smtp-password-file", "AUTHSRV_SMTP_PASSWORD_FILE");
const TLS_CERT: Setting = setting("tls_cert", "--tls-cert", "AUTHSRV_TLS_CERT");
const TLS_KEY: Setting = setting("tls_key", "--tls-key", "AUTHSRV_TLS_KEY");
const ALLOW_OPEN_TLS_KEY: Setting = setting("allow_open_tls_key", "--allow-open-tls-key", "AUTHSRV_ALLOW_OPEN_TLS_KEY");
const DRAIN_TIMEOUT: Setting = setting("drain_timeout", "--drain-timeout", "AUTHSRV_DRAIN_TIMEOUT");
const LOG: Setting = setting("log", "--log", "AUTHSRV_LOG");
const LOG_FORMAT: Setting = setting("log_format", "--log-format", "AUTHSRV_LOG_FORMAT");
/// Form of the data that commands print; read by the command line, which knows the forms.
pub const OUTPUT: Setting = setting("output", "--output", "AUTHSRV_OUTPUT");
const ALLOW_OPEN_DIRECTORY: Setting =
    setting("allow_open_directory", "--allow-open-directory", "AUTHSRV_ALLOW_OPEN_DIRECTORY");

/// All of them.
pub const SETTINGS: [Setting; 14] = [
    DB,
    OUTPUT,
    LISTEN,
    TRUSTED_PROXIES,
    METRICS_LISTEN,
    TLS_CERT,
    TLS_KEY,
    MASTER_KEY_FILE,
    SMTP_PASSWORD_FILE,
    DRAIN_TIMEOUT,
    LOG,
    LOG_FORMAT,
    ALLOW_OPEN_DIRECTORY,
    ALLOW_OPEN_TLS_KEY,
];

/// A setting that cannot be used: what, from where, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Resolves every setting.
    ///
    /// # Errors
    /// The first setting that cannot be used, with the source of its value and what is allowed.
    pub fn resolve(flags: &Flags, layers: &Layers) -> Result<Self, ConfigError> {
        let db = match layers.find(DB, flags.db.as_ref()) {
            Some(raw) => database(&raw)?,
            None => layers.absolute(Path::new("authsrv.db"))?,
        };
        let master_key_file = match layers.find(MASTER_KEY_FILE, flags.master_key_file.as_ref()) {
            Some(raw) => path(&raw)?,
            None => layers.credential(CREDENTIAL).unwrap_or_else(|| db.with_extension("key")),
        };
        if master_key_file == db {
            return Err(ConfigError(format!(
                "the master key file and the database are both {}; name another key file with --master-key-file PATH (or AUTHSRV_MASTER_KEY_FILE)",
                db.display()
            )));
        }
        let password = layers.find(SMTP_PASSWORD_FILE, flags.smtp_password_file.as_ref());
        // Nothing is said of a file by a line of `.env` that names none.
        let password = password.filter(|raw| !raw.value.is_empty());
        let listen = layers.find(LISTEN, flags.listen.as_ref());
        let proxies = layers.find(TRUSTED_PROXIES, flags.trusted_proxies.as_ref());
        // So does a line that names no address.
        let metrics = layers.find(METRICS_LISTEN, flags.metrics_listen.as_ref()).filter(|raw| !raw.value.is_empty());
        let drain = layers.find(DRAIN_TIMEOUT, flags.drain_timeout.as_ref());
        let log = layers.find(LOG, flags.log.as_ref());
        let format = layers.find(LOG_FORMAT, flags.log_format.as_ref());
        let open = layers.find(ALLOW_OPEN_DIRECTORY, flags.allow_open_directory.as_ref());
        Ok(Self {
            db,
            master_key_file,
            smtp_password_file: password.map(|raw| path(&raw)).transpose()?,
            tls: tls(flags, layers)?,
            listen: listen.map_or(Ok(SocketAddr::from(([127, 0, 0, 1], 8000))), |raw| address(&raw))?,
            trusted_proxies: proxies.map_or(Ok(TrustedProxies::default()), |raw| trusted(&raw))?,
            metrics_listen: metrics.map(|raw| address(&raw)).transpose()?,
            drain_timeout: drain.map_or(Ok(Duration::from_secs(15)), |raw| duration(&raw))?,
            log: log.map_or(Ok("info".to_owned()), |raw| filter(&raw))?,
            log_format: format.map_or(Ok(LogFormat::Text), |raw| log_format(&raw))?,
            allow_open_directory: open.map_or(Ok(false), |raw| switch(&raw))?,
        })
    }
}

impl Config {
    /// The server at an address, as a URL.
    pub fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }
}

/// Certificate and key: both or none.
fn tls(flags: &Flags, layers: &Layers) -> Result<Option<TlsFiles>, ConfigError> {
    let file = |setting, typed: &Option<OsString>| {
        // Nothing is said of a file by a line of `.env` that names none.
        layers.find(setting, typed.as_ref()).filter(|raw| !raw.value.is_empty())
    };
    let alone = |raw: &Raw, other: Setting| {
        let text = "a certificate and its key go together: name the other, too, with";
        Err(ConfigError(format!("{} stands alone; {text} {} (or {})", raw.source, other.flag, other.variable)))
    };
    let open = layers.find(ALLOW_OPEN_TLS_KEY, flags.allow_open_tls_key.as_ref());
    let is_open = open.map_or(Ok(false), |raw| switch(&raw))?;
    let readers = if is_open { KeyReaders::Anybody } else { KeyReaders::Owner };
    match (file(TLS_CERT, &flags.tls_cert), file(TLS_KEY, &flags.tls_key)) {
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsFiles { certificate: path(&certificate)?, key: path(&key)?, readers }))
        }
        (Some(certificate), None) => alone(&certificate, TLS_KEY),
        (None, Some(key)) => alone(&key, TLS_CERT),
        (None, None) => Ok(None),
    }
}

fn refuse(raw: &Raw, allowed: &str) -> ConfigError {
    ConfigError(format!("{:?} ({}) is not {allowed}", raw.value.to_string_lossy(), raw.source))
}

/// A path; one in a configuration file is relative to that file's folder.
fn path(raw: &Raw) -> Result<PathBuf, ConfigError> {
    if raw.value.is_empty() {
        return Err(refuse(raw, "the path of a file"));
    }
    absolute(raw.base.join(&raw.value)).map_err(|_| refuse(raw, "the path of a file"))
}

fn database(raw: &Raw) -> Result<PathBuf, ConfigError> {
    let text = raw.value.to_string_lossy();
    if text.contains("://") || text.starts_with("file:") || text == ":memory:" {
        return Err(refuse(raw, "the path of a SQLite file, such as authsrv.db or /var/lib/authsrv/authsrv.db"));
    }
    path(raw)
}

fn address(raw: &Raw) -> Result<SocketAddr, ConfigError> {
    let text = raw.value.to_string_lossy();
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(&text)
        .parse()
        .map_err(|_| refuse(raw, "ADDRESS:PORT, such as 127.0.0.1:8000, 0.0.0.0:80 or [::1]:8000"))
}

fn trusted(raw: &Raw) -> Result<TrustedProxies, ConfigError> {
    let allowed = "a list of addresses and networks, separated by commas, such as 127.0.0.1,10.0.0.0/8,::1";
    TrustedProxies::parse(&raw.value.to_string_lossy()).map_err(|wrong| match wrong.is_empty() {
        true => refuse(raw, allowed),
        false => ConfigError(format!("{wrong:?} ({}) is neither an address nor a network; {allowed}", raw.source)),
    })
}

fn duration(raw: &Raw) -> Result<Duration, ConfigError> {
    times::seconds(&raw.value.to_string_lossy())
        .map(Duration::from_secs)
        .filter(|time| *time <= DRAIN_MAX)
        .ok_or_else(|| refuse(raw, "a time from 0 to 600 seconds, such as 15, 15s or 5m"))
}

fn filter(raw: &Raw) -> Result<String, ConfigError> {
    let allowed = "off, error, warn, info, debug, trace, or a filter such as info,authsrv=debug";
    let text = raw.value.to_str().map(str::trim).filter(|text| !text.is_empty()).ok_or_else(|| refuse(raw, allowed))?;
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) if is_filter(text) => Ok(text.to_owned()),
        _ => Err(refuse(raw, allowed)),
    }
}

/// A bare word that is no level would be taken as the name of a module and silence the log.
fn is_filter(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    text.split(',').all(|part| part.contains('=') || LEVELS.contains(&part.trim().to_ascii_lowercase().as_str()))
}

fn switch(raw: &Raw) -> Result<bool, ConfigError> {
    settings::switch(&raw.value.to_string_lossy()).ok_or_else(|| refuse(raw, "true or false"))
}

fn log_format(raw: &Raw) -> Result<LogFormat, ConfigError> {
    match raw.value.to_ascii_lowercase().to_str() {
        Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        _ => Err(refuse(raw, "text or json")),
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
