#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::layers::Layers;
use super::{Config, ConfigError, Flags};

fn resolve(dir: &Path, flags: &Flags, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment =
        move |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| OsString::from(value));
    Config::resolve(flags, &Layers::load(dir, Box::new(environment), flags.config.as_deref())?)
}

fn refusal(dir: &Path, flags: &Flags, variables: &[(&str, &str)]) -> String {
    resolve(dir, flags, variables).unwrap_err().to_string()
}

#[test]
fn defaults_need_nothing() {
    let dir = TempDir::new().unwrap();
    let config = resolve(dir.path(), &Flags::default(), &[]).unwrap();
    assert_eq!(config.db, dir.path().join("authsrv.db"));
    assert_eq!(config.master_key_file, dir.path().join("authsrv.key"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.drain_timeout.as_secs(), 15);
}

#[test]
fn each_layer_hides_those_below() {
    let dir = TempDir::new().unwrap();
    let listens =
        |flags: &Flags, variables: &[(&str, &str)]| resolve(dir.path(), flags, variables).unwrap().listen.port();
    fs::write(dir.path().join("authsrv.toml"), "listen = \"127.0.0.1:1\"\n").unwrap();
    assert_eq!(listens(&Flags::default(), &[]), 1);
    fs::write(dir.path().join(".env"), "AUTHSRV_LISTEN=127.0.0.1:2\n").unwrap();
    assert_eq!(listens(&Flags::default(), &[]), 2);
    assert_eq!(listens(&Flags::default(), &[("AUTHSRV_LISTEN", "127.0.0.1:3")]), 3);
    let flags = Flags { listen: Some("127.0.0.1:4".into()), ..Flags::default() };
    assert_eq!(listens(&flags, &[("AUTHSRV_LISTEN", "127.0.0.1:3")]), 4);
    assert_eq!(listens(&Flags::default(), &[("AUTHSRV_LISTEN", "")]), 2, "an empty variable counts as absent");
}

#[test]
fn a_bad_value_names_its_source_and_what_is_allowed() {
    let dir = TempDir::new().unwrap();
    let flags = Flags { listen: Some("8000".into()), ..Flags::default() };
    assert!(refusal(dir.path(), &flags, &[]).starts_with("\"8000\" (--listen) is not ADDRESS:PORT"));
    let text = refusal(dir.path(), &Flags::default(), &[("AUTHSRV_DRAIN_TIMEOUT", "601")]);
    assert!(text.starts_with("\"601\" (variable AUTHSRV_DRAIN_TIMEOUT) is not a time from 0 to 600 seconds"), "{text}");
    fs::write(dir.path().join("authsrv.toml"), "# mine\nlog = \"loud\"\n").unwrap();
    let text = refusal(dir.path(), &Flags::default(), &[]);
    assert!(text.contains("log in ") && text.contains("authsrv.toml, line 2) is not off, error"), "{text}");
}

///
#[test]
fn proxies_are_a_list_in_every_layer_and_nobody_by_default() {
    let dir = TempDir::new().unwrap();
    let trusts = |flags: &Flags, variables: &[(&str, &str)]| {
        resolve(dir.path(), flags, variables).unwrap().trusted_proxies.to_string()
    };
    assert_eq!(trusts(&Flags::default(), &[]), "");
    fs::write(dir.path().join("authsrv.toml"), "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n").unwrap();
    assert_eq!(trusts(&Flags::default(), &[]), "10.0.0.0/8, ::1");
    assert_eq!(trusts(&Flags::default(), &[("AUTHSRV_TRUSTED_PROXIES", "127.0.0.1")]), "127.0.0.1");
    let flags = Flags { trusted_proxies: Some("".into()), ..Flags::default() };
    assert_eq!(trusts(&flags, &[("AUTHSRV_TRUSTED_PROXIES", "127.0.0.1")]), "", "said on purpose");
    let flags = Flags { trusted_proxies: Some("10.0.0.1, here".into()), ..Flags::default() };
    let text = refusal(dir.path(), &flags, &[]);
    assert!(text.starts_with("\"here\" (--trusted-proxies) is neither an address nor a network"), "{text}");
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("authsrv.toml"), "\nlisten = \"127.0.0.1:1\"\nlog-fromat = \"json\"\n").unwrap();
    let text = refusal(dir.path(), &Flags::default(), &[]);
    assert!(text.ends_with("authsrv.toml, line 3: unknown key \"log-fromat\"; did you mean \"log_format\"?"), "{text}");
}

#[test]
fn a_named_configuration_file_must_exist_and_its_paths_start_from_it() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("etc")).unwrap();
    let flags = Flags { config: Some("etc/a.toml".into()), ..Flags::default() };
    assert!(refusal(dir.path(), &flags, &[]).contains("etc/a.toml (--config)"));
    fs::write(dir.path().join("etc/a.toml"), "db = \"data.sqlite\"\ndrain_timeout = 30\n").unwrap();
    let config = resolve(dir.path(), &flags, &[]).unwrap();
    assert_eq!(config.db, dir.path().join("etc/data.sqlite"));
    assert_eq!(config.master_key_file, dir.path().join("etc/data.key"));
    assert_eq!(config.drain_timeout.as_secs(), 30);
}

#[test]
fn a_broken_dotenv_is_named_by_line_and_not_repeated() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "A=1\nAUTHSRV_SUPERUSER_PASSWORD=se cret'\n").unwrap();
    let text = refusal(dir.path(), &Flags::default(), &[]);
    assert!(text.contains(".env, line 2") && !text.contains("cret"), "{text}");
    for bad in ["AUTHSRV_DB mine.db", "export AUTHSRV_DB='a.db", "AUTHSRV_LISTEN=a b # c"] {
        fs::write(dir.path().join(".env"), format!("# AUTHSRV_DB mine.db\nOTHER=hello world\n{bad}\nX=1\n")).unwrap();
        assert!(refusal(dir.path(), &Flags::default(), &[]).contains(".env, line 3"), "{bad}");
    }
}

#[test]
fn lines_of_others_in_a_dotenv_are_theirs() {
    let dir = TempDir::new().unwrap();
    let theirs = ["OTHER=hello world", "MSG=don't", "just words", "A=b c # d", "=", "2=3", "L=\"open"];
    for line in theirs {
        fs::write(dir.path().join(".env"), format!("{line}\nBASE=data\nAUTHSRV_DB=${{BASE}}/mine.db\n{line}\n"))
            .unwrap();
        let config = resolve(dir.path(), &Flags::default(), &[]).unwrap();
        assert_eq!(config.db, dir.path().join("data/mine.db"), "{line}");
    }
    fs::write(dir.path().join(".env"), b"NAME=J\xfcrgen\nAUTHSRV_DB=mine.db \n  ").unwrap();
    assert_eq!(resolve(dir.path(), &Flags::default(), &[]).unwrap().db, dir.path().join("mine.db"));
}

#[test]
fn a_url_is_no_database() {
    let dir = TempDir::new().unwrap();
    for db in ["postgres://localhost/x", "file:x.db?mode=ro", ":memory:", ""] {
        let flags = Flags { db: Some(db.into()), ..Flags::default() };
        assert!(refusal(dir.path(), &flags, &[]).contains("(--db) is not the path of"), "{db}");
    }
}
