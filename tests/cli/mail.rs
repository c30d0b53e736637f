//! `mail`: the outbox, and whether mails arrive.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::support::once;
use crate::support::shell::Shell;
use crate::support::smtp::{MailServer, Manner};

/// A database whose mails go to this server.
fn by(server: &MailServer) -> Shell {
    let shell = Shell::new();
    for words in [
        "mail.smtp_host localhost".to_owned(),
        format!("mail.smtp_port {}", server.port),
        "mail.smtp_security none".to_owned(),
        "mail.transport smtp".to_owned(),
    ] {
        shell.run(&format!("settings set {words}")).done();
    }
    shell
}

/// The files in the folder of mails.
fn files(shell: &Shell) -> Vec<String> {
    let entries = fs::read_dir(shell.file("mails")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

fn to_folder(shell: &Shell) {
    shell.run(&format!("settings set mail.folder {}", shell.file("mails").display())).done();
    shell.run("settings set mail.transport folder").done();
}

#[test]
fn a_test_mail_tells_what_the_server_said() {
    let server = MailServer::start(Manner::Takes);
    let shell = by(&server);
    shell.run("mail send-test you@example.com").done().says("The mail server took the test mail to you@example.com.");
    assert!(server.mails()[0].contains("Subject: Test mail from authsrv"));
    assert_eq!(shell.json("mail send-test you@example.com")["sent"], true);
    shell.run("mail send-test nobody").exits(2).says("ADDRESS: Enter a valid email address.");

    let shell = by(&MailServer::start(Manner::Refuses("550 5.1.1 no such user")));
    shell.run("mail send-test you@example.com").exits(1).says("error: the test mail was not sent").says("no such user");
    shell.run("settings set mail.smtp_port 1").done();
    shell.run("mail send-test you@example.com").exits(1).says("hint: look at mail.smtp_host").says("settings list");
    shell.run("settings reset mail.smtp_host").done();
    shell.run("mail send-test you@example.com").exits(1).says("settings set mail.smtp_host");
    shell.run("settings reset mail.transport").done();
    shell.run("mail send-test you@example.com").done().says("Nothing was sent: mail.transport is log");
    to_folder(&shell);
    shell.run("mail send-test you@example.com").done().says("is in the folder");
    assert_eq!(files(&shell).len(), 1);
}

/// The server sees what the command line queued, and obeys settings at once.
#[test]
fn a_running_server_sends_what_is_queued() {
    let shell = Shell::new();
    shell.run("settings set mail.transport folder").done();
    let mut server = shell.serve();
    shell.run("mail list").done().says("No mails.");
    shell.run("mail send-test you@example.com --queue").done().says("a running server sends it");
    let mail = &shell.json("mail list")[0];
    assert_eq!(
        (&mail["kind"], &mail["to"], &mail["status"]),
        (&"test".into(), &"you@example.com".into(), &"queued".into())
    );
    server.log_with("mails wait: mail.transport is folder, and mail.folder is not set");
    to_folder(&shell);
    once(|| (files(&shell).len() == 1).then_some(())).unwrap();
    once(|| (shell.json("mail list --status sent").as_array().unwrap().len() == 1).then_some(())).unwrap();
    shell.run("mail retry 1").exits(1).says("mail 1 was sent, and what it said was wiped");
    shell.run("mail retry 7").exits(1).says("no mail \"7\"").says("mail list");
    shell.run("mail retry").done().says("There is nothing to send.");
    shell.run("mail list --status lost").exits(2).says("queued, sent, failed, dropped");
    shell.run("settings reset mail.transport").done();
    shell.run("mail send-test you@example.com --queue").done();
    server.log_with("Mail to you@example.com, Test mail from authsrv");
    let log = server.stop(Signal::TERM);
    assert!(log.contains("mail sent"), "{log}");
}

/// What is due when the server stops still goes.
#[test]
fn a_server_that_stops_sends_what_is_due() {
    let shell = Shell::new();
    to_folder(&shell);
    let mut server = shell.serve();
    for number in 0..5 {
        shell.run(&format!("mail send-test a{number}@example.com --queue")).done();
    }
    server.stop(Signal::TERM);
    assert_eq!(files(&shell).len(), 5);
    assert_eq!(shell.json("mail list --status sent").as_array().unwrap().len(), 5);
}

#[test]
fn a_refused_mail_is_tried_again_by_hand() {
    let shell = by(&MailServer::start(Manner::Refuses("550 5.1.1 no such user")));
    let server = shell.serve();
    shell.run("mail send-test you@example.com --queue").done();
    let failed = once(|| shell.json("mail list --status failed").as_array().unwrap().first().cloned()).unwrap();
    assert!(failed["last_error"].as_str().unwrap().contains("no such user"), "{failed}");
    to_folder(&shell);
    shell.run("mail retry 1").done().says("Mail 1 is due now");
    once(|| (files(&shell).len() == 1).then_some(())).unwrap();
    drop(server);
}

#[test]
fn templates_are_written_out_once_and_used() {
    let shell = Shell::new();
    shell.run("mail templates mine").done().says("Wrote 42 templates into mine.");
    fs::write(shell.file("mine/en/test.subject.txt"), "Hello from {{ site_name }}").unwrap();
    shell.run("mail templates mine").done().says("Wrote 0 templates");
    shell.run(&format!("settings set mail.templates {}", shell.file("mine").display())).done();
    to_folder(&shell);
    shell.run("mail send-test you@example.com").done();
    let mail = fs::read_to_string(shell.file("mails").join(&files(&shell)[0])).unwrap();
    assert!(mail.contains("Subject: Hello from authsrv"), "{mail}");
    fs::write(shell.file("mine/en/test.html"), "{{ nonsense }}").unwrap();
    shell.run("doctor").exits(1).prints("en/test.html");
    shell.run("mail send-test you@example.com").done();
}

/// the password for the mail server comes out of a file that nobody else may read.
#[test]
fn the_password_file_is_the_owners_alone() {
    let shell = Shell::new();
    let file = shell.file("smtp-password");
    fs::write(&file, "Geheim-Wort-3306\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let ran = shell.run("serve --smtp-password-file smtp-password").exits(1).says("open to others (mode 0644)");
    assert!(ran.err.contains("chmod 600") && !ran.err.contains("Geheim"), "{}", ran.err);
    shell.run("serve --smtp-password-file nowhere").exits(1).says("cannot be read");
    shell.run("settings set mail.smtp_host localhost").done();
    shell.run("settings set mail.transport smtp").done();
    shell.run("settings set mail.smtp_user me").done();
    shell.run("mail send-test you@example.com").exits(1).says("AUTHSRV_SMTP_PASSWORD_FILE");
    let ran =
        shell.command("mail send-test you@example.com").env("AUTHSRV_SMTP_PASSWORD_FILE", "smtp-password").output();
    let err = String::from_utf8(ran.unwrap().stderr).unwrap();
    assert!(err.contains("open to others") && !err.contains("Geheim"), "{err}");
}
