//! Class labels: one that names no class is an error of the run, on every engine.

use vspec_engine::{HostTensor, Inputs, Precision, RunKey};
use vspec_optimize::differentiate::{Tape, prepare};
use vspec_tests::judges::{JUDGES, Judge};
use vspec_tests::{compile_text, plain};

/// What an engine says about a value: an error, or nothing.
fn said(judge: &Judge, value: &str) -> String {
    let text = format!(
        "use std.losses.{{CrossEntropy, NLL}}\n\
         use std.metrics.{{class_average_precision, confusion, pixel_confusion, roc_auc}}\n\
         test \"labels\" {{\n let s = tensor([[0.0, 0.0], [1.0, 0.0]])\n assert {value} < inf }}\n"
    );
    let mut compiled = compile_text(&text);
    let unused = |d: &vspec_syntax::Diagnostic| d.code == "V0112";
    assert!(compiled.diagnostics.iter().all(unused), "{value}: {}", plain(&compiled));
    let test = compiled.tests.remove(0);
    assert!(test.failures.is_empty(), "{value}: {:?}", test.failures);
    let mut graph = test.graph;
    prepare(&mut graph, if judge.tape { Tape::First } else { Tape::None }).expect("has gradients");
    match (judge.engine)(Precision::F32).session().run(&graph, &Inputs::new(), RunKey::default()) {
        Ok(values) => format!("{:?}", values.iter().flat_map(HostTensor::to_f64).collect::<Vec<_>>()),
        Err(error) => error.to_string(),
    }
}

/// Each value, and what is said about it everywhere.
const CASES: [(&str, &str); 15] = [
    ("CrossEntropy()(s, tensor([0, 1]))", "[1.0]"),
    ("CrossEntropy()(s, tensor([0, 2]))", "label 2 names none of 2 classes, 0 to 1"),
    ("CrossEntropy(reduction = \"sum\")(s, tensor([-1, 0]))", "label -1 names none of 2 classes, 0 to 1"),
    ("CrossEntropy(label_smoothing = 0.1)(s, tensor([7, 0]))", "label 7 names none of 2 classes, 0 to 1"),
    ("CrossEntropy(ignore_index = -1)(s, tensor([-1, 0]))", "[1.0]"),
    ("CrossEntropy(ignore_index = -1)(s, tensor([-1, -2]))", "label -2 names none of 2 classes, 0 to 1"),
    ("sum(CrossEntropy(reduction = \"none\")(s, masked(tensor([1, 7]), tensor([true, false]))))", "[1.0]"),
    ("NLL()(s, tensor([0, 5]))", "label 5 names none of 2 classes, 0 to 1"),
    ("NLL(ignore_index = -100)(s, tensor([-100, 0]))", "[1.0]"),
    ("NLL(ignore_index = -100)(s, tensor([-100, 2]))", "label 2 names none of 2 classes, 0 to 1"),
    ("sum(confusion(s, tensor([0, 5])))", "label 5 names none of 2 classes, 0 to 1"),
    (
        "sum(pixel_confusion(reshape(s, [1, 2, 2]), tensor([[255, 2]])))",
        "label 2 names none of 2 classes, 0 to 1",
    ),
    ("sum(roc_auc(s, tensor([0, 5])))", "label 5 names none of 2 classes, 0 to 1"),
    ("sum(class_average_precision(s, tensor([0, 5])))", "label 5 names none of 2 classes, 0 to 1"),
    ("grad(NLL()(s, tensor([0, 5])), s)[0, 0]", "label 5 names none of 2 classes, 0 to 1"),
];

#[test]
fn a_label_that_names_no_class_is_an_error_on_every_engine() {
    for judge in JUDGES {
        for (value, expected) in CASES {
            assert_eq!(said(judge, value), expected, "{value} on {}", judge.name);
        }
    }
}
