//! Regions as tile programs.
//!
//! A region runs line by line: the last of its loops runs along a line, the others choose it. A line is cut into tiles, and each step is
//! done for a whole tile before the next one, on registers that stay in a core's first cache. What is the same all along a line is
//! computed once for it. Loops that every step runs through as through one are made one first, so that lines are long.
//!
//! Where that is faster ([`columns`]), a line runs through rows instead: the same element of many rows is done at a time, and each row is
//! folded in a lane of its own.

mod address;
mod column;
mod columns;
mod fold;
mod lanes;
mod rows;
mod run;
mod short;

use vspec_ir::plan::{Coordinate, Fold, Instr, Layout, Place, Plan, Region, Value, ValueId};
use vspec_ir::{DType, Op, Origin};

use crate::jit::{Native, Nest};

pub(crate) use address::{Address, flat};
#[cfg(target_arch = "x86_64")]
pub(crate) use column::RUN;
pub(crate) use fold::Folded;
#[cfg(target_arch = "x86_64")]
pub(crate) use fold::{HALVES, lines_together};
#[cfg(target_arch = "x86_64")]
pub(crate) use lanes::TILE;
pub(crate) use run::{Core, Failure, Job};

/// Where a step finds or puts an element.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) value: ValueId,
    pub(crate) address: Address,
    /// What data adds: a register, how far its places are apart, and how many there are.
    pub(crate) named: Vec<(usize, usize, usize)>,
}

/// What a step does, with places worked out.
#[derive(Debug, Clone)]
pub(crate) enum Code {
    Load(Spot, Option<usize>),
    Number(f64),
    Index(Address),
    Inside(Address, i64, i64),
    Random {
        normal: bool,
        stream: std::sync::Arc<str>,
        at: Address,
    },
    Apply(Op, Vec<usize>),
    /// A fold of a row that is one point.
    Same(usize),
    Fold(Fold, usize),
    Store(Spot, usize),
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) code: Code,
    pub(crate) dtype: DType,
    /// Whether it is the same all along a line.
    pub(crate) uniform: bool,
}

/// What is done in one pass over a row.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// Once, before the row is gone through.
    pub(crate) row: Vec<usize>,
    /// Once a line.
    pub(crate) line: Vec<usize>,
    /// For each tile.
    pub(crate) tile: Vec<usize>,
    pub(crate) folds: Vec<usize>,
    /// The same as machine code, if there is any.
    pub(crate) native: Option<Native>,
}

/// A region, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    /// Rounds of each loop.
    pub(crate) extents: Vec<usize>,
    /// How many loops choose the row.
    pub(crate) outer: usize,
    /// The loop that runs along a line: the last one, or one of those that choose the row.
    pub(crate) vector: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) passes: Vec<Pass>,
    /// Machine code for lines of rows, for many rows, or for many short lines, if there is any.
    pub(crate) nest: Option<Nest>,
}

impl Code {
    /// Steps whose results it uses.
    pub(crate) fn operands(&self) -> Vec<usize> {
        match self {
            Code::Load(spot, guard) => spot.named.iter().map(|(step, ..)| *step).chain(*guard).collect(),
            Code::Apply(_, args) => args.clone(),
            Code::Same(arg) | Code::Fold(_, arg) | Code::Store(_, arg) => vec![*arg],
            Code::Number(_) | Code::Index(_) | Code::Inside(..) | Code::Random { .. } => vec![],
        }
    }
}

impl Program {
    /// Works out the places of a region's steps. `anchor` is the value that holds the result of the kernel's anchor.
    pub(crate) fn new(
        plan: &Plan,
        region: &Region,
        anchor: Option<(ValueId, &Value)>,
    ) -> Result<Self, String> {
        let mut shape = Loops::of(region);
        let mut places = places(plan, region, anchor)?;
        shape.merge(&mut places);
        shape.lengthen(&mut places);
        let along = |vector| program(plan, region, anchor, &shape, &places, vector);
        let lines = along(shape.extents.len() - 1)?;
        match columns::loop_of_rows(&lines) {
            Some(vector) => Ok(Some(along(vector)?).filter(columns::can_run).unwrap_or(lines)),
            None => Ok(lines),
        }
    }

    /// Whether lines run through rows.
    pub(crate) fn is_columns(&self) -> bool {
        self.vector < self.outer
    }

    /// Elements of a line.
    pub(crate) fn length(&self) -> usize {
        self.extents[self.vector]
    }
}

