//! `createsuperuser`: by hand, in containers, and as the way back in.

use std::fs;

use crate::support::PASSWORD;
use crate::support::shell::{Ran, Shell};

const CONTAINER: &str = "createsuperuser --if-missing --no-input";

#[test]
fn it_makes_the_database_and_may_be_repeated() {
    let shell = Shell::empty();
    shell.pipe("createsuperuser --email root@example.com --password-stdin", PASSWORD).done().says("Created superuser");
    let again = shell.run("createsuperuser --email root@example.com").done().says("already exists");
    again.prints("root@example.com");
    let piped = "createsuperuser --email root@example.com --password-stdin";
    shell.pipe(piped, PASSWORD).done().says("already exists");
    shell.pipe(piped, "another-Password-7").exits(1).says("`authsrv users set-password root@example.com`");
    shell.pipe(&format!("{piped} --if-missing"), "another-Password-7").done().says("nothing was changed");
    let user = shell.json("users show 1");
    assert_eq!(
        (&user["is_superuser"], &user["is_staff"], &user["is_active"]),
        (&true.into(), &true.into(), &true.into())
    );
}

#[test]
fn a_container_may_run_it_at_each_start() {
    let shell = Shell::empty();
    let start = |password: &str| {
        let mut command = shell.command(CONTAINER);
        command.env("AUTHSRV_SUPERUSER_EMAIL", "root@example.com");
        Ran::from(command.env("AUTHSRV_SUPERUSER_PASSWORD", password).output().unwrap())
    };
    start("short").exits(2).says("password: ");
    start(PASSWORD).done().says("Created superuser root@example.com.");
    start(PASSWORD).done().says("nothing was changed");
    start("").done().says("nothing was changed");
    assert_eq!(shell.json("users list").as_array().unwrap().len(), 1);
}

#[test]
fn dotenv_supplies_both_variables() {
    let shell = Shell::empty();
    let text = format!("AUTHSRV_SUPERUSER_EMAIL=root@example.com\nAUTHSRV_SUPERUSER_PASSWORD='{PASSWORD}'\n");
    fs::write(shell.folder().join(".env"), text).unwrap();
    shell.run(CONTAINER).done().says("Created superuser root@example.com.");
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let shell = Shell::empty();
    shell.run("createsuperuser").exits(2).says("--email");
    shell.pipe("createsuperuser --email root --password-stdin", PASSWORD).exits(2).says("--email: ");
    shell.pipe("createsuperuser --email root@example.com --password-stdin", "short").exits(2).says("password: ");
    let ran = shell.run("createsuperuser --email root@example.com").exits(2);
    ran.says("--password-stdin").says("AUTHSRV_SUPERUSER_PASSWORD");
    assert_eq!(shell.folder().read_dir().unwrap().count(), 0, "what was wrong made nothing");
}

/// A name is looked for among names only: seven is not the user of that id.
#[test]
fn a_name_of_digits_is_no_id() {
    let shell = Shell::new();
    shell.pipe("createsuperuser --email root@example.com --password-stdin", PASSWORD).done();
    shell.pipe("createsuperuser --username 1 --password-stdin", PASSWORD).done().says("Created superuser 1.");
    assert_eq!(shell.json("users show 2")["username"], "1");
    shell.pipe("createsuperuser --username 1 --password-stdin", PASSWORD).done().says("already exists");
}

/// An inactive superuser is none that can help: that it exists is no success, and it is not changed by the way.
#[test]
fn an_inactive_superuser_is_told() {
    let shell = Shell::new();
    for email in ["root@example.com", "other@example.com"] {
        shell.pipe(&format!("createsuperuser --email {email} --password-stdin"), PASSWORD).done();
    }
    shell.run("users deactivate root@example.com").done();
    let ran = shell.run("createsuperuser --email root@example.com").exits(1);
    ran.says("`authsrv users activate root@example.com` lets this account sign in");
}

#[test]
fn an_ordinary_user_is_not_promoted_by_the_way() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let ran = shell.pipe("createsuperuser --email ann@example.com --password-stdin", PASSWORD).exits(1);
    ran.says("authsrv users update ann@example.com --superuser");
    shell.run("users update ann@example.com --superuser").done();
    shell.run("createsuperuser --email ann@example.com").done().says("already exists");
}
