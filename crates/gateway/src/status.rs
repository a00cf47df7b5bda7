//! What the supervisor shows of the gateway, in one line: how it is confined, or which files it refuses.

use daemon::NotifyState;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::access::{Live, Rulebook};

/// Tells the supervisor each line that comes, and of many the last. One that does not read makes nobody wait but this.
pub(crate) async fn follow(mut lines: watch::Receiver<String>) {
    while lines.changed().await.is_ok() {
        let line = lines.borrow_and_update().clone();
        let told = spawn_blocking(move || daemon::notify(&[NotifyState::Status(&line)]));
        if told.await.is_err() {
            return;
        }
    }
}

/// Has a line told, if it is another than the last.
pub(crate) fn tell(lines: &watch::Sender<String>, line: String) {
    lines.send_if_modified(|last| {
        let is_new = *last != line;
        *last = line;
        is_new
    });
}

/// The line. What is wrong comes first: people are shown it.
pub(crate) fn line(live: &Live, rulebook: &Rulebook, confinement: &str) -> String {
    let (troubles, of_policies) = (live.troubles(), rulebook.trouble());
    let refused: Vec<String> = troubles
        .iter()
        .chain(of_policies.as_deref())
        .map(|trouble| match trouble.line {
            Some(number) => format!("{}, line {number}: {}", trouble.file, trouble.reason),
            None => format!("{}: {}", trouble.file, trouble.reason),
        })
        .collect();
    if refused.is_empty() {
        return confinement.to_owned();
    }
    // A status is one line, see sd_notify(3).
    format!("{}{}", settings::REFUSED, refused.join("; ")).replace(['\n', '\r'], " ")
}
