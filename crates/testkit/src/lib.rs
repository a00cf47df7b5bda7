//! The appliance in a test, with hostile peers.
