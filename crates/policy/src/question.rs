//! What is asked of policies.

use capfile::TextSources;
use serde::{Deserialize, Serialize};

/// One call that somebody wants to make.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub principal: Principal<'a>,
    /// Which method.
    pub method: &'a str,
    /// The arguments, as JSON text of an object. Absent, there are none.
    pub arguments: Option<&'a str>,
    /// When.
    pub moment: Moment,
    /// Which way the call came.
    pub origin: Origin,
    /// Where text came from that the conversation has read and nobody vouches for.
    pub untrusted: TextSources,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal<'a> {
    /// The name, by which policies know it.
    pub name: &'a str,
    /// Its kind.
    pub kind: Kind,
}

/// The kinds of those who call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A client of the network, which has a key.
    Key,
    /// A program that comes through `gateway.sock`.
    Local,
    /// The person at the shell or the console.
    Person,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::Key, Self::Local, Self::Person];

    /// As policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Local => "local",
            Self::Person => "person",
        }
    }
}

/// When something is asked. The caller knows the appliance's time zone; this crate has no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The hour on the appliance's clock, 0 to 23.
    pub hour: u8,
    /// The day of the week there, 1 for Monday.
    pub weekday: u8,
}

/// Which way a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Streamable HTTP.
    Http,
    /// A WebSocket.
    Websocket,
    /// `gateway.sock`.
    Local,
    /// The console.
    Console,
}

impl Origin {
    /// As policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Websocket => "websocket",
            Self::Local => "local",
            Self::Console => "console",
        }
    }
}
