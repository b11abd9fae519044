//! What a kernel computes at each point of its loops.

use std::sync::Arc;

use super::{Index, ValueId};
use crate::{DType, Op};

/// The result of a step: its position in [`Region::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(pub u32);

impl Reg {
    /// Position of the step.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How the values of a row become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest one; NaN wins.
    Max,
    /// The smallest one; NaN wins.
    Min,
    /// The place of the largest one, counted over the inner loops; the first of equal ones.
    Argmax,
}

/// One step of a region.
#[derive(Debug, Clone, PartialEq)]
pub enum Instr {
    /// An element of a value.
    Load {
        /// The value.
        value: ValueId,
        /// Where, for each axis.
        at: Vec<Coordinate>,
        /// Only where this is true; elsewhere memory is not touched and the result is not used.
        guard: Option<Reg>,
    },
    /// The anchor's element at this point.
    Anchor,
    /// A number.
    Number(f64),
    /// An index as a number.
    Index(Index),
    /// Whether an index lies in `low..high`.
    Inside {
        /// The index.
        index: Index,
        /// The first place inside.
        low: i64,
        /// The first one behind.
        high: i64,
    },
    /// A random number: the element at a place of what the op, [`Op::Uniform`] or [`Op::Normal`], draws.
    Random {
        /// Whether it is normal; else uniform.
        normal: bool,
        /// Name of the stream.
        stream: Arc<str>,
        /// Flat place within the tensor that is drawn.
        at: Index,
    },
    /// An elementwise op.
    Apply(Op, Vec<Reg>),
    /// What the values of a row become, over all inner loops; known once the row has been gone through.
    Fold(Fold, Reg),
    /// Writes an element of a value.
    Store {
        /// The value.
        value: ValueId,
        /// Where, for each axis.
        at: Vec<Index>,
        /// What.
        from: Reg,
    },
}

/// Where an element of a value lies along one axis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coordinate {
    /// A function of the loops.
    At(Index),
    /// What a register says; it must be within the axis.
    From(Reg),
}

/// A step and what is known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub instr: Instr,
    /// Element type of the result; of what is stored.
    pub dtype: DType,
    /// Whether it differs from point to point of a row: otherwise it is done once a row.
    pub inner: bool,
    /// How often a row has been gone through before it can be done.
    pub pass: usize,
}

/// A program that runs at each point of a loop nest.
///
/// The first `outer` loops run over rows, the others over the points of a row. Steps that fold look at all points of a row; whatever
/// needs their results waits for the next time that the row is gone through. Without inner loops a row is one point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Region {
    /// Rounds of each loop, outermost first.
    pub extents: Vec<usize>,
    /// How many of the loops run over rows.
    pub outer: usize,
    /// What is done; each step uses earlier ones.
    pub steps: Vec<Step>,
}

impl Region {
    /// Adds a step. Whether it differs from point to point, and how often a row has been gone through before it, is known from what it reads.
    pub fn push(&mut self, instr: Instr, dtype: DType) -> Reg {
        let operands = instr.operands();
        let of = |reg: &Reg| &self.steps[reg.index()];
        let pass = operands.iter().map(|reg| of(reg).pass + usize::from(of(reg).folds())).max().unwrap_or(0);
        let own = instr.loops().into_iter().any(|axis| axis >= self.outer);
        let inner = !matches!(instr, Instr::Fold(..)) && (own || operands.iter().any(|reg| of(reg).inner));
        self.steps.push(Step { instr, dtype, inner, pass });
        Reg(self.steps.len() as u32 - 1)
    }

    /// How often each row is gone through.
    pub fn passes(&self) -> usize {
        self.steps.iter().map(|step| step.pass + 1).max().unwrap_or(0)
    }

    /// Points of the loop nest.
    pub fn points(&self) -> usize {
        self.extents.iter().product()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.extents[..self.outer].iter().product()
    }

    /// Values that are loaded, in order and with repetitions.
    pub fn loads(&self) -> impl Iterator<Item = ValueId> {
        self.steps.iter().filter_map(|step| match &step.instr {
            Instr::Load { value, .. } => Some(*value),
            _ => None,
        })
    }

    /// Values that are stored, in order.
    pub fn stores(&self) -> impl Iterator<Item = ValueId> {
        self.steps.iter().filter_map(|step| match &step.instr {
            Instr::Store { value, .. } => Some(*value),
            _ => None,
        })
    }

