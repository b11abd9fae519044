//! Random regions, for tests.

use std::collections::BTreeMap;

use vspec_ir::plan::{
    Coordinate, Fold, Index, Instr, Kernel, Layout, Place, Plan, PlanOutput, Reg, Region, Step, Value,
    ValueId,
};
use vspec_ir::{DType, Op, Origin, OutputKind};

use crate::Data;

/// Inputs by name.
pub(super) type Given = BTreeMap<String, Data<f32>>;

/// Numbers that look random, the same ones for each seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..5).for_each(|_| _ = dice.below(2));
        dice
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }

    pub(super) fn one_of<E: Copy>(&mut self, of: &[E]) -> E {
        of[self.below(of.len())]
    }

    fn number(&mut self) -> f32 {
        const ODD: [f32; 12] = [
            0.0,
            -0.0,
            1.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            1e-40,
            3e38,
            -3e9,
            104.5,
            -90.0,
            0.625,
        ];
        match self.below(12) {
            0 => self.one_of(&ODD),
            1 => self.below(7) as f32 - 3.0,
            _ => (self.below(1 << 24) as f32 / (1 << 22) as f32 - 2.0) * self.one_of(&[1.0, 4.0]),
        }
    }
}

struct Maker {
    dice: Dice,
    /// Rows that lines may run through, or short lines: of steps that all are machine code, at places that loops give.
    rows: bool,
    values: Vec<Value>,
    given: Given,
    region: Region,
}

/// A plan of one kernel with loops only, and inputs for it.
pub(super) fn random(seed: u64) -> (Plan, Given) {
    let mut dice = Dice::new(seed);
    let rows = dice.below(2) == 0;
    let rank = 1 + dice.below(3) + usize::from(rows);
    let mut extents = vec![];
    for _ in 0..rank {
        let room = 20_000 / extents.iter().product::<usize>().max(1);
        let size = dice.one_of(&[1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 49, 130, 513, 1040]);
        extents.push(size.min(room).max(1));
    }
    let outer = if rows { 1 + dice.below(rank) } else { dice.below(rank + 1) };
    let region = Region { extents, outer, steps: vec![] };
    let mut maker = Maker { dice, rows, values: vec![], given: Given::new(), region };
    maker.fill();
    maker.plan()
}

/// What the points of one long row leave when they are divided by a number: the sum of their quotients, which wraps, their largest
/// remainder, and how many leave nothing, as a float.
pub(super) fn long_row(count: usize, by: i64) -> Plan {
    let region = Region { extents: vec![count], outer: 0, steps: vec![] };
    let mut maker = Maker { dice: Dice::new(1), rows: false, values: vec![], given: Given::new(), region };
    let point = Index::counter(0, &[count]);
    for (index, fold) in
        [(point.quotient(by, &[count]), Fold::Sum), (point.remainder(by, &[count]), Fold::Max)]
    {
        let number = maker.push(Instr::Index(index), DType::I32);
        let from = maker.push(Instr::Fold(fold, number), DType::I32);
        maker.store_of(from, DType::I32, 0);
    }
    let whole = Instr::Inside { index: point.remainder(by, &[count]), low: 0, high: 1 };
    let whole = maker.push(whole, DType::Bool);
    let one = maker.push(Instr::Apply(Op::Cast { dtype: DType::F32 }, vec![whole]), DType::F32);
    let from = maker.push(Instr::Fold(Fold::Sum, one), DType::F32);
    maker.store_of(from, DType::F32, 0);
    maker.plan().0
}

