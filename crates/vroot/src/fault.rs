//! Points at which a test makes the disk refuse or the process die.
//!
//! Outside of the unit tests [`point`] does nothing.

/// The calls that change something, for the order that a test checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create,
    Write,
    SetOwner,
    SetMode,
    SetAttribute,
    RemoveAttribute,
    SyncFile,
    SyncFolder,
    Rename,
    Unlink,
    RemoveFolder,
    Link,
    MakeFolder,
    MakeLink,
    SetTimes,
    #[cfg(test)]
    Ledger,
}

#[cfg(not(test))]
pub(crate) use inert::point;
#[cfg(test)]
pub(crate) use injected::{Plan, point, run};

#[cfg(not(test))]
mod inert {
    use super::Call;
    use rustix::io::Errno;

    /// Where the calling function is about to make a change.
    #[expect(clippy::unnecessary_wraps, reason = "the variant for tests can fail")]
    pub(crate) const fn point(_call: Call) -> Result<(), Errno> {
        Ok(())
    }
}

#[cfg(test)]
mod injected {
    use std::cell::RefCell;

    use super::Call;
    use rustix::io::Errno;

    /// What goes wrong, counted in calls of this thread from 0.
    pub(crate) enum Plan {
        /// Nothing.
        Nothing,
        /// One call fails.
        Fail(usize, Errno),
        /// The process dies: this call and all later ones do nothing, those that clean up included.
        Die(usize),
        /// Somebody else does something right before this call.
        Meddle(usize, Box<dyn FnOnce()>),
    }

    struct State {
        plan: Plan,
        calls: Vec<Call>,
    }

    thread_local! {
        static STATE: RefCell<State> =
            const { RefCell::new(State { plan: Plan::Nothing, calls: Vec::new() }) };
    }

    /// Runs something under a plan and gives back the calls that it tried.
    pub(crate) fn run<T>(plan: Plan, work: impl FnOnce() -> T) -> (T, Vec<Call>) {
        STATE.with_borrow_mut(|state| *state = State { plan, calls: Vec::new() });
        let result = work();
        let calls = STATE.with_borrow_mut(|state| {
            state.plan = Plan::Nothing;
            std::mem::take(&mut state.calls)
        });
        (result, calls)
    }

    pub(crate) fn point(call: Call) -> Result<(), Errno> {
        STATE.with_borrow_mut(|state| {
            let number = state.calls.len();
            state.calls.push(call);
            match &state.plan {
                Plan::Fail(at, errno) if *at == number => return Err(*errno),
                Plan::Die(at) if *at <= number => return Err(Errno::IO),
                Plan::Meddle(at, _) if *at == number => {}
                _ => return Ok(()),
            }
            if let Plan::Meddle(_, act) = std::mem::replace(&mut state.plan, Plan::Nothing) {
                act();
            }
            Ok(())
        })
    }
}
