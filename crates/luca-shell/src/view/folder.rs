//! A folder as a table.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::Deserialize;

use crate::escape;

/// An entry of what `mcp.fs.list` gives.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: String,
    /// `file`, `directory`, `symlink`, `other` or `inaccessible`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    modified_at: Option<String>,
}

impl Entry {
    /// Whether it is a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.kind == "directory"
    }

    fn size(&self) -> String {
        match u64::try_from(self.size) {
            _ if self.is_folder() => "[DIR]".to_owned(),
            Ok(bytes) => size(bytes),
            Err(_) => "-".to_owned(),
        }
    }

    fn modified(&self) -> String {
        let Some(text) = &self.modified_at else { return "-".to_owned() };
        match text.parse::<Timestamp>() {
            Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            Err(_) => escape::line(text),
        }
    }

    fn colour(&self) -> Color {
        match self.kind.as_str() {
            "directory" => Color::Blue,
            "symlink" => Color::Cyan,
            "file" => Color::Reset,
            _ => Color::DarkGrey,
        }
    }
}

/// The table: folders first, then by name.
pub(crate) fn table(mut entries: Vec<Entry>, colours: bool) -> String {
    entries.sort_by(|a, b| (!a.is_folder(), &a.name).cmp(&(!b.is_folder(), &b.name)));
    let mut table = Table::new();
    // A name that were wrapped could not be copied.
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(["Type", "Size", "Modified", "Name"]);
    for entry in &entries {
        let (kind, name) = (escape::line(&entry.kind), escape::line(&entry.name));
        table.add_row([
            Cell::new(kind),
            Cell::new(entry.size()).set_alignment(CellAlignment::Right),
            Cell::new(entry.modified()),
            Cell::new(name).fg(entry.colour()),
        ]);
    }
    flush_left(&mut table);
    table.trim_fmt()
}

/// Without lines between them columns need no blank before them.
pub(super) fn flush_left(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
}

/// A size with its unit, three digits or so.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut rest = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    // As soon as one decimal would show 1024.0.
    while rest >= 1023.95 {
        let Some(next) = units.next() else { break };
        unit = Some(next);
        rest /= 1024.0;
    }
    format!("{rest:.1} {}", unit.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_size_has_the_unit_that_fits() {
        let check = |bytes, text| assert_eq!(size(bytes), text);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.0 KB");
        check(1536, "1.5 KB");
        check(1024 * 1024 - 1, "1.0 MB");
        check(5 << 30, "5.0 GB");
        check(3 << 40, "3.0 TB");
        check(5 << 50, "5120.0 TB");
    }

    #[test]
    fn folders_come_first_and_names_cannot_drive_the_terminal() {
        let entries: Vec<Entry> = serde_json::from_value(json!([
            { "name": "b\u{1b}[2J\n", "type": "file", "size": 5, "modified_at": "2026-01-31T12:00:00.5Z" },
            { "name": "z", "type": "directory", "size": -1, "modified_at": null },
            { "name": "a", "type": "symlink", "size": 2048 },
            { "name": "c", "type": "inaccessible", "size": -1, "modified_at": "\u{1b}soon" },
        ]))
        .unwrap();
        let text = table(entries, false);
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [
                vec!["Type", "Size", "Modified", "Name"],
                vec!["directory", "[DIR]", "-", "z"],
                vec!["symlink", "2.0", "KB", "-", "a"],
                vec!["file", "5", "B", "2026-01-31", "12:00:00Z", "b\\u{1b}[2J\\n"],
                vec!["inaccessible", "-", "\\u{1b}soon", "c"],
            ]
        );
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        let entries =
            || serde_json::from_value(json!([{ "name": "z", "type": "directory" }])).unwrap();
        let coloured = table(entries(), true);
        assert!(coloured.contains("\u{1b}[38;5;12m"), "{coloured:?}");
        assert!(!table(entries(), false).contains('\u{1b}'));
    }
}
