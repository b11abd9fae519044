//! Products of several operands, contracted from left to right, two at a time.
//!
//! The indices of a pair fall into four kinds:
//!
//! ```text
//! batch        in both, needed later        free         in one, needed later
//! contracted   in both, not needed later    lone         in one, not needed later: summed first
//! ```
//!
//! With contracted and free indices a pair is a matrix product `[batch.., free a, contracted] x [batch.., contracted, free b]`.
//! Otherwise it is an elementwise product of operands laid out alike, and a sum over what is contracted. Of the layouts
//! that come into question, the one with the fewest steps is taken.

use vspec_ir::DimError;

use super::arrange::{Atom, Axis};
use super::plan::reduce_plan;
use super::{EinsumPlan, EinsumStep, Reduction};

/// What is to be computed.
pub(super) struct Problem {
    /// Axes of each operand, at least one operand.
    pub(super) operands: Vec<Vec<Axis>>,
    /// Axes of the result.
    pub(super) output: Vec<Axis>,
    /// For each index the last operand that has it; `usize::MAX` when the result has it.
    pub(super) last_use: Vec<usize>,
}

/// A value of the plan and the arrangement of its axes.
#[derive(Clone)]
struct Value {
    number: usize,
    axes: Vec<Axis>,
}

/// Steps that make further values, and the last of them.
struct Draft {
    /// Number of the value that the next step makes.
    next: usize,
    steps: Vec<EinsumStep>,
}

impl Draft {
    fn push(&mut self, step: EinsumStep) -> usize {
        self.steps.push(step);
        self.next += 1;
        self.next - 1
    }

    /// Brings a value into an arrangement, summing over indices that it leaves out.
    fn lay_out(&mut self, value: &Value, axes: &[Axis]) -> Result<usize, DimError> {
        let steps = reduce_plan(&value.axes, axes, Reduction::Sum)?;
        Ok(steps.into_iter().fold(value.number, |number, step| self.push(EinsumStep::Apply(number, step))))
    }
}

/// The plan for a product.
pub(super) fn contract(problem: &Problem) -> Result<EinsumPlan, DimError> {
    let count = problem.operands.len();
    let operand = |number: usize| Value { number, axes: problem.operands[number].clone() };
    let mut steps = vec![];
    let mut value = operand(0);
    for number in 1..count {
        let other = operand(number);
        let pair = Pair::new(problem, number, [&value, &other], count + steps.len());
        let (draft, result) = pair.best()?;
        steps.extend(draft.steps);
        value = result;
    }
    if count == 1 {
        let mut draft = Draft { next: count, steps: vec![] };
        value.number = draft.lay_out(&value, &own_atoms(&problem.output, &value.axes))?;
        steps = draft.steps;
    }
    Ok(EinsumPlan { steps, result: value.number, requires: vec![] })
}

/// The same axes with the atoms of a value, whose sizes may be written differently.
fn own_atoms(axes: &[Axis], value: &[Axis]) -> Vec<Axis> {
    let own = |atom: &Atom| value.iter().flatten().find(|a| a.id == atom.id).unwrap_or(atom).clone();
    axes.iter().map(|axis| axis.iter().map(own).collect()).collect()
}

/// Two values that are multiplied, with their indices by kind.
struct Pair<'a> {
    problem: &'a Problem,
    a: &'a Value,
    b: &'a Value,
    /// Number of the next value.
    next: usize,
    /// Whether the product is the result.
    last: bool,
    /// Indices as atoms of `a`.
    batch: Vec<Atom>,
    free_a: Vec<Atom>,
    contracted: Vec<Atom>,
    free_b: Vec<Atom>,
}

