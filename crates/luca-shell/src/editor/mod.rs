//! The shell with a person in front of it.

mod complete;
mod completer;
mod edit;
mod highlighter;
mod history;
mod prompt;
mod validator;

use std::str::FromStr;
use std::sync::{Arc, RwLock};

use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, DefaultHinter, EditCommand, EditMode, Emacs, KeyCode, KeyModifiers, Keybindings,
    MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu, Signal, Vi, default_emacs_keybindings,
    default_vi_insert_keybindings, default_vi_normal_keybindings, default_vi_visual_keybindings,
};
use rustix::process::{Signal as ProcessSignal, getpid, kill_process};
use tokio::runtime::Handle;

use completer::Suggester;
use highlighter::Painter;
use prompt::{LinePrompt, YesNo};
use validator::Whole;

use crate::approvals::{Notice, keep_looking};
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::session::Patience;
use crate::shell::{Flow, Plan, Shell};

/// The name of the menu of suggestions.
const MENU: &str = "completion";

/// What Ctrl-Z asks of us.
const SUSPEND: &str = "suspend";

/// The folder that the shell is in, for those that look at it from within the editor.
type Cwd = Arc<RwLock<String>>;

/// How keys edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Emacs,
    Vi,
}

impl FromStr for Keys {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        match value {
            "emacs" => Ok(Self::Emacs),
            "vi" => Ok(Self::Vi),
            _ => Err("not a way to edit, which is `emacs` or `vi`"),
        }
    }
}

/// Reads and runs lines until the person leaves.
pub(crate) fn run(shell: &mut Shell, runtime: &Handle, vi: bool) -> Result<Exit, Failure> {
    let keys = settings::env("LLMBDO_SHELL_EDIT_MODE")
        .map_err(|error| Failure::Usage(error.to_string()))?
        .unwrap_or(Keys::Emacs);
    let keys = if vi { Keys::Vi } else { keys };
    let cwd = Cwd::new(RwLock::new(shell.cwd.clone()));
    let mut editor = editor(shell, runtime, keys, &cwd);
    redraw_when_down(shell, runtime, &mut editor);
    let notice = Arc::new(Notice::default());

    if let Err(failure) = cancellable(runtime, shell.session.connect(Patience::Once)) {
        shell.output.failure(&failure);
    } else {
        let session = Arc::clone(&shell.session);
        // For completion and colours; the prompt does not wait for it, and a failure shows at the first call.
        runtime.spawn(async move { session.catalogue().await.ok() });
    }
    let redraw = editor.repaint_signal();
    let looking = keep_looking(Arc::clone(&shell.session), Arc::clone(&notice), move || {
        redraw.request_repaint();
    });
    runtime.spawn(looking);
    shell.patience = Patience::Restart;
    loop {
        let prompt = LinePrompt::new(&shell.session, &notice, &shell.cwd, shell.output.colours);
        match editor.read_line(&prompt)? {
            Signal::Success(line) => {
                // A line that is not to be kept is told as an error; nothing is wrong with it.
                drop(editor.take_history_save_error());
                if let Err(error) = editor.sync_history() {
                    tracing::warn!(%error, "the history could not be written");
                }
                match line_run(shell, runtime, keys, &line) {
                    Ok(Flow::Next) => {}
                    Ok(Flow::Leave) => return Ok(Exit::Done),
                    Err(failure) => shell.output.failure(&failure),
                }
                notice.look();
                if let Ok(mut cwd) = cwd.write() {
                    cwd.clone_from(&shell.cwd);
                }
            }
            Signal::CtrlD => return Ok(Exit::Done),
            Signal::HostCommand(command) if command == SUSPEND => {
                // A session leader such as the shell of TTY1 has nobody to wake it: the kernel then ignores the signal.
                kill_process(getpid(), ProcessSignal::TSTP).map_err(std::io::Error::from)?;
            }
            _ => {}
        }
    }
}

fn line_run(shell: &mut Shell, runtime: &Handle, keys: Keys, line: &str) -> Result<Flow, Failure> {
    let mut plan = Plan::read(line)?;
    if let Some(id) = plan.edits() {
        let asked = cancellable(runtime, shell.arguments_of(id))?;
        let edited = edit::arguments(asked, keys, shell.output)?;
        plan = plan.edited(edited);
    }
    if let Some(question) = plan.question(&shell.cwd) {
        if !agrees(&question)? {
            return Err(Failure::Cancelled);
        }
        plan = plan.agreed();
    }
    cancellable(runtime, shell.run(plan))
}

/// Does something that Ctrl-C ends: a call that is dropped is cancelled at the server.
fn cancellable<T>(
    runtime: &Handle,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::Cancelled),
        }
    })
}

/// Asks a person; everything but a clear yes is a no.
fn agrees(question: &str) -> Result<bool, Failure> {
    let answer = Reedline::create().read_line(&YesNo::new(question));
    Ok(match answer? {
        Signal::Success(line) => matches!(line.trim(), "y" | "Y" | "yes" | "Yes" | "YES"),
        _ => false,
    })
}

fn editor(shell: &Shell, runtime: &Handle, keys: Keys, cwd: &Cwd) -> Reedline {
    let suggester = Suggester::new(Arc::clone(&shell.session), runtime.clone(), Arc::clone(cwd));
    let menu = ColumnarMenu::default().with_name(MENU).with_marker(prompt::INDICATOR);
    let mut editor = Reedline::create()
        .with_ansi_colors(shell.output.colours)
        .with_completer(Box::new(suggester))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_validator(Box::new(Whole))
        .with_highlighter(Box::new(Painter::new(Arc::clone(&shell.session))))
        .with_hinter(Box::new(
            DefaultHinter::default().with_style(Style::new().fg(Color::DarkGray)),
        ))
        .with_edit_mode(edit_mode(keys));
    match history::open() {
        Ok(history) => editor = editor.with_history(Box::new(history)),
        Err(error) => {
            let text = format!("The history is not kept: {error}");
            output::note(&escape::line(&text));
        }
    }
    editor
}

fn edit_mode(keys: Keys) -> Box<dyn EditMode> {
    match keys {
        Keys::Emacs => Box::new(Emacs::new(bound(default_emacs_keybindings()))),
        Keys::Vi => Box::new(Vi::new(
            bound(default_vi_insert_keybindings()),
            bound(default_vi_normal_keybindings()),
            bound(default_vi_visual_keybindings()),
        )),
    }
}

/// Adds the keys of this shell.
fn bound(mut keys: Keybindings) -> Keybindings {
    let menu = ReedlineEvent::Menu(MENU.to_owned());
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![menu, ReedlineEvent::MenuNext]),
    );
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    keys.add_binding(
        KeyModifiers::ALT,
        KeyCode::Enter,
        ReedlineEvent::Edit(vec![EditCommand::InsertNewline]),
    );
    keys.add_binding(
        KeyModifiers::CONTROL,
        KeyCode::Char('z'),
        ReedlineEvent::ExecuteHostCommand(SUSPEND.to_owned()),
    );
    keys
}

/// Draws the prompt anew when the link goes down, so that a person sees it before they type.
fn redraw_when_down(shell: &Shell, runtime: &Handle, editor: &mut Reedline) {
    let (down, redraw) = (shell.session.went_down(), editor.repaint_signal());
    runtime.spawn(async move {
        loop {
            down.notified().await;
            redraw.request_repaint();
        }
    });
}
