//! `llmbasedos licence`: what the appliance may do.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ::licence::{
    Grant, ISSUER_KEY_FILE, LICENCE_FILE, Licence, Limits, Remaining, Standing, Terms, Tiers, issue,
};
use capfile::Pattern;
use daemon::BoxError;
use jiff::Timestamp;
use settings::Access;
use signing::{PublicKey, SigningKey};

use crate::client::time;
use crate::command::Failure;
use crate::place::{ConfigDir, Place};

/// The gateway's group reads it, and the folder says which group that is.
const MODE: u32 = 0o640;
/// Whoever signs licences is alone in it.
const KEY_MODE: u32 = 0o600;

/// Issue a licence, see what one grants, and put one in force.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: ConfigDir,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Keygen(Keygen),
    Issue(Issue),
    Check(Check),
    Install(Install),
}

/// Make a key to issue licences with, and print its public half, which an appliance must name in `licence_issuers.yaml`.
#[derive(Debug, clap::Args)]
struct Keygen {
    /// The file of the key, which must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Issue a licence, and print it.
#[derive(Debug, clap::Args)]
struct Issue {
    /// The key. Default: that of this appliance.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The tier, of those of the tiers file
    #[arg(long)]
    tier: String,
    /// Whose it is
    #[arg(long)]
    holder: String,
    /// When it ends: a time (`2027-01-01T00:00:00Z`) or days from now (`365d`). Default: never.
    #[arg(long, value_name = "WHEN", value_parser = time)]
    expires: Option<Timestamp>,
    /// Of what the tier allows, only this: a pattern as for a client's scope. Several times for several.
    #[arg(long = "capability", value_name = "PATTERN")]
    capabilities: Vec<Pattern>,
    /// Of the tier's language models, only this. Several times for several.
    #[arg(long = "llm-model", value_name = "NAME")]
    llm_models: Vec<String>,
    /// Requests of each client in a window; 0 for no limit. Default: as the tier has it.
    #[arg(long, value_name = "N")]
    requests: Option<u32>,
    /// How long the window is, in seconds
    #[arg(long, value_name = "SECONDS")]
    window: Option<u32>,
    /// Tokens for one request; 0 for no limit
    #[arg(long, value_name = "N")]
    tokens_per_request: Option<u64>,
    /// Tokens of all clients for one day; 0 for no limit
    #[arg(long, value_name = "N")]
    tokens_per_day: Option<u64>,
    /// Write it into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Show what a licence grants.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 it grants what it says; 1 it grants less, and the reason is shown."
)]
struct Check {
    /// The licence. Default: the one that is in force.
    file: Option<PathBuf>,
    /// Believe this issuer too
    #[arg(long = "issuer", value_name = "KEY")]
    issuers: Vec<PublicKey>,
    /// Write JSON, as `mcp.licence.check` answers
    #[arg(long)]
    json: bool,
}

/// Put a licence in force, if it grants what it says. The gateway follows at once.
#[derive(Debug, clap::Args)]
struct Install {
    /// The licence
    file: PathBuf,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = || arguments.place.place();
    let done = match &arguments.command {
        Command::Keygen(Keygen { out }) => keygen(out),
        Command::Issue(asked) => issue_one(asked, || Ok(arguments.place.folder()?)),
        Command::Check(asked) => check(&place()?, asked),
        Command::Install(Install { file }) => install(&place()?, file),
    };
    done.map_err(Failure::Work)
}

impl From<Failure> for BoxError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Usage(error) | Failure::Work(error) => error,
        }
    }
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> BoxError {
    move |error| format!("`{}`: {error}", path.display()).into()
}

fn keygen(out: &Path) -> Result<(), BoxError> {
    if out.symlink_metadata().is_ok() {
        return Err(format!("`{}` is there already: choose another file", out.display()).into());
    }
    let key = SigningKey::generate()?;
    settings::put(out, Access::mode(KEY_MODE), key.to_text().as_bytes()).map_err(named(out))?;
    writeln!(io::stdout(), "{}", key.public())?;
    Ok(())
}

