//! Starts the daemons as separate processes on sockets in one folder, without root.
