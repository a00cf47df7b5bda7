//! The README tells the truth: its commands are run as they stand, and its host snippets, like those that `up` prints,
//! are parsed and their URL and headers used for a real call.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what is missing fails the test")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::{Appliance, Up, checkout, programs, until};

/// How long what was printed may take to be read.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A fenced block of the README: its language and its text.
fn blocks() -> Vec<(String, String)> {
    let readme = fs::read_to_string(checkout().join("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), text.join("\n")));
        }
    }
    blocks
}

/// The lines of the README's shell blocks.
fn commands() -> Vec<String> {
    let shell = blocks().into_iter().filter(|(language, _)| language == "sh");
    shell.flat_map(|(_, text)| text.lines().map(ToOwned::to_owned).collect::<Vec<_>>()).collect()
}

/// Where a host would call, and with which headers.
#[derive(Debug)]
struct Snippet {
    url: String,
    headers: Vec<(String, String)>,
}

/// What VS Code and Cursor read from their configuration.
fn from_json(text: &str) -> Snippet {
    let json: Value = serde_json::from_str(text).unwrap();
    let servers = json.get("servers").or_else(|| json.get("mcpServers")).unwrap();
    let server = &servers["llmbasedos"];
    if json.get("servers").is_some() {
        assert_eq!(server["type"], "http", "VS Code wants a type");
    }
    let headers = server["headers"].as_object().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Snippet {
        url: text(&server["url"]),
        headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
    }
}

/// What Claude Code is told: the line is run by a shell, with a `claude` that notes its arguments.
fn from_command_line(line: &str) -> Snippet {
    let folder = tempfile::tempdir().unwrap();
    let claude = folder.path().join("claude");
    fs::write(&claude, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    fs::set_permissions(&claude, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").args(["-c", line]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{line}");
    let output = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = output.lines().collect();
    assert_eq!(words.get(..5), Some(&["mcp", "add", "--transport", "http", "llmbasedos"][..]));
    assert_eq!(words.get(6), Some(&"--header"));
    let (name, value) = words.get(7).unwrap().split_once(": ").unwrap();
    Snippet { url: (*words.get(5).unwrap()).to_owned(), headers: vec![(name.into(), value.into())] }
}

/// Uses a snippet as its host would: at its URL, with its headers.
fn use_it(appliance: &Appliance, snippet: &Snippet) {
    let rest =
        snippet.url.strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("{snippet:?}"));
    let (port, page) = rest.split_once('/').unwrap();
    assert_eq!(port, appliance.port().to_string(), "{snippet:?}");
    let bare = appliance.request().without("Authorization").target(&format!("/{page}"));
    let request =
        snippet.headers.iter().fold(bare, |request, (name, value)| request.header(name, value));
    let reply = request.legacy("tools/list", &json!({})).send();
    assert_eq!(reply.status, 200, "{snippet:?}: {}", reply.json());
    assert!(reply.json()["result"]["tools"].as_array().is_some_and(|tools| tools.len() == 24));
}

