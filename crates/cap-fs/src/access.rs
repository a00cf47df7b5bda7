//! What a caller may see: the one place where it is decided.
//!
//! A path counts as it was really walked, through all links, and every walk and every list asks here about every entry:
//! see [`vroot::Gate`].

use std::sync::Arc;

use capability::{BoxError, Call, TextSource, ToolError};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use mcp_types::{Caller, Origin, Scope};
use vroot::{
    Browse, Entry, Gate, Interrupt, Kind, Opened, Page, Sight, Stat, VPath, VRoot, Visited,
};

use crate::error::{interrupt, invalid, refused, refused_or_stopped};
use crate::fs::Fs;
use crate::history::History;
use crate::roots::Root;

/// The collection of scopes that are about files.
const COLLECTION: &str = "files";

/// What nobody may see, and whose text is trusted.
pub(crate) struct Rules {
    hidden: GlobSet,
    trusted: Vec<String>,
}

impl Rules {
    /// Rules of patterns: one without a slash at its start means a name anywhere, one with a slash a path from `/`.
    pub(crate) fn new(hidden: &[String], trusted: &[String]) -> Result<Self, BoxError> {
        let mut set = GlobSetBuilder::new();
        for pattern in hidden {
            let anywhere = match pattern.strip_prefix('/') {
                Some(path) => format!("/{path}"),
                None => format!("**/{pattern}"),
            };
            for glob in [anywhere.clone(), format!("{anywhere}/**")] {
                // There are file systems in which `.SSH` is the same folder.
                let glob = GlobBuilder::new(&glob)
                    .case_insensitive(true)
                    .literal_separator(true)
                    .build()
                    .map_err(|error| format!("`hidden`: {error}"))?;
                set.add(glob);
            }
        }
        let mut folders = Vec::new();
        for folder in trusted {
            let path = VPath::parse(folder).map_err(|error| format!("`trusted`: {error}"))?;
            folders.push(path.as_str().to_owned());
        }
        let hidden = set.build().map_err(|error| format!("`hidden`: {error}"))?;
        Ok(Self { hidden, trusted: folders })
    }

    /// Whether the text of what is at a path, as really walked, is trusted.
    pub(crate) fn trusts(&self, resolved: &str) -> bool {
        self.trusted.iter().any(|folder| is_within(resolved, folder))
    }

    /// How much of a path a caller with these scopes may see.
    fn sight(&self, scopes: &[Scope], path: &str) -> Sight {
        let of_files = || scopes.iter().filter(|scope| scope.collection == COLLECTION);
        let in_scope = |scope: &Scope| {
            let excepted = || scope.except.iter().any(|except| is_within(path, except));
            is_within(path, &scope.prefix) && !excepted()
        };
        if self.hidden.is_match(path) {
            return Sight::Closed;
        }
        if of_files().any(in_scope) {
            return Sight::Open;
        }
        let leads_on = of_files().any(|scope| {
            let excepted = scope.except.iter().any(|except| is_within(path, except));
            is_within(trimmed(&scope.prefix), path) && !excepted
        });
        if leads_on { Sight::Passage } else { Sight::Closed }
    }
}

/// A prefix without the slash at its end; empty for all.
fn trimmed(prefix: &str) -> &str {
    prefix.trim_end_matches('/')
}

/// Whether a path is a folder, or lies in it. Whole names count: `/ab` is not in `/a`.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    let folder = trimmed(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The exposed folders, as one caller may see them.
pub(crate) struct View<'a> {
    history: &'a History,
    rules: Arc<Rules>,
    scopes: Arc<[Scope]>,
    roots: Vec<Seen<'a>>,
}

/// An exposed folder, as one caller may see it.
pub(crate) struct Seen<'a> {
    pub(crate) root: &'a Root,
    pub(crate) vroot: VRoot,
}

