//! The form of a body, judged by a JSON schema in the words of Django REST framework.
//!
//! Understands what the wire types of this program use: `type` (also several), `properties`, `required`,
//! `additionalProperties`, `items`, `minItems`, `maxItems`, `minLength`, `maxLength`, `minimum`, `maximum`, `enum`,
//! `readOnly`, `format`, an alternative (`anyOf`, `oneOf`) of shapes of different JSON types, and two of our own,
//! `x-exactly-one` and `x-at-least-one`, which name keys of which one must be there and not null. Formats that name values
//! of the domain are judged by the domain, so that all that is wrong with a body is said at once.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::drf::surrogate;
use super::routes::Reading;
use super::times;
use crate::domain::catalog::CodeName;
use crate::domain::error::{Error, FieldError, Result};
use crate::domain::identifiers::{Email, Phone, Username};
use crate::domain::rights::Right;

/// Brings `value` into the form that `schema` asks for: text trimmed (but not `format: password`), what is unknown or
/// read-only left out.
///
/// # Errors
/// Every complaint, in the order of the schema; then the unknown keys, in the order of the body.
pub fn check(schema: &Value, value: Value, reading: Reading) -> Result<Value, Vec<FieldError>> {
    let mut judge = Judge { reading, complaints: Vec::new() };
    let checked = judge.whole(schema, value);
    if judge.complaints.is_empty() { Ok(checked) } else { Err(judge.complaints) }
}

struct Judge {
    reading: Reading,
    complaints: Vec<FieldError>,
}

impl Judge {
    fn refuse(&mut self, field: &str, code: &'static str, message: impl Into<String>) -> Value {
        self.complain(FieldError::new(field, code, message))
    }

    fn complain(&mut self, fault: FieldError) -> Value {
        self.complaints.push(fault);
        Value::Null
    }

    /// The body itself: an object, or where the schema has an alternative, an array of objects.
    fn whole(&mut self, schema: &Value, value: Value) -> Value {
        let schema = alternative(schema, &value);
        match value {
            Value::Object(object) => self.object("", schema, object),
            Value::Array(items) if schema.get("items").is_some() => self.array("", schema, items),
            Value::Null => self.refuse("", "null", "No data provided"),
            other => {
                let message = format!("Invalid data. Expected a dictionary, but got {}.", python_type(&other));
                self.refuse("", "invalid", message)
            }
        }
    }