/// The program whose lines run along a loop.
fn program(
    plan: &Plan,
    region: &Region,
    anchor: Option<(ValueId, &Value)>,
    shape: &Loops,
    places: &[Vec<vspec_ir::plan::Index>],
    vector: usize,
) -> Result<Program, String> {
    let columns = vector < shape.outer;
    let mut steps: Vec<Step> = vec![];
    for (step, places) in region.steps.iter().zip(places) {
        let code = code(plan, &step.instr, places, vector, anchor, shape)?;
        let uniform = is_uniform(&code, &steps) && !(columns && step.folds());
        steps.push(Step { code, dtype: step.dtype, uniform });
    }
    let mut passes = passes(region, &steps, shape.rows_are_points);
    if columns {
        // What is the same in all rows still differs from point to point.
        passes.iter_mut().enumerate().for_each(|(pass, own)| {
            (own.line, own.tile) = (vec![], region.point_steps(pass));
        });
    }
    Ok(Program { extents: shape.extents.clone(), outer: shape.outer, vector, steps, passes, nest: None })
}

/// The loops of a program while they are merged.
struct Loops {
    extents: Vec<usize>,
    outer: usize,
    /// The region has no inner loops: all of them go through the lines of one row.
    rows_are_points: bool,
}

impl Loops {
    fn of(region: &Region) -> Self {
        let mut extents = region.extents.clone();
        let rows_are_points = region.outer == extents.len();
        if extents.is_empty() {
            extents.push(1);
        }
        let outer = if rows_are_points { 0 } else { region.outer };
        Loops { extents, outer, rows_are_points }
    }

    /// Makes neighbouring loops one wherever every index allows it.
    fn merge(&mut self, places: &mut [Vec<vspec_ir::plan::Index>]) {
        let mut first = self.extents.len().saturating_sub(1);
        while first > 0 {
            first -= 1;
            // Rows stay rows; without inner loops every loop may join the line.
            let apart = !self.rows_are_points && first + 1 == self.outer;
            if apart || !address::can_merge(places.iter().flatten(), first, &self.extents) {
                continue;
            }
            for index in places.iter_mut().flatten() {
                *index = address::merged(index, first, &self.extents);
            }
            self.extents[first] *= self.extents.remove(first + 1);
            self.outer = if first < self.outer { self.outer - 1 } else { self.outer };
        }
        if self.rows_are_points {
            // One row of many lines.
            self.outer = 0;
        }
    }

    /// Makes the longest loop the line where lines would be shorter than a vector: order shows in folds alone.
    fn lengthen(&mut self, places: &mut [Vec<vspec_ir::plan::Index>]) {
        use vspec_ir::plan::Index;
        let last = self.extents.len() - 1;
        let longest = (0..last).max_by_key(|axis| self.extents[*axis]);
        let Some(axis) = longest.filter(|axis| {
            self.rows_are_points && self.extents[last] < SHORT && self.extents[*axis] >= SHORT
        }) else {
            return;
        };
        let mut extents = self.extents.clone();
        extents.swap(axis, last);
        let moved = |own: usize| match own {
            own if own == axis => last,
            own if own == last => axis,
            own => own,
        };
        let counters: Vec<Index> = (0..=last).map(|own| Index::counter(moved(own), &extents)).collect();
        for index in places.iter_mut().flatten() {
            *index = index.substitute(&counters, &extents);
        }
        self.extents = extents;
    }
}

/// Elements of a line below which another loop is made the line.
const SHORT: usize = 16;

/// The indices of each step, places in memory as one index each.
fn places(
    plan: &Plan,
    region: &Region,
    anchor: Option<(ValueId, &Value)>,
) -> Result<Vec<Vec<vspec_ir::plan::Index>>, String> {
    use vspec_ir::plan::Index;
    let extents = &region.extents;
    let one = |instr: &Instr| {
        Ok(match instr {
            Instr::Load { value, at, .. } => {
                let plain: Vec<Index> = at
                    .iter()
                    .map(|coordinate| match coordinate {
                        Coordinate::At(index) => index.clone(),
                        Coordinate::From(_) => Index::constant(0),
                    })
                    .collect();
                let named = plain.len() != at.iter().filter(|c| matches!(c, Coordinate::At(_))).count();
                if named && plan.value(*value).layout.block.is_some() {
                    return Err("places in blocks are not named by data".to_string());
                }
                vec![address::flat(plan.value(*value), &plain, extents)]
            }
            Instr::Store { value, at, .. } => vec![address::flat(plan.value(*value), at, extents)],
            Instr::Anchor => {
                let (_, value) = anchor.ok_or("there is no anchor")?;
                let at: Vec<Index> = (0..extents.len()).map(|axis| Index::counter(axis, extents)).collect();
                vec![address::flat(value, &at, extents)]
            }
            Instr::Index(index) | Instr::Inside { index, .. } | Instr::Random { at: index, .. } => {
                vec![index.clone()]
            }
            Instr::Number(_) | Instr::Apply(..) | Instr::Fold(..) => vec![],
        })
    };
    region.steps.iter().map(|step| one(&step.instr)).collect()
}

