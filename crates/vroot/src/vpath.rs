//! The path that a client writes.

use std::fmt;

use crate::error::{Error, PathFault};
use crate::limits::{MAX_NAME_BYTES, MAX_PATH_BYTES};
use crate::temp_name;

/// The component which means the folder above.
pub(crate) const PARENT: &str = "..";

/// A virtual absolute path such as `/notes/today.md`, whose `/` is the exposed folder.
///
/// It is text that was checked for form only; what it leads to is decided, step by step, when an
/// operation walks it. Empty components and `.` are dropped, `..` is kept: it means the folder
/// above the one that was really entered, which the text cannot know once a link was followed.
///
/// ```
/// use vroot::VPath;
///
/// let path = VPath::parse("//notes/./today.md")?;
/// assert_eq!(path.as_str(), "/notes/today.md");
/// assert_eq!(VPath::parse("/notes")?.join("today.md"), "/notes/today.md");
/// # Ok::<(), vroot::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VPath {
    text: String,
    /// How many bytes of the text name the root, where there are several.
    mount: usize,
}

impl VPath {
    /// Checks the text of a path.
    ///
    /// It must start with `/`, hold at most [`MAX_PATH_BYTES`] bytes with at most
    /// [`MAX_NAME_BYTES`] in each component, no NUL, and no component that starts with
    /// [`TEMP_PREFIX`](crate::TEMP_PREFIX): anything else is [`Error::InvalidPath`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_PATH_BYTES {
            return Err(Error::InvalidPath { fault: PathFault::TooLong });
        }
        if !text.starts_with('/') {
            return Err(Error::InvalidPath { fault: PathFault::NotAbsolute });
        }
        let mut path = String::with_capacity(text.len());
        for name in components(text) {
            check_name(name).map_err(|fault| Error::InvalidPath { fault })?;
            path.push('/');
            path.push_str(name);
        }
        Ok(if path.is_empty() { Self::root() } else { Self { text: path, mount: 0 } })
    }

    /// The exposed folder itself: `/`.
    pub fn root() -> Self {
        Self { text: "/".to_owned(), mount: 0 }
    }

    /// The text, without empty components and `.`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same path as one of the root that is exposed at `mount`, such as `/photos`: `None` if it does not lead there.
    /// Its text stays the whole path.
    pub fn within(&self, mount: &str) -> Option<Self> {
        let rest = self.text.strip_prefix(mount)?;
        let mount = mount.len();
        (rest.is_empty() || rest.starts_with('/')).then(|| Self { text: self.text.clone(), mount })
    }

    /// The text of the path of a child, to be shown: `name` is not checked.
    pub fn join(&self, name: &str) -> String {
        if self.text == "/" { format!("/{name}") } else { format!("{}/{name}", self.text) }
    }

    /// The components in order.
    pub(crate) fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        components(self.text.get(self.mount..).unwrap_or_default())
    }

    /// Whether the last component is `..`, which names no entry that could be made or removed.
    pub(crate) fn ends_with_parent(&self) -> bool {
        self.components().next_back() == Some(PARENT)
    }
}

impl fmt::Display for VPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The components of a path or of the target of a link, without those that mean nothing.
pub(crate) fn components(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split('/').filter(|name| !matches!(*name, "" | "."))
}

/// Checks one component that a client, or a link, names.
pub(crate) fn check_name(name: &str) -> Result<(), PathFault> {
    if name.len() > MAX_NAME_BYTES {
        return Err(PathFault::NameTooLong);
    }
    if name.contains('\0') {
        return Err(PathFault::Nul);
    }
    if temp_name::is_reserved(name.as_bytes()) {
        return Err(PathFault::Reserved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, PathFault>) {
        match (VPath::parse(text), expected) {
            (Ok(path), Ok(expected)) => assert_eq!(path.as_str(), expected),
            (Err(Error::InvalidPath { fault }), Err(expected)) => assert_eq!(fault, expected),
            (found, expected) => panic!("{text:?}: expected {expected:?}, found {found:?}"),
        }
    }

    #[test]
    fn only_well_formed_text_is_a_path() {
        check("/", Ok("/"));
        check("///./", Ok("/"));
        check("/a//b/./c/", Ok("/a/b/c"));
        check("/a/../b", Ok("/a/../b"));
        check("/..", Ok("/.."));
        check("/...", Ok("/..."));
        check("/a\nb", Ok("/a\nb"));
        check("", Err(PathFault::NotAbsolute));
        check("a/b", Err(PathFault::NotAbsolute));
        check("./a", Err(PathFault::NotAbsolute));
        check("/a\0b", Err(PathFault::Nul));
        check("/.llmbasedos-tmp-", Err(PathFault::Reserved));
        check("/a/.llmbasedos-tmp-0123/b", Err(PathFault::Reserved));
        check("/.LLMbasedOS-TMP-0", Err(PathFault::Reserved));
        check("/.llmbasedos-tmp", Ok("/.llmbasedos-tmp"));
    }

    #[test]
    fn lengths_are_exact() {
        let name = "n".repeat(MAX_NAME_BYTES);
        check(&format!("/{name}"), Ok(&format!("/{name}")));
        check(&format!("/{name}n"), Err(PathFault::NameTooLong));
        let long = "/a".repeat(MAX_PATH_BYTES / 2);
        check(&long, Ok(&long));
        check(&format!("{long}/"), Err(PathFault::TooLong));
        // Bytes count, not characters.
        check(&format!("/{}", "é".repeat(128)), Err(PathFault::NameTooLong));
    }

    #[test]
    fn a_child_has_one_slash() {
        assert_eq!(VPath::root().join("a"), "/a");
        assert_eq!(VPath::parse("/a").expect("a path").join("b"), "/a/b");
    }
}
