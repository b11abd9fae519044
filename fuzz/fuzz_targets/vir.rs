//! Any text is read as graphs or refused; what is read prints and reads back, and the verifier has an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vspec_ir::text::{parse, parse_all};

fuzz_target!(|text: &str| {
    for graph in parse_all(text).unwrap_or_default() {
        let printed = graph.to_string();
        let again = parse(&printed).expect("what was printed reads back");
        assert_eq!(again.to_string(), printed);
        let _ = vspec_ir::verify(graph);
    }
});
