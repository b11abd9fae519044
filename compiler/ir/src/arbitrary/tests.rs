use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;
use crate::ops::TABLE;
use crate::verify;

#[test]
fn every_op_of_the_forward_pass_occurs() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for _ in 0..400 {
        let tree = graphs(GraphOptions::default()).new_tree(&mut runner).expect("no rejection");
        seen.extend(tree.current().nodes().map(|(_, n)| n.op.decl().name));
    }
    let missing: Vec<_> = TABLE.iter().map(|d| d.name).filter(|n| !seen.contains(n)).collect();
    assert_eq!(
        missing,
        ["param", "state", "host_call", "stop_gradient", "cotangent", "custom_gradient", "gradient"]
    );
}

proptest! {
    #[test]
    fn random_graphs_satisfy_the_verifier(graph in graphs(GraphOptions::default())) {
        prop_assert!(verify(graph).is_ok());
    }

    #[test]
    fn graphs_without_named_sizes_have_constant_ones(
        graph in graphs(GraphOptions { symbolic: false, ..GraphOptions::default() })
    ) {
        prop_assert!(graph.nodes().all(|(_, n)| n.ty.const_shape().is_some()));
    }
}

#[test]
fn exact_graphs_have_choices_and_no_rounded_ops() {
    let options = GraphOptions { symbolic: false, exact: true, ..GraphOptions::default() };
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for _ in 0..400 {
        let tree = graphs(options).new_tree(&mut runner).expect("no rejection");
        seen.extend(tree.current().nodes().map(|(_, n)| n.op.decl().name));
    }
    for name in ["max", "min", "relu", "abs", "reduce_max", "reduce_min", "max_pool", "where", "argsort"] {
        assert!(seen.contains(name), "no {name}");
    }
    for name in ["exp", "tanh", "sigmoid", "div", "normal"] {
        assert!(!seen.contains(name), "{name} rounds");
    }
}
