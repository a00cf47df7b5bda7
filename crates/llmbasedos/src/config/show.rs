//! `llmbasedos config show`.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use settings::{Report, Setting};

use super::names::{Fate, fates};
use super::{Show, clients, daemons};
use crate::command::Failure;

/// Where it keeps the daemons' programs.
const PROGRAMS: &str = "/usr/lib/llmbasedos";

pub(super) fn show(arguments: &Show) -> Result<(), Failure> {
    let programs = match &arguments.programs {
        Some(programs) => programs.clone(),
        None => beside().map_err(|error| Failure::Work(error.into()))?,
    };
    let configs = arguments.place.folder()?;
    let mut reports = Vec::new();
    let mut refused = Vec::new();
    for daemon in daemons::DAEMONS {
        match daemon.ask(&programs, &configs) {
            Ok(report) => reports.push(report),
            Err(reason) => refused.push((daemon.name, reason)),
        }
    }
    match clients::report() {
        Ok(report) => reports.push(report),
        Err(error) => refused.push(("luca-shell", format!("luca-shell: {error}"))),
    }
    let set: Vec<String> = env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    let settings = reports.iter().flat_map(|report| &report.settings);
    let read: Vec<&str> =
        settings.flat_map(|setting| &setting.variables).map(String::as_str).collect();
    // What a program that was refused reads is not known, so nothing is said of names that may be its.
    let fates: Vec<(&str, Fate)> = fates(set.iter().map(String::as_str), &read)
        .into_iter()
        .filter(|(_, fate)| refused.is_empty() || *fate != Fate::Unknown)
        .collect();
    let text = if arguments.json {
        as_json(&reports, &refused, &fates)
    } else {
        as_text(&reports, &fates)
    };
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::Work(error.into()))?;
    if refused.is_empty() {
        return Ok(());
    }
    let reasons: Vec<&str> = refused.iter().map(|(_, reason)| reason.as_str()).collect();
    Err(Failure::Work(format!("refused:\n{}", reasons.join("\n")).into()))
}

/// The folder of this program, where the daemons' are beside it, else that of the appliance.
fn beside() -> io::Result<PathBuf> {
    let folder = env::current_exe()?.parent().map(PathBuf::from).unwrap_or_default();
    Ok(if folder.join("gateway").is_file() { folder } else { PROGRAMS.into() })
}

fn as_json(reports: &[Report], refused: &[(&str, String)], fates: &[(&str, Fate)]) -> String {
    let refused = refused.iter().map(|(name, reason)| json!({ "program": name, "reason": reason }));
    let fates =
        fates.iter().map(|(name, fate)| json!({ "variable": name, "fate": fate.to_string() }));
    let all = json!({
        "programs": reports,
        "refused": refused.collect::<Value>(),
        "not_read": fates.collect::<Value>(),
    });
    format!("{all:#}")
}

fn as_text(reports: &[Report], fates: &[(&str, Fate)]) -> String {
    let mut parts: Vec<String> = reports.iter().map(as_table).collect();
    if !fates.is_empty() {
        let mut table = table(["variable", "what becomes of it"]);
        for (name, fate) in fates {
            table.add_row([(*name).to_owned(), fate.to_string()]);
        }
        parts.push(format!("set, and read by no program\n{}", trimmed(&table)));
    }
    parts.join("\n\n")
}

fn as_table(report: &Report) -> String {
    let mut table = table(["setting", "value", "from", "variables"]);
    for Setting { name, value, source, variables } in &report.settings {
        let value = match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => visible(text),
            other => visible(&other.to_string()),
        };
        let from = visible(&source.to_string());
        table.add_row([name.clone(), value, from, variables.join(", ")]);
    }
    format!("{}\n{}", report.program, trimmed(&table))
}

fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    table
}

/// The lines of a table without the blanks at their ends.
fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A value that may hold anything, on one line and without power over the terminal.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(
            |char| if char.is_control() { char.escape_default().collect() } else { vec![char] },
        )
        .collect()
}
