//! Ops that are more than loops over elements.

use vspec_engine::{EngineError, HostTensor, Interpreter, Precision, RunKey, Sizes};
use vspec_ir::plan::{Anchor, Operand, Plan, Value, ValueId};
use vspec_ir::{DType, Dim, Node, Origin, Type};

use crate::element::Element;
use crate::executable::{Data, dense};
use crate::kernels::{self, Kept};
use crate::memory::Memory;

/// Computes the result of an anchor. Ops without a kernel of their own are left to the reference interpreter. `kept` is what the anchor
/// makes of its weight, where that is the same each time.
pub(crate) fn run<T: Element>(
    plan: &Plan,
    memory: &Memory,
    anchor: &Anchor,
    result: (ValueId, &Value),
    kept: Option<&Kept<T>>,
    key: RunKey,
) -> Result<(), EngineError> {
    match kernels::run::<T>(plan, memory, anchor, result, kept) {
        Some(done) => done,
        None => reference::<T>(plan, memory, anchor, result, key),
    }
}

/// The result as the reference interpreter has it.
fn reference<T: Element>(
    plan: &Plan,
    memory: &Memory,
    anchor: &Anchor,
    result: (ValueId, &Value),
    key: RunKey,
) -> Result<(), EngineError> {
    let operands: Vec<HostTensor> =
        anchor.operands.iter().map(|operand| host::<T>(plan, memory, operand)).collect();
    let ty = Type::new(anchor.dtype, anchor.shape.iter().map(|size| Dim::from(*size)).collect());
    let node = Node { op: anchor.op.clone(), inputs: vec![], ty, origin: Origin::default() };
    let precision = if std::mem::size_of::<T>() == 4 { Precision::F32 } else { Precision::F64 };
    let value = Interpreter::new(precision).evaluate(&node, &operands, &Sizes::default(), key)?;
    match Data::<T>::from_host(value) {
        Data::Float(elements) => put(memory, result, &elements),
        Data::Int(elements) => put(memory, result, &elements),
        Data::Bool(elements) => put(memory, result, &elements),
    }
    Ok(())
}

/// Writes elements in row-major order to a value.
fn put<E: Copy>(memory: &Memory, (id, value): (ValueId, &Value), elements: &[E]) {
    if value.layout.is_dense() {
        return memory.write_run(id, 0, elements);
    }
    for (flat, element) in elements.iter().enumerate() {
        memory.write(id, value.layout.offset(&value.shape, &unravel(flat, &value.shape)), *element);
    }
}

fn unravel(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        at[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
    at
}

/// An operand as the op sees it.
fn host<T: Element>(plan: &Plan, memory: &Memory, operand: &Operand) -> HostTensor {
    let value = plan.value(operand.value);
    let numbers: Vec<f64> = match value.dtype {
        DType::F32 => dense(memory.whole::<T>(operand.value), value).into_iter().map(Element::wide).collect(),
        DType::I32 => dense(memory.whole::<i32>(operand.value), value).into_iter().map(f64::from).collect(),
        DType::Bool => dense(memory.whole::<bool>(operand.value), value)
            .into_iter()
            .map(|v| f64::from(u8::from(v)))
            .collect(),
    };
    let seen: Vec<f64> = (0..operand.shape.iter().product::<usize>())
        .map(|flat| {
            let at = unravel(flat, &operand.shape);
            let place = value.shape.iter().zip(&operand.at);
            numbers[place.fold(0, |sum, (size, index)| sum * size + index.at(&at) as usize)]
        })
        .collect();
    tensor::<T>(&operand.shape, value.dtype, seen)
}

fn tensor<T: Element>(shape: &[usize], dtype: DType, values: Vec<f64>) -> HostTensor {
    use vspec_engine::Buffer;
    let buffer = match dtype {
        DType::F32 if std::mem::size_of::<T>() == 4 => {
            Buffer::F32(values.iter().map(|v| *v as f32).collect())
        }
        DType::F32 => Buffer::F64(values),
        DType::I32 => Buffer::I32(values.iter().map(|v| *v as i32).collect()),
        DType::Bool => Buffer::Bool(values.iter().map(|v| *v != 0.0).collect()),
    };
    let empty = || HostTensor::scalar(0.0);
    HostTensor::new(shape.to_vec(), buffer).unwrap_or_else(empty)
}
