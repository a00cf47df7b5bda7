//! JSON-RPC envelopes, ids, error codes and NUL framing, as pure functions over bytes.
