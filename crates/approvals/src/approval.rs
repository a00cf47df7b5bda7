//! What was asked, and what became of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::rusqlite::types::Type;
use store::rusqlite::{self, Row};

/// Who may answer. The larger one may what the smaller one may.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The host may ask its own user, and a person at the appliance may answer too.
    Host,
    /// Only a person at the appliance: a host could answer for itself.
    #[default]
    Person,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for an answer.
    Pending,
    /// It may be made once.
    Approved,
    /// It must not be made.
    Denied,
    /// It was approved, and has been made.
    Used,
    /// Nobody answered in time, or what was approved was not made in time.
    Expired,
    /// The client does not want it any more.
    Cancelled,
}

/// A call that needs an answer, as the gateway asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The client that makes it.
    pub client: String,
    /// How the client reached the gateway.
    pub origin: String,
    /// The method.
    pub method: String,
    /// The tool, as MCP names it.
    pub tool: String,
    /// The arguments: the JSON text of an object, as the client wrote it.
    pub arguments: String,
    /// The rule of policy that wants an answer.
    pub rule: String,
    /// Who may answer.
    pub audience: Audience,
    /// Where text came from that the client has read and that nobody vouches for.
    pub untrusted: Vec<String>,
    /// The request that asked.
    pub request: String,
    /// The workflow run that it belongs to.
    pub run: Option<String>,
}

/// A call that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id, which tells nothing of others.
    pub id: String,
    /// What was asked.
    pub asked: Asked,
    /// When.
    pub asked_at: Timestamp,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// What has become of it.
    pub state: State,
    /// Who has answered.
    pub answered_by: Option<String>,
    /// As what.
    pub answered_as: Option<Audience>,
    /// When.
    pub answered_at: Option<Timestamp>,
    /// Why it was denied.
    pub reason: Option<String>,
    /// The arguments that it was approved with, where they are others than those that were asked for.
    pub edited: Option<String>,
    /// Until when what was approved can be made.
    pub usable_until: Option<Timestamp>,
    /// When it was used, cancelled or found to be expired.
    pub closed_at: Option<Timestamp>,
}

impl Audience {
    /// As it is kept.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Person => "person",
        }
    }

    /// What is not known is for a person.
    fn of_key(key: &str) -> Self {
        if key == "host" { Self::Host } else { Self::Person }
    }
}

impl State {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Approved, Self::Denied, Self::Used, Self::Expired, Self::Cancelled];

    /// As it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// One that is not known was written by nobody that we trust.
    fn of_name(name: &str) -> rusqlite::Result<Self> {
        let known = Self::ALL.into_iter().find(|state| state.name() == name);
        known
            .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "state".into()))
    }
}

impl Approval {
    /// Reads a whole row of `approvals`.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let answered_as = row.get::<_, Option<String>>("answered_as")?;
        Ok(Self {
            id: row.get("id")?,
            asked: Asked {
                client: row.get("client")?,
                origin: row.get("origin")?,
                method: row.get("method")?,
                tool: row.get("tool")?,
                arguments: row.get("arguments")?,
                rule: row.get("rule")?,
                audience: Audience::of_key(&row.get::<_, String>("audience")?),
                untrusted: row.get::<_, String>("untrusted")?.lines().map(str::to_owned).collect(),
                request: row.get("request")?,
                run: row.get("run")?,
            },
            asked_at: time(row.get("asked_at")?),
            expires_at: time(row.get("expires_at")?),
            state: State::of_name(&row.get::<_, String>("state")?)?,
            answered_by: row.get("answered_by")?,
            answered_as: answered_as.as_deref().map(Audience::of_key),
            answered_at: row.get::<_, Option<i64>>("answered_at")?.map(time),
            reason: row.get("reason")?,
            edited: row.get("edited")?,
            usable_until: row.get::<_, Option<i64>>("usable_until")?.map(time),
            closed_at: row.get::<_, Option<i64>>("closed_at")?.map(time),
        })
    }
}

/// A time as it is kept. One beyond what can be told was written by nobody.
pub(crate) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
