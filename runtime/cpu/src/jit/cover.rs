//! Which steps of a program become machine code.

use vspec_ir::plan::{Atom, Fold, Index};
use vspec_ir::{DType, Op};

use crate::tile::{Address, Code, Pass, Program, Spot};

/// A program, and how its steps are done.
#[derive(Clone, Copy)]
pub(super) struct Cover<'p> {
    pub(super) program: &'p Program,
}

impl Cover<'_> {
    /// Whether machine code does a step; `once`: only for the first element.
    pub(super) fn step(&self, step: usize, once: bool) -> bool {
        let own = &self.program.steps[step];
        match &own.code {
            Code::Load(spot, _) => self.load(spot),
            Code::Index(address) => own.dtype != DType::Bool && self.address(address),
            Code::Inside(address, low, high) => {
                let bound = |bound: &i64| i32::try_from(*bound).is_ok_and(|bound| bound > i32::MIN);
                self.address(address) && bound(low) && bound(high)
            }
            Code::Apply(op, args) => {
                let dtype = |arg: usize| args.get(arg).map(|arg| self.program.steps[*arg].dtype);
                dtype(0).is_some_and(|first| covers_op(op, args.len(), first))
            }
            Code::Store(spot, from) => {
                let plain = once || spot.address.step() == Some(1);
                match self.program.steps[*from].dtype {
                    DType::Bool => plain,
                    _ => plain || self.address(&spot.address),
                }
            }
            Code::Number(_) | Code::Same(_) => true,
            Code::Random { .. } | Code::Fold(..) => false,
        }
    }

    fn load(&self, spot: &Spot) -> bool {
        let small = |(_, stride, size): &(usize, usize, usize)| i32::try_from(stride * size).is_ok();
        self.address(&spot.address) && spot.named.iter().all(small)
    }

    /// Whether machine code does a fold; others are done from the registers of the tile.
    pub(super) fn fold(&self, fold: usize) -> bool {
        match &self.program.steps[fold].code {
            Code::Fold(Fold::Sum | Fold::Mean | Fold::Max | Fold::Min, arg) => {
                let arg = &self.program.steps[*arg];
                arg.dtype == DType::F32 && !arg.uniform
            }
            _ => false,
        }
    }

    /// The same of a fold in each lane.
    fn folds_lanes(&self, fold: usize) -> bool {
        match &self.program.steps[fold].code {
            Code::Fold(_, arg) => self.program.steps[*arg].dtype == DType::F32,
            _ => false,
        }
    }

    /// Whether a place can be worked out with integers of 32 bits.
    fn address(&self, address: &Address) -> bool {
        let extents = &self.program.extents;
        let length = self.program.length() as i64;
        let along = |step: i64| i32::try_from(step.saturating_mul(length)).is_ok();
        match address.step() {
            Some(step) => {
                fits(address.start_index(), extents) && fits(address.whole(), extents) && along(step)
            }
            None => self.index(address.whole()),
        }
    }

    fn index(&self, index: &Index) -> bool {
        let extents = &self.program.extents;
        let term = |(atom, factor): &(Atom, i64)| match atom {
            Atom::Loop(axis) => i32::try_from(factor.saturating_mul(extents[*axis] as i64)).is_ok(),
            Atom::Quotient(of, by) | Atom::Remainder(of, by) => {
                let (low, high) = of.range(extents);
                // What `lower` asks of divisions.
                let divides = low >= 0 && high / by < 1 << 22 && i32::try_from(*by).is_ok();
                let whole = high.saturating_mul(factor.abs());
                divides && i32::try_from(whole).is_ok() && self.index(of)
            }
        };
        fits(index, extents) && index.terms.iter().all(term)
    }
}

