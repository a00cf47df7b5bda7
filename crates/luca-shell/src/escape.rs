//! Keeping what strangers wrote from driving the terminal.

use std::fmt::Write;

/// A name, or a message: one line, in which nothing is hidden.
pub(crate) fn line(text: &str) -> String {
    escaped(text, |char| char.is_control() || turns_text(char) || is_hidden(char))
}

/// The content of a file: its lines and tabs stay, and so do the joiners and marks that its language needs.
pub(crate) fn content(text: &str) -> String {
    escaped(text, |char| match char {
        '\n' | '\t' => false,
        char => char.is_control() || turns_text(char),
    })
}

/// JSON, whose serializer has escaped what JSON demands and left the rest. The text stays the same JSON.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => out.push(char),
            char if char.is_control() || turns_text(char) || is_hidden(char) => {
                let mut units = [0; 2];
                for unit in char.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    write!(out, "\\u{unit:04x}").ok();
                }
            }
            char => out.push(char),
        }
    }
    out
}

fn escaped(text: &str, is_dangerous: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_dangerous(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    out
}

/// Whether a character makes other text stand where it does not belong.
fn turns_text(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character is not seen, so that two names look the same.
fn is_hidden(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\u{9b}1m\r\n\t\u{7f}\u{202e}é漢";

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(line(HOSTILE), r"a\u{1b}[2J\u{9b}1m\r\n\t\u{7f}\u{202e}é漢");
        assert_eq!(line("a\u{200b}b"), r"a\u{200b}b");
    }

    #[test]
    fn content_keeps_its_lines() {
        assert_eq!(content(HOSTILE), "a\\u{1b}[2J\\u{9b}1m\\r\n\t\\u{7f}\\u{202e}é漢");
        assert_eq!(content("👩\u{200d}💻"), "👩\u{200d}💻");
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ "a": [HOSTILE, "\u{e0041}"] });
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{e0041}']), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