/// Starts what Claude Desktop would, with nothing else in its environment, and asks it for the tools.
fn start_it(text: &str) {
    let json: Value = serde_json::from_str(text).unwrap();
    let server = &json["mcpServers"]["llmbasedos"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let arguments: Vec<String> = server["args"].as_array().unwrap().iter().map(text).collect();
    let environment = server["env"].as_object().unwrap().iter();
    let mut bridge = Command::new(text(&server["command"]))
        .args(arguments)
        .env_clear()
        .envs(environment.map(|(name, value)| (name, text(value))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ask = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n";
    bridge.stdin.take().unwrap().write_all(ask).unwrap();
    let output = bridge.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(reply["result"]["tools"].as_array().is_some_and(|tools| tools.len() == 24), "{reply}");
}

#[test]
fn the_snippets_of_the_readme_work_with_a_key_put_in() {
    let appliance = Appliance::new().start();
    let filled = |text: &str| {
        assert!(text.contains("YOUR_KEY") && text.contains("127.0.0.1:8000"), "{text}");
        text.replace("YOUR_KEY", &appliance.facts().key)
            .replace("127.0.0.1:8000", &format!("127.0.0.1:{}", appliance.port()))
    };
    let json: Vec<String> = blocks()
        .into_iter()
        .filter(|(language, _)| language == "json")
        .map(|(_, text)| text)
        .collect();
    assert_eq!(json.len(), 3, "VS Code, Cursor and Claude Desktop");
    for text in json {
        let text = filled(&text);
        if text.contains("\"command\"") {
            // `up` prints the full path; here it is whatever the person has installed.
            let program = format!("\"{}\"", programs().join("llmbasedos").display());
            start_it(&text.replace("\"llmbasedos\",", &format!("{program},")));
        } else {
            use_it(&appliance, &from_json(&text));
        }
    }
    let claude: Vec<String> =
        commands().into_iter().filter(|line| line.starts_with("claude ")).collect();
    assert_eq!(claude.len(), 1);
    for line in claude {
        use_it(&appliance, &from_command_line(&filled(&line)));
    }
}

/// The snippets that `up` printed, by title.
fn printed_snippets(printed: &str) -> Vec<(String, String)> {
    let after = printed.split("\n--- ").skip(1);
    after
        .map(|part| {
            let (title, text) = part.split_once(" ---\n").unwrap();
            (title.to_owned(), text.split("\n\n").next().unwrap().to_owned())
        })
        .collect()
}

/// A home folder for a command, with the toolchain of the real one.
fn command_in_home(home: &Path, line: &str) -> Up {
    let real = PathBuf::from(std::env::var_os("HOME").unwrap());
    let kept = |name: &str, default: &str| {
        std::env::var_os(name).map_or_else(|| real.join(default), PathBuf::from)
    };
    let script = format!(
        "HOME='{}' CARGO_HOME='{}' RUSTUP_HOME='{}' exec {line}",
        home.display(),
        kept("CARGO_HOME", ".cargo").display(),
        kept("RUSTUP_HOME", ".rustup").display(),
    );
    // `~` is the shell's, so the new home must be set before the line is read.
    Up::run(&["env", &format!("HOME={}", home.display()), "sh", "-c", &script], home)
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let ours: Vec<String> =
        commands().into_iter().filter(|line| line.starts_with("cargo ")).collect();
    assert!(
        ours.contains(&"cargo xtask up".to_owned())
            && ours.contains(&"cargo xtask test".to_owned())
    );
    for line in ours {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("Documents")).unwrap();
        if line == "cargo xtask test" {
            // It is what runs this test; that it can be called so is shown by its list of parts.
            let mut listed = command_in_home(home.path(), "cargo xtask test --list");
            assert!(listed.ended().success(), "{}", listed.printed());
            continue;
        }
        if line == "cargo xtask bench gateway" {
            // It takes minutes and the machine to itself; that it can be called so is shown by its help, of programs
            // that are built by now.
            let asked = format!("{line} --profile ci --help");
            let mut help = command_in_home(home.path(), &asked);
            assert!(help.ended().success(), "{}", help.printed());
            continue;
        }
        if line == "cargo xtask shell" {
            let mut up = command_in_home(home.path(), "cargo xtask up");
            up.ready();
            // Its input is empty, so it connects, and ends well.
            let mut shell = command_in_home(home.path(), &line);
            assert!(shell.ended().success(), "{}", shell.printed());
            let mut listing = command_in_home(home.path(), "cargo xtask shell -c ls");
            assert!(listing.ended().success());
            until("the list", PATIENCE, || listing.printed().contains("README.md").then_some(()));
            continue;
        }
        assert!(line.starts_with("cargo xtask up"), "this test does not know `{line}`");
        let mut up = command_in_home(home.path(), &line);
        let facts = up.ready();
        if line.contains("~/Documents") {
            assert_eq!(facts.root, home.path().join("Documents"));
        }
        let snippets = printed_snippets(&up.printed());
        let titles: Vec<&str> = snippets.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles.len(), 4, "{titles:?}");
        let (started, used): (Vec<_>, Vec<_>) =
            snippets.iter().partition(|(title, _)| title.starts_with("Claude Desktop"));
        for (_, text) in started {
            start_it(text);
        }
        let used = used.into_iter().map(|(title, text)| {
            if title.starts_with("Claude Code") { from_command_line(text) } else { from_json(text) }
        });
        for snippet in used {
            assert_eq!(snippet.url, facts.endpoint);
            assert_eq!(
                snippet.headers,
                [("Authorization".to_owned(), format!("Bearer {}", facts.key))]
            );
        }
        up.signal("-INT", true);
        assert!(up.ended().success(), "{}", up.printed());
    }
}

#[test]
fn every_crate_has_its_sentence() {
    let readme = fs::read_to_string(checkout().join("README.md")).unwrap();
    for entry in fs::read_dir(checkout().join("crates")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
        let sentence =
            manifest.lines().find_map(|line| line.strip_prefix("description = \"")).unwrap();
        let row = format!("| `{name}` | {} |", sentence.trim_end_matches('"'));
        assert!(readme.contains(&row), "the README has no row `{row}`");
    }
}
