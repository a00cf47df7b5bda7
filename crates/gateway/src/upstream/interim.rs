//! What a server says of a call before it answers.

use bytes::Bytes;
use mcp_types::{LogLevel, meta};
use mcp_wire::{Edit, Notification, Object};
use tokio::sync::mpsc;

/// The method of MCP's progress notification, in every revision.
const PROGRESS: &str = "notifications/progress";
/// The member of its parameters that says which call it is about.
const TOKEN: &str = "progressToken";
/// The method of MCP's log messages, in every revision.
const MESSAGE: &str = "notifications/message";

/// What a client wants to hear of one call before its answer, and where.
#[derive(Debug, Clone)]
pub(crate) struct Interim {
    /// The way to the client.
    pub(crate) outlet: mpsc::Sender<Bytes>,
    /// The client's own progress token, as JSON text, if it wants to hear of progress.
    pub(crate) progress: Option<String>,
    /// How severe a log message must be that it wants to see.
    pub(crate) log: Option<LogLevel>,
}

/// Passes what a server says of a call on to whoever called, as the client knows the call. Any other notification is not for a
/// caller and ends here.
///
/// It never waits, since the connection serves all callers: where a client reads too slowly, it misses some.
pub(super) fn pass_on(
    notification: &Notification<'_>,
    wanted: impl FnOnce(u64) -> Option<Interim>,
) {
    let params = notification.params.map(|raw| Object::parse(raw.get()));
    let Some(Ok(params)) = params else { return };
    let passed = match notification.method.as_ref() {
        PROGRESS => progress(notification, &params, wanted),
        MESSAGE => message(notification, &params, wanted),
        _ => None,
    };
    let Some((out, outlet)) = passed else { return };
    if outlet.try_send(out.into()).is_err() {
        tracing::debug!("something was left out: the client reads too slowly");
    }
}

type Passed = Option<(Vec<u8>, mpsc::Sender<Bytes>)>;

/// A step of progress, under the client's own token.
fn progress(
    notification: &Notification<'_>,
    params: &Object<'_>,
    wanted: impl FnOnce(u64) -> Option<Interim>,
) -> Passed {
    let id = params.get(TOKEN)?.get().parse().ok()?;
    let interim = wanted(id)?;
    let token = [(TOKEN, Edit::Raw(interim.progress.as_deref()?))];
    let mut out = Vec::new();
    notification.envelope.write(&[("params", Edit::Object(params, &token))], &mut out);
    Some((out, interim.outlet))
}

/// A log message, if it is severe enough, without the word on whose it is.
fn message(
    notification: &Notification<'_>,
    params: &Object<'_>,
    wanted: impl FnOnce(u64) -> Option<Interim>,
) -> Passed {
    let metadata = Object::parse(params.get("_meta")?.get()).ok()?;
    let id = metadata.get(meta::LOG_OF)?.get().parse().ok()?;
    let interim = wanted(id)?;
    let level = LogLevel::parse(&params.get_str("level")?)?;
    if level < interim.log? {
        return None;
    }
    let none = metadata.members().len() == 1;
    let without = [(meta::LOG_OF, Edit::Remove)];
    let metadata = if none { Edit::Remove } else { Edit::Object(&metadata, &without) };
    let mut out = Vec::new();
    let params = [("params", Edit::Object(params, &[("_meta", metadata)]))];
    notification.envelope.write(&params, &mut out);
    Some((out, interim.outlet))
}

#[cfg(test)]
mod tests {
    use mcp_wire::Message;

    use super::*;

    /// What the client of call 7 gets of a notification.
    fn check(text: &str, progress: Option<&str>, log: Option<LogLevel>, expected: Option<&str>) {
        let (outlet, mut heard) = mpsc::channel(1);
        let Ok(Message::Notification(notification)) = Message::parse(text) else {
            panic!("{text}")
        };
        pass_on(&notification, |id| {
            let interim = Interim { outlet, progress: progress.map(ToOwned::to_owned), log };
            (id == 7).then_some(interim)
        });
        let heard = heard.try_recv().ok();
        let heard = heard.as_ref().map(|bytes| std::str::from_utf8(bytes).unwrap());
        assert_eq!(heard, expected, "{text}");
    }

    fn said(method: &str, params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
    }

    #[test]
    fn progress_comes_under_the_clients_token() {
        let of = |token| said(PROGRESS, &format!(r#"{{"progressToken":{token},"progress":1}}"#));
        check(&of("7"), Some("\"a\""), None, Some(&of("\"a\"")));
        check(&of("7"), None, Some(LogLevel::Debug), None);
        check(&of("8"), Some("\"a\""), None, None);
    }

    #[test]
    fn logs_come_where_they_are_wanted_and_severe_enough() {
        let of = |meta: &str, level: &str| {
            said(MESSAGE, &format!(r#"{{{meta}"level":"{level}","data":[1]}}"#))
        };
        let id = r#""_meta":{"org.llmbasedos/request":7},"#;
        let both = r#""_meta":{"org.llmbasedos/request":7,"x":1},"#;
        let info = Some(LogLevel::Info);
        check(&of(id, "info"), None, info, Some(&of("", "info")));
        check(&of(both, "error"), None, info, Some(&of(r#""_meta":{"x":1},"#, "error")));
        for (text, log) in [
            (of(id, "debug"), info),
            (of(id, "nonsense"), info),
            (of(id, "emergency"), None),
            (of("", "emergency"), info),
            (of(r#""_meta":{"org.llmbasedos/request":8},"#, "emergency"), info),
        ] {
            check(&text, Some("1"), log, None);
        }
    }
}
