//! The certificate that the gateway shows, and the appliance's own authority that signs it.
//!
//! An administrator's certificate is shown as it is. Where there is none, the appliance is its own authority: the
//! authority's key and certificate are the files `ca.key` and `ca.pem` of a folder, made once, and what people make
//! their hosts trust. The certificate that is shown is made in memory and never kept: it names the addresses at which
//! the machine is reached, which only connections tell, since the gateway lives in a network namespace of its own and
//! an address may change under it. So the authority's key stays in memory as well, and a certificate is made anew at a
//! handshake that needs another one: at an address that it does not name, or when its days run out. Nothing is written
//! after the start, and no certificate is wrong because a daemon was not restarted.
//!
//! The authority's certificate is sent along with the other. It is no secret, and whoever has to compare its fingerprint
//! gets it where they get the other: no file need be opened to more people, and no page served without a key.
//!
//! A key that is not its owner's alone is refused, and so is every file that cannot be what it should be.

mod authority;
mod describe;
mod error;
mod files;
mod given;
pub mod limits;
mod look;
mod names;
mod networks;
mod shown;

pub use describe::{Description, describe, pem};
pub use error::Error;
pub use look::{LookError, Seen, look};
pub use rustls::ServerConfig;
pub use shown::Certificates;
