//! What is asked on a terminal, through a real one.

use rexpect::process::Signal;
use rexpect::session::{PtySession, spawn_command};

use crate::support::PASSWORD;
use crate::support::process::script;
use crate::support::shell::Shell;

fn start(shell: &Shell, words: &str) -> PtySession {
    // A terminal of rexpect has no echo; those of people have.
    let mut command = script("sh", shell.folder(), &format!("stty echo && exec authsrv {words}"));
    command.env("TERM", "xterm");
    spawn_command(command, Some(10_000)).unwrap()
}

fn code(mut session: PtySession) -> Option<i32> {
    let _ = session.exp_eof();
    match session.process.wait().unwrap() {
        rexpect::process::wait::WaitStatus::Exited(_, code) => Some(code),
        _ => None,
    }
}

#[test]
fn a_password_is_asked_for_twice_without_echo() {
    let shell = Shell::new();
    let mut terminal = start(&shell, "createsuperuser");
    terminal.exp_string("E-mail: ").unwrap();
    terminal.send_line("root@example.com").unwrap();
    terminal.exp_string("Password: ").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    terminal.exp_string("Password again: ").unwrap();
    terminal.send_line("something else").unwrap();
    let seen = terminal.exp_string("not the same").unwrap();
    assert!(!seen.contains(PASSWORD) && !seen.contains("something else"), "{seen}");
    for prompt in ["Password: ", "Password again: "] {
        terminal.exp_string(prompt).unwrap();
        terminal.send_line(PASSWORD).unwrap();
    }
    let seen = terminal.exp_string("Created superuser root@example.com.").unwrap();
    assert!(!seen.contains(PASSWORD), "{seen}");
    assert_eq!(code(terminal), Some(0));
}

/// Ctrl-C at the password leaves the terminal as it was: with echo.
#[test]
fn ctrl_c_at_a_password_gives_the_echo_back() {
    let shell = Shell::new();
    for (again, signal) in [(false, None), (true, None), (false, Some(Signal::SIGTERM))] {
        let mut terminal = start(&shell, "createsuperuser --email root@example.com");
        let echo = |terminal: &PtySession| {
            let modes = rustix::termios::tcgetattr(&terminal.process.pty).unwrap().local_modes;
            modes.contains(rustix::termios::LocalModes::ECHO)
        };
        terminal.exp_string("Password: ").unwrap();
        if again {
            terminal.send_line(PASSWORD).unwrap();
            terminal.exp_string("Password again: ").unwrap();
        }
        while echo(&terminal) {
            std::thread::yield_now();
        }
        match signal {
            Some(signal) => terminal.process.signal(signal).unwrap(),
            None => terminal.send_control('c').unwrap(),
        }
        let _ = terminal.exp_eof();
        assert!(echo(&terminal));
        assert_eq!(code(terminal), Some(130));
    }
    assert_eq!(shell.json("users list"), serde_json::json!([]));
}

#[test]
fn a_refused_password_is_asked_for_again_and_nothing_is_made_before() {
    let shell = Shell::empty();
    let mut terminal = start(&shell, "createsuperuser --email root@example.com");
    let type_in = |terminal: &mut PtySession, password: &str| {
        for prompt in ["Password: ", "Password again: "] {
            terminal.exp_string(prompt).unwrap();
            terminal.send_line(password).unwrap();
        }
    };
    for _ in 0..2 {
        type_in(&mut terminal, "too short");
        terminal.exp_string("This password is too short").unwrap();
        assert_eq!(shell.folder().read_dir().unwrap().count(), 0);
    }
    type_in(&mut terminal, PASSWORD);
    terminal.exp_string("Created superuser root@example.com.").unwrap();
    assert_eq!(code(terminal), Some(0));
    let mut terminal = start(&shell, "createsuperuser --email other@example.com");
    (0..3).for_each(|_| type_in(&mut terminal, "too short"));
    terminal.exp_string("error:").unwrap();
    assert_eq!(code(terminal), Some(2));
}

#[test]
fn a_deletion_is_asked_for() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let mut terminal = start(&shell, "users delete ann@example.com");
    terminal.exp_string("Delete user ann@example.com (id 1) with all sessions? [y/N] ").unwrap();
    terminal.send_line("").unwrap();
    terminal.exp_string("nothing was changed").unwrap();
    assert_eq!(code(terminal), Some(1));
    let mut terminal = start(&shell, "users delete ann@example.com");
    terminal.exp_string("[y/N] ").unwrap();
    terminal.send_line("y").unwrap();
    terminal.exp_string("Deleted user ann@example.com.").unwrap();
    assert_eq!(code(terminal), Some(0));
}

#[test]
fn a_table_has_colour_on_a_terminal_and_never_with_no_color() {
    let shell = Shell::new();
    let mut terminal = start(&shell, "settings list");
    assert!(terminal.exp_eof().unwrap().contains("\u{1b}[1m"));
    let mut command = shell.process("settings list");
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    let mut terminal = spawn_command(command, Some(10_000)).unwrap();
    assert!(!terminal.exp_eof().unwrap().contains('\u{1b}'));
}

/// What a narrow terminal has no room for is told, with what shows it; a column that was named is never left out.
#[test]
fn a_narrow_table_says_what_it_leaves_out() {
    let shell = Shell::new();
    for name in ["ann", "bob", "cat"] {
        shell.user(&format!("{name}@example.com"));
    }
    let seen = |words: &str| {
        let mut command = script("sh", shell.folder(), &format!("stty rows 24 cols 80 && exec authsrv {words}"));
        command.env("TERM", "xterm").env("NO_COLOR", "1");
        spawn_command(command, Some(10_000)).unwrap().exp_eof().unwrap()
    };
    let list = seen("users list");
    assert!(list.contains("Left out for lack of room: ") && list.contains("(--fields all shows all)."), "{list}");
    assert_eq!(list.lines().count(), 8, "{list}");
    let named = seen("users list --fields all");
    assert!(!named.contains("Left out") && named.matches("force_logout_at").count() == 3, "{named}");
    assert!(seen("sessions list --fields user,id").contains("No sessions."));
    let settings = seen("settings list");
    // A row for each, though a long name may take two lines.
    let bare = |line: &str| line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    let rows: Vec<String> = settings.lines().map(bare).collect();
    for setting in authsrv::domain::settings::ALL {
        let shown: String = setting.key.chars().take(32).collect();
        assert!(rows.iter().any(|row| row.starts_with(&shown)), "{shown}: {settings}");
    }
}

#[test]
fn ctrl_d_ends_the_asking() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    for (words, question, told, exits) in [
        ("createsuperuser", "E-mail: ", "no answer was given", 1),
        ("createsuperuser --email root@example.com", "Password: ", "no password was typed", 2),
        ("keys import --hs256", "Secret: ", "no secret was typed", 2),
        ("users delete ann@example.com", "[y/N] ", "nothing was changed", 1),
    ] {
        let mut terminal = start(&shell, words);
        terminal.exp_string(question).unwrap();
        terminal.send_control('d').unwrap();
        terminal.exp_string(told).unwrap();
        assert_eq!(code(terminal), Some(exits), "{words}");
    }
    shell.run("users show ann@example.com").done();
}
