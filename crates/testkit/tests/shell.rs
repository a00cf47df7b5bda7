//! luca-shell as a person and a script use it, against an appliance: what is on the screen of a terminal, what goes
//! down a pipe, and what it ends with.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Terminal, programs, until};

const PATIENCE: Duration = Duration::from_secs(20);

/// Ctrl-L.
const CLEAR: &str = "\u{c}";

/// A name that would make what follows blink, rename the window and turn the direction of text.
const HOSTILE: &str = "x\u{1b}[5m\u{1b}]0;owned\u{7}\u{202e}\n.txt";

fn appliance() -> Appliance {
    Appliance::new()
        .file("notes/today.md", "milk\n")
        .file("notes/two words.md", "bread\n")
        .file("a.txt", "hello\n")
        .file("raw.bin", b"\x00\xff\x1b[31m")
        .start()
}

fn socket(appliance: &Appliance) -> String {
    format!("unix:{}", appliance.state().join("run/gateway.sock").display())
}

/// The shell in a terminal, with a home of its own.
struct Shell {
    terminal: Terminal,
    home: tempfile::TempDir,
}

impl Shell {
    fn start(appliance: &Appliance) -> Self {
        Self::start_with(&socket(appliance), &[])
    }

    fn start_with(url: &str, env: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let terminal = open(home.path(), url, env);
        Self { terminal, home }
    }

    /// Types a line on an empty screen, waits for the prompt behind its output, in the folder `cwd`, and gives the output.
    fn line(&self, line: &str, cwd: &str) -> String {
        self.terminal.keys(CLEAR);
        self.terminal.wait("an empty screen", |screen| {
            screen.lines().count() == 1 && screen.ends_with(" luca>")
        });
        let prompt = format!("\n{cwd} luca>");
        let disconnected = format!("\n[Disconnected] {cwd} luca>");
        self.terminal.keys(&format!("{line}\r"));
        let screen = self.terminal.wait(&format!("the prompt behind `{line}`"), |screen| {
            screen.ends_with(&prompt) || screen.ends_with(&disconnected)
        });
        let (_, output) = screen.split_once(line).unwrap();
        let output = output.strip_suffix(&disconnected).unwrap_or(output);
        output.strip_suffix(&prompt).unwrap_or(output).trim().to_owned()
    }

    fn history(&self) -> String {
        fs::read_to_string(self.home.path().join(".llmbasedos_shell_history")).unwrap_or_default()
    }
}

/// Ctrl-C, and the new prompt that it gives.
fn fresh(terminal: &Terminal) {
    let prompts = terminal.screen().matches("luca>").count();
    terminal.keys("\u{3}");
    terminal.wait("a new line", |screen| {
        screen.ends_with("luca>") && screen.matches("luca>").count() > prompts
    });
}

fn open(home: &Path, url: &str, env: &[(&str, &str)]) -> Terminal {
    let home = home.to_str().unwrap();
    let env = [&[("HOME", home), ("LLMBDO_GATEWAY_WS_URL", url)], env].concat();
    let terminal = Terminal::run(&programs().join("luca-shell"), &[], &env);
    terminal.shows("luca>");
    terminal
}

