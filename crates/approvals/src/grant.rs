//! Using what was approved, once.

use store::rusqlite::{OptionalExtension as _, Row};

use crate::approval::Audience;
use crate::canonical::{call_digest, canonical};
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::limits::MAX_ROUNDS;

/// What was approved, and is used up with this.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is used up"]
pub struct Grant {
    /// The id of the approval.
    pub id: String,
    /// The arguments to make the call with.
    pub arguments: String,
    /// Whether these are others than those that were asked for, which the result of the call must say.
    pub edited: bool,
    /// Who approved.
    pub by: String,
    /// Whether that was a person at the appliance, and not a host.
    pub as_person: bool,
}

impl Inbox {
    /// Uses up the grant for exactly this call, if there is one that may be used now. `needed`: who must have approved for policy as it
    /// is now.
    ///
    /// A grant that is used is not given back if the call then fails: only [`Inbox::resume`] does.
    ///
    /// # Errors
    ///
    /// The arguments are no arguments, or the use cannot be written down; then the call must not be made.
    pub fn take(
        &self,
        client: &str,
        method: &str,
        arguments: &str,
        needed: Audience,
    ) -> Result<Option<Grant>, Refused> {
        let call = call_digest(client, method, &canonical(arguments)?);
        self.change(|store, now| {
            let mut take = store.prepare_cached(
                "UPDATE approvals SET state = 'used', closed_at = ?2
                 WHERE call = ?1 AND state IN ('pending', 'approved') AND state = 'approved'
                   AND (answered_as = 'person' OR answered_as = ?3)
                 RETURNING id, coalesce(edited, arguments) AS arguments, edited IS NOT NULL AS is_edited, answered_by,
                           answered_as = 'person' AS as_person",
            )?;
            let grant = |row: &Row<'_>| {
                Ok(Grant {
                    id: row.get("id")?,
                    arguments: row.get("arguments")?,
                    edited: row.get("is_edited")?,
                    by: row.get("answered_by")?,
                    as_person: row.get("as_person")?,
                })
            };
            Ok(take.query_row((&call[..], now, needed.key()), grant).optional()?)
        })
    }

    /// Makes a grant good for the same call once more, whose server has done nothing yet and asks something back (MCP 2026-07-28,
    /// "Multi Round-Trip Requests"): the call with the answer is the same call. It is still over when it would have been, and is
    /// resumed [`MAX_ROUNDS`] times at the most.
    ///
    /// Returns whether it is good again.
    ///
    /// # Errors
    ///
    /// It cannot be written down; then it is not.
    pub fn resume(&self, id: &str) -> Result<bool, Refused> {
        self.change(|store, now| {
            // Another like it may have been asked for in the meantime, and a call is open once.
            let mut resume = store.prepare_cached(
                "UPDATE approvals AS this SET state = 'approved', closed_at = NULL, rounds = rounds + 1
                 WHERE id = ?1 AND state = 'used' AND usable_until > ?2 AND rounds < ?3
                   AND NOT EXISTS (SELECT 1 FROM approvals AS other
                                   WHERE other.call = this.call AND other.state IN ('pending', 'approved'))",
            )?;
            Ok(resume.execute((id, now, MAX_ROUNDS))? > 0)
        })
    }
}
