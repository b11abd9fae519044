//! Values that are large enough to be worked on by several threads.

use rayon::ThreadPoolBuilder;
use vspec_dfdx::DfdxEngine;
use vspec_engine::{Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::text;

/// A convolution, less its means, rectified, added to itself, pooled, times itself: of degree two in `x` and in `w`.
const LOSS: &str = "  %x = normal stream=\"x\" : f32[9, 3, 41, 40]
  %w = normal stream=\"w\" : f32[16, 3, 3, 3]
  %y = conv(%x, %w) padding=[[1, 1], [1, 1]] : f32[9, 16, 41, 40]
  %mean = mean(%y) axes=[0, 2, 3] keepdims=true : f32[1, 16, 1, 1]
  %centred = sub(%y, %mean) : f32[9, 16, 41, 40]
  %z = relu(%centred) : f32[9, 16, 41, 40]
  %both = add(%z, %centred) : f32[9, 16, 41, 40]
  %pooled = max_pool(%both) kernel=[3, 3] stride=[2, 2] : f32[9, 16, 20, 19]
  %square = mul(%pooled, %pooled) : f32[9, 16, 20, 19]
  %loss = sum(%square) axes=[0, 1, 2, 3] : f32[]
";

const BY_W: &str = "  %dw = gradient(%loss, %w) : f32[16, 3, 3, 3]\n";
const BY_X: &str = "  %dx = gradient(%loss, %x) : f32[9, 3, 41, 40]\n";

/// Runs the loss with more nodes, and returns the values of these.
fn run(engine: &(dyn Engine + Sync), more: &str, outputs: &[&str], threads: usize) -> Vec<Vec<f64>> {
    let outputs: String = outputs.iter().map(|name| format!("  value {name} = %{name}\n")).collect();
    let graph =
        text::parse(&format!("graph @large() {{\n{LOSS}{more}{outputs}}}")).expect("it is well formed");
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let results = pool.install(|| engine.session().run(&graph, &Inputs::new(), RunKey::default()));
    results.expect("runs").iter().map(HostTensor::to_f64).collect()
}

#[test]
fn large_values_are_those_of_the_reference() {
    let want = run(&Interpreter::new(Precision::F64), "", &["loss", "pooled"], 1);
    for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 1e-5)] {
        let got = run(&DfdxEngine::new(precision), "", &["loss", "pooled"], 2);
        for (got, want) in got.iter().zip(&want) {
            assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() <= tolerance * (1.0 + w.abs())));
        }
    }
}

#[test]
fn large_gradients_fulfil_eulers_theorem() {
    let engine = DfdxEngine::new(Precision::F64);
    let got = run(&engine, &format!("{BY_W}{BY_X}"), &["loss", "w", "dw", "x", "dx"], 2);
    let twice = 2.0 * got[0][0];
    for (values, slopes) in [(&got[1], &got[2]), (&got[3], &got[4])] {
        let product: f64 = values.iter().zip(slopes).map(|(v, s)| v * s).sum();
        assert!((product - twice).abs() < 1e-9 * twice, "{product} is not {twice}");
    }
}

#[test]
fn a_gradient_that_nobody_asks_for_changes_no_other() {
    let engine = DfdxEngine::new(Precision::F32);
    let alone = run(&engine, BY_W, &["dw"], 2);
    let both = run(&engine, &format!("{BY_W}{BY_X}"), &["dw"], 2);
    assert_eq!(alone, both);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let engine = DfdxEngine::new(Precision::F32);
    let more = format!("{BY_W}{BY_X}");
    let one = run(&engine, &more, &["loss", "dw", "dx"], 1);
    assert_eq!(one, run(&engine, &more, &["loss", "dw", "dx"], 2));
    assert_eq!(one, run(&engine, &more, &["loss", "dw", "dx"], 5));
}
