//! Suggestions, from the line and from the appliance.

use std::sync::Arc;

use reedline::{Completer, CompletionResult, Span, Suggestion};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Cwd;
use super::complete::{Candidate, Wanted, entries, matching, place};
use crate::catalogue::Catalogue;
use crate::limits::COMPLETION_WAIT;
use crate::path;
use crate::session::Session;
use crate::shell::FS_LIST;
use crate::view::Entry;

/// Asks the appliance what there is, for as long as a person does not notice.
pub(super) struct Suggester {
    session: Arc<Session>,
    runtime: Handle,
    cwd: Cwd,
}

impl Suggester {
    /// It completes paths in the folder `cwd`.
    pub(super) fn new(session: Arc<Session>, runtime: Handle, cwd: Cwd) -> Self {
        Self { session, runtime, cwd }
    }

    async fn suggest(&self, line: &str) -> Vec<Suggestion> {
        // Without a link the commands of the shell itself can still be completed.
        let catalogue =
            self.session.catalogue().await.unwrap_or_else(|_| Arc::new(Catalogue::default()));
        let Some(place) = place(line, &catalogue) else { return Vec::new() };
        let mut candidates = Vec::new();
        for wanted in place.wanted {
            match wanted {
                Wanted::Words(words) => candidates.extend(matching(&place.start, words)),
                Wanted::Path { prefix, start, only_folders } => {
                    let listed = self.list(&start).await;
                    candidates.extend(entries(&prefix, &start, only_folders, &listed));
                }
            }
        }
        let span = Span::new(place.span.start, place.span.end);
        candidates.into_iter().map(|candidate| suggestion(candidate, span)).collect()
    }

    /// The folder in which the name that is being written stands; what cannot be listed is empty.
    async fn list(&self, start: &str) -> Vec<Entry> {
        let cwd = self.cwd.read().map(|cwd| cwd.clone()).unwrap_or_default();
        let folder = path::resolve(&cwd, path::part(start).0);
        let listed = self.session.call(FS_LIST, &json!([folder])).await;
        listed.ok().and_then(|listed| serde_json::from_value(listed).ok()).unwrap_or_default()
    }
}

fn suggestion(candidate: Candidate, span: Span) -> Suggestion {
    Suggestion {
        value: candidate.text,
        display_override: Some(candidate.shown),
        description: Some(candidate.about).filter(|about| !about.is_empty()),
        span,
        append_whitespace: candidate.is_whole,
        ..Suggestion::default()
    }
}

impl Completer for Suggester {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let before = line.get(..cursor).unwrap_or(line);
        let found = self.runtime.block_on(async {
            timeout(COMPLETION_WAIT, self.suggest(before)).await.unwrap_or_default()
        });
        CompletionResult::fresh(found)
    }
}
