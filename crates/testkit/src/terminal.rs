//! A terminal with a program in it, whose screen is read as a person reads it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{Callbacks, Parser, Screen};

use crate::wait::until;

/// How long a screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Large enough that nothing of a test scrolls away.
const ROWS: NonZeroU16 = NonZeroU16::new(50).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(120).unwrap();

/// A running program and its screen. The program is killed when this is dropped.
pub struct Terminal {
    shown: Arc<Mutex<Shown>>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

struct Shown {
    parser: Parser<Questions>,
    raw: Vec<u8>,
}

/// What the program asked of the terminal; a real one answers.
#[derive(Default)]
struct Questions {
    answers: Vec<u8>,
}

impl Callbacks for Questions {
    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        first: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        end: char,
    ) {
        // Where is the cursor? Line editors ask before they draw.
        if (first, end) == (None, 'n') && params == [[6].as_slice()] {
            let (row, column) = screen.cursor_position();
            write!(self.answers, "\x1b[{};{}R", row + 1, column + 1).unwrap();
        }
    }
}

impl Terminal {
    /// Runs a program in a new terminal. Its environment has nothing but `env` and the name of the terminal.
    pub fn run(program: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        let (rows, cols) = (ROWS.get(), COLUMNS.get());
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let parser = Parser::new_with_callbacks(ROWS, COLUMNS, 0, Questions::default());
        let shown = Arc::new(Mutex::new(Shown { parser, raw: Vec::new() }));
        let (screen, answers) = (Arc::clone(&shown), Arc::clone(&keyboard));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end is an error: the other side of the terminal has closed.
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                let mut shown = screen.lock().unwrap();
                shown.raw.extend_from_slice(&bytes[..length]);
                shown.parser.process(&bytes[..length]);
                let answer = std::mem::take(&mut shown.parser.callbacks_mut().answers);
                drop(shown);
                // A program that has ended needs no answer.
                answers.lock().unwrap().write_all(&answer).ok();
            }
        });
        Self { shown, keyboard, child, _master: pair.master }
    }

    /// Presses keys, one for each character.
    pub fn keys(&self, keys: &str) {
        let mut keyboard = self.keyboard.lock().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// What the screen shows now, without blanks at the ends of lines.
    pub fn screen(&self) -> String {
        let contents = self.shown.lock().unwrap().parser.screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Waits until the screen fits, and gives it.
    pub fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        until(what, PATIENCE * 2, || {
            let screen = self.screen();
            if fits(&screen) {
                return Some(screen);
            }
            let in_time = Instant::now() < deadline;
            assert!(in_time, "waited in vain for {what}; the screen is:\n{screen}");
            None
        })
    }

    /// Waits until the screen shows `text`, and gives the screen.
    pub fn shows(&self, text: &str) -> String {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text))
    }

    /// The colour of the first character of `text` where it first stands on the screen.
    pub fn colour_of(&self, text: &str) -> vt100::Color {
        let shown = self.shown.lock().unwrap();
        let screen = shown.parser.screen();
        let places = screen.rows(0, COLUMNS.get()).zip(0..);
        let mut places = places.filter_map(|(line, row)| {
            let (before, _) = line.split_once(text)?;
            Some((row, u16::try_from(before.chars().count()).unwrap()))
        });
        let (row, column) = places.next().expect("the text is on the screen");
        screen.cell(row, column).unwrap().fgcolor()
    }

    /// Every byte that the program wrote so far.
    pub fn raw(&self) -> Vec<u8> {
        self.shown.lock().unwrap().raw.clone()
    }

    /// Waits for the end of the program and gives its exit code.
    pub fn exit_code(&mut self) -> u32 {
        let child = &mut self.child;
        until("the end of the program", PATIENCE, || child.try_wait().unwrap()).exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
