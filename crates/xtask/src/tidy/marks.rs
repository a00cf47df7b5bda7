//! Marks of work that was left for later. What is missing stands in the README, where a reader looks for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The marks, each put together from two so that this file has none.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Which text files have such a mark, one line for each line that does.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files {
        let bytes =
            fs::read(root.join(file)).with_context(|| format!("read `{}`", file.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            problems.extend(check_text(file, &text));
        }
    }
    Ok(problems)
}

fn check_text(file: &Path, text: &str) -> Vec<String> {
    let lines = text.lines().zip(1_usize..);
    lines
        .filter_map(|(line, number)| {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let mark = words.find(|word| MARKS.contains(word))?;
            Some(format!(
                "`{}`, line {number}: `{mark}`; do it, or say it in the README",
                file.display()
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_one(text: &str, problems: &[String]) {
        assert_eq!(check_text(Path::new("a.rs"), text), problems, "{text}");
    }

    #[test]
    fn a_mark_is_a_word() {
        for mark in MARKS {
            let problem = [format!("`a.rs`, line 2: `{mark}`; do it, or say it in the README")];
            for line in ["// #", "/*#: later*/", "see #(me)", "\"#\""] {
                check_one(&format!("fine\n{}\n", line.replace('#', mark)), &problem);
            }
            for line in ["a_#", "#S", &mark.to_lowercase(), "aX#"] {
                check_one(&line.replace('#', mark), &[]);
            }
        }
    }

    #[test]
    fn files_that_are_no_text_are_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        let [text, binary] = ["text", "binary"].map(PathBuf::from);
        fs::write(temp.path().join(&text), MARKS[0]).unwrap();
        fs::write(temp.path().join(&binary), [MARKS[0].as_bytes(), &[0xff]].concat()).unwrap();
        assert_eq!(check(temp.path(), &[text, binary]).unwrap().len(), 1);
    }
}
