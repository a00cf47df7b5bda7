//! Calls that wait for a person, with nothing hidden in them.

use approvals::tools::Waiting;
use approvals::{Standing, State};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use nu_ansi_term::{Color as Ink, Style};

use crate::escape;
use crate::limits::ARGUMENTS_SHOWN;
use crate::view::folder::flush_left;

/// A line for each call; with `all`, what became of it too.
pub(crate) fn approvals(waiting: &[Waiting], all: bool, colours: bool) -> String {
    if waiting.is_empty() {
        return if all { "There are none." } else { "Nothing waits for an answer." }.to_owned();
    }
    let mut table = rows(colours);
    table.set_header(["Id", "State", "Client", "Tool", "Untrusted", "Until", "Arguments"]);
    for call in waiting {
        let until = call.usable_until.as_ref().unwrap_or(&call.expires_at);
        table.add_row([
            Cell::new(escape::line(&call.id)).fg(Color::Cyan),
            Cell::new(call.state.name()).fg(colour(call.state)),
            Cell::new(escape::line(&call.client)),
            Cell::new(escape::line(&call.tool)),
            Cell::new(escape::line(&call.untrusted.join(", "))).fg(Color::Red),
            Cell::new(escape::line(until)),
            Cell::new(short(&call.arguments)),
        ]);
    }
    flush_left(&mut table);
    table.trim_fmt()
}

/// One call, whole.
pub(crate) fn approval(waiting: &Waiting, colours: bool) -> String {
    let paint = |style: Style, text: &str| {
        if colours { style.paint(text).to_string() } else { text.to_owned() }
    };
    let mut lines = vec![format!("{:<10} {}", "Id", escape::line(&waiting.id))];
    for fact in waiting.facts() {
        let text = escape::line(&fact.text);
        let text = if fact.is_warning { paint(Ink::Red.bold(), &text) } else { text };
        lines.push(format!("{:<10} {text}", fact.label));
    }
    lines.push(paint(Style::new().bold(), "Arguments"));
    lines.push(escape::json(&waiting.shown_arguments()));
    if let Some(edited) = waiting.shown_edited() {
        lines.push(paint(Ink::Yellow.bold(), "Approved with these arguments instead"));
        lines.push(escape::json(&edited));
    }
    if waiting.cut {
        lines.push(paint(Ink::Yellow.normal(), "This is not all of it."));
    }
    if waiting.state == State::Pending {
        let id = escape::line(&waiting.id);
        lines.push(format!("To answer: `approvals approve {id}`, or edit, deny or always"));
    }
    lines.join("\n")
}

/// A line for each standing permission.
pub(crate) fn standing(standing: &[Standing], colours: bool) -> String {
    if standing.is_empty() {
        return "Nothing is allowed for always.".to_owned();
    }
    let mut table = rows(colours);
    table.set_header(["Id", "Client", "Method", "Folder", "Allowed by", "At"]);
    for one in standing {
        table.add_row([
            Cell::new(escape::line(&one.id)).fg(Color::Cyan),
            Cell::new(escape::line(&one.client)),
            Cell::new(escape::line(&one.method)),
            Cell::new(one.folder.as_deref().map_or_else(|| "(any)".to_owned(), escape::line)),
            Cell::new(escape::line(&one.by)),
            Cell::new(one.at.to_string()),
        ]);
    }
    flush_left(&mut table);
    table.trim_fmt()
}

fn rows(colours: bool) -> Table {
    let mut table = Table::new();
    // An id that were wrapped could not be copied.
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn colour(state: State) -> Color {
    match state {
        State::Pending => Color::Yellow,
        State::Approved | State::Used => Color::Green,
        State::Denied => Color::Red,
        State::Expired | State::Cancelled => Color::DarkGrey,
    }
}

/// The beginning of arguments, on one line.
fn short(arguments: &str) -> String {
    let begin: String = arguments.chars().take(ARGUMENTS_SHOWN).collect();
    let more = if begin.len() < arguments.len() { "…" } else { "" };
    format!("{}{more}", escape::line(&begin))
}

#[cfg(test)]
mod tests {
    use approvals::{Approval, Asked, Audience};

    use super::*;

    const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\u{200b}";

    fn waiting() -> Waiting {
        let hostile = || HOSTILE.to_owned();
        Waiting::from(Approval {
            id: "abcdefghij".to_owned(),
            asked: Asked {
                client: hostile(),
                origin: hostile(),
                method: hostile(),
                tool: hostile(),
                arguments: format!(r#"{{"n":12345678901234567890123,"to":"{}"}}"#, "\u{202e}moc"),
                rule: hostile(),
                audience: Audience::Host,
                untrusted: vec![hostile(), "web".to_owned()],
                request: hostile(),
                run: Some(hostile()),
            },
            asked_at: jiff::Timestamp::UNIX_EPOCH,
            expires_at: jiff::Timestamp::UNIX_EPOCH,
            state: State::Pending,
            answered_by: Some(hostile()),
            answered_as: None,
            answered_at: Some(jiff::Timestamp::UNIX_EPOCH),
            reason: Some(hostile()),
            edited: Some(format!(r#"{{"to":"{HOSTILE}"}}"#)),
            usable_until: None,
            closed_at: None,
        })
    }

    #[track_caller]
    fn nothing_is_hidden(text: &str) {
        let hidden =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!text.contains(hidden), "{text:?}");
    }

    #[test]
    fn a_call_is_shown_whole_and_nothing_in_it_drives_the_terminal() {
        let text = approval(&waiting(), false);
        nothing_is_hidden(&text);
        assert!(
            text.contains("\"n\": 12345678901234567890123,\n  \"to\": \"\\u202emoc\""),
            "{text}"
        );
        assert!(text.contains("Approved with these arguments instead"), "{text}");
        assert!(text.contains("`approvals approve abcdefghij`"), "{text}");
        assert!(text.contains(", web, for which nobody vouches"), "{text}");
        assert!(approval(&waiting(), true).contains("\u{1b}[1;31m"), "warnings are red");
        let mut cut = waiting();
        cut.arguments.truncate(10);
        cut.cut = true;
        assert!(approval(&cut, false).contains("This is not all of it."));
    }

    #[test]
    fn a_list_is_a_line_for_each() {
        let text = approvals(&[waiting(), waiting()], false, false);
        nothing_is_hidden(&text);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("abcdefghij") && text.contains("pending"), "{text}");
        assert_eq!(approvals(&[], false, false), "Nothing waits for an answer.");
        assert_eq!(short(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
        assert_eq!(short("{}"), "{}");
    }

    #[test]
    fn standing_permissions_are_a_line_for_each() {
        let one = Standing {
            id: "abcdefghij".to_owned(),
            client: HOSTILE.to_owned(),
            method: HOSTILE.to_owned(),
            folder: None,
            by: HOSTILE.to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let text =
            standing(&[Standing { folder: Some(HOSTILE.to_owned()), ..one.clone() }, one], false);
        nothing_is_hidden(&text);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("(any)"), "{text}");
        assert_eq!(standing(&[], false), "Nothing is allowed for always.");
    }
}
