//! `authsrv serve`: opens or makes the database, says where everything is, and listens until it is told to stop.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::call::Call;
use super::failure::{Code, Failure};
use super::logs::{self, START};
use super::{Start, output, superuser};
use crate::app::tls::Pair;
use crate::app::{self, Missing, OpenError, closed_directory};
use crate::config::{Config, Flags, LogFormat};
use crate::domain::advice::Advice;
use crate::domain::tls::TlsFiles;
use crate::http::tls::Tls;
use crate::http::{self, Entrance};
use crate::service::audit::Scribe;
use crate::service::keys::Locksmith;
use crate::service::mails::Postman;
use crate::service::tokens::Sweeper;
use crate::service::{Env, Office, clock, settings, users};

/// Least time that mails on their way get when the server stops.
const MAIL_DRAIN: Duration = Duration::from_millis(500);

/// Longest time for writing what was refused in the last minute when the server stops.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Options of `serve`. Values are read by [`Config::resolve`], which knows all their sources.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Address and port to listen on; port 0 takes a free one [env: AUTHSRV_LISTEN] [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<OsString>,
    /// Proxies whose X-Forwarded-For counts: addresses and networks, separated by commas
    /// [env: AUTHSRV_TRUSTED_PROXIES] [default: none]
    #[arg(long, value_name = "LIST")]
    trusted_proxies: Option<OsString>,
    /// Address and port of the metrics for Prometheus, /metrics; nobody is asked for credentials there
    /// [env: AUTHSRV_METRICS_LISTEN] [default: none]
    #[arg(long, value_name = "ADDR:PORT")]
    metrics_listen: Option<OsString>,
    /// Certificate to speak TLS with, in PEM, and those above it; replaced files are read anew, at once on SIGHUP
    /// [env: AUTHSRV_TLS_CERT] [default: no TLS]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<OsString>,
    /// Its private key, in PEM [env: AUTHSRV_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<OsString>,
    /// Take that key although others than its owner may use the file
    /// [env: AUTHSRV_ALLOW_OPEN_TLS_KEY] [default: false]
    #[arg(long, value_name = "true|false")]
    allow_open_tls_key: Option<OsString>,
    /// Seconds that requests under way get when the server stops [env: AUTHSRV_DRAIN_TIMEOUT] [default: 15]
    #[arg(long, value_name = "SECONDS")]
    drain_timeout: Option<OsString>,
    /// What to log: off, error, warn, info, debug, trace, or a filter [env: AUTHSRV_LOG] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log: Option<OsString>,
    /// Form of the log, text or json [env: AUTHSRV_LOG_FORMAT] [default: text]
    #[arg(long, value_name = "FORM")]
    log_format: Option<OsString>,
    /// Start although others may write to the directory of the files
    /// [env: AUTHSRV_ALLOW_OPEN_DIRECTORY] [default: false]
    #[arg(long, value_name = "true|false")]
    allow_open_directory: Option<OsString>,
}

const HELP: &str = "\
Each variable can stand in .env too, and each option in authsrv.toml, as in: listen = \"0.0.0.0:8000\"
The first start makes the superuser that AUTHSRV_SUPERUSER_EMAIL and AUTHSRV_SUPERUSER_PASSWORD
(or the first line of the file AUTHSRV_SUPERUSER_PASSWORD_FILE) name, unless there is one.
Runtime settings (lifetimes, registration) are not here: see `settings list`.

Examples:
  authsrv serve
  authsrv serve --db /srv/authsrv.db --listen 0.0.0.0:8000 --log-format json
  authsrv serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem";

impl Args {
    /// What was typed.
    pub fn flags(self) -> Flags {
        Flags {
            listen: self.listen,
            trusted_proxies: self.trusted_proxies,
            metrics_listen: self.metrics_listen,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            allow_open_tls_key: self.allow_open_tls_key,
            drain_timeout: self.drain_timeout,
            log: self.log,
            log_format: self.log_format,
            allow_open_directory: self.allow_open_directory,
            ..Flags::default()
        }
    }
}

/// Serves until SIGTERM or SIGINT, then answers what was accepted and leaves the database in one file.
pub fn run(start: &Start) -> Result<Code, Failure> {
    more_files();
    if !start.config.allow_open_directory {
        for file in [&start.config.db, &start.config.master_key_file] {
            closed_directory(file).map_err(OpenError::File)?;
        }
    }
    if start.is_new() {
        superuser::check(start)?;
    }
    // Before it is needed: mails would wait, and nobody would know why.
    if let Err(error) = Office::new(start.config.smtp_password_file.clone()).check() {
        return Err(Failure::refused(error.to_string()).hint(error.advice()));
    }
    let pair = start.config.tls.as_ref().map(|files| pair(start, files)).transpose()?;
    // First, so that a start that cannot listen leaves no files behind.
    let doors = Doors::open(&start.config)?;
    // Of an upgrade the log tells.
    let call = start.call_on(start.open(Missing::Create)?.0);
    on_time(&call)?;
    let address = doors.address;
    let superuser = users::has_superuser(&call.ctx())? || first_superuser(start, &call)?;
    let call = without_password(start, call)?;
    let named = settings::public_url(&call.env)?.is_some() || !address.ip().is_unspecified();
    let env = Arc::new(Env { default_url: start.config.url(address), ..call.env });
    if let Err(cause) = env.store.keep_ballast() {
        logs::warn(&start.config, &format!("no room is kept for ending access when the disk is full: {cause}"));
    }
    let tls = start.config.tls.clone().zip(pair).map(|(files, pair)| Tls::new(files, pair, Arc::clone(&env)));
    let doors = Doors { tls, ..doors };
    let places = (address, doors.metrics.as_ref().map(|door| door.address));
    listen(env, doors, &start.config, || announce(start, places, Lacking { superuser: !superuser, name: !named }))?;
    Ok(Code::Done)
}