/// The sum, the mean and the largest element of each of some rows of lines of a length, in a layout that is drawn.
pub(super) fn rows_of_lines(seed: u64, [rows, lines, length]: [usize; 3]) -> (Plan, Given) {
    let region = Region { extents: vec![rows, lines, length], outer: 1, steps: vec![] };
    let mut maker = Maker { dice: Dice::new(seed), rows: false, values: vec![], given: Given::new(), region };
    let value = maker.value(DType::F32, vec![rows, lines, length], 9);
    // One infinity would hide how all others are added up.
    if let Some(Data::Float(numbers)) = maker.given.get_mut("x0") {
        numbers.iter_mut().for_each(|number| *number = if number.abs() < 1e3 { *number } else { 0.1 });
    }
    let at = maker.counters().into_iter().map(Coordinate::At).collect();
    let element = maker.push(Instr::Load { value, at, guard: None }, DType::F32);
    for fold in [Fold::Sum, Fold::Mean, Fold::Max] {
        let from = maker.push(Instr::Fold(fold, element), DType::F32);
        maker.store_of(from, DType::F32, 1);
    }
    maker.plan()
}

impl Maker {
    fn fill(&mut self) {
        for _ in 0..1 + self.dice.below(4) {
            self.load(DType::F32);
        }
        for _ in 0..3 + self.dice.below(24) {
            self.step();
        }
        let stores = 1 + self.dice.below(3);
        for _ in 0..stores {
            self.store();
        }
    }

    fn plan(self) -> (Plan, Given) {
        let outputs = self.values.iter().enumerate().filter_map(|(id, value)| match &value.place {
            Place::Variable(path) => {
                Some(PlanOutput { name: path.clone(), kind: OutputKind::Write, value: ValueId(id as u32) })
            }
            _ => None,
        });
        let plan = Plan {
            name: "random".to_string(),
            outputs: outputs.collect(),
            values: self.values,
            kernels: vec![Kernel { origins: vec![], anchor: None, region: self.region }],
            arena: 0,
        };
        (plan, self.given)
    }

    fn push(&mut self, instr: Instr, dtype: DType) -> Reg {
        let outer = self.region.outer;
        let points = outer == self.region.extents.len();
        let steps = &self.region.steps;
        let args: Vec<&Step> = instr.operands().into_iter().map(|reg| &steps[reg.index()]).collect();
        let folds = matches!(instr, Instr::Fold(..));
        let inner = !folds
            && (points
                || args.iter().any(|arg| arg.inner)
                || instr.loops().iter().any(|axis| *axis >= outer));
        let pass = args.iter().map(|arg| arg.pass + usize::from(arg.folds())).max().unwrap_or(0);
        self.region.steps.push(Step { instr, dtype, inner, pass });
        Reg(self.region.steps.len() as u32 - 1)
    }

    fn any(&mut self, dtype: DType) -> Option<Reg> {
        let own: Vec<u32> = (0..self.region.steps.len() as u32)
            .filter(|reg| {
                let step = &self.region.steps[*reg as usize];
                step.dtype == dtype && !matches!(step.instr, Instr::Store { .. })
            })
            .collect();
        match own.len() {
            0 => None,
            // Late ones more often, so that programs become deep.
            n if self.dice.below(2) == 0 => Some(Reg(own[n - 1 - self.dice.below(n.min(3))])),
            _ => Some(Reg(self.dice.one_of(&own))),
        }
    }

    /// One of a type; a new one if there is none.
    fn some(&mut self, dtype: DType) -> Reg {
        match self.any(dtype) {
            Some(reg) => reg,
            None => self.load(dtype),
        }
    }

    fn value(&mut self, dtype: DType, shape: Vec<usize>, ints_below: usize) -> ValueId {
        let name = format!("x{}", self.values.len());
        let layout = self.layout(shape.len());
        let count = layout.elements(&shape);
        let dice = &mut self.dice;
        let data = match dtype {
            DType::F32 => Data::Float((0..count).map(|_| dice.number()).collect()),
            DType::I32 => Data::Int((0..count).map(|_| dice.below(ints_below) as i32).collect()),
            DType::Bool => Data::Bool((0..count).map(|_| dice.below(2) == 0).collect()),
        };
        self.given.insert(name.clone(), data);
        let place = Place::Input(name.as_str().into());
        self.values.push(Value { origin: Origin::default(), dtype, shape, layout, place });
        ValueId(self.values.len() as u32 - 1)
    }

