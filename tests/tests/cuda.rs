//! Every op on the CUDA device against the reference interpreter, and its gradients against those of the CPU.
//!
//! Built with the feature `cuda` only. Where there is no device the tests say so and check nothing; `VSPEC_CUDA=required` makes that a
//! failure. `tests/gpu/run.sh` runs this on a machine with a GPU.
#![cfg(feature = "cuda")]
#![allow(clippy::print_stderr, reason = "a test that checks nothing says so")]

use std::sync::Arc;

use vspec_dfdx::{DfdxCudaEngine, DfdxEngine};
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision};
use vspec_ir::ops::Gradient;
use vspec_ir::{DType, Op, Origin, OutputKind};
use vspec_tests::samples::{Instance, assert_close, instances, run, weighted_sum};

/// The device's engines, by operations and with fused regions; none where there is no device.
fn engines(precision: Precision) -> Vec<DfdxCudaEngine> {
    match DfdxCudaEngine::open(precision) {
        Ok(engine) => vec![engine.clone(), engine.fusing(Arc::new(vspec_tests::direct()))],
        Err(why) => {
            assert!(std::env::var_os("VSPEC_CUDA").is_none_or(|v| v != "required"), "{why}: {}", why.hint);
            eprintln!("SKIPPED, nothing was checked: {why} ({})", why.hint);
            vec![]
        }
    }
}

#[test]
fn every_op_has_the_reference_value() {
    for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 2e-6)] {
        for engine in engines(precision) {
            let mut wrong = vec![];
            for (_, mut instance) in instances() {
                instance.graph.output("y", OutputKind::Value, instance.result);
                let want = run(&Interpreter::new(precision), &instance.graph, &instance.inputs);
                compare(&engine, &instance, &want, tolerance, &mut wrong);
            }
            assert!(wrong.is_empty(), "{} {precision:?}:\n{}", engine.name(), wrong.join("\n"));
        }
    }
}

#[test]
fn every_gradient_is_that_of_the_cpu() {
    for (precision, tolerance) in [(Precision::F64, 1e-11), (Precision::F32, 1e-5)] {
        for engine in engines(precision) {
            let (mut wrong, mut checked) = (vec![], 0);
            for (_, mut instance) in instances().into_iter().filter(|(d, _)| d.gradient == Gradient::Yes) {
                if instance.graph.ty(instance.result).dtype != DType::F32 {
                    continue;
                }
                add_gradients(&mut instance);
                let want = run(&DfdxEngine::new(precision), &instance.graph, &instance.inputs);
                checked += want.len();
                compare(&engine, &instance, &want, tolerance, &mut wrong);
            }
            assert!(checked > 50, "only {checked} gradients");
            assert!(wrong.is_empty(), "{} {precision:?}:\n{}", engine.name(), wrong.join("\n"));
        }
    }
}

/// A batch may have no truths: values without elements, sums of them, and products along an axis without elements.
const EMPTY: &str = "graph @empty() {
   %0 = input name=\"x\" : f32[2, 0, 3]
   %1 = input name=\"w\" : f32[2, 3, 4]
   %2 = input name=\"y\" : f32[2, 5, 3]
   %3 = exp(%0) : f32[2, 0, 3]
   %4 = mul(%3, %0) : f32[2, 0, 3]
   %5 = sub(%4, %3) : f32[2, 0, 3]
   %6 = relu(%5) : f32[2, 0, 3]
   %7 = matmul(%6, %1) : f32[2, 0, 4]
   %8 = concat(%6, %2) axis=1 : f32[2, 5, 3]
   %9 = sum(%6) axes=[1] : f32[2, 3]
   %10 = sum(%7) axes=[0, 1, 2] : f32[]
   %11 = permute(%6) axes=[0, 2, 1] : f32[2, 3, 0]
   %12 = matmul(%11, %7) : f32[2, 3, 4]
   %13 = lt(%0, %6) : bool[2, 0, 3]
   %14 = where(%13, %0, %6) : f32[2, 0, 3]
   %15 = sum(%14) axes=[0, 2] : f32[0]
   value a = %7
   value b = %8
   value c = %9
   value d = %10
   value e = %12
   value f = %15
}";

#[test]
fn values_without_elements_are_computed() {
    let graph = vspec_ir::text::parse(EMPTY).expect("reads");
    let tensor = |shape: &[usize]| {
        let n = shape.iter().product::<usize>();
        let values = (0..n).map(|i| i as f64 / 4.0 - 1.0).collect();
        HostTensor::new(shape.to_vec(), Buffer::F64(values)).expect("as many as the shape says")
    };
    let given = [("x", tensor(&[2, 0, 3])), ("w", tensor(&[2, 3, 4])), ("y", tensor(&[2, 5, 3]))];
    let inputs: Inputs = given.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    let want = run(&Interpreter::new(Precision::F64), &graph, &inputs);
    for engine in engines(Precision::F64) {
        assert_eq!(run(&engine, &graph, &inputs), want, "{}", engine.name());
    }
}

/// Goes on after a difference, so that one run on a rented machine tells of all of them.
fn compare(
    engine: &DfdxCudaEngine,
    instance: &Instance,
    want: &[Vec<f64>],
    tolerance: f64,
    wrong: &mut Vec<String>,
) {
    let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let got = run(engine, &instance.graph, &instance.inputs);
        assert_eq!(got.len(), want.len());
        got.iter().zip(want).for_each(|(got, want)| assert_close(got, want, tolerance, &instance.what));
    }));
    if let Err(panic) = compared {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        wrong.push(format!("{}: {text}", instance.what));
    }
}

fn add_gradients(instance: &mut Instance) {
    let loss = weighted_sum(instance);
    for (i, operand) in instance.operands.clone().into_iter().enumerate() {
        if instance.graph.ty(operand).dtype == DType::F32 {
            let node = instance.graph.add(Op::Gradient {}, &[loss, operand], Origin::default());
            instance.graph.output(format!("g{i}"), OutputKind::Value, node.expect("a scalar"));
        }
    }
}
