//! TLS by the server itself: what it speaks, what it refuses, and certificates that change while it runs (E.4).

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use authsrv::domain::tls::{KeyReaders, TlsFiles};
use authsrv::http::Patience;
use rustix::process::Signal;
use rustls::version::{TLS12, TLS13};

use crate::support::http::Server;
use crate::support::process::Process;
use crate::support::shell::{Ran, Shell};
use crate::support::tls::{Certificate, Secure, replace};
use crate::support::{TestApp, once};

/// A server of the real binary with this certificate.
fn serve(shell: &Shell, certificate: &Certificate) -> Process {
    let mut command = shell.server();
    command.args(certificate.flags());
    Process::of(command)
}

/// What a start with these flags says that does not come to listen.
fn refused(shell: &Shell, flags: &[&str]) -> Ran {
    let mut words = vec!["serve", "--listen", "127.0.0.1:0"];
    words.extend(flags);
    shell.run_all(&words)
}

fn is_ready(secure: &mut Secure) -> bool {
    secure.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

#[test]
fn https_is_spoken_in_both_versions_and_named_everywhere() {
    let shell = Shell::empty();
    let certificate = Certificate::new(shell.folder());
    let mut server = serve(&shell, &certificate);
    assert!(server.log_with("/api/docs/").contains(&format!("Listening  https://{}", server.address)));
    for version in [&TLS12, &TLS13] {
        let mut secure = certificate.connect_by(server.address, &[version]).unwrap();
        assert_eq!(secure.0.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert!(is_ready(&mut secure) && is_ready(&mut secure), "also a second time in one connection");
        let head = secure.get("/healthz").unwrap();
        assert!(head.contains("strict-transport-security: max-age=31536000"), "{head}");
    }
    let listen = server.address.to_string();
    shell.run_all(&["health", "--listen", &listen]).done();
    let [_, cert, _, key] = certificate.flags();
    let health = shell.command(&format!("health --listen {listen}")).env("AUTHSRV_TLS_CERT", cert).output();
    Ran::from(health.unwrap()).exits(2).says("AUTHSRV_TLS_CERT").says("AUTHSRV_TLS_KEY");
    let mut health = shell.command(&format!("health --listen {listen}"));
    let health = health.env("AUTHSRV_TLS_CERT", cert).env("AUTHSRV_TLS_KEY", key).output();
    Ran::from(health.unwrap()).done();
    server.stop(Signal::TERM);
}

#[test]
fn a_new_certificate_is_taken_without_a_restart() {
    let shell = Shell::empty();
    let first = Certificate::new(shell.folder());
    let mut server = serve(&shell, &first);
    let mut open = first.connect(server.address).unwrap();
    assert!(is_ready(&mut open));

    let second = Certificate::new(shell.folder());
    let taken = once(|| second.connect(server.address).ok());
    assert!(is_ready(&mut taken.expect("it is noticed without a word")));
    assert!(is_ready(&mut open), "connections go on");
    assert!(first.connect(server.address).is_err(), "new ones see the new certificate alone");

    fs::write(&second.key, "-----BEGIN PRIVATE KEY-----\nbroken\n").unwrap();
    server.signal(Signal::HUP);
    let log = server.log_with("cannot be used");
    assert!(log.contains("key.pem") && !log.contains("broken"), "{log}");
    assert!(is_ready(&mut second.connect(server.address).unwrap()), "the one before stays");
    let foreign = rcgen::KeyPair::generate().unwrap().serialize_pem();
    replace(&second.key, &foreign);
    server.log_with("is not that of the certificate");
    assert!(is_ready(&mut second.connect(server.address).unwrap()));

    let third = Certificate::new(shell.folder());
    server.signal(Signal::HUP);
    assert!(once(|| third.connect(server.address).ok()).is_some());
    assert!(is_ready(&mut open), "still");
    server.stop(Signal::TERM);
}

#[test]
fn files_that_cannot_be_used_stop_the_start_and_leave_nothing_behind() {
    let shell = Shell::empty();
    let certificate = Certificate::new(shell.folder());
    let [cert_flag, cert, key_flag, key] = certificate.flags();
    refused(&shell, &[cert_flag, cert]).exits(2).says("--tls-cert stands alone").says("--tls-key");
    refused(&shell, &[key_flag, key]).exits(2).says("--tls-key stands alone").says("AUTHSRV_TLS_CERT");
    refused(&shell, &[cert_flag, "nowhere.pem", key_flag, key]).exits(1).says("nowhere.pem cannot be read");
    refused(&shell, &[cert_flag, key, key_flag, key]).exits(1).says("there is no certificate in PEM form");
    refused(&shell, &[cert_flag, cert, key_flag, cert]).exits(1).says("there is no private key");
    fs::set_permissions(&certificate.key, fs::Permissions::from_mode(0o640)).unwrap();
    let open = refused(&shell, &certificate.flags()).exits(1).says("mode 0640");
    assert!(open.err.contains("--allow-open-tls-key"), "R-54: overridable by name: {open:?}");
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    replace(&certificate.key, &other);
    refused(&shell, &certificate.flags()).exits(1).says("is not that of the certificate");
    for broken in
        ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n", "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n"]
    {
        replace(&certificate.key, broken);
        let said = refused(&shell, &certificate.flags()).exits(1).says("key.pem");
        assert!(!said.err.contains("AAAA"), "R-53: {said:?}");
    }
    assert!(!shell.file("authsrv.db").exists(), "nothing was made");
}

#[test]
fn an_open_key_may_be_allowed_by_name() {
    let shell = Shell::empty();
    let certificate = Certificate::new(shell.folder());
    fs::set_permissions(&certificate.key, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = shell.server();
    command.args(certificate.flags()).env("AUTHSRV_ALLOW_OPEN_TLS_KEY", "true");
    let server = Process::of(command);
    assert!(is_ready(&mut certificate.connect(server.address).unwrap()));
}

#[test]
fn an_expired_certificate_is_told_of_by_the_server_and_by_doctor() {
    let shell = Shell::empty();
    let certificate = Certificate::until(shell.folder(), 2020);
    let mut server = serve(&shell, &certificate);
    assert!(server.log_with("Docs").contains("warning: the certificate expired on 2020-01-01"));
    server.stop(Signal::TERM);
    let doctor = || {
        let [_, cert, _, key] = certificate.flags();
        let mut command = shell.command("doctor -o json");
        Ran::from(command.env("AUTHSRV_TLS_CERT", cert).env("AUTHSRV_TLS_KEY", key).output().unwrap())
    };
    doctor().exits(1).prints("the certificate expired on 2020-01-01");
    fs::set_permissions(&certificate.key, fs::Permissions::from_mode(0o604)).unwrap();
    doctor().exits(1).prints("is open to others (mode 0604)");
    Certificate::new(shell.folder());
    doctor().prints("the certificate is good until 4000-01-01");
}

#[test]
fn what_is_no_tls_of_today_gets_nothing() {
    let app = TestApp::new();
    let certificate = Certificate::new(app.folder.path());
    let server = secure(&app, &certificate, Patience::default());
    let mut plain = connect(server.address);
    plain.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let answer = rest(&mut plain);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"), "{answer:?}");
    // TLS 1.1 at most: version 3.2, a random, no session, two suites of its time, no compression, no extensions.
    for version in [1, 2] {
        let body = [&[3, version][..], &[7; 32], &[0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]].concat();
        let hello = [&[1, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
        let record = [&[22, 3, 1, 0, u8::try_from(hello.len()).unwrap()][..], &hello].concat();
        let mut old = connect(server.address);
        old.write_all(&record).unwrap();
        let answer = rest(&mut old);
        assert_eq!(answer.first(), Some(&21), "an alert, no hello: {answer:?}");
    }
    assert!(is_ready(&mut certificate.connect(server.address).unwrap()));
}

#[test]
fn handshakes_have_their_time_and_keep_nobody_out() {
    let app = TestApp::new();
    let certificate = Certificate::new(app.folder.path());
    let head = Duration::from_secs(1);
    let server = secure(&app, &certificate, Patience { head, ..Patience::default() });
    let mut slow: Vec<TcpStream> = (0..300).map(|_| connect(server.address)).collect();
    for stream in &mut slow {
        // Those that had to make room may be gone.
        drop(stream.write_all(&[22, 3, 1]));
    }
    assert!(is_ready(&mut certificate.connect(server.address).unwrap()), "R-51");
    for stream in &mut slow {
        rest(stream);
    }
    let mut silent = certificate.connect(server.address).unwrap();
    assert_eq!(silent.0.read(&mut [0; 1]).unwrap_or(0), 0, "the first head is due, too");
}

#[test]
fn a_handshake_does_not_hold_up_the_end() {
    let shell = Shell::empty();
    let certificate = Certificate::new(shell.folder());
    let mut server = serve(&shell, &certificate);
    let mut slow = connect(server.address);
    slow.write_all(&[22, 3, 1]).unwrap();
    assert!(is_ready(&mut certificate.connect(server.address).unwrap()));
    let begun = Instant::now();
    server.stop(Signal::TERM);
    assert!(begun.elapsed() < Duration::from_secs(9), "its own time would be ten seconds");
}

fn secure(app: &TestApp, certificate: &Certificate, patience: Patience) -> Server {
    let (file, key) = (certificate.file.clone(), certificate.key.clone());
    Server::secure(app, patience, Some(TlsFiles { certificate: file, key, readers: KeyReaders::Owner }))
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// All that comes until the server hangs up, which it must.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("the server does not hang up"),
        _ => answer,
    }
}