    fn layout(&mut self, rank: usize) -> Layout {
        let mut layout = Layout::dense(rank);
        match self.dice.below(6) {
            0 => layout.order.reverse(),
            1 if rank > 0 && !self.rows => {
                layout.block = Some((self.dice.below(rank), self.dice.one_of(&[2, 3, 16])))
            }
            _ => {}
        }
        layout
    }

    fn counters(&self) -> Vec<Index> {
        let extents = &self.region.extents;
        (0..extents.len()).map(|axis| Index::counter(axis, extents)).collect()
    }

    fn load(&mut self, dtype: DType) -> Reg {
        let extents = self.region.extents.clone();
        let counters = self.counters();
        let at = |index: &Index| Coordinate::At(index.clone());
        match self.dice.below(9) {
            0 | 1 => {
                let value = self.value(dtype, extents, 9);
                self.push(Instr::Load { value, at: counters.iter().map(at).collect(), guard: None }, dtype)
            }
            // Broadcast over some axes.
            2 | 3 => {
                let axes: Vec<usize> = (0..extents.len()).filter(|_| self.dice.below(2) == 0).collect();
                let value = self.value(dtype, axes.iter().map(|axis| extents[*axis]).collect(), 9);
                let at = axes.iter().map(|axis| at(&counters[*axis])).collect();
                self.push(Instr::Load { value, at, guard: None }, dtype)
            }
            // Every other element, or in reverse order.
            4 => {
                let (factor, start) = (self.dice.one_of(&[2, 3, 4, -1]), self.dice.below(3) as i64);
                let axis = self.dice.below(extents.len());
                let mut shape = extents.clone();
                let offset = if factor < 0 { extents[axis] as i64 - 1 } else { start };
                shape[axis] = if factor < 0 { extents[axis] } else { extents[axis] * factor as usize + 2 };
                let mut places = counters;
                places[axis] = places[axis].times(factor).plus(&Index::constant(offset));
                let value = self.value(dtype, shape, 9);
                self.push(Instr::Load { value, at: places.iter().map(at).collect(), guard: None }, dtype)
            }
            5 | 6 => self.padded(dtype),
            7 if !self.rows => self.reshaped(dtype),
            _ => self.named(dtype),
        }
    }

    /// Shifted by one along an axis, where it lies within.
    fn padded(&mut self, dtype: DType) -> Reg {
        let extents = self.region.extents.clone();
        let axis = self.dice.below(extents.len());
        let mut places = self.counters();
        let mut shape = extents.clone();
        shape[axis] = extents[axis].saturating_sub(self.dice.below(3)).max(1);
        places[axis] = places[axis].plus(&Index::constant(-1));
        let inside = Instr::Inside { index: places[axis].clone(), low: 0, high: shape[axis] as i64 };
        let guard = self.push(inside, DType::Bool);
        let value = self.value(dtype, shape, 9);
        let at = places.into_iter().map(Coordinate::At).collect();
        let loaded = self.push(Instr::Load { value, at, guard: Some(guard) }, dtype);
        let number = self.push(Instr::Number(0.0), dtype);
        self.push(Instr::Apply(Op::Where {}, vec![guard, loaded, number]), dtype)
    }

    /// A value of another shape.
    fn reshaped(&mut self, dtype: DType) -> Reg {
        let extents = self.region.extents.clone();
        let counters = self.counters();
        let flat = counters
            .iter()
            .zip(&extents)
            .fold(Index::constant(0), |sum, (counter, size)| sum.times(*size as i64).plus(counter));
        let points = extents.iter().product::<usize>();
        let by = self.dice.one_of(&[2, 3, 4, 5, 7, 10, 49, 64]);
        let value = self.value(dtype, vec![points.div_ceil(by), by], 9);
        let at = [flat.quotient(by as i64, &extents), flat.remainder(by as i64, &extents)];
        self.push(Instr::Load { value, at: at.into_iter().map(Coordinate::At).collect(), guard: None }, dtype)
    }

