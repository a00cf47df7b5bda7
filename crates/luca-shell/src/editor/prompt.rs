//! The prompts.

use std::borrow::Cow;
use std::sync::Arc;

use nu_ansi_term::Color;
use reedline::{
    Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, PromptViMode,
};

use crate::approvals::Notice;
use crate::escape;
use crate::session::Session;

/// Stands before the prompt while the link is down.
const DISCONNECTED: &str = "[Disconnected] ";

/// Stands behind the folder, also while a menu is open.
pub(super) const INDICATOR: &str = " luca> ";

/// `/notes luca> `.
pub(super) struct LinePrompt {
    session: Arc<Session>,
    notice: Arc<Notice>,
    cwd: String,
    colours: bool,
}

impl LinePrompt {
    /// The prompt in the folder `cwd`.
    pub(super) fn new(
        session: &Arc<Session>,
        notice: &Arc<Notice>,
        cwd: &str,
        colours: bool,
    ) -> Self {
        let (session, notice) = (Arc::clone(session), Arc::clone(notice));
        Self { session, notice, cwd: escape::line(cwd), colours }
    }

    fn painted(&self, colour: Color, text: &str) -> String {
        if self.colours { colour.paint(text).to_string() } else { text.to_owned() }
    }
}

impl Prompt for LinePrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        if !self.session.is_connected() {
            let warning = self.painted(Color::Red, DISCONNECTED);
            return Cow::Owned(format!("{warning}{}", self.cwd));
        }
        let Some(notice) = self.notice.text() else { return Cow::Borrowed(&self.cwd) };
        let notice = self.painted(Color::Yellow, &format!("[{notice}] "));
        Cow::Owned(format!("{notice}{}", self.cwd))
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(match mode {
            PromptEditMode::Vi(PromptViMode::Normal) => " luca: ",
            _ => INDICATOR,
        })
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "search",
            PromptHistorySearchStatus::Failing => "not found",
        };
        Cow::Owned(format!(" ({found}: {}) ", escape::line(&search.term)))
    }
}

/// A question that is answered with `y` or anything else.
pub(super) struct YesNo(String);

impl YesNo {
    /// Asks; what strangers wrote in the question must be escaped already.
    pub(super) fn new(question: &str) -> Self {
        Self(format!("{question} [y/N] "))
    }
}

impl Prompt for YesNo {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_history_search_indicator(&self, _: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
}

/// Stands before arguments that are edited.
pub(super) struct Editing;

impl Prompt for Editing {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_history_search_indicator(&self, _: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
}
