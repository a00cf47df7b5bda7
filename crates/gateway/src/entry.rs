//! The command line of the gateway, and the order in which it starts.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use approvals::Inbox;
use audit::{Audit, Entry, Kind, Log, Redactor};
use certificates::Certificates;
use clap::Parser;
use clients::ClientsFile;
use daemon::{BoxError, NotifyState};
use quota::{Quota, Rate, calendar, wall_clock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sandbox::Confinement;
use serde_json::json;
use tasks::Tasks;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use crate::access::{Access, Change, Conversations, Live, Parts, Rulebook};
use crate::config::Config;
use crate::folders::{Folders, confine};
use crate::http::{AllowedHosts, App};
use crate::limits::{KEEP, LAST_RECORDS, TELL_REFUSALS, TIDY};
use crate::log_gate::LogGate;
use crate::mcp::{Mcp, Room, follow_tasks};
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::request_id::RequestIds;
use crate::session::Sessions;
use crate::sockets::Sockets;
use crate::transport::{self, Listeners, Terms, Workers};
use crate::{status, tls};

/// The state is nobody else's.
const STATE_MODE: u32 = 0o700;
/// The folder of the appliance's authority, within the state.
const TLS_FOLDER: &str = "tls";
/// What is kept of clients, and of rates and budgets.
const CLIENTS_DB: &str = "clients.db";
const QUOTA_DB: &str = "quota.db";
/// The calls that go on as tasks.
const TASKS_DB: &str = "tasks.db";
/// What waits for a person, and what conversations have read.
const APPROVALS_DB: &str = "approvals.db";
const CONVERSATIONS_DB: &str = "conversations.db";

/// The gateway of llmbasedos: one way in for all MCP traffic.
#[derive(Debug, Parser)]
struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print every setting as JSON, with where it came from, instead of serving.
    #[arg(long)]
    show_config: bool,
    #[command(flatten)]
    daemon: daemon::Arguments,
}

/// Runs the gateway. Exit code 1 means that it could not start or serve, and standard error says why; 2 means that
/// the command line is wrong.
pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            daemon::complain("gateway", error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Lets the process have as many descriptors as it may: a shell gives 1024, which is fewer than connections are taken.
fn raise_descriptors() -> Result<(), BoxError> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    Ok(())
}

