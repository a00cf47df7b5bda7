//! What is wrong with a machine, in the form in which it tells how it boots.

use health::{Finding, Level};
use nu_ansi_term::{Color, Style};

use crate::escape;

/// A line for each finding, and one more for what to do about it.
pub(crate) fn findings(findings: &[Finding], colours: bool) -> String {
    let width = findings.iter().map(|finding| finding.about.chars().count()).max().unwrap_or(0);
    let lines = findings.iter().map(|finding| {
        let (word, style) = badge(finding.level);
        let word = if colours { style.paint(word).to_string() } else { word.to_owned() };
        let (about, what) = (escape::line(&finding.about), escape::line(&finding.what));
        let first = format!("[{word}] {about:width$}  {what}");
        match &finding.remedy {
            Some(remedy) => format!("{first}\n       To do: {}", escape::line(remedy)),
            None => first,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn badge(level: Level) -> (&'static str, Style) {
    match level {
        Level::Good => (" OK ", Color::Green.normal()),
        Level::Warning => ("WARN", Color::Yellow.normal()),
        Level::Bad => ("FAIL", Color::Red.bold()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_has_its_line_and_its_remedy() {
        let text = findings(
            &[
                Finding::bad("fs", "failed: fs.yaml\u{1b}[2J, line 3", "Mend it"),
                Finding::warning("network", "no way out", "Look at the cable"),
                Finding::good("disk /var", "1 of 2 MiB free"),
            ],
            false,
        );
        assert_eq!(
            text,
            "[FAIL] fs         failed: fs.yaml\\u{1b}[2J, line 3\n       To do: Mend it\n\
             [WARN] network    no way out\n       To do: Look at the cable\n\
             [ OK ] disk /var  1 of 2 MiB free"
        );
    }
}
