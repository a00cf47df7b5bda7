//! What may stand at the cursor: pure functions over the line.

use std::ops::Range;

use crate::approvals::ACTIONS;
use crate::catalogue::{Catalogue, Parameter};
use crate::command::{BUILT_INS, BuiltIn, First};
use crate::limits::MAX_SUGGESTIONS;
use crate::line::{Form, Open, Word, scan};
use crate::path;
use crate::view::Entry;

/// The place that is to be completed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The part of the line that a suggestion replaces, in bytes.
    pub(super) span: Range<usize>,
    /// What is to stand there begins with this.
    pub(super) start: String,
    /// What may stand there.
    pub(super) wanted: Vec<Wanted>,
}

/// What may stand at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One of these words, each with an explanation.
    Words(Vec<(String, String)>),
    /// A virtual path; only folders, if so wished. It stands behind `prefix`, as in `--path=/a`.
    Path { prefix: String, start: String, only_folders: bool },
    /// The id of a call that waits.
    Approval,
    /// The id of a standing permission.
    Standing,
}

/// A suggestion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What to write, with quotes where they are needed.
    pub(super) text: String,
    /// What to show.
    pub(super) shown: String,
    /// What it is.
    pub(super) about: String,
    /// Whether the word ends with it.
    pub(super) is_whole: bool,
}

/// The place at the end of `line`, which is the part before the cursor; `None` where nothing can be suggested.
pub(super) fn place(line: &str, catalogue: &Catalogue) -> Option<Place> {
    let (mut words, open) = scan(line);
    if open == Some(Open::Json) {
        return None;
    }
    let last = words.pop_if(|word| word.span.end == line.len());
    if last.as_ref().is_some_and(|word| word.form == Form::Json) {
        return None;
    }
    let (start, span) =
        last.map_or((String::new(), line.len()..line.len()), |word| (word.text, word.span));
    let wanted = match words.split_first() {
        None => vec![Wanted::Words(commands(catalogue))],
        Some((command, before)) => match BuiltIn::named(&command.text) {
            Some(built_in) => of_built_in(built_in, before, &start, catalogue),
            None => of_method(&command.text, before, &start, catalogue),
        },
    };
    Some(Place { span, start, wanted })
}

fn commands(catalogue: &Catalogue) -> Vec<(String, String)> {
    let own = BUILT_INS.iter().map(|it| (it.name.to_owned(), it.summary.to_owned()));
    let methods = catalogue.methods().iter();
    own.chain(methods.map(|it| (it.name.clone(), it.summary().to_owned()))).collect()
}

fn of_built_in(
    built_in: &BuiltIn,
    before: &[Word],
    start: &str,
    catalogue: &Catalogue,
) -> Vec<Wanted> {
    let plain = before.iter().filter(|word| !word.text.starts_with('-')).count();
    // `rm` has flags anywhere, `cat` has words behind the path.
    let words = built_in.flags.iter().filter(|flag| flag.starts_with('-') || plain == 1);
    let words = words.map(|flag| ((*flag).to_owned(), String::new())).collect();
    let path = |only_folders| path_at(String::new(), start, only_folders);
    let mut wanted = vec![Wanted::Words(words)];
    if plain == 0 {
        match built_in.first {
            First::Nothing => {}
            First::Path => wanted.push(path(false)),
            First::Folder => wanted.push(path(true)),
            First::Command => wanted.push(Wanted::Words(commands(catalogue))),
            First::Approvals => wanted.push(Wanted::Words(actions())),
        }
    } else if built_in.first == First::Approvals {
        let action = before.first().map(|word| word.text.as_str()).unwrap_or_default();
        match (action, plain) {
            ("show" | "approve" | "edit" | "deny" | "always", 1) => wanted.push(Wanted::Approval),
            ("forget", 1) => wanted.push(Wanted::Standing),
            ("always", 2) => wanted.push(path(true)),
            _ => {}
        }
    }
    wanted
}

fn actions() -> Vec<(String, String)> {
    let named = ACTIONS.iter().filter_map(|(usage, about)| {
        let name = usage.split(' ').next().filter(|name| !name.is_empty())?;
        Some((name.to_owned(), (*about).to_owned()))
    });
    named.collect()
}

