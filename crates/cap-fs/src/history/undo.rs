//! Undoing changes: which, in what order, and when not.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::PoisonError;

use capability::{Call, ErrorKind, ToolError};
use mcp_types::Origin;

use super::entry::{Later, Undoing};
use super::{By, Entry, Recorder, Which};
use crate::access::{View, is_within};
use crate::error::{interrupt, refused_or_stopped, unrecorded};
use crate::limits::MAX_UNDONE;

/// What came of an undo.
pub(crate) struct Outcome {
    /// The changes that were undone, in this order, each with the change that did it.
    pub(crate) undone: Vec<(Entry, Option<i64>)>,
    /// The change at which it stopped, and why.
    pub(crate) stopped: Option<(Entry, ToolError)>,
}

/// Undoes one change, or all that count of a client or a run, the newest first.
pub(crate) fn undo(
    view: &View<'_>,
    call: &Call,
    which: &Which,
    tool: &'static str,
) -> Result<Outcome, ToolError> {
    let history = view.history();
    let _alone = history.undoing.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = |entry: &Entry| {
        let wanted = which.change.is_some() || entry.counts && entry.undone_by.is_none();
        let within = |path: &str| {
            which.path.as_ref().is_none_or(|folder| is_within(path, folder)) && view.shows(path)
        };
        wanted && entry.paths().all(within)
    };
    let (chosen, more) =
        history.list(which, None, MAX_UNDONE, &shown).map_err(|error| unrecorded(&error))?;
    if more {
        let text = format!(
            "these are more than {MAX_UNDONE} changes: undo them run by run, or change by change"
        );
        return Err(ToolError::new(ErrorKind::TooLarge, text));
    }
    let Some(oldest) = chosen.last() else {
        let text = "there is no such change, or it is too old: see `fs_history`";
        return Err(ToolError::new(ErrorKind::NotFound, text));
    };
    let caller = call.caller();
    let is_own = |entry: &&Entry| entry.client == caller.client;
    if caller.origin != Origin::Person
        && let Some(other) = chosen.iter().find(|entry| !is_own(entry))
    {
        let text = format!(
            "change {} is by `{}`: who is not a person undoes only what it did itself, so ask the person to undo it",
            other.change, other.client
        );
        return Err(ToolError::new(ErrorKind::Denied, text));
    }
    if let Some(by) = chosen.iter().find_map(|entry| entry.undone_by) {
        let text = format!("it is undone already, by change {by}: undo that one to have it again");
        return Err(ToolError::new(ErrorKind::Conflict, text));
    }
    refuse_covered(view, &chosen, oldest.change)?;
    let mut outcome = Outcome { undone: Vec::new(), stopped: None };
    for entry in chosen {
        match one(view, call, &entry, tool) {
            Ok(by) => outcome.undone.push((entry, by)),
            Err(error) if outcome.undone.is_empty() => return Err(error),
            Err(error) => {
                outcome.stopped = Some((entry, error));
                break;
            }
        }
    }
    Ok(outcome)
}

fn one(
    view: &View<'_>,
    call: &Call,
    entry: &Entry,
    tool: &'static str,
) -> Result<Option<i64>, ToolError> {
    let seen = view.root_by_key(&entry.root).ok_or_else(|| {
        let text = format!("change {} is in a folder that is not exposed now", entry.change);
        ToolError::new(ErrorKind::Conflict, text)
    })?;
    let by = By::of(call, tool);
    let recorder = Recorder { history: view.history(), root: seen.root, by, undoes: Some(entry) };
    let done = seen.vroot.changes(&recorder).undo(&entry.step, &interrupt(call));
    done.map(|done| done.entry).map_err(|error| {
        use vroot::ErrorKind as Kind;
        let number = entry.change;
        let text = match error.kind() {
            Kind::Changed | Kind::Exists | Kind::NotFound | Kind::NotADirectory => format!(
                "change {number} cannot be undone, because something else has changed `{}` since then: undo that first, or keep it",
                entry.target.as_ref().unwrap_or(&entry.path)
            ),
            Kind::Forgotten => format!("change {number} cannot be undone: {error}"),
            _ => return refused_or_stopped(call, &error),
        };
        ToolError::new(ErrorKind::Conflict, text)
    })
}

/// Refuses to undo what later changes, which stay, are built upon.
fn refuse_covered(view: &View<'_>, chosen: &[Entry], oldest: i64) -> Result<(), ToolError> {
    // The oldest of the chosen changes at each path.
    let mut places = BTreeMap::new();
    for entry in chosen {
        for path in entry.paths() {
            places.insert(path, entry.change);
        }
    }
    let numbers: HashSet<i64> = chosen.iter().map(|entry| entry.change).collect();
    let covers = |later: &Later, undoing: &Undoing, path: &str| {
        let above = std::iter::successors(Some(path), |path| {
            path.rsplit_once('/').map(|(parent, _)| parent)
        });
        let above = above.filter_map(|path| places.get(path));
        let beneath = format!("{path}/");
        let from = (Bound::Excluded(beneath.as_str()), Bound::Unbounded);
        let beneath_it = places
            .range::<str, _>(from)
            .take_while(|(below, _)| below.starts_with(&beneath))
            .map(|(_, change)| change);
        above.chain(beneath_it).any(|change| undoing.leaves_a_difference(later.change, *change))
    };
    let stands_in_the_way = |later: &Later, undoing: &Undoing| {
        !numbers.contains(&later.change) && later.paths().any(|path| covers(later, undoing, path))
    };
    let covering = view.history().newest_after(oldest, &stands_in_the_way);
    let Some(later) = covering.map_err(|error| unrecorded(&error))? else { return Ok(()) };
    // Who may not see a path is not told of it either.
    let path =
        if view.shows(&later.path) { format!(" of `{}`", later.path) } else { String::new() };
    let text = format!(
        "nothing was undone, because change {}{path} by `{}` came later and builds upon it: undo that one first",
        later.change, later.client
    );
    Err(ToolError::new(ErrorKind::Conflict, text))
}
