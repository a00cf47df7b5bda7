//! How large a rule may be, looked at before Cedar reads it: what parses, checks and evaluates rules calls itself for each part of
//! one, and the time and memory of its checks grow with the square of their number.

use crate::limits::{MAX_NESTING, MAX_OPERATORS};

/// The operators that are words.
const WORDS: [&[u8]; 5] = [b"has", b"if", b"in", b"is", b"like"];

/// Where a text has a rule that is too large, and why.
pub(crate) fn check(text: &str) -> Result<(), (usize, String)> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut operators) = (0, 0_usize, 0_usize);
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match byte {
            b'"' => string(rest),
            b'/' if rest.starts_with(b"//") => run(rest, |byte| byte != b'\n'),
            b'(' | b'[' | b'{' => {
                depth += 1;
                1
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                1
            }
            b';' => {
                (depth, operators) = (0, 0);
                1
            }
            byte if is_operator(*byte) => {
                operators += 1;
                run(rest, is_operator)
            }
            byte if is_letter(*byte) => {
                let length = run(rest, is_letter);
                let word = rest.get(..length).unwrap_or_default();
                operators += usize::from(WORDS.contains(&word));
                length
            }
            _ => 1,
        };
        if depth > MAX_NESTING {
            let reason = format!(
                "brackets stand in one another more than {MAX_NESTING} deep: write several rules"
            );
            return Err((at, reason));
        }
        if operators > MAX_OPERATORS {
            let reason = format!(
                "a rule has at most {MAX_OPERATORS} operators: write several, or one set in place of many `||`"
            );
            return Err((at, reason));
        }
        at += length.max(1);
    }
    Ok(())
}

/// How long the string is that begins here. One without an end is Cedar's to refuse.
fn string(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn run(rest: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    rest.iter().take_while(|byte| fits(**byte)).count()
}

fn is_operator(byte: u8) -> bool {
    b"|&=<>!+-*.".contains(&byte)
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(text: &str, expected: Option<usize>) {
        assert_eq!(check(text).map_err(|(at, _)| at).err(), expected, "{text}");
    }

    #[test]
    fn brackets_and_operators_are_counted_where_they_are_some() {
        let nested = |depth: usize| format!("x {}true{};", "(".repeat(depth), ")".repeat(depth));
        check_one(&nested(MAX_NESTING), None);
        check_one(&nested(MAX_NESTING + 1), Some(2 + MAX_NESTING));
        check_one(&nested(MAX_NESTING).repeat(9), None);
        let chain = |count: usize| format!("a{};", " || a".repeat(count));
        check_one(&chain(MAX_OPERATORS), None);
        assert!(check(&chain(MAX_OPERATORS + 1)).is_err());
        check_one(&chain(MAX_OPERATORS).repeat(3), None);
        assert!(check(&" like a".repeat(MAX_OPERATORS + 1)).is_err());
        // None of these is one.
        check_one(&format!("\"{}\\\"((\" ok", "(".repeat(999)), None);
        check_one(&format!("// {}\nok", "(|".repeat(999)), None);
        check_one(&"inside, ".repeat(999), None);
        check_one("\"no end", None);
        check_one("\"no end \\", None);
    }
}
