//! What a secret looks like, wherever it stands.

use std::borrow::Cow;

use crate::redact::{digits, hidden};

/// How the values of secrets begin, and how many letters, digits, `-`, `_` and `.` follow at the least. Not in the middle of a
/// word: `risk-report-of-november` is a name.
const BEGINNINGS: [(&str, usize); 12] = [
    ("llmb_", 16),
    ("llmbsec_", 16),
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
/// Which of them stand before a text that a person may have thought up, so that its hash would tell it.
const MAY_BE_SHORT: &str = "bearer ";
/// How a key or certificate in PEM begins, which goes on to the end.
const PEM: &str = "-----BEGIN ";
/// What ends the first line of PEM.
const PEM_LINE: &str = "-----";
/// What stands before the user and the password in a URL.
const SCHEME: &str = "://";

/// The text without the secrets in it. In the place of each stands how long it was, and, where nobody can have thought it up, the
/// beginning of its hash, by which whoever has it knows it again.
///
/// A name has no PEM in it: that hides all that follows, which may be what a path leads to.
pub(crate) fn hide(text: &str, is_name: bool) -> Cow<'_, str> {
    let mut out = String::new();
    // What of the text is in `out`.
    let mut done = 0;
    let mut at = 0;
    while let Some(found) = next(text, at, is_name) {
        let Found { begin, end, guessable } = found;
        let (Some(before), Some(secret)) = (text.get(done..begin), text.get(begin..end)) else {
            break;
        };
        out.push_str(before);
        let hash = (!guessable).then(|| digits(secret));
        out.push_str(&hidden(secret.len(), hash.as_deref()));
        (done, at) = (end, end);
    }
    match text.get(done..) {
        Some(rest) if done > 0 => Cow::Owned(out + rest),
        _ => Cow::Borrowed(text),
    }
}

/// A secret in a text.
struct Found {
    begin: usize,
    end: usize,
    guessable: bool,
}

/// The first secret that begins at `from` or later.
fn next(text: &str, from: usize, is_name: bool) -> Option<Found> {
    let bytes = text.as_bytes();
    let rest = bytes.get(from..)?;
    rest.iter().enumerate().find_map(|(at, byte)| {
        let at = from + at;
        match byte.to_ascii_lowercase() {
            b'l' | b'b' | b's' | b'g' | b'x' | b'a' | b'h' | b'e' => token(bytes, at),
            b'-' if !is_name => pem(text, at),
            b':' => password(text, at),
            _ => None,
        }
    })
}

/// A secret that begins here as such do, in small letters or capitals, and goes on for long enough.
fn token(bytes: &[u8], begin: usize) -> Option<Found> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let rest = bytes.get(begin..)?;
    BEGINNINGS.iter().find_map(|(beginning, least)| {
        let (first, more) = rest.split_at_checked(beginning.len())?;
        let ours = beginning.starts_with("llmb");
        let inside = || begin.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(is_word);
        if !first.eq_ignore_ascii_case(beginning.as_bytes()) || (!ours && inside()) {
            return None;
        }
        let goes_on = more.iter().take_while(|byte| is_word(byte) || b"-_.".contains(byte)).count();
        let end = begin + beginning.len() + goes_on;
        (goes_on >= *least).then_some(Found { begin, end, guessable: *beginning == MAY_BE_SHORT })
    })
}

/// A key or certificate in PEM that begins here.
fn pem(text: &str, begin: usize) -> Option<Found> {
    let line = text.get(begin..)?.strip_prefix(PEM)?;
    let label = line.split(PEM_LINE).next().filter(|label| label.len() < line.len())?;
    let is_label = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == ' ';
    let is_pem = label.chars().all(is_label);
    is_pem.then_some(Found { begin, end: text.len(), guessable: false })
}

/// The password of a URL whose scheme ends here: `https://user:password@host/`.
fn password(text: &str, at: usize) -> Option<Found> {
    let rest = text.get(at..)?.strip_prefix(SCHEME)?;
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    let (credentials, _) = authority.rsplit_once('@')?;
    let (user, password) = credentials.split_once(':')?;
    let begin = at + SCHEME.len() + user.len() + 1;
    Some(Found { begin, end: begin + password.len(), guessable: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_what_stands_around_them_is_not() {
        let token = "abcdefghijklmnopqrstuvwxyz0123456789";
        for (before, secret, after) in [
            ("my ", format!("llmb_{token}"), ""),
            ("/a/key", format!("llmbsec_{token}"), "/important.txt"),
            ("see ", "-----BEGIN EC PRIVATE KEY-----\nMII".to_owned(), ""),
            ("", "BEARER abcdefgh".to_owned(), "!"),
            ("use ", format!("sk-proj-{token}"), " there"),
            ("(", format!("ghp_{token}"), ")"),
            ("/", format!("AKIA{token}"), "/letter.pdf"),
            ("", format!("eyJ{token}.x.y"), "&b"),
            ("see https://u:", "hunter2".to_owned(), "@example.org/a"),
            ("äöü ://a:", "b@c".to_owned(), "@d ü"),
        ] {
            let kept = hide(&format!("{before}{secret}{after}"), false).into_owned();
            let bytes = secret.len();
            let shown = format!("{before}[redacted, {bytes} bytes");
            assert!(kept.starts_with(&shown) && kept.ends_with(after), "{kept}");
            assert!(!kept.contains(&secret), "{kept}");
        }
        let two = hide("ftp://a:b@c ghp_abcdefghijklmnopqrst http://d:e@f", true).into_owned();
        assert_eq!(two.matches("[redacted").count(), 3, "{two}");
    }

    #[test]
    fn names_are_not_taken_for_secrets() {
        for name in [
            "/docs/risk-report-of-november-2026.pdf",
            "disk-usage-of-the-whole-machine",
            "/llmb_notes.md",
            "-----BEGIN here-----",
            "-----BEGIN CERTIFICATE",
            "sk-1",
            "bearer of bad news",
            "https://example.org:8000/a@b:c",
            "user@example.org",
            "",
        ] {
            assert_eq!(hide(name, false), name);
        }
    }
}
