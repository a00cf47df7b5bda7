//! The files of which the gateway makes its policies.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use ::policy::limits::{MAX_FILE_BYTES, MAX_FILES};
use ::policy::{Client, Licence, Standing, Tool};
use approvals::read_standing;
use capfile::{CapFile, MAX_CAP_FILE_BYTES, ServiceName, TargetKind};
use clients::ClientsFile;
use daemon::BoxError;

use crate::licence::terms;
use crate::place::Place;

/// How the names of cap files end.
const CAPS: &str = ".cap.json";
/// How the names of the owner's files end.
const POLICIES: &str = ".cedar";
/// The gateway's store of what people have allowed for good.
const APPROVALS: &str = "approvals.db";

/// What was read, and what was left out of it and why.
pub(super) struct Found<T> {
    pub(super) all: Vec<T>,
    pub(super) left_out: Vec<String>,
}

/// What was read; what was left out is told beside the output.
pub(super) fn told<T>(found: Found<T>) -> Result<Vec<T>, BoxError> {
    for text in &found.left_out {
        writeln!(io::stderr(), "llmbasedos: {text}")?;
    }
    Ok(found.all)
}

/// What servers declare. A cap file that is not right is left out, as the gateway does.
pub(super) fn caps(folder: &Path) -> Found<CapFile> {
    let mut found = Found { all: Vec::new(), left_out: Vec::new() };
    let names = match names(folder, CAPS) {
        Ok(names) => names,
        Err(error) => {
            let text = format!("no server is known: `{}`: {error}", folder.display());
            found.left_out.push(text);
            return found;
        }
    };
    for name in names {
        match cap(folder, &name) {
            Ok(file) => found.all.push(file),
            Err(error) => found.left_out.push(format!("`{name}` is left out: {error}")),
        }
    }
    found
}

fn cap(folder: &Path, name: &str) -> Result<CapFile, BoxError> {
    let server = ServiceName::try_from(name.strip_suffix(CAPS).unwrap_or(name))?;
    Ok(CapFile::parse(&server, &bytes(&folder.join(name), MAX_CAP_FILE_BYTES)?)?)
}

/// Everything that servers offer.
pub(super) fn tools(caps: &[CapFile]) -> Vec<Tool> {
    caps.iter().flat_map(Tool::of).collect()
}

/// The owner's files, in the order of their names. A folder that is not there has none.
pub(super) fn policies(folder: &Path) -> Result<Vec<::policy::File>, BoxError> {
    let named = |error: io::Error| format!("`{}`: {error}", folder.display());
    let names = match names(folder, POLICIES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(named)?,
    };
    // One more than may be is enough to be refused.
    names.iter().take(MAX_FILES + 1).map(|name| policy(&folder.join(name), name)).collect()
}

/// One of the owner's files, as much of it as is enough to be refused.
pub(super) fn policy(path: &Path, name: &str) -> Result<::policy::File, BoxError> {
    let read = || Ok::<_, BoxError>(String::from_utf8(bytes(path, MAX_FILE_BYTES)?)?);
    let text = read().map_err(|error| format!("`{}`: {error}", path.display()))?;
    Ok(::policy::File { name: name.to_owned(), text })
}

/// Who has a key.
pub(super) fn clients(place: &Place) -> Result<Vec<Client>, BoxError> {
    let file: ClientsFile = settings::load(&place.clients)?;
    let client = |client: &clients::Client| Client {
        name: client.name.to_string(),
        scopes: client.scopes.iter().collect(),
    };
    Ok(file.clients.iter().map(client).collect())
}

/// What the licence allows now.
pub(super) fn licence(place: &Place) -> Result<Licence, BoxError> {
    let terms = terms(place, &place.licence, &[])?;
    Ok(Licence { allows: terms.capabilities.iter().collect(), tier: terms.tier })
}

/// What people have allowed for good.
pub(super) fn standing(place: &Place) -> Found<Standing> {
    let path = place.state.join(APPROVALS);
    let allowed = |it: approvals::Standing| Standing {
        id: it.id,
        client: it.client,
        method: it.method,
        target: it.folder.map(|folder| (TargetKind::Path, folder)),
    };
    match read_standing(&path) {
        Ok(all) => Found { all: all.into_iter().map(allowed).collect(), left_out: Vec::new() },
        Err(error) => {
            let text = format!("what people have allowed for good is left out: {error}");
            Found { all: Vec::new(), left_out: vec![text] }
        }
    }
}

/// The names of a folder that end so, but for those that editors make beside a file.
fn names(folder: &Path, ending: &str) -> io::Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) && !name.starts_with('.') {
            all.push(name);
        }
    }
    all.sort_unstable();
    Ok(all)
}

/// One byte more than is allowed tells a file that is too long from one that just fits.
fn bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
