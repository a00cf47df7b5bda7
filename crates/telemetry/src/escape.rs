//! Keeping what somebody sent from looking like a line, a colour or an order of ours.

use std::fmt::{self, Write};

/// Stands where the rest was cut off.
pub(crate) const CUT: &str = " [cut]";

/// How an escaped character is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As in Rust: `\n`, `\u{9b}`. For people.
    Text,
    /// As in JSON: `\u009b`. The line is JSON already, so its quotes and backslashes are right.
    Json,
}

/// `line` with every character spelled out that moves the cursor, ends a line or turns the direction of text, for whatever else
/// shows people what strangers have sent.
pub fn escaped(line: &str, style: Style) -> String {
    let mut out = String::with_capacity(line.len());
    // Writing into memory has no way to fail.
    write_escaped(&mut out, line, style).ok();
    out
}

/// Writes `line` to `out` with every character escaped that moves the cursor, ends a line or turns
/// the direction of text.
pub(crate) fn write_escaped(out: &mut impl Write, line: &str, style: Style) -> fmt::Result {
    line.chars().try_for_each(|char| match style {
        _ if !is_dangerous(char) => out.write_char(char),
        Style::Text => write!(out, "{}", char.escape_default()),
        Style::Json => write!(out, "\\u{:04x}", u32::from(char)),
    })
}

/// Whether a terminal or a line reader acts on `char`. All of them fit in four hexadecimal digits.
fn is_dangerous(char: char) -> bool {
    // A tab is dangerous too: it forges a column in what is read by column.
    char.is_control()
        || matches!(
            char,
            '\u{2028}' | '\u{2029}' // Ends of lines and paragraphs.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' // Marks of direction.
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // Turns of direction.
            | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' // Nothing to see at all.
        )
}

/// The longest start of `text` that has at most `max` bytes and ends between characters.
pub(crate) fn start_of(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_spelled_out() {
        let check = |line, text: &str, json: &str| {
            for (style, expected) in [(Style::Text, text), (Style::Json, json)] {
                let mut out = String::new();
                write_escaped(&mut out, line, style).unwrap();
                assert_eq!(out, expected, "{style:?}");
                assert_eq!(escaped(line, style), expected, "{style:?}");
            }
        };
        check("plain é 漢 🙂 \\ \"", "plain é 漢 🙂 \\ \"", "plain é 漢 🙂 \\ \"");
        check("a\nb\r\tc\0", r"a\nb\r\tc\u{0}", r"a\u000ab\u000d\u0009c\u0000");
        check("\x1b[31m\u{9b}2J\x7f", r"\u{1b}[31m\u{9b}2J\u{7f}", r"\u001b[31m\u009b2J\u007f");
        check("\u{202e}\u{2066}\u{2028}", r"\u{202e}\u{2066}\u{2028}", r"\u202e\u2066\u2028");
        check("a\u{200b}b\u{feff}", r"a\u{200b}b\u{feff}", r"a\u200bb\ufeff");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        let check = |text, max, expected| assert_eq!(start_of(text, max), expected);
        check("abc", 2, "ab");
        check("abc", 3, "abc");
        check("abc", 4, "abc");
        check("aé", 2, "a");
        check("é", 1, "");
        check("", 0, "");
    }
}