/// Runs the shell without a terminal.
fn run(url: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(programs().join("luca-shell"))
        .args(["--url", url])
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that ends before it has read everything closes the pipe.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn each_command_does_what_it_says() {
    let appliance = appliance();
    let shell = Shell::start(&appliance);
    assert_eq!(shell.line("pwd", "/"), "/");

    let listed = shell.line("ls", "/");
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(
        lines.first().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["Type", "Size", "Modified", "Name"]
    );
    // Folders come first.
    assert!(lines.get(1).unwrap().starts_with("directory"), "{listed}");
    assert!(lines.get(1).unwrap().contains("[DIR]"), "{listed}");
    assert!(lines.get(2).unwrap().contains(" 6 B "), "{listed}");
    assert_eq!(shell.terminal.colour_of("notes"), vt100_blue());

    assert_eq!(shell.line("cat a.txt", "/"), "hello");
    assert_eq!(shell.line("cat raw.bin base64", "/"), "AP8bWzMxbQ==");
    assert!(shell.line("cat raw.bin", "/").contains("base64"));
    assert_eq!(shell.line("cd notes", "/notes"), "");
    assert_eq!(shell.line("cat 'two words.md'", "/notes"), "bread");
    assert!(shell.line("dir ..", "/notes").contains("a.txt"));
    assert!(shell.line("cd nowhere", "/notes").contains("-32013"));
    assert_eq!(shell.line("cd", "/"), "");

    assert!(shell.line("help", "/").contains("mcp.fs.write"));
    assert!(shell.line("help ls", "/").contains("ls [PATH]"));
    let help = shell.line("help mcp.fs.read", "/");
    assert!(help.contains("--path") && help.contains("text|base64"), "{help}");
    assert!(shell.line("licence", "/").contains("\"tier\""));
    assert!(shell.line("connect", "/").starts_with("Connected to unix:"));
    assert!(shell.line("nonsense", "/").contains("no command `nonsense`"));
}

fn vt100_blue() -> vt100::Color {
    vt100::Color::Idx(12)
}

#[test]
fn it_asks_before_it_deletes() {
    let appliance = appliance();
    let shell = Shell::start(&appliance);
    let file = appliance.root().join("a.txt");
    for no in ["n\r", "\r", "\u{3}"] {
        shell.terminal.keys("rm a.txt\r");
        shell.terminal.wait("the question", |screen| screen.ends_with("[y/N]"));
        shell.terminal.keys(no);
        shell.terminal.wait("a prompt", |screen| screen.ends_with("cancelled\n/ luca>"));
        assert!(file.is_file());
    }
    shell.terminal.keys("rm a.txt\r");
    shell.terminal.wait("the question", |screen| screen.ends_with("[y/N]"));
    shell.terminal.keys("y\r");
    shell.terminal.shows("Deleted /a.txt");
    assert!(!file.is_file());

    assert!(shell.line("rm -f notes", "/").contains("error"));
    assert_eq!(shell.line("rm -rf notes", "/"), "Deleted /notes");
    assert!(!appliance.root().join("notes").is_dir());
}

#[test]
fn calls_can_be_written_in_each_way() {
    let appliance = appliance();
    let shell = Shell::start(&appliance);
    assert_eq!(shell.line("mcp.fs.read a.txt text", "/"), "hello");
    assert_eq!(shell.line(r#"mcp.fs.read ["/a.txt"]"#, "/"), "hello");
    assert_eq!(shell.line(r#"mcp.fs.read {"path": "/a.txt"}"#, "/"), "hello");
    assert_eq!(shell.line("mcp.fs.read --path a.txt --encoding=base64", "/"), "aGVsbG8K");
    let written = shell.line(r#"mcp.fs.write ["/a b.txt", "x"]"#, "/");
    assert!(written.contains("\"bytes_written\": 1"), "{written}");
    assert_eq!(fs::read_to_string(appliance.root().join("a b.txt")).unwrap(), "x");
    assert!(shell.line("mcp.fs.read --nope 1", "/").contains("no parameter `nope`"));
    assert!(shell.line("mcp.fs.nope", "/").contains("-32601"));
    // A line that is not whole goes on below.
    shell.terminal.keys("mcp.fs.read [\r");
    shell.terminal.wait("a second line", |screen| screen.ends_with("\n..."));
    shell.terminal.keys("\"/a.txt\"]\r");
    shell.terminal.wait("the file", |screen| screen.ends_with("hello\n/ luca>"));
}

#[test]
fn tab_completes_commands_methods_paths_and_words_of_schemas() {
    let appliance = appliance();
    let shell = Shell::start(&appliance);
    // The list of methods has come when the first call was answered.
    shell.line("help", "/");
    let check = |typed: &str, completed: &str| {
        shell.terminal.keys(typed);
        shell.terminal.wait(completed, |screen| {
            screen.lines().last().unwrap().trim_end() == format!("/ luca> {completed}").trim_end()
        });
        fresh(&shell.terminal);
    };
    check("lic\t", "licence");
    check("mcp.fs.wr\t", "mcp.fs.write");
    check("cat a\t", "cat a.txt");
    check("cd no\t", "cd notes/");
    check("cat notes/two\t", "cat 'notes/two words.md'");
    check("mcp.fs.read --enc\t", "mcp.fs.read --encoding");
    check("mcp.fs.read --encoding=b\t", "mcp.fs.read --encoding=base64");
    // What is not one thing is a menu.
    shell.terminal.keys("mcp.fs.\t");
    shell.terminal.wait("a menu", |screen| {
        ["mcp.fs.delete", "mcp.fs.list", "mcp.fs.write"].iter().all(|name| screen.contains(name))
    });
}

#[test]
fn nothing_that_a_stranger_wrote_drives_the_terminal() {
    let appliance = appliance();
    fs::write(appliance.root().join(HOSTILE), "").unwrap();
    fs::write(appliance.root().join("evil.txt"), format!("{HOSTILE}\tkept\n")).unwrap();
    let shell = Shell::start(&appliance);
    let shown = r"x\u{1b}[5m\u{1b}]0;owned\u{7}\u{202e}\n.txt";
    assert!(shell.line("ls", "/").contains(shown));
    assert!(shell.line("mcp.fs.list /", "/").contains(shown));
    let content = shell.line("cat evil.txt", "/");
    assert!(content.starts_with(r"x\u{1b}[5m\u{1b}]0;owned\u{7}\u{202e}"), "{content}");
    assert!(content.ends_with("\n.txt    kept"), "{content}");
    // It is not suggested either.
    shell.terminal.keys("cat x\t");
    fresh(&shell.terminal);
    assert!(!shell.terminal.screen().contains("luca> cat 'x"));
    let raw = String::from_utf8(shell.terminal.raw()).unwrap();
    for order in ["\u{1b}[5m", "\u{1b}]0;owned", "\u{202e}", "\u{7}"] {
        assert!(!raw.contains(order), "{order:?} reached the terminal");
    }
}

#[test]
fn the_history_is_kept_and_secrets_are_not() {
    let appliance = appliance();
    let shell = Shell::start(&appliance);
    shell.line("pwd", "/");
    shell.line(" ls", "/");
    shell.line("mcp.fs.read llmb_secret", "/");
    shell.line("cat a.txt", "/");
    assert_eq!(shell.history(), "pwd\ncat a.txt\n");
    let file = shell.home.path().join(".llmbasedos_shell_history");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    // Another shell knows it: by the arrow, by a hint, and by search.
    let next = open(shell.home.path(), &socket(&appliance), &[]);
    next.keys("\u{1b}[A");
    next.wait("the last line", |screen| screen.ends_with("/ luca> cat a.txt"));
    fresh(&next);
    next.keys("pw");
    next.wait("a hint", |screen| screen.ends_with("/ luca> pwd"));
    fresh(&next);
    next.keys("\u{12}ca");
    next.wait("what was searched for", |screen| screen.ends_with("cat a.txt"));
}

#[test]
fn ctrl_c_cancels_a_call_and_ctrl_d_leaves() {
    let appliance = appliance();
    let _flow = appliance.flow_server();
    let mut shell = Shell::start(&appliance);
    shell.terminal.keys("mcp.flow.wait 60000 patient\r");
    let state = |wanted: &str| {
        until(&format!("a call that is {wanted}"), PATIENCE, || {
            let seen = appliance.flow_seen();
            seen.iter().any(|call| call["state"] == wanted).then_some(())
        });
    };
    state("running");
    shell.terminal.keys("\u{3}");
    shell.terminal.wait("a prompt", |screen| screen.ends_with("cancelled\n/ luca>"));
    state("cancelled");
    shell.terminal.keys("ls no");
    shell.terminal.shows("luca> ls no");
    fresh(&shell.terminal);
    shell.terminal.keys("\u{4}");
    assert_eq!(shell.terminal.exit_code(), 0);
}

#[test]
fn a_link_that_is_down_is_seen_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("gateway.sock");
    let shell = Shell::start_with(&format!("unix:{}", place.display()), &[]);
    let screen = shell.terminal.shows("[Disconnected] / luca>");
    assert!(screen.contains("not connected"), "{screen}");
    assert_eq!(shell.terminal.colour_of("[Disconnected]"), vt100::Color::Idx(1));

    // There is a gateway now: the next command just works.
    let appliance = appliance();
    let real = appliance.state().join("run/gateway.sock");
    std::os::unix::fs::symlink(&real, &place).unwrap();
    assert!(shell.line("cat a.txt", "/").ends_with("hello"));

    // It goes away while the person looks at the prompt.
    appliance.stop();
    shell.terminal.wait("the warning", |screen| screen.ends_with("[Disconnected] / luca>"));
    shell.terminal.keys("pwd\r");
    shell.terminal.wait("what needs no link", |screen| screen.contains("pwd\n/\n"));
    shell.terminal.keys("ls\r");
    shell.terminal.wait("that it tries", |screen| {
        let last = screen.lines().last().unwrap();
        last.starts_with("Connecting to unix:") && last.contains("Ctrl-C")
    });
    shell.terminal.keys("\u{3}");
    shell.terminal.wait("a prompt", |screen| screen.ends_with("cancelled\n[Disconnected] / luca>"));

    // And comes back.
    fs::remove_file(&place).unwrap();
    let next = appliance_with("b.txt");
    std::os::unix::fs::symlink(next.state().join("run/gateway.sock"), &place).unwrap();
    assert!(shell.line("ls", "/").contains("b.txt"));
}

fn appliance_with(file: &str) -> Appliance {
    Appliance::new().file(file, "").start()
}

#[test]
fn colours_go_when_they_are_not_wanted_and_vi_comes_when_it_is() {
    let appliance = appliance();
    let env = [("NO_COLOR", "1"), ("LLMBDO_SHELL_EDIT_MODE", "vi")];
    let shell = Shell::start_with(&socket(&appliance), &env);
    shell.line("ls", "/");
    assert_eq!(shell.terminal.colour_of("notes"), vt100::Color::Default);
    shell.line("nonsense", "/");
    assert_eq!(shell.terminal.colour_of("no command"), vt100::Color::Default);
    shell.terminal.keys("pwdx");
    shell.terminal.shows("/ luca> pwdx");
    shell.terminal.keys("\u{1b}");
    shell.terminal.shows("/ luca: pwdx");
    shell.terminal.keys("x\r");
    shell.terminal.wait("a folder", |screen| screen.ends_with("pwd\n/\n/ luca>"));
}

#[test]
fn one_command_ends_with_its_code() {
    let appliance = appliance();
    let url = socket(&appliance);
    let check = |arguments: &[&str], code: i32| {
        let output = run(&url, arguments, "");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        output
    };
    assert_eq!(stdout(&check(&["-c", "cat a.txt"], 0)), "hello\n");
    // A pipe gets bytes.
    assert_eq!(check(&["-c", "cat raw.bin base64"], 0).stdout, b"\x00\xff\x1b[31m");
    assert!(stderr(&check(&["-c", "cat nothing"], 1)).contains("-32013"));
    assert!(stderr(&check(&["-c", "cat"], 2)).contains("cat PATH"));
    check(&["-c", "cat 'a"], 2);
    check(&["--nonsense"], 2);
    assert!(stderr(&check(&["-c", "rm a.txt"], 2)).contains("--force"));
    assert!(appliance.root().join("a.txt").is_file());
    check(&["-c", "rm -f a.txt"], 0);
    assert!(
        stderr(&run("unix:/nowhere/gateway.sock", &["-c", "ls"], "")).contains("not connected")
    );
    let nowhere = run("unix:/nowhere/gateway.sock", &["-c", "ls"], "");
    assert_eq!(nowhere.status.code(), Some(3));
    assert!(stdout(&run(&url, &["--completions", "bash"], "")).contains("--keep-going"));
}

#[test]
fn json_is_one_line_for_each_result_and_each_error() {
    let appliance = appliance();
    let url = socket(&appliance);
    let check = |line: &str| -> Value {
        let output = run(&url, &["--json", "-c", line], "");
        let text = if output.status.success() { stdout(&output) } else { stderr(&output) };
        assert_eq!(text.matches('\n').count(), 1, "{line}: {text}");
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(check("ls").as_array().unwrap().len(), 3);
    assert_eq!(check("cat a.txt")["content"], "hello\n");
    assert_eq!(check("pwd"), json!("/"));
    assert_eq!(check("cd notes"), json!("/notes"));
    assert_eq!(check("cat nothing")["code"], -32013);
    assert_eq!(check("nonsense")["code"], -32002);
}

#[test]
fn lines_of_standard_input_run_up_to_the_first_that_fails() {
    let appliance = appliance();
    let url = socket(&appliance);
    let lines = "# a script\ncd notes\n\npwd\ncat nothing\npwd\nnonsense";
    let output = run(&url, &[], lines);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("/notes\n", Some(1)));
    let output = run(&url, &["--keep-going"], lines);
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("/notes\n/notes\n", Some(1)));
    let errors = stderr(&output);
    assert!(errors.contains("-32013") && errors.contains("no command `nonsense`"), "{errors}");
    let output = run(&url, &[], "pwd\nexit\npwd\n");
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("/\n", Some(0)));
}

#[test]
fn over_a_websocket_it_needs_the_key() {
    let appliance = appliance();
    let url = format!("ws://127.0.0.1:{}/ws", appliance.port());
    let with_key = |key: &str| {
        Command::new(programs().join("luca-shell"))
            .args(["-c", "cat a.txt"])
            .env_clear()
            .env("LLMBDO_GATEWAY_WS_URL", &url)
            .env("LLMBASEDOS_KEY", key)
            .output()
            .unwrap()
    };
    assert_eq!(stdout(&with_key(&appliance.facts().key)), "hello\n");
    let refused = with_key("llmb_wrong");
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(!stderr(&refused).contains("llmb_wrong"));
}

#[test]
fn a_folder_of_many_pages_is_listed_whole() {
    let appliance = Appliance::new().start();
    for at in 0..1500 {
        fs::write(appliance.root().join(format!("{at:04}.txt")), "").unwrap();
    }
    let output = run(&socket(&appliance), &["-c", "ls"], "");
    let listed = stdout(&output);
    assert_eq!(listed.lines().count(), 1501, "{output:?}");
    assert!(listed.trim_end().ends_with("1499.txt"));
}
