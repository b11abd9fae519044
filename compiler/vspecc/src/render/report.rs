//! One diagnostic through miette, which draws the code and the underlines, and the notes below it.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use vspec_syntax::{Diagnostic, Label, Severity, Sources, Span};

use super::Style;
use super::excerpt::Excerpt;

/// Frames of a chain of instantiations that are shown at either end of a long one.
const FRAMES: usize = 6;

/// The diagnostic as lines of text.
pub(super) fn render_one(diagnostic: &Diagnostic, sources: &Sources, style: &Style) -> String {
    let report = Report::new(diagnostic, sources);
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width)
        .with_links(false)
        .with_context_lines(1)
        .without_syntax_highlighting();
    let mut out = String::new();
    // Writing to a string fails only if the source cannot be read; the message is then all there is to show.
    if handler.render_report(&mut out, &report).is_err() {
        out = format!("{}: {}\n", diagnostic.code, diagnostic.message);
    }
    let mut text: String = out.lines().map(|l| format!("{}\n", l.trim_end())).collect();
    if let Some(note) = &diagnostic.note {
        text += &format!("  {} {}\n", style.accent("note:"), wrapped(note, style.width));
    }
    for note in notes(diagnostic, sources) {
        text += &format!("  {} {note}\n", style.accent("note:"));
    }
    if let Some(hint) = &diagnostic.hint {
        text += &format!("  {} {}\n", style.accent("help:"), wrapped(hint, style.width));
    }
    text
}

/// Places in other files, and the chain of instantiations.
fn notes(diagnostic: &Diagnostic, sources: &Sources) -> Vec<String> {
    let elsewhere = diagnostic.secondary.iter().filter(|l| l.span.file != diagnostic.primary.span.file);
    let mut notes: Vec<String> = elsewhere
        .map(|l| format!("{}, {}\n        {}", l.text, place(l.span, sources), line(l.span, sources)))
        .collect();
    let trace = &diagnostic.trace;
    let frame = |l: &Label| format!("in {}: {}", l.text, place(l.span, sources));
    if trace.len() <= 2 * FRAMES {
        notes.extend(trace.iter().map(frame));
    } else {
        notes.extend(trace.iter().take(FRAMES).map(frame));
        notes.push(format!("in {} more", trace.len() - 2 * FRAMES));
        notes.extend(trace.iter().skip(trace.len() - FRAMES).map(frame));
    }
    notes
}

/// `specs/net.vspec:12:5`
fn place(span: Span, sources: &Sources) -> String {
    let (line, column) = sources.line_column(span.file, span.start);
    let name = sources.get(span.file).map_or("", |s| &s.name);
    format!("{name}:{line}:{column}")
}

/// The line that a place is in, cut to a readable length.
fn line(span: Span, sources: &Sources) -> String {
    let text = sources.get(span.file).map_or("", |s| &s.text);
    let start = text.get(..span.start as usize).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
    let line = text.get(start..).and_then(|t| t.lines().next()).unwrap_or("").trim();
    match line.char_indices().nth(90) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_string(),
    }
}

/// A hint or a note broken into lines of at most `width` columns, indented under its first word.
fn wrapped(text: &str, width: usize) -> String {
    const INDENT: &str = "        ";
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |l| l.chars().count());
        if line > 0 && INDENT.len() + line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            *line = if line.is_empty() { word.to_string() } else { format!("{line} {word}") };
        }
    }
    lines.join(&format!("\n{INDENT}"))
}

/// A diagnostic in the form that miette draws.
#[derive(Debug)]
struct Report<'d> {
    diagnostic: &'d Diagnostic,
    source: Excerpt,
    labels: Vec<LabeledSpan>,
}

impl<'d> Report<'d> {
    fn new(diagnostic: &'d Diagnostic, sources: &Sources) -> Self {
        let file = diagnostic.primary.span.file;
        let here: Vec<&Label> = diagnostic.secondary.iter().filter(|l| l.span.file == file).collect();
        let source = Excerpt::of(file, sources, diagnostic.primary.span);
        let text = |l: &Label| (!l.text.is_empty()).then(|| l.text.clone());
        let primary = source
            .place(diagnostic.primary.span)
            .map(|at| LabeledSpan::new_primary_with_span(text(&diagnostic.primary), at));
        let others =
            here.iter().filter_map(|l| Some(LabeledSpan::new_with_span(text(l), source.place(l.span)?)));
        let labels = primary.into_iter().chain(others).collect();
        Report { diagnostic, source, labels }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
}
