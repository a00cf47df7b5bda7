//! The tools that read.

use std::time::Duration;

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError, Tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outside;

/// How long a watched mailbox stays open: a test gives the call up long before.
const WATCH: Duration = Duration::from_secs(30);
/// With what the name of a document begins that the owner wrote.
const OWN: &str = "own-";

const READ_ONLY: &[Effect] = &[Effect::ReadOnly, Effect::Idempotent];

pub(crate) fn add(tools: &mut Tools<Outside>) {
    tools
        .add::<MailRead>()
        .add::<MailSearch>()
        .add::<MailAttachment>()
        .add::<MailWatch>()
        .add::<WebFetch>()
        .add::<CalendarList>()
        .add::<DocRead>()
        .add::<NotesRead>();
}

/// A text that was read.
#[derive(Serialize, JsonSchema)]
struct Text {
    /// The text.
    text: String,
}

/// Texts that were found.
#[derive(Serialize, JsonSchema)]
struct Snippets {
    /// A part of each text.
    snippets: Vec<String>,
}

/// Reads a mail.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MailRead {
    /// The mail.
    id: String,
}

impl Tool for MailRead {
    type Server = Outside;
    type Output = Text;
    const NAME: &'static str = "outside_mail_read";
    const METHOD: &'static str = "mcp.outside.mail_read";
    const TITLE: &'static str = "Read a mail";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Mail];

    fn call(self, outside: &Outside, _: &Call) -> Result<Text, ToolError> {
        Ok(Text { text: outside.text(&self.id)? })
    }

    fn text(output: &Text) -> Option<String> {
        Some(output.text.clone())
    }
}

/// Searches mails.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MailSearch {
    /// What to look for.
    query: String,
}

impl Tool for MailSearch {
    type Server = Outside;
    type Output = Snippets;
    const NAME: &'static str = "outside_mail_search";
    const METHOD: &'static str = "mcp.outside.mail_search";
    const TITLE: &'static str = "Search mails";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Mail];
    const LEGACY_RESULT: Option<&'static str> = Some("snippets");

    fn call(self, outside: &Outside, _: &Call) -> Result<Snippets, ToolError> {
        Ok(Snippets { snippets: vec![outside.text(&self.query)?] })
    }
}

/// Opens the attachment of a mail, which never can be opened: the error has the name that its sender gave it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MailAttachment {
    /// The mail.
    id: String,
}

impl Tool for MailAttachment {
    type Server = Outside;
    type Output = Text;
    const NAME: &'static str = "outside_mail_attachment";
    const METHOD: &'static str = "mcp.outside.mail_attachment";
    const TITLE: &'static str = "Open an attachment";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Mail];

    fn call(self, outside: &Outside, _: &Call) -> Result<Text, ToolError> {
        let name = outside.text(&self.id)?;
        Err(ToolError::new(ErrorKind::InvalidArguments, format!("cannot open `{name}`")))
    }
}

/// Watches a mailbox: tells of a mail as progress, and does not end by itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MailWatch {
    /// The mail that comes.
    id: String,
}

impl Tool for MailWatch {
    type Server = Outside;
    type Output = Snippets;
    const NAME: &'static str = "outside_mail_watch";
    const METHOD: &'static str = "mcp.outside.mail_watch";
    const TITLE: &'static str = "Watch a mailbox";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Mail];

    fn call(self, outside: &Outside, call: &Call) -> Result<Snippets, ToolError> {
        call.progress(1.0, None, Some(&outside.text(&self.id)?));
        call.wait(WATCH)?;
        Ok(Snippets { snippets: Vec::new() })
    }
}

/// Fetches a page of the web. It changes nothing there, but whoever serves the page learns its address.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebFetch {
    /// The page.
    url: String,
}

impl Tool for WebFetch {
    type Server = Outside;
    type Output = Text;
    const NAME: &'static str = "outside_web_fetch";
    const METHOD: &'static str = "mcp.outside.web_fetch";
    const TITLE: &'static str = "Fetch a page";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::OpenWorld];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Web];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Url, "url")]
    }

    fn call(self, outside: &Outside, _: &Call) -> Result<Text, ToolError> {
        outside.sent(Self::NAME, &self)?;
        let page = self.url.rsplit('/').next().unwrap_or_default();
        // A page that is not there is a page too.
        Ok(Text { text: outside.text(page).unwrap_or_else(|_| "404 not found".to_owned()) })
    }

    fn text(output: &Text) -> Option<String> {
        Some(output.text.clone())
    }
}

/// Lists the entries of a day.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CalendarList {
    /// The day.
    day: String,
}

#[derive(Serialize, JsonSchema)]
struct Entries {
    /// Each with its title, as whoever made it wrote it.
    entries: Vec<String>,
}

impl Tool for CalendarList {
    type Server = Outside;
    type Output = Entries;
    const NAME: &'static str = "outside_calendar_list";
    const METHOD: &'static str = "mcp.outside.calendar_list";
    const TITLE: &'static str = "List entries";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Calendar];

    fn call(self, outside: &Outside, _: &Call) -> Result<Entries, ToolError> {
        Ok(Entries { entries: vec!["09:00 Dentist".to_owned(), outside.text(&self.day)?] })
    }
}

/// Reads the text of a document.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DocRead {
    /// The document. The owner's own begin with `own-`.
    name: String,
}

impl Tool for DocRead {
    type Server = Outside;
    type Output = Text;
    const NAME: &'static str = "outside_doc_read";
    const METHOD: &'static str = "mcp.outside.doc_read";
    const TITLE: &'static str = "Read a document";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[TextSource::Document];

    fn call(self, outside: &Outside, call: &Call) -> Result<Text, ToolError> {
        let text = outside.text(&self.name)?;
        if self.name.starts_with(OWN) {
            call.text_from(&[]);
        }
        Ok(Text { text })
    }

    fn text(output: &Text) -> Option<String> {
        Some(output.text.clone())
    }
}

/// Reads a note that the owner wrote.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotesRead {
    /// The note.
    name: String,
}

impl Tool for NotesRead {
    type Server = Outside;
    type Output = Text;
    const NAME: &'static str = "outside_notes_read";
    const METHOD: &'static str = "mcp.outside.notes_read";
    const TITLE: &'static str = "Read a note";
    const EFFECTS: &'static [Effect] = READ_ONLY;
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, outside: &Outside, _: &Call) -> Result<Text, ToolError> {
        Ok(Text { text: outside.text(&self.name)? })
    }

    fn text(output: &Text) -> Option<String> {
        Some(output.text.clone())
    }
}
