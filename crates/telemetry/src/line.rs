//! The text formats: one event, one line.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{
    escape::{CUT, Style, start_of, write_escaped},
    limits::LOG_LINE_MAX_BYTES,
};

/// Writes what the inner format writes, escaped and cut to one line.
///
/// The formats of `tracing-subscriber` escape what colours a terminal, but a line feed in a message
/// passes, and what follows it would look like a line of the daemon's own.
pub(crate) struct OneLine<F>(pub(crate) F);

impl<F, S, N> FormatEvent<S, N> for OneLine<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.0.format_event(context, Writer::new(&mut text), event)?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let kept = start_of(text, LOG_LINE_MAX_BYTES);
        write_escaped(&mut writer, kept, Style::Text)?;
        if kept.len() < text.len() {
            writer.write_str(CUT)?;
        }
        writer.write_char('\n')
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex, PoisonError},
    };

    use tracing_subscriber::{fmt, layer::SubscriberExt, registry::Registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines_with<F>(format: F) -> usize
    where
        F: FormatEvent<Registry, fmt::format::DefaultFields> + Send + Sync + 'static,
    {
        let written = Written::default();
        let writer = written.clone();
        let layer = fmt::layer().event_format(format).with_writer(move || writer.clone());
        let subscriber = Registry::default().with(layer);
        tracing::subscriber::with_default(subscriber, || tracing::info!("one\n{}", "two"));
        let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8_lossy(&bytes).lines().count()
    }

    #[test]
    fn the_inner_format_alone_lets_a_line_through() {
        // The control: the day that this is 1, the escaping here may go.
        assert_eq!(lines_with(fmt::format()), 2);
        assert_eq!(lines_with(OneLine(fmt::format())), 1);
    }
}