    fn object(&mut self, path: &str, schema: &Value, mut object: Map<String, Value>) -> Value {
        let mut checked = Map::new();
        let required = schema.get("required").and_then(Value::as_array);
        self.choice(path, schema, &object);
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let field = join(path, name);
            match object.shift_remove(name) {
                Some(_) if property.get("readOnly") == Some(&Value::Bool(true)) => {}
                Some(value) => {
                    let value = self.field(&field, property, value);
                    checked.insert(name.clone(), value);
                }
                None if required.is_some_and(|names| names.iter().any(|known| known == name)) => {
                    self.refuse(&field, "required", "This field is required.");
                }
                None => {}
            }
        }
        if schema.get("additionalProperties").is_some_and(|rest| *rest != Value::Bool(false)) {
            checked.append(&mut object);
        } else if self.reading == Reading::Strict {
            for name in object.keys() {
                self.refuse(&join(path, name), "unknown", "Unknown field.");
            }
        }
        Value::Object(checked)
    }

    /// Keys of which one must be there: `x-exactly-one`, `x-at-least-one`.
    fn choice(&mut self, path: &str, schema: &Value, object: &Map<String, Value>) {
        let names = |key: &str| -> Vec<&str> {
            schema.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let (one, some) = (names("x-exactly-one"), names("x-at-least-one"));
        let given = |names: &[&str]| {
            names.iter().filter(|name| object.get(**name).is_some_and(|value| !value.is_null())).count()
        };
        // One that is there and null is complained of as such.
        if let (Some(first), false) = (one.first(), one.iter().any(|name| object.contains_key(*name))) {
            self.refuse(&join(path, first), "required", "This field is required.");
        }
        if given(&one) > 1 {
            self.refuse(path, "invalid", format!("Give only one of {}.", one.join(", ")));
        }
        if !some.is_empty() && given(&some) == 0 {
            self.refuse(path, "required", format!("Give at least one of {}.", some.join(", ")));
        }
    }

    fn array(&mut self, path: &str, schema: &Value, items: Vec<Value>) -> Value {
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
        if bound("minItems").is_some_and(|least| (items.len() as u64) < least) {
            return self.refuse(path, "empty", "This list may not be empty.");
        }
        if let Some(most) = bound("maxItems").filter(|most| items.len() as u64 > *most) {
            let message = format!("Ensure this field has no more than {most} elements.");
            return self.refuse(path, "max_length", message);
        }
        let inner = schema.get("items").unwrap_or(&Value::Bool(true));
        let is_list_of_objects = inner.get("properties").is_some();
        let checked = items.into_iter().enumerate().map(|(at, item)| {
            if is_list_of_objects {
                self.member(&join(path, &at.to_string()), inner, item)
            } else {
                self.field(path, inner, item)
            }
        });
        Value::Array(checked.collect())
    }

    fn member(&mut self, path: &str, schema: &Value, value: Value) -> Value {
        match value {
            Value::Object(object) => self.object(path, schema, object),
            other => {
                let message = format!("Invalid data. Expected a dictionary, but got {}.", python_type(&other));
                self.refuse(path, "invalid", message)
            }
        }
    }

    fn field(&mut self, field: &str, schema: &Value, value: Value) -> Value {
        let schema = alternative(schema, &value);
        let types = types(schema);
        if types.is_empty() {
            return value;
        }
        match value {
            Value::Null if types.contains(&"null") => Value::Null,
            Value::Null => self.refuse(field, "null", "This field may not be null."),
            Value::String(text) if types.contains(&"string") => self.text(field, schema, text),
            Value::Number(number) if types.contains(&"integer") => self.integer(field, schema, &number),
            Value::Number(number) if types.contains(&"string") && self.reading == Reading::Lenient => {
                self.text(field, schema, number.to_string())
            }
            Value::Bool(_) if types.contains(&"boolean") => value,
            Value::Array(items) if types.contains(&"array") => self.array(field, schema, items),
            Value::Object(object) if types.contains(&"object") => self.object(field, schema, object),
            _ if self.reading == Reading::Lenient && schema.get("format").is_some_and(|format| format == "email") => {
                self.refuse(field, "invalid", "Enter a valid email address.")
            }
            other => {
                let (code, message) = wrong_type(&types, &other);
                self.refuse(field, code, message)
            }
        }
    }

    fn text(&mut self, field: &str, schema: &Value, text: String) -> Value {
        let format = schema.get("format").and_then(Value::as_str).unwrap_or("");
        let text = if format == "password" { text } else { text.trim().to_owned() };
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
        let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength").unwrap_or(usize::MAX));
        let is_trimmed = schema.get("x-untrimmed").is_none();
        let is_blank = text.is_empty() || (self.reading == Reading::Lenient && is_trimmed && text.trim().is_empty());
        if is_blank && least > 0 {
            return self.complain(FieldError::blank(field));
        }
        let mut wrong = faults(format, &text, least..=most);
        if self.reading == Reading::Strict {
            wrong.truncate(1);
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array).filter(|_| wrong.is_empty())
            && !choices.iter().any(|one| one == text.as_str())
        {
            let known: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            let message = format!("\"{text}\" is not a valid choice: {}.", known.join(", "));
            wrong.push(FieldError::new(field, "invalid_choice", message));
        }
        self.complaints.extend(wrong.into_iter().map(|one| FieldError { field: field.to_owned(), ..one }));
        Value::String(text)
    }

    fn integer(&mut self, field: &str, schema: &Value, number: &serde_json::Number) -> Value {
        let Some(integer) = number.as_i64() else {
            return self.refuse(field, "invalid", "A valid integer is required.");
        };
        let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
        if let Some(least) = bound("minimum").filter(|least| integer < *least) {
            return self.refuse(field, "min_value", format!("Ensure this value is greater than or equal to {least}."));
        }
        if let Some(most) = bound("maximum").filter(|most| integer > *most) {
            return self.refuse(field, "max_value", format!("Ensure this value is less than or equal to {most}."));
        }
        Value::from(integer)
    }
}

