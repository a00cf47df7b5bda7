//! Virtual paths, as text: the folder that a person is in, and what they write relative to it.

/// The exposed folder itself.
pub(crate) const ROOT: &str = "/";

/// The absolute path that `path` means in the folder `cwd`.
///
/// `.` and `..` are resolved by their text alone, and never lead above `/`. What the path then leads to is the file
/// server's decision.
pub(crate) fn resolve(cwd: &str, path: &str) -> String {
    let start = if path.starts_with('/') { "" } else { cwd };
    let mut names = Vec::new();
    for name in start.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

/// Parts a path that is being written at its last `/`: the folder, which keeps the `/`, and the start of a name.
pub(crate) fn part(path: &str) -> (&str, &str) {
    match path.rfind('/').and_then(|at| path.split_at_checked(at + 1)) {
        Some(parts) => parts,
        None => ("", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_by_their_text() {
        let check = |cwd, path, expected| assert_eq!(resolve(cwd, path), expected, "{cwd} {path}");
        check("/", "", "/");
        check("/", "a", "/a");
        check("/a/b", "c", "/a/b/c");
        check("/a/b", "./c/", "/a/b/c");
        check("/a/b", "..", "/a");
        check("/a/b", "../../../..", "/");
        check("/a", "/c/../d", "/d");
        check("/a", "/../..", "/");
        check("/a", "...", "/a/...");
        check("/a", "//b//", "/b");
    }

    #[test]
    fn a_path_is_parted_at_its_last_slash() {
        assert_eq!(part("a"), ("", "a"));
        assert_eq!(part("/a"), ("/", "a"));
        assert_eq!(part("a/b/c"), ("a/b/", "c"));
        assert_eq!(part("a/"), ("a/", ""));
    }
}
