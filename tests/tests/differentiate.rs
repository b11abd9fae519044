//! What the gradients of small programs look like as graphs.

use vspec_optimize::differentiate;
use vspec_tests::{assert_clean, compile_text};

/// The graph of the entry `it`, with its gradients written out.
fn written_out(text: &str) -> String {
    let compiled = compile_text(text);
    assert_clean(&compiled, "the entry");
    differentiate::expand(&compiled.entries[0].graph).expect("has gradients").to_string()
}

macro_rules! graphs {
    ($($name:ident: $text:literal)*) => {$(
        #[test]
        fn $name() {
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), written_out($text));
            });
        }
    )*};
}

graphs! {
    a_product_and_a_sum: "
fn f(x: f32[B, 3], w: f32[3, 2]) { grad(sum(relu(matmul(x, w))), w) }
entry it = f(f32[B, 3], f32[3, 2])
"
    a_gradient_of_a_gradient: "
fn f(x: f32[N]) { grad(sum(square(grad(sum(x ^ 3.0), x))), x) }
entry it = f(f32[N])
"
    a_convolution: "
fn f(x: f32[B, 3, H, W], w: f32[8, 3, 3, 3]) { grad(mean(conv(x, w, padding = 1)), [x, w]) }
entry it = f(f32[B, 3, H, W], f32[8, 3, 3, 3])
"
    a_way_back_of_its_own: "
fn held(x: f32[N]) -> f32[N] { x } with gradient(x, y, dy) -> dx { clamp(dy, -1.0, 1.0) }
fn f(x: f32[N]) { grad(sum(2.0 * held(x)), x) }
entry it = f(f32[N])
"
}
