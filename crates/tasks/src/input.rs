//! What a task asks its client, and what the client answers.

use std::collections::BTreeMap;

use mcp_types::TaskStatus;
use serde_json::value::{RawValue, to_raw_value};
use store::rusqlite;

use crate::check::{object, short};
use crate::error::Refused;
use crate::limits::{MAX_INPUT_BYTES, MAX_INPUTS, MAX_MESSAGE_BYTES, MAX_NAME_BYTES};
use crate::task::{Task, raw};
use crate::tasks::Tasks;
use crate::work::Work;

impl Tasks {
    /// Asks the client: `requests` is the JSON text of an object, whose keys were never used in this task. What was asked before and
    /// is not answered stays asked.
    ///
    /// # Errors
    ///
    /// There is none, it has ended, a key was used before, something is too much or malformed, or it cannot be written down.
    pub fn input_required(&self, id: &str, requests: &str) -> Result<Task, Refused> {
        let what = "the requests";
        let asked = object(what, requests, MAX_INPUT_BYTES)?;
        for (key, request) in &asked {
            short("a key", key, MAX_NAME_BYTES)?;
            object("a request", request.get(), MAX_INPUT_BYTES)?;
        }
        if asked.is_empty() {
            return Err(Refused::Malformed { what, shape: "an object with members" });
        }
        self.change(|work| {
            work.open(id)?;
            may_ask(work, id, asked.keys())?;
            fits(work, id, requests)?;
            let put = "INSERT INTO inputs (task, key, state, request) VALUES (?1, ?2, 'asked', ?3)";
            for (key, request) in &asked {
                work.store.prepare_cached(put)?.execute((id, key, request.get()))?;
            }
            turn(work, id, TaskStatus::InputRequired)
        })
    }

    /// Takes the answers of the client: `responses` is the JSON text of an object. Those to what is not asked, or not any more, are left
    /// aside. Once everything is answered, the task is at work again.
    ///
    /// # Errors
    ///
    /// There is none for this client, something is too large or malformed, or it cannot be written down.
    pub fn update(&self, client: &str, id: &str, responses: &str) -> Result<Task, Refused> {
        let answers = object("the responses", responses, MAX_INPUT_BYTES)?;
        self.change(|work| {
            let task = work.of(client, id)?;
            if task.input_requests.is_none() {
                return Ok(task);
            }
            fits(work, id, responses)?;
            let put = "UPDATE inputs SET state = 'answered', response = ?3
                       WHERE task = ?1 AND key = ?2 AND state = 'asked'";
            let mut taken = 0;
            for (key, answer) in &answers {
                taken += work.store.prepare_cached(put)?.execute((id, key, answer.get()))?;
            }
            match taken {
                0 => Ok(task),
                _ if work.asks(id)? => work.changed(id),
                _ => turn(work, id, TaskStatus::Working),
            }
        })
    }

    /// The answers that have come so far, by the keys of what was asked.
    ///
    /// # Errors
    ///
    /// There is none, it has ended, or they cannot be read.
    pub fn responses(&self, id: &str) -> Result<BTreeMap<String, Box<RawValue>>, Refused> {
        self.change(|work| {
            work.open(id)?;
            let answered =
                "SELECT key, response FROM inputs WHERE task = ?1 AND state = 'answered'";
            Ok(members(work, answered, id)?)
        })
    }

    /// Says that a task is at work, and how far. What it asks and was not answered is withdrawn, and its keys are used.
    ///
    /// # Errors
    ///
    /// There is none, it has ended, the message is too long, or it cannot be written down.
    pub fn working(&self, id: &str, message: Option<&str>) -> Result<Task, Refused> {
        short("the message", message.unwrap_or_default(), MAX_MESSAGE_BYTES)?;
        self.change(|work| {
            work.open(id)?;
            let withdraw =
                "UPDATE inputs SET state = 'withdrawn' WHERE task = ?1 AND state = 'asked'";
            work.store.prepare_cached(withdraw)?.execute([id])?;
            let say = "UPDATE tasks SET message = ?2 WHERE id = ?1";
            work.store.prepare_cached(say)?.execute((id, message))?;
            turn(work, id, TaskStatus::Working)
        })
    }
}

impl Work<'_> {
    /// What a task asks and is not answered yet, as one object.
    pub(crate) fn outstanding(&self, id: &str) -> rusqlite::Result<Box<RawValue>> {
        let asked = "SELECT key, request FROM inputs WHERE task = ?1 AND state = 'asked'";
        let whole = to_raw_value(&members(self, asked, id)?);
        whole.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }

    fn asks(&self, id: &str) -> rusqlite::Result<bool> {
        let asked = "SELECT 1 FROM inputs WHERE task = ?1 AND state = 'asked'";
        self.store.prepare_cached(asked)?.exists([id])
    }
}

/// Refuses keys that were used before, and questions without end.
fn may_ask<'a>(
    work: &Work<'_>,
    id: &str,
    keys: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), Refused> {
    let count = "SELECT count(*) FROM inputs WHERE task = ?1";
    let before: usize =
        work.store.prepare_cached(count)?.query_row([id], |row| row.get::<_, u32>(0))? as usize;
    if before + keys.len() > MAX_INPUTS as usize {
        return Err(Refused::TooManyInputs(MAX_INPUTS));
    }
    let used = "SELECT 1 FROM inputs WHERE task = ?1 AND key = ?2";
    for key in keys {
        if work.store.prepare_cached(used)?.exists((id, key))? {
            return Err(Refused::KeyUsed);
        }
    }
    Ok(())
}

/// Refuses more than a task may ask and be told over its life.
fn fits(work: &Work<'_>, id: &str, more: &str) -> Result<(), Refused> {
    let sum = "SELECT coalesce(sum(octet_length(request) + coalesce(octet_length(response), 0)), 0)
               FROM inputs WHERE task = ?1";
    let before: i64 = work.store.prepare_cached(sum)?.query_row([id], |row| row.get(0))?;
    let before = usize::try_from(before).unwrap_or(usize::MAX);
    if before.saturating_add(more.len()) > MAX_INPUT_BYTES {
        let what = "what the task asks and is told";
        return Err(Refused::TooLong { what, limit: MAX_INPUT_BYTES });
    }
    Ok(())
}

fn turn(work: &mut Work<'_>, id: &str, to: TaskStatus) -> Result<Task, Refused> {
    let put = "UPDATE tasks SET status = ?2 WHERE id = ?1";
    work.store.prepare_cached(put)?.execute((id, to.name()))?;
    work.changed(id)
}

/// Keys and what stands at them.
fn members(
    work: &Work<'_>,
    statement: &str,
    id: &str,
) -> rusqlite::Result<BTreeMap<String, Box<RawValue>>> {
    let mut rows = work.store.prepare_cached(statement)?;
    rows.query_map([id], |row| Ok((row.get(0)?, raw(row.get(1)?)?)))?.collect()
}
