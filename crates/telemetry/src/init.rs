//! The one call.

use std::io::BufWriter;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    error::TelemetryError,
    json::Json,
    limits::LOG_QUEUE_LINES,
    line::OneLine,
    options::{Format, Options},
};

/// Holds the log worker. Keep it to the end of `main`: dropping it writes what is queued.
///
/// The wait for that is bounded (about one second), so a reader that has stalled cannot keep a
/// daemon from ending.
#[derive(Debug)]
#[must_use = "dropping this ends logging: keep it to the end of `main`"]
pub struct Telemetry {
    dropped: ErrorCounter,
    // Dropped last: it joins what the subscriber has queued.
    _worker: WorkerGuard,
}

impl Telemetry {
    /// How many log lines were dropped since the start because the reader had stalled.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

/// Sets up logging to standard error for the whole process.
///
/// It starts a thread, so call it after `sandbox::lock`, never before.
///
/// | variable | values | default |
/// |---|---|---|
/// | `LLMBDO_<NAME>_LOG_LEVEL`, else `LLMBDO_LOG_LEVEL` | `error` `warn` `info` `debug` `trace` | `info` |
/// | `LLMBDO_<NAME>_LOG_FORMAT`, else `LLMBDO_LOG_FORMAT` | `json` `simple` `text` | `text` |
///
/// `<NAME>` is `daemon` in capitals with `_` for `-`. Case is ignored in the values.
///
/// A line is queued, not written, by the thread that logs. When the reader of standard error
/// stalls and [`LOG_QUEUE_LINES`] wait, further lines are dropped and counted: a stuck journal must
/// not stop the daemon, whose record of what it did is the audit chain and not its log.
///
/// # Errors
///
/// A value that is not in the table, a bad `daemon` name, or a second call.
pub fn init(daemon: &str) -> Result<Telemetry, TelemetryError> {
    let options = Options::from_env(daemon)?;
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(LOG_QUEUE_LINES)
        .lossy(true)
        .thread_name("log")
        // What has gathered is written at once; the worker flushes when nothing more waits.
        .finish(BufWriter::new(std::io::stderr()));
    let dropped = writer.error_counter();
    let layer = fmt::layer().with_ansi(false).with_writer(writer);
    let registry = Registry::default().with(options.level.0);
    let set = match options.format {
        Format::Json => registry.with(layer.json().event_format(Json)).try_init(),
        Format::Simple => {
            let format = fmt::format().with_ansi(false).with_target(false).without_time();
            registry.with(layer.event_format(OneLine(format))).try_init()
        }
        Format::Text => {
            let format = fmt::format().with_ansi(false);
            registry.with(layer.event_format(OneLine(format))).try_init()
        }
    };
    set.map_err(|_| TelemetryError::Twice)?;
    Ok(Telemetry { dropped, _worker: worker })
}
