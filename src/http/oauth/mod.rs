//! What services behind this server ask in the standards of OAuth.
//!
//! - **Introspection** (RFC 7662) and **revocation** (RFC 7009) under `/api/auth/`: bodies urlencoded as the standards have
//!   them, or JSON; parameters that are not known are ignored, none may be there twice, and none is taken out of the
//!   address. Callers show what they show everywhere: an access token, or an API token.
//! - **Metadata** of the server (RFC 8414), as far as it is true of one that signs people in by its own routes: there is no
//!   authorization endpoint, no token endpoint, and so there are no response types and no grant types.
//! - **Status lists** (draft-ietf-oauth-status-list), by which whoever verifies tokens by key alone sees that a session is
//!   over. Public, and good for seconds.
//! - **Errors**: [`failure`]: `{"error", "error_description"}` (RFC 6749, section 5.2).
//!
//! All addresses that are told begin with the public URL, whatever a request says.

pub mod failure;
pub mod lists;
pub mod metadata;
pub mod parameters;
pub mod tokens;
pub mod wire;

use serde_json::json;

use super::routes::Guard::{Public, Right, SignedIn};
use super::routes::{Dialect, Reading, Table};
use crate::domain::rights::action::READ;
use crate::domain::rights::resource::TOKENS;

/// Name and manners of the dialect.
pub static DIALECT: Dialect = Dialect { name: "oauth", reading: Reading::Strict, switch: Some("oauth") };

/// Adds the routes.
pub fn routes(table: &mut Table) {
    let mut t = table.section(&DIALECT, "/api/auth/", "OAuth");
    t.post("introspect/", Right(TOKENS, READ), tokens::introspect)
        .says(
            "Introspect a token",
            "Says of an access token, a refresh token or an API token whether it is good at this moment, and whose it is \
             (RFC 7662). Of any other it says `{\"active\": false}` and nothing else.",
        )
        .example(json!({"token": "eyJhbGciOi…", "token_type_hint": "access_token"}));
    t.post("revoke/", SignedIn, tokens::revoke)
        .says(
            "Revoke a token",
            "Ends the session of an access or refresh token, or revokes an API token (RFC 7009). One's own needs nothing, \
             another's `tokens:delete`. What is no good token is no error.",
        )
        .also(&[403])
        .example(json!({"token": "eyJhbGciOi…", "token_type_hint": "refresh_token"}));
    t.get("status-lists/", Public, lists::all).says("Status lists", "The addresses of all status lists.");
    t.get("status-lists/{list}/", Public, lists::one)
        .says(
            "Status list",
            "A signed token with a bit for each session that is set once the session is over \
             (draft-ietf-oauth-status-list). An access token says in its claim `status` which bit is its own.",
        )
        .also(&[406, 501]);
    let mut t = table.section(&DIALECT, "/.well-known/", "OAuth");
    t.get("oauth-authorization-server", Public, metadata::metadata)
        .says("Metadata", "Where the endpoints are (RFC 8414).");
}
