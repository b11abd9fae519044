//! Going through rows less often.
//!
//! ```text
//! m = mean(x)                      s = x at the row's first point
//! v = mean((x - m) * (x - m))  ->  a = mean(x - s), b = mean((x - s) * (x - s))      in the same pass
//!                                  m = s + a, v = max(b - a * a, 0)
//!
//! sum(x * p + y * q)           ->  sum(x) * p + sum(y) * q                           where p and q wait for a fold
//! ```
//!
//! A fold whose elements need another fold waits for the next pass over the row. Statistics of a row are one pass if the variance is taken
//! about a number that is known before (Chan, Golub, LeVeque 1983: shifted data), and sums of multiples are multiples of sums, which is
//! what the way back of a normalization asks for. Both are done only where a region needs fewer passes afterwards.
//!
//! Numerics: with `e` the rounding error of one operation, the variance has a relative error of some `e * (1 + (m - s)² / v)`. As `s` is one
//! of the row's `n` elements, `(m - s)²` is at most `n * v`, and near `v` for most rows; the mean gets no worse. A sum of multiples has an
//! error of some `e * (|p| * sum|x| + |q| * sum|y|)`.

use vspec_ir::plan::{Coordinate, Fold, Index, Instr, Reg, Region, Step};
use vspec_ir::{DType, Op};

/// The most terms that a sum is cut into.
const TERMS: usize = 4;

/// The region, or one that does the same in fewer passes.
pub(super) fn fewer_passes(region: Region) -> Region {
    if region.passes() < 2 {
        return region;
    }
    let fewer = Rewrite::of(&region);
    if fewer.passes() < region.passes() { fewer } else { region }
}

/// A region while it is written anew.
struct Rewrite<'r> {
    from: &'r Region,
    region: Region,
    /// What each step has become.
    moved: Vec<Reg>,
    /// Variances that are known already.
    known: Vec<(usize, Reg)>,
}

/// A sum of multiples of elements of a row, which are no multiples themselves; no factor is 1. Nothing is added that is the same in the
/// whole row: `sum(x - m)` would lose what it is about if it were cut into `sum(x)` and a multiple of `m`.
type Linear = Vec<(Option<Reg>, Reg)>;

impl<'r> Rewrite<'r> {
    fn of(from: &'r Region) -> Region {
        let region = Region { extents: from.extents.clone(), outer: from.outer, steps: vec![] };
        let mut rewrite = Rewrite { from, region, moved: vec![], known: vec![] };
        for step in 0..from.steps.len() {
            let reg = rewrite.step(step);
            rewrite.moved.push(reg);
        }
        without_unused(&rewrite.region)
    }

    fn step(&mut self, step: usize) -> Reg {
        let own = &self.from.steps[step];
        if let Some((_, known)) = self.known.iter().find(|(variance, _)| *variance == step) {
            return *known;
        }
        let instr = own.instr.map(|reg| self.moved[reg.index()], Index::clone);
        let Instr::Fold(fold, arg) = instr else { return self.push(instr, own.dtype) };
        if own.dtype == DType::F32 {
            let shifted = (fold == Fold::Mean).then(|| self.moments(step, arg)).flatten();
            if let Some(reg) = shifted.or_else(|| self.split(fold, arg)) {
                return reg;
            }
        }
        self.fold(fold, arg, own.dtype)
    }

    fn push(&mut self, instr: Instr, dtype: DType) -> Reg {
        self.region.push(instr, dtype)
    }

    fn apply(&mut self, op: Op, args: &[Reg]) -> Reg {
        self.push(Instr::Apply(op, args.to_vec()), DType::F32)
    }

    fn number(&mut self, number: f64) -> Reg {
        self.push(Instr::Number(number), DType::F32)
    }

    /// A fold, the one that there is if there is one.
    fn fold(&mut self, fold: Fold, arg: Reg, dtype: DType) -> Reg {
        let instr = Instr::Fold(fold, arg);
        let known = self.region.steps.iter().position(|step| step.instr == instr);
        known.map_or_else(|| self.push(instr, dtype), |at| Reg(at as u32))
    }

    /// The mean of a row whose variance is wanted, too: both about the row's first element.
    fn moments(&mut self, mean: usize, x: Reg) -> Option<Reg> {
        let variance = self.variance_of(mean)?;
        let Instr::Load { value, at, guard: None } = &self.region.steps[x.index()].instr else { return None };
        let (value, dtype) = (*value, self.region.steps[x.index()].dtype);
        let points: usize = self.region.extents[self.region.outer..].iter().product();
        if points == 0 || !self.region.steps[x.index()].inner {
            return None;
        }
        let first = |coordinate: &Coordinate| match coordinate {
            Coordinate::At(index) => Some(Coordinate::At(self.at_first_point(index))),
            Coordinate::From(_) => None,
        };
        let at = at.iter().map(first).collect::<Option<Vec<Coordinate>>>()?;
        let first = self.push(Instr::Load { value, at, guard: None }, dtype);
        let off = self.apply(Op::Sub {}, &[x, first]);
        let square = self.apply(Op::Mul {}, &[off, off]);
        let (a, b) = (self.fold(Fold::Mean, off, dtype), self.fold(Fold::Mean, square, dtype));
        let (squared, zero) = (self.apply(Op::Mul {}, &[a, a]), self.number(0.0));
        let rest = self.apply(Op::Sub {}, &[b, squared]);
        let rest = self.apply(Op::Max {}, &[rest, zero]);
        self.known.push((variance, rest));
        Some(self.apply(Op::Add {}, &[first, a]))
    }