impl<'a> Pair<'a> {
    fn new(problem: &'a Problem, number: usize, [a, b]: [&'a Value; 2], next: usize) -> Self {
        let needed = |atom: &Atom| problem.last_use[atom.id] > number;
        let (shared, alone): (Vec<Atom>, Vec<Atom>) = atoms(a).partition(|atom| has(b, atom));
        let (batch, contracted) = shared.into_iter().partition(needed);
        let free_a = alone.into_iter().filter(needed).collect();
        let free_b = atoms(b).filter(|atom| !has(a, atom) && needed(atom)).collect();
        let last = number + 1 == problem.operands.len();
        Pair { problem, a, b, next, last, batch, free_a, contracted, free_b }
    }

    /// The way with the fewest steps; of equals the first.
    fn best(&self) -> Result<(Draft, Value), DimError> {
        let elementwise = self.contracted.is_empty() || (self.free_a.is_empty() && self.free_b.is_empty());
        let mut best = match elementwise {
            true => self.multiply(&self.result_order())?,
            false => self.matmul(false, &self.contracted)?,
        };
        let others = match elementwise {
            true => vec![self.multiply(&self.operand_order())?],
            false => {
                let order_of_b = in_order_of(self.b, &self.contracted);
                vec![
                    self.matmul(true, &self.contracted)?,
                    self.matmul(false, &order_of_b)?,
                    self.matmul(true, &order_of_b)?,
                ]
            }
        };
        for other in others {
            if other.0.steps.len() < best.0.steps.len() {
                best = other;
            }
        }
        Ok(best)
    }

    /// A matrix product, or that of the operands the other way round.
    fn matmul(&self, swapped: bool, contracted: &[Atom]) -> Result<(Draft, Value), DimError> {
        let (left, right) = if swapped { (self.b, self.a) } else { (self.a, self.b) };
        let (rows, columns) =
            if swapped { (&self.free_b, &self.free_a) } else { (&self.free_a, &self.free_b) };
        let with_batch = |matrix: [&[Atom]; 2]| -> Vec<Axis> {
            let batch = self.batch.iter().map(|atom| vec![atom.clone()]);
            batch.chain(matrix.map(<[Atom]>::to_vec)).collect()
        };
        let mut draft = Draft { next: self.next, steps: vec![] };
        let x = draft.lay_out(left, &own_atoms(&with_batch([rows, contracted]), &left.axes))?;
        let y = draft.lay_out(right, &own_atoms(&with_batch([contracted, columns]), &right.axes))?;
        let number = draft.push(EinsumStep::Matmul(x, y));
        self.finish(draft, Value { number, axes: with_batch([rows, columns]) })
    }

    /// An elementwise product over `order`, and a sum over what is contracted.
    fn multiply(&self, order: &[Atom]) -> Result<(Draft, Value), DimError> {
        let place = |value: &Value| -> Vec<Axis> {
            let axes = order.iter().map(|atom| if has(value, atom) { vec![atom.clone()] } else { vec![] });
            // Axes align from the right, so that leading ones of size 1 are not needed.
            own_atoms(&axes.skip_while(Vec::is_empty).collect::<Vec<_>>(), &value.axes)
        };
        let mut draft = Draft { next: self.next, steps: vec![] };
        let x = draft.lay_out(self.a, &place(self.a))?;
        let y = draft.lay_out(self.b, &place(self.b))?;
        let number = draft.push(EinsumStep::Mul(x, y));
        self.finish(draft, Value { number, axes: order.iter().map(|atom| vec![atom.clone()]).collect() })
    }

    fn finish(&self, mut draft: Draft, mut value: Value) -> Result<(Draft, Value), DimError> {
        let target: Vec<Axis> = match self.last {
            true => own_atoms(&self.problem.output, &value.axes),
            false => {
                let kept = |axis: &Axis| !axis.iter().any(|a| self.contracted.iter().any(|c| c.id == a.id));
                value.axes.iter().filter(|axis| kept(axis)).cloned().collect()
            }
        };
        value.number = draft.lay_out(&value, &target)?;
        value.axes = target;
        Ok((draft, value))
    }

    /// All indices of the pair in the order of the result, then those that are contracted.
    fn result_order(&self) -> Vec<Atom> {
        let all = self.operand_order();
        let output: Vec<usize> = self.problem.output.iter().flatten().map(|a| a.id).collect();
        let mut sorted = all;
        sorted.sort_by_key(|atom| output.iter().position(|id| *id == atom.id).unwrap_or(usize::MAX));
        sorted
    }

    /// All indices of the pair in the order of `a`, then those of `b` alone.
    fn operand_order(&self) -> Vec<Atom> {
        let used =
            |atom: &Atom| [&self.batch, &self.free_a, &self.contracted].iter().any(|k| k.contains(atom));
        atoms(self.a).filter(used).chain(self.free_b.iter().cloned()).collect()
    }
}

fn atoms(value: &Value) -> impl Iterator<Item = Atom> {
    value.axes.iter().flatten().cloned()
}

fn has(value: &Value, atom: &Atom) -> bool {
    value.axes.iter().flatten().any(|a| a.id == atom.id)
}

fn in_order_of(value: &Value, some: &[Atom]) -> Vec<Atom> {
    value.axes.iter().flatten().filter_map(|a| some.iter().find(|s| s.id == a.id).cloned()).collect()
}
