//! Lines of the shell: the words are in the line, and mean what they would mean in a POSIX shell.

use luca_shell::{Form, Word, parse_line};

/// Parses a line: its words stand in it in their order with nothing but blanks and comments between, bare JSON is
/// JSON, without any the words are those of `shlex`, and the words in quotes are the same words.
///
/// # Panics
///
/// If any of that does not hold.
pub fn shell_line(data: &[u8]) {
    let Ok(line) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(words) = parse_line(line) else {
        return;
    };
    check_spans(line, &words);
    let texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    if words.iter().all(|word| word.form != Form::Json) {
        assert_eq!(shlex::split(line).as_ref(), Some(&texts), "{line:?}");
    }
    let quoted: Vec<String> =
        texts.iter().map(|text| format!("'{}'", text.replace('\'', r"'\''"))).collect();
    // Quotes make it longer, perhaps longer than a line may be.
    if let Ok(again) = parse_line(&quoted.join(" ")) {
        let again: Vec<String> = again.into_iter().map(|word| word.text).collect();
        assert_eq!(again, texts, "{line:?}");
    }
}

fn check_spans(line: &str, words: &[Word]) {
    let mut end = 0;
    for word in words {
        let between = line.get(end..word.span.start);
        assert!(between.is_some_and(is_nothing), "{line:?}: {word:?}");
        let written = line.get(word.span.clone());
        match word.form {
            Form::Plain => assert_eq!(written, Some(word.text.as_str())),
            Form::Quoted => assert!(written.is_some_and(|w| w.contains(['\'', '"', '\\']))),
            Form::Json => {
                assert_eq!(written, Some(word.text.as_str()));
                assert!(serde_json::from_str::<serde_json::Value>(&word.text).is_ok());
            }
        }
        end = word.span.end;
    }
    assert!(line.get(end..).is_some_and(is_nothing), "{line:?}: the rest of it");
}

/// Whether a text is blanks and comments.
fn is_nothing(text: &str) -> bool {
    text.split('\n').all(|line| {
        let line = line.trim_matches([' ', '\t']);
        line.is_empty() || line.starts_with('#')
    })
}
