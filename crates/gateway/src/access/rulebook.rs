//! The policies in force, made anew whenever something changes that they are made of: tools, clients, licence, the owner's files and
//! what a person has allowed for good.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use approvals::{Asked, Inbox};
use arc_swap::{ArcSwapOption, Guard};
use capfile::{TargetKind, TextSource, TextSources};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use licence::Terms;
use mcp_types::{Origin, Scope};
use policy::{
    Answer, Approver, Client, Decision, File, Inputs, Licence, Moment, Policies, PolicyError,
    Principal, Question, Standing, Tool,
};

use crate::access::reading::{self, Reader, Reading};
use crate::access::{Trouble, owned};
use crate::identity::{Clients, Identity, Kind};
use crate::mcp::Door;
use crate::registry::{Declared, Table};

/// What is in force where the owner's files are wrong from the start: what they would forbid is not known, so all is forbidden that a
/// client does. The person at the appliance mends them.
const CLOSED: &str =
    "@id(\"closed\") forbid (principal, action, resource) unless { principal.kind == \"person\" };";
/// The name of that, which no file of a folder has: the owner sees it in the record.
const CLOSED_FILE: &str = "(the policies are refused).cedar";

/// What denies before policies were first made.
const NO_POLICIES: &str = "there are no policies yet";

/// What decides, and what it is made of.
pub(crate) struct Rulebook {
    folder: PathBuf,
    inbox: Arc<Inbox>,
    zone: TimeZone,
    parts: Mutex<Parts>,
    in_force: ArcSwapOption<Policies>,
    trouble: ArcSwapOption<Trouble>,
    /// Grows with every change.
    generation: AtomicU64,
    reading: Reading,
    /// The method by which files are read.
    reading_files: Arc<str>,
}

/// What policies are made of, as far as it is known here.
#[derive(Default)]
struct Parts {
    tools: Vec<Tool>,
    licence: Licence,
    clients: Vec<Client>,
    /// The owner's files that were good last.
    good: Option<Vec<File>>,
}

impl Parts {
    /// The owner's files that count.
    fn files(&self) -> Vec<File> {
        let closed = || vec![File { name: CLOSED_FILE.to_owned(), text: CLOSED.to_owned() }];
        self.good.clone().unwrap_or_else(closed)
    }

    /// Whether the owner's files that were good last have any rule.
    fn has_rules(&self) -> bool {
        self.good.as_ref().is_some_and(|files| !files.is_empty())
    }
}

/// What is asked of policy, as the gateway has it.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) arguments: Option<&'a str>,
    /// Where text came from that the conversation has read and nobody vouches for.
    pub(crate) untrusted: TextSources,
}

impl Rulebook {
    /// A book in which nothing stands yet: it denies everything. The time zone is read here, before the process is locked down.
    pub(crate) fn new(folder: PathBuf, inbox: Arc<Inbox>) -> Self {
        Self {
            folder,
            inbox,
            zone: TimeZone::system(),
            parts: Mutex::default(),
            in_force: ArcSwapOption::default(),
            trouble: ArcSwapOption::default(),
            generation: AtomicU64::default(),
            reading: Reading::default(),
            reading_files: "mcp.fs.read".into(),
        }
    }

    /// How often the policies were made anew.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Why the owner's files are refused, if they are.
    pub(crate) fn trouble(&self) -> Guard<Option<Arc<Trouble>>> {
        self.trouble.load()
    }

    /// The policies in force; none before they were first made.
    pub(crate) fn policies(&self) -> Guard<Option<Arc<Policies>>> {
        self.in_force.load()
    }

    /// Takes over what can be called.
    pub(crate) fn tools_are(&self, table: &Table) {
        let mut parts = self.parts();
        parts.tools = table.files().iter().flat_map(Tool::of).collect();
        self.make(&mut parts, None);
    }

    /// Takes over who may call, and what the licence allows.
    pub(crate) fn rules_are(&self, clients: &Clients, terms: &Terms) {
        let mut parts = self.parts();
        let client = |identity: &Arc<Identity>| Client {
            name: identity.name().to_string(),
            scopes: identity.client().scopes.iter().collect(),
        };
        parts.clients = clients.all().iter().map(client).collect();
        parts.licence =
            Licence { tier: terms.tier.clone(), allows: terms.capabilities.iter().collect() };
        self.make(&mut parts, None);
    }

