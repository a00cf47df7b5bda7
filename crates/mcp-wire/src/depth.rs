//! How deep a message nests, counted on its bytes.

/// Says whether arrays and objects nest at most `max` deep in `json`.
///
/// Brackets inside strings do not count. The text need not be valid JSON: this check runs first, because
/// `RawValue` accepts any depth and a recursive reader further on may not.
pub fn within_depth(json: &[u8], max: usize) -> bool {
    let mut depth = 0_usize;
    let mut rest = json;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > max {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(rest),
            _ => {}
        }
    }
    true
}

/// What follows the closing quote of the string whose opening quote was just read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let escaped = rest.get(at) == Some(&b'\\');
        rest = rest.get(at + 1 + usize::from(escaped)..).unwrap_or_default();
        if !escaped {
            return rest;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::within_depth;

    fn check(json: &str, depth: usize) {
        assert!(within_depth(json.as_bytes(), depth), "{json} nests deeper than {depth}");
        assert!(depth == 0 || !within_depth(json.as_bytes(), depth - 1), "{json} is {depth} deep");
    }

    #[test]
    fn counts_what_nests_and_nothing_else() {
        check("1", 0);
        check("[]", 1);
        check(r#"{"a":[{}]}"#, 3);
        check("[[],[],[[]]]", 3);
        check(r#"["[[[[","\"[[[","\\",[]]"#, 2);
        check(r#"{"a\"{{{":"}}}","b":[0]}"#, 2);
    }

    #[test]
    fn survives_text_that_is_not_json() {
        for text in ["\"", "\"\\", "]]]][", "\\\"[", ""] {
            assert!(within_depth(text.as_bytes(), 1), "{text}");
        }
    }

    #[test]
    fn the_bound_is_exact() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(within_depth(nested(64).as_bytes(), 64));
        assert!(!within_depth(nested(65).as_bytes(), 64));
    }
}
