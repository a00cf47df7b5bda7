//! Telling the person at the prompt that calls wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use approvals::tools::{List, Listed, Tool};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::limits::WAITING_LOOK;
use crate::session::Session;

/// How many calls wait, as far as is known.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    waiting: AtomicUsize,
    look: Notify,
}

impl Notice {
    /// What to tell, if anything waits.
    pub(crate) fn text(&self) -> Option<String> {
        match self.waiting.load(Ordering::Relaxed) {
            0 => None,
            1 => Some("1 call waits for you: approvals".to_owned()),
            count => Some(format!("{count} calls wait for you: approvals")),
        }
    }

    /// Has it looked at now: something may have changed.
    pub(crate) fn look(&self) {
        self.look.notify_one();
    }
}

/// Looks again and again how many calls wait, and has the prompt drawn anew when it is another number.
pub(crate) async fn keep_looking(
    session: Arc<Session>,
    notice: Arc<Notice>,
    redraw: impl Fn() + Send,
) {
    // Behind the door of programs nobody is told.
    if !session.is_for_people() {
        return;
    }
    loop {
        let waiting = waiting(&session).await.unwrap_or(0);
        if notice.waiting.swap(waiting, Ordering::Relaxed) != waiting {
            redraw();
        }
        // Either of both is a reason to look.
        timeout(WAITING_LOOK, notice.look.notified()).await.ok();
    }
}

async fn waiting(session: &Session) -> Option<usize> {
    let listed = session.call(List::METHOD, &json!({})).await.ok()?;
    Some(serde_json::from_value::<Listed>(listed).ok()?.approvals.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_and_nothing_else() {
        let notice = Notice::default();
        assert_eq!(notice.text(), None);
        notice.waiting.store(1, Ordering::Relaxed);
        assert_eq!(notice.text().unwrap(), "1 call waits for you: approvals");
        notice.waiting.store(12, Ordering::Relaxed);
        assert_eq!(notice.text().unwrap(), "12 calls wait for you: approvals");
    }
}
