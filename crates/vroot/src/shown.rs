//! Parts of the messages of errors.

use std::fmt;

use crate::vpath::VPath;

/// How an operation stands that was stopped.
pub(crate) struct Stopped<'a>(pub(crate) &'a VPath, pub(crate) usize);

impl fmt::Display for Stopped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, removed) = self;
        match removed {
            0 => write!(
                formatter,
                "the work on {} was stopped, and nothing was changed",
                Shown(path)
            ),
            1 => write!(
                formatter,
                "the removal of {} was stopped in the middle: 1 entry below it is gone, the rest is in place",
                Shown(path)
            ),
            _ => write!(
                formatter,
                "the removal of {} was stopped in the middle: {removed} entries below it are gone, the rest is in place",
                Shown(path)
            ),
        }
    }
}

/// A path inside of a message: quoted, and without characters that would act on a terminal or log.
pub(crate) struct Shown<'a>(pub(crate) &'a VPath);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`")?;
        for character in self.0.as_str().chars() {
            if character.is_control() {
                write!(formatter, "{}", character.escape_default())?;
            } else {
                write!(formatter, "{character}")?;
            }
        }
        formatter.write_str("`")
    }
}
