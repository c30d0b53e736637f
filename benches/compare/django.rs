//! Django REST framework and SimpleJWT under gunicorn, with as many workers as there are cores.
//!
//! Tokens are signed with HS256, its default, which costs less than the product's ES256; refresh tokens rotate and the
//! spent ones are remembered, as in the product. The site is in `benches/compare/django/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use authsrv::crypto::hash::Params;
use serde_json::json;

use crate::Plan;
use crate::load::request;
use crate::peers::{Aims, PEOPLE, Site, bearer, compare, done, environment, fresh_folder, in_turn, signing_in};
use crate::refreshes::Chain;
use crate::site::{Server, free_address};
use crate::support::PASSWORD;
use crate::support::http::Client;
use crate::table::{Aim, Table};

const PACKAGES: [&str; 5] =
    ["django==5.2.*", "djangorestframework==3.17.*", "djangorestframework-simplejwt==5.5.*", "argon2-cffi", "gunicorn"];

/// Measures beside it, if it can be had.
pub fn measure(plan: &Plan, table: &mut Table) {
    let Some(programs) = environment("compare-django", &PACKAGES) else { return };
    let folder = fresh_folder("compare-django-site");
    let mut people = site(&programs.join("python"), &folder);
    if !done(people.arg("people.py").arg(PEOPLE.to_string())) {
        eprintln!("left out: the Django site cannot be set up");
        return;
    }
    let address = free_address();
    let workers = std::thread::available_parallelism().unwrap().to_string();
    let mut gunicorn = site(&programs.join("gunicorn"), &folder);
    // Threads, so that connections stay open; one at a time works, as in a worker without threads.
    gunicorn.args([
        "wsgi",
        "--bind",
        &address.to_string(),
        "--workers",
        &workers,
        "--worker-class",
        "gthread",
        "--keep-alive",
        "75",
    ]);
    let mut theirs = people_of(Server::start(gunicorn, address));
    let aims = Aims { logins: Aim::None, refreshes: Aim::None, reads: Aim::None, memory: Aim::None };
    compare(plan, table, ("Django REST framework, gunicorn", &mut theirs, &aims));
}

/// A command for the site.
fn site(program: &Path, folder: &Path) -> Command {
    let Params { memory_kib, passes, .. } = Params::DEFAULT;
    let mut command = Command::new(program);
    command
        .current_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/compare/django"))
        .env("DJANGO_SETTINGS_MODULE", "settings")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COMPARE_FOLDER", folder)
        .env("COMPARE_PASSWORD", PASSWORD)
        .env("COMPARE_MEMORY_KIB", memory_kib.to_string())
        .env("COMPARE_PASSES", passes.to_string());
    command
}

fn people_of(server: Server) -> Site {
    let client = Client::of(server.address);
    let names = (0..PEOPLE).map(|number| format!("user-{number:04}"));
    let bodies: Vec<_> = names.map(|name| json!({"username": name, "password": PASSWORD})).collect();
    let pairs: Vec<_> = bodies.iter().map(|body| client.post("/api/token/", body.clone())).collect();
    let login = |body: &serde_json::Value| request("POST /api/token/", &[], &body.to_string());
    Site {
        server,
        logins: signing_in(bodies.iter().map(login).collect()),
        refreshes: pairs.iter().map(|pair| Chain::of("POST /api/token/refresh/", pair.text("refresh"))).collect(),
        reads: in_turn(pairs.iter().map(|pair| bearer("GET /api/me/", &pair.text("access"))).collect()),
    }
}
