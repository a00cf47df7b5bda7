//! A directory handle from which no path escapes, and every file operation on it.
