//! Where a call may work, as prefixes of paths, for the servers that follow links, walk and search: policy is asked for the path that
//! a call names, and only they know where that leads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use capfile::TextSources;
use mcp_types::{Origin, Scope};
use policy::{Approver, Policies, Question};

use crate::identity::Kind;
use crate::limits::MAX_SCOPES_KEPT;

/// The collection whose places are paths of the file server.
const FILES: &str = "files";
/// The milliseconds of a minute: rules may look at the time, and so what follows from them is good no longer than that.
const MINUTE: i64 = 60_000;

/// What was compiled of policies, for as long as they are in force.
#[derive(Default)]
pub(super) struct Reading(Mutex<HashMap<Key, Arc<[Scope]>>>);

#[derive(PartialEq, Eq, Hash)]
struct Key {
    client: Arc<str>,
    kind: Kind,
    method: Arc<str>,
    origin: Origin,
    untrusted: TextSources,
    minute: i64,
}

/// Who reads, by which method, through which door.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Arc<str>,
    pub(super) kind: Kind,
    pub(super) method: Arc<str>,
    pub(super) origin: Origin,
}

impl Reading {
    /// Forgets what was compiled of other policies.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Where a call may work now.
    pub(super) fn scopes(
        &self,
        reader: Reader<'_>,
        policies: &Policies,
        question: &Question<'_>,
    ) -> Vec<Scope> {
        let key = Key {
            client: reader.client.clone(),
            kind: reader.kind,
            method: reader.method,
            origin: reader.origin,
            untrusted: question.untrusted,
            minute: question.moment.timestamp.div_euclid(MINUTE),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(&key) {
            return found.to_vec();
        }
        if kept.len() >= MAX_SCOPES_KEPT {
            kept.clear();
        }
        let scopes = of_call(policies, question, None);
        kept.entry(key).or_insert_with(|| scopes.into()).to_vec()
    }
}

/// The same of one call, by its own arguments and with somebody's word, which is good for no other.
pub(super) fn of_call(
    policies: &Policies,
    question: &Question<'_>,
    word: Option<Approver>,
) -> Vec<Scope> {
    let scopes = policies.scopes(question, word).into_iter().map(|scope| Scope {
        collection: FILES.to_owned(),
        prefix: scope.allowed,
        except: scope.except,
    });
    scopes.collect()
}
