//! A plan made ready: programs for its regions, an arena, constants.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::time::{Duration, Instant};

use vspec_engine::{Buffer, EngineError, HostTensor, RunKey};
use vspec_ir::plan::{Anchor, Index, Instr, Kernel, Place, Plan, Value, ValueId, check};
use vspec_ir::{DType, OutputKind};

use crate::anchor;
use crate::coverage::Coverage;
use crate::element::Element;
use crate::jit;
use crate::kernels::Scratch;
use crate::kernels::vector::Isa;
use crate::memory::{Arena, Memory, Moved, Raw};
use crate::mode::Mode;
use crate::still::Keeper;
use crate::tile::{self, Failure, Job, Program};
use crate::variables::Variables;
use crate::workers;

/// Elements of a tensor.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant is named as its element type")]
pub enum Data<T> {
    Float(Vec<T>),
    Int(Vec<i32>),
    Bool(Vec<bool>),
}

/// Elements of a tensor that somebody else owns.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "each variant is named as its element type")]
pub enum Elements<'a, T> {
    Float(&'a [T]),
    Int(&'a [i32]),
    Bool(&'a [bool]),
}

impl<T: Element> Data<T> {
    /// Zeros.
    fn zeros(dtype: DType, count: usize) -> Self {
        match dtype {
            DType::F32 => Data::Float(vec![T::default(); count]),
            DType::I32 => Data::Int(vec![0; count]),
            DType::Bool => Data::Bool(vec![false; count]),
        }
    }

    /// The elements of a host tensor, in its own memory where they are of the same type.
    pub fn from_host(tensor: HostTensor) -> Self {
        match tensor.into_buffer() {
            Buffer::F32(v) => Data::Float(v.into_iter().map(|x| T::of(f64::from(x))).collect()),
            Buffer::F64(v) => Data::Float(v.into_iter().map(T::of).collect()),
            Buffer::I32(v) => Data::Int(v),
            Buffer::Bool(v) => Data::Bool(v),
        }
    }

    /// The elements, to look at.
    pub fn elements(&self) -> Elements<'_, T> {
        match self {
            Data::Float(v) => Elements::Float(v),
            Data::Int(v) => Elements::Int(v),
            Data::Bool(v) => Elements::Bool(v),
        }
    }

    pub(crate) fn raw_mut(&mut self) -> Raw {
        match self {
            Data::Float(v) => Raw::of_mut(v),
            Data::Int(v) => Raw::of_mut(v),
            Data::Bool(v) => Raw::of_mut(v),
        }
    }
}

impl<T> Elements<'_, T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Elements::Float(v) => v.len(),
            Elements::Int(v) => v.len(),
            Elements::Bool(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn dtype(&self) -> DType {
        match self {
            Elements::Float(_) => DType::F32,
            Elements::Int(_) => DType::I32,
            Elements::Bool(_) => DType::Bool,
        }
    }

    fn raw(&self) -> Raw {
        match self {
            Elements::Float(v) => Raw::of(v),
            Elements::Int(v) => Raw::of(v),
            Elements::Bool(v) => Raw::of(v),
        }
    }
}

/// A kernel, ready.
struct Ready {
    anchor: Option<Anchor>,
    /// Where the anchor's result goes, and what it looks like.
    result: Option<(ValueId, Value)>,
    /// The rest; none if the anchor's result is all that is stored.
    program: Option<Program>,
    /// Why the program is no machine code, if that was tried.
    refused: Option<String>,
}

/// A plan with everything that its runs share.
pub struct Executable<T: Element> {
    plan: Plan,
    mode: Mode,
    /// Whether a kernel reads a value.
    is_read: Vec<bool>,
    /// Whether it is a variable that gets a new value where the old one lies.
    is_written: Vec<bool>,
    kernels: Vec<Ready>,
    keeper: Keeper<T>,
    arena: Arena,
    constants: BTreeMap<usize, Data<T>>,
    /// How long kernels took, while someone wants to know.
    pub(crate) times: Option<Vec<Timed>>,
}

/// How long a kernel took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timed {
    pub(crate) fastest: Option<Duration>,
    pub(crate) runs: u64,
    /// When it ran last, and how long.
    pub(crate) last: Option<(Instant, Duration)>,
}

