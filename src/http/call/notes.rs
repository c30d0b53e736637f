//! What a call leaves behind that was refused.

use serde_json::json;

use super::{Call, Fault};
use crate::domain::error::Error;
use crate::domain::rights::Right;
use crate::service::Ctx;
use crate::service::audit::Refusal;

impl Call {
    /// Counts for the audit trail that the caller may not do this, or not so often.
    pub(super) fn note(&self, ctx: &Ctx, fault: &Fault) {
        let route = self.name.as_ref().map_or("another method", |name| &name.0);
        let (action, details) = match fault {
            Fault::Refused(Error::Forbidden(why)) => {
                ("authz.denied", json!({"route": route, "why": why.word(), "right": why.right().map(Right::to_string)}))
            }
            Fault::Refused(Error::TooMany { .. }) | Fault::Credentials(Error::TooMany { .. }) => {
                ("request.throttled", json!({ "route": route }))
            }
            _ => return,
        };
        ctx.env.tally.count(ctx, Refusal { action, result: "denied", details });
    }
}
