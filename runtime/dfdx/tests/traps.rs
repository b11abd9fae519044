//! Where dfdx 0.13 would fail, or give another gradient than the op table says.

use vspec_dfdx::DfdxEngine;
use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, Engine, EngineError, HostTensor, Inputs, Precision, RunKey};
use vspec_ir::text;

fn tensor(shape: &[usize], values: &[f64]) -> HostTensor {
    HostTensor::new(shape.to_vec(), Buffer::F64(values.to_vec())).expect("values fill the shape")
}

/// Runs a graph in text form in double precision.
fn run(graph: &str, inputs: &[(&str, HostTensor)]) -> Result<Vec<Vec<f64>>, EngineError> {
    let graph = text::parse(graph).expect("the graph parses");
    let inputs: Inputs = inputs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let results = DfdxEngine::new(Precision::F64).session().run(&graph, &inputs, RunKey::default())?;
    Ok(results.iter().map(HostTensor::to_f64).collect())
}

#[test]
fn an_operand_used_twice_does_not_panic_in_backward() {
    let graph = "graph @square() {
  %x = input name=\"x\" : f32[2, 2]
  %0 = mul(%x, %x) : f32[2, 2]
  %1 = matmul(%0, %0) : f32[2, 2]
  %2 = concat(%1, %1) axis=0 : f32[4, 2]
  %3 = sum(%2) axes=[0, 1] : f32[]
  %4 = gradient(%3, %x) : f32[2, 2]
  value g = %4
}";
    let got = run(graph, &[("x", tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]))]).expect("runs");
    // d/dx of 2 sum((x*x)(x*x)): with s = x*x it is 4 x (row sums of s + column sums of s, crosswise).
    let s = [1.0, 4.0, 9.0, 16.0];
    let (rows, columns) = ([s[0] + s[1], s[2] + s[3]], [s[0] + s[2], s[1] + s[3]]);
    let by_s = |i: usize, j: usize| 2.0 * (rows[j] + columns[i]);
    let want = [2.0 * by_s(0, 0), 4.0 * by_s(0, 1), 6.0 * by_s(1, 0), 8.0 * by_s(1, 1)];
    assert_eq!(got[0], want);
}

#[test]
fn sums_of_nothing_are_zero() {
    let graph = "graph @empty(N: size) {
  %x = input name=\"x\" : f32[N, 3]
  %0 = sum(%x) axes=[0] : f32[3]
  %1 = mean(%x) axes=[0, 1] : f32[]
  value sum = %0
  value mean = %1
}";
    let got = run(graph, &[("x", tensor(&[0, 3], &[]))]).expect("runs");
    assert_eq!(got, vec![vec![0.0; 3], vec![0.0]]);
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    let graph = "graph @ties() {
  %x = input name=\"x\" : f32[1, 1, 4]
  %0 = reduce_max(%x) axes=[0, 1, 2] : f32[]
  %1 = max_pool(%x) kernel=[2] stride=[2] : f32[1, 1, 2]
  %2 = sum(%1) axes=[0, 1, 2] : f32[]
  %3 = gradient(%0, %x) : f32[1, 1, 4]
  %4 = gradient(%2, %x) : f32[1, 1, 4]
  value reduce = %3
  value pool = %4
}";
    let got = run(graph, &[("x", tensor(&[1, 1, 4], &[5.0, 5.0, 1.0, 1.0]))]).expect("runs");
    assert_eq!(got, vec![vec![1.0, 0.0, 0.0, 0.0], vec![1.0, 0.0, 1.0, 0.0]]);
}

#[test]
fn nan_wins_in_maxima_and_minima() {
    let graph = "graph @broken() {
  %x = input name=\"x\" : f32[1, 1, 4]
  %y = input name=\"y\" : f32[1, 1, 4]
  %0 = max(%x, %y) : f32[1, 1, 4]
  %1 = min(%x, %y) : f32[1, 1, 4]
  %2 = reduce_max(%x) axes=[0, 1, 2] : f32[]
  %3 = reduce_min(%x) axes=[0, 1, 2] : f32[]
  %4 = max_pool(%x) kernel=[2] stride=[2] : f32[1, 1, 2]
  %5 = max_pool_index(%x) kernel=[2] stride=[2] : i32[1, 1, 2]
  value max = %0
  value min = %1
  value reduce_max = %2
  value reduce_min = %3
  value max_pool = %4
  value max_pool_index = %5
}";
    let nan = f64::NAN;
    let x = tensor(&[1, 1, 4], &[nan, 2.0, 3.0, nan]);
    let y = tensor(&[1, 1, 4], &[1.0, nan, 4.0, nan]);
    let got = run(graph, &[("x", x), ("y", y)]).expect("runs");
    let want = [&[nan, nan, 4.0, nan][..], &[nan, nan, 3.0, nan], &[nan], &[nan], &[nan, nan], &[0.0, 3.0]];
    assert_eq!(format!("{got:?}"), format!("{want:?}"));
}