impl Timed {
    fn add(&mut self, began: Instant) {
        let took = began.elapsed();
        self.last = Some((began, took));
        self.fastest = Some(self.fastest.map_or(took, |fastest| fastest.min(took)));
        self.runs += 1;
    }
}

impl Ready {
    /// Elements of the anchor's result if that lies in no value of the plan.
    fn unstored(&self, plan: &Plan) -> usize {
        let result = self.result.as_ref().filter(|(id, _)| *id == behind(plan));
        result.map_or(0, |(_, value)| value.shape.iter().product())
    }

    /// Makes machine code for the region, as far as there are instructions for it.
    fn compile(&mut self, plan: &Plan, isa: Isa) {
        let result = self.result.as_ref();
        let sizes = |id: ValueId| match result {
            Some((own, value)) if *own == id => value.layout.elements(&value.shape),
            _ => plan.values.get(id.index()).map_or(0, |value| value.layout.elements(&value.shape)),
        };
        if let Some(program) = &mut self.program {
            // Tiles do what machine code does not.
            self.refused = jit::compile(program, &sizes, isa).err();
        }
    }
}

impl<T: Element> Executable<T> {
    /// Checks a plan and makes it ready.
    ///
    /// # Errors
    /// When the plan is wrong, which is a bug in the compiler.
    pub fn new(plan: Plan, mode: Mode) -> Result<Self, EngineError> {
        check(&plan).map_err(|fault| EngineError::Unsupported(fault.to_string()))?;
        let fail = |error: String| EngineError::Unsupported(error);
        let kernels: Result<Vec<Ready>, String> =
            plan.kernels.iter().map(|kernel| ready(&plan, kernel)).collect();
        let mut kernels = kernels.map_err(fail)?;
        if size_of::<T>() == 4 {
            workers::pieces(&mut kernels, 1, |_, ready| ready[0].compile(&plan, mode.target()));
        }
        let constant = |(i, value): (usize, &Value)| match &value.place {
            Place::Constant(literal) => Some((i, Data::from_host(HostTensor::wide(literal)))),
            _ => None,
        };
        let mut is_read = vec![false; plan.values.len()];
        plan.kernels.iter().flat_map(Kernel::reads).for_each(|value| is_read[value.index()] = true);
        let stored: Vec<&Place> =
            plan.kernels.iter().flat_map(Kernel::writes).map(|value| &plan.value(value).place).collect();
        let is_variable = |place: &Place| matches!(place, Place::Variable(_));
        let is_written = |value: &Value| is_variable(&value.place) && stored.contains(&&value.place);
        let is_written = plan.values.iter().map(is_written).collect();
        Ok(Executable {
            is_read,
            is_written,
            keeper: Keeper::new(&plan),
            arena: Arena::new(plan.arena * size_of::<T>() / 4),
            constants: plan.values.iter().enumerate().filter_map(constant).collect(),
            kernels,
            plan,
            mode,
            times: None,
        })
    }

