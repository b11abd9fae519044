//! The examples of the diagnostics: each wrong form is reported with its code and nothing else, each corrected form is clean.

use vspec_elaborate::catalogue;
use vspec_tests::plain;
use vspecc::explain::{EXAMPLES, compile_example};

/// Codes that no small file can show: a file of 4 MiB, a hundred errors, a fault of the compiler.
const WITHOUT: [&str; 4] = ["V0009", "V0014", "V0099", "V0299"];

#[test]
fn every_code_has_an_example() {
    for info in catalogue() {
        let found = EXAMPLES.iter().any(|e| e.code == info.code);
        assert_eq!(found, !WITHOUT.contains(&info.code), "{}: {}", info.code, info.title);
    }
    assert!(EXAMPLES.windows(2).all(|pair| pair[0].code < pair[1].code), "examples are listed by code");
}

#[test]
fn every_wrong_form_is_reported_with_its_code_only() {
    for example in EXAMPLES {
        let compiled = compile_example(example.wrong);
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, [example.code], "{}:\n{}", example.code, plain(&compiled));
    }
}

#[test]
fn every_corrected_form_is_clean() {
    for example in EXAMPLES {
        let compiled = compile_example(example.fixed);
        assert!(compiled.diagnostics.is_empty(), "{}:\n{}", example.code, plain(&compiled));
    }
}

#[test]
fn every_form_that_parses_is_formatted() {
    for example in EXAMPLES {
        for text in [example.wrong, example.fixed] {
            if let Ok(formatted) = vspec_syntax::format(vspec_syntax::FileId(0), text) {
                assert_eq!(formatted, text, "{}", example.code);
            }
        }
    }
}