    /// Steps that are done once a row before it is gone through for the `pass`-th time, from 0.
    pub fn row_steps(&self, pass: usize) -> Vec<usize> {
        let of_pass = |(_, step): &(usize, &Step)| step.pass == pass && !step.inner && !step.folds();
        self.steps.iter().enumerate().filter(of_pass).map(|(i, _)| i).collect()
    }

    /// Steps that fold the row in a pass.
    pub fn folds(&self, pass: usize) -> Vec<usize> {
        let of_pass = |(_, step): &(usize, &Step)| step.pass == pass && step.folds();
        self.steps.iter().enumerate().filter(of_pass).map(|(i, _)| i).collect()
    }

    /// Steps that are done at each point of a row in a pass: what is stored there or folded, and whatever that is computed from. A
    /// value of a point that an earlier pass had computed is computed again; what is known of a row as a whole was kept.
    pub fn point_steps(&self, pass: usize) -> Vec<usize> {
        let mut needed = vec![false; self.steps.len()];
        for (i, step) in self.steps.iter().enumerate().rev() {
            let stores = step.inner && matches!(step.instr, Instr::Store { .. });
            needed[i] |= step.pass == pass && (stores || step.folds());
            if needed[i] && (step.inner || step.folds()) {
                step.instr.operands().into_iter().for_each(|reg| needed[reg.index()] = true);
            }
        }
        let at_points = |i: &usize| needed[*i] && self.steps[*i].inner;
        (0..self.steps.len()).filter(at_points).collect()
    }
}

impl Step {
    /// Whether it looks at a whole row.
    pub fn folds(&self) -> bool {
        matches!(self.instr, Instr::Fold(..))
    }
}

impl Instr {
    /// Registers that it reads.
    pub fn operands(&self) -> Vec<Reg> {
        match self {
            Instr::Load { at, guard, .. } => {
                let places = at.iter().filter_map(|place| match place {
                    Coordinate::From(reg) => Some(*reg),
                    Coordinate::At(_) => None,
                });
                places.chain(*guard).collect()
            }
            Instr::Apply(_, args) => args.clone(),
            Instr::Fold(_, arg) => vec![*arg],
            Instr::Store { from, .. } => vec![*from],
            Instr::Anchor
            | Instr::Number(_)
            | Instr::Index(_)
            | Instr::Inside { .. }
            | Instr::Random { .. } => {
                vec![]
            }
        }
    }

    /// The same with other registers and indices.
    #[must_use]
    pub fn map(&self, reg: impl Fn(&Reg) -> Reg, index: impl Fn(&Index) -> Index) -> Instr {
        match self {
            Instr::Load { value, at, guard } => {
                let coordinate = |c: &Coordinate| match c {
                    Coordinate::At(at) => Coordinate::At(index(at)),
                    Coordinate::From(own) => Coordinate::From(reg(own)),
                };
                let at = at.iter().map(coordinate).collect();
                Instr::Load { value: *value, at, guard: guard.as_ref().map(reg) }
            }
            Instr::Index(at) => Instr::Index(index(at)),
            Instr::Inside { index: at, low, high } => {
                Instr::Inside { index: index(at), low: *low, high: *high }
            }
            Instr::Random { normal, stream, at } => {
                Instr::Random { normal: *normal, stream: stream.clone(), at: index(at) }
            }
            Instr::Apply(op, args) => Instr::Apply(op.clone(), args.iter().map(reg).collect()),
            Instr::Fold(fold, arg) => Instr::Fold(*fold, reg(arg)),
            Instr::Store { value, at, from } => {
                Instr::Store { value: *value, at: at.iter().map(index).collect(), from: reg(from) }
            }
            Instr::Anchor | Instr::Number(_) => self.clone(),
        }
    }

    /// Indices that it looks at itself.
    pub fn indices(&self) -> Vec<&Index> {
        match self {
            Instr::Load { at, .. } => {
                let places = at.iter().filter_map(|place| match place {
                    Coordinate::At(index) => Some(index),
                    Coordinate::From(_) => None,
                });
                places.collect()
            }
            Instr::Index(index) | Instr::Inside { index, .. } | Instr::Random { at: index, .. } => {
                vec![index]
            }
            Instr::Store { at, .. } => at.iter().collect(),
            Instr::Anchor | Instr::Number(_) | Instr::Apply(..) | Instr::Fold(..) => vec![],
        }
    }

    /// Loops that it looks at itself.
    pub fn loops(&self) -> Vec<usize> {
        self.indices().into_iter().flat_map(Index::loops).collect()
    }
}
