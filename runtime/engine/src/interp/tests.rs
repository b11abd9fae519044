//! Ops against values worked out by hand, and runs that cannot be.

use vspec_ir::text;

use crate::{Buffer, Engine, EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey};

fn tensor(shape: &[usize], values: &[f64]) -> HostTensor {
    HostTensor::new(shape.to_vec(), Buffer::F64(values.to_vec())).expect("values fill the shape")
}

fn ints(values: &[i32]) -> HostTensor {
    HostTensor::new(vec![values.len()], Buffer::I32(values.to_vec())).expect("values fill the shape")
}

fn run(graph: &str, inputs: &[(&str, HostTensor)]) -> Result<Vec<HostTensor>, EngineError> {
    let graph = text::parse(graph).expect("the graph parses");
    let inputs: Inputs = inputs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    Interpreter::new(Precision::F64).session().run(&graph, &inputs, RunKey { seed: 3, step: 4 })
}

/// The value of one op on inputs `x` and, where given, `y`; types are those of the inputs.
fn op(body: &str, result: &str, inputs: &[(&str, HostTensor)]) -> Vec<f64> {
    let declared: String = inputs
        .iter()
        .map(|(name, t)| {
            let shape: Vec<String> = t.shape().iter().map(ToString::to_string).collect();
            format!("  %{name} = input name=\"{name}\" : {}[{}]\n", t.dtype(), shape.join(", "))
        })
        .collect();
    let graph = format!("graph @op() {{\n{declared}  %r = {body} : {result}\n  value r = %r\n}}");
    run(&graph, inputs).unwrap_or_else(|e| panic!("{body}: {e}"))[0].to_f64()
}

#[test]
fn integers_divide_towards_minus_infinity() {
    let inputs = [("x", ints(&[7, -7, 7, -7])), ("y", ints(&[2, 2, -2, -2]))];
    assert_eq!(op("div(%x, %y)", "i32[4]", &inputs), [3.0, -4.0, -4.0, 3.0]);
    assert_eq!(op("rem(%x, %y)", "i32[4]", &inputs), [1.0, 1.0, -1.0, -1.0]);
}

#[test]
fn trailing_axes_align_and_one_stretches() {
    let inputs = [("x", tensor(&[2, 1], &[1.0, 2.0])), ("y", tensor(&[3], &[10.0, 20.0, 30.0]))];
    assert_eq!(op("add(%x, %y)", "f32[2, 3]", &inputs), [11.0, 21.0, 31.0, 12.0, 22.0, 32.0]);
}

#[test]
fn casts_truncate() {
    let x = [("x", tensor(&[3], &[-1.7, 0.0, 2.9]))];
    assert_eq!(op("cast(%x) dtype=i32", "i32[3]", &x), [-1.0, 0.0, 2.0]);
    assert_eq!(op("cast(%x) dtype=bool", "bool[3]", &x), [1.0, 0.0, 1.0]);
}

#[test]
fn reductions_fold_the_axes_that_are_named() {
    let x = [("x", tensor(&[2, 3], &[1.0, 5.0, 3.0, 4.0, 4.0, -2.0]))];
    assert_eq!(op("sum(%x) axes=[1]", "f32[2]", &x), [9.0, 6.0]);
    assert_eq!(op("mean(%x) axes=[0]", "f32[3]", &x), [2.5, 4.5, 0.5]);
    assert_eq!(op("reduce_max(%x) axes=[0, 1]", "f32[]", &x), [5.0]);
    assert_eq!(op("argmax(%x) axis=1", "i32[2]", &x), [1.0, 0.0]);
}

#[test]
fn a_convolution_correlates_strides_and_pads() {
    let x = ("x", tensor(&[1, 1, 4], &[1.0, 2.0, 3.0, 4.0]));
    let w = ("y", tensor(&[1, 1, 3], &[1.0, 0.0, -1.0]));
    let got = op("conv(%x, %y) stride=[2] padding=[[1, 0]]", "f32[1, 1, 2]", &[x, w]);
    assert_eq!(got, [-2.0, -2.0]);
}

#[test]
fn groups_keep_channels_apart() {
    let x = ("x", tensor(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]));
    let w = ("y", tensor(&[2, 1, 1], &[10.0, 100.0]));
    assert_eq!(op("conv(%x, %y) groups=2", "f32[1, 2, 2]", &[x, w]), [10.0, 20.0, 300.0, 400.0]);
}

