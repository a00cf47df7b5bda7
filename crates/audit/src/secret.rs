//! What a secret looks like, wherever it stands.

/// What is in no text but a secret: keys of ours, and a private key or certificate in PEM.
const MARKS: [&str; 3] = ["llmb_", "llmbsec_", "-----BEGIN"];
/// How the values of secrets begin, and how many letters, digits, `-`, `_` and `.` follow at the least. Not in the middle of a
/// word: `risk-report-of-november` is a name.
const BEGINNINGS: [(&str, usize); 10] = [
    ("bearer ", 8),
    ("sk-", 16),
    ("ghp_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("akia", 16),
    ("hvs.", 16),
    // A JSON web token: `{"` in base64.
    ("eyj", 32),
];

/// Whether there is a secret in a text.
pub(crate) fn looks_secret(text: &str) -> bool {
    MARKS.iter().any(|mark| text.contains(mark))
        || BEGINNINGS.iter().any(|(beginning, more)| begins_one(text, beginning, *more))
        || has_password(text)
}

/// Whether a word of the text begins so, in small letters or capitals, and goes on for long enough.
fn begins_one(text: &str, beginning: &str, more: usize) -> bool {
    let bytes = text.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let goes_on = |rest: &[u8]| {
        rest.iter().take_while(|byte| is_word(byte) || b"-_.".contains(byte)).count() >= more
    };
    bytes.windows(beginning.len()).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(beginning.as_bytes())
            && !at.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(is_word)
            && bytes.get(at + beginning.len()..).is_some_and(goes_on)
    })
}

/// Whether there is a URL with a password: `https://user:password@host/`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_and_names_are_not_taken_for_them() {
        let token = "abcdefghijklmnopqrstuvwxyz0123456789";
        for secret in [
            "my llmb_abc".to_owned(),
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            "BEARER abcdefgh".to_owned(),
            format!("sk-{token}"),
            format!("use sk-proj-{token}"),
            format!("(ghp_{token})"),
            format!("AKIA{token}"),
            format!("eyJ{token}.x.y"),
            "see https://u:hunter2@example.org/a".to_owned(),
        ] {
            assert!(looks_secret(&secret), "{secret}");
        }
        for name in [
            "/docs/risk-report-of-november-2026.pdf",
            "disk-usage-of-the-whole-machine",
            "sk-1",
            "bearer of bad news",
            "https://example.org:8000/a@b:c",
            "user@example.org",
            "",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