fn of_method(name: &str, before: &[Word], start: &str, catalogue: &Catalogue) -> Vec<Wanted> {
    let Some(method) = catalogue.method(name) else { return Vec::new() };
    let parameters = method.parameters.as_deref().unwrap_or_default();
    let flag_of = |word: &str| method.parameter(word.strip_prefix("--")?);
    if let Some((flag, value)) = start.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
        let parameter = method.parameter(flag);
        let prefix = format!("--{flag}=");
        return parameter.map(|it| values(it, &prefix, value)).into_iter().collect();
    }
    let needs_value = |parameter: &&Parameter| !parameter.takes("boolean");
    if let Some(parameter) = before.last().and_then(|word| flag_of(&word.text)).filter(needs_value)
    {
        return vec![values(parameter, "", start)];
    }
    let mut plain = 0;
    let mut words = before.iter();
    while let Some(word) = words.next() {
        match flag_of(&word.text) {
            Some(parameter) if needs_value(&parameter) => drop(words.next()),
            None if !word.text.starts_with("--") => plain += 1,
            _ => {}
        }
    }
    let mut wanted = Vec::new();
    // Flags are many; they are offered to whoever begins one.
    if start.starts_with('-') {
        let flags = parameters.iter().filter_map(|parameter| {
            let flag = format!("--{}", parameter.name.as_ref()?);
            let given = before.iter().any(|word| word.text == flag);
            (!given).then(|| (flag, parameter.description().to_owned()))
        });
        wanted.push(Wanted::Words(flags.collect()));
    } else if let Some(parameter) = parameters.get(plain) {
        wanted.push(values(parameter, "", start));
    }
    wanted
}

fn values(parameter: &Parameter, prefix: &str, start: &str) -> Wanted {
    if parameter.name.as_deref() == Some("path") {
        return path_at(prefix.to_owned(), start, false);
    }
    let words = parameter.choices().into_iter();
    Wanted::Words(words.map(|word| (format!("{prefix}{word}"), String::new())).collect())
}

fn path_at(prefix: String, start: &str, only_folders: bool) -> Wanted {
    Wanted::Path { prefix, start: start.to_owned(), only_folders }
}

/// Those of the words that begin with `start`.
pub(super) fn matching(start: &str, words: Vec<(String, String)>) -> Vec<Candidate> {
    let words = words.into_iter().filter(|(word, _)| word.starts_with(start) && is_safe(word));
    let candidates = words.filter_map(|(word, about)| {
        let about = if is_safe(&about) { about } else { String::new() };
        Some(Candidate { text: quote(&word)?, shown: word, about, is_whole: true })
    });
    candidates.take(MAX_SUGGESTIONS).collect()
}

/// Those of the entries of a folder that the path may go on with.
pub(super) fn entries(
    prefix: &str,
    start: &str,
    only_folders: bool,
    entries: &[Entry],
) -> Vec<Candidate> {
    let (folder, name) = path::part(start);
    let entries = entries.iter().filter(|entry| {
        let leads_to_folder = entry.is_folder() || entry.kind == "symlink";
        entry.name.starts_with(name) && is_safe(&entry.name) && (leads_to_folder || !only_folders)
    });
    let candidates = entries.filter_map(|entry| {
        let end = if entry.is_folder() { "/" } else { "" };
        let text = format!("{prefix}{folder}{}{end}", entry.name);
        Some(Candidate {
            text: quote(&text)?,
            shown: format!("{}{end}", entry.name),
            about: String::new(),
            is_whole: end.is_empty(),
        })
    });
    candidates.take(MAX_SUGGESTIONS).collect()
}

/// Whether a text shows as what it is; what does not is not suggested.
fn is_safe(text: &str) -> bool {
    crate::escape::line(text) == text
}

