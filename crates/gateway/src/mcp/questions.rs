//! Requests of ours that a client of the older era has to answer. Since MCP 2026-07-28 a server makes none: it answers with what it
//! wants to know, and the client asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use mcp_wire::Response;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::limits::MAX_QUESTIONS;

/// The random bytes of an id: nobody answers what another was asked.
const ID_BYTES: usize = 16;

/// The requests that wait for an answer, by their ids as JSON text.
#[derive(Default)]
pub(crate) struct Questions(Mutex<HashMap<String, Waiting>>);

struct Waiting {
    client: Arc<str>,
    answer: oneshot::Sender<Option<Value>>,
}

/// A request that waits for its answer, until this is dropped.
pub(super) struct Question<'a> {
    questions: &'a Questions,
    /// Its id, as JSON text.
    pub(super) id: String,
    answer: oneshot::Receiver<Option<Value>>,
}

impl Questions {
    /// A new request to a client. `None`: too many wait already, or there is no randomness.
    pub(super) fn ask(&self, client: &Arc<str>) -> Option<Question<'_>> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes).ok()?;
        let id = Value::from(HEXLOWER.encode(&bytes)).to_string();
        let (sender, answer) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.len() >= MAX_QUESTIONS {
            return None;
        }
        waiting.insert(id.clone(), Waiting { client: client.clone(), answer: sender });
        Some(Question { questions: self, id, answer })
    }

    /// Takes an answer of a client. `false`: this client was not asked that.
    pub(crate) fn answered(&self, client: &str, response: &Response<'_>) -> bool {
        let Some(id) = response.id else { return false };
        let mut waiting = self.lock();
        if waiting.get(id.as_str()).is_none_or(|waiting| *waiting.client != *client) {
            tracing::debug!("a response came, and nobody had asked");
            return false;
        }
        let Some(found) = waiting.remove(id.as_str()) else { return false };
        // An error is no answer, and nor is what cannot be read.
        let result = response.outcome.as_ref().ok();
        let result = result.and_then(|result| serde_json::from_str(result.get()).ok());
        found.answer.send(result).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        // The table is whole between any two statements, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question<'_> {
    /// Waits for the result; nothing where the client answered with an error, or is gone.
    pub(super) async fn answer(&mut self) -> Option<Value> {
        (&mut self.answer).await.ok().flatten()
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.questions.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use mcp_wire::Message;

    use super::*;

    fn answer(questions: &Questions, client: &str, id: &str, outcome: &str) -> bool {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#);
        let Ok(Message::Response(response)) = Message::parse(&text) else { panic!("{text}") };
        questions.answered(client, &response)
    }

    #[tokio::test]
    async fn only_who_was_asked_answers_and_once() {
        let questions = Questions::default();
        let mut question = questions.ask(&"anna".into()).unwrap();
        let (id, yes) = (question.id.clone(), r#""result":{"action":"accept"}"#);
        assert!(!answer(&questions, "bert", &id, yes));
        assert!(!answer(&questions, "anna", "1", yes));
        assert!(answer(&questions, "anna", &id, yes));
        assert!(!answer(&questions, "anna", &id, yes));
        assert_eq!(question.answer().await.unwrap()["action"], "accept");
    }

    #[tokio::test]
    async fn an_error_is_no_answer_and_what_nobody_awaits_is_forgotten() {
        let questions = Questions::default();
        let mut question = questions.ask(&"anna".into()).unwrap();
        let id = question.id.clone();
        assert!(answer(&questions, "anna", &id, r#""error":{"code":1,"message":"no"}"#));
        assert_eq!(question.answer().await, None);
        let second = questions.ask(&"anna".into()).unwrap();
        drop(second);
        assert!(questions.lock().is_empty());
    }

    #[test]
    fn there_is_a_bound() {
        let questions = Questions::default();
        let all: Vec<_> = (0..MAX_QUESTIONS).map(|_| questions.ask(&"anna".into())).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(questions.ask(&"anna".into()).is_none());
    }
}