#[test]
fn kinks_have_the_gradients_of_the_op_table() {
    let graph = "graph @kinks() {
  %x = input name=\"x\" : f32[3]
  %y = input name=\"y\" : f32[3]
  %0 = relu(%x) : f32[3]
  %1 = abs(%x) : f32[3]
  %2 = max(%x, %y) : f32[3]
  %3 = add(%0, %1) : f32[3]
  %4 = sum(%3) axes=[0] : f32[]
  %5 = sum(%2) axes=[0] : f32[]
  %6 = gradient(%4, %x) : f32[3]
  %7 = gradient(%5, %y) : f32[3]
  value x = %6
  value y = %7
}";
    let (x, y) = (tensor(&[3], &[0.0, -2.0, 2.0]), tensor(&[3], &[0.0, 1.0, 1.0]));
    let got = run(graph, &[("x", x), ("y", y)]).expect("runs");
    assert_eq!(got, vec![vec![0.0, -1.0, 2.0], vec![0.5, 1.0, 0.0]]);
}

#[test]
fn a_reshaped_broadcast_has_its_whole_gradient() {
    let graph = "graph @spread() {
  %x = input name=\"x\" : f32[2, 1]
  %0 = broadcast(%x) : f32[3, 2, 4]
  %1 = reshape(%0) : f32[24]
  %2 = sum(%1) axes=[0] : f32[]
  %3 = gradient(%2, %x) : f32[2, 1]
  value g = %3
}";
    let got = run(graph, &[("x", tensor(&[2, 1], &[1.0, 2.0]))]).expect("runs");
    assert_eq!(got[0], [12.0, 12.0]);
}

#[test]
fn what_took_no_part_has_a_gradient_of_zeros() {
    let graph = "graph @stopped() {
  %x = input name=\"x\" : f32[2]
  %0 = stop_gradient(%x) : f32[2]
  %1 = mul(%0, %0) : f32[2]
  %2 = sum(%1) axes=[0] : f32[]
  %3 = gradient(%2, %x) : f32[2]
  value g = %3
}";
    assert_eq!(run(graph, &[("x", tensor(&[2], &[1.0, 2.0]))]).expect("runs")[0], [0.0, 0.0]);
}

#[test]
fn two_losses_share_what_they_are_computed_from() {
    let graph = "graph @two() {
  %x = input name=\"x\" : f32[2]
  %h = mul(%x, %x) : f32[2]
  %e = exp(%h) : f32[2]
  %a = sum(%h) axes=[0] : f32[]
  %b = sum(%e) axes=[0] : f32[]
  %0 = gradient(%a, %x) : f32[2]
  %1 = gradient(%b, %x) : f32[2]
  %2 = gradient(%b, %h) : f32[2]
  value a = %0
  value b = %1
  value inner = %2
}";
    let got = run(graph, &[("x", tensor(&[2], &[0.5, -1.0]))]).expect("runs");
    let e = [0.25f64.exp(), 1f64.exp()];
    let want = [vec![1.0, -2.0], vec![e[0], -2.0 * e[1]], vec![e[0], e[1]]];
    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }
}

#[test]
fn a_gradient_of_a_gradient_is_refused_by_name() {
    let graph = "graph @nested() {
  %x = input name=\"x\" : f32[]
  %0 = mul(%x, %x) : f32[]
  %1 = gradient(%0, %x) : f32[]
  %2 = mul(%1, %1) : f32[]
  %3 = gradient(%2, %x) : f32[]
  value g = %3
}";
    let error = run(graph, &[("x", tensor(&[], &[3.0]))]).expect_err("dfdx has one tape");
    assert!(matches!(&error, EngineError::Unsupported(text) if text.contains("nested")), "{error}");
}

#[test]
fn a_step_repeats_bit_for_bit() {
    let graph = "graph @step() {
  %x = input name=\"x\" : f32[9, 3, 12, 11]
  %w = input name=\"w\" : f32[8, 3, 3, 3]
  %0 = conv(%x, %w) padding=[[1, 1], [1, 1]] : f32[9, 8, 12, 11]
  %1 = mul(%0, %0) : f32[9, 8, 12, 11]
  %2 = mean(%1) axes=[0, 1, 2, 3] : f32[]
  %3 = gradient(%2, %w) : f32[8, 3, 3, 3]
  value g = %3
}";
    let graph = text::parse(graph).expect("the graph parses");
    let draw = |name: &str, shape: &[usize]| {
        let stream = Stream::new(name, 1, 0);
        let values = (0..shape.iter().product::<usize>()).map(|i| stream.normal(i as u64) as f32).collect();
        HostTensor::new(shape.to_vec(), Buffer::F32(values)).expect("values fill the shape")
    };
    let inputs = Inputs::from([
        ("x".to_string(), draw("x", &[9, 3, 12, 11])),
        ("w".to_string(), draw("w", &[8, 3, 3, 3])),
    ]);
    let once = || DfdxEngine::default().session().run(&graph, &inputs, RunKey::default()).expect("runs");
    let first = once();
    for _ in 0..3 {
        assert_eq!(once(), first);
    }
}
