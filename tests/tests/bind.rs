//! Binding refuses sizes that a graph does not allow, and leaves no name behind.

use vspec_ir::Graph;
use vspec_ir::text::parse;
use vspec_optimize::{BindError, bind};

const GRAPH: &str = "graph @related(B: size % 2, N: size) {
  %x = input name=\"x\" : f32[B, 3]
  %y = input name=\"y\" : f32[N]
  %n = size value=3*B dtype=f32 : f32[]
  %z = reshape(%x) : f32[3*B]
  require B == N for %z
  value n = %n
  value z = %z
  value y = %y
}";

fn bound(sizes: &[(&str, i64)]) -> Result<Graph, BindError> {
    let graph = parse(GRAPH).expect("well formed");
    bind(&graph, &|name| sizes.iter().find(|(own, _)| *own == name).map(|(_, size)| *size))
}

#[test]
fn names_become_numbers() {
    let text = bound(&[("B", 4), ("N", 4)]).expect("4 is 4").to_string();
    assert!(!text.contains('B') && !text.contains('N'), "{text}");
    assert!(text.contains("full value=12") && text.contains("f32[12]"), "{text}");
}

#[test]
fn relations_between_sizes_are_checked() {
    let refused = bound(&[("B", 4), ("N", 5)]).expect_err("4 is not 5");
    assert!(matches!(refused, BindError::Relation(_)), "{refused}");
    assert_eq!(refused.to_string(), "B == N does not hold");
}

#[test]
fn multiples_that_the_graph_relies_on_are_checked() {
    let refused = bound(&[("B", 3), ("N", 3)]).expect_err("3 is odd");
    assert_eq!(refused, BindError::Multiple { symbol: "B".to_string(), divisor: 2 });
}

#[test]
fn a_size_without_a_value_is_refused() {
    assert!(matches!(bound(&[("B", 4)]), Err(BindError::Size(_))));
}
