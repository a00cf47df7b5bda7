//! Logs, set up in one call.