/// Passes unless the clock stands before what the database has seen: what has expired would be good again.
fn on_time(call: &Call) -> Result<(), Failure> {
    let Some(behind) = clock::behind(&call.env)? else { return Ok(()) };
    let hint = Advice::from("set the clock right, then start again; if it is right, and was wrong before: ");
    Err(Failure::refused(behind.to_string()).hint(hint.and_run("doctor --reset-clock")))
}

/// Most files that are asked for: each connection is one (E.4).
const FILES: u64 = 8192;

/// Lets the process have as many files open as it may and needs. Shells set the limit low, for programs of old that would
/// fail over numbers above it.
fn more_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(FILES, |maximum| maximum.min(FILES));
    if limit.current.is_some_and(|current| current < most) {
        // Where the system does not let us, there are fewer connections.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..limit });
    }
}

/// The certificate and its key, before anything is made. That its time is not now is no reason not to start: clients say
/// so, and the next certificate takes its place while the server runs.
fn pair(start: &Start, files: &TlsFiles) -> Result<Pair, Failure> {
    let pair = Pair::read(files).map_err(|wrong| Failure::refused(wrong.what()).hint(wrong.advice()))?;
    if let Some(fault) = pair.validity.fault(app::now()) {
        logs::warn(&start.config, &format!("{fault}: {}", files.certificate.display()));
    }
    Ok(pair)
}

/// Makes the superuser whom the environment names; false if it names none.
fn first_superuser(start: &Start, call: &Call) -> Result<bool, Failure> {
    let Some(label) = superuser::make(start, call)? else { return Ok(false) };
    match start.config.log_format {
        LogFormat::Json => tracing::info!(target: START, label, "created the first superuser"),
        LogFormat::Text => output::note(&format!("Created superuser {label}.")),
    }
    Ok(true)
}

/// Passes once the superuser's password is in no environment. The database is closed before the program begins anew.
fn without_password(start: &Start, call: Call) -> Result<Call, Failure> {
    if !superuser::has_password() {
        return Ok(call);
    }
    drop(call);
    let error = superuser::forget_password();
    logs::warn(&start.config, &format!("the superuser's password stays in the environment of the process: {error}"));
    Ok(start.call(Missing::Create)?)
}

/// Where the server listens.
struct Doors {
    listener: TcpListener,
    address: SocketAddr,
    /// Where it tells its metrics, if it does.
    metrics: Option<Box<Doors>>,
    /// How it makes connections secure, if it does.
    tls: Option<Arc<Tls>>,
}

impl Doors {
    fn open(config: &Config) -> Result<Self, Failure> {
        let metrics = config.metrics_listen.map(|address| Self::at(address, "--metrics-listen")).transpose()?;
        Ok(Self { metrics: metrics.map(Box::new), ..Self::at(config.listen, "--listen")? })
    }

    fn at(address: SocketAddr, flag: &str) -> Result<Self, Failure> {
        let bound = TcpListener::bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| taken(address, flag, &error))?;
        Ok(Self { listener, address, metrics: None, tls: None })
    }
}

/// For the asynchronous runtime, which this must be called in.
fn watched(listener: TcpListener) -> Result<tokio::net::TcpListener, Failure> {
    listener.set_nonblocking(true).map_err(|error| broken(&error))?;
    tokio::net::TcpListener::from_std(listener).map_err(|error| broken(&error))
}

