//! Typed, checked configuration.
