//! A proxy in a process of its own, with the file that people copy; only addresses and paths in it are replaced.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustix::process::Signal;
use tempfile::TempDir;

use super::api;
use crate::support::http::Client;
use crate::support::once;
use crate::support::process::{Process, isolated};
use crate::support::shell::Shell;

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    Haproxy,
}

/// Whom authsrv trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    Trusted,
    Nobody,
}

/// A proxy, authsrv and an API behind it.
pub struct Front {
    /// Where the proxy listens.
    pub address: SocketAddr,
    /// Where commands of authsrv run.
    pub shell: Shell,
    authsrv: Option<Process>,
    proxy: Child,
    _folder: TempDir,
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Kind::Nginx => "nginx",
            Kind::Caddy => "caddy",
            Kind::Haproxy => "haproxy",
        }
    }

    /// The file that people copy.
    fn text(self) -> &'static str {
        match self {
            Kind::Nginx => include_str!("../../packaging/nginx.conf"),
            Kind::Caddy => include_str!("../../packaging/Caddyfile"),
            Kind::Haproxy => include_str!("../../packaging/haproxy.cfg"),
        }
    }

    /// Puts the file into a folder, with what is around it there, and gives the command that starts the proxy.
    fn command(self, program: &Path, folder: &Path, text: &str) -> Command {
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        let mut command = isolated(program, folder);
        match self {
            Kind::Nginx => {
                let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
                let paths: String = paths.iter().map(|name| format!("{name}_temp_path temp_{name};\n")).collect();
                write("authsrv.conf", text);
                write(
                    "nginx.conf",
                    &format!(
                        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\n\
                         http {{\naccess_log off;\n{paths}include authsrv.conf;\n}}\n"
                    ),
                );
                command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]);
            }
            Kind::Caddy => {
                write("Caddyfile", &format!("{{\n\tadmin off\n}}\n{text}"));
                command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
                command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
            }
            Kind::Haproxy => {
                write("haproxy.cfg", text);
                command.args(["-db", "-f", "haproxy.cfg"]);
            }
        }
        command
    }
}

impl Front {
    /// Starts all three; `None` where there is no such proxy.
    pub fn start(kind: Kind, shell: Shell, behind: Behind) -> Option<Self> {
        let Some(program) = installed(kind.program()) else {
            println!("left out: there is no {}; .ci/run installs it", kind.program());
            return None;
        };
        let mut serve = shell.server();
        if behind == Behind::Trusted {
            serve.args(["--trusted-proxies", "127.0.0.1"]);
        }
        let (authsrv, api, folder) = (Process::of(serve), api::start(), TempDir::new().unwrap());
        let pem = folder.path().join("authsrv.pem");
        if kind == Kind::Haproxy {
            fs::write(&pem, public_key(&authsrv)).unwrap();
        }
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = kind.text();
        let placeholders = [
            ("127.0.0.1:8000", authsrv.address.to_string()),
            ("127.0.0.1:9000", api.to_string()),
            ("127.0.0.1:8080", address.to_string()),
            ("/etc/haproxy/authsrv.pem", pem.to_str().unwrap().to_owned()),
        ];
        // By way of marks: an address that was put in may be another's placeholder.
        let marked = placeholders
            .iter()
            .enumerate()
            .fold(text.to_owned(), |text, (at, (from, _))| text.replace(from, &format!("@{at}@")));
        let text =
            placeholders.iter().enumerate().fold(marked, |text, (at, (_, to))| text.replace(&format!("@{at}@"), to));
        let mut command = kind.command(&program, folder.path(), &text);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut proxy = command.spawn().unwrap();
        let told = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        let up = once(|| match proxy.try_wait().unwrap() {
            Some(_) => Some(false),
            None => TcpStream::connect(address).is_ok().then_some(true),
        });
        assert_eq!(up, Some(true), "{kind:?} does not start: {}", told());
        Some(Self { address, shell, authsrv: Some(authsrv), proxy, _folder: folder })
    }

    /// Somebody without credentials, before the proxy.
    pub fn anonymous(&self) -> Client {
        Client::of(self.address)
    }

    /// Somebody who signed in through the proxy.
    pub fn signed_in(&self, email: &str) -> Client {
        self.anonymous().bearer(&self.anonymous().sign_in(email).access)
    }

    /// The server behind.
    pub fn authsrv(&self) -> &Process {
        self.authsrv.as_ref().unwrap()
    }

    /// Ends the server behind.
    pub fn stop_authsrv(&mut self) {
        self.authsrv.take().unwrap().stop(Signal::TERM);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.proxy.kill());
        drop(self.proxy.wait());
    }
}

/// Where a program is; those of administrators are not on everybody's path.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The key that tokens are verified by, out of the published keys, as SubjectPublicKeyInfo (RFC 5480).
fn public_key(authsrv: &Process) -> String {
    /// What stands before the point of a key on P-256.
    const HEAD: [u8; 27] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let keys = authsrv.anonymous().get("/.well-known/jwks.json").json();
    let point = |name: &str| URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let der = [HEAD.to_vec(), point("x"), point("y")].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}
