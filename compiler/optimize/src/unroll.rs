//! Unrolling of short folds.
//!
//! ```text
//! rows i < 1536, j < 256 of k < 4:  sum(x[k, i, j])    ->    points i < 1536, j < 256:  x[0, i, j] + x[1, i, j] + x[2, i, j] + x[3, i, j]
//! ```
//!
//! Engines go along the points of a row with vectors. Many rows of a few points leave most lanes of each vector empty, and where the points
//! of a row lie far apart each is read by itself; rows as points fill the lanes with neighbouring rows instead. Numerics: sums are added up
//! in the order of the points.

use vspec_ir::plan::{Coordinate, Fold, Index, Instr, Kernel, Plan, Reg, Region};
use vspec_ir::{DType, Op};

/// Points of a row that are few wherever they lie.
const FEW: usize = 8;
/// Points of a row that are few where each lies far from the next, but next to the same point of the next row.
const FEW_ACROSS: usize = 32;
/// Most steps of an unrolled region.
const MOST_STEPS: usize = 160;
/// Rows that fill the vectors of every core.
pub const MANY_ROWS: usize = 256;

/// Unrolls the folds of regions with at least so many short rows. Returns how many regions that were.
pub fn unroll(plan: &mut Plan, rows: usize) -> usize {
    let mut changed = 0;
    for kernel in &mut plan.kernels {
        if let Some(region) = unrolled(kernel, rows) {
            kernel.region = region;
            changed += 1;
        }
    }
    changed
}

fn unrolled(kernel: &Kernel, rows: usize) -> Option<Region> {
    let region = &kernel.region;
    let points: usize = region.extents[region.outer..].iter().product();
    let few = points <= FEW || points <= FEW_ACROSS && lies_across(region);
    let is_worth_it = (2..=FEW_ACROSS).contains(&points) && few && region.rows() >= rows;
    let stores_points =
        region.steps.iter().any(|step| step.inner && matches!(step.instr, Instr::Store { .. }));
    let folds_places = region.steps.iter().any(|step| matches!(step.instr, Instr::Fold(Fold::Argmax, _)));
    let fits = region.steps.len() * points <= MOST_STEPS;
    if kernel.anchor.is_some() || !is_worth_it || stores_points || folds_places || !fits {
        return None;
    }
    Some(Unroll::new(region, points).done())
}

/// Whether points of neighbouring rows lie next to each other and those of a row do not.
fn lies_across(region: &Region) -> bool {
    let Some(last) = region.outer.checked_sub(1) else { return false };
    let across = |coordinate: Option<&Coordinate>| match coordinate {
        Some(Coordinate::At(index)) => {
            let next = Index::counter(last, &region.extents);
            index.terms.iter().any(|term| next.terms.contains(term))
                && index.loops().iter().all(|axis| *axis < region.outer)
        }
        _ => false,
    };
    region.steps.iter().filter(|step| step.inner).all(|step| match &step.instr {
        Instr::Load { at, .. } => across(at.last()),
        _ => true,
    })
}

/// A region while its rows become points.
struct Unroll<'r> {
    from: &'r Region,
    /// For each point of a row the loops' counters.
    points: Vec<Vec<Index>>,
    /// The loops that stay, and what is done in them.
    region: Region,
    /// What steps became: for those of points one for each point.
    became: Vec<Vec<Reg>>,
}

impl<'r> Unroll<'r> {
    fn new(from: &'r Region, count: usize) -> Self {
        let (outer, inner) = from.extents.split_at(from.outer);
        let point = |mut flat: usize| {
            let mut counters: Vec<Index> = (0..outer.len()).map(|axis| Index::counter(axis, outer)).collect();
            let mut digits = vec![];
            for size in inner.iter().rev() {
                digits.push(Index::constant((flat % size) as i64));
                flat /= size;
            }
            counters.extend(digits.into_iter().rev());
            counters
        };
        let points = (0..count).map(point).collect();
        let region = Region { extents: outer.to_vec(), outer: outer.len(), steps: vec![] };
        Unroll { from, points, region, became: vec![] }
    }

    fn done(mut self) -> Region {
        for step in &self.from.steps {
            let became = match &step.instr {
                Instr::Fold(fold, arg) => vec![self.fold(*fold, *arg, step.dtype)],
                instr => {
                    let times = if step.inner { self.points.len() } else { 1 };
                    let at_point = |point| {
                        let instr = self.at_point(instr, point);
                        self.push(instr, step.dtype)
                    };
                    (0..times).map(at_point).collect()
                }
            };
            self.became.push(became);
        }
        self.region
    }

    fn push(&mut self, instr: Instr, dtype: DType) -> Reg {
        self.region.push(instr, dtype)
    }

    /// What a register holds at a point; what is the same all along a row became one step.
    fn reg(&self, reg: Reg, point: usize) -> Reg {
        let became = &self.became[reg.index()];
        became[point.min(became.len() - 1)]
    }

    /// What all points together give.
    fn fold(&mut self, fold: Fold, arg: Reg, dtype: DType) -> Reg {
        let op = match fold {
            Fold::Sum | Fold::Mean | Fold::Argmax => Op::Add {},
            Fold::Max => Op::Max {},
            Fold::Min => Op::Min {},
        };
        let mut whole = self.reg(arg, 0);
        for point in 1..self.points.len() {
            let args = vec![whole, self.reg(arg, point)];
            whole = self.push(Instr::Apply(op.clone(), args), dtype);
        }
        match fold {
            Fold::Mean => {
                let count = self.push(Instr::Number(self.points.len() as f64), dtype);
                self.push(Instr::Apply(Op::Div {}, vec![whole, count]), dtype)
            }
            _ => whole,
        }
    }

    /// A step as it is at a point of the row.
    fn at_point(&self, instr: &Instr, point: usize) -> Instr {
        let place = |index: &Index| index.substitute(&self.points[point], &self.region.extents);
        instr.map(|reg| self.reg(*reg, point), place)
    }
}
