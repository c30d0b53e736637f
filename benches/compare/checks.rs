//! Token checks, against a bare route that answers with the same bytes.

use crate::Plan;
use crate::bare::{self, Loop};
use crate::load::{InTurn, request, run};
use crate::site::{Folder, Person};
use crate::table::{Aim, Sides, Table};

/// Users whose tokens take turns.
const USERS: usize = 500;
/// Connections at once.
const CONNECTIONS: usize = 64;

/// A route, and what is asked there.
struct Route {
    name: &'static str,
    first: &'static str,
    headers: &'static [&'static str],
    body: &'static str,
}

const ROUTES: [Route; 3] = [
    Route { name: "GET /api/auth/me/", first: "GET /api/auth/me/", headers: &[], body: "" },
    Route {
        name: "POST /api/auth/check/",
        first: "POST /api/auth/check/",
        headers: &[],
        body: r#"{"resource": "documents", "action": "read"}"#,
    },
    Route {
        name: "GET /api/auth/forward/",
        first: "GET /api/auth/forward/?policy=documents",
        headers: &["X-Forwarded-Method: GET", "X-Forwarded-Uri: /documents/1"],
        body: "",
    },
];

impl Route {
    fn request(&self, person: &Person) -> Vec<u8> {
        let mut headers = vec![format!("Authorization: Bearer {}", person.access)];
        headers.extend(self.headers.iter().map(|header| (*header).to_owned()));
        request(self.first, &headers, self.body)
    }
}

/// Measures all routes.
pub fn measure(plan: &Plan, table: &mut Table) {
    let folder = Folder::with(USERS);
    let server = folder.serve(&[]);
    for route in &ROUTES {
        let requests: Vec<_> = folder.people.iter().map(|person| route.request(person)).collect();
        let sides = [Loop::Product, Loop::Axum].map(|by| bare::start(server.address, &requests[0], by));
        let mut found = [Sides::default(), Sides::default()];
        for _ in 0..plan.rounds {
            let rate = |address| run(address, &mut InTurn::scripts(requests.clone(), CONNECTIONS), plan.length);
            let ours = rate(server.address);
            for (bare, found) in sides.iter().zip(&mut found) {
                let theirs = rate(bare.address);
                found.add(ours.rate, theirs.rate);
                found.failed(ours.failures, theirs.failures);
            }
        }
        table.compared(route.name, ("bare route, same loop", &found[0]), "/s", Aim::AtLeast(0.5));
        table.compared(route.name, ("bare route, axum::serve", &found[1]), "/s", Aim::None);
    }
    table.alone("memory after token checks", server.resident(), "MB", Aim::AtMost(40.0));
}
