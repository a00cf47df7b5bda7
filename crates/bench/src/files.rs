//! Files: P15 and P16, beside the servers and programs of others.
//!
//! Every client asks for the same: ours over HTTP through the gateway, with all that it decides and records, theirs over their
//! standard streams, as hosts start them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bringup::{Choices, Plan, Running};
use licence::Limits;
use memchr::memmem;
use serde_json::{Value, json};

use crate::Common;
use crate::figures::{Figure, Goal, quantile};
use crate::measure::{alternating, goal, info, pairs};
use crate::peer::{Calls, Gateway, Stdio as Other};

/// The entries of the folder that is listed, as the goal has it.
const LISTED: usize = 1000;
/// The size of the file that is read, in bytes, as the goal has it.
const READ_BYTES: usize = 1024 * 1024;
/// The tree that is walked, as the goal has it: 130,000 files.
const FOLDERS: usize = 130;
const FILES_PER_FOLDER: usize = 1000;
/// What of them is looked for: one file a folder.
const SOUGHT: &str = "needle-*.txt";

/// What is measured how often: in all, and calls of which the median counts.
struct Extent {
    repeats: usize,
    calls: usize,
    folders: usize,
}

const WHOLE: Extent = Extent { repeats: 5, calls: 40, folders: FOLDERS };
const QUICK: Extent = Extent { repeats: 1, calls: 2, folders: 2 };

/// What it takes.
#[derive(clap::Args)]
pub(crate) struct FsArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The Node that runs the reference server
    #[arg(long, value_name = "FILE")]
    node: PathBuf,
    /// The script of `@modelcontextprotocol/server-filesystem`
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    /// The program of `rust-mcp-filesystem`
    #[arg(long, value_name = "FILE")]
    rust: PathBuf,
    /// The program of `fd-find`
    #[arg(long, value_name = "FILE")]
    fd: PathBuf,
    /// The program of `ripgrep`
    #[arg(long, value_name = "FILE")]
    rg: PathBuf,
}

/// Measures.
pub(crate) fn run(args: &FsArgs) -> Result<Vec<Figure>> {
    let extent = if args.common.quick { QUICK } else { WHOLE };
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let root = folder.path().join("root");
    plant(&root, &extent)?;
    let running = start(&args.common.programs()?, &folder.path().join("state"), &root)?;
    let facts = running.facts();
    let port = facts.endpoint.trim_end_matches("/mcp").rsplit(':').next();
    let port = port.and_then(|port| port.parse().ok()).context("the endpoint has a port")?;
    let mut ours = Gateway::connect(port, &facts.key)?;
    let mut reference = Other::start(Command::new(&args.node).arg(&args.reference).arg(&root))?;
    let mut rust = Other::start(Command::new(&args.rust).arg(&root))?;

    let mut figures = Vec::new();
    let at = |name: &str| root.join(name).to_string_lossy().into_owned();
    let listing = json!({ "path": at("list") });
    let listed = alternating(extent.repeats, |which| match which {
        0 => timed(&extent, &mut ours, "fs_list", &json!({ "path": "/list", "limit": LISTED })),
        1 => timed(&extent, &mut reference, "list_directory", &listing),
        2 => timed(&extent, &mut reference, "list_directory_with_sizes", &listing),
        _ => timed(&extent, &mut rust, "list_directory", &listing),
    })?;
    let [mine, theirs, with_sizes, of_rust] = listed;
    let times = Goal::at_least(3.0, 10.0);
    let what = "list of 1,000 entries, the reference server's time by ours";
    figures.push(goal("P15", what, "x", pairs(&theirs, &mine, |a, b| a / b), times));
    let what = "list of 1,000 entries, rust-mcp-filesystem's time by ours";
    figures.push(goal("P15", what, "x", pairs(&of_rust, &mine, |a, b| a / b), times));
    figures.push(info("ours, with sizes and times", "ms", mine));
    figures.push(info("the reference server, names", "ms", theirs));
    figures.push(info("the reference server, with sizes", "ms", with_sizes));
    figures.push(info("rust-mcp-filesystem, names", "ms", of_rust));

    let reading = json!({ "path": at("read.txt") });
    let read = alternating(extent.repeats, |which| match which {
        0 => timed(&extent, &mut ours, "fs_read", &json!({ "path": "/read.txt" })),
        1 => timed(&extent, &mut reference, "read_text_file", &reading),
        _ => timed(&extent, &mut rust, "read_text_file", &reading),
    })?;
    let [mine, theirs, of_rust] = read;
    let what = "read of 1 MiB, the reference server's time by ours";
    figures.push(goal(
        "P15",
        what,
        "x",
        pairs(&theirs, &mine, |a, b| a / b),
        Goal::at_least(3.0, 10.0),
    ));
    let what = "read of 1 MiB, rust-mcp-filesystem's time by ours";
    figures.push(goal(
        "P15",
        what,
        "x",
        pairs(&of_rust, &mine, |a, b| a / b),
        Goal::at_least(1.0, 2.0),
    ));
    figures.push(info("ours", "ms", mine));
    figures.push(info("the reference server", "ms", theirs));
    figures.push(info("rust-mcp-filesystem", "ms", of_rust));

    let walk = root.join("walk");
    let walked = alternating(extent.repeats, |which| match which {
        0 => once(|| find(&mut ours, &extent)),
        1 => once(|| {
            outside(Command::new(&args.fd).args(["-u", "--glob", SOUGHT]).arg(&walk), &extent)
        }),
        _ => once(|| outside(Command::new("find").arg(&walk).args(["-name", SOUGHT]), &extent)),
    })?;
    let [mine, fd, find] = walked;
    let what = "find among 130,000 files, fd's time by ours";
    figures.push(goal("P16", what, "x", pairs(&fd, &mine, |a, b| a / b), Goal::at_least(0.7, 1.0)));
    let what = "find among 130,000 files, find's time by ours";
    figures.push(info(what, "x", pairs(&find, &mine, |a, b| a / b)));
    figures.push(info("ours", "ms", mine));
    figures.push(info("fd", "ms", fd));
    figures.push(info("find", "ms", find));

    let sought = "the needle";
    let searched = alternating(extent.repeats, |which| match which {
        0 => once(|| grep(&mut ours, sought, &extent)),
        _ => once(|| {
            outside(Command::new(&args.rg).args(["-uu", "-l", "-F", sought]).arg(&walk), &extent)
        }),
    })?;
    let [mine, rg] = searched;
    figures.push(info(
        "search in 130,000 files, rg's time by ours",
        "x",
        pairs(&rg, &mine, |a, b| a / b),
    ));
    figures.push(info("ours", "ms", mine));
    figures.push(info("rg", "ms", rg));
    running.stop()?;
    Ok(figures)
}

