//! Every sample of the op table computed without a custom operation.

use std::collections::BTreeMap;

use dfdx::prelude::Cpu;
use vspec_engine::{Buffer, HostTensor, Inputs, Sizes, bind};
use vspec_ir::ops::{Gradient, OpDecl, TABLE};
use vspec_ir::{DType, Graph, Type, text};

use super::{NOT_COMPOSED, differentiable};
use crate::execute::Value;
use crate::operands::Operands;
use crate::record::Recorder;

/// Small positive numbers, of which some are equal; indices are 0 or 1.
fn operand(ty: &Type) -> Value<f64, Cpu> {
    let shape = ty.const_shape().expect("samples have constant shapes");
    let n: usize = shape.iter().product();
    let buffer = match ty.dtype {
        DType::F32 => Buffer::F64((0..n).map(|i| 0.5 + (i % 5) as f64).collect()),
        DType::I32 => Buffer::I32((0..n).map(|i| (i % 2) as i32).collect()),
        DType::Bool => Buffer::Bool((0..n).map(|i| i % 2 == 0).collect()),
    };
    Value::from_host(&Cpu::default(), &HostTensor::new(shape, buffer).expect("fills its shape"))
}

/// How many custom operations an instance records; `None` if it has no float result.
fn customs(decl: &OpDecl, sample: &str, sizes: &Sizes) -> Option<usize> {
    let (op, types) = text::parse_instance(decl.name, sample).expect("samples parse");
    let values: Vec<Value<f64, Cpu>> = types.iter().map(operand).collect();
    let integers = values.iter().all(|v| matches!(v, Value::Host(_)));
    let first_is_float = types.first().is_some_and(|t| t.dtype == DType::F32);
    if integers || !(first_is_float || decl.name == "where") {
        return None;
    }
    let mut recorder = Recorder::recording(&Cpu::default(), [].into());
    let operands = Operands { values: values.iter().collect(), sizes };
    let result = differentiable(&mut recorder, &op, &operands)?;
    result.unwrap_or_else(|e| panic!("{} {sample}: {e}", decl.name));
    Some(recorder.customs)
}

#[test]
fn only_the_listed_ops_are_custom() {
    let sizes = bind(&Graph::new("empty"), &Inputs::new()).expect("no sizes");
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for decl in TABLE.iter().filter(|decl| decl.gradient == Gradient::Yes) {
        for customs in decl.samples.iter().filter_map(|sample| customs(decl, sample, &sizes)) {
            let most = most.entry(decl.name).or_default();
            *most = customs.max(*most);
        }
    }
    let custom: Vec<&str> = most.iter().filter(|(_, n)| **n > 0).map(|(name, _)| *name).collect();
    assert_eq!(custom, NOT_COMPOSED);
    // Casts that have a gradient are the value itself, and custom gradients are written out before.
    let with_gradients = TABLE.iter().filter(|decl| decl.gradient == Gradient::Yes).map(|decl| decl.name);
    let missing: Vec<&str> = with_gradients.filter(|name| !most.contains_key(name)).collect();
    assert_eq!(missing, ["custom_gradient"]);
}