fn code(
    plan: &Plan,
    instr: &Instr,
    places: &[vspec_ir::plan::Index],
    vector: usize,
    anchor: Option<(ValueId, &Value)>,
    loops: &Loops,
) -> Result<Code, String> {
    let address = || places.first().map(|index| Address::new(index, vector)).ok_or("a step without a place");
    let registers = |regs: &[vspec_ir::plan::Reg]| regs.iter().map(|reg| reg.index()).collect::<Vec<usize>>();
    Ok(match instr {
        Instr::Load { value, at, guard } => {
            let spot = Spot { value: *value, address: address()?, named: named(plan.value(*value), at) };
            Code::Load(spot, guard.map(|guard| guard.index()))
        }
        Instr::Anchor => {
            let (value, _) = anchor.ok_or("there is no anchor")?;
            Code::Load(Spot { value, address: address()?, named: vec![] }, None)
        }
        Instr::Number(number) => Code::Number(*number),
        Instr::Index(_) => Code::Index(address()?),
        Instr::Inside { low, high, .. } => Code::Inside(address()?, *low, *high),
        Instr::Random { normal, stream, .. } => {
            Code::Random { normal: *normal, stream: stream.clone(), at: address()? }
        }
        Instr::Apply(op, args) => Code::Apply(op.clone(), registers(args)),
        Instr::Fold(Fold::Argmax, _) if loops.rows_are_points => Code::Number(0.0),
        Instr::Fold(_, arg) if loops.rows_are_points => Code::Same(arg.index()),
        Instr::Fold(fold, arg) => Code::Fold(*fold, arg.index()),
        Instr::Store { value, from, .. } => {
            Code::Store(Spot { value: *value, address: address()?, named: vec![] }, from.index())
        }
    })
}

/// What data adds to the place of an element.
fn named(value: &Value, at: &[Coordinate]) -> Vec<(usize, usize, usize)> {
    let stride = |axis: usize| -> usize {
        let order = &value.layout.order;
        let place = order.iter().position(|own| *own == axis).unwrap_or(0);
        order[place + 1..].iter().map(|axis| value.shape[*axis]).product()
    };
    let one = |(axis, coordinate): (usize, &Coordinate)| match coordinate {
        Coordinate::From(reg) => Some((reg.index(), stride(axis), value.shape[axis])),
        Coordinate::At(_) => None,
    };
    at.iter().enumerate().filter_map(one).collect()
}

fn is_uniform(code: &Code, steps: &[Step]) -> bool {
    let all = |regs: &[usize]| regs.iter().all(|reg| steps[*reg].uniform);
    match code {
        Code::Load(spot, guard) => {
            let registers: Vec<usize> = spot.named.iter().map(|(reg, ..)| *reg).chain(*guard).collect();
            spot.address.is_uniform() && all(&registers)
        }
        Code::Index(address) | Code::Inside(address, ..) | Code::Random { at: address, .. } => {
            address.is_uniform()
        }
        Code::Number(_) | Code::Fold(..) => true,
        Code::Apply(_, args) => all(args),
        Code::Same(arg) => steps[*arg].uniform,
        Code::Store(spot, from) => spot.address.is_uniform() && steps[*from].uniform,
    }
}

/// Which steps are done when.
fn passes(region: &Region, steps: &[Step], rows_are_points: bool) -> Vec<Pass> {
    let split = |all: Vec<usize>| all.into_iter().partition(|i: &usize| steps[*i].uniform);
    if rows_are_points {
        let (line, tile) = split((0..steps.len()).collect());
        return vec![Pass { line, tile, ..Pass::default() }];
    }
    let one = |pass: usize| {
        let (line, tile) = split(region.point_steps(pass));
        Pass { row: region.row_steps(pass), line, tile, folds: region.folds(pass), native: None }
    };
    (0..region.passes()).map(one).collect()
}

/// A dense value of a shape, for results that lie in no value of the plan.
pub(crate) fn dense(shape: &[usize], dtype: DType) -> Value {
    let layout = Layout::dense(shape.len());
    Value { origin: Origin::default(), dtype, shape: shape.to_vec(), layout, place: Place::Arena(0) }
}
