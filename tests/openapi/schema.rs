//! As much of JSON Schema 2020-12 as the document uses: is a schema well formed, and is a value of its form.

use serde_json::Value;

const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

type Check = fn(&Value) -> bool;

/// Keywords, and what each must be.
const KEYWORDS: [(&str, Check); 25] = [
    ("$ref", Value::is_string),
    ("type", is_type),
    ("title", Value::is_string),
    ("description", Value::is_string),
    ("format", Value::is_string),
    ("properties", Value::is_object),
    ("required", is_names),
    ("items", is_schema),
    ("prefixItems", is_schemas),
    ("additionalProperties", is_schema),
    ("unevaluatedProperties", is_schema),
    ("anyOf", is_schemas),
    ("oneOf", is_schemas),
    ("allOf", is_schemas),
    ("enum", is_filled),
    ("const", |_| true),
    ("default", |_| true),
    ("minimum", Value::is_number),
    ("maximum", Value::is_number),
    ("minLength", Value::is_u64),
    ("maxLength", Value::is_u64),
    ("minItems", Value::is_u64),
    ("maxItems", Value::is_u64),
    ("readOnly", Value::is_boolean),
    ("writeOnly", Value::is_boolean),
];

fn is_type(value: &Value) -> bool {
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    known(value) || value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(known))
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
}

fn is_schema(value: &Value) -> bool {
    value.is_object() || value.is_boolean()
}

fn is_schemas(value: &Value) -> bool {
    value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_schema))
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|all| !all.is_empty())
}

/// Passes if a schema is one, all the way down.
pub fn well_formed(schema: &Value, document: &Value, what: &str) {
    let Some(object) = schema.as_object() else {
        assert!(schema.is_boolean(), "{what}: {schema} is no schema");
        return;
    };
    for (keyword, value) in object.iter().filter(|(keyword, _)| !keyword.starts_with("x-")) {
        let known = KEYWORDS.iter().find(|(name, _)| name == keyword);
        let (_, good) = known.unwrap_or_else(|| panic!("{what}: what is {keyword:?} in {schema}?"));
        assert!(good(value), "{what}: {keyword} in {schema}");
    }
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{what}: {reference} leads nowhere");
    }
    for name in object.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(object["properties"].get(name.as_str().unwrap()).is_some(), "{what}: {name} is required and unknown");
    }
    let parts = ["anyOf", "oneOf", "allOf", "prefixItems"].iter().filter_map(|key| object.get(*key)?.as_array());
    parts.flatten().for_each(|part| well_formed(part, document, what));
    for key in ["items", "additionalProperties", "unevaluatedProperties"] {
        object.get(key).into_iter().for_each(|part| well_formed(part, document, what));
    }
    let properties = object.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().for_each(|(name, part)| well_formed(part, document, &format!("{what}.{name}")));
}

/// What is wrong with a value by a schema. Unlike the standard, a key that the schema does not name is wrong where it
/// names any and says nothing of others: an answer has no secret keys.
pub fn faults(schema: &Value, value: &Value, document: &Value) -> Vec<String> {
    let Some(object) = schema.as_object() else { return Vec::new() };
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        return faults(document.pointer(reference.trim_start_matches('#')).unwrap(), value, document);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = object.get(key).and_then(Value::as_array) {
            let fits = choices.iter().any(|choice| faults(choice, value, document).is_empty());
            return if fits { Vec::new() } else { vec![format!("{value} is of none of the forms in {schema}")] };
        }
    }
    let mut found = Vec::new();
    if let Some(wanted) = object.get("type") {
        let wanted: Vec<&Value> = wanted.as_array().map_or(vec![wanted], |all| all.iter().collect());
        if !wanted.iter().any(|name| is_of(value, name.as_str().unwrap())) {
            found.push(format!("{value} is not {wanted:?}"));
        }
    }
    if let Some(choices) = object.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        found.push(format!("{value} is none of {choices:?}"));
    }
    if let (Some("date-time"), Some(text)) = (object.get("format").and_then(Value::as_str), value.as_str())
        && chrono::DateTime::parse_from_rfc3339(text).is_err()
    {
        found.push(format!("{text} is no time"));
    }
    if let (Some(items), Some(values)) = (object.get("items"), value.as_array()) {
        found.extend(values.iter().flat_map(|value| faults(items, value, document)));
    }
    found.extend(keys(object, value, document));
    found
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => value.is_number(),
    }
}

/// What is wrong with the keys of an object.
fn keys(schema: &serde_json::Map<String, Value>, value: &Value, document: &Value) -> Vec<String> {
    let Some(given) = value.as_object() else { return Vec::new() };
    let none = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let mut found = Vec::new();
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !given.contains_key(name.as_str().unwrap()) {
            found.push(format!("{name} is missing"));
        }
    }
    for (key, value) in given {
        match (properties.get(key), schema.get("additionalProperties")) {
            (Some(form), _) => {
                found.extend(faults(form, value, document).into_iter().map(|fault| format!("{key}: {fault}")));
            }
            (None, Some(others)) if *others != Value::Bool(false) => found.extend(faults(others, value, document)),
            (None, None) if properties.is_empty() => {}
            (None, _) => found.push(format!("{key:?} is not documented")),
        }
    }
    found
}