    /// Takes over what a person has allowed for good.
    pub(crate) fn standing_changed(&self) {
        self.make(&mut self.parts(), None);
    }

    /// Reads the owner's files again. `true`: they are refused, and were not before for the same reason.
    pub(crate) fn read_files(&self) -> bool {
        let mut parts = self.parts();
        let before = self.trouble.load_full();
        match owned::files(&self.folder) {
            Ok(files) if parts.good.as_ref() == Some(&files) => self.trouble.store(None),
            // A folder that is not there is no wish to have no rules: it may be about to be swapped.
            Ok(files) if files.is_empty() && parts.has_rules() && !self.folder.is_dir() => {
                self.refuse(&PolicyError {
                    file: "policies".to_owned(),
                    place: None,
                    reason: "the folder is gone: put it back, empty if there are to be no rules"
                        .to_owned(),
                });
            }
            Ok(files) => self.make(&mut parts, Some(files)),
            Err(error) => {
                self.refuse(&error);
                if parts.good.is_none() {
                    self.make(&mut parts, None);
                }
            }
        }
        let now = self.trouble.load_full();
        now.is_some() && now != before
    }

    /// Makes the policies anew, with these files of the owner's if they are good, else with those that were good last.
    fn make(&self, parts: &mut Parts, files: Option<Vec<File>>) {
        if let Some(files) = files {
            match self.made_of(parts, files.clone()) {
                Ok(policies) => {
                    parts.good = Some(files);
                    self.take_over(policies);
                    // Whoever reads that nothing is refused may rely on what is in force.
                    return self.trouble.store(None);
                }
                Err(error) => self.refuse(&error),
            }
        }
        match self.made_of(parts, parts.files()) {
            Ok(policies) => self.take_over(policies),
            // What was in force stays so: a tool that it does not know is denied.
            Err(error) => self.refuse(&error),
        }
    }

    fn made_of(&self, parts: &Parts, files: Vec<File>) -> Result<Policies, PolicyError> {
        self.made_with(parts, files, None)
    }

    /// The same with one more permission of a person's.
    fn made_with(
        &self,
        parts: &Parts,
        files: Vec<File>,
        more: Option<Standing>,
    ) -> Result<Policies, PolicyError> {
        let standing = self.inbox.standing().unwrap_or_else(|error| {
            tracing::error!(%error, "what was allowed for good cannot be read, and is asked for");
            Vec::new()
        });
        let standing = standing.into_iter().map(|it| Standing {
            id: it.id,
            client: it.client,
            method: it.method,
            target: it.folder.map(|folder| (TargetKind::Path, folder)),
        });
        Policies::build(&Inputs {
            tools: parts.tools.clone(),
            licence: parts.licence.clone(),
            clients: parts.clients.clone(),
            standing: standing.chain(more).collect(),
            files,
        })
    }

