//! The bytes of a run: inputs, variables, constants and one arena.

use std::collections::BTreeMap;
use std::sync::Arc;

use vspec_ir::DType;
use vspec_ir::plan::{Place, Plan, Value as PlanValue, ValueId};

use crate::interp::array::{Array, unravel};
use crate::interp::value::{Real, Value};
use crate::{EngineError, HostTensor, Inputs};

/// Names of memory: everything but the arena, which is one piece.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Input(Arc<str>),
    Variable(Arc<str>),
    Constant(usize),
    Arena,
}

/// Memory of one run, in which an element takes `size_of::<T>()` bytes where the plan counts four.
pub(super) struct Memory<'p> {
    plan: &'p Plan,
    scale: usize,
    pieces: BTreeMap<Piece, Vec<u8>>,
}

impl<'p> Memory<'p> {
    /// Memory with the inputs, variables and constants that a plan reads.
    pub(super) fn new<T: Real>(
        plan: &'p Plan,
        inputs: &Inputs,
        variables: &BTreeMap<String, HostTensor>,
    ) -> Result<Self, EngineError> {
        let scale = std::mem::size_of::<T>() / 4;
        let mut memory = Memory { plan, scale, pieces: BTreeMap::new() };
        // What has been computed before would be NaN, not a number that happens to be right.
        memory.pieces.insert(Piece::Arena, vec![0xFF; plan.arena * scale]);
        for (index, value) in plan.values.iter().enumerate() {
            let given = match &value.place {
                Place::Arena(_) => continue,
                Place::Input(name) => {
                    inputs.get(&**name).cloned().ok_or_else(|| EngineError::MissingInput(name.to_string()))?
                }
                // A variable that is only written has no value yet.
                Place::Variable(path) => match variables.get(&**path) {
                    Some(tensor) => tensor.clone(),
                    None if !is_read(plan, index) => zeros(value),
                    None => return Err(EngineError::MissingVariable(path.to_string())),
                },
                Place::Constant(literal) => HostTensor::wide(literal),
            };
            memory.fill::<T>(index, value, &given)?;
        }
        Ok(memory)
    }

    fn fill<T: Real>(
        &mut self,
        index: usize,
        value: &PlanValue,
        given: &HostTensor,
    ) -> Result<(), EngineError> {
        if given.shape() != value.shape || given.dtype() != value.dtype {
            let name = format!("{:?}", value.place);
            let (expected, found) = (format!("{:?}", value.shape), format!("{:?}", given.shape()));
            return Err(EngineError::WrongType { name, expected, found });
        }
        let piece = piece(index, value);
        if self.pieces.contains_key(&piece) {
            return Ok(());
        }
        let bytes = value.layout.elements(&value.shape) * 4 * self.scale;
        self.pieces.insert(piece, vec![0xFF; bytes]);
        let values = Value::<T>::from_host(given);
        let mut at = vec![0; value.shape.len()];
        for flat in 0..given.buffer().len() {
            unravel(flat, &value.shape, &mut at);
            self.write(ValueId(index as u32), &at, &values, flat);
        }
        Ok(())
    }

    /// Shape of a value.
    pub(super) fn shape(&self, id: ValueId) -> &[usize] {
        &self.plan.value(id).shape
    }

    /// First byte of an element, and the piece that it lies in.
    fn locate(&self, id: ValueId, at: &[usize]) -> (Piece, usize) {
        let value = self.plan.value(id);
        let start = match value.place {
            Place::Arena(start) => start * self.scale,
            _ => 0,
        };
        let width = vspec_ir::plan::size_of(value.dtype) * self.scale;
        (piece(id.index(), value), start + value.layout.offset(&value.shape, at) * width)
    }

    /// The element at a place, as double precision, which holds every element exactly.
    pub(super) fn read<T: Real>(&self, id: ValueId, at: &[usize]) -> f64 {
        let (piece, start) = self.locate(id, at);
        let bytes = &self.pieces[&piece][start..];
        match self.plan.value(id).dtype {
            DType::F32 => T::from_bytes(bytes).to_f64(),
            DType::I32 => f64::from(i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
            DType::Bool => f64::from(bytes[0]),
        }
    }

    /// Writes element `from` of some values.
    pub(super) fn write<T: Real>(&mut self, id: ValueId, at: &[usize], values: &Value<T>, from: usize) {
        let (piece, start) = self.locate(id, at);
        let Some(bytes) = self.pieces.get_mut(&piece) else { return };
        let bytes = &mut bytes[start..];
        match values {
            Value::Float(array) => array.data[from].to_bytes(bytes),
            Value::Int(array) => bytes[..4].copy_from_slice(&array.data[from].to_ne_bytes()),
            Value::Bool(array) => bytes[0] = u8::from(array.data[from]),
        }
    }

    /// A whole value in row-major order.
    pub(super) fn whole<T: Real>(&self, id: ValueId) -> Value<T> {
        let value = self.plan.value(id);
        let mut at = vec![0; value.shape.len()];
        let wide = Array::from_fn(value.shape.clone(), |flat| {
            unravel(flat, &value.shape, &mut at);
            self.read::<T>(id, &at)
        });
        Value::from_wide(value.dtype, &wide)
    }
}

fn piece(index: usize, value: &PlanValue) -> Piece {
    match &value.place {
        Place::Input(name) => Piece::Input(name.clone()),
        Place::Variable(path) => Piece::Variable(path.clone()),
        Place::Constant(_) => Piece::Constant(index),
        Place::Arena(_) => Piece::Arena,
    }
}

fn is_read(plan: &Plan, index: usize) -> bool {
    let id = ValueId(index as u32);
    let by_kernel = plan.kernels.iter().any(|kernel| kernel.reads().contains(&id));
    let written = plan.kernels.iter().any(|kernel| kernel.writes().contains(&id));
    by_kernel || plan.outputs.iter().any(|output| output.value == id) && !written
}

fn zeros(value: &PlanValue) -> HostTensor {
    let count = value.shape.iter().product::<usize>();
    let literal =
        vspec_ir::Literal { dtype: value.dtype, shape: value.shape.clone(), values: vec![0.0; count].into() };
    HostTensor::from(&literal)
}
