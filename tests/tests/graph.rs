//! Graphs that a person reads.

use vspec_tests::{assert_clean, compile_text};

/// What an assignment rule becomes: one clause after the other, on all pairs at once.
const RULE: &str = "
assign Nearest(reach: float = 4.0)
  rows a: { x: f32 }
  cols t: { x: f32, label: i32 }
{
  let near = -abs(a.x - t.x)
  pick 2 of near per t
  keep near > -reach
  resolve by near per a
  give label = t.label else -1
}

fn labels(rows: f32[N], cols: f32[M], label: i32[M]) { Nearest()({ x = rows }, { x = cols, label }).label }
entry labels = labels(f32[N], f32[M], i32[M])
";

#[test]
fn the_graph_of_an_assignment_rule() {
    let compiled = compile_text(RULE);
    assert_clean(&compiled, "rule");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("assignment_rule", compiled.entries[0].graph.to_string());
    });
}

#[test]
fn the_graph_of_a_residual_block() {
    let compiled = compile_text(
        "use std.nn.BasicBlock\n\
         entry block = BasicBlock(64, 128, stride = 2)(f32[B, 64, H, W])\n",
    );
    assert_clean(&compiled, "block");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("residual_block", compiled.entries[0].graph.to_string());
    });
}
