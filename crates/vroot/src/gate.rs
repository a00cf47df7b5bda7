//! What a client may see of a root.

use std::fmt;
use std::sync::Arc;

/// How much of the entry at a virtual path a client may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It may be read, and changed where the root may.
    Open,
    /// It may be read, and not changed; nor may anything be made, moved or put back there.
    ReadOnly,
    /// A folder that leads to something open: it is walked through and listed, with nothing in it but what leads on.
    Passage,
    /// It is answered like an entry that does not exist.
    Closed,
}

impl Sight {
    /// Whether it may be read, with all beneath that may be.
    pub fn is_seen(self) -> bool {
        matches!(self, Self::Open | Self::ReadOnly)
    }
}

/// Says of every path, as really walked and without links, what may be seen. It is asked at every step of every walk and
/// for every entry that is shown or counted, so its answer must cost little.
#[derive(Clone)]
pub struct Gate(Arc<dyn Fn(&str) -> Sight + Send + Sync>);

impl Gate {
    /// A gate that asks `sight`.
    pub fn new(sight: impl Fn(&str) -> Sight + Send + Sync + 'static) -> Self {
        Self(Arc::new(sight))
    }

    pub(crate) fn ask(&self, path: &str) -> Sight {
        (self.0)(path)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gate")
    }
}
