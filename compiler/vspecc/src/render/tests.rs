//! Tests of how diagnostics look.

use vspec_syntax::{FileId, Label};

use super::*;
use vspec_syntax::Span;

fn span_of(sources: &Sources, file: FileId, part: &str) -> Span {
    let text = &sources.get(file).expect("a file").text;
    let start = text.find(part).expect("in the text");
    Span::new(file, start, start + part.len())
}

fn two_files() -> (Sources, FileId, FileId) {
    let mut sources = Sources::default();
    let main = sources.add("net.vspec", "module Net() {\n  conv1 = Conv(3, 16)\n  conv2 = Conv(8, 16)\n}\n");
    let library = sources.add("std.nn.conv", "forward(x: f32[B, inputs, H, W]) {\n}\n");
    (sources, main, library)
}

#[test]
fn a_mismatch_shows_both_places_the_chain_and_the_hint() {
    let (sources, main, library) = two_files();
    let mut diagnostic = Diagnostic::error(
        "V0203",
        span_of(&sources, main, "Conv(8, 16)"),
        "`x` of `Conv` must have inputs = 8 in axis 1, not 16",
    )
    .label("this gets 16 channels")
    .also(span_of(&sources, main, "Conv(3, 16)"), "`outputs` is 16 here")
    .also(span_of(&sources, library, "inputs"), "`inputs` is 8 here")
    .hint("make both sizes the same");
    let text = "`Net`, instantiated here".to_string();
    diagnostic.trace = vec![Label { span: span_of(&sources, main, "Net()"), text }];
    let expected = "\
V0203

  × `x` of `Conv` must have inputs = 8 in axis 1, not 16
   ╭─[net.vspec:3:11]
 1 │ module Net() {
 2 │   conv1 = Conv(3, 16)
   ·           ─────┬─────
   ·                ╰── `outputs` is 16 here
 3 │   conv2 = Conv(8, 16)
   ·           ─────┬─────
   ·                ╰── this gets 16 channels
 4 │ }
   ╰────
  note: `inputs` is 8 here, std.nn.conv:1:19
        forward(x: f32[B, inputs, H, W]) {
  note: in `Net`, instantiated here: net.vspec:1:8
  help: make both sizes the same

";
    assert_eq!(render(&[diagnostic], &sources, &Style::plain()), expected);
}

#[test]
fn a_very_long_line_is_cut_around_the_place() {
    let mut sources = Sources::default();
    let file = sources.add("deep.vspec", format!("fn f() {{\n{}x{}", "(".repeat(10_000), ")".repeat(10_000)));
    let at = span_of(&sources, file, "x");
    let text = render(&[Diagnostic::error("V0001", at, "too deep")], &sources, &Style::plain());
    assert!(text.len() < 1000, "{} bytes", text.len());
    assert!(text.contains("deep.vspec:2:10001") && text.contains("(((x)))"), "{text}");
}

#[test]
fn a_long_chain_keeps_both_ends() {
    let (sources, main, _) = two_files();
    let span = span_of(&sources, main, "Net()");
    let mut diagnostic = Diagnostic::error("V0300", span, "calls nest more than 200 deep");
    diagnostic.trace = (0..200).map(|i| Label { span, text: format!("call {i}") }).collect();
    let text = render(&[diagnostic], &sources, &Style::plain());
    assert_eq!(text.matches("note:").count(), 13);
    assert!(
        text.contains("in call 0:") && text.contains("in 188 more") && text.contains("in call 199:"),
        "{text}"
    );
}

#[test]
fn places_outside_the_text_are_survived() {
    let (sources, main, _) = two_files();
    let spans = [Span::new(main, 9_999, 10_000), Span::new(FileId(7), 0, 1), Span::new(main, 5, 2)];
    for span in spans {
        let text = render(&[Diagnostic::warning("V0001", span, "odd")], &sources, &Style::plain());
        assert!(text.contains("odd"), "{text}");
    }
}

#[test]
fn the_summary_counts_errors_before_warnings() {
    let span = Span::default();
    let error = Diagnostic::error("V0001", span, "");
    let warning = Diagnostic::warning("V0002", span, "");
    assert_eq!(summary(&[]), None);
    assert_eq!(summary(&[warning.clone(), error.clone(), error]).as_deref(), Some("2 errors, 1 warning"));
}
