//! The program as the compose file starts it: as a user without rights, where nothing but its data folder can be written.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Signal, geteuid};
use serde_json::json;
use tempfile::TempDir;

use super::file;
use super::image::{step, variables};
use crate::support::PASSWORD;
use crate::support::process::{BINARY, Process, authsrv, isolated};
use crate::support::shell::Ran;

const EMAIL: &str = "root@example.com";

/// The user of the image.
fn user() -> u32 {
    step("USER").rest.split(':').next().unwrap().parse().unwrap()
}

/// What the compose file sets.
fn environment() -> Vec<(String, String)> {
    let text = file("compose.yaml");
    let block = text.split("    environment:\n").nth(1).unwrap();
    let lines = block.lines().take_while(|line| line.starts_with("      "));
    lines.map(|line| line.trim().split_once(": ").map(|(name, value)| (name.into(), value.into())).unwrap()).collect()
}

/// The image and its volume.
struct Container {
    folder: TempDir,
    more: Vec<(&'static str, String)>,
}

impl Container {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mode = |path: &PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&folder.path().to_owned(), 0o755);
        let container = Self { folder, more: Vec::new() };
        fs::create_dir(container.data()).unwrap();
        mode(&container.data(), 0o700);
        // Where the user may run it, wherever this was built.
        fs::copy(BINARY, container.binary()).unwrap();
        mode(&container.binary(), 0o755);
        if geteuid().is_root() {
            chown(container.data(), Some(user()), Some(user())).unwrap();
        }
        container
    }

    /// With the superuser of `.env`.
    fn naming(email: &str, password: &str) -> Self {
        let mut container = Self::new();
        container.more =
            vec![("AUTHSRV_SUPERUSER_EMAIL", email.to_owned()), ("AUTHSRV_SUPERUSER_PASSWORD", password.to_owned())];
        container
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn binary(&self) -> PathBuf {
        self.folder.path().join("authsrv")
    }

    /// A command line of the image, with `/data` and the port where they are here.
    fn command(&self, words: &[String]) -> Command {
        let data = self.data();
        // The environment of the test stays outside.
        let mut command = authsrv(&data);
        if geteuid().is_root() {
            command = outside_in(&data);
            command.arg(self.binary());
        }
        let here =
            |value: &str| value.replace("/data", &data.display().to_string()).replace("0.0.0.0:8000", "127.0.0.1:0");
        for (name, value) in variables().into_iter().chain(environment()) {
            command.env(name, here(&value));
        }
        command.args(words).envs(self.more.iter().map(|(name, value)| (name, value)));
        command
    }

    fn serve(&self) -> Process {
        Process::of(self.command(&step("CMD").words()))
    }

    fn run(&self, words: &str) -> Ran {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Ran::from(self.command(&words).output().unwrap())
    }
}

/// A command that gives up all rights before it runs another, and where the system lets us, makes all but the data
/// read-only for it.
fn outside_in(data: &std::path::Path) -> Command {
    let user = user();
    let drop =
        format!("exec setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs --bounding-set=-all \"$@\"");
    let shut = "mount --bind \"$DATA\" \"$DATA\" && mount -o remount,ro,bind /";
    let can_shut = isolated("unshare", data)
        .args(["--mount", "sh", "-c", shut])
        .env("DATA", data)
        .output()
        .is_ok_and(|output| output.status.success());
    let mut command = isolated(if can_shut { "unshare" } else { "sh" }, data);
    if can_shut {
        command.args(["--mount", "sh"]);
    }
    let script = if can_shut { format!("{shut} && cd \"$DATA\" && {drop}") } else { drop };
    command.args(["-c", &script, "sh"]).env("DATA", data);
    command
}

/// S1-4 … S1-6
#[test]
fn the_first_start_makes_everything_and_the_next_finds_it() {
    let mut container = Container::naming(EMAIL, PASSWORD);
    let mut server = container.serve();
    let said = server.log_with("Docs");
    assert!(said.contains(&format!("Created superuser {EMAIL}.")), "{said}");
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    if geteuid().is_root() {
        assert!(line("Uid:").split_whitespace().all(|id| id == user().to_string()), "{status}");
        assert_eq!(line("CapEff:"), "0000000000000000");
    }
    assert_eq!(line("NoNewPrivs:"), "1");
    let login = server.anonymous().post("/login/", json!({"email": EMAIL, "password": PASSWORD}));
    assert_eq!(login.status, 200, "{login:?}");
    let root = server.bearer(&login.text("access"));
    assert_eq!(root.get("/me/").json()["is_superuser"], true);
    assert!(root.get("/roles/").json()["count"].as_u64().unwrap() > 0, "what comes with it is loaded");
    let health = container.run(&format!("health --listen {}", server.address));
    health.done().says("is ready");
    container.run("users list").done().prints(EMAIL);
    let log = server.stop(Signal::TERM);
    assert!(!log.contains(PASSWORD), "R-53: {log}");
    let left: Vec<String> = fs::read_dir(container.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!left.iter().any(|name| name.ends_with("-wal")), "R-65: {left:?}");

    // The password may be taken out of .env, or be another: whoever is there is left alone.
    for password in ["", "another-Password-7", "short"] {
        container.more[1].1 = password.to_owned();
        let mut server = container.serve();
        let again = server.anonymous().post("/login/", json!({"email": EMAIL, "password": PASSWORD}));
        assert_eq!(again.status, 200, "{again:?}");
        let log = server.stop(Signal::TERM);
        assert!(!log.contains("superuser"), "{log}");
    }
    assert_eq!(container.run("users list -o json").done().json().as_array().unwrap().len(), 1);
}

