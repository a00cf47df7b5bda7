//! `llmbasedos audit`: what was decided and done.

mod verify;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use ::audit::{FILE, Filter, Kind, Reader, Row};
use daemon::BoxError;
use jiff::Timestamp;
use telemetry::{Style, escaped};

use crate::command::Failure;
use crate::limits::AUDIT_LOOK;
use crate::place::{ConfigDir, Place};

/// Look at the record of every decision and effect, and whether it is whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: ConfigDir,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Tail(Tail),
    Search(Search),
    Export(Export),
    Verify(verify::Arguments),
}

/// Show the last rows.
#[derive(Debug, clap::Args)]
struct Tail {
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    rows: usize,
    /// Go on with those that come, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Write each as JSON
    #[arg(long)]
    json: bool,
}

/// Show the rows to which all of this applies.
#[derive(Debug, clap::Args)]
struct Search {
    #[command(flatten)]
    wanted: Wanted,
    /// The last so many of them
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1000)]
    rows: usize,
    /// Write each as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Wanted {
    /// Of this client
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Of this method, or of all that begin so (`mcp.fs.*`)
    #[arg(long, value_name = "METHOD")]
    tool: Option<String>,
    /// Of this request
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Of this kind: read, intent, outcome, refusal, approval, admin, start, stop, gap
    #[arg(long)]
    kind: Option<Kind>,
    /// That ended so: ok, failed, not_made, given_up, unknown, not_permitted, too_soon, ...
    #[arg(long, value_name = "WORD")]
    outcome: Option<String>,
    /// From this time on
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// Write all rows, the oldest first.
#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    wanted: Wanted,
    /// How
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line of JSON for each
    Jsonl,
    /// Comma-separated values (RFC 4180), with a heading
    Csv,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let done = match &arguments.command {
        Command::Tail(tail) => show_last(&place, tail),
        Command::Search(search) => show_found(&place, search),
        Command::Export(export) => write_all(&place, export),
        Command::Verify(asked) => verify::run(&place, asked),
    };
    done.map_err(Failure::Work)
}

impl Wanted {
    fn filter(&self) -> Filter {
        Filter {
            after: None,
            client: self.client.clone(),
            what: self.tool.clone(),
            request: self.request.clone(),
            kind: self.kind,
            outcome: self.outcome.clone(),
            since: self.since,
            until: self.until,
        }
    }
}

fn file(place: &Place) -> PathBuf {
    place.state.join(FILE)
}

fn show_last(place: &Place, tail: &Tail) -> Result<(), BoxError> {
    let reader = Reader::open(&file(place))?;
    let mut filter = Filter::default();
    let mut out = io::stdout().lock();
    let mut rows = reader.last(&filter, tail.rows)?;
    loop {
        for row in &rows {
            writeln!(out, "{}", line(row, tail.json)?)?;
            filter.after = Some(row.seq);
        }
        out.flush()?;
        if !tail.follow {
            return Ok(());
        }
        wait(AUDIT_LOOK);
        rows.clear();
        reader.each(&filter, |row| {
            rows.push(row);
            true
        })?;
    }
}

/// Waits for nothing but the time: SQLite tells other processes of no change.
fn wait(time: Duration) {
    std::thread::park_timeout(time);
}

fn show_found(place: &Place, search: &Search) -> Result<(), BoxError> {
    let reader = Reader::open(&file(place))?;
    let mut out = io::stdout().lock();
    for row in reader.last(&search.wanted.filter(), search.rows)? {
        writeln!(out, "{}", line(&row, search.json)?)?;
    }
    Ok(())
}

fn write_all(place: &Place, export: &Export) -> Result<(), BoxError> {
    let reader = Reader::open(&file(place))?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    if export.format == Format::Csv {
        writeln!(out, "{}", HEADING.join(","))?;
    }
    reader.each(&export.wanted.filter(), |row| {
        let text = match export.format {
            Format::Jsonl => line(&row, true),
            Format::Csv => Ok(csv(&row)),
        };
        written = text.and_then(|text| Ok(writeln!(out, "{text}")?));
        written.is_ok()
    })?;
    written?;
    out.flush()?;
    Ok(())
}