/// Whether machine code can do a program whose lines run through rows: all of it.
pub(crate) fn covers_columns(program: &Program) -> bool {
    let cover = Cover { program };
    let step = |step: usize| match &program.steps[step].code {
        // A row has elements of its own.
        Code::Store(spot, _) if spot.address.is_uniform() => false,
        Code::Fold(..) => cover.folds_lanes(step),
        Code::Index(address) | Code::Inside(address, ..) if !cover.index(address.whole()) => false,
        _ => cover.step(step, false),
    };
    (0..program.steps.len()).all(step)
}

/// Operations that are the same all along a line of a row and are done for each of its vectors all the same.
const AGAIN: usize = 16;
/// Loops within rows.
pub(super) const INNER: usize = 12;

/// Whether machine code can do many rows along memory at a time: there are several, and all of their steps are covered. Places that
/// pointers lead to are sums of multiples of the counters within a row, the row's own, and something that is known before.
pub(crate) fn covers_rows(program: &Program) -> bool {
    let rows: usize = program.extents[..program.outer].iter().product();
    let inner = program.extents.len() - program.outer;
    if program.outer == 0 || rows < 2 || !(1..=INNER).contains(&inner) {
        return false;
    }
    let around = program.outer - 1;
    let plain = |index: &Index| {
        let fixed = |atom: &Atom| atom.loops().iter().all(|axis| *axis < around);
        index.terms.iter().all(|(atom, _)| matches!(atom, Atom::Loop(_)) || fixed(atom))
    };
    let cover = Cover { program };
    let does = |step: usize| match &program.steps[step].code {
        Code::Fold(Fold::Argmax, arg) => cover.folds_lanes(step) && !program.steps[*arg].uniform,
        Code::Fold(..) => cover.fold(step),
        Code::Load(spot, _) | Code::Store(spot, _) if spot.address.step().is_some() => {
            plain(spot.address.start_index()) && cover.step(step, false)
        }
        Code::Index(address) | Code::Inside(address, ..) if !cover.index(address.whole()) => false,
        _ => cover.step(step, false),
    };
    let stores = |step: &usize| matches!(program.steps[*step].code, Code::Store(..));
    let applies = |step: &&usize| matches!(program.steps[**step].code, Code::Apply(..));
    let lines =
        |pass: &Pass| !pass.line.iter().any(stores) && pass.line.iter().filter(applies).count() <= AGAIN;
    (0..program.steps.len()).all(does) && program.passes.iter().all(lines)
}

fn fits(index: &Index, extents: &[usize]) -> bool {
    let (low, high) = index.range(extents);
    i32::try_from(low).is_ok() && i32::try_from(high).is_ok() && i32::try_from(index.offset).is_ok()
}

fn covers_op(op: &Op, args: usize, first: DType) -> bool {
    match (args, first) {
        (3, _) => matches!(op, Op::Where {}),
        (1, _) if matches!(op, Op::Cast { .. }) => true,
        (1, DType::F32) => matches!(
            op,
            Op::Neg {}
                | Op::Abs {}
                | Op::Sign {}
                | Op::Exp {}
                | Op::Log {}
                | Op::Log1p {}
                | Op::Sqrt {}
                | Op::Tanh {}
                | Op::Sigmoid {}
                | Op::Erf {}
                | Op::Relu {}
                | Op::Floor {}
        ),
        (1, DType::I32) => matches!(op, Op::Neg {} | Op::Abs {} | Op::Sign {}),
        (1, DType::Bool) => matches!(op, Op::Not {}),
        (2, _) if matches!(op, Op::Eq {} | Op::Lt {} | Op::Le {}) => true,
        (2, DType::F32) => {
            matches!(op, Op::Add {} | Op::Sub {} | Op::Mul {} | Op::Div {} | Op::Max {} | Op::Min {})
        }
        (2, DType::I32) => matches!(op, Op::Add {} | Op::Sub {} | Op::Mul {} | Op::Max {} | Op::Min {}),
        (2, DType::Bool) => matches!(op, Op::And {} | Op::Or {}),
        _ => false,
    }
}
