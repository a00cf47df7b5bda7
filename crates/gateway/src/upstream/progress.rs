//! What a server says of a call before it answers.

use bytes::Bytes;
use mcp_wire::{Edit, Notification, Object};
use tokio::sync::mpsc;

/// The method of MCP's progress notification, in every revision.
const METHOD: &str = "notifications/progress";
/// The member of its parameters that says which call it is about.
const TOKEN: &str = "progressToken";

/// Where the progress of one call goes, and what the client calls it.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The client's own token, as JSON text.
    pub(crate) token: String,
    /// The way to the client.
    pub(crate) outlet: mpsc::Sender<Bytes>,
}

/// Passes a notification of progress on to whoever called, under the client's own token. Any other notification is not for
/// a caller and ends here.
///
/// It never waits, since the connection serves all callers: where a client reads too slowly, it misses some steps.
pub(super) fn pass_on(
    notification: &Notification<'_>,
    progress_of: impl FnOnce(u64) -> Option<Progress>,
) {
    if notification.method != METHOD {
        return;
    }
    let params = notification.params.map(|raw| Object::parse(raw.get()));
    let Some(Ok(params)) = params else { return };
    let Some(id) = params.get(TOKEN).and_then(|token| token.get().parse().ok()) else { return };
    let Some(progress) = progress_of(id) else { return };
    let mut out = Vec::new();
    let token = [(TOKEN, Edit::Raw(&progress.token))];
    notification.envelope.write(&[("params", Edit::Object(&params, &token))], &mut out);
    if progress.outlet.try_send(out.into()).is_err() {
        tracing::debug!("a step of progress was left out: the client reads too slowly");
    }
}
