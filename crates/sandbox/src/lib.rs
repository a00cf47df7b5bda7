//! Locks the calling process down (Landlock, seccomp, no-new-privs) from a declared list of needs.
