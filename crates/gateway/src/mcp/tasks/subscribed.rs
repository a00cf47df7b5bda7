//! The tasks that a subscription tells of.

use ::tasks::limits::MAX_OPEN_PER_CLIENT;
use ::tasks::{Refused, Task};
use futures_util::future::select_all;
use mcp_wire::Object;
use tokio::sync::watch::Receiver;

use crate::mcp::tasks::{failure, invalid, must_know_tasks};
use crate::mcp::{Asked, Failure, Mcp};

/// Tasks of one client, and when they change.
pub(in crate::mcp) struct Followed(Vec<(String, Receiver<u64>)>);

impl Followed {
    /// Their ids.
    pub(in crate::mcp) fn ids(&self) -> Vec<String> {
        self.0.iter().map(|(id, _)| id.clone()).collect()
    }

    /// Waits until one of them changes, and gives its id; for ever, where there are none. How each stands is a change at first, that
    /// none is missed which came before it was followed.
    pub(in crate::mcp) async fn changed(&mut self) -> String {
        loop {
            if self.0.is_empty() {
                std::future::pending::<()>().await;
            }
            let all = self.0.iter_mut().map(|(_, changes)| Box::pin(changes.changed()));
            let (changed, at, _) = select_all(all).await;
            match (changed, self.0.get(at)) {
                (Ok(()), Some((id, _))) => return id.clone(),
                // It is forgotten.
                _ => drop(self.0.swap_remove(at)),
            }
        }
    }
}

impl Mcp {
    /// The tasks that a client wants to hear of and has made itself: others, there are none for it.
    pub(in crate::mcp) async fn followed(
        &self,
        asked: &Asked<'_>,
        wishes: &Object<'_>,
    ) -> Result<Followed, Failure> {
        let Some(ids) = wishes.get("taskIds") else { return Ok(Followed(Vec::new())) };
        must_know_tasks(asked)?;
        let ids: Vec<String> = serde_json::from_str(ids.get())
            .map_err(|_| invalid("`taskIds` must be a list of strings"))?;
        if ids.len() > MAX_OPEN_PER_CLIENT as usize {
            let text = format!("`taskIds` may name {MAX_OPEN_PER_CLIENT} tasks at the most");
            return Err(invalid(&text).into());
        }
        let client = asked.door.client.name().clone();
        let follow = move |tasks: &::tasks::Tasks| {
            let mut followed = Vec::new();
            for id in ids {
                match tasks.follow(&client, &id) {
                    Ok(mut changes) => {
                        changes.mark_changed();
                        followed.push((id, changes));
                    }
                    Err(Refused::Unknown) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(Followed(followed))
        };
        self.tasks.work(follow).await?.map_err(failure)
    }

    /// How a task stands, of which its client is about to be told. `None`: it is forgotten.
    pub(in crate::mcp) async fn told(
        &self,
        asked: &Asked<'_>,
        id: &str,
    ) -> Result<Option<Task>, Failure> {
        let (client, id) = (asked.door.client.name().clone(), id.to_owned());
        match self.tasks.work(move |tasks| tasks.get(&client, &id)).await? {
            Ok(task) => {
                self.heard(asked.door, self.sources_of(&task)).await;
                Ok(Some(task))
            }
            Err(Refused::Unknown) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }
}