    /// How much of its regions is machine code.
    pub fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        self.kernels
            .iter()
            .filter_map(|ready| ready.program.as_ref())
            .for_each(|program| coverage.add(program));
        coverage
    }

    /// Why programs are no machine code at all.
    #[cfg(test)]
    pub(crate) fn refused(&self) -> Vec<&str> {
        self.kernels.iter().filter_map(|ready| ready.refused.as_deref()).collect()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs the plan: reads inputs by name, reads and writes variables by path. Returns the outputs that are no writes, in order.
    ///
    /// # Errors
    /// When an input or a variable is missing or of another type, or data names a place outside its axis. Variables may have new values
    /// then.
    pub fn run(
        &mut self,
        inputs: &BTreeMap<&str, Elements<'_, T>>,
        variables: &mut Variables<T>,
        key: RunKey,
    ) -> Result<Vec<Data<T>>, EngineError> {
        let numbers = self.keeper.look(variables);
        let memory = self.memory(inputs, variables)?;
        let moved = self.moved(&memory)?;
        let mut memory = moved.as_ref().map_or(memory, |moved| moved.memory.clone());
        let failure = Failure::new(None);
        self.mode.within(|| self.run_kernels(&mut memory, key, &failure))?;
        if let Some(moved) = &moved {
            moved.give_back(|number| {
                matches!(self.plan.values.get(number).map(|value| &value.place), Some(Place::Variable(_)))
            });
        }
        if let Some(error) = failure.into_inner().ok().flatten() {
            return Err(error);
        }
        // What was moved is moved again.
        self.keeper.ran(numbers.filter(|_| moved.is_none()));
        let (mut results, mut writes) = (vec![], vec![]);
        for output in &self.plan.outputs {
            let value = self.plan.value(output.value);
            let in_place = matches!(&value.place, Place::Variable(path) if *path == output.name);
            match output.kind {
                OutputKind::Write if in_place => {}
                OutputKind::Write => {
                    writes.push((output.name.to_string(), whole(&memory, output.value, value)))
                }
                _ => results.push(whole(&memory, output.value, value)),
            }
        }
        variables.extend(writes);
        Ok(results)
    }

    /// The same values beside fences, in a mode that asks for them. Values of one variable stay one.
    fn moved(&self, memory: &Memory) -> Result<Option<Moved>, EngineError> {
        let Some(fence) = self.mode.fence else { return Ok(None) };
        let mut variables: BTreeMap<&str, usize> = BTreeMap::new();
        let roles = self.plan.values.iter().enumerate().map(|(number, value)| match &value.place {
            Place::Arena(_) => (false, None),
            Place::Input(_) | Place::Constant(_) => (true, None),
            Place::Variable(path) => {
                let first = *variables.entry(path).or_insert(number);
                (true, (first != number).then_some(first))
            }
        });
        // The result of an anchor comes last.
        let roles: Vec<_> = roles.chain([(false, None)]).collect();
        let refused =
            || EngineError::Unsupported("the system gives no pages that nobody may touch".to_string());
        memory.moved(&roles, fence).ok_or_else(refused).map(Some)
    }

    fn run_kernels(
        &mut self,
        memory: &mut Memory,
        key: RunKey,
        failure: &Failure,
    ) -> Result<(), EngineError> {
        for (number, ready) in self.kernels.iter().enumerate() {
            if self.keeper.has(number) {
                continue;
            }
            let begun = Instant::now();
            let mut unstored = Scratch::<T>::of(ready.unstored(&self.plan));
            memory.lay(behind(&self.plan), Raw::of_mut(&mut unstored));
            let memory = &*memory;
            if let (Some(anchor), Some((result, value))) = (&ready.anchor, &ready.result) {
                let kept = self.keeper.weight(number);
                anchor::run::<T>(&self.plan, memory, anchor, (*result, value), kept, key)?;
            }
            if let Some(program) = &ready.program {
                Job { program, memory, key, failure }.run::<T>();
            }
            if let Some(times) = &mut self.times {
                times[number].add(begun);
            }
        }
        Ok(())
    }

    /// Whether the next runs measure each kernel.
    pub(crate) fn measure(&mut self, on: bool) {
        if on != self.times.is_some() {
            self.times = on.then(|| vec![Timed::default(); self.kernels.len()]);
        }
    }

    /// Where each value lies in this run, and behind them all a place for the result of an anchor.
    fn memory(
        &mut self,
        inputs: &BTreeMap<&str, Elements<'_, T>>,
        variables: &mut Variables<T>,
    ) -> Result<Memory, EngineError> {
        let scale = size_of::<T>() / 4;
        let mut places = vec![];
        for (index, value) in self.plan.values.iter().enumerate() {
            let count = value.layout.elements(&value.shape);
            let bytes = match value.dtype {
                DType::F32 => size_of::<T>(),
                other => vspec_ir::plan::size_of(other),
            };
            places.push(match &value.place {
                Place::Arena(start) => Raw::new(self.arena.at(start * scale), count, bytes),
                Place::Constant(_) => self
                    .constants
                    .get(&index)
                    .map(|data| data.elements().raw())
                    .ok_or_else(|| EngineError::Unsupported("a constant has no value".to_string()))?,
                Place::Input(name) => {
                    let given =
                        inputs.get(&**name).ok_or_else(|| EngineError::MissingInput(name.to_string()))?;
                    fits(name, value, count, given)?;
                    given.raw()
                }
                Place::Variable(path) => {
                    if variables.get(path).is_none() && !self.is_read[index] {
                        variables.insert(path.to_string(), Data::zeros(value.dtype, count));
                    }
                    let missing = || EngineError::MissingVariable(path.to_string());
                    let known = variables.get(path).ok_or_else(missing)?;
                    fits(path, value, count, &known)?;
                    match self.is_written[index] {
                        true => variables.raw_mut(path).ok_or_else(missing)?,
                        false => known.raw(),
                    }
                }
            });
        }
        // The result of an anchor that lies in no value of the plan has a place while its kernel runs.
        places.push(Raw::of::<T>(&[]));
        Ok(Memory::new(places))
    }
}