/// Hands the rest to HTTP: accept, answer, drain, checkpoint. `ready` is told once signals are heard.
fn listen(env: Arc<Env>, doors: Doors, config: &Config, ready: impl FnOnce()) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| broken(&error))?;
    let asked = Arc::new(OnceLock::new());
    let patience = http::Patience { drain: config.drain_timeout, ..http::Patience::default() };
    let (postman, scribe) = runtime.block_on(async {
        let told = told_to_stop().map_err(|error| broken(&error))?;
        let entrance = Entrance { listener: watched(doors.listener)?, tls: doors.tls };
        entrance.tls.clone().map_or(Ok(()), followed)?;
        let (stop, stops) = watch::channel(());
        let metrics = doors.metrics.map(|door| tell_metrics(&env, config, *door, (stops, patience))).transpose()?;
        let postman = Postman::start(Arc::clone(&env)).map_err(|error| broken(&error))?;
        let scribe = Scribe::start(Arc::clone(&env)).map_err(|error| broken(&error))?;
        let _locksmith = Locksmith::start(Arc::clone(&env)).map_err(|error| broken(&error))?;
        let _sweeper = Sweeper::start(Arc::clone(&env)).map_err(|error| broken(&error))?;
        ready();
        let stopping = Arc::clone(&asked);
        let told = async move {
            told.await;
            stopping.get_or_init(Instant::now);
            drop(stop);
        };
        http::serve(entrance, http::Site::measured(Arc::clone(&env), metrics), told, patience).await;
        Ok::<_, Failure>((postman, scribe))
    })?;
    // Mails get what is left of the time that requests had.
    let taken = asked.get().map_or(Duration::ZERO, Instant::elapsed);
    postman.stop(config.drain_timeout.saturating_sub(taken).max(MAIL_DRAIN));
    scribe.stop(LAST_EVENTS);
    // What still runs after the drain has had its time: its client gets no answer, its transaction is rolled back.
    runtime.shutdown_timeout(Duration::from_millis(500));
    env.store.checkpoint()?;
    Ok(())
}

/// Tells what is counted at a door of its own, until the other end of the channel is gone.
fn tell_metrics(
    env: &Arc<Env>,
    config: &Config,
    door: Doors,
    (mut stops, patience): (watch::Receiver<()>, http::Patience),
) -> Result<Arc<http::Metrics>, Failure> {
    let metrics = Arc::new(http::Metrics::new(Arc::clone(env), &app::files(&config.db))?);
    let router = http::metrics::router(Arc::clone(&metrics));
    let told = async move { drop(stops.changed().await) };
    let listener = watched(door.listener)?;
    tokio::spawn(http::serve(listener, router, told, patience));
    Ok(metrics)
}

/// Follows what becomes of the certificate.
fn followed(tls: Arc<Tls>) -> Result<(), Failure> {
    tokio::spawn(tls.follow().map_err(|error| broken(&error))?);
    Ok(())
}

/// Ready at the first SIGTERM or SIGINT. The second ends the process at once, as an impatient operator wants it; the
/// database survives that like any crash.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("Stopping; a second signal stops at once.");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            std::process::exit(Code::Refused as i32);
        });
    })
}

/// The failure of something that the system refused a server, such as threads or files.
fn broken(error: &std::io::Error) -> Failure {
    Failure::internal(format!("the server cannot start: {error}"))
}

/// What a server can do without for a while, but should have.
struct Lacking {
    /// An active superuser.
    superuser: bool,
    /// A name by which clients reach it: it listens on all addresses, which none of them can.
    name: bool,
}

/// Says where everything is: in lines for people, or in the log where that is for programs.
fn announce(start: &Start, (address, metrics): (SocketAddr, Option<SocketAddr>), lacking: Lacking) {
    let (database, url) = (start.config.db.display(), start.config.url(reachable(address)));
    let own = start.config.url(address);
    let hint = start.program.command("createsuperuser --email you@example.com");
    let naming = start.program.command("settings set public_url https://auth.example.com");
    if start.config.log_format == LogFormat::Json {
        let docs = format!("{url}/api/docs/");
        let metrics = metrics.map(|address| format!("http://{address}/metrics"));
        tracing::info!(target: START, %database, %address, url = own, docs, metrics, "listening");
        if lacking.superuser {
            tracing::warn!(target: START, command = hint, "there is no superuser yet");
        }
        if lacking.name {
            tracing::warn!(target: START, command = naming, "tokens name an issuer that no client can reach");
        }
        return;
    }
    output::note(&format!("Database   {database}"));
    output::note(&format!("Listening  {own}"));
    output::note(&format!("Docs       {url}/api/docs/"));
    if let Some(address) = metrics {
        output::note(&format!("Metrics    http://{address}/metrics"));
    }
    if lacking.superuser {
        output::note(&format!("There is no superuser yet. Make one: {hint}"));
    }
    if lacking.name {
        output::note(&format!("Tokens name {own} as their issuer. Say how clients reach it: {naming}"));
    }
}

/// The address as it can be typed on this machine.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

fn taken(address: SocketAddr, flag: &str, error: &std::io::Error) -> Failure {
    let failure = Failure::refused(format!("cannot listen on {address}: {error}"));
    match error.kind() {
        ErrorKind::AddrInUse => failure.hint(format!(
            "another program, perhaps another authsrv, listens there; stop it, or choose another port with {flag}"
        )),
        ErrorKind::PermissionDenied => {
            failure.hint(format!("ports below 1024 are reserved; choose another with {flag}"))
        }
        ErrorKind::AddrNotAvailable => failure.hint("this machine has no such address; 0.0.0.0 means all of its own"),
        _ => failure,
    }
}
