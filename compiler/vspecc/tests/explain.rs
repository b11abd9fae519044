//! `vspecc explain` as a process.

use std::process::{Command, Output};

fn explain(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vspecc"));
    command.arg("explain").args(args).output().expect("the program starts")
}

#[test]
fn a_code_is_explained_with_both_forms_and_the_message() {
    let output = explain(&["v0203"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for part in ["V0203: shapes do not agree", "Wrong:", "must have inputs = 16", "Right:"] {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
}

#[test]
fn without_a_code_all_are_listed() {
    let output = explain(&[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), vspec_elaborate::catalogue().len());
}

#[test]
fn an_unknown_code_is_bad_input_with_a_suggestion() {
    let output = explain(&["V0302"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no diagnostic code `V0302`") && text.contains("did you mean `V0"), "{text}");
}