/// Configuration, bind, open, sandbox, log threads, runtime: nothing that reads a client's bytes starts before the
/// process is locked down, and Landlock holds for threads that start after it.
fn run(arguments: &Arguments) -> Result<(), BoxError> {
    arguments.daemon.apply()?;
    let (config, sources) = Config::load(&arguments.config)?;
    let given = config.tls.as_ref().map(|tls| tls::given(tls, config.vault.as_ref()));
    let given = given.transpose()?;
    if arguments.show_config {
        settings::load::<ClientsFile>(&config.clients_file)?;
        // After all that may be wrong has been read.
        writeln!(io::stdout(), "{}", serde_json::to_string(&sources)?)?;
        return Ok(());
    }
    let state = fs::DirBuilder::new().recursive(true).mode(STATE_MODE).create(&config.state_dir);
    state.map_err(|error| format!("`{}`: {error}", config.state_dir.display()))?;
    let certificates = match given {
        Some(given) => given,
        None => Certificates::own(&config.state_dir.join(TLS_FOLDER), &config.allowed_hosts)?,
    };
    raise_descriptors()?;
    let Sockets { tcp, address, local, person } = Sockets::open(&config)?;
    let registry = Registry::open(config.caps_dir.clone())
        .map_err(|error| format!("`{}`: {error}", config.caps_dir.display()))?;
    let folders = Folders::open(&config.caps_dir, &config.files().folders(), &config.state_dir)?;
    let kept = Kept::open(&config)?;
    let confinement =
        if arguments.daemon.unconfined { Confinement::Unconfined } else { Confinement::Required };
    let report = confine(&folders, confinement)?;
    let _telemetry = telemetry::init("gateway")?;
    daemon::log_panics();
    tracing::info!(confinement = %report, "locked down");
    certificates.remarks().iter().for_each(|remark| tracing::warn!("{remark}"));
    let terms = Terms { certificates, plain: config.plain };

    let hosts = AllowedHosts::new(&config.allowed_hosts);
    let workers = Arc::new(Workers::start(config.workers)?);
    // For what is done once: accepting, and watching the cap files.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let rulebook = kept.parts.rulebook.clone();
        let of_tools = rulebook.clone();
        let following = registry.follow(move |table| of_tools.tools_are(table))?;
        let (audit, recording) = Audit::start(kept.log)?;
        let (live, quota) = (kept.parts.live.clone(), kept.parts.quota.clone());
        let told = audit.clone();
        let (of_files, of_live) = (rulebook.clone(), live.clone());
        let confined = report.to_string();
        let (lines, told_lines) = watch::channel(confined.clone());
        let rules = live.follow(move |mut changes| {
            if of_files.read_files() {
                changes.push(Change::Refused("policies"));
            }
            record(&told, &changes);
            status::tell(&lines, status::line(&of_live, &of_files, &confined));
        })?;
        let ticking = tick(Ticking {
            live,
            quota: quota.clone(),
            audit: audit.clone(),
            inbox: kept.parts.inbox.clone(),
            tasks: kept.tasks.clone(),
            conversations: kept.parts.conversations.clone(),
        });
        let access = Access::new(kept.parts, audit.clone());
        let (stopping, stopped) = watch::channel(());
        let ids = RequestIds::new()?;
        let (metrics, room) = (Metrics::new(), Room::new(kept.tasks));
        let timeout = config.call_timeout;
        let mcp = Mcp::new(registry, access, ids, metrics, room, timeout, stopped.clone())?;
        let sessions = Sessions { tracker: TaskTracker::new(), stopped };
        let workers = workers.clone();
        let app = App { hosts, mcp, sessions, workers, confinement: report.clone() };
        let tcp = tokio::net::TcpListener::from_std(tcp)?;
        let local = local.map(tokio::net::UnixListener::from_std).transpose()?;
        let person = person.map(tokio::net::UnixListener::from_std).transpose()?;
        let stop = daemon::stop_signal()?;
        let app = Arc::new(app);
        let background = [
            tokio::spawn(tell_refusals(app.clone())),
            tokio::spawn(following),
            tokio::spawn(rules),
            tokio::spawn(ticking),
            tokio::spawn(follow_tasks(app.clone())),
            tokio::spawn(status::follow(told_lines)),
            tokio::spawn(daemon::watchdog()),
        ];
        tell_ready(address, &app);
        let listeners = Listeners { tcp, local, person, terms };
        transport::serve(listeners, app.clone(), stopping, stop).await;
        app.mcp.access().tell_refusals().await;
        keep(&quota);
        audit.close();
        // What is under way still has been given up, and its end is not waited for.
        let recorded = tokio::task::spawn_blocking(move || recording.join());
        if tokio::time::timeout(LAST_RECORDS, recorded).await.is_err() {
            tracing::warn!("the audit log was not closed in order");
        }
        background.iter().for_each(JoinHandle::abort);
        Ok::<(), BoxError>(())
    });
    // What was to end has ended, or has been given up.
    runtime.shutdown_background();
    workers.stop();
    served
}

/// What is opened before the process is locked down, and decides on calls afterwards.
struct Kept {
    parts: Parts,
    tasks: Arc<Tasks>,
    log: Log,
}

