//! Every bound of this crate, and why it has that value.

/// How many files of policies the owner may have. A person has a handful; a hundred are a mistake in the folder's name.
pub const MAX_FILES: usize = 100;

/// How large a file of policies may be, in bytes: the longest that a person keeps by hand has some tens of KiB.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// How many policies all files may have together. Each is checked against every method, so that a thousand of them with a
/// hundred methods take seconds; people have tens.
pub const MAX_POLICIES: usize = 500;

/// How many standing permissions count. Each is one answer `always` of a person; whoever gave more should write a rule.
pub const MAX_STANDING: usize = 500;

/// How many things one call may work on. A mail has some tens of recipients, and each is decided on its own, in some
/// microseconds.
pub const MAX_RESOURCES: usize = 100;

/// How deep a path may be: every folder above it takes part in the decision. Nobody finds his way at a depth of 128.
pub const MAX_PATH_PARTS: usize = 128;

/// How long the name of what a call works on may be, in bytes: as long as a path may be.
pub const MAX_NAME_BYTES: usize = 4096;

/// How deep arguments are typed. Those of real methods nest twice; deeper ones have no place in a policy's context.
pub const MAX_TYPE_DEPTH: usize = 4;

/// The longest name of an owner's rule, in bytes: it stands in records and in answers.
pub const MAX_RULE_NAME_BYTES: usize = 64;

/// How deep brackets may be within one another in a rule. What reads rules calls itself at each, and overflows its stack at some
/// hundreds; rules that people can follow have less than ten.
pub const MAX_NESTING: usize = 64;

/// How many operators a rule may have: `==`, `||`, `.`, `in` and such. A chain of a thousand takes gigabytes to check, one of these
/// some tens of megabytes. Elements of a set are not counted.
pub const MAX_OPERATORS: usize = 256;
