//! The forms of a line of the log. In both whatever would end the line, move the cursor or hide is shown by its code, so
//! that nobody forges a line by what he is called.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::cli::inert::{inert, json};

/// Fields of a line for people: the message, and the others as `name=value`.
pub(super) fn inert_fields() -> impl for<'w> FormatFields<'w> + 'static {
    let one = |writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
        let shown = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", inert(&shown)),
            name => write!(writer, "{name}={}", inert(&shown)),
        }
    };
    format::debug_fn(one).delimited(" ")
}

/// Fields of a span, kept to be added to each line of [`Json`].
pub(super) fn json_fields() -> JsonFields {
    JsonFields::new()
}

/// One JSON object a line: the time, the level, the fields of the event, its target, and the fields of the spans that it
/// happened in, such as `request_id`.
pub(super) struct Json;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Json {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), time.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        event.record(&mut Fields(&mut line));
        line.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>().map_or("{}", |fields| fields.as_str());
            let fields: Map<String, Value> = serde_json::from_str(fields).unwrap_or_default();
            // Fields of the event, and of the spans further inside, have been there first.
            for (name, value) in fields {
                line.entry(name).or_insert(value);
            }
        }
        writeln!(writer, "{}", json(&Value::Object(line).to_string()))
    }
}

/// Takes the fields of an event into an object. What every line has of itself no event replaces.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.entry(field.name()).or_insert_with(|| value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}