fn issue_one(
    asked: &Issue,
    folder: impl FnOnce() -> Result<PathBuf, BoxError>,
) -> Result<(), BoxError> {
    let path = match &asked.key {
        Some(path) => path.clone(),
        None => folder()?.join(ISSUER_KEY_FILE),
    };
    let key = settings::private(&path).map_err(named(&path))?;
    let key = SigningKey::from_text(key.trim())
        .map_err(|error| format!("`{}`: {error}", path.display()))?;
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let grant = Grant {
        tier: asked.tier.clone(),
        holder: asked.holder.clone(),
        issued_at: Timestamp::now(),
        expires_at: asked.expires,
        limits: Limits {
            requests: asked.requests,
            window_seconds: asked.window,
            llm_tokens_per_request: asked.tokens_per_request,
            llm_tokens_per_day: asked.tokens_per_day,
        },
        capabilities: (!asked.capabilities.is_empty()).then(|| asked.capabilities.clone()),
        llm_models: some(&asked.llm_models),
    };
    let text = issue(&grant, &key)?;
    match &asked.out {
        Some(out) => settings::put(out, Access::mode(MODE), text.as_bytes()).map_err(named(out))?,
        None => write!(io::stdout(), "{text}")?,
    }
    Ok(())
}

/// What a licence grants on this appliance.
pub(crate) fn terms(place: &Place, file: &Path, more: &[PublicKey]) -> Result<Terms, BoxError> {
    let known = match place.issuers.symlink_metadata() {
        Ok(_) => settings::load::<Vec<PublicKey>>(&place.issuers)?,
        Err(_) => Vec::new(),
    };
    let issuers: Vec<PublicKey> = known.into_iter().chain(more.iter().copied()).collect();
    let licence = Licence::load(file, &issuers)?;
    Ok(Terms::of(&licence, &Tiers::load(&place.tiers)?, Timestamp::now()))
}

fn check(place: &Place, asked: &Check) -> Result<(), BoxError> {
    let file = asked.file.as_ref().unwrap_or(&place.licence);
    let terms = terms(place, file, &asked.issuers)?;
    let result = terms.check_result(std::iter::empty(), Remaining::default());
    let text = if asked.json { format!("{result:#}") } else { as_text(&terms) };
    writeln!(io::stdout(), "{text}")?;
    let good = matches!(terms.standing, Standing::Good);
    if good { Ok(()) } else { Err(terms.note().into()) }
}

fn as_text(terms: &Terms) -> String {
    let end = terms.expires_at.map_or_else(|| "never".to_owned(), |end| end.to_string());
    let rate = terms.rate.map_or_else(
        || "no limit".to_owned(),
        |(requests, window)| format!("{requests} of each client in {} s", window.as_secs()),
    );
    let tokens =
        |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |n| n.to_string());
    format!(
        "tier       {}\nholder     {}\nends       {end}\nrequests   {rate}\nmodels     {}\ntokens     {} for one request, {} \
         for one day",
        terms.tier,
        terms.holder,
        if terms.llm_access { terms.llm_models.join(" ") } else { "none".to_owned() },
        tokens(terms.llm_tokens_per_request),
        tokens(terms.llm_tokens_per_day),
    )
}

fn install(place: &Place, file: &Path) -> Result<(), BoxError> {
    let found = terms(place, file, &[])?;
    if found.standing != Standing::Good {
        let text = format!("it is not put in force: {}", found.note());
        return Err(text.into());
    }
    let text = fs::read(file).map_err(named(file))?;
    let to = &place.licence;
    let access = Access::like(to, Access::mode(MODE));
    settings::put(to, access, &text).map_err(named(to))?;
    let name = to.file_name().unwrap_or(LICENCE_FILE.as_ref()).to_string_lossy();
    writeln!(io::stdout(), "`{name}` is in force: tier {}, of {}", found.tier, found.holder)?;
    Ok(())
}
