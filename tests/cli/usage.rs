//! Usage: help, exit code 2, what needs no database.

use authsrv::config::SETTINGS;

use crate::support::shell::Shell;

#[test]
fn help_of_serve_shows_every_setting_with_its_variable() {
    let help = Shell::empty().run("serve --help").done().out;
    for setting in SETTINGS {
        assert!(help.contains(setting.flag) && help.contains(setting.variable), "{setting:?} is not in {help}");
    }
}

/// The options of every command are explained once, and named elsewhere.
#[test]
fn global_options_are_explained_by_the_help_of_authsrv_itself() {
    let shell = Shell::empty();
    let own = shell.run("--help").done().prints("AUTHSRV_DB").prints("AUTHSRV_OUTPUT");
    assert!(own.out.contains("--no-input") && own.out.contains("-y, --yes"), "{}", own.out);
    for words in ["users --help", "users list --help", "help users list", "doctor -h", "completions --help"] {
        let ran = shell.run(words).done().prints("Global options: --db, ").prints("(explained in authsrv --help)");
        assert!(!ran.out.contains("AUTHSRV_"), "{words}: {}", ran.out);
    }
    shell.run("completions bash").done().prints("--master-key-file");
    shell.run("man users list").done().prints("AUTHSRV_DB");
}

#[test]
fn every_command_has_help_and_it_touches_no_file() {
    let shell = Shell::empty();
    for words in
        ["", "users", "users create", "roles allow", "sessions revoke", "tokens", "check", "settings set", "seed"]
    {
        shell.run(&format!("{words} --help")).done().prints("Usage: authsrv");
    }
    assert_eq!(shell.folder().read_dir().unwrap().count(), 0);
}

#[test]
fn wrong_words_exit_2() {
    let shell = Shell::new();
    for words in [
        "",
        "users",
        "usres list",
        "users list --nonsense",
        "users show",
        "roles grant ann@example.com",
        "roles allow viewer",
        "roles allow viewer documents",
        "sessions revoke",
        "sessions revoke 1 --all",
        "tokens revoke-all",
        "tokens revoke-all --user a --everyone",
        "users list --output xml",
        "users list --ordering nonsense",
        "users list --fields nonsense",
        "users list --page 0",
        "users create",
        "completions nonsense",
        "man nonsense",
    ] {
        shell.run(words).exits(2);
    }
    shell.run("usres list").says("users");
}

#[test]
fn a_password_is_no_argument() {
    let shell = Shell::new();
    for words in ["users create --email a@example.com", "users set-password a@example.com", "createsuperuser"] {
        for way in ["--password hunter2", "--password=hunter2", "--password"] {
            let ran = shell.run(&format!("{words} {way}")).exits(2).says("--password-stdin");
            assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        }
    }
    let bare = shell.run("users set-password a@example.com hunter2").exits(2).says("--password-stdin");
    assert!(!bare.err.contains("hunter2"), "R-53: {}", bare.err);
    assert_eq!(shell.json("users list"), serde_json::json!([]));
}

#[test]
fn completions_and_manual_need_no_database() {
    let shell = Shell::empty();
    for name in ["bash", "zsh", "fish", "powershell", "elvish"] {
        shell.run(&format!("completions {name}")).done().prints("createsuperuser");
    }
    shell.run("man").done().prints(".TH authsrv 1").prints("AUTHSRV_DB");
    shell.run("man users create").done().prints(".TH authsrv-users-create 1").prints("first\\-name");
    assert_eq!(shell.folder().read_dir().unwrap().count(), 0);
}

#[test]
fn yes_is_accepted_by_every_command() {
    let shell = Shell::new();
    for words in ["users list --yes", "--yes users list", "-y settings list", "migrate -y", "seed --dry-run --yes"] {
        shell.run(words).done();
    }
}

/// What destroys says in its help which of its forms ask.
#[test]
fn help_says_what_asks_first() {
    let shell = Shell::empty();
    for (words, asks, does_not) in [
        (
            "sessions revoke",
            "only `--all` asks first",
            "All of this user, and all API tokens of this user; does not ask",
        ),
        ("tokens revoke-all", "only `--everyone` asks first", "Those of this user; does not ask"),
    ] {
        shell.run(&format!("{words} --help")).done().prints(asks).prints(does_not);
    }
}

#[test]
fn the_example_of_a_command_is_of_that_command() {
    let shell = Shell::empty();
    for words in ["roles grant", "roles revoke", "roles allow", "roles deny"] {
        shell.run(&format!("{words} --help")).done().prints(&format!("\n  authsrv {words} "));
    }
    for noun in ["roles", "resources", "actions"] {
        shell.run(&format!("{noun} create --help")).done().prints("a-z, 0-9 and . _ -");
    }
}