impl<'a> View<'a> {
    pub(crate) fn new(fs: &'a Fs, caller: &Caller) -> Self {
        let (rules, scopes): (_, Arc<[Scope]>) = (fs.rules().clone(), caller.scopes.clone().into());
        let by_person = caller.origin == Origin::Person;
        let seen = |root: &'a Root| {
            let (rules, scopes) = (rules.clone(), scopes.clone());
            let gate = Gate::new(move |path| match rules.sight(&scopes, path) {
                // What somebody else may change, nobody can vouch for: whatever text a client has read, untrusted text too,
                // it could bring there, by a copy, a move, an archive or its own words, and read it again as the owner's.
                Sight::Open if !by_person && rules.trusts(path) => Sight::ReadOnly,
                sight => sight,
            });
            Seen { root, vroot: root.vroot.seen_through(gate) }
        };
        let roots = fs.roots().iter().map(seen).collect();
        Self { history: fs.history(), rules, scopes, roots }
    }

    pub(crate) fn history(&self) -> &'a History {
        self.history
    }

    /// Whether all of a path may be seen.
    pub(crate) fn shows(&self, path: &str) -> bool {
        self.rules.sight(&self.scopes, path) == Sight::Open
    }

    /// Says of text that goes into the result that it is from what is at this path, as really walked.
    pub(crate) fn quote(&self, call: &Call, resolved: &str) {
        let sources: &[TextSource] =
            if self.rules.trusts(resolved) { &[] } else { &[TextSource::File] };
        call.text_from(sources);
    }

    /// The exposed folder whose key this is.
    pub(crate) fn root_by_key(&self, key: &str) -> Option<&Seen<'a>> {
        self.roots.iter().find(|seen| seen.root.key == key)
    }

    /// The exposed folders that the caller may see something of.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &Seen<'a>> {
        self.roots.iter().filter(|seen| {
            let mount = seen.root.mount.as_str();
            let top = if mount.is_empty() { "/" } else { mount };
            self.rules.sight(&self.scopes, top) != Sight::Closed
        })
    }

    /// The root in which a path lies, and the path as one of it.
    pub(crate) fn find<'s>(&'s self, path: &VPath) -> Result<(&'s Seen<'a>, VPath), ToolError> {
        let here = |seen: &'s Seen<'a>| path.within(&seen.root.mount).map(|path| (seen, path));
        self.roots.iter().find_map(here).ok_or_else(|| {
            if path.as_str() == "/" {
                return invalid("`/` holds the exposed folders only: name one of them");
            }
            refused(&vroot::Error::NotFound { path: path.clone() })
        })
    }

    /// The root of a path as the caller may see it, and the path as one of it.
    pub(crate) fn at(&self, path: &VPath) -> Result<(&VRoot, VPath), ToolError> {
        let (seen, path) = self.find(path)?;
        Ok((&seen.vroot, path))
    }

    /// Whether a path is the folder that holds the exposed ones.
    pub(crate) fn is_top(&self, path: &VPath) -> bool {
        path.as_str() == "/" && self.roots.iter().all(|seen| !seen.root.mount.is_empty())
    }

    pub(crate) fn stat(&self, path: &VPath) -> Result<Stat, ToolError> {
        let (root, path) = self.at(path)?;
        root.stat(&path).map_err(|error| refused(&error))
    }

    pub(crate) fn open(&self, path: &VPath) -> Result<Opened, ToolError> {
        let (root, path) = self.at(path)?;
        root.open_file(&path).map_err(|error| refused(&error))
    }

    pub(crate) fn list(
        &self,
        path: &VPath,
        after: Option<&str>,
        limit: usize,
        interrupt: Interrupt<'_>,
    ) -> Result<Page, vroot::Error> {
        if self.is_top(path) {
            let entry = |Seen { root, vroot }: &Seen<'_>| {
                let name = root.mount.trim_start_matches('/').to_owned();
                let top = VPath::parse(&root.mount).ok().and_then(|top| top.within(&root.mount));
                let stat = top.and_then(|top| vroot.stat(&top).ok());
                let modified = stat.and_then(|stat| stat.modified);
                Entry { name, kind: Kind::Directory, size: None, modified }
            };
            let mut entries: Vec<Entry> = self.roots().map(entry).collect();
            entries.sort_by(|one, other| one.name.cmp(&other.name));
            entries.retain(|entry| after.is_none_or(|after| entry.name.as_str() > after));
            let more = entries.len() > limit;
            entries.truncate(limit);
            return Ok(Page { entries, more, path: "/".to_owned() });
        }
        let missing = || vroot::Error::NotFound { path: path.clone() };
        let (root, path) = self.at(path).map_err(|_| missing())?;
        root.list(&path, after, limit, interrupt)
    }

    /// Goes through a folder: see [`VRoot::browse`]. At the top, through all exposed folders.
    pub(crate) fn browse(
        &self,
        call: &Call,
        path: &VPath,
        visit: &mut dyn FnMut(&Visited<'_>) -> Browse,
    ) -> Result<(), ToolError> {
        let interrupt = interrupt(call);
        let failed = |error: vroot::Error| refused_or_stopped(call, &error);
        if !self.is_top(path) {
            let (root, path) = self.at(path)?;
            return root.browse(&path, &interrupt, visit).map_err(failed);
        }
        for seen in self.roots() {
            if !seen.vroot.browse_itself(&interrupt, visit).map_err(failed)? {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(prefix: &str) -> Scope {
        Scope { collection: COLLECTION.to_owned(), prefix: prefix.to_owned(), except: Vec::new() }
    }

    #[test]
    fn scopes_open_what_is_beneath_and_the_way_to_it() {
        let rules = Rules::new(&[], &[]).unwrap();
        let sight = |path| rules.sight(&[scope("/work/notes/"), scope("/a")], path);
        for open in ["/work/notes", "/work/notes/x", "/a", "/a/b/c"] {
            assert_eq!(sight(open), Sight::Open, "{open}");
        }
        for passage in ["/", "/work"] {
            assert_eq!(sight(passage), Sight::Passage, "{passage}");
        }
        for closed in ["/ab", "/work/note", "/work/notes2", "/w"] {
            assert_eq!(sight(closed), Sight::Closed, "{closed}");
        }
        let mail = Scope { collection: "mail".to_owned(), ..scope("/") };
        assert_eq!(rules.sight(&[mail], "/a"), Sight::Closed);
        assert_eq!(rules.sight(&[], "/"), Sight::Closed);
        assert_eq!(rules.sight(&[scope("/")], "/any/thing"), Sight::Open);
    }

    #[test]
    fn what_a_scope_excepts_is_closed_unless_another_opens_it() {
        let rules = Rules::new(&[], &[]).unwrap();
        let except = vec!["/work/secret".to_owned(), "/work/x/".to_owned()];
        let most = Scope { except, ..scope("/work") };
        let sight = |scopes: &[Scope], path| rules.sight(scopes, path);
        for path in ["/work/secret", "/work/secret/a", "/work/x/y"] {
            assert_eq!(sight(std::slice::from_ref(&most), path), Sight::Closed, "{path}");
        }
        for path in ["/work", "/work/secrets", "/work/a"] {
            assert_eq!(sight(std::slice::from_ref(&most), path), Sight::Open, "{path}");
        }
        let both = [most, scope("/work/secret/a")];
        assert_eq!(sight(&both, "/work/secret/a/b"), Sight::Open);
        assert_eq!(sight(&both, "/work/secret"), Sight::Passage);
        assert_eq!(sight(&both, "/work/secret/b"), Sight::Closed);
    }

    #[test]
    fn hidden_names_are_hidden_anywhere_and_hidden_paths_at_their_place() {
        let hidden = [".ssh", "*.kdbx", "/only/here"].map(str::to_owned);
        let rules = Rules::new(&hidden, &[]).unwrap();
        let sight = |path| rules.sight(&[scope("/")], path);
        let closed = ["/.ssh", "/a/.SSH/id", "/a/b.kdbx", "/only/here", "/only/here/x"];
        for path in closed {
            assert_eq!(sight(path), Sight::Closed, "{path}");
        }
        for path in ["/.sshd", "/a/only/here", "/kdbx"] {
            assert_eq!(sight(path), Sight::Open, "{path}");
        }
        assert!(Rules::new(&["[".to_owned()], &[]).is_err());
    }

    #[test]
    fn trusted_folders_are_whole_names() {
        let rules = Rules::new(&[], &["/mine/".to_owned()]).unwrap();
        assert!(rules.trusts("/mine") && rules.trusts("/mine/a"));
        assert!(!rules.trusts("/mine2") && !rules.trusts("/"));
        assert!(Rules::new(&[], &["mine".to_owned()]).is_err());
    }
}