fn fits<T>(name: &str, value: &Value, count: usize, given: &Elements<'_, T>) -> Result<(), EngineError> {
    if given.dtype() == value.dtype && given.len() == count {
        return Ok(());
    }
    let (expected, found) = (
        format!("{}{:?}", value.dtype, value.shape),
        format!("{} elements of {}", given.len(), given.dtype()),
    );
    Err(EngineError::WrongType { name: name.to_string(), expected, found })
}

/// A value in row-major order.
fn whole<T: Element>(memory: &Memory, id: ValueId, value: &Value) -> Data<T> {
    match value.dtype {
        DType::F32 => Data::Float(dense(memory.whole(id), value)),
        DType::I32 => Data::Int(dense(memory.whole(id), value)),
        DType::Bool => Data::Bool(dense(memory.whole(id), value)),
    }
}

/// Elements in row-major order, from those of a layout.
pub(crate) fn dense<E: Copy>(elements: Vec<E>, value: &Value) -> Vec<E> {
    if value.layout.is_dense() {
        return elements;
    }
    let shape = &value.shape;
    let mut at = vec![0; shape.len()];
    let element = |mut flat: usize| {
        for axis in (0..shape.len()).rev() {
            at[axis] = flat % shape[axis];
            flat /= shape[axis];
        }
        elements[value.layout.offset(shape, &at)]
    };
    (0..shape.iter().product()).map(element).collect()
}

/// The number of an anchor's result that lies in no value of the plan, behind those of all values.
fn behind(plan: &Plan) -> ValueId {
    ValueId(plan.values.len() as u32)
}

fn ready(plan: &Plan, kernel: &Kernel) -> Result<Ready, String> {
    let Some(anchor) = &kernel.anchor else {
        let program = Program::new(plan, &kernel.region, None)?;
        return Ok(Ready { anchor: None, result: None, program: Some(program), refused: None });
    };
    // The result goes where it is stored as it is, if it is and lies in rows there, and the rest of the region reads it there.
    let stored = stored_as_it_is(kernel).filter(|value| plan.value(*value).layout.is_dense());
    let only = stored.is_some() && kernel.region.steps.len() == 2;
    let result = match stored {
        Some(id) => (id, plan.value(id).clone()),
        None => (behind(plan), tile::dense(&anchor.shape, anchor.dtype)),
    };
    let program = match only {
        true => None,
        false => Some(Program::new(plan, &kernel.region, Some((result.0, &result.1)))?),
    };
    Ok(Ready { anchor: Some(anchor.clone()), result: Some(result), program, refused: None })
}

/// The value that holds the anchor's result unchanged, if there is one.
fn stored_as_it_is(kernel: &Kernel) -> Option<ValueId> {
    let region = &kernel.region;
    let own: Vec<Index> =
        (0..region.extents.len()).map(|axis| Index::counter(axis, &region.extents)).collect();
    region.steps.iter().find_map(|step| match &step.instr {
        Instr::Store { value, at, from } if *at == own => {
            matches!(region.steps[from.index()].instr, Instr::Anchor).then_some(*value)
        }
        _ => None,
    })
}