/// One row as a line. What strangers have sent is within: so nothing in it may drive a terminal, or forge a line.
fn line(row: &Row, json: bool) -> Result<String, BoxError> {
    if json {
        return Ok(escaped(&serde_json::to_string(row)?, Style::Json));
    }
    let time = Timestamp::from_microsecond(row.at).unwrap_or_default();
    let client = if row.client.is_empty() { "-" } else { &row.client };
    let Row { seq, kind, what, outcome, .. } = row;
    let mut parts = vec![format!("{seq:>8} {time:.3} {kind:<8} {client:<12} {what} {outcome}")];
    parts.extend((row.code != 0).then(|| format!("({})", row.code)));
    parts.extend(row.refers.map(|refers| format!("of {refers}")));
    parts.extend((row.micros > 0).then(|| format!("{} us", row.micros)));
    parts.extend(row.arguments.clone());
    parts.extend((!row.request.is_empty()).then(|| format!("[{}]", row.request)));
    Ok(escaped(&parts.join(" "), Style::Text))
}

/// The columns of CSV.
const HEADING: [&str; 13] = [
    "seq",
    "at",
    "kind",
    "request",
    "client",
    "origin",
    "what",
    "arguments",
    "outcome",
    "code",
    "bytes",
    "micros",
    "refers",
];

fn csv(row: &Row) -> String {
    let time = Timestamp::from_microsecond(row.at).unwrap_or_default();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let fields = [
        row.seq.to_string(),
        time.to_string(),
        row.kind.clone(),
        row.request.clone(),
        row.client.clone(),
        row.origin.clone(),
        row.what.clone(),
        row.arguments.clone().unwrap_or_default(),
        row.outcome.clone(),
        row.code.to_string(),
        row.bytes.to_string(),
        row.micros.to_string(),
        number(row.refers),
    ];
    let quoted = fields.map(|field| {
        // A spreadsheet takes these for the beginning of a formula.
        let safe = if field.starts_with(['=', '+', '-', '@', '\t', '\r'])
            && field.parse::<i64>().is_err()
        {
            format!("'{field}")
        } else {
            field
        };
        format!("\"{}\"", escaped(&safe, Style::Text).replace('"', "\"\""))
    });
    quoted.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row in which somebody has put this.
    fn row(text: &str) -> Row {
        let text = text.to_owned();
        Row {
            seq: 1,
            at: 0,
            kind: "read".to_owned(),
            request: text.clone(),
            client: text.clone(),
            origin: "http".to_owned(),
            what: text.clone(),
            arguments: Some(text.clone()),
            outcome: "ok".to_owned(),
            code: 0,
            bytes: 0,
            micros: 0,
            refers: None,
            hash: [0; 32],
        }
    }

    #[test]
    fn nothing_that_strangers_have_sent_drives_a_terminal_or_forges_a_line() {
        let row = row("a\x1b[2J\u{9b}2J\n2 read\u{202e}\u{200b}\x07\u{7f}\r\tb");
        for shown in [line(&row, false).unwrap(), line(&row, true).unwrap(), csv(&row)] {
            let odd = shown.chars().find(|sign| sign.is_control() || *sign > '\u{7f}');
            assert_eq!(odd, None, "{shown}");
            assert!(shown.contains("2J"), "{shown}");
        }
        let read: serde_json::Value = serde_json::from_str(&line(&row, true).unwrap()).unwrap();
        assert_eq!(read["what"].as_str(), Some(row.what.as_str()), "JSON loses nothing");
    }

    #[test]
    fn a_spreadsheet_takes_nothing_for_a_formula() {
        assert!(csv(&row("=1+1")).contains(r#""'=1+1""#));
        assert!(csv(&row(r#"a"b"#)).contains(r#""a""b""#));
    }
}
