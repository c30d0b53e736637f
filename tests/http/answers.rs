//! Errors in the shape of the dialect: status, body, headers.

use std::time::Duration;

use authsrv::domain::error::{Conflict, Entity, Error, FieldError, Reason, Refusal, TokenFault};
use authsrv::domain::rights::Right;
use authsrv::http::fault::{Fault, Unreadable};
use authsrv::http::rbac::failure::Failure;
use axum::body::to_bytes;
use axum::response::IntoResponse;

/// Status, body and the two headers that matter, as one line.
fn said(fault: impl Into<Fault>) -> String {
    let response = Failure::from(fault).into_response();
    let (parts, body) = response.into_parts();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(to_bytes(body, usize::MAX)).unwrap();
    let mut line = format!("{} {}", parts.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap());
    for name in ["www-authenticate", "retry-after"] {
        if let Some(value) = parts.headers.get(name) {
            line += &format!(" {name}={}", value.to_str().unwrap());
        }
    }
    line
}

#[test]
fn errors_have_their_shapes() {
    let bearer = "www-authenticate=Bearer realm=\"api\"";
    let fields =
        vec![FieldError::new("b", "x", "One."), FieldError::new("", "x", "Two."), FieldError::new("b", "x", "Three.")];
    assert_eq!(said(Error::Invalid(fields)), r#"400 {"b":["One.","Three."],"non_field_errors":["Two."]}"#);
    assert_eq!(
        said(Error::Unauthenticated(Reason::BadCredentials)),
        format!(
            r#"401 {{"detail":"No active account found with the given credentials","code":"no_active_account"}} {bearer}"#
        )
    );
    for (fault, text) in [
        (TokenFault::Expired, "Token is expired"),
        (TokenFault::WrongType, "Token has wrong type"),
        (TokenFault::BadSignature, "Token is invalid"),
        (TokenFault::Reused, "Token is blacklisted"),
        (TokenFault::Revoked, "Token is blacklisted"),
        (TokenFault::Claim("exp"), "Token has no 'exp' claim"),
    ] {
        assert_eq!(
            said(Error::token(fault)),
            format!(r#"401 {{"detail":"{text}","code":"token_not_valid"}} {bearer}"#)
        );
    }
    assert_eq!(
        said(Error::Forbidden(Refusal::Lacks(Right::of("users", "delete")))),
        r#"403 {"detail":"You do not have permission to perform this action.","code":"permission_denied","required":"users:delete"}"#
    );
    assert_eq!(
        said(Error::NotFound(Entity::Role)),
        r#"404 {"detail":"No role matches the given query.","code":"not_found"}"#
    );
    assert_eq!(
        said(Error::Conflict(Conflict::Taken(Entity::User, "email"))),
        r#"409 {"email":["A user with this email already exists."]}"#
    );
    assert_eq!(
        said(Error::Conflict(Conflict::LastSuperuser)),
        r#"409 {"detail":"This would leave no active superuser.","code":"last_superuser"}"#
    );
    assert_eq!(
        said(Error::TooMany { retry_after: Duration::from_millis(1200) }),
        r#"429 {"detail":"Request was throttled. Expected available in 2 seconds.","code":"throttled"} retry-after=2"#
    );
    assert!(said(Error::Unavailable { retry_after: Duration::ZERO }).ends_with("retry-after=1"));
    assert_eq!(said(Error::internal("secret")), r#"500 {"detail":"A server error occurred.","code":"internal_error"}"#);
    assert_eq!(
        said(Unreadable::MediaType("text/plain".to_owned())),
        r#"415 {"detail":"Unsupported media type \"text/plain\" in request.","code":"unsupported_media_type"}"#
    );
    assert!(said(Unreadable::TooLarge).starts_with("413 "));
    assert!(said(Unreadable::TooSlow).starts_with("408 "));
}
