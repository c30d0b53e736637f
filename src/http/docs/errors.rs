//! The errors of a dialect in the document: all there are, and which of them a route can give.

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Parameter, ReferenceOr, Response, SchemaObject};
use axum::http::Method;
use schemars::{JsonSchema, json_schema};

use crate::http::routes::{Guard, Route};

/// Status, what it means, and whether its body can name fields.
const ERRORS: [(u16, &str, bool); 11] = [
    (400, "The input is wrong, or no JSON.", true),
    (401, "Nobody is signed in: no credentials, or bad ones. Carries `WWW-Authenticate`.", false),
    (403, "The caller may not do this; `required` names the permission that is missing.", false),
    (404, "There is no such thing.", false),
    (408, "The body took too long to arrive.", false),
    (409, "It is taken, built in, or the last of its kind.", true),
    (413, "The body is too long.", false),
    (415, "The body is not JSON by its `Content-Type`.", false),
    (429, "There were too many requests for the rates that are set; `Retry-After` says when to try again.", false),
    (500, "A fault of the server.", false),
    (
        503,
        "The server is busy: nothing happened, and `Retry-After` says when to try again. Or, with the code `timeout`, an \
        answer took too long: what was asked for may still happen.",
        false,
    ),
];

/// All errors; `D` is the shape that says one thing, `F` the one that names fields.
pub fn every<D: JsonSchema, F: JsonSchema>(
    context: &mut GenContext,
    _: &mut Operation,
) -> Vec<(Option<u16>, Response)> {
    let (detail, fields) = (context.schema.subschema_for::<D>(), context.schema.subschema_for::<F>());
    let answer = |(status, meaning, names_fields): (u16, &str, bool)| {
        let json_schema = if names_fields { json_schema!({"anyOf": [fields, detail]}) } else { detail.clone() };
        let schema = SchemaObject { json_schema, external_docs: None, example: None };
        let media = MediaType { schema: Some(schema), ..MediaType::default() };
        let content = [("application/json".to_owned(), media)].into_iter().collect();
        (Some(status), Response { description: meaning.to_owned(), content, ..Response::default() })
    };
    ERRORS.into_iter().map(answer).collect()
}

/// Whether a route can give an error of this status: by its guard and what it takes, or because it says so.
pub fn possible(status: u16, route: &Route, operation: &Operation) -> bool {
    let info = &route.info;
    let has_body = operation.request_body.is_some();
    let is_list = operation.parameters.iter().any(|parameter| {
        matches!(parameter, ReferenceOr::Item(Parameter::Query { parameter_data, .. }) if parameter_data.name == "page")
    });
    let needs_right = matches!(info.guard, Guard::Right(..));
    let by_nature = match status {
        400 => has_body || is_list,
        401 => info.guard != Guard::Public,
        403 => needs_right,
        404 => is_list || info.path.contains('{'),
        408 | 413 | 415 => has_body,
        409 => needs_right && info.method != Method::GET,
        _ => true,
    };
    by_nature || route.also.contains(&status)
}

impl Route {
    /// Documents statuses of errors that may come without a body: what is documented is taken to be always there.
    pub fn bare(&mut self, statuses: &'static [u16]) -> &mut Self {
        self.bare = statuses;
        self
    }
}
