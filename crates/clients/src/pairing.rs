//! Pairing codes: short enough to be typed, and good once, for minutes.

use data_encoding::{Encoding, Specification};

/// The letters and digits of a code: those of Crockford's base 32, which nobody mistakes for each other.
const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The random bytes of a code: eight signs.
const CODE_BYTES: usize = 5;
/// After how many signs a dash stands where a code is shown.
const HALF: usize = 4;

/// A new code, as it is shown to a person: `7K2M-Q9XD`.
///
/// # Errors
///
/// The kernel gives no random bytes.
pub fn new_code() -> Result<String, getrandom::Error> {
    let mut bytes = [0; CODE_BYTES];
    getrandom::fill(&mut bytes)?;
    let plain = encoding().encode(&bytes);
    let (first, second) = plain.split_at_checked(HALF).unwrap_or((&plain, ""));
    Ok(format!("{first}-{second}"))
}

/// The code that a person has typed, in the form whose hash is kept; `None` if it is not the form of a code. Case, dashes and
/// spaces do not matter, nor `o` for `0` and `i` or `l` for `1`.
pub fn as_code(typed: &str) -> Option<String> {
    let signs = typed.chars().filter(|sign| !matches!(sign, '-' | ' '));
    let plain: String = signs
        .map(|sign| match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let bytes = encoding().decode(plain.as_bytes()).ok()?;
    (bytes.len() == CODE_BYTES).then_some(plain)
}

fn encoding() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str(SYMBOLS);
    // 32 different signs are always an encoding.
    specification.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_a_person_types_it() {
        let shown = new_code().unwrap();
        assert_eq!(shown.len(), 2 * HALF + 1);
        let plain = shown.replace('-', "");
        for typed in [&shown, &plain, &shown.to_lowercase(), &format!(" {shown} ")] {
            assert_eq!(as_code(typed).as_ref(), Some(&plain), "{typed}");
        }
        assert_eq!(as_code("oOiI-lL11").as_deref(), Some("00111111"));
        for wrong in ["", "7K2M", "7K2M-Q9X", "7K2M-Q9XDD", "7K2M-Q9XU", "7K2M_Q9XD", "7K2M-Q9Xé"]
        {
            assert_eq!(as_code(wrong), None, "{wrong}");
        }
    }
}
