//! The AuthZEN Authorization API 1.0 of the OpenID Foundation: decisions for whoever enforces them elsewhere.
//!
//! - **Questions**: `subject.id` is the id of a user (`subject.type` is `user`), `resource.type` the code name of a
//!   resource, `action.name` that of an action. `resource.id`, `properties` and `context` are taken and do not matter: a
//!   right is on all things of a kind. The decision is the one of `check/`, of one state of the data for all questions.
//! - **Rights**: about oneself none; about anybody else `permissions:read` (D-9). Whoever asks must be known.
//! - **Denied** is whatever is not allowed: an unknown subject, resource or action is `{"decision": false}` and no
//!   error. Of several questions one that lacks something is denied alone; else what is malformed is a 400.
//! - **Bodies**: JSON; members that are not known are ignored, as the standard asks, and none may be there twice.
//! - **`X-Request-ID`** of the request comes back, if it is of a length and of letters that do no harm.
//! - Not served: the search endpoints, which are optional.

pub mod evaluation;
pub mod failure;
pub mod metadata;
pub mod request_id;
pub mod wire;

use serde_json::json;

use super::routes::Guard::{Public, SignedIn};
use super::routes::{Dialect, Reading, Table};

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "authzen", reading: Reading::Strict, switch: Some("authzen") };

/// Adds the routes.
pub fn routes(table: &mut Table) {
    let mut t = table.section(&DIALECT, "/access/v1/", "AuthZEN");
    t.post("evaluation", SignedIn, evaluation::one)
        .says("May they?", "Whether a user may do an action on a resource. About others it needs `permissions:read`.")
        .also(&[403])
        .example(json!({
            "subject": {"type": "user", "id": "1"},
            "action": {"name": "read"},
            "resource": {"type": "documents", "id": "17"},
        }));
    t.post("evaluations", SignedIn, evaluation::several)
        .says(
            "May they, several times?",
            "Up to 100 questions at once; what they have in common stands beside them, and \
             `options.evaluations_semantic` says whether to go on after the first denial or permission. Without questions \
             it is the one that stands there itself.",
        )
        .also(&[403])
        .example(json!({
            "subject": {"type": "user", "id": "1"},
            "resource": {"type": "documents", "id": "17"},
            "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "update"}}],
            "options": {"evaluations_semantic": "execute_all"},
        }));
    let mut t = table.section(&DIALECT, "/.well-known/", "AuthZEN");
    t.get("authzen-configuration", Public, metadata::metadata).says("Metadata", "Where the endpoints are.");
}
