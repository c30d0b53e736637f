//! Who sits at the command line: the name under which the audit trail keeps what he does.

use crate::service::{Actor, Origin};

/// The operator, as `root@host`.
pub fn actor() -> Actor {
    let name =
        named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(|| rustix::process::getuid().as_raw().to_string());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Actor::Operator(format!("{}@{}", plain(&name), plain(&host)))
}

/// The command line.
pub fn origin() -> Origin {
    let user_agent = concat!("authsrv/", env!("CARGO_PKG_VERSION")).to_owned();
    Origin { door: "cli", user_agent, ..Origin::default() }
}

fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|name| !name.trim().is_empty())
}

/// Short and without anything that could forge a line of the trail.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace() && !super::inert::is_hidden(*c)).take(64).collect()
}
