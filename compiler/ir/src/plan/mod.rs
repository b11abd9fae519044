//! The plan: what an engine runs, as plain data.
//!
//! A graph says what is computed; a [`Plan`] says how often memory is read and written for it. It is a list of [`Kernel`]s, each of
//! which reads some values, computes in registers and stores others. A kernel is a [`Region`], a small program that runs at every point
//! of a loop nest, and may begin with an [`Anchor`]: one op that is more than a loop over elements (a convolution, a sort), whose result
//! the region takes element by element. Sizes are numbers here. Plans are made by `vspec-optimize`, checked once by [`check()`] and
//! run without asking again.

mod check;
mod fusion;
mod index;
mod layout;
mod print;
mod region;
mod still;

pub use check::{PlanFault, check};
pub use fusion::{Backward, Fusion, Fusions, Unit};
pub use index::{Atom, Index};
pub use layout::Layout;
pub use region::{Coordinate, Fold, Instr, Reg, Region, Step};
pub use still::Still;

use std::sync::Arc;

use crate::{DType, Literal, Op, Origin, OutputKind};

/// A value in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

impl ValueId {
    /// Position in [`Plan::values`].
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where the bytes of a value lie.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// Given at each run under this name.
    Input(Arc<str>),
    /// The parameter or state with this path.
    Variable(Arc<str>),
    /// Part of the plan.
    Constant(Literal),
    /// Memory of the plan's own, from this byte of the arena on.
    Arena(usize),
}

/// A tensor that kernels read and write.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Where it comes from in the specification.
    pub origin: Origin,
    /// Element type.
    pub dtype: DType,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// In which order its elements lie.
    pub layout: Layout,
    /// Where they lie.
    pub place: Place,
}

impl Value {
    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.layout.elements(&self.shape) * size_of(self.dtype)
    }
}

/// Bytes of one element in memory.
pub fn size_of(dtype: DType) -> usize {
    match dtype {
        DType::F32 | DType::I32 => 4,
        DType::Bool => 1,
    }
}

/// An operand of an anchor: a value, seen through a change of indices.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// What is read.
    pub value: ValueId,
    /// The shape that the op sees.
    pub shape: Vec<usize>,
    /// For each axis of the value where to look, as a function of the op's own axes.
    pub at: Vec<Index>,
}

/// One op of the table that is more than a loop over elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// The op, with sizes bound.
    pub op: Op,
    /// What it reads.
    pub operands: Vec<Operand>,
    /// Shape of its result; the loops of the kernel's region.
    pub shape: Vec<usize>,
    /// Element type of its result.
    pub dtype: DType,
}

/// A piece of work that is done in one go.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Where its results come from, the most important first.
    pub origins: Vec<Origin>,
    /// What it begins with, unless it is only loops.
    pub anchor: Option<Anchor>,
    /// What is computed at each point.
    pub region: Region,
}

impl Kernel {
    /// Values that it reads, each once, in order of first use.
    pub fn reads(&self) -> Vec<ValueId> {
        let mut found = vec![];
        let anchored = self.anchor.iter().flat_map(|anchor| &anchor.operands).map(|operand| operand.value);
        for value in anchored.chain(self.region.loads()) {
            if !found.contains(&value) {
                found.push(value);
            }
        }
        found
    }

    /// Values that it writes, in order.
    pub fn writes(&self) -> Vec<ValueId> {
        self.region.stores().collect()
    }
}

/// A value that is read out at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOutput {
    /// Name of the result, or path of the variable.
    pub name: Arc<str>,
    /// What it is for.
    pub kind: OutputKind,
    /// The value.
    pub value: ValueId,
}

/// What an engine does in one run of a graph.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Name of the graph.
    pub name: String,
    /// Every value in memory.
    pub values: Vec<Value>,
    /// What is done, in order.
    pub kernels: Vec<Kernel>,
    /// What is read out, in order. Variables are written after the last kernel.
    pub outputs: Vec<PlanOutput>,
    /// Bytes of the arena.
    pub arena: usize,
}

/// Which kernels use a value, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// The kernel that writes it, if one does.
    pub written: Option<usize>,
    /// The first kernel that uses it.
    pub first: Option<usize>,
    /// The last kernel that reads it.
    pub last_read: Option<usize>,
    /// Whether it is read out at the end.
    pub output: bool,
}

impl Uses {
    /// The last kernel that uses it; the one behind the last of `kernels` when it is read out.
    pub fn last(&self, kernels: usize) -> Option<usize> {
        let last = self.last_read.max(self.written);
        if self.output { Some(kernels) } else { last }
    }
}

impl Plan {
    /// The uses of each value.
    pub fn uses(&self) -> Vec<Uses> {
        let mut uses = vec![Uses::default(); self.values.len()];
        for (number, kernel) in self.kernels.iter().enumerate() {
            for value in kernel.writes() {
                let own = &mut uses[value.index()];
                own.written = Some(number);
                own.first.get_or_insert(number);
            }
            for value in kernel.reads() {
                let own = &mut uses[value.index()];
                own.last_read = Some(number);
                own.first.get_or_insert(number);
            }
        }
        self.outputs.iter().for_each(|output| uses[output.value.index()].output = true);
        uses
    }

    /// A value of this plan.
    ///
    /// # Panics
    /// When the id belongs to another, larger plan.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }
}