impl Kept {
    fn open(config: &Config) -> Result<Self, BoxError> {
        let folder = &config.state_dir;
        let inbox = Arc::new(Inbox::open(&folder.join(APPROVALS_DB), calendar())?);
        let tasks = Arc::new(Tasks::open(&folder.join(TASKS_DB), calendar())?);
        let rulebook = Arc::new(Rulebook::new(config.files().policies, inbox.clone()));
        rulebook.read_files();
        let heir = rulebook.clone();
        let live = Live::open(config.files(), &folder.join(CLIENTS_DB), move |clients, terms| {
            heir.rules_are(clients, terms);
        })?;
        let conversations = Conversations::open(&folder.join(CONVERSATIONS_DB), calendar())?;
        let quota = Quota::open(&folder.join(QUOTA_DB), wall_clock(), calendar())?;
        let redactor = Redactor::new(config.redact.iter().map(String::as_str));
        let tool_rates = config.tool_rates.iter().map(|rate| {
            let window = Duration::from_secs(rate.window_seconds.get().into());
            (rate.methods.clone(), Rate { requests: rate.requests, window })
        });
        let parts = Parts {
            live: Arc::new(live),
            quota: Arc::new(quota),
            tool_rates: tool_rates.collect(),
            rulebook,
            inbox,
            conversations: Arc::new(conversations),
        };
        Ok(Self { parts, tasks, log: Log::open(folder, redactor)? })
    }
}

/// Records what an administrator has changed.
fn record(audit: &Audit, changes: &[Change]) {
    for change in changes {
        let (what, outcome, how) = match change {
            Change::Clients(names) => ("clients", "changed", Some(names.to_string())),
            Change::Terms { tier, holder } => {
                let terms = json!({ "tier": tier, "holder": holder });
                ("licence", "changed", Some(terms.to_string()))
            }
            Change::Refused(file) => (*file, "refused", None),
        };
        let mut entry = Entry::new(Kind::Admin, what);
        (entry.outcome, entry.arguments) = (outcome, how.map(Into::into));
        if !audit.try_record(entry) {
            tracing::warn!(what, outcome, "a change could not be recorded");
        }
    }
}

/// What is looked after again and again.
struct Ticking {
    live: Arc<Live>,
    quota: Arc<Quota>,
    audit: Audit,
    inbox: Arc<Inbox>,
    tasks: Arc<Tasks>,
    conversations: Arc<Conversations>,
}

/// Ends what is over, and writes down what is counted, again and again.
async fn tick(of: Ticking) {
    let mut interval = tokio::time::interval(KEEP);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tidied = Instant::now();
    loop {
        interval.tick().await;
        let (live, quota) = (of.live.clone(), of.quota.clone());
        // Both wait for the disk.
        let kept = tokio::task::spawn_blocking(move || {
            keep(&quota);
            live.tick()
        });
        match kept.await {
            Ok(changes) => record(&of.audit, &changes),
            Err(_) => return,
        }
        if tidied.elapsed() < TIDY {
            continue;
        }
        tidied = Instant::now();
        let (inbox, tasks) = (of.inbox.clone(), of.tasks.clone());
        let conversations = of.conversations.clone();
        let tidying = tokio::task::spawn_blocking(move || {
            conversations.tick();
            if let Err(error) = inbox.tick() {
                tracing::error!(%error, "the calls that wait for a person cannot be kept");
            }
            if let Err(error) = tasks.tick() {
                tracing::error!(%error, "the calls that go on as tasks cannot be kept");
            }
        });
        if tidying.await.is_err() {
            return;
        }
    }
}

/// Records again and again how many refusals had no row of their own.
async fn tell_refusals(app: Arc<App>) {
    let mut interval = tokio::time::interval(TELL_REFUSALS);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        app.mcp.access().tell_refusals().await;
    }
}

fn keep(quota: &Quota) {
    static GATE: LogGate = LogGate::new();
    if let Err(error) = quota.flush()
        && let Some(untold) = GATE.pass()
    {
        tracing::error!(%error, untold, "what was counted cannot be kept");
    }
}

fn tell_ready(address: SocketAddr, app: &App) {
    // Whoever started it with port 0 learns the port from this; systemd passes it over.
    let listening = format!("X_LLMBASEDOS_LISTEN={address}");
    let access = app.mcp.access();
    let status = status::line(access.live(), access.rulebook(), &app.confinement.to_string());
    daemon::notify(&[
        NotifyState::Ready,
        NotifyState::Status(&status),
        NotifyState::Custom(&listening),
    ]);
    tracing::info!(%address, "ready");
}
