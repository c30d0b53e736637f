//! Two operations of one path and method, the one for whoever sends credentials and the other for whoever sends none (D-2).
//! To OpenAPI they are one, which takes and gives what either does.

use aide::openapi::{MediaType, Operation, ReferenceOr, SchemaObject, SecurityRequirement};
use schemars::json_schema;

/// Adds what the operation for whoever sends no credentials takes and gives.
pub fn join(operation: &mut Operation, anonymous: Operation) {
    operation.security.insert(0, SecurityRequirement::default());
    let said = operation.description.get_or_insert_default();
    let summary = anonymous.summary.unwrap_or_default();
    said.push_str(&format!("\n\nWithout credentials it is another operation: {summary}."));
    if let (Some(ReferenceOr::Item(body)), Some(ReferenceOr::Item(other))) =
        (&mut operation.request_body, anonymous.request_body)
    {
        body.content = either_of(std::mem::take(&mut body.content), other.content);
    }
    let known = &mut operation.responses.get_or_insert_default().responses;
    for (status, response) in anonymous.responses.unwrap_or_default().responses {
        match (known.get_mut(&status), response) {
            (Some(ReferenceOr::Item(known)), ReferenceOr::Item(other)) => {
                known.content = either_of(std::mem::take(&mut known.content), other.content);
            }
            (Some(_), _) => {}
            (None, response) => drop(known.insert(status, response)),
        }
    }
}

/// The content types of both, with the schema of either.
fn either_of<C>(known: C, other: C) -> C
where
    C: IntoIterator<Item = (String, MediaType)> + FromIterator<(String, MediaType)>,
{
    let mut all: Vec<(String, MediaType)> = known.into_iter().collect();
    for (name, media) in other {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.schema = either(known.schema.take(), media.schema),
            None => all.push((name, media)),
        }
    }
    all.into_iter().collect()
}

fn either(one: Option<SchemaObject>, other: Option<SchemaObject>) -> Option<SchemaObject> {
    match (one, other) {
        (Some(one), Some(other)) if one.json_schema != other.json_schema => {
            let json_schema = json_schema!({"anyOf": [one.json_schema, other.json_schema]});
            Some(SchemaObject { json_schema, ..one })
        }
        (one, other) => one.or(other),
    }
}
