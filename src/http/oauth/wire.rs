//! Bodies and answers of the standards of OAuth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::Timestamp;
use crate::http::body::Sent;
use crate::service::tokens::Inspection;

/// A token that is asked about, or that is to be revoked.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = true))]
pub struct Presented {
    /// An access token, a refresh token or the key of an API token.
    #[schemars(length(min = 1), extend("format" = "password"))]
    token: String,
    /// `access_token` or `refresh_token`, or any other word; what the token is shows by itself.
    #[serde(default)]
    #[expect(dead_code, reason = "a hint that is not needed; here for the document")]
    token_type_hint: Sent<String>,
}

impl Presented {
    /// The token.
    pub fn into_command(self) -> String {
        self.token
    }
}

/// What there is to say of a token (RFC 7662, section 2.2); of one that is not good, `active` alone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Introspection")]
pub struct Introspected {
    /// Whether it is good at this moment.
    active: bool,
    /// What it says of itself.
    #[serde(flatten)]
    known: Option<Known>,
}

/// What a good token says.
#[derive(Serialize, JsonSchema)]
struct Known {
    /// `Bearer` for an access token and `Token` for an API token, as each is sent; `refresh_token` for one that is for
    /// this server alone.
    token_type: &'static str,
    /// Id of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// His e-mail, phone or username.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// From when on it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// UUID of its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

/// One name or several.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl From<Inspection> for Introspected {
    fn from(found: Inspection) -> Self {
        Self { active: found.valid, known: found.valid.then(|| Known::from(found)) }
    }
}

impl From<Inspection> for Known {
    fn from(found: Inspection) -> Self {
        let second = |at: Option<Timestamp>| at.map(|at| at.timestamp());
        let mut audience = found.audience;
        Self {
            token_type: match found.token_type.as_deref() {
                Some("refresh") => "refresh_token",
                Some("api") => "Token",
                _ => "Bearer",
            },
            sub: found.user_id.map(|id| id.to_string()),
            username: found.user,
            iss: found.issuer,
            aud: match audience.len() {
                0 => None,
                1 => audience.pop().map(Audience::One),
                _ => Some(Audience::Many(audience)),
            },
            iat: second(found.issued_at),
            exp: second(found.expires_at),
            nbf: second(found.not_before),
            jti: found.jti,
            sid: found.sid,
        }
    }
}

/// The addresses of all status lists.
#[derive(Serialize, JsonSchema)]
pub struct StatusLists {
    /// In their order.
    pub status_lists: Vec<String>,
}

/// Metadata of the server (RFC 8414, section 2).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuthorizationServerMetadata")]
pub struct Metadata {
    issuer: String,
    jwks_uri: String,
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    status_list_aggregation_endpoint: String,
    service_documentation: String,
    /// None: there is no authorization endpoint.
    response_types_supported: Vec<&'static str>,
    /// None: there is no token endpoint. Left out, it would stand for two that there are not.
    grant_types_supported: Vec<&'static str>,
}

impl Metadata {
    /// That of the server with this public URL.
    pub fn of(url: &str) -> Self {
        let at = |path: &str| format!("{url}{path}");
        Self {
            issuer: url.to_owned(),
            jwks_uri: at("/.well-known/jwks.json"),
            introspection_endpoint: at("/api/auth/introspect/"),
            introspection_endpoint_auth_methods_supported: vec!["Bearer"],
            revocation_endpoint: at("/api/auth/revoke/"),
            revocation_endpoint_auth_methods_supported: vec!["Bearer"],
            status_list_aggregation_endpoint: at("/api/auth/status-lists/"),
            service_documentation: at("/api/docs/"),
            response_types_supported: Vec::new(),
            grant_types_supported: Vec::new(),
        }
    }
}
