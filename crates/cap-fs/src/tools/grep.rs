//! `fs_grep`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use grep_matcher::Matcher as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::sinks::Lossy;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::{Browse, Kind};

use crate::error::invalid;
use crate::fs::Fs;
use crate::limits::{MAX_FOUND, MAX_LINE_BYTES, MAX_LIST_BYTES, REGEX_BYTES, SEARCH_BYTES};
use crate::patterns::Patterns;
use crate::tools::path;

/// Searches the content of files for a text or a regular expression, and gives the lines that have it, at most 1000.
/// Files that are not text are left out. Links are not followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grep {
    /// The folder to search, with all beneath, or one file.
    path: String,
    /// What to search for.
    query: String,
    /// Only in files whose names fit this glob, such as `*.md`.
    #[serde(default)]
    pattern: Option<String>,
    /// Whether `query` is a regular expression.
    #[serde(default)]
    is_regex: bool,
    /// Whether capital and small letters are the same.
    #[serde(default)]
    ignore_case: bool,
    /// What to leave out, with all beneath; like `pattern`.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Only in files of at least so many bytes.
    #[serde(default)]
    min_bytes: Option<u64>,
    /// Only in files of at most so many bytes.
    #[serde(default)]
    max_bytes: Option<u64>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GrepResult {
    /// The lines.
    matches: Vec<FoundLine>,
    /// How many files were searched.
    files: usize,
    /// Whether there is more than is shown.
    more: bool,
}

/// A line that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FoundLine {
    /// The file.
    path: String,
    /// The number of the line, counted from 1.
    line: u64,
    /// Where in the line the first match starts, in bytes from 0.
    start: usize,
    /// The line, cut where it is very long.
    text: String,
}

impl Tool for Grep {
    type Server = Fs;
    type Output = GrepResult;
    const NAME: &'static str = "fs_grep";
    const METHOD: &'static str = "mcp.fs.grep";
    const TITLE: &'static str = "Search the content of files";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<GrepResult, ToolError> {
        let place = path(&self.path)?;
        let matcher = RegexMatcherBuilder::new()
            .fixed_strings(!self.is_regex)
            .case_insensitive(self.ignore_case)
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .line_terminator(Some(b'\n'))
            .build(&self.query)
            .map_err(|error| invalid(format!("`query`: {error}")))?;
        let wanted = self.pattern.as_slice();
        let only = Patterns::new("pattern", wanted)?;
        let exclude = Patterns::new("excludePatterns", &self.exclude_patterns)?;
        let sizes = self.min_bytes.unwrap_or(0)..=self.max_bytes.unwrap_or(u64::MAX);
        let mut search = Search::new(matcher);
        let view = fs.view(call);
        if view.stat(&place).is_ok_and(|stat| stat.kind == Kind::File) {
            search.file(&view.open(&place)?);
        } else {
            view.browse(call, &place, &mut |found| {
                if exclude.fit(found.relative) {
                    return Browse::Skip;
                }
                let is_wanted = found.kind() == Kind::File
                    && (wanted.is_empty() || only.fit(found.relative))
                    && sizes.contains(&found.size());
                if let Some(opened) = is_wanted.then(|| found.open()).flatten() {
                    search.file(&opened);
                }
                if search.result.more { Browse::Stop } else { Browse::Enter }
            })?;
        }
        call.text_from(&[]);
        for found in &search.result.matches {
            view.quote(call, &found.path);
        }
        Ok(search.result)
    }
}

struct Search {
    matcher: RegexMatcher,
    searcher: Searcher,
    result: GrepResult,
    room: usize,
}

impl Search {
    fn new(matcher: RegexMatcher) -> Self {
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .line_number(true)
            .heap_limit(Some(SEARCH_BYTES))
            .build();
        let result = GrepResult { matches: Vec::new(), files: 0, more: false };
        Self { matcher, searcher, result, room: MAX_LIST_BYTES }
    }

    fn file(&mut self, opened: &vroot::Opened) {
        let Self { matcher, searcher, result, room } = self;
        result.files += 1;
        let sink = Lossy(|line, text| {
            let start =
                matcher.find(text.as_bytes()).ok().flatten().map_or(0, |found| found.start());
            let text = text.trim_end_matches(['\r', '\n']);
            let text = text.get(..text.floor_char_boundary(MAX_LINE_BYTES)).unwrap_or(text);
            let size = text.len() + opened.stat.path.len();
            if result.matches.len() == MAX_FOUND || size > *room {
                result.more = true;
                return Ok(false);
            }
            *room -= size;
            let path = opened.stat.path.clone();
            result.matches.push(FoundLine { path, line, start, text: text.to_owned() });
            Ok(true)
        });
        // A file that cannot be read to its end, or has a line without end, is left out from there on.
        if let Err(error) = searcher.search_file(&*matcher, &opened.file, sink) {
            tracing::debug!(%error, "a file could not be searched to its end");
        }
    }
}
