//! Whether a proxy stands in front that is not trusted: then all clients seem to share its address (E.3).

use std::net::IpAddr;

use super::{Finding, Level};
use crate::domain::advice::Advice;
use crate::domain::error::Result;
use crate::domain::ids::Timestamp;
use crate::service::{Ctx, Env};

const SUBJECT: &str = "trusted_proxies";
/// How long a note is news: one day.
const NEWS_SECONDS: i64 = 86_400;

/// Where somebody is who says whom he speaks for and is not believed. Near ones are most likely a proxy that was
/// forgotten; far ones may be anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forwarder {
    /// On this machine or in its network.
    Near,
    /// Elsewhere.
    Far,
}

impl Forwarder {
    /// By his address.
    pub fn of(address: IpAddr) -> Self {
        let is_near = match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
            IpAddr::V6(address) => {
                address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
            }
        };
        if is_near { Forwarder::Near } else { Forwarder::Far }
    }

    /// Name of the mark.
    fn mark(self) -> &'static str {
        match self {
            Forwarder::Near => "forwarder.near",
            Forwarder::Far => "forwarder.far",
        }
    }
}

/// Notes that a peer that is not trusted said whom it speaks for. The door calls this seldom.
///
/// Writes a mark and, since nothing was done, no event.
pub fn note_forwarder(env: &Env, peer: IpAddr) {
    let value = format!("{} {peer}", env.clock.now().timestamp());
    let noted = env.store.write(|tx| tx.set_mark(Forwarder::of(peer).mark(), &value));
    if let Err(error) = noted {
        tracing::warn!(%error, "a peer that is not trusted could not be noted");
    }
}

/// Looks at whose word counts, and whose did not.
pub(super) fn look(ctx: &Ctx) -> Result<Vec<Finding>> {
    let trusted = &ctx.env.proxies;
    let mut findings = Vec::new();
    if trusted.are_all() {
        let text = format!("everybody is trusted ({trusted}), so anybody chooses the address that he comes from");
        let advice = "name the addresses of your proxies and no others in --trusted-proxies (AUTHSRV_TRUSTED_PROXIES)";
        findings.push(Finding::new(Level::Warning, SUBJECT, text, advice));
    }
    for kind in [Forwarder::Near, Forwarder::Far] {
        let mark = ctx.env.store.read(|tx| tx.mark(kind.mark()))?;
        let news = mark.as_deref().and_then(|mark| news(mark, ctx.now));
        findings.extend(news.filter(|peer| !trusted.contains(*peer)).map(|peer| untrusted(kind, peer)));
    }
    if findings.is_empty() {
        let text = match trusted.is_empty() {
            true => "none: where a client comes from is what its connection says".to_owned(),
            false => format!("where a client comes from is what {trusted} says"),
        };
        findings.push(Finding::ok(SUBJECT, text));
    }
    Ok(findings)
}

fn untrusted(kind: Forwarder, peer: IpAddr) -> Finding {
    let text = format!(
        "X-Forwarded-For comes from {peer}, which is not trusted: all clients behind it share its address and its limits"
    );
    let advice = Advice::from("if that is your proxy, name it: ").and_run(format!("serve --trusted-proxies {peer}"));
    let level = match kind {
        Forwarder::Near => Level::Warning,
        Forwarder::Far => Level::Note,
    };
    Finding::new(level, SUBJECT, text, advice)
}

/// Whom a mark tells of, if it is of the last day.
fn news(mark: &str, now: Timestamp) -> Option<IpAddr> {
    let (at, peer) = mark.split_once(' ')?;
    let age = now.timestamp() - at.parse::<i64>().ok()?;
    (age < NEWS_SECONDS).then(|| peer.parse().ok()).flatten()
}
