//! Graphs that a person reads.

use vspec_tests::{assert_clean, compile_text};

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
