//! The mail server is down, slow or hostile: nobody who asks the server for something may notice.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::PASSWORD;
use crate::support::shell::Shell;
use crate::support::smtp::{MailServer, Manner};

/// The server hangs on a mail server that says nothing, and answers as quickly as ever; also when it is told to stop.
#[test]
fn a_silent_mail_server_delays_nobody() {
    let silent = MailServer::start(Manner::Silent);
    let shell = Shell::new();
    for words in [
        "mail.smtp_host 127.0.0.1".to_owned(),
        format!("mail.smtp_port {}", silent.port),
        "mail.smtp_security none".to_owned(),
        "mail.transport smtp".to_owned(),
    ] {
        shell.run(&format!("settings set {words}")).done();
    }
    for number in 0..3 {
        shell.run(&format!("mail send-test a{number}@example.com --queue")).done();
    }
    let mut server = {
        let mut command = shell.server();
        command.args(["--drain-timeout", "1"]);
        crate::support::process::Process::of(command)
    };
    let begun = Instant::now();
    let body = json!({"email": "ann@example.com", "password": PASSWORD, "password2": PASSWORD});
    assert_eq!(server.anonymous().post("/register/", body).status, 201);
    for _ in 0..5 {
        let answer = server.anonymous().post("/login/", json!({"email": "ann@example.com", "password": PASSWORD}));
        assert_eq!(answer.status, 200);
    }
    // The mail server gets ten seconds for its greeting alone.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let stopping = Instant::now();
    let log = server.stop(Signal::TERM);
    assert!(stopping.elapsed() < Duration::from_secs(8), "{:?}: {log}", stopping.elapsed());
    // Nothing is lost by that.
    assert_eq!(shell.json("mail list --status queued").as_array().unwrap().len(), 3);
}