    fn take_over(&self, policies: Policies) {
        for warning in policies.warnings() {
            tracing::warn!(%warning, "a policy is likely not meant so");
        }
        self.in_force.store(Some(Arc::new(policies)));
        self.reading.forget();
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn refuse(&self, error: &PolicyError) {
        tracing::error!(%error, "the policies are refused: those before them stay in force");
        self.trouble.store(Some(Arc::new(Trouble::of_policy(error))));
    }

    /// Decides on a call.
    pub(crate) fn decide(&self, door: &Door<'_>, ask: Ask<'_>) -> Decision {
        match self.policies().as_ref() {
            Some(policies) => policies.decide(&self.question(door, ask)),
            None => Decision { answer: Answer::Deny, rule: NO_POLICIES.into() },
        }
    }

    /// Decides anew on a call that was asked for, as things are now.
    pub(crate) fn decide_asked(&self, asked: &Asked) -> Decision {
        match self.policies().as_ref() {
            Some(policies) => self.decide_by(policies, asked),
            None => Decision { answer: Answer::Deny, rule: NO_POLICIES.into() },
        }
    }

    /// The same if such calls were permitted from now on, everywhere or beneath a folder.
    ///
    /// # Errors
    ///
    /// There can be no such permission.
    pub(crate) fn decide_with(
        &self,
        asked: &Asked,
        folder: Option<&str>,
    ) -> Result<Decision, PolicyError> {
        let more = Standing {
            id: "new".to_owned(),
            client: asked.client.clone(),
            method: asked.method.clone(),
            target: folder.map(|folder| (TargetKind::Path, folder.to_owned())),
        };
        let parts = self.parts();
        let policies = self.made_with(&parts, parts.files(), Some(more))?;
        drop(parts);
        Ok(self.decide_by(&policies, asked))
    }

    fn decide_by(&self, policies: &Policies, asked: &Asked) -> Decision {
        let origins = [Origin::Http, Origin::WebSocket, Origin::Local, Origin::Person];
        // What waits came through a door of programs.
        let came = origins.into_iter().find(|it| it.as_str() == asked.origin);
        let came = came.unwrap_or(Origin::Http);
        let kind = if came == Origin::Local { policy::Kind::Local } else { policy::Kind::Key };
        policies.decide(&Question {
            principal: Principal { name: &asked.client, kind },
            method: &asked.method,
            arguments: Some(&asked.arguments),
            moment: self.moment(),
            origin: origin(came),
            untrusted: asked.untrusted.iter().filter_map(|name| TextSource::named(name)).collect(),
        })
    }

    /// Whether somebody may call this with some arguments, at some time.
    pub(crate) fn may_ever(&self, identity: &Identity, method: &str) -> bool {
        let policies = self.policies();
        policies.as_ref().is_some_and(|policies| policies.may_ever(principal(identity), method))
    }

    /// Where a call may work that has this word, in a conversation that has read this. A method that works on no paths, but may find
    /// files, finds what `mcp.fs.read` may read without anybody's.
    pub(crate) fn scopes(
        &self,
        door: &Door<'_>,
        declared: &Declared,
        (arguments, word): (Option<&str>, Option<Approver>),
        untrusted: TextSources,
    ) -> Vec<Scope> {
        let policies = self.policies();
        let Some(policies) = policies.as_ref() else { return Vec::new() };
        let method: Arc<str> =
            if declared.on_paths { declared.name.clone() } else { self.reading_files.clone() };
        let ask = Ask { method: &method, arguments: None, untrusted };
        let question = self.question(door, ask);
        let by_arguments =
            word.is_some() || policies.looks_at_arguments(question.principal, &method);
        if declared.on_paths && by_arguments {
            let question = Question { arguments: arguments.or(Some("{}")), ..question };
            return reading::of_call(policies, &question, word);
        }
        let (client, kind) = (door.client.name(), door.client.kind());
        let reader = Reader { client, kind, method: method.clone(), origin: door.origin };
        self.reading.scopes(reader, policies, &question)
    }

    fn question<'a>(&self, door: &'a Door<'_>, ask: Ask<'a>) -> Question<'a> {
        Question {
            principal: principal(door.client),
            method: ask.method,
            arguments: ask.arguments,
            moment: self.moment(),
            origin: origin(door.origin),
            untrusted: ask.untrusted,
        }
    }

    fn moment(&self) -> Moment {
        let now = Timestamp::now();
        let local = now.to_zoned(self.zone.clone());
        Moment {
            timestamp: now.as_millisecond(),
            hour: local.hour().unsigned_abs(),
            weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        // They are whole between any two statements, so a panic elsewhere does not spoil them.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn principal(identity: &Identity) -> Principal<'_> {
    let kind = match identity.kind() {
        Kind::Key => policy::Kind::Key,
        Kind::Local => policy::Kind::Local,
        Kind::Person => policy::Kind::Person,
    };
    Principal { name: identity.name(), kind }
}

fn origin(origin: Origin) -> policy::Origin {
    match origin {
        Origin::Http => policy::Origin::Http,
        Origin::WebSocket => policy::Origin::Websocket,
        Origin::Local => policy::Origin::Local,
        Origin::Person => policy::Origin::Console,
    }
}