/// Makes what is listed, read and walked.
fn plant(root: &Path, extent: &Extent) -> Result<()> {
    let list = root.join("list");
    fs::create_dir_all(&list)?;
    for number in 0..LISTED {
        fs::write(list.join(format!("entry-{number:04}.txt")), "x")?;
    }
    let line = "All work and no play makes a benchmark of plain text, which is what people keep.\n";
    let text: String = line.chars().cycle().take(READ_BYTES).collect();
    fs::write(root.join("read.txt"), text)?;
    for folder in 0..extent.folders {
        let folder = root.join("walk").join(format!("folder-{folder:03}"));
        fs::create_dir_all(&folder)?;
        for number in 1..FILES_PER_FOLDER {
            fs::write(folder.join(format!("hay-{number:04}.txt")), "hay")?;
        }
        fs::write(folder.join("needle-0000.txt"), "here is the needle")?;
    }
    Ok(())
}

fn start(programs: &Path, state: &Path, root: &Path) -> Result<Running> {
    let plan = Plan {
        choices: Choices::default(),
        state: state.to_owned(),
        root: Some(root.to_owned()),
        port: 0,
        programs: programs.to_owned(),
        call_timeout_seconds: None,
        log_level: None,
        // What is measured is not how often one may.
        limits: Limits::NO_RATE,
    };
    plan.start(|_| {}).context("start the appliance")
}

/// The median time of a call, in milliseconds.
fn timed(extent: &Extent, server: &mut impl Calls, tool: &str, arguments: &Value) -> Result<f64> {
    let mut times = Vec::with_capacity(extent.calls);
    // The first finds nothing warm.
    server.call(tool, arguments)?;
    for _ in 0..extent.calls {
        times.push(once(|| server.call(tool, arguments).map(drop))?);
    }
    Ok(quantile(&times, 0.5))
}

/// How long something takes, in milliseconds.
fn once(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

fn find(ours: &mut impl Calls, extent: &Extent) -> Result<()> {
    let answer = ours.call("fs_find", &json!({ "path": "/walk", "pattern": SOUGHT }))?;
    all(&answer, "/needle-0000.txt\"", extent)
}

fn grep(ours: &mut impl Calls, sought: &str, extent: &Extent) -> Result<()> {
    let arguments = json!({ "path": "/walk", "query": sought });
    let answer = ours.call("fs_grep", &arguments)?;
    all(&answer, "/needle-0000.txt\"", extent)
}

/// Runs a program that prints what it finds, a line each.
fn outside(command: &mut Command, extent: &Extent) -> Result<()> {
    let output = command.stderr(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed");
    all(&output.stdout, "/needle-0000.txt\n", extent)
}

/// Whoever finds less is no peer.
fn all(answer: &[u8], needle: &str, extent: &Extent) -> Result<()> {
    // A result of MCP holds everything twice: as structure, and as text in which quotes are escaped.
    let found = memmem::find_iter(answer, needle.as_bytes()).count();
    ensure!(found == extent.folders, "{found} of {} were found", extent.folders);
    Ok(())
}
