//! What OPTIONS tells of a view (`SimpleMetadata`): its name, its media types, and the fields that it takes.

use serde_json::{Map, Value, json};

use super::view::View;

/// One field of a form, as OPTIONS lists it.
#[derive(Debug, Clone)]
pub struct Field {
    name: &'static str,
    about: Map<String, Value>,
}

impl Field {
    /// A field of a type (`string`, `email`, `integer`, `boolean`, `datetime`), not required, with its label.
    pub fn new(name: &'static str, kind: &'static str, label: &'static str) -> Self {
        let about =
            [("type", json!(kind)), ("required", json!(false)), ("read_only", json!(false)), ("label", json!(label))];
        Self { name, about: about.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
    }

    /// A text.
    pub fn text(name: &'static str, label: &'static str) -> Self {
        Self::new(name, "string", label)
    }

    /// Says that it must be there.
    #[must_use]
    pub fn required(self) -> Self {
        self.with("required", json!(true))
    }

    /// Says that it is never taken.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.with("read_only", json!(true))
    }

    /// Adds its lengths, in characters; 0 for no least one.
    #[must_use]
    pub fn length(self, least: usize, most: usize) -> Self {
        let lower = if least > 0 { self.with("min_length", json!(least)) } else { self };
        lower.with("max_length", json!(most))
    }

    /// Adds a sentence for people.
    #[must_use]
    pub fn help(mut self, text: &'static str) -> Self {
        // Before the lengths, as the original orders them.
        let after = self.about.keys().position(|key| key.ends_with("_length")).unwrap_or(self.about.len());
        self.about.shift_insert(after, "help_text".to_owned(), json!(text));
        self
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.about.insert(key.to_owned(), value);
        self
    }
}

/// The fields that one method takes.
#[derive(Debug, Clone)]
pub struct Action {
    /// `POST` or `PUT`.
    pub method: &'static str,
    /// In the order of the form.
    pub fields: Vec<Field>,
}

/// The answer to OPTIONS.
pub fn describe(view: &View, action: Option<Action>) -> Value {
    let renders: &[&str] = if view.browsable { &["application/json", "text/html"] } else { &["application/json"] };
    // The view without a page is the one that lists JSON last.
    let mut parses = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
    if !view.browsable {
        parses.rotate_left(1);
    }
    let mut about = json!({"name": view.name, "description": view.description, "renders": renders, "parses": parses});
    if let Some(Action { method, fields }) = action {
        let fields: Map<String, Value> =
            fields.into_iter().map(|field| (field.name.to_owned(), Value::Object(field.about))).collect();
        about["actions"] = json!({ method: fields });
    }
    about
}