/// E.8: in the environment only for the first start, and cleared once read.
#[test]
fn the_password_leaves_the_environment() {
    let container = Container::naming(EMAIL, PASSWORD);
    for _ in 0..2 {
        let mut server = container.serve();
        let environment = fs::read(format!("/proc/{}/environ", server.id())).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("AUTHSRV_LISTEN="), "this is the server: {environment}");
        assert!(!environment.contains("AUTHSRV_SUPERUSER_PASSWORD") && !environment.contains(PASSWORD), "R-53");
        server.stop(Signal::TERM);
    }
}

#[test]
fn a_superuser_who_cannot_be_made_stops_the_start() {
    let start = |more: &[(&'static str, &str)]| {
        let mut container = Container::new();
        container.more = more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let ran = container.run("serve").exits(2);
        assert_eq!(fs::read_dir(container.data()).unwrap().count(), 0, "what was wrong made nothing");
        assert!(!ran.err.contains("hunter2"), "R-53: {}", ran.err);
        ran
    };
    let (email, password) = ("AUTHSRV_SUPERUSER_EMAIL", "AUTHSRV_SUPERUSER_PASSWORD");
    start(&[(email, EMAIL), (password, "hunter2")]).says("AUTHSRV_SUPERUSER_PASSWORD: This password is too short.");
    start(&[(email, "root"), (password, PASSWORD)]).says("AUTHSRV_SUPERUSER_EMAIL: ");
    start(&[(password, PASSWORD)]).says("AUTHSRV_SUPERUSER_EMAIL is not set");
    let file = "AUTHSRV_SUPERUSER_PASSWORD_FILE";
    start(&[(email, EMAIL), (file, "/nowhere/secret")]).says("/nowhere/secret").says(file);
    start(&[(email, EMAIL), (file, "/nowhere"), (password, PASSWORD)]).says("are both set");
}

/// A secret of the container in place of the variable.
#[test]
fn the_password_may_come_from_a_file() {
    let mut container = Container::new();
    let secret = container.folder.path().join("secret");
    fs::write(&secret, format!("{PASSWORD}\nmore\n")).unwrap();
    container.more = vec![
        ("AUTHSRV_SUPERUSER_EMAIL", EMAIL.to_owned()),
        ("AUTHSRV_SUPERUSER_PASSWORD_FILE", secret.display().to_string()),
    ];
    let mut server = container.serve();
    let login = server.anonymous().post("/login/", json!({"email": EMAIL, "password": PASSWORD}));
    assert_eq!(login.status, 200, "{login:?}");
    server.stop(Signal::TERM);
}

/// Without a wish there is none; an address alone is no wish, and an account that is no superuser is not made one.
#[test]
fn nobody_is_made_a_superuser_by_the_way() {
    let mut container = Container::new();
    container.more = vec![("AUTHSRV_SUPERUSER_EMAIL", EMAIL.to_owned())];
    let mut server = container.serve();
    server.log_with("There is no superuser yet");
    let new = json!({"email": EMAIL, "password": PASSWORD, "password2": PASSWORD});
    assert_eq!(server.anonymous().post("/register/", new).status, 201);
    server.stop(Signal::TERM);
    container.more.push(("AUTHSRV_SUPERUSER_PASSWORD", PASSWORD.to_owned()));
    container.run("serve").exits(1).says("names an account that is none");
}

#[test]
fn health_says_who_does_not_answer() {
    let container = Container::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    container.run(&format!("health --listen {free}")).exits(1).says(&format!("no server answers at {free}"));
    container.run("health --listen 127.0.0.1:0").exits(2).says("--listen ADDR:PORT");
}

#[test]
fn the_compose_file_gives_it_no_more_than_it_needs() {
    let text = file("compose.yaml");
    for line in [
        "    build: .",
        "      - \"127.0.0.1:8000:8000\"",
        "    env_file: .env",
        "      - data:/data",
        "    read_only: true",
        "    cap_drop:\n      - ALL",
        "      - no-new-privileges:true",
        "    restart: unless-stopped",
        "volumes:\n  data:",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}");
    }
    for word in ["privileged", "cap_add", "network_mode", "docker.sock", "PASSWORD", "user:"] {
        assert!(!text.contains(word), "{word}");
    }
    let set = environment();
    let value = |name: &str| set.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    // E.3: the proxy in front is trusted, and nothing else is.
    let gateway = value("AUTHSRV_TRUSTED_PROXIES").unwrap();
    assert!(text.contains(&format!("          gateway: {gateway}\n")), "{gateway}");
    assert_eq!((value("AUTHSRV_DB"), value("AUTHSRV_LISTEN")), (Some("/data/authsrv.db"), Some("0.0.0.0:8000")));
}
