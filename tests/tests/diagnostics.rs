//! What a person sees: rendered diagnostics, few and small. What is reported at all is the subject of `language.rs`.

use std::path::Path;

use vspec_elaborate::compile;
use vspec_tests::{NoWorld, read};
use vspecc::render::{Style, render, summary};

fn rendered(name: &str) -> String {
    let text = read(&format!("tests/diagnostics/{name}.vspec"));
    let mut compiled = compile(&NoWorld, Path::new(&format!("{name}.vspec")), &text, &[]);
    for test in std::mem::take(&mut compiled.tests) {
        compiled.diagnostics.extend(test.failures);
    }
    let report = render(&compiled.diagnostics, &compiled.sources, &Style::plain());
    format!("{report}{}", summary(&compiled.diagnostics).unwrap_or_default())
}

macro_rules! snapshots {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), rendered(stringify!($name)));
            });
        }
    )*};
}

snapshots! {
    channel_mismatch_three_deep
    misspelt_name
    window_does_not_fit
    mixed_element_types
    parameter_trained_by_nothing
    gradient_through_rounding
    several_errors_at_once
    all_errors_of_a_file
    failed_requirement_through_the_library
    broken_einsum
    syntax_error_keeps_the_rest
    size_not_known_yet
    wrong_argument_to_an_optimizer
}
