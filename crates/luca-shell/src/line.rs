//! From a line to its words.
//!
//! The quoting is that of POSIX shells, with one addition: an argument that begins with `[` or `{` and is JSON up to
//! the next blank is one word as it stands, so that JSON need not be quoted.
//!
//! ```
//! let words = luca_shell::parse_line(r#"mcp.fs.write ["/a b.txt", "x"]"#)?;
//! let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
//! assert_eq!(texts, ["mcp.fs.write", r#"["/a b.txt", "x"]"#]);
//! # Ok::<(), luca_shell::LineError>(())
//! ```
//!
//! No library does both that and telling where a word of an unfinished line begins, which completion needs; the tests
//! hold this one to `shlex` wherever a line has no bare JSON.

use std::ops::Range;

use serde_json::Value;

use crate::limits::MAX_LINE_BYTES;

/// A word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it means, quotes taken away.
    pub text: String,
    /// Where it stands in the line, in bytes.
    pub span: Range<usize>,
    /// How it was written.
    pub form: Form,
}

/// How a word was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Without quotes.
    Plain,
    /// With quotes or backslashes in it.
    Quoted,
    /// As bare JSON: an array or an object.
    Json,
}

/// Why a line has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is longer than [`MAX_LINE_BYTES`].
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// It ends within a word: more lines may end it.
    #[error("the line ends within {0}")]
    Unfinished(Open),
}

/// What a line ends within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// `'`.
    SingleQuote,
    /// `"`.
    DoubleQuote,
    /// A backslash with nothing behind it.
    Backslash,
    /// A JSON array or object.
    Json,
}

impl std::fmt::Display for Open {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::SingleQuote => "single quotes: close them with `'`",
            Self::DoubleQuote => "double quotes: close them with `\"`",
            Self::Backslash => "an escape: write something after the backslash",
            Self::Json => "a JSON array or object: close it, or put quotes around what is no JSON",
        })
    }
}

/// The words of a whole line.
///
/// It is a pure function, and takes any text: its time is bounded by the length of the line (times the depth to which
/// JSON may nest, which is 128), and it does not panic.
pub fn parse_line(line: &str) -> Result<Vec<Word>, LineError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    match scan(line) {
        (words, None) => Ok(words),
        (_, Some(open)) => Err(LineError::Unfinished(open)),
    }
}

/// The words of the start of a line; the last one may be unfinished.
pub(crate) fn scan(line: &str) -> (Vec<Word>, Option<Open>) {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches(is_blank).len();
        at += blank;
        let Some(rest) = rest.get(blank..).filter(|rest| !rest.is_empty()) else {
            return (words, None);
        };
        if rest.starts_with('#') {
            let Some(end) = rest.find('\n') else { return (words, None) };
            at += end;
            continue;
        }
        let is_argument = !words.is_empty();
        let (text, length, form, open) = match json(rest).filter(|_| is_argument) {
            Some(Ok(length)) => {
                (rest.get(..length).unwrap_or_default().to_owned(), length, Form::Json, None)
            }
            Some(Err(open)) => (rest.to_owned(), rest.len(), Form::Json, Some(open)),
            None => quoted(rest),
        };
        words.push(Word { text, span: at..at + length, form });
        at += length;
        if open.is_some() {
            return (words, open);
        }
    }
}

/// What parts words, as in a POSIX shell.
fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n')
}

/// The length of the JSON at the start of `rest`, if there is any; or that it does not end.
fn json(rest: &str) -> Option<Result<usize, Open>> {
    if !rest.starts_with(['[', '{']) {
        return None;
    }
    // Values and not what ignores them: only values have a bound of depth.
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    match values.next()? {
        Ok(_) => {
            let end = values.byte_offset();
            let ends_here = rest.get(end..)?.chars().next().is_none_or(is_blank);
            ends_here.then_some(Ok(end))
        }
        Err(error) if error.is_eof() => Some(Err(Open::Json)),
        Err(_) => None,
    }
}

