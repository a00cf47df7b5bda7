//! The tools that send.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError, Tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outside;

const OPEN_WORLD: &[Effect] = &[Effect::OpenWorld];

pub(crate) fn add(tools: &mut Tools<Outside>) {
    tools
        .add::<MailSend>()
        .add::<WebPost>()
        .add::<CalendarInvite>()
        .add::<SyncPush>()
        .add::<SyncPut>()
        .add::<TextSend>();
}

/// What was sent.
#[derive(Serialize, JsonSchema)]
struct Done {
    /// Whether it was.
    sent: bool,
}

/// Declares a tool that sends, and does nothing else.
macro_rules! sends {
    ($tool:ident, $name:literal, $method:literal, $title:literal, [$(($kind:ident, $argument:literal)),*]) => {
        impl Tool for $tool {
            type Server = Outside;
            type Output = Done;
            const NAME: &'static str = $name;
            const METHOD: &'static str = $method;
            const TITLE: &'static str = $title;
            const EFFECTS: &'static [Effect] = OPEN_WORLD;
            const TEXT_FROM: &'static [TextSource] = &[];

            fn works_on() -> Vec<Target> {
                vec![$(Target::new(TargetKind::$kind, $argument)),*]
            }

            fn call(self, outside: &Outside, _: &Call) -> Result<Done, ToolError> {
                outside.sent(Self::NAME, &self)?;
                Ok(Done { sent: true })
            }
        }
    };
}

/// Sends a mail.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MailSend {
    /// From which account.
    account: String,
    /// To whom.
    to: Vec<String>,
    /// To whom besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cc: Vec<String>,
    /// The subject.
    subject: String,
    /// The text.
    body: String,
}

sends!(
    MailSend,
    "outside_mail_send",
    "mcp.outside.mail_send",
    "Send a mail",
    [(Account, "account"), (Recipient, "to"), (Recipient, "cc")]
);

/// Posts a text to an address of the web.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebPost {
    /// Where to.
    url: String,
    /// The text.
    body: String,
}

sends!(WebPost, "outside_web_post", "mcp.outside.web_post", "Post to the web", [(Url, "url")]);

/// Makes an entry and invites guests, who are told its title.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CalendarInvite {
    /// Who is invited.
    guests: Vec<String>,
    /// The title.
    title: String,
}

sends!(
    CalendarInvite,
    "outside_calendar_invite",
    "mcp.outside.calendar_invite",
    "Invite guests",
    [(Recipient, "guests")]
);

/// Copies a folder to a remote.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SyncPush {
    /// Where to.
    remote: String,
    /// The folder.
    path: String,
}

sends!(
    SyncPush,
    "outside_sync_push",
    "mcp.outside.sync_push",
    "Copy to a remote",
    [(Remote, "remote")]
);

/// Puts an empty file on a remote.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SyncPut {
    /// Where to.
    remote: String,
    /// The name of the file.
    name: String,
}

sends!(
    SyncPut,
    "outside_sync_put",
    "mcp.outside.sync_put",
    "Put a file on a remote",
    [(Remote, "remote")]
);

/// Sends a text message to the owner's phone company, which passes it on: a number is nothing that a rule can name.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TextSend {
    /// The number.
    number: String,
    /// The text.
    body: String,
}

sends!(TextSend, "outside_text_send", "mcp.outside.text_send", "Send a text message", []);
