//! What an act is, and how its outcome is judged.

use std::io;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::stage::Stage;

/// One try of an act, on one of the things that the act may be tried on.
pub(crate) struct Attempt {
    what: String,
    run: Box<dyn FnOnce() -> io::Result<()>>,
}

impl Attempt {
    pub(crate) fn new<T>(
        what: impl Into<String>,
        run: impl FnOnce() -> io::Result<T> + 'static,
    ) -> Self {
        Self { what: what.into(), run: Box::new(move || run().map(drop)) }
    }
}

/// One row of the table of what must be refused.
pub(crate) struct Act {
    pub(crate) number: u8,
    pub(crate) name: &'static str,
    /// The errors that count as a refusal. Any other error came after the privilege was found.
    pub(crate) refusals: &'static [Errno],
    /// Finds what it is tried on, before the daemon's own sandbox is put on.
    pub(crate) prepare: fn(&Stage) -> Vec<Attempt>,
}

/// One row of the table of what the daemon needs.
pub(crate) struct Need {
    pub(crate) name: &'static str,
    /// What the daemon does before it locks itself is done here, the rest by the attempts.
    pub(crate) prepare: fn(&Stage) -> io::Result<Vec<Attempt>>,
    pub(crate) input: Input,
}

/// What a process that tries a need has as its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Nothing,
    /// The TCP listener that systemd passed.
    Tcp,
    /// The UNIX listener that systemd passed.
    Unix,
}

/// What came of one act, as its process tells it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Whether every attempt was refused, or for a need: whether every attempt was let through.
    pub(crate) held: bool,
    /// The error numbers, or the attempt that says otherwise.
    pub(crate) how: String,
}

impl Told {
    pub(crate) fn of_act(act: &Act, attempts: Vec<Attempt>) -> Self {
        let mut how: Vec<String> = Vec::new();
        for Attempt { what, run } in attempts {
            let told = match run() {
                Ok(()) => return Self { held: false, how: format!("{what}: done") },
                Err(error) => match Errno::from_io_error(&error) {
                    Some(errno) if act.refusals.contains(&errno) => name_of(errno),
                    Some(errno) => {
                        return Self { held: false, how: format!("{what}: {}", name_of(errno)) };
                    }
                    None => return Self { held: false, how: format!("{what}: {error}") },
                },
            };
            if !how.contains(&told) {
                how.push(told);
            }
        }
        if how.is_empty() {
            return Self { held: false, how: "there is nothing to try it on".to_owned() };
        }
        Self { held: true, how: how.join(" ") }
    }

    pub(crate) fn of_need(attempts: Vec<Attempt>) -> Self {
        if attempts.is_empty() {
            return Self { held: false, how: "there is nothing to try it on".to_owned() };
        }
        for Attempt { what, run } in attempts {
            if let Err(error) = run() {
                let how = Errno::from_io_error(&error).map_or_else(|| error.to_string(), name_of);
                return Self { held: false, how: format!("{what}: {how}") };
            }
        }
        Self { held: true, how: "done".to_owned() }
    }
}

/// The names of the errors that are met here, as in the manual pages.
const NAMES: [(Errno, &str); 22] = [
    (Errno::ACCESS, "EACCES"),
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::ADDRINUSE, "EADDRINUSE"),
    (Errno::BADF, "EBADF"),
    (Errno::CONNREFUSED, "ECONNREFUSED"),
    (Errno::EXIST, "EEXIST"),
    (Errno::FAULT, "EFAULT"),
    (Errno::INVAL, "EINVAL"),
    (Errno::IO, "EIO"),
    (Errno::NETUNREACH, "ENETUNREACH"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOENT, "ENOENT"),
    (Errno::NOEXEC, "ENOEXEC"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::NOSYS, "ENOSYS"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::NXIO, "ENXIO"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP"),
    (Errno::PERM, "EPERM"),
    (Errno::PROTONOSUPPORT, "EPROTONOSUPPORT"),
    (Errno::ROFS, "EROFS"),
    (Errno::SRCH, "ESRCH"),
];

fn name_of(errno: Errno) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == errno);
    known.map_or_else(|| format!("errno {}", errno.raw_os_error()), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACT: Act = Act {
        number: 0,
        name: "",
        refusals: &[Errno::PERM, Errno::ACCESS],
        prepare: |_| Vec::new(),
    };

    fn judged(answers: Vec<io::Result<()>>) -> (bool, String) {
        let attempts = answers.into_iter().map(|answer| Attempt::new("it", move || answer));
        let told = Told::of_act(&ACT, attempts.collect());
        (told.held, told.how)
    }

    #[test]
    fn only_what_is_refused_everywhere_is_refused() {
        let errno = |errno: Errno| Err(errno.into());
        let check = |answers, held, how: &str| assert_eq!(judged(answers), (held, how.to_owned()));
        check(vec![errno(Errno::PERM)], true, "EPERM");
        check(vec![errno(Errno::PERM), errno(Errno::ACCESS)], true, "EPERM EACCES");
        check(vec![errno(Errno::PERM), Ok(())], false, "it: done");
        // The privilege was there, the arguments were wrong.
        check(vec![errno(Errno::INVAL), errno(Errno::PERM)], false, "it: EINVAL");
        check(vec![Err(io::Error::other("no number"))], false, "it: no number");
        check(vec![], false, "there is nothing to try it on");
    }

    #[test]
    fn a_need_is_met_when_all_of_it_works() {
        let told = |attempts| Told::of_need(attempts).held;
        assert!(told(vec![Attempt::new("it", || Ok(()))]));
        assert!(!told(vec![
            Attempt::new("it", || Ok(())),
            Attempt::new("that", || Err::<(), _>(Errno::ACCESS.into())),
        ]));
        assert!(!told(Vec::new()));
    }
}
