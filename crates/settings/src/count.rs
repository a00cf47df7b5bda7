//! A number with a bound.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number from 1 to `MAX`: how many of something there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize")]
pub struct Count<const MAX: usize>(usize);

/// A number is not from 1 to the largest that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be a number from 1 to {0}")]
pub struct CountError(usize);

impl<const MAX: usize> Count<MAX> {
    /// The number, brought within the bounds.
    pub const fn clamped(number: usize) -> Self {
        match number {
            0 => Self(1),
            _ if number > MAX => Self(MAX),
            _ => Self(number),
        }
    }

    /// The number.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl<const MAX: usize> TryFrom<usize> for Count<MAX> {
    type Error = CountError;

    fn try_from(number: usize) -> Result<Self, CountError> {
        if (1..=MAX).contains(&number) { Ok(Self(number)) } else { Err(CountError(MAX)) }
    }
}

impl<const MAX: usize> FromStr for Count<MAX> {
    type Err = CountError;

    fn from_str(text: &str) -> Result<Self, CountError> {
        text.parse::<usize>().map_err(|_| CountError(MAX))?.try_into()
    }
}