    /// Places that data names, seldom one outside.
    fn named(&mut self, dtype: DType) -> Reg {
        let size = match self.dice.below(3) {
            0 => self.dice.one_of(&[16, 17, 31, 48, 80, 96, 97]),
            _ => 3 + self.dice.below(6),
        };
        let extents = self.region.extents.clone();
        let at: Vec<Coordinate> = self.counters().into_iter().map(Coordinate::At).collect();
        let below = if self.dice.below(40) == 0 { size + 1 } else { size };
        let places = self.value(DType::I32, extents.clone(), below);
        let index = self.push(Instr::Load { value: places, at, guard: None }, DType::I32);
        let axis = self.dice.below(extents.len());
        let value = self.value(dtype, vec![extents[axis], size], 9);
        self.values[value.index()].layout.block = None;
        self.refill(value);
        let at = vec![Coordinate::At(self.counters()[axis].clone()), Coordinate::From(index)];
        self.push(Instr::Load { value, at, guard: None }, dtype)
    }

    /// Gives a value as many elements as its layout asks for now.
    fn refill(&mut self, value: ValueId) {
        let own = &self.values[value.index()];
        let count = own.layout.elements(&own.shape);
        match self.given.get_mut(&format!("x{}", value.0)) {
            Some(Data::Float(data)) => data.truncate(count),
            Some(Data::Int(data)) => data.truncate(count),
            Some(Data::Bool(data)) => data.truncate(count),
            None => {}
        }
    }

    fn step(&mut self) {
        match self.dice.below(24) {
            0 => {
                let dtype = self.dice.one_of(&[DType::F32, DType::I32, DType::Bool]);
                self.load(dtype);
            }
            1 => {
                let number = f64::from(self.dice.number());
                self.push(Instr::Number(number), DType::F32);
            }
            2 => {
                let index = self.index();
                let dtype = self.dice.one_of(&[DType::F32, DType::I32]);
                self.push(Instr::Index(index), dtype);
            }
            3 => {
                let (index, low) = (self.index(), self.dice.below(5) as i64);
                let high = low + self.dice.below(60) as i64;
                self.push(Instr::Inside { index, low, high }, DType::Bool);
            }
            4 if !self.rows => {
                let (normal, at) = (self.dice.below(2) == 0, self.index());
                self.push(Instr::Random { normal, stream: "noise".into(), at }, DType::F32);
            }
            5..8 => self.compare(),
            8 | 9 => {
                let dtype = self.dice.one_of(&[DType::F32, DType::F32, DType::I32, DType::Bool]);
                let args = vec![self.some(DType::Bool), self.some(dtype), self.some(dtype)];
                self.push(Instr::Apply(Op::Where {}, args), dtype);
            }
            10 => {
                let from = self.dice.one_of(&[DType::F32, DType::I32, DType::Bool]);
                let dtype = self.dice.one_of(&[DType::F32, DType::I32, DType::Bool]);
                let arg = self.some(from);
                self.push(Instr::Apply(Op::Cast { dtype }, vec![arg]), dtype);
            }
            11 | 12 if self.region.outer < self.region.extents.len() => self.fold(),
            13..16 => self.unary(),
            16 => self.ints(),
            17 => self.masks(),
            _ => self.pair(),
        }
    }

    fn index(&mut self) -> Index {
        let extents = self.region.extents.clone();
        let counters = self.counters();
        let sum = counters.iter().fold(Index::constant(self.dice.below(4) as i64), |sum, counter| {
            sum.plus(&counter.times(self.dice.below(4) as i64))
        });
        let by = self.dice.one_of(&[2, 3, 8, 11, 49]);
        match self.dice.below(3) {
            _ if self.rows => sum,
            0 => sum.quotient(by, &extents),
            1 => sum.remainder(by, &extents),
            _ => sum,
        }
    }

    fn compare(&mut self) {
        let dtype = self.dice.one_of(&[DType::F32, DType::F32, DType::I32, DType::Bool]);
        let args = vec![self.some(dtype), self.some(dtype)];
        let op = match self.dice.below(3) {
            0 => Op::Eq {},
            1 => Op::Lt {},
            _ => Op::Le {},
        };
        self.push(Instr::Apply(op, args), DType::Bool);
    }

