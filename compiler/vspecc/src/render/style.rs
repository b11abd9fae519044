//! Width and colour of messages.

use std::io::IsTerminal;

/// Width and colour of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether to use colours.
    pub colour: bool,
}

/// The widest text that is comfortable to read.
const MAX_WIDTH: usize = 100;
/// The width that snapshots are taken with.
const PLAIN_WIDTH: usize = 80;
/// Narrower than this, wrapped text is no help.
const MIN_WIDTH: usize = 40;

impl Style {
    /// 80 columns without colour: the same everywhere.
    pub fn plain() -> Style {
        Style { width: PLAIN_WIDTH, colour: false }
    }

    /// What suits standard error: the terminal's width up to 100 columns, and colours on a terminal unless `NO_COLOR` is set
    /// or the terminal is dumb.
    pub fn for_stderr() -> Style {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        let colour = std::io::stderr().is_terminal() && !set("NO_COLOR") && !dumb;
        let columns = terminal_size::terminal_size_of(std::io::stderr()).map(|(w, _)| usize::from(w.0));
        let width = columns.unwrap_or(MAX_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH);
        Style { width, colour }
    }

    /// Bold red.
    pub(crate) fn error(&self, text: &str) -> String {
        self.paint(text, "1;31")
    }

    /// Cyan, for the words that introduce a note.
    pub(crate) fn accent(&self, text: &str) -> String {
        self.paint(text, "36")
    }

    /// Green, for what went well.
    pub(crate) fn good(&self, text: &str) -> String {
        self.paint(text, "32")
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}
