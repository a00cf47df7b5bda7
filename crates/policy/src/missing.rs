//! What the owner's policies name and is not there now.
//!
//! A server may be taken away, or not yet have told what it offers, and a client may still be to come: that must not take the
//! owner's other rules down. So such a name is declared, as one to which no call belongs, before rules are held to the schema, and is
//! warned of. The rules themselves stay as they are written: what one says of a name that no call has is never met, and what it
//! says of all others holds, within a list as within `unless`.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use capfile::{MethodName, ServiceName};
use cedar_policy::{ActionConstraint, EntityUid, PolicyId};

use crate::error::{PolicyError, Warning};
use crate::input::{Client, File, Tool};
use crate::owner::Owned;
use crate::schema::Quoted;

/// With what the name of the group of a server's actions begins.
const OF_SERVER: &str = "server:";

/// Those who have no key, as the gateway names them. They are always there.
const KEYLESS: [&str; 2] = ["local", "person"];

/// The names that are there.
struct Known<'a> {
    methods: HashSet<&'a str>,
    servers: HashSet<&'a str>,
    clients: HashSet<&'a str>,
}

/// What is missing.
pub(crate) struct Missing<'a> {
    /// The actions that could be there.
    actions: BTreeSet<String>,
    /// The policies that name something of a server which is not there.
    policies: HashSet<&'a PolicyId>,
    warnings: Vec<Warning>,
}

/// A name that is missing.
enum Name {
    Client,
    /// A method, or the group of a server's methods.
    Action(String),
    Server,
    Tool,
}

impl<'a> Missing<'a> {
    /// Looks for every name in the policies.
    pub(crate) fn of(
        owned: &'a [Owned],
        files: &[File],
        tools: &[&Tool],
        clients: &[Client],
    ) -> Self {
        let known = Known {
            methods: tools.iter().map(|tool| tool.method.as_str()).collect(),
            servers: tools.iter().map(|tool| tool.server.as_str()).collect(),
            clients: clients.iter().map(|client| client.name.as_str()).chain(KEYLESS).collect(),
        };
        let mut all =
            Self { actions: BTreeSet::new(), policies: HashSet::new(), warnings: Vec::new() };
        for one in owned {
            for uid in one.known.policy.entity_literals() {
                if let Some(name) = known.lacks(&uid) {
                    all.add(one, files, &uid, name, &known);
                }
            }
        }
        all
    }

    fn add(
        &mut self,
        owned: &'a Owned,
        files: &[File],
        uid: &EntityUid,
        name: Name,
        known: &Known<'_>,
    ) {
        let of = owned.known.rule.file.as_deref().unwrap_or_default();
        let text = files.iter().find(|file| file.name == of).map_or("", |file| file.text.as_str());
        let within = owned.known.rule.text.find(&uid.to_string()).unwrap_or_default();
        let what =
            PolicyError::at(of, text, owned.start + within, reason(owned, uid, &name, known));
        self.warnings.push(Warning::new(what, true));
        if !matches!(name, Name::Client) {
            self.policies.insert(owned.known.policy.id());
        }
        if let Name::Action(action) = name {
            self.actions.insert(action);
        }
    }

    /// The declarations of actions that are not there.
    pub(crate) fn schema(&self) -> String {
        self.actions.iter().fold(String::new(), |mut text, action| {
            // Writing into text cannot fail.
            writeln!(text, "action {};", Quoted(action)).map_or_else(|_| String::new(), |()| text)
        })
    }

    /// Whether the policy names something of a server which is not there.
    pub(crate) fn concerns(&self, policy: &PolicyId) -> bool {
        self.policies.contains(policy)
    }

    /// What is told of it.
    pub(crate) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl Known<'_> {
    /// What is missing, if it is.
    fn lacks(&self, uid: &EntityUid) -> Option<Name> {
        let name = uid.id().unescaped();
        let method = || MethodName::try_from(name).is_ok() && !self.methods.contains(name);
        let server =
            |name: &str| ServiceName::try_from(name).is_ok() && !self.servers.contains(name);
        match uid.type_name().to_string().as_str() {
            "Client" if !self.clients.contains(name) => Some(Name::Client),
            "Action" if method() || name.strip_prefix(OF_SERVER).is_some_and(server) => {
                Some(Name::Action(name.to_owned()))
            }
            "Server" if !self.servers.contains(name) => Some(Name::Server),
            "Tool" if !self.methods.contains(name) => Some(Name::Tool),
            _ => None,
        }
    }

    /// Whether the rule is about nothing but actions that are missing.
    fn waits(&self, owned: &Owned) -> bool {
        let is_missing = |uid: &EntityUid| self.lacks(uid).is_some();
        match owned.known.policy.action_constraint() {
            ActionConstraint::Any => false,
            ActionConstraint::Eq(uid) => is_missing(&uid),
            ActionConstraint::In(uids) => uids.iter().all(is_missing),
        }
    }
}

/// What is told of a name that is missing.
fn reason(owned: &Owned, uid: &EntityUid, name: &Name, known: &Known<'_>) -> String {
    let plain = uid.id().unescaped();
    let waits = if known.waits(owned) { "the rule" } else { "what the rule says of it" };
    match name {
        Name::Client => format!("no client with a key is named `{uid}`"),
        Name::Action(action) => match action.strip_prefix(OF_SERVER) {
            Some(server) => {
                format!("there is no server `{server}` now: {waits} waits until there is")
            }
            None => format!("no server offers `{action}` now: {waits} waits until one does"),
        },
        Name::Server => format!("there is no server `{plain}` now: {waits} waits until there is"),
        Name::Tool => format!("no server offers `{plain}` now: {waits} waits until one does"),
    }
}
