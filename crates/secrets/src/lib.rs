//! Secrets by reference: where they are kept, and how they are fetched.
//!
//! A configuration holds a [`SecretRef`] where a secret is needed. A daemon fetches the [`Secret`] at its start:
//! [`resolve_local`] is for those of this machine and needs no runtime, a [`Resolver`] is for all.
//!
//! ```
//! # use std::os::unix::fs::OpenOptionsExt;
//! # use std::io::Write;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("password");
//! # std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(b"hunter2\n")?;
//! let reference: secrets::SecretRef = format!("file:{}", path.display()).parse()?;
//! let password = secrets::resolve_local(&reference)?;
//! assert_eq!(password.expose(), b"hunter2");
//! assert_eq!(format!("{password:?}"), "[secret]");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - No error, `Debug` or `Display` of this crate shows a secret, or a text that should have been a reference.
//! - An error shows no path of this machine but the one that the reference itself names.
//! - The bytes of a [`Secret`] are overwritten when it is dropped, and so are our own buffers on its way. Those of the
//!   libraries below (TLS, HTTP, D-Bus) are not ours to overwrite: they are freed, and leave the process by no core
//!   dump, which `daemon` turns off.
//! - Nothing here waits without a bound.

mod error;
#[cfg(feature = "keyring")]
mod keyring;
pub mod limits;
mod local;
mod reference;
mod resolver;
mod secret;
mod vault;

pub use error::{Reason, ResolverError, SecretError};
pub use local::resolve_local;
pub use reference::{SecretRef, SecretRefError};
pub use resolver::Resolver;
pub use secret::Secret;
pub use vault::{VaultAddress, VaultAddressError, VaultConfig};