/// The word at the start of `rest`, by the rules of POSIX: text, length, form and what it ends within.
fn quoted(rest: &str) -> (String, usize, Form, Option<Open>) {
    let mut text = String::new();
    let mut form = Form::Plain;
    let mut open = None;
    let mut chars = rest.char_indices();
    while let Some((at, char)) = chars.next() {
        match (open, char) {
            (None, char) if is_blank(char) => return (text, at, form, None),
            (None, '\'') => open = Some(Open::SingleQuote),
            (None, '"') => open = Some(Open::DoubleQuote),
            (Some(Open::SingleQuote), '\'') | (Some(Open::DoubleQuote), '"') => open = None,
            (None | Some(Open::DoubleQuote), '\\') => match chars.next() {
                None => {
                    let within = open.or(Some(Open::Backslash));
                    return (text, rest.len(), Form::Quoted, within);
                }
                // A line that goes on below.
                Some((_, '\n')) => {}
                Some((_, next)) => {
                    if open.is_some() && !matches!(next, '$' | '`' | '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(next);
                }
            },
            (_, char) => {
                text.push(char);
                continue;
            }
        }
        form = Form::Quoted;
    }
    (text, rest.len(), form, open)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, Form)]) {
        let words = parse_line(line).unwrap();
        let found: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.form)).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn words_are_parted_and_quotes_taken_away() {
        use Form::{Plain, Quoted};
        check("", &[]);
        check("  \t ", &[]);
        check(" ls  /a ", &[("ls", Plain), ("/a", Plain)]);
        check(
            r#"cat 'a b' "c\"d" e\ f"#,
            &[("cat", Plain), ("a b", Quoted), ("c\"d", Quoted), ("e f", Quoted)],
        );
        check(
            r#"x "\n" 'it'\''s' """#,
            &[("x", Plain), ("\\n", Quoted), ("it's", Quoted), ("", Quoted)],
        );
        check("ls # all of it", &[("ls", Plain)]);
        check("# nothing\nls a#b", &[("ls", Plain), ("a#b", Plain)]);
    }

    #[test]
    fn bare_json_is_one_word() {
        use Form::{Json, Plain, Quoted};
        check(r#"m ["/a b.txt", "x"]"#, &[("m", Plain), (r#"["/a b.txt", "x"]"#, Json)]);
        check(r#"m {"a": "'"} 5"#, &[("m", Plain), (r#"{"a": "'"}"#, Json), ("5", Plain)]);
        check("m [1,\n2]", &[("m", Plain), ("[1,\n2]", Json)]);
        check(r#"m '["a b"]'"#, &[("m", Plain), (r#"["a b"]"#, Quoted)]);
        // No JSON, so a word like any other.
        check("cat [a].txt", &[("cat", Plain), ("[a].txt", Plain)]);
        check("cat [1].txt", &[("cat", Plain), ("[1].txt", Plain)]);
        // The name of a command is never JSON.
        check("[1, 2]", &[("[1,", Plain), ("2]", Plain)]);
    }

    #[test]
    fn an_unfinished_line_says_what_is_open() {
        let check = |line, open| {
            assert_eq!(parse_line(line), Err(LineError::Unfinished(open)), "{line}");
        };
        check("cat 'a", Open::SingleQuote);
        check("cat \"a", Open::DoubleQuote);
        check("cat \"a\\", Open::DoubleQuote);
        check("cat a\\", Open::Backslash);
        check("m [1,", Open::Json);
        check("m {\"a\": \"b", Open::Json);
    }

    #[test]
    fn a_line_is_bounded_and_so_is_its_time() {
        assert_eq!(parse_line(&"a".repeat(MAX_LINE_BYTES + 1)), Err(LineError::TooLong));
        for hard in ["[ ", "[0, ", "{\"a\": [", "[\"a [", "[[", "{ ", "['"] {
            let mut line = format!("m {}", hard.repeat((MAX_LINE_BYTES - 4) / hard.len()));
            drop(parse_line(&line));
            line.push('x');
            drop(parse_line(&line));
        }
    }

    proptest! {
        #[test]
        fn without_bare_json_it_is_shlex(line in r#"[a-c'"\\ $\n\t#é=-]{0,24}"#) {
            let ours = parse_line(&line).ok();
            let ours = ours.map(|words| words.into_iter().map(|word| word.text).collect::<Vec<_>>());
            prop_assert_eq!(ours, shlex::split(&line));
        }

        #[test]
        fn spans_are_the_words_in_their_order(line in r#"[ab'"\\ \[\]{},:1é]{0,24}"#) {
            let (words, open) = scan(&line);
            let mut end = 0;
            for word in &words {
                prop_assert!(word.span.start >= end);
                end = word.span.end;
                let written = line.get(word.span.clone()).unwrap();
                match word.form {
                    Form::Plain | Form::Json => prop_assert_eq!(written, &word.text),
                    Form::Quoted => prop_assert!(written.len() > word.text.len()),
                }
            }
            prop_assert_eq!(open.is_some(), parse_line(&line).is_err());
        }
    }
}
