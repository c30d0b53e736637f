//! The mail server is down, and the server is killed with mails on their way: nobody notices, and no mail is lost.

use rustix::process::Signal;
use serde_json::json;

use super::native;
use crate::live::Site;
use crate::support::once;
use crate::support::process::Process;
use crate::support::smtp::{MailServer, Manner};

const MAILS: usize = 6;

/// A site that sends mails to this port.
fn site(port: u16) -> Site {
    let mut site = Site::new();
    for words in ["mail.smtp_host 127.0.0.1", "mail.smtp_security none", "mail.transport smtp"] {
        site.run(&format!("settings set {words}")).done();
    }
    site.run(&format!("settings set mail.smtp_port {port}")).done();
    site.server.stop(Signal::TERM);
    site.server = site.shell.serve();
    site
}

/// Kills the server, and starts it again some hours later: who had a mail in hand when he was killed has it for minutes.
fn killed(site: &mut Site, hours: i64) {
    site.server.signal(Signal::KILL);
    site.server.wait();
    let offset = site.shell.file("offset");
    std::fs::write(&offset, (hours * 3600).to_ne_bytes()).unwrap();
    let mut command = site.shell.server();
    native::between(&mut command, "clock");
    command.env("CLOCK_OFFSET", offset);
    site.server = Process::of(command);
}

/// All have come, at least once each, and hardly more often: what was under way at a crash may come twice.
fn all_come(site: &Site, mails: &MailServer, crashes: usize) {
    site.run("mail retry").done();
    let to = |number: usize| format!("a{number}@example.com");
    let count = |number| mails.mails().iter().filter(|mail| mail.contains(&to(number))).count();
    let come = once(|| {
        let come = (0..MAILS).all(|number| count(number) > 0);
        let waiting = site.json("mail list --status queued").as_array().unwrap().len();
        (come && waiting == 0).then_some(())
    });
    come.unwrap_or_else(|| panic!("R-69: mails are lost: {:?}", site.json("mail list")));
    let twice = (0..MAILS).map(|number| count(number) - 1).sum::<usize>();
    assert!(twice <= crashes, "{twice} came twice for {crashes} crashes");
}

#[test]
fn mails_outlive_a_mail_server_that_is_down_and_a_crash() {
    // Nobody listens there.
    let mut site = site(1);
    let queues = |site: &Site| {
        for number in 0..MAILS {
            site.run(&format!("mail send-test a{number}@example.com --queue")).done();
        }
    };
    queues(&site);
    let asked = site.server.anonymous().post("/auth/users/reset_password/", json!({"email": "nobody@example.com"}));
    assert_eq!(asked.status, 204, "R-69: {asked:?}");
    for hour in 1..3 {
        killed(&mut site, hour);
        assert_eq!(site.json("mail list --status queued").as_array().unwrap().len(), MAILS, "R-69");
    }
    let mails = MailServer::start(Manner::Takes);
    site.run(&format!("settings set mail.smtp_port {}", mails.port)).done();
    site.run("mail retry").done();
    once(|| (!mails.mails().is_empty()).then_some(())).expect("the first comes");
    killed(&mut site, 3);
    all_come(&site, &mails, 1);
}
