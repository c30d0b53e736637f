//! The three forms of data, and what the terminal never gets.

use std::fs::OpenOptions;
use std::io::Read;
use std::process::Stdio;

use crate::support::PASSWORD;
use crate::support::shell::{Ran, Shell};

const EVIL: &str = "A\u{1b}[31mnn\u{202e}\u{9b}2J\u{200b}";

fn with_evil_name() -> Shell {
    let shell = Shell::new();
    let words = ["users", "create", "--email", "ann@example.com", "--first-name", EVIL, "--password-stdin"];
    shell.pipe_all(&words, PASSWORD).done();
    shell
}

#[test]
fn text_from_users_is_inert_in_every_form_and_stream() {
    let shell = with_evil_name();
    let evil =
        |text: &str| text.chars().any(|c| (c.is_control() && !"\n\t".contains(c)) || "\u{202e}\u{200b}".contains(c));
    for words in ["users list", "users show 1", "users list -o json", "users list -o plain"] {
        let ran = shell.run(words).done();
        assert!(!evil(&ran.out), "{words}: {:?}", ran.out);
    }
    assert_eq!(shell.json("users show 1")["first_name"], EVIL);
    shell.run("users list -o plain").prints("A\\u{1b}[31mnn\\u{202e}\\u{9b}2J\\u{200b}");
    for words in [["users", "show", EVIL], ["users", "list", EVIL], ["roles", "show", EVIL]] {
        let ran = shell.run_all(&words);
        assert!(ran.code != 0 && !evil(&ran.err), "{:?}", ran.err);
    }
}

#[test]
fn the_three_forms_show_the_same() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let json = shell.json("users show ann@example.com");
    let plain = shell.run("users show ann@example.com -o plain").done().out;
    let table = shell.run("users show ann@example.com").done().out;
    let fields = json.as_object().unwrap();
    assert_eq!(plain.trim_end_matches('\n').split('\t').count(), fields.len());
    assert_eq!(table.lines().count(), fields.len() + 2);
    assert!(fields.keys().all(|key| table.contains(key.as_str())));
    assert!(!table.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn an_empty_list_says_so_on_standard_error() {
    let shell = Shell::new();
    let ran = shell.run("users list").done().says("No users.");
    assert_eq!(ran.out, "");
    let ran = shell.run("users list -o json").done();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("[]\n", ""));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let shell = Shell::new();
    let lists = ["table", "json", "plain"].map(|form| format!("settings list -o {form}"));
    for words in lists.iter().map(String::as_str).chain(["seed --help", "seed --dry-run -o json"]) {
        let mut child = shell.process(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{words}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let shell = Shell::new();
    for words in ["settings list", "man users", "completions bash", "users --help", "--version"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        Ran::from(shell.process(words).stdout(full).output().unwrap()).exits(70).says("cannot write the output");
    }
}

#[test]
fn lists_are_cut_ordered_and_searched() {
    let shell = Shell::new();
    for name in ["ann", "bob", "cat"] {
        shell.user(&format!("{name}@example.com"));
    }
    let emails = |words: &str| shell.run(&format!("users list --fields email -o plain {words}")).done().out;
    assert_eq!(emails(""), "ann@example.com\nbob@example.com\ncat@example.com\n");
    assert_eq!(emails("--ordering -email --limit 2"), "cat@example.com\nbob@example.com\n");
    assert_eq!(emails("--page 2 --page-size 2"), "cat@example.com\n");
    assert_eq!(emails("--search bob"), "bob@example.com\n");
    assert_eq!(emails("--inactive"), "");
    assert_eq!(emails("--page 9"), "");
}
