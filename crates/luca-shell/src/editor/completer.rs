//! Suggestions, from the line and from the appliance.

use std::sync::Arc;

use approvals::Standing;
use approvals::tools::{List, ListStanding, Listed, StandingPermissions, Tool, Waiting};
use reedline::{Completer, CompletionResult, Span, Suggestion};
use serde::de::DeserializeOwned;
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
                Wanted::Approval => candidates.extend(matching(&place.start, self.waiting().await)),
                Wanted::Standing => {
                    candidates.extend(matching(&place.start, self.standing().await));
                }
            }
        }
        let span = Span::new(place.span.start, place.span.end);
        candidates.into_iter().map(|candidate| suggestion(candidate, span)).collect()
    }

    /// The ids of the calls that wait, each with what it would do.
    async fn waiting(&self) -> Vec<(String, String)> {
        let listed: Option<Listed> = self.ask(List::METHOD).await;
        let calls = listed.map(|listed| listed.approvals).unwrap_or_default();
        let about = |call: &Waiting| format!("{} for {}", call.tool, call.client);
        calls.into_iter().map(|call| (call.id.clone(), about(&call))).collect()
    }

    /// The ids of the standing permissions, each with what it allows.
    async fn standing(&self) -> Vec<(String, String)> {
        let listed: Option<StandingPermissions> = self.ask(ListStanding::METHOD).await;
        let all = listed.map(|listed| listed.standing).unwrap_or_default();
        let about = |one: &Standing| format!("{} for {}", one.method, one.client);
        all.into_iter().map(|one| (one.id.clone(), about(&one))).collect()
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str) -> Option<T> {
        let answer = self.session.call(method, &json!({})).await.ok()?;
        serde_json::from_value(answer).ok()
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
