//! What may be answered, and by whom.

use store::rusqlite::{Connection, OptionalExtension as _};

use crate::approval::{Approval, Audience, State};
use crate::canonical::canonical;
use crate::error::Refused;
use crate::inbox::{Inbox, milliseconds, short};
use crate::limits::{GRANT_LASTS, MAX_NAME_BYTES, MAX_REASON_BYTES};
use crate::standing::{allow, check_folder};

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answerer {
    /// A person at the appliance, by the name of the door that they came through.
    Person(String),
    /// A client whose host has asked its user. It answers what it asked for itself, where that is enough.
    Host(String),
}

/// What is answered.
enum Answer<'a> {
    Approve { edited: Option<&'a str> },
    Deny { reason: Option<&'a str> },
}

impl Answerer {
    fn name(&self) -> &str {
        match self {
            Self::Person(name) | Self::Host(name) => name,
        }
    }

    fn audience(&self) -> Audience {
        match self {
            Self::Person(_) => Audience::Person,
            Self::Host(_) => Audience::Host,
        }
    }

    /// Whether it is told of this one at all.
    fn sees(&self, approval: &Approval) -> bool {
        match self {
            Self::Person(_) => true,
            Self::Host(client) => *client == approval.asked.client,
        }
    }
}

impl Inbox {
    /// Approves a call, once; with `edited`, with these arguments in the place of those that were asked for. The client still
    /// asks for it by the call that it made.
    ///
    /// # Errors
    ///
    /// There is none, it has been answered or has expired, this one may not answer it, or it cannot be written down.
    pub fn approve(
        &self,
        id: &str,
        who: &Answerer,
        edited: Option<&str>,
    ) -> Result<Approval, Refused> {
        let canonical_edited = edited.map(canonical).transpose()?;
        self.change(|store, now| {
            let asked = waiting(store, id, who)?;
            // What was typed anew and means the same is no edit.
            let same = canonical_edited == Some(canonical(&asked.asked.arguments)?);
            let edited = edited.filter(|_| !same);
            write(store, &asked, who, &Answer::Approve { edited }, now)
        })
    }

    /// Denies a call. The reason is told to the client.
    ///
    /// # Errors
    ///
    /// As [`Inbox::approve`].
    pub fn deny(
        &self,
        id: &str,
        who: &Answerer,
        reason: Option<&str>,
    ) -> Result<Approval, Refused> {
        short("the reason", reason.unwrap_or_default(), MAX_REASON_BYTES)?;
        self.change(|store, now| {
            let asked = waiting(store, id, who)?;
            write(store, &asked, who, &Answer::Deny { reason }, now)
        })
    }

    /// Denies every call of a client that waits, and gives their ids. The reason is told to the client.
    ///
    /// # Errors
    ///
    /// As [`Inbox::deny`], of one; only a person may.
    pub fn deny_all(
        &self,
        client: &str,
        who: &Answerer,
        reason: Option<&str>,
    ) -> Result<Vec<String>, Refused> {
        short("the reason", reason.unwrap_or_default(), MAX_REASON_BYTES)?;
        let Answerer::Person(name) = who else { return Err(Refused::OnlyAPerson) };
        short("the name", name, MAX_NAME_BYTES)?;
        self.change(|store, now| {
            let waiting = "SELECT * FROM approvals WHERE client = ?1 AND state = 'pending' ORDER BY asked_at, id";
            let waiting: Vec<Approval> = store
                .prepare_cached(waiting)?
                .query_map([client], Approval::read)?
                .collect::<Result<_, _>>()?;
            let deny = |asked: Approval| {
                write(store, &asked, who, &Answer::Deny { reason }, now).map(|denied| denied.id)
            };
            waiting.into_iter().map(deny).collect()
        })
    }

    /// Approves a call, and allows from now on every call of this method by this client; with `folder`, each that works beneath
    /// it.
    ///
    /// # Errors
    ///
    /// As [`Inbox::approve`]; besides, only a person may, and there is a bound on how much is allowed so.
    pub fn always(
        &self,
        id: &str,
        who: &Answerer,
        folder: Option<&str>,
    ) -> Result<Approval, Refused> {
        let folder = check_folder(folder)?;
        let Answerer::Person(name) = who else { return Err(Refused::OnlyAPerson) };
        self.change(|store, now| {
            let asked = waiting(store, id, who)?;
            allow(store, (&asked.asked.client, &asked.asked.method, &folder), name, now)?;
            write(store, &asked, who, &Answer::Approve { edited: None }, now)
        })
    }

    /// Takes a call of this client back, whether it waits or may be made already.
    ///
    /// # Errors
    ///
    /// There is none, it is over, or it cannot be written down.
    pub fn cancel(&self, client: &str, id: &str) -> Result<Approval, Refused> {
        self.change(|store, now| {
            let approval = find(store, id)?.filter(|found| found.asked.client == client);
            let approval = approval.ok_or(Refused::Unknown)?;
            if !matches!(approval.state, State::Pending | State::Approved) {
                return Err(answered(approval));
            }
            let over = "UPDATE approvals SET state = 'cancelled', closed_at = ?2 WHERE id = ?1 RETURNING *";
            Ok(store.prepare_cached(over)?.query_row((approval.id, now), Approval::read)?)
        })
    }
}

/// The approval with this id. Ids are written in small letters, and people need not be.
pub(crate) fn find(store: &Connection, id: &str) -> Result<Option<Approval>, Refused> {
    let id = id.trim().to_ascii_lowercase();
    let mut one = store.prepare_cached("SELECT * FROM approvals WHERE id = ?1")?;
    Ok(one.query_row([id], Approval::read).optional()?)
}

/// The approval with this id, if it waits, and for this one.
fn waiting(store: &Connection, id: &str, who: &Answerer) -> Result<Approval, Refused> {
    short("the name", who.name(), MAX_NAME_BYTES)?;
    let approval = find(store, id)?.filter(|found| who.sees(found)).ok_or(Refused::Unknown)?;
    if approval.state != State::Pending {
        return Err(answered(approval));
    }
    if who.audience() < approval.asked.audience {
        return Err(Refused::OnlyAPerson);
    }
    Ok(approval)
}

fn answered(approval: Approval) -> Refused {
    let at = approval.answered_at.or(approval.closed_at);
    Refused::Answered { state: approval.state, by: approval.answered_by, at }
}

fn write(
    store: &Connection,
    asked: &Approval,
    who: &Answerer,
    answer: &Answer<'_>,
    now: i64,
) -> Result<Approval, Refused> {
    let (state, edited, reason, usable_until) = match *answer {
        Answer::Approve { edited } => {
            (State::Approved, edited, None, Some(now.saturating_add(milliseconds(GRANT_LASTS))))
        }
        Answer::Deny { reason } => (State::Denied, None, reason, None),
    };
    // One transaction writes at a time, and it has seen that this one waits.
    let mut put = store.prepare_cached(
        "UPDATE approvals SET state = ?2, answered_by = ?3, answered_as = ?4, answered_at = ?5, edited = ?6,
                              reason = ?7, usable_until = ?8
         WHERE id = ?1 AND state = 'pending' RETURNING *",
    )?;
    let answer = (
        &asked.id,
        state.name(),
        who.name(),
        who.audience().key(),
        now,
        edited,
        reason,
        usable_until,
    );
    Ok(put.query_row(answer, Approval::read)?)
}
