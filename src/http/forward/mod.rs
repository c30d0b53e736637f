//! Forward-auth: a proxy asks, for each request to an API behind it, whether its caller may send it (D-18, R-42). So an
//! API is guarded that has no code for it.
//!
//! `GET /api/auth/forward/?policy=…`, as nginx (`auth_request`), Caddy (`forward_auth`) and Traefik (`forwardAuth`) ask:
//!
//! - Only trusted proxies may ask. The policy stands in the query of the question, where no client writes; every parameter
//!   can only narrow: of several policies (by commas, or the parameter again) all must hold, and with `path` the request's
//!   path must lie below it. A question without a policy, or with one that names nothing, passes nobody.
//! - Method and address of the request come in `X-Forwarded-Method` and `X-Forwarded-Uri`, or in `X-Original-Method` and
//!   `X-Original-URI`. What differs, is ambiguous or cannot be read is refused.
//! - Credentials come in `Authorization`, as everywhere; cookies count for nothing.
//! - 200 with `X-Auth-User-Id`, `X-Auth-User-Email` and `X-Auth-Roles`, which are always there, and empty for nobody known,
//!   so that a proxy overwrites what a client sent. Else 401 or 403, with the reason in the body and in `X-Auth-Reason`.

mod asked;
mod failure;
mod target;
mod wire;

use serde_json::json;

use super::call::Call;
use super::routes::{Dialect, Guard, Reading, Table};
use crate::service::Ctx;
use crate::service::audit::Refusal;
use crate::service::forward::{Denial, Verdict, decide};
use asked::Asked;
use failure::{Answer, Failure};
use wire::Permitted;

static DIALECT: Dialect = Dialect { name: "forward", reading: Reading::Strict, switch: None };

/// Adds the route.
pub fn routes(table: &mut Table) {
    let mut section = table.section(&DIALECT, "/api/auth/", "Forward-auth");
    section
        .get("forward/", Guard::Public, forward)
        .says(
            "May this request pass?",
            "For proxies that are trusted (`--trusted-proxies`): nginx `auth_request`, Caddy `forward_auth`, Traefik \
             `forwardAuth`. They name the request in `X-Forwarded-Method` and `X-Forwarded-Uri`, or in `X-Original-Method` \
             and `X-Original-URI`, and hand on its `Authorization`. Whatever is missing, ambiguous or unknown passes nobody.",
        )
        .takes_bearer()
        .also(&[401, 403]);
}

/// Counts for the audit trail that somebody known may not do this.
fn note(ctx: &Ctx, verdict: &Verdict) {
    let (why, what) = match verdict {
        Verdict::Denied(Denial::Lacks(right)) => ("lacks", right.to_string()),
        Verdict::Denied(Denial::LacksRole(role)) => ("lacks_role", role.clone()),
        Verdict::Denied(Denial::NotStaff) => ("not_staff", String::new()),
        Verdict::Denied(Denial::Anonymous | Denial::NoMethod | Denial::UnknownRole(_) | Denial::UnknownResource(_))
        | Verdict::Permitted(_) => return,
    };
    let details = json!({"route": "GET /api/auth/forward/", "why": why, "right": what});
    ctx.env.tally.count(ctx, Refusal { action: "authz.denied", result: "denied", details });
}

/// `GET forward/`
async fn forward(asked: Asked, call: Call) -> Answer<Permitted> {
    let question = asked.read()?;
    let decided = call.run_known(move |ctx| {
        Ok(decide(ctx, &question.policies, question.verb).inspect(|verdict| note(ctx, verdict))?)
    });
    match decided.await? {
        Verdict::Permitted(identity) => Ok(Permitted::from(identity)),
        Verdict::Denied(denial) => Err(Failure::Denied(denial)),
    }
}