/// All that is wrong with a text that is not blank, in the original's order: patterns, lengths, characters, and an address
/// at last.
fn faults(format: &str, text: &str, lengths: RangeInclusive<usize>) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let length = text.chars().count();
    let mut of_format = match judge_format(format, text) {
        Err(Error::Invalid(wrong)) if length > 0 => wrong,
        _ => Vec::new(),
    };
    let is_pattern = ["django_username", "phone"].contains(&format);
    if is_pattern {
        wrong.append(&mut of_format);
    }
    if length > *lengths.end() {
        wrong.push(FieldError::too_long("", *lengths.end()));
    }
    if length < *lengths.start() {
        let message = format!("Ensure this field has at least {} characters.", lengths.start());
        wrong.push(FieldError::new("", "min_length", message));
    }
    if text.contains('\0') {
        wrong.push(FieldError::null_characters(""));
    }
    if let Some(half) = text.chars().find_map(surrogate) {
        let message = format!("Surrogate characters are not allowed: U+{half:X}.");
        wrong.push(FieldError::new("", "surrogate_characters_not_allowed", message));
    }
    let is_bounded = !wrong.is_empty();
    wrong.append(&mut of_format);
    // The domain may find the same once more.
    let mut codes: Vec<&str> = Vec::new();
    wrong.retain(|one| {
        !codes.contains(&one.code) && {
            codes.push(one.code);
            true
        }
    });
    if format == "email" && is_bounded && (text.contains('\0') || !text.contains('@')) && !codes.contains(&"invalid") {
        wrong.push(FieldError::new("", "invalid", "Enter a valid email address."));
    }
    wrong
}

/// What the domain says of a text.
fn judge_format(format: &str, text: &str) -> Result<()> {
    match format {
        "email" => Email::parse(text).map(drop),
        "phone" => Phone::parse(text).map(drop),
        "username" => Username::parse(text).map(drop),
        "django_username" => django_username(text),
        "code_name" => CodeName::parse(text).map(drop),
        "permission" => match Right::parse(text) {
            Some(_) => Ok(()),
            None => Err(Error::invalid("", "invalid", "Enter a permission as its id or as \"resource:action\".")),
        },
        "date-time" => times::parse(text).map(drop).ok_or_else(|| Error::invalid("", "invalid", times::WRONG_FORMAT)),
        _ => Ok(()),
    }
}

/// What `UnicodeUsernameValidator` of Django says.
const DJANGO_USERNAME: &str =
    "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";

/// A username as Django's own user model takes it, of fewer characters than the domain does.
fn django_username(text: &str) -> Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || "_@.+-".contains(c);
    if !text.chars().all(is_plain) {
        return Err(Error::invalid("", "invalid", DJANGO_USERNAME));
    }
    Username::parse(text).map(drop)
}

/// Of several shapes, the one of the value's JSON type; the schema itself where there is no choice.
fn alternative<'a>(schema: &'a Value, value: &Value) -> &'a Value {
    let shapes = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    let Some(shapes) = shapes else { return schema };
    let wanted = json_type(value);
    shapes.iter().find(|shape| types(shape).contains(&wanted)).or(shapes.first()).unwrap_or(schema)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wrong_type(types: &[&str], value: &Value) -> (&'static str, String) {
    let wanted: Vec<&str> = types.iter().copied().filter(|name| *name != "null").collect();
    match wanted.as_slice() {
        ["string"] => ("invalid", "Not a valid string.".to_owned()),
        ["integer"] => ("invalid", "A valid integer is required.".to_owned()),
        ["boolean"] => ("invalid", "Must be a valid boolean.".to_owned()),
        ["array"] => ("not_a_list", format!("Expected a list of items but got type \"{}\".", python_type(value))),
        ["object"] => {
            ("not_a_dict", format!("Expected a dictionary of items but got type \"{}\".", python_type(value)))
        }
        _ => (
            "incorrect_type",
            format!("Incorrect type. Expected an id or a code name, received {}.", python_type(value)),
        ),
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The name by which the original's messages call a type.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
