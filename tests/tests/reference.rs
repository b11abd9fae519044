//! Pages of the book that are generated: they are what the code says. `VSPEC_BLESS=1` writes them.

use vspec_tests::root;
use vspecc::explain::{self, EXAMPLES, Example};

fn check(page: &str, wanted: &str) {
    let path = root().join("book/src").join(page);
    if std::env::var_os("VSPEC_BLESS").is_some() {
        std::fs::write(&path, wanted).expect("the book is writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{page} is out of date: run `VSPEC_BLESS=1 cargo test -p vspec-tests --test reference`"
    );
}

#[test]
fn the_op_reference_is_the_op_table() {
    check("ops.md", &vspec_ir::reference_markdown());
}

#[test]
fn the_pages_of_functions_are_the_built_ins_and_the_library() {
    check("functions.md", &vspec_elaborate::functions_markdown());
    check("library.md", &vspec_elaborate::library_markdown());
}

#[test]
fn the_diagnostics_page_is_the_catalogue() {
    let mut page = String::from(
        "# Diagnostics\n\n\
         Every message has a stable code.\n\
         Errors end a command with status 2; warnings do not.\n",
    );
    page += "`vspecc explain V0203` shows what this page says about one code.\n";
    for info in vspec_elaborate::catalogue() {
        page += &format!("\n## {}: {}\n\n{}\n", info.code, info.title, explain::explanation(&info));
        let example = EXAMPLES.iter().find(|e| e.code == info.code);
        page += &example.map_or(String::new(), with_message);
    }
    check("diagnostics.md", &page);
}

/// The wrong form, what is said about it, and the corrected form.
fn with_message(example: &Example) -> String {
    let Example { wrong, fixed, .. } = example;
    let said = explain::message(wrong);
    format!(
        "\n```vspec,example\n{wrong}```\n\n```text\n{said}\n```\n\nCorrected:\n\n```vspec,example\n{fixed}```\n"
    )
}

#[test]
fn no_code_has_two_meanings() {
    let codes = vspec_elaborate::catalogue();
    for pair in codes.windows(2) {
        assert!(pair[0].code < pair[1].code, "{} is listed twice", pair[0].code);
    }
}