#[test]
fn padding_never_wins_a_maximum_and_counts_in_a_mean_when_asked() {
    let x = [("x", tensor(&[1, 1, 3], &[-1.0, -2.0, -3.0]))];
    let window = "kernel=[2] stride=[2] padding=[[1, 0]]";
    assert_eq!(op(&format!("max_pool(%x) {window}"), "f32[1, 1, 2]", &x), [-1.0, -2.0]);
    assert_eq!(op(&format!("avg_pool(%x) {window} count_padding=true"), "f32[1, 1, 2]", &x), [-0.5, -2.5]);
    assert_eq!(op(&format!("avg_pool(%x) {window} count_padding=false"), "f32[1, 1, 2]", &x), [-1.0, -2.5]);
}

#[test]
fn views_rearrange() {
    let x = [("x", tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))];
    assert_eq!(op("permute(%x) axes=[1, 0]", "f32[3, 2]", &x), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(op("slice(%x) axis=1 start=0 end=3 step=2", "f32[2, 2]", &x), [1.0, 3.0, 4.0, 6.0]);
    let padded = op("pad(%x) axis=1 low=1 high=0 value=9", "f32[2, 4]", &x);
    assert_eq!(padded, [9.0, 1.0, 2.0, 3.0, 9.0, 4.0, 5.0, 6.0]);
}

#[test]
fn gather_replaces_its_axis_and_checks_its_indices() {
    let x = ("x", tensor(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(
        op("gather(%x, %y) axis=0", "f32[2, 2]", &[x.clone(), ("y", ints(&[2, 0]))]),
        [5.0, 6.0, 1.0, 2.0]
    );
    let graph = "graph @g() {
  %x = input name=\"x\" : f32[3, 2]
  %y = input name=\"y\" : i32[1]
  %0 = gather(%x, %y) axis=0 : f32[1, 2]
  value r = %0
}";
    assert!(run(graph, &[x, ("y", ints(&[3]))]).is_err());
}

#[test]
fn matrices_multiply_in_batches() {
    let a = ("x", tensor(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]));
    let b = ("y", tensor(&[2, 2, 1], &[5.0, 6.0, 7.0, 8.0]));
    assert_eq!(op("matmul(%x, %y)", "f32[2, 1, 1]", &[a, b]), [17.0, 53.0]);
}

#[test]
fn random_numbers_repeat_for_a_key_and_differ_between_streams() {
    let draw = |stream: &str| op(&format!("uniform() stream=\"{stream}\""), "f32[4]", &[]);
    assert_eq!(draw("a"), draw("a"));
    assert_ne!(draw("a"), draw("b"));
}

#[test]
fn a_written_variable_is_read_by_the_next_run() {
    let graph = text::parse(
        "graph @count() {
  %n = state path=\"n\" : f32[]
  %1 = full value=1 : f32[]
  %2 = add(%n, %1) : f32[]
  value before = %n
  write n = %2
}",
    )
    .expect("the graph parses");
    let mut session = Interpreter::default().session();
    session.write("n", HostTensor::scalar(5.0)).expect("takes a variable");
    let mut next = || session.run(&graph, &Inputs::new(), RunKey::default()).expect("runs")[0].item();
    assert_eq!((next(), next()), (Some(5.0), Some(6.0)));
}

#[test]
fn what_is_missing_or_does_not_fit_is_named() {
    let graph = "graph @sizes(N: size) {
  %x = input name=\"x\" : f32[N]
  %y = input name=\"y\" : f32[N]
  %0 = add(%x, %y) : f32[N]
  value r = %0
}";
    let (two, three) = (tensor(&[2], &[0.0; 2]), tensor(&[3], &[0.0; 3]));
    assert_eq!(run(graph, &[("x", two.clone())]), Err(EngineError::MissingInput("y".to_string())));
    let wrong = run(graph, &[("x", two), ("y", three)]);
    assert!(
        matches!(wrong, Err(EngineError::WrongType { .. } | EngineError::Obligation { .. })),
        "{wrong:?}"
    );
}

#[test]
fn a_gradient_is_refused() {
    let graph = "graph @g() {
  %x = input name=\"x\" : f32[]
  %0 = mul(%x, %x) : f32[]
  %1 = gradient(%0, %x) : f32[]
  value g = %1
}";
    assert!(matches!(run(graph, &[("x", tensor(&[], &[1.0]))]), Err(EngineError::Unsupported(_))));
}
