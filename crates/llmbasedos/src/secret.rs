//! `llmbasedos secret`: whether a reference leads to a secret, before a daemon needs it.

use std::io::{self, Write};
use std::path::PathBuf;

use secrets::{Resolver, SecretRef, VaultConfig};

use crate::command::Failure;

/// Fetch secrets as a daemon would, and say whether they are there. None of them is shown.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Run it as the user of the daemon: the secrets of one user are not those of another."
)]
pub(crate) struct Arguments {
    /// `credential:NAME`, `file:/PATH`, `vault:MOUNT/PATH#FIELD` or `keyring:COLLECTION?ATTRIBUTE=VALUE`.
    #[arg(required = true, value_name = "REFERENCE")]
    references: Vec<String>,
    /// The file that describes Vault: `address`, `token`, `namespace`, `ca_file`.
    #[arg(long, value_name = "FILE")]
    vault: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Here and not by clap, which repeats what it refuses: that may be a secret.
    let references: Result<Vec<SecretRef>, _> =
        arguments.references.iter().map(|text| text.parse()).collect();
    let references = references.map_err(|error| Failure::Usage(error.into()))?;
    check(arguments, &references).map_err(Failure::Work)
}

fn check(arguments: &Arguments, references: &[SecretRef]) -> Result<(), daemon::BoxError> {
    let vault = arguments.vault.as_deref().map(settings::load::<VaultConfig>).transpose()?;
    let resolver = Resolver::new(vault)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for reference in references {
        runtime.block_on(resolver.resolve(reference))?;
        writeln!(io::stdout(), "{reference}: it is there")?;
    }
    Ok(())
}
