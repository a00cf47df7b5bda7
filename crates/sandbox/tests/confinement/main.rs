//! What a locked process can still do, tried from inside.
//!
//! Each act runs in a child process of its own, which is this same binary: locked, where its answer
//! must be that of the table, and not locked, where it must be another (the control: it shows that
//! the sandbox and not the act is what fails). All of it as the user who runs the tests and, when
//! that is root, also as number 65534 without groups.
//!
//! `SANDBOX_TEST_TABLE=1 cargo test -p sandbox --test confinement` prints the tables.

#![expect(clippy::print_stdout, reason = "children tell their outcome there")]

mod acts;
mod locking;
mod outcome;
mod probe;
mod stage;
mod sys;

use std::{env, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    acts::{Act, Control},
    outcome::Outcome,
    stage::{Stage, User},
};

/// Prints what came of each act.
const TABLE: &str = "SANDBOX_TEST_TABLE";

fn main() {
    if let Ok(act) = env::var(stage::ACT) {
        return probe::run(&act);
    }
    let arguments = Arguments::from_args();
    let users: &[User] =
        if stage::is_root() { &[User::Current, User::Nobody] } else { &[User::Current] };
    if users.len() == 1 && !arguments.list {
        println!("not root: the acts are tried as this user only, not as root and 65534");
    }
    let stage = Arc::new(Stage::default());
    let trials = users.iter().flat_map(|&user| trials(&stage, user)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // `exit` would leave the folder of the stage behind.
    drop(stage);
    conclusion.exit();
}

fn trials(stage: &Arc<Stage>, user: User) -> Vec<Trial> {
    let acts = acts::all().into_iter().map(|act| {
        let kind = if act.is_allowed() { "allowed" } else { "refused" };
        let name = format!("{}::{kind}::{}", user.name(), act.name);
        let stage = Arc::clone(stage);
        let Act { name: act, expected, control, .. } = act;
        Trial::test(name, move || check(&stage, user, act, &expected, control))
    });
    let cases = locking::cases().into_iter().map(|case| {
        let name = format!("{}::locking::{}", user.name(), case.name);
        let stage = Arc::clone(stage);
        let expected = Outcome::Said(case.expected.to_owned());
        Trial::test(name, move || {
            let outcome = stage.attempt(case.name, false, user)?;
            same(&outcome, &expected)
        })
    });
    acts.chain(cases).collect()
}

fn check(
    stage: &Stage,
    user: User,
    act: &str,
    expected: &Outcome,
    control: Control,
) -> Result<(), Failed> {
    let locked = stage.attempt(act, true, user)?;
    let free = match control {
        Control::NotTried(_) => None,
        Control::Differs | Control::DiffersForRoot => Some(stage.attempt(act, false, user)?),
    };
    if env::var_os(TABLE).is_some() {
        let free = match (&free, control) {
            (Some(free), _) => free.to_string(),
            (None, Control::NotTried(reason)) => format!("not tried: {reason}"),
            (None, _) => String::new(),
        };
        println!("| {act} | {} | {locked} | {free} |", user.name());
    }
    same(&locked, expected)?;
    let act_is_allowed = *expected == Outcome::Done;
    // What is allowed must work without the sandbox too, and what is refused must not be refused.
    let free = free
        .filter(|free| matches!(free, Outcome::Said(_)) || (free == expected) != act_is_allowed);
    match (free, control) {
        (Some(Outcome::Said(trouble)), _) => Err(format!("without the sandbox: {trouble}").into()),
        (Some(free), _) if act_is_allowed => {
            Err(format!("without the sandbox it does not work either: {free}").into())
        }
        (Some(free), Control::Differs) => {
            Err(format!("without the sandbox the answer is also {free}").into())
        }
        (Some(free), Control::DiffersForRoot) if user.name() == "root" => {
            Err(format!("root is also answered {free} without the sandbox").into())
        }
        _ => Ok(()),
    }
}

fn same(outcome: &Outcome, expected: &Outcome) -> Result<(), Failed> {
    if outcome == expected {
        Ok(())
    } else {
        Err(format!("expected {expected}, and it was {outcome}").into())
    }
}
