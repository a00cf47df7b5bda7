//! Every bound of this crate, and why it has that value.

/// How large a configuration file may be, in bytes.
///
/// The longest that a person keeps by hand, a policy with a rule for every tool and folder, has
/// some tens of KiB. One MiB leaves room for a generated one and still parses in milliseconds.
pub const CONFIG_MAX_BYTES: u64 = 1024 * 1024;

/// How deep mappings and sequences may nest.
///
/// Our deepest document has about six levels. The parser and the types recurse, so the bound is
/// what keeps a hostile file from the end of the stack.
pub const CONFIG_MAX_DEPTH: usize = 32;

/// How many aliases (`*name`) a document may use.
///
/// People use them for a handful of shared lists. Each one copies what it names, so together they
/// can make at most 64 times [`CONFIG_MAX_BYTES`] of text.
pub const CONFIG_MAX_ALIASES: usize = 64;

/// How many parser events all aliases together may stand for.
///
/// This is the bound that stops a few lines which alias each other from growing to gigabytes: as
/// many events as a document of the largest size could hold of its own is far more than is needed.
pub const CONFIG_MAX_ALIASED_EVENTS: usize = 65_536;

/// How many values (scalars, mappings, sequences) a document may hold.
///
/// A value takes some bytes, so a file of [`CONFIG_MAX_BYTES`] seldom has as many; those that do
/// are made to be slow.
pub const CONFIG_MAX_VALUES: usize = 100_000;

/// How many bytes of an environment variable's value are looked at.
///
/// The variables that are read are levels, formats, addresses and paths, and a path has at most
/// 4,096 bytes.
pub const ENV_MAX_BYTES: usize = 4096;

/// How long a file that holds one secret may be, in bytes: keys and tokens have tens, a chain of certificates some thousands.
pub const SECRET_MAX_BYTES: u64 = 64 * 1024;
