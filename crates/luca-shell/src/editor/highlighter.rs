//! The colours of the line that is being written.

use std::sync::Arc;

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use crate::catalogue::Catalogue;
use crate::command::BuiltIn;
use crate::line::{Form, Word, scan};
use crate::session::Session;

/// Colours words by what they are.
pub(super) struct Painter {
    session: Arc<Session>,
}

impl Painter {
    /// It looks for methods in what the session knows already.
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }
}

impl Highlighter for Painter {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        styled(line, self.session.known().as_deref())
    }
}

fn styled(line: &str, catalogue: Option<&Catalogue>) -> StyledText {
    let mut text = StyledText::new();
    let mut push = |style, from: usize, to: usize| {
        let part = line.get(from..to).filter(|part| !part.is_empty());
        if let Some(part) = part {
            text.push((style, part.to_owned()));
        }
    };
    let mut at = 0;
    for (index, word) in scan(line).0.iter().enumerate() {
        push(Style::new(), at, word.span.start);
        let style = if index == 0 { command(&word.text, catalogue) } else { argument(word) };
        push(style, word.span.start, word.span.end);
        at = word.span.end;
    }
    // What follows the words is blank, or a comment.
    push(Color::DarkGray.normal(), at, line.len());
    text
}

fn command(name: &str, catalogue: Option<&Catalogue>) -> Style {
    if BuiltIn::named(name).is_some() {
        return Color::Green.bold();
    }
    match catalogue {
        Some(catalogue) if catalogue.method(name).is_none() => Color::Red.normal(),
        _ => Color::Cyan.bold(),
    }
}

fn argument(word: &Word) -> Style {
    match word.form {
        Form::Json => Color::Purple.normal(),
        Form::Quoted => Color::Yellow.normal(),
        Form::Plain if word.text.starts_with('-') => Color::Blue.normal(),
        Form::Plain => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::example;

    #[test]
    fn every_byte_of_the_line_is_kept_and_words_have_their_colours() {
        let check = |line: &str, expected: &[(Style, &str)]| {
            let found = styled(line, Some(&example())).buffer;
            let found: Vec<_> = found.iter().map(|(style, text)| (*style, text.as_str())).collect();
            assert_eq!(found, expected, "{line}");
        };
        let plain = Style::new();
        let after = Color::DarkGray.normal();
        check("", &[]);
        check(
            " ls /é ",
            &[(plain, " "), (Color::Green.bold(), "ls"), (plain, " "), (plain, "/é"), (after, " ")],
        );
        check(
            "mcp.fs.read --x 'a [1]",
            &[
                (Color::Cyan.bold(), "mcp.fs.read"),
                (plain, " "),
                (Color::Blue.normal(), "--x"),
                (plain, " "),
                (Color::Yellow.normal(), "'a [1]"),
            ],
        );
        check(
            "mcp.no [1] # c",
            &[
                (Color::Red.normal(), "mcp.no"),
                (plain, " "),
                (Color::Purple.normal(), "[1]"),
                (after, " # c"),
            ],
        );
    }
}
