//! The tools of the file server, as facts about real files: what is changed can be undone, what may not be seen is shown by
//! no tool, and large files cost no memory. The server is the built program, confined as on the appliance.
#![cfg(test)]

mod archives;
mod reading;
mod seen;
mod server;
mod undo;
mod writing;
