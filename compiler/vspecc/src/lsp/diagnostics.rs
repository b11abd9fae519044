//! Diagnostics as editors show them.

use std::collections::BTreeMap;

use lsp_types::{
    Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, NumberOrString, Url,
};
use vspec_syntax::{Diagnostic, Label, Severity};

use super::analysis::Analysis;
use super::position;

/// How many calls of the chain that led to a message are shown with it.
const MAX_FRAMES: usize = 8;
/// Warnings about what has no effect; editors fade it.
const UNNECESSARY: [&str; 6] = ["V0110", "V0111", "V0112", "V0113", "V0114", "V0116"];

/// The diagnostics of an analysis by the document that they are shown in; the analysed document is always there.
pub(super) fn by_document(analysis: &Analysis) -> BTreeMap<Url, Vec<Shown>> {
    let mut documents = BTreeMap::from([(analysis.url.clone(), vec![])]);
    for diagnostic in &analysis.diagnostics {
        if let Some((url, shown)) = shown(diagnostic, analysis) {
            let of_document: &mut Vec<Shown> = documents.entry(url).or_default();
            of_document.push(shown);
        }
    }
    documents
}

fn shown(diagnostic: &Diagnostic, analysis: &Analysis) -> Option<(Url, Shown)> {
    let place = place(diagnostic, analysis);
    let text = &analysis.sources.get(place.span.file)?.text;
    let shown = Shown {
        range: position::range(text, place.span),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_string())),
        source: Some("vspec".to_string()),
        message: message(diagnostic),
        related_information: Some(related(diagnostic, analysis)).filter(|r| !r.is_empty()),
        tags: UNNECESSARY.contains(&diagnostic.code).then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..Shown::default()
    };
    Some((analysis.url_of(place.span.file)?, shown))
}

/// Where a message is shown: its own place, or, when that lies in the library, the innermost call of the package that led there, or
/// another place that it is about.
fn place<'d>(diagnostic: &'d Diagnostic, analysis: &Analysis) -> &'d Label {
    let own = |label: &&Label| analysis.is_own(label.span.file);
    std::iter::once(&diagnostic.primary)
        .chain(&diagnostic.trace)
        .chain(&diagnostic.secondary)
        .find(own)
        .unwrap_or(&diagnostic.primary)
}

fn message(diagnostic: &Diagnostic) -> String {
    let label = Some(&diagnostic.primary.text).filter(|text| !text.is_empty());
    let hint = diagnostic.hint.as_ref().map(|hint| format!("help: {hint}"));
    let note = diagnostic.note.as_ref().map(|note| format!("note: {note}"));
    let parts = std::iter::once(diagnostic.message.clone()).chain(label.cloned()).chain(note).chain(hint);
    parts.collect::<Vec<_>>().join("\n")
}

/// The other places of a message, and the chain of calls that led to it.
fn related(diagnostic: &Diagnostic, analysis: &Analysis) -> Vec<DiagnosticRelatedInformation> {
    let elsewhere = Some(&diagnostic.primary).filter(|primary| !analysis.is_own(primary.span.file));
    let note = |label: &Label, text: String| {
        let location = analysis.location(label.span)?;
        Some(DiagnosticRelatedInformation { location, message: text })
    };
    let found = elsewhere.and_then(|primary| note(primary, "found here".to_string()));
    let labels = diagnostic.secondary.iter().filter_map(|l| note(l, l.text.clone()));
    let frames = diagnostic.trace.iter().take(MAX_FRAMES).filter_map(|l| note(l, format!("in {}", l.text)));
    found.into_iter().chain(labels).chain(frames).collect()
}
