//! `settings`: typed, with units and bounds.

use crate::support::shell::Shell;

#[test]
fn values_are_typed_and_bounded() {
    let shell = Shell::new();
    shell.run("settings set rbac.access_lifetime 10m").done().says("is 600 seconds now; it was 300 seconds");
    shell.run("settings set rbac.access_lifetime 600").done().says("already");
    let setting = shell.json("settings get rbac.access_lifetime");
    assert_eq!((&setting["value"], &setting["default"]), (&600.into(), &300.into()));
    assert_eq!((&setting["unit"], &setting["allowed"]), (&"seconds".into(), &"1 to 86400".into()));
    shell.run("settings set rbac.access_lifetime 0").exits(2).says("rbac.access_lifetime: ").says("1 to 86400");
    shell.run("settings set rbac.access_lifetime -5").exits(2);
    shell.run("settings set registration.mode example.com,example.org").done();
    let mode = shell.json("settings get registration.mode")["value"].clone();
    assert_eq!(mode, serde_json::json!(["example.com", "example.org"]));
    shell.run("settings reset registration.mode rbac.access_lifetime").done().says("is open again");
    assert_eq!(shell.json("settings get rbac.access_lifetime")["value"], 300);
}

#[test]
fn near_misses_are_told() {
    let shell = Shell::new();
    for words in
        ["settings get rbac.acess_lifetime", "settings set rbac.acess_lifetime 1", "settings reset rbac.acess_lifetime"]
    {
        shell.run(words).exits(1).says("did you mean \"rbac.access_lifetime\"");
    }
}

#[test]
fn all_are_listed_with_their_help() {
    let shell = Shell::new();
    let all = shell.json("settings list");
    assert_eq!(all.as_array().unwrap().len(), authsrv::domain::settings::ALL.len());
    assert!(all.as_array().unwrap().iter().all(|setting| !setting["help"].as_str().unwrap().is_empty()));
}

#[test]
fn a_wrong_value_is_told_by_the_key_and_not_by_a_flag() {
    let shell = Shell::new();
    shell.run("settings set public_url here").exits(2).says("error: public_url: Enter a value of this kind");
    shell.run("settings set refresh.grace 61").exits(2).says("error: refresh.grace: Enter a value of this kind");
    for wrong in ["5 minutes", "1h30m", "+5", "2d"] {
        let ran = shell.run_all(&["settings", "set", "rbac.access_lifetime", wrong]).exits(2);
        ran.says("rbac.access_lifetime: ").says("1 to 86400 seconds; a unit may follow: s, m, h, d or w");
    }
}

#[test]
fn words_are_taken_in_any_case_and_shown_as_they_are_taken() {
    let shell = Shell::new();
    for (key, typed, shown) in [
        ("tokens.bearer_refresh", "TRUE", "true"),
        ("rbac.rotate_refresh", "Off", "false"),
        ("password.profile", "NIST", "nist"),
        ("registration.mode", "Closed", "closed"),
    ] {
        shell.run(&format!("settings set {key} {typed}")).done();
        for form in ["table", "plain"] {
            let list = shell.run(&format!("settings list -o {form}")).done().out;
            let row = list.lines().find(|line| line.contains(key)).unwrap();
            let value = row.split(['\t', '┆', '│']).map(str::trim).skip_while(|cell| *cell != key).nth(1);
            assert_eq!(value, Some(shown), "{row}");
        }
        shell.run(&format!("settings set {key} {shown}")).done().says("already");
    }
}

#[test]
fn a_default_that_is_reset_is_told_as_such() {
    let shell = Shell::new();
    shell.run("settings reset refresh.grace").done().says("refresh.grace is 10 seconds already, which is the default.");
    shell.run("settings set refresh.grace 20").done();
    shell.run("settings reset refresh.grace").done().says("refresh.grace is 10 seconds again.");
}

/// What `doctor` advises works, also for what an older or newer program stored.
#[test]
fn whatever_is_stored_can_be_reset() {
    let shell = Shell::new();
    let database = rusqlite::Connection::open(shell.folder().join("authsrv.db")).unwrap();
    let store =
        "INSERT INTO settings (key, value, updated_at) VALUES ('no.setting', '1', 0), ('refresh.grace', '4000', 0)";
    database.execute_batch(store).unwrap();
    shell.run("doctor -o plain").exits(1).prints("settings reset no.setting").prints("settings reset refresh.grace");
    shell
        .run("settings reset no.setting refresh.grace")
        .done()
        .says("no.setting is forgotten")
        .says("is 10 seconds again");
    shell.run("settings reset refresh.grace").done().says("already");
    shell.run("settings reset no.setting").exits(1).says("no setting \"no.setting\"");
}