    fn at_first_point(&self, index: &Index) -> Index {
        let extents = &self.region.extents;
        let counter = |axis: usize| match axis < self.region.outer {
            true => Index::counter(axis, extents),
            false => Index::constant(0),
        };
        let counters: Vec<Index> = (0..extents.len()).map(counter).collect();
        index.substitute(&counters, extents)
    }

    /// The step `mean((x - m) * (x - m))` for a step `m = mean(x)` of a value `x` of the first pass.
    fn variance_of(&self, mean: usize) -> Option<usize> {
        let steps = &self.from.steps;
        let Instr::Fold(Fold::Mean, x) = steps[mean].instr else { return None };
        let is_off = |reg: &Reg| {
            let own = [x, Reg(mean as u32)];
            matches!(&steps[reg.index()].instr, Instr::Apply(Op::Sub {}, args) if *args == own)
        };
        let is_variance = |step: &Step| match &step.instr {
            Instr::Fold(Fold::Mean, square) => match &steps[square.index()].instr {
                Instr::Apply(Op::Mul {}, args) => args[0] == args[1] && is_off(&args[0]),
                _ => false,
            },
            _ => false,
        };
        steps.iter().position(is_variance)
    }

    /// A fold of elements that wait for another fold, as multiples of folds that do not.
    fn split(&mut self, fold: Fold, arg: Reg) -> Option<Reg> {
        let last = self.region.steps[arg.index()].pass;
        if last == 0 || !matches!(fold, Fold::Sum | Fold::Mean) || !self.region.steps[arg.index()].inner {
            return None;
        }
        let terms = self.linear(arg, last).filter(|terms| terms.len() <= TERMS)?;
        let mut sum = None;
        for (factor, term) in terms {
            let folded = self.fold(fold, term, DType::F32);
            let multiple = match factor {
                Some(factor) => self.apply(Op::Mul {}, &[folded, factor]),
                None => folded,
            };
            sum = Some(match sum {
                Some(sum) => self.apply(Op::Add {}, &[sum, multiple]),
                None => multiple,
            });
        }
        sum
    }

    /// An element as multiples of elements that are known before a pass.
    fn linear(&mut self, reg: Reg, last: usize) -> Option<Linear> {
        let step = self.region.steps[reg.index()].clone();
        if !step.inner {
            return None;
        }
        // What is known is taken as it is, but for what multiplies it: its sum may be there already.
        let known = step.pass < last;
        let itself = || known.then(|| vec![(None, reg)]);
        let Instr::Apply(op, args) = step.instr else { return itself() };
        let inner = |reg: &Reg| self.region.steps[reg.index()].inner;
        match (op, args.as_slice()) {
            (Op::Add {} | Op::Sub {} | Op::Neg {}, _) if known => itself(),
            (Op::Add {}, [a, b]) => {
                let (a, b) = (self.linear(*a, last)?, self.linear(*b, last)?);
                Some([a, b].concat())
            }
            (Op::Sub {}, [a, b]) => {
                let (a, b) = (self.linear(*a, last)?, self.linear(*b, last)?);
                let b = self.negated(b);
                Some([a, b].concat())
            }
            (Op::Neg {}, [x]) => {
                let x = self.linear(*x, last)?;
                Some(self.negated(x))
            }
            (Op::Mul {}, [x, factor]) if !inner(factor) => self.scaled(*x, last, Op::Mul {}, *factor),
            (Op::Mul {}, [factor, x]) if !inner(factor) => self.scaled(*x, last, Op::Mul {}, *factor),
            (Op::Div {}, [x, divisor]) if !inner(divisor) => self.scaled(*x, last, Op::Div {}, *divisor),
            _ => itself(),
        }
    }

    fn negated(&mut self, x: Linear) -> Linear {
        self.each_factor(x, |own, factor| match factor {
            Some(factor) => own.apply(Op::Neg {}, &[factor]),
            None => own.number(-1.0),
        })
    }

    fn scaled(&mut self, x: Reg, last: usize, op: Op, by: Reg) -> Option<Linear> {
        let x = self.linear(x, last)?;
        let quotient = matches!(op, Op::Div {});
        Some(self.each_factor(x, |own, factor| match factor {
            Some(factor) => own.apply(op.clone(), &[factor, by]),
            None if quotient => {
                let one = own.number(1.0);
                own.apply(Op::Div {}, &[one, by])
            }
            None => by,
        }))
    }

    fn each_factor(&mut self, x: Linear, change: impl Fn(&mut Self, Option<Reg>) -> Reg) -> Linear {
        x.into_iter().map(|(factor, term)| (Some(change(self, factor)), term)).collect()
    }
}

/// The region without steps whose results nothing needs.
fn without_unused(region: &Region) -> Region {
    let mut needed: Vec<bool> =
        region.steps.iter().map(|step| matches!(step.instr, Instr::Store { .. })).collect();
    for (i, step) in region.steps.iter().enumerate().rev() {
        if needed[i] {
            step.instr.operands().into_iter().for_each(|reg| needed[reg.index()] = true);
        }
    }
    let mut moved = vec![];
    let mut steps = vec![];
    for (step, needed) in region.steps.iter().zip(&needed) {
        moved.push(Reg(steps.len() as u32));
        if *needed {
            let instr = step.instr.map(|reg| moved[reg.index()], Index::clone);
            steps.push(Step { instr, ..step.clone() });
        }
    }
    Region { steps, ..region.clone() }
}
