//! The JSON format: one event, one object, one line.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

use crate::{
    escape::{CUT, Style, start_of, write_escaped},
    limits::LOG_VALUE_MAX_BYTES,
};

/// The field that holds the text of an event.
const MESSAGE: &str = "message";

/// ```json
/// {"timestamp":"2026-01-31T12:00:00.000000Z","level":"INFO","target":"gateway","message":"routed",
///  "fields":{"bytes":12},"span":{"request_id":"r-1","tool":"fs_list"},"spans":["request","call"]}
/// ```
///
/// `span` has the fields of all spans that the event is in; where two have the same, the innermost
/// counts. `spans` has their names, outermost first. The format of `tracing-subscriber` keeps each
/// span apart, so that the request's id is at another place for each depth.
pub(crate) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.shift_remove(MESSAGE).unwrap_or_else(|| "".into());

        let (mut span, mut spans) = (Map::new(), Vec::new());
        for outer in context.event_scope().into_iter().flat_map(Scope::from_root) {
            spans.push(outer.name());
            if let Some(written) = outer.extensions().get::<FormattedFields<N>>()
                // The span's own format is JSON too, so this parses; an empty one has no text.
                && let Ok(values) = serde_json::from_str::<Map<_, _>>(&written.fields)
            {
                span.extend(values.into_iter().map(|(name, value)| (name, bounded(value))));
            }
        }
        let line = json!({
            "timestamp": timestamp,
            "level": event.metadata().level().as_str(),
            "target": event.metadata().target(),
            "message": message,
            "fields": fields.0,
            "span": span,
            "spans": spans,
        });
        write_escaped(&mut writer, &line.to_string(), Style::Json)?;
        writer.write_char('\n')
    }
}

fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LOG_VALUE_MAX_BYTES => {
            format!("{}{CUT}", start_of(&text, LOG_VALUE_MAX_BYTES)).into()
        }
        other => other,
    }
}

/// The fields of an event as JSON values.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), bounded(value.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.insert(field, value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.insert(field, value);
        } else {
            // JSON has no such number, and an empty value would hide it.
            self.insert(field, value.to_string());
        }
    }
}
