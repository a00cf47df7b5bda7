//! Results as people read them.

mod approvals;
mod file;
mod findings;
mod folder;
mod guide;

pub(crate) use approvals::{approval, approvals, standing};
pub(crate) use file::File;
pub(crate) use findings::findings;
pub(crate) use folder::{Entry, table};
pub(crate) use guide::{built_in, everything, method};
