//! Who passed, as headers for the API behind.

use aide::generate::GenContext;
use aide::openapi::{Header, Operation, ParameterSchemaOrContent, ReferenceOr, Response as Documented, SchemaObject};
use aide::operation::OperationOutput;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::json_schema;

use crate::domain::identifiers::Email;
use crate::service::forward::Identity;

const USER_ID: HeaderName = HeaderName::from_static("x-auth-user-id");
const USER_EMAIL: HeaderName = HeaderName::from_static("x-auth-user-email");
const ROLES: HeaderName = HeaderName::from_static("x-auth-roles");

/// What is encoded besides all that is not ASCII, so that a value ends no header and no list.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b',').add(b'"').add(b'\\');

/// 200, with who it is.
pub struct Permitted {
    id: String,
    email: String,
    roles: String,
}

impl From<Option<Identity>> for Permitted {
    fn from(identity: Option<Identity>) -> Self {
        let Some(identity) = identity else {
            return Self { id: String::new(), email: String::new(), roles: String::new() };
        };
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let roles: Vec<String> = identity.roles.iter().map(|role| encoded(role)).collect();
        let email = identity.email.as_ref().map(Email::as_str).unwrap_or_default();
        Self { id: identity.id.0.to_string(), email: encoded(email), roles: roles.join(",") }
    }
}

impl IntoResponse for Permitted {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in [(USER_ID, self.id), (USER_EMAIL, self.email), (ROLES, self.roles)] {
            let value = HeaderValue::try_from(value);
            // Encoded, it always is one; and never may what a client sent stand in its place.
            headers.insert(name, value.unwrap_or(HeaderValue::from_static("")));
        }
        (StatusCode::OK, headers).into_response()
    }
}

impl OperationOutput for Permitted {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Documented)> {
        let documented = [
            (USER_ID, "Id of the user; empty for nobody known."),
            (USER_EMAIL, "His e-mail, UTF-8 in percent-encoding; may be empty."),
            (ROLES, "Code names of his roles, separated by commas; may be empty."),
        ];
        let header = |(name, description): (HeaderName, &str)| {
            let schema =
                SchemaObject { json_schema: json_schema!({"type": "string"}), external_docs: None, example: None };
            let header = Header {
                description: Some(description.to_owned()),
                style: Default::default(),
                required: true,
                deprecated: None,
                format: ParameterSchemaOrContent::Schema(schema),
                example: None,
                examples: Default::default(),
                extensions: Default::default(),
            };
            (name.to_string(), ReferenceOr::Item(header))
        };
        let headers = documented.into_iter().map(header).collect();
        let description = "It may pass; no body.".to_owned();
        vec![(Some(200), Documented { description, headers, ..Documented::default() })]
    }
}
