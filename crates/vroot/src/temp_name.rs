//! Names of temporary files.

use crate::limits::TEMP_RANDOM_BYTES;

/// What the names of all temporary files start with; no client can see or name such a file.
pub const TEMP_PREFIX: &str = ".llmbasedos-tmp-";

/// Whether a name is kept for temporary files, and so hidden from clients.
///
/// Capital letters count as small ones, because there are folders in which they name the same file.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    name.get(..TEMP_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(TEMP_PREFIX.as_bytes()))
}

/// Whether a name has exactly the form that [`fresh`] makes, so that a damaged or forged record
/// can name no other file.
pub(crate) fn is_exact(name: &str) -> bool {
    name.strip_prefix(TEMP_PREFIX).is_some_and(|random| {
        random.len() == 2 * TEMP_RANDOM_BYTES
            && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A name that no file ever had.
pub(crate) fn fresh() -> std::io::Result<String> {
    let mut random = [0; TEMP_RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let mut name = TEMP_PREFIX.to_owned();
    for byte in random {
        for digit in [byte >> 4, byte & 15] {
            name.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_names_are_exact_and_differ() {
        let (one, two) = (fresh().expect("random bytes"), fresh().expect("random bytes"));
        assert!(is_exact(&one) && is_exact(&two) && is_reserved(one.as_bytes()));
        assert_ne!(one, two);
    }

    #[test]
    fn other_names_are_not_exact() {
        let good = format!("{TEMP_PREFIX}{}", "0".repeat(32));
        assert!(is_exact(&good));
        for bad in [
            "report.txt",
            TEMP_PREFIX,
            &format!("{good}0"),
            &good.replace("0000", "00/.."),
            &good.replace('0', "A"),
        ] {
            assert!(!is_exact(bad), "{bad}");
        }
    }
}
