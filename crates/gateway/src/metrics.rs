//! What is counted, for Prometheus.
//!
//! No label holds what a client sent: names of servers, doors and outcomes are all ours, so that nobody can make the number
//! of series grow.

use std::sync::atomic::AtomicI64;
use std::time::Instant;

use mcp_types::Origin;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::limits::CALL_SECONDS_BUCKETS;
use crate::upstream::CallError;

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<ByDoor, Counter>,
    refused: Family<ByDoor, Counter>,
    sessions: Family<ByDoor, Gauge<i64, AtomicI64>>,
    calls: Family<ByOutcome, Counter>,
    seconds: Family<ByServer, Histogram, Buckets>,
    under_way: Family<ByServer, Gauge<i64, AtomicI64>>,
}

/// A door, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the labels are written as the variants are")]
enum DoorLabel {
    http,
    websocket,
    local,
    person,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByDoor {
    door: DoorLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByServer {
    server: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    server: String,
    outcome: &'static str,
}

/// Makes the histogram of one server.
#[derive(Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(CALL_SECONDS_BUCKETS)
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("llmbasedos_gateway"),
            requests: Family::default(),
            refused: Family::default(),
            sessions: Family::default(),
            calls: Family::default(),
            seconds: Family::new_with_constructor(Buckets),
            under_way: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Messages that wanted an answer", metrics.requests.clone());
        let help = "Messages that were refused before they got to a server";
        registry.register("refused", help, metrics.refused.clone());
        let help = "Open sessions: WebSockets and connections to gateway.sock and person.sock";
        registry.register("sessions", help, metrics.sessions.clone());
        let help = "Calls of capability servers by how they ended";
        registry.register("calls", help, metrics.calls.clone());
        let (help, seconds) = ("How long capability servers took", metrics.seconds.clone());
        registry.register_with_unit("call_duration", help, Unit::Seconds, seconds);
        let help = "Calls that a capability server has not answered yet";
        registry.register("calls_under_way", help, metrics.under_way.clone());
        metrics
    }

    /// The text of it all (OpenMetrics 1.0, which Prometheus reads).
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// A message came that wants an answer.
    pub(crate) fn request(&self, door: Origin) {
        self.requests.get_or_create(&by(door)).inc();
    }

    /// A message was refused.
    pub(crate) fn refusal(&self, door: Origin) {
        self.refused.get_or_create(&by(door)).inc();
    }

    /// A connection was opened; it counts until the return value is dropped.
    pub(crate) fn session(&self, door: Origin) -> Held {
        Held::new(self.sessions.get_or_create(&by(door)).clone())
    }

    /// A call of a server begins.
    pub(crate) fn call(&self, server: &str, start: Instant) -> CallCount<'_> {
        let by = ByServer { server: server.to_owned() };
        let held = Held::new(self.under_way.get_or_create(&by).clone());
        CallCount { metrics: self, by, start, outcome: "cancelled", _held: held }
    }
}

fn by(door: Origin) -> ByDoor {
    let door = match door {
        Origin::Http => DoorLabel::http,
        Origin::WebSocket => DoorLabel::websocket,
        Origin::Local => DoorLabel::local,
        Origin::Person => DoorLabel::person,
    };
    ByDoor { door }
}

/// One more in a gauge, until it is dropped.
pub(crate) struct Held(Gauge<i64, AtomicI64>);

impl Held {
    fn new(gauge: Gauge<i64, AtomicI64>) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// One call that is being counted. A call that is dropped before it ended was cancelled.
pub(crate) struct CallCount<'a> {
    metrics: &'a Metrics,
    by: ByServer,
    start: Instant,
    outcome: &'static str,
    _held: Held,
}

impl CallCount<'_> {
    /// The call has ended: with a reply, or with this error.
    pub(crate) fn ended(&mut self, error: Option<CallError>) {
        self.outcome = match error {
            None => "answered",
            Some(CallError::Unreachable) => "unreachable",
            Some(CallError::Died) => "died",
            Some(CallError::Broken) => "broken",
            Some(CallError::TimedOut) => "timed_out",
            Some(CallError::Overloaded) => "overloaded",
        };
    }
}

impl Drop for CallCount<'_> {
    fn drop(&mut self) {
        let outcome = ByOutcome { server: self.by.server.clone(), outcome: self.outcome };
        self.metrics.calls.get_or_create(&outcome).inc();
        let seconds = self.start.elapsed().as_secs_f64();
        self.metrics.seconds.get_or_create(&self.by).observe(seconds);
    }
}