/// The text as one word of a line. What follows the `=` of a flag is quoted by itself, so that the flag stays plain.
fn quote(text: &str) -> Option<String> {
    let is_plain =
        |flag: &str| flag.chars().all(|char| char.is_alphanumeric() || "-_".contains(char));
    let parts = text.split_once('=').filter(|(flag, _)| flag.starts_with("--") && is_plain(flag));
    Some(match parts {
        Some((flag, value)) => format!("{flag}={}", shlex::try_quote(value).ok()?),
        None => shlex::try_quote(text).ok()?.into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::tests::example;
    use crate::line::parse_line;

    /// The texts that can be suggested at the end of `line`; `PATH` and `FOLDER` stand for all paths.
    fn suggested(line: &str) -> Vec<String> {
        let Some(place) = place(line, &example()) else { return Vec::new() };
        let texts = place.wanted.into_iter().flat_map(|wanted| match wanted {
            Wanted::Words(words) => {
                matching(&place.start, words).into_iter().map(|it| it.text).collect()
            }
            Wanted::Path { prefix, start, only_folders } => {
                let kind = if only_folders { "FOLDER" } else { "PATH" };
                vec![format!("{prefix}{kind}:{start}")]
            }
            Wanted::Approval => vec!["APPROVAL".to_owned()],
            Wanted::Standing => vec!["STANDING".to_owned()],
        });
        texts.collect()
    }

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        assert_eq!(suggested(line), expected, "{line}");
    }

    #[test]
    fn commands_and_methods_are_suggested_first() {
        check("p", &["pwd"]);
        check(" c", &["cd", "cat", "connect"]);
        check("mcp.fs.", &["mcp.fs.list", "mcp.fs.read"]);
        check("help mcp.o", &["mcp.old.add", "mcp.old.any"]);
        check("nope a", &[]);
    }

    #[test]
    fn commands_take_paths_and_words() {
        check("cd a/b", &["FOLDER:a/b"]);
        check("cat ", &["PATH:"]);
        check("cat 'a b", &["PATH:a b"]);
        check("cat a ", &["text", "base64"]);
        check("cat a b", &["base64"]);
        check("rm --r", &["--recursive", "PATH:--r"]);
        check("rm -r x", &["PATH:x"]);
        check("pwd ", &[]);
    }

    #[test]
    fn approvals_take_ids_and_folders() {
        check("approvals a", &["all", "approve", "always"]);
        check("approvals show ", &["APPROVAL"]);
        check("approvals deny ab", &["APPROVAL"]);
        check("approvals deny ab ", &[]);
        check("approvals forget ", &["STANDING"]);
        check("approvals always ab /n", &["FOLDER:/n"]);
        check("approvals standing ", &[]);
    }

    #[test]
    fn methods_take_what_their_schema_says() {
        check("mcp.fs.read a", &["PATH:a"]);
        check("mcp.fs.read a ", &["text", "base64"]);
        check("mcp.fs.read --", &["--path", "--encoding", "--follow", "--limit"]);
        check("mcp.fs.read --path x --", &["--encoding", "--follow", "--limit"]);
        check("mcp.fs.read --path ", &["PATH:"]);
        check("mcp.fs.read --path=x", &["--path=PATH:x"]);
        check("mcp.fs.read --encoding=b", &["--encoding=base64"]);
        check("mcp.fs.read --encoding b", &["base64"]);
        check("mcp.fs.read --encoding text ", &["PATH:"]);
        check("mcp.fs.read --follow=", &["--follow=true", "--follow=false"]);
        check("mcp.old.add 1 u", &["up"]);
        check("mcp.fs.read [\"", &[]);
        check("mcp.fs.read [1]", &[]);
    }

    #[test]
    fn entries_are_quoted_and_hostile_names_left_out() {
        let listed: Vec<Entry> = serde_json::from_value(json!([
            { "name": "two words", "type": "directory" },
            { "name": "two", "type": "file" },
            { "name": "two\u{1b}[2J", "type": "file" },
            { "name": "other", "type": "file" },
        ]))
        .unwrap();
        let texts = |only_folders| -> Vec<String> {
            let found = entries("", "a/tw", only_folders, &listed);
            found.into_iter().map(|candidate| candidate.text).collect()
        };
        assert_eq!(texts(false), ["'a/two words/'", "a/two"]);
        assert_eq!(texts(true), ["'a/two words/'"]);
        // What is written goes on behind the quotes.
        let words = parse_line("cat 'a/two words/'x").unwrap();
        assert_eq!(words.get(1).unwrap().text, "a/two words/x");
    }

    #[test]
    fn a_suggestion_replaces_the_word_at_the_cursor() {
        let span = |line| place(line, &example()).unwrap().span;
        assert_eq!(span("ls 'é x"), 3..8);
        assert_eq!(span("ls "), 3..3);
    }
}
