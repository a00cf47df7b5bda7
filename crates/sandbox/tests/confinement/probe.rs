//! The child: locks itself, tries one act, tells what came of it.

use std::{env, fs::File, io, os::fd::AsFd};

use sandbox::{Confinement, LockError, Needs, Report};

use crate::{
    acts::{self, Act, Need},
    locking,
    outcome::Outcome,
    stage,
};

/// Runs the act `name` and tells its outcome.
pub(crate) fn run(name: &str) {
    let locked = env::var_os(stage::LOCKED).is_some();
    let case = locking::cases().into_iter().find(|case| case.name == name);
    let outcome = match (acts::named(name), case) {
        (Some(act), _) => attempt(act, locked),
        (None, Some(case)) => (case.act)().map(Outcome::Said),
        (None, None) => Err(io::Error::other("no such act")),
    };
    let outcome =
        outcome.unwrap_or_else(|error| Outcome::Said(format!("could not be tried: {error}")));
    outcome.tell();
}

fn attempt(act: Act, locked: bool) -> io::Result<Outcome> {
    if stage::is_nobody() && !rustix::process::getgroups()?.is_empty() {
        return Err(io::Error::other("groups of root are left"));
    }
    // What an act has before it is locked, it makes first; the rest is what it does after.
    let rest = (act.prepare)()?;
    if locked {
        let report = lock(act.need, Confinement::Required).map_err(io::Error::other)?;
        if !report.is_confined() {
            return Err(io::Error::other(report.to_string()));
        }
    }
    Ok(Outcome::of(rest()))
}

/// Locks with the folders of the stage and what `need` adds.
pub(crate) fn lock(need: Need, confinement: Confinement) -> Result<Report, LockError> {
    let open = |name| File::open(stage::path(name)).map_err(LockError::Proc);
    let (inside, shared) = (open("inside")?, open("shared")?);
    let files = Needs::none().read(shared.as_fd()).read_write(inside.as_fd());
    let needs = match need {
        Need::Files => files,
        Need::Tcp => files.tcp_accept(),
        Need::Unix => files.unix_connect(),
        Need::TcpAndUnix => files.tcp_accept().unix_connect(),
    };
    sandbox::lock(&needs, confinement)
}
