//! The recorded cases of the Django stack, replayed against the server (S0 … S3, `cargo test --test main golden --
//! --nocapture`).
//!
//! The cases are in `golden/*.json` (`more.json`: recorded by ourselves, of the same versions of the same software), or in
//! the folder that `AUTHSRV_GOLDEN` names. Compared are status, body with the order
//! of its keys, the headers of the contract, and mails. What differs by intent is in `golden/deviations.toml`.

mod compare;
mod deviations;
mod load;
mod mailbox;
mod profiles;
mod report;
mod run;
mod templates;
mod tokens;
mod wire;
mod world;

use std::path::Path;

use deviations::Deviations;
use report::Tally;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::PASSWORD;

/// Replays all cases of a folder, and reports on what differs.
fn replay(folder: &Path, rules: &Deviations) -> Tally {
    let key = load::signing_key(folder);
    let mut tally = Tally::default();
    let files = load::files(folder).unwrap_or_else(|fault| panic!("{}: {fault}", load::FOLDER));
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match load::cases(&file) {
            Ok((cases, faults)) => {
                tally.file(&name, &cases, &run::replay(&name, &cases, &key, rules));
                faults.into_iter().for_each(|fault| tally.remark(format!("{name}: {fault}")));
            }
            Err(fault) => tally.remark(format!("{name} holds no cases: {fault}")),
        }
    }
    tally.summary(rules);
    tally
}

#[test]
fn golden_cases_are_answered_as_recorded() {
    let (folder, rules) = (load::folder(), Deviations::ours());
    let tally = replay(&folder, &rules);
    println!("{}", tally.lines.join("\n"));
    assert!(tally.compared > 0, "no step was compared in {}", folder.display());
    assert_eq!(tally.copied, 0, "faults of the peer that are ours as well");
    let (percent, least) = (tally.percent(), rules.minimum_percent);
    assert!(percent >= least, "{percent:.1} % of the steps are as recorded, at least {least} % must be");
    assert!(!rules.all_explained || tally.unexplained == 0, "{} steps differ and no rule says why", tally.unexplained);
}

/// A recorded step, as far as such a test needs it.
fn step(method: &str, path: &str, headers: Value, body: Value, response: Value) -> Value {
    let body = if body.is_null() { body } else { json!(body.to_string()) };
    json!({"request": {"method": method, "path": path, "headers": headers, "body": body}, "response": response})
}

/// Values are learnt from answers and used in later steps; whatever a folder holds that is not known here is told.
#[test]
fn a_folder_of_others_is_replayed_as_far_as_it_can_be() {
    let json_type = json!({"Content-Type": "application/json"});
    let sign_in = json!({"email": "a@example.com", "password": PASSWORD});
    let answer = |status: u16, body: &str| json!({"status": status, "headers": json_type, "body": body});
    let bearer = json!({"Authorization": "Bearer <access_1>"});
    let signed_in = concat!(
        r#"{"access":"<access_1>","refresh":"<refresh_1>","user":"#,
        r#"{"id":7,"email":"a@example.com","first_name":"","last_name":""}}"#
    );
    let user = json!({"id": 7, "username": "a", "email": "a@example.com", "password": PASSWORD, "is_active": true});
    let known = json!({"name": "known", "profile": "odd", "users": [user], "fixtures": ["three books"], "steps": [
        step("POST", "/login/", json_type.clone(), sign_in, answer(200, signed_in)),
        step("GET", "/me/", bearer, Value::Null, answer(200, "(debug page)")),
        step("FOO", "/é<token_9>", json!({"X": "é"}), Value::Null, answer(418, "<token_9>")),
        step("GET", "/", json!({"X": "<token_9>"}), json!("... ("), answer(418, "")),
    ]});
    let tokens = json!({"<sad>": {"kind": "derived"}, "<odd>": {"kind": "odd"}});
    let odd = json!({"name": "odd", "tokens": tokens, "steps": [{}]});
    let folder = TempDir::new().unwrap();
    let files =
        [("a.json", json!([known, odd, 5, {"name": "bad", "steps": 3}])), ("b.json", json!({})), ("c.json", json!([]))];
    for (name, cases) in files {
        std::fs::write(folder.path().join(name), cases.to_string()).unwrap();
    }
    std::fs::write(folder.path().join("d.json"), "[").unwrap();
    let tally = replay(folder.path(), &Deviations::ours());
    let said = tally.lines.join("\n");
    assert_eq!((tally.equal, tally.compared, tally.unexplained), (2, 3, 1), "{said}");
    let told = [
        "\"odd\" is not known",
        "three books",
        "no token <sad>",
        "bad cannot be read",
        "b.json holds no",
        "d.json holds no",
    ];
    told.iter().for_each(|text| assert!(said.contains(text), "{text} is not in {said}"));
    assert!(said.contains("golden: 2 of 3 steps a.json (1 unequal; 2 skipped)"), "{said}");
}