    fn fold(&mut self) {
        let folds = [
            (Fold::Sum, DType::F32),
            (Fold::Mean, DType::F32),
            (Fold::Max, DType::F32),
            (Fold::Min, DType::F32),
            (Fold::Argmax, DType::F32),
            (Fold::Sum, DType::I32),
            (Fold::Max, DType::I32),
        ];
        let (fold, dtype) = self.dice.one_of(&folds[..if self.rows { 5 } else { 7 }]);
        let arg = self.some(dtype);
        let dtype = if fold == Fold::Argmax { DType::I32 } else { dtype };
        self.push(Instr::Fold(fold, arg), dtype);
    }

    fn unary(&mut self) {
        let arg = self.some(DType::F32);
        let ops = [
            Op::Neg {},
            Op::Abs {},
            Op::Sign {},
            Op::Exp {},
            Op::Log {},
            Op::Sqrt {},
            Op::Tanh {},
            Op::Sigmoid {},
            Op::Erf {},
            Op::Relu {},
            Op::Floor {},
            Op::Log1p {},
            Op::Sin {},
        ];
        let op = ops[self.dice.below(ops.len() - usize::from(self.rows))].clone();
        self.push(Instr::Apply(op, vec![arg]), DType::F32);
    }

    fn pair(&mut self) {
        let args = vec![self.some(DType::F32), self.some(DType::F32)];
        let op = match self.dice.below(if self.rows { 11 } else { 13 }) {
            0..3 => Op::Add {},
            3..5 => Op::Sub {},
            5..8 => Op::Mul {},
            8 => Op::Div {},
            9 => Op::Max {},
            10 => Op::Min {},
            11 => Op::Rem {},
            _ => Op::Atan2 {},
        };
        self.push(Instr::Apply(op, args), DType::F32);
    }

    fn ints(&mut self) {
        let args = vec![self.some(DType::I32), self.some(DType::I32)];
        let unary = self.dice.below(9);
        let op = match unary {
            0 => Op::Add {},
            1 => Op::Sub {},
            2 => Op::Mul {},
            3 => Op::Max {},
            4 => Op::Min {},
            5 if !self.rows => Op::Div {},
            5 => Op::Sub {},
            6 => Op::Neg {},
            7 => Op::Abs {},
            _ => Op::Sign {},
        };
        let args = if unary < 6 { args } else { args[..1].to_vec() };
        self.push(Instr::Apply(op, args), DType::I32);
    }

    fn masks(&mut self) {
        let args = [self.some(DType::Bool), self.some(DType::Bool)];
        let (op, count) = match self.dice.below(3) {
            0 => (Op::And {}, 2),
            1 => (Op::Or {}, 2),
            _ => (Op::Not {}, 1),
        };
        self.push(Instr::Apply(op, args[..count].to_vec()), DType::Bool);
    }

    fn store(&mut self) {
        let dtype = self.dice.one_of(&[DType::F32, DType::F32, DType::F32, DType::I32, DType::Bool]);
        let Some(from) = self.any(dtype) else { return };
        let step = &self.region.steps[from.index()];
        let points = self.region.outer == self.region.extents.len();
        // What is known once a row is stored once a row, or at each point.
        let wide = points || step.inner || self.dice.below(2) == 0;
        let loops = if wide { self.region.extents.len() } else { self.region.outer };
        self.store_of(from, dtype, loops);
    }

    /// Stores a step at each point of some loops, in a value of its own.
    fn store_of(&mut self, from: Reg, dtype: DType, loops: usize) {
        let shape = self.region.extents[..loops].to_vec();
        let layout = self.layout(loops);
        let path = format!("y{}", self.values.len());
        let place = Place::Variable(path.as_str().into());
        self.values.push(Value { origin: Origin::default(), dtype, shape, layout, place });
        let (value, at) = (ValueId(self.values.len() as u32 - 1), self.counters()[..loops].to_vec());
        self.push(Instr::Store { value, at, from }, dtype);
    }
}
