//! `llmbasedos tls`: what the gateway shows to hosts that connect by TLS.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use certificates::{Description, describe, look, pem};
use serde_json::json;

use crate::command::Failure;

/// Where `cargo xtask up` and the appliance serve.
const DEFAULT_AT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);

/// Show the certificate of the gateway, and export the authority that signed it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(Show),
}

/// Show the fingerprints, names and times of the gateway's certificate and of the authority that signed it.
///
/// They are those of the gateway that runs, by a TLS connection to it: run it on the machine of the gateway, and compare what
/// a host far away shows you. Make hosts trust the authority rather than the certificate, which is renewed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 it was shown; 1 nothing answers, or there is no authority to export."
)]
struct Show {
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Write the authority's certificate, in PEM, into this file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    ca_out: Option<PathBuf>,
    /// Where the gateway listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_AT)]
    at: SocketAddr,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Command::Show(arguments) = &arguments.command;
    show(arguments).map_err(Failure::Work)
}

fn show(arguments: &Show) -> Result<(), daemon::BoxError> {
    let seen = look(arguments.at)?;
    let described = |certificate: &[u8]| {
        describe(certificate).ok_or("what the gateway shows is no certificate that can be read")
    };
    let leaf = described(&seen.leaf)?;
    let authority = seen.authority.as_deref().map(described).transpose()?;
    if let Some(file) = &arguments.ca_out {
        let Some(authority) = &seen.authority else {
            let message =
                "the certificate is the administrator's: export the authority where it was signed";
            return Err(message.into());
        };
        write_new(file, &pem(authority))
            .map_err(|error| format!("`{}`: {error}", file.display()))?;
    }
    let text = if arguments.json {
        format!("{:#}", json!({ "certificate": leaf, "authority": authority }))
    } else {
        text(&leaf, authority.as_ref())
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

/// Writes a file that was not there: one that is may be another appliance's, which hosts trust.
fn write_new(path: &Path, content: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn text(leaf: &Description, authority: Option<&Description>) -> String {
    let certificate = format!(
        "certificate\n  sha256  {}\n  names   {}\n  valid   {} to {}",
        leaf.sha256,
        leaf.names.join(", "),
        leaf.not_before,
        leaf.not_after,
    );
    match authority {
        Some(authority) => format!(
            "authority   {}\n  sha256  {}\n  valid   {} to {}\n\n{certificate}",
            authority.subject, authority.sha256, authority.not_before, authority.not_after,
        ),
        None => format!("{certificate}\n  signer  {} (the administrator's choice)", leaf.issuer),
    }
}
