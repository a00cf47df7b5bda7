//! What a call works on, in the one spelling that policies know.
//!
//! A rule about a folder, an address or a host is worth as much as its spellings are few. So each kind has one normal form, which
//! is made here of what the arguments say, and asked for in what policies say. What has no normal form is refused: a rule could
//! not tell what it is, while the server might.

use std::collections::HashSet;

use capfile::{Target, TargetKind};
use cedar_policy::{Entity, EntityUid};
use email_address::{EmailAddress, Options};
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::limits::{MAX_NAME_BYTES, MAX_PATH_PARTS, MAX_RESOURCES};
use crate::names::{Names, uid};

/// The root of paths, on which a method works that may get a path and does not.
pub(crate) const ROOT: &str = "/";

/// What a call works on, and all that has it in it.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) uid: EntityUid,
    parents: HashSet<EntityUid>,
}

impl Resource {
    /// The method itself, of a server.
    pub(crate) fn tool(names: &Names, server: &EntityUid, method: &str) -> Self {
        Self { uid: uid(&names.tool, method), parents: HashSet::from([server.clone()]) }
    }

    /// What a value of this kind names; nothing, if it has no normal form.
    pub(crate) fn new(
        names: &Names,
        server: &EntityUid,
        kind: TargetKind,
        value: &str,
    ) -> Option<Self> {
        if value.len() > MAX_NAME_BYTES || value.chars().any(char::is_control) {
            return None;
        }
        let (uid, mut parents) = match kind {
            TargetKind::Path => in_folders(names, &path(value)?),
            TargetKind::Account => plain(uid(&names.account, value)),
            TargetKind::Workflow => plain(uid(&names.workflow, value)),
            TargetKind::Recipient => recipient(names, value)?,
            TargetKind::Remote => remote(names, value)?,
            TargetKind::Url => of_url(names, value)?,
        };
        parents.insert(server.clone());
        Some(Self { uid, parents })
    }

    /// A path that is in normal form already.
    pub(crate) fn at(names: &Names, server: &EntityUid, path: &str) -> Self {
        let (uid, mut parents) = in_folders(names, path);
        parents.insert(server.clone());
        Self { uid, parents }
    }

    /// Whether it is this, or in it.
    pub(crate) fn is_in(&self, uid: &EntityUid) -> bool {
        self.uid == *uid || self.parents.contains(uid)
    }

    /// As Cedar has it. All that it is in are its parents, so that nothing above needs to be known.
    pub(crate) fn entity(&self) -> Entity {
        Entity::new_no_attrs(self.uid.clone(), self.parents.clone())
    }
}

/// All that a call works on, or the argument that does not say it.
pub(crate) fn of_call(
    names: &Names,
    server: &EntityUid,
    method: &str,
    targets: &[Target],
    values: &Map<String, Value>,
) -> Result<Vec<Resource>, String> {
    let mut all = Vec::new();
    for Target { kind, argument } in targets {
        let refused = || argument.clone();
        let texts: Vec<&str> = match values.get(argument) {
            None | Some(Value::Null) if *kind == TargetKind::Path => vec![ROOT],
            None | Some(Value::Null) => vec![],
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(none)) if none.is_empty() && *kind == TargetKind::Path => vec![ROOT],
            Some(Value::Array(texts)) => {
                texts.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(refused)?
            }
            Some(_) => return Err(refused()),
        };
        if all.len() + texts.len() > MAX_RESOURCES {
            return Err(refused());
        }
        for text in texts {
            all.push(Resource::new(names, server, *kind, text).ok_or_else(refused)?);
        }
    }
    if all.is_empty() {
        all.push(Resource::tool(names, server, method));
    }
    Ok(all)
}

/// Something that is in nothing but its server.
fn plain(uid: EntityUid) -> (EntityUid, HashSet<EntityUid>) {
    (uid, HashSet::new())
}

/// The path from the root, without `.`, `..`, doubled and last slashes. Above the root is the root, as in the kernel.
pub(crate) fn path(text: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    (parts.len() <= MAX_PATH_PARTS).then(|| format!("/{}", parts.join("/")))
}

/// A path in normal form, in each folder above it.
fn in_folders(names: &Names, path: &str) -> (EntityUid, HashSet<EntityUid>) {
    let above = path.match_indices('/').filter(|_| path != ROOT);
    let parents = above.map(|(at, _)| match path.get(..at) {
        None | Some("") => uid(&names.path, ROOT),
        Some(folder) => uid(&names.path, folder),
    });
    (uid(&names.path, path), parents.collect())
}

/// An address, in its domain and all above that.
fn recipient(names: &Names, text: &str) -> Option<(EntityUid, HashSet<EntityUid>)> {
    let address = address(text)?;
    let (_, of) = address.rsplit_once('@')?;
    let parents = domains(of).map(|name| uid(&names.domain, name));
    Some((uid(&names.recipient, &address), parents.collect()))
}

/// The address alone, in lower case, its domain in ASCII. A quoted name is refused: `"anna"@a.example` is `anna@a.example`.
pub(crate) fn address(text: &str) -> Option<String> {
    let options = Options::default().without_domain_literal();
    let parsed = EmailAddress::parse_with_options(text.trim(), options).ok()?;
    let local = parsed.local_part();
    if local.contains(['"', '\\', ' ']) {
        return None;
    }
    Some(format!("{}@{}", local.to_lowercase(), domain(parsed.domain())?))
}

/// A name of a host or a domain in lower case and ASCII, without the dot that may end it.
pub(crate) fn domain(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    match Host::parse(text).ok()? {
        Host::Domain(name) if !name.is_empty() && !name.ends_with('.') => Some(name),
        _ => None,
    }
}

/// The domain and each above it.
fn domains(domain: &str) -> impl Iterator<Item = &str> {
    let dots = domain.match_indices('.').filter_map(|(at, _)| domain.get(at + 1..));
    [domain].into_iter().chain(dots)
}

/// A remote, and for `nas:backup` the place in it.
fn remote(names: &Names, text: &str) -> Option<(EntityUid, HashSet<EntityUid>)> {
    let name = remote_name(text)?;
    let whole = uid(&names.remote, name);
    if text.len() <= name.len() + 1 {
        return Some(plain(whole));
    }
    Some((uid(&names.remote, text), HashSet::from([whole])))
}

/// The name before the colon. Options within it (`nas,key=value:`) are refused: they make another remote of it.
pub(crate) fn remote_name(text: &str) -> Option<&str> {
    let name = text.split(':').next()?;
    let known = |c: char| c.is_alphanumeric() || "_-.+@ ".contains(c);
    (!name.is_empty() && name.chars().all(known)).then_some(name)
}

/// The host of a URL, in each domain above it; one without a host, such as `file:`, is of the host without a name.
fn of_url(names: &Names, text: &str) -> Option<(EntityUid, HashSet<EntityUid>)> {
    let url = Url::parse(text).ok()?;
    let Some(host) = url.host_str() else { return Some(plain(uid(&names.host, ""))) };
    // Of schemes that it does not know, the parser leaves the host as it is.
    let name = self::host(host)?;
    let above = if domain(&name).is_some() { domains(&name).skip(1).collect() } else { Vec::new() };
    let parents = above.into_iter().map(|above| uid(&names.host, above)).collect();
    Some((uid(&names.host, &name), parents))
}

/// A host: a domain's name, or an address as the parser of URLs writes it.
pub(crate) fn host(text: &str) -> Option<String> {
    domain(text).or_else(|| match Host::parse(text).ok()? {
        Host::Domain(_) => None,
        address => Some(address.to_string()),
    })
}
