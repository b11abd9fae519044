//! From steps of a program to instructions.
//!
//! Places are compared with the sizes of values here: what is lowered reads and writes within them, whatever the data.

use std::collections::BTreeMap;

use vspec_ir::DType;
use vspec_ir::plan::{Atom, Fold, Index, ValueId};

use super::functions::extreme;
use super::ir::{Binary, Block, Compare, Inst, Logic, Shift, Source, Unary, Var};
use super::offset::Offset;
use super::op;
use crate::tile::{Address, Code, Program, Spot};

/// Elements of a table that is read whole.
const TABLE: usize = 96;
/// Bytes between neighbours, below which the distances of a whole round are ones that instructions can name.
const FAR: i64 = 1 << 24;

/// What a pointer leads to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pointer {
    /// The place of the first element of a call.
    Place(ValueId, Offset),
    /// The first element of a value.
    Value(ValueId),
    /// A register of the tile.
    Lane(usize, DType),
}

/// What is the same in all elements of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Uniform {
    /// The counter of the line at the first element.
    First,
    /// The result of a step.
    Step(usize),
    /// An index that does not depend on the line's counter.
    Index(Index),
}

/// What steps become, and what has to be given to it.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub(super) block: Block,
    pub(super) pointers: Vec<Pointer>,
    pub(super) uniforms: Vec<Uniform>,
    /// Steps that are folds.
    pub(super) folds: Vec<usize>,
}

/// The result of a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Vector(Source),
    Mask(Var),
}

/// Steps whose results are kept for each row, and folds of rows, by position.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) kept: Vec<usize>,
    pub(super) folds: Vec<usize>,
    /// Whether there is one row at a time: what is kept of it is the same in every element.
    pub(super) one: bool,
}

pub(super) struct Lower<'p> {
    program: &'p Program,
    /// Elements of values.
    sizes: &'p dyn Fn(ValueId) -> usize,
    /// Only the first element is computed.
    once: bool,
    /// Whether as few as one element is done of what is lowered, so that to read whole tables is not worth it.
    pub(super) few: bool,
    pub(super) out: Lowered,
    /// What is kept of rows, where lines run through rows.
    pub(super) rows: Option<&'p Rows>,
    /// Loops whose counters the code has itself.
    pub(super) counters: Vec<usize>,
    /// A step whose result is nowhere.
    pub(super) missing: Option<usize>,
    known: BTreeMap<usize, Value>,
    /// Parts of places.
    places: BTreeMap<Index, Source>,
    lane: Option<Source>,
    counter: Option<Source>,
    all: Option<Var>,
}

impl<'p> Lower<'p> {
    pub(super) fn new(program: &'p Program, sizes: &'p dyn Fn(ValueId) -> usize, once: bool) -> Self {
        Lower {
            program,
            sizes,
            once,
            few: once,
            out: Lowered::default(),
            rows: None,
            counters: vec![],
            missing: None,
            known: BTreeMap::new(),
            places: BTreeMap::new(),
            lane: None,
            counter: None,
            all: None,
        }
    }

    /// Adds a step.
    pub(super) fn step(&mut self, step: usize) -> Result<(), String> {
        let own = &self.program.steps[step];
        let value = match &own.code {
            Code::Load(spot, guard) => self.load(own.dtype, spot, *guard)?,
            Code::Number(_) => return Ok(()),
            Code::Index(address) => {
                let place = self.place(address);
                Value::Vector(match own.dtype {
                    DType::F32 => self.block().unary(Unary::ToFloat, place),
                    _ => place,
                })
            }
            Code::Inside(address, low, high) => {
                let place = self.place(address);
                Value::Mask(self.within(place, *low, *high))
            }
            Code::Apply(op, args) => {
                let args: Vec<Value> = args.iter().map(|arg| self.value(*arg)).collect();
                let dtype = |arg: usize| self.program.steps[arg].dtype;
                let first = match &own.code {
                    Code::Apply(_, args) => args.first().map_or(DType::F32, |arg| dtype(*arg)),
                    _ => DType::F32,
                };
                op::apply(self, op, first, &args).ok_or_else(|| format!("no instructions for {op:?}"))?
            }
            Code::Same(arg) => self.value(*arg),
            Code::Store(spot, from) => return self.store(spot, *from),
            Code::Random { .. } | Code::Fold(..) => return Err("not a step of machine code".to_string()),
        };
        self.known.insert(step, value);
        Ok(())
    }

    /// Adds a fold of the elements.
    pub(super) fn fold(&mut self, fold: usize) {
        let Code::Fold(kind, arg) = self.program.steps[fold].code else { return };
        let slot = self.slot(fold);
        let from = self.source(arg);
        if kind == Fold::Argmax {
            return self.argmax(slot, from);
        }
        let before = Source::Var(self.block().push(Inst::Folded(slot)));
        let after = match kind {
            Fold::Max => extreme(self.block(), Binary::Max, before, from),
            Fold::Min => extreme(self.block(), Binary::Min, before, from),
            Fold::Sum | Fold::Mean | Fold::Argmax => self.block().add(before, from),
        };
        self.block().push(Inst::Fold(slot, after));
    }

    /// The first largest element of each row; its place is in the accumulator behind. NaN is larger than any other.
    fn argmax(&mut self, slot: u32, from: Source) {
        let (outer, extents) = (self.program.outer, &self.program.extents);
        let place = (outer..extents.len()).fold(Index::constant(0), |place, axis| {
            place.times(extents[axis] as i64).plus(&Index::counter(axis, extents))
        });
        let here = self.index(&place);
        let block = self.block();
        let before = Source::Var(block.push(Inst::Folded(slot)));
        let place = Source::Var(block.push(Inst::Folded(slot + 1)));
        let above = block.compare(Compare::Lt, before, from);
        let nan = block.compare(Compare::Unordered, from, from);
        let number = block.compare(Compare::Eq, before, before);
        let first_nan = block.logic(Logic::And, nan, number);
        let better = block.logic(Logic::Or, above, first_nan);
        let after = block.select(better, from, before);
        let place = block.select(better, here, place);
        block.push(Inst::Fold(slot, after));
        block.push(Inst::Fold(slot + 1, place));
    }

    /// The number of a fold.
    pub(super) fn slot(&mut self, fold: usize) -> u32 {
        let known = self.rows.and_then(|rows| rows.folds.iter().position(|own| *own == fold));
        let slot = known.unwrap_or_else(|| {
            self.out.folds.push(fold);
            self.out.folds.len() - 1
        });
        slot as u32
    }

    /// The result of a step is known.
    pub(super) fn know(&mut self, step: usize, value: Value) {
        self.known.insert(step, value);
    }

    /// Something that was kept of each row.
    fn row(&mut self, rows: &Rows, step: usize, is_mask: bool) -> Value {
        let slot = rows.kept.iter().position(|own| *own == step);
        if slot.is_none() {
            self.missing = Some(step);
        }
        let slot = slot.unwrap_or(0) as u32;
        let row = Source::Var(self.block().push(if rows.one { Inst::Known(slot) } else { Inst::Row(slot) }));
        if !is_mask {
            return Value::Vector(row);
        }
        let zero = self.block().int(0);
        Value::Mask(self.block().compare(Compare::GtInt, row, zero))
    }

    /// Whether what is the same all along a line is done for one element.
    fn is_alone(&self) -> bool {
        self.rows.is_some_and(|rows| rows.one)
    }

    /// Keeps the result of a step of each row.
    pub(super) fn keep(&mut self, slot: u32, step: usize) {
        let from = match self.value(step) {
            Value::Vector(from) => from,
            Value::Mask(mask) => {
                let (one, zero) = (self.block().int(1), self.block().int(0));
                self.block().select(mask, one, zero)
            }
        };
        self.block().push(Inst::Keep(slot, from));
    }

    /// Puts the result of a step where other steps find it.
    pub(super) fn export(&mut self, step: usize) {
        let dtype = self.program.steps[step].dtype;
        let pointer = self.pointer(Pointer::Lane(step, dtype));
        match self.value(step) {
            Value::Vector(from) => self.block().push(Inst::Store(pointer, from)),
            Value::Mask(from) => self.block().push(Inst::StoreBytes(pointer, from)),
        };
    }

    pub(super) fn block(&mut self) -> &mut Block {
        &mut self.out.block
    }

    /// A mask that holds everywhere.
    pub(super) fn all(&mut self) -> Var {
        if let Some(all) = self.all {
            return all;
        }
        let zero = self.block().int(0);
        let all = self.block().compare(Compare::EqInt, zero, zero);
        *self.all.insert(all)
    }

    /// Whether integers lie in `low..high`.
    fn within(&mut self, place: Source, low: i64, high: i64) -> Var {
        let block = self.block();
        // Both are integers of 32 bits, the lower one not the least.
        let (low, high) = (block.int((low - 1) as i32), block.int(high as i32));
        let above = block.compare(Compare::GtInt, place, low);
        let below = block.compare(Compare::GtInt, high, place);
        block.logic(Logic::And, above, below)
    }

    fn pointer(&mut self, pointer: Pointer) -> u32 {
        let known = self.rows.and_then(|_| self.out.pointers.iter().position(|own| *own == pointer));
        let at = known.unwrap_or_else(|| {
            self.out.pointers.push(pointer);
            self.out.pointers.len() - 1
        });
        at as u32
    }

    fn uniform(&mut self, uniform: Uniform) -> u32 {
        let known = self.out.uniforms.iter().position(|own| *own == uniform);
        let at = known.unwrap_or_else(|| {
            self.out.uniforms.push(uniform);
            self.out.uniforms.len() - 1
        });
        at as u32
    }

    fn source(&mut self, step: usize) -> Source {
        match self.value(step) {
            Value::Vector(source) => source,
            Value::Mask(_) => self.block().int(0),
        }
    }

    /// The result of a step: of this block, a constant, the same in all elements, or from a register of the tile.
    fn value(&mut self, step: usize) -> Value {
        if let Some(known) = self.known.get(&step) {
            return *known;
        }
        let own = &self.program.steps[step];
        let is_mask = own.dtype == DType::Bool;
        let value = match (&own.code, own.dtype) {
            (Code::Number(number), DType::F32) => Value::Vector(self.block().float(*number as f32)),
            (Code::Number(number), DType::I32) => Value::Vector(self.block().int(*number as i32)),
            (Code::Number(number), DType::Bool) => {
                let (bit, zero) = (i32::from(*number != 0.0), self.block().int(0));
                let bit = self.block().int(bit);
                Value::Mask(self.block().compare(Compare::GtInt, bit, zero))
            }
            _ if let Some(rows) = self.rows => self.row(rows, step, is_mask),
            _ if own.uniform || self.once => {
                let uniform = self.uniform(Uniform::Step(step));
                match is_mask {
                    true => Value::Mask(self.block().push(Inst::Truth(uniform))),
                    false => Value::Vector(Source::Uniform(uniform)),
                }
            }
            _ => {
                let pointer = self.pointer(Pointer::Lane(step, own.dtype));
                match is_mask {
                    true => Value::Mask(self.block().push(Inst::LoadBytes(pointer, None))),
                    false => Value::Vector(Source::Var(self.block().push(Inst::Load(pointer, None)))),
                }
            }
        };
        self.known.insert(step, value);
        value
    }

    fn mask(&mut self, step: usize) -> Option<Var> {
        match self.value(step) {
            Value::Mask(mask) => Some(mask),
            Value::Vector(_) => None,
        }
    }

    /// How many elements behind the first of the call an element is.
    fn lane(&mut self) -> Source {
        if let Some(lane) = self.lane {
            return lane;
        }
        let lane = Source::Var(self.block().push(Inst::Lane));
        *self.lane.insert(lane)
    }

    /// The counter of the line at each element.
    fn counter(&mut self) -> Source {
        if self.once {
            return self.block().int(0);
        }
        if let Some(counter) = self.counter {
            return counter;
        }
        let (lane, first) = (self.lane(), Source::Uniform(self.uniform(Uniform::First)));
        let counter = self.block().binary(Binary::AddInt, lane, first);
        *self.counter.insert(counter)
    }

    /// A multiple of integers.
    fn times(&mut self, x: Source, factor: i64) -> Source {
        match factor {
            1 => x,
            0 => self.block().int(0),
            2.. if (factor as u64).is_power_of_two() => {
                self.block().shift(Shift::Left, x, factor.trailing_zeros() as u8)
            }
            _ => {
                let factor = self.block().int(factor as i32);
                self.block().binary(Binary::MulInt, x, factor)
            }
        }
    }

    fn place(&mut self, address: &Address) -> Source {
        self.index(address.whole())
    }

    /// An index at each element.
    fn index(&mut self, index: &Index) -> Source {
        if let Some(known) = self.places.get(index) {
            return *known;
        }
        let vector = self.program.vector;
        let moves = |axis: usize| axis == vector || self.counters.contains(&axis);
        let depends = |atom: &Atom| atom.loops().into_iter().any(moves);
        let (along, fixed): (Vec<_>, Vec<_>) =
            index.terms.iter().cloned().partition(|(atom, _)| !self.once && depends(atom));
        let fixed = Index { terms: fixed, offset: index.offset };
        let mut sum = match fixed.as_constant() {
            Some(0) if !along.is_empty() => None,
            Some(constant) => Some(self.block().int(constant as i32)),
            None => Some(Source::Uniform(self.uniform(Uniform::Index(fixed)))),
        };
        for (atom, factor) in along {
            let atom = self.atom(&atom);
            let term = self.times(atom, factor);
            sum = Some(match sum {
                Some(sum) => self.block().binary(Binary::AddInt, term, sum),
                None => term,
            });
        }
        let place = sum.unwrap_or_else(|| self.block().int(0));
        self.places.insert(index.clone(), place);
        place
    }

    fn atom(&mut self, atom: &Atom) -> Source {
        match atom {
            Atom::Loop(axis) if *axis != self.program.vector => {
                let counter = self.counters.iter().position(|own| own == axis).unwrap_or(0);
                Source::Var(self.block().push(Inst::Counter(counter as u32)))
            }
            Atom::Loop(_) => self.counter(),
            Atom::Quotient(of, by) => self.quotient(of, *by),
            Atom::Remainder(of, by) => {
                let x = self.index(of);
                if (*by as u64).is_power_of_two() {
                    let mask = self.block().int((*by - 1) as i32);
                    return self.block().binary(Binary::And, x, mask);
                }
                let quotient = self.quotient(of, *by);
                let whole = self.times(quotient, *by);
                self.block().binary(Binary::SubInt, x, whole)
            }
        }
    }

    /// A quotient by a product with the reciprocal, which is at most one off where it is below 2^22, put right by the remainder.
    fn quotient(&mut self, of: &Index, by: i64) -> Source {
        let key = Index { terms: vec![(Atom::Quotient(Box::new(of.clone()), by), 1)], offset: 0 };
        if let Some(known) = self.places.get(&key) {
            return *known;
        }
        let x = self.index(of);
        let quotient = if (by as u64).is_power_of_two() {
            self.block().shift(Shift::Right, x, by.trailing_zeros() as u8)
        } else {
            let block = self.block();
            let (reciprocal, divisor) = (block.float(1.0 / by as f32), block.int(by as i32));
            let float = block.unary(Unary::ToFloat, x);
            let product = block.mul(float, reciprocal);
            let near = block.unary(Unary::ToInt, product);
            let whole = block.binary(Binary::MulInt, near, divisor);
            let rest = block.binary(Binary::SubInt, x, whole);
            let (zero, one, last) = (block.int(0), block.int(1), block.int((by - 1) as i32));
            let more = block.compare(Compare::GtInt, rest, last);
            let larger = block.binary(Binary::AddInt, near, one);
            let less = block.compare(Compare::GtInt, zero, rest);
            let smaller = block.binary(Binary::SubInt, near, one);
            let rough = block.select(more, larger, near);
            block.select(less, smaller, rough)
        };
        self.places.insert(key, quotient);
        quotient
    }

    /// Whether all places lie within the value, whatever the data says.
    fn is_inside(&self, spot: &Spot) -> bool {
        let (low, high) = spot.address.whole().range(&self.program.extents);
        let named: usize = spot.named.iter().map(|(_, stride, size)| stride * size.saturating_sub(1)).sum();
        low >= 0 && high + (named as i64) < (self.sizes)(spot.value) as i64
    }

    fn load(&mut self, dtype: DType, spot: &Spot, guard: Option<usize>) -> Result<Value, String> {
        let mut touched = match guard {
            Some(guard) => Some(self.mask(guard).ok_or("a guard is no truth value")?),
            None => None,
        };
        let inside = self.is_inside(spot);
        if !inside && guard.is_none() {
            return Err("a place outside its value".to_string());
        }
        let named = self.named(spot, &mut touched)?;
        if let Some(table) = self.table(dtype, spot, inside) {
            let number = self.source(table.0);
            let pointer = self.pointer(Pointer::Place(spot.value, Offset::new(&spot.address, 4)));
            let found = self.block().push(Inst::Lookup(pointer, table.1, number, touched));
            return Ok(Value::Vector(Source::Var(found)));
        }
        if let (false, Some(guard)) = (inside, touched) {
            let mut place = self.place(&spot.address);
            if let Some(named) = named {
                place = self.block().binary(Binary::AddInt, place, named);
            }
            let size = i32::try_from((self.sizes)(spot.value)).map_err(|_| "too large".to_string())?;
            let inside = self.within(place, 0, i64::from(size));
            touched = Some(self.block().logic(Logic::And, guard, inside));
        }
        let size = if dtype == DType::Bool { 1 } else { 4 };
        let regular = spot.address.step();
        let pointer = self.pointer(match regular {
            Some(_) => Pointer::Place(spot.value, Offset::new(&spot.address, size)),
            None => Pointer::Value(spot.value),
        });
        let neighbours = named.is_none() && (self.once || regular == Some(1));
        if neighbours && dtype == DType::Bool {
            return Ok(Value::Mask(self.block().push(Inst::LoadBytes(pointer, touched))));
        }
        if neighbours {
            return Ok(Value::Vector(Source::Var(self.block().push(Inst::Load(pointer, touched)))));
        }
        if named.is_none() && regular == Some(0) && touched.is_none() && dtype != DType::Bool {
            return Ok(Value::Vector(Source::Var(self.block().push(Inst::Broadcast(pointer)))));
        }
        let mut distance = self.distance(&spot.address);
        if let Some(named) = named {
            distance = self.block().binary(Binary::AddInt, named, distance);
        }
        if dtype == DType::Bool {
            let apart = regular.filter(|step| named.is_none() && step.abs() < FAR).map(|step| step as i32);
            let found = self.block().push(Inst::GatherBytes(pointer, distance, touched, apart));
            return Ok(Value::Mask(found));
        }
        Ok(Value::Vector(Source::Var(self.block().push(Inst::Gather(pointer, distance, touched)))))
    }

    /// The step that names elements of a small table which is the same all along the line, and how many the table has.
    fn table(&self, dtype: DType, spot: &Spot, inside: bool) -> Option<(usize, u32)> {
        let [(step, 1, size)] = spot.named.as_slice() else { return None };
        let fits = (1..=TABLE).contains(size) && dtype != DType::Bool;
        let whole = inside && spot.address.step() == Some(0) && !self.few;
        (fits && whole).then_some((*step, *size as u32))
    }

    /// How far an element lies from the pointer, without what data adds.
    fn distance(&mut self, address: &Address) -> Source {
        match address.step() {
            _ if self.once => self.block().int(0),
            Some(0) => self.block().int(0),
            Some(step) => {
                let key = Index { terms: vec![(Atom::Loop(usize::MAX), step)], offset: 0 };
                if let Some(known) = self.places.get(&key) {
                    return *known;
                }
                let lane = self.lane();
                let distance = self.times(lane, step);
                self.places.insert(key, distance);
                distance
            }
            None => self.place(address),
        }
    }

    /// What data adds to the place, where it names one; elsewhere nothing is touched, and the caller is told.
    fn named(&mut self, spot: &Spot, touched: &mut Option<Var>) -> Result<Option<Source>, String> {
        let mut sum = None;
        for (step, stride, size) in &spot.named {
            let index = self.source(*step);
            let inside = self.within(index, 0, *size as i64);
            let all = match *touched {
                Some(touched) => touched,
                None => self.all(),
            };
            let outside = self.block().logic(Logic::AndNot, inside, all);
            self.block().push(Inst::Flag(outside));
            *touched = Some(self.block().logic(Logic::And, inside, all));
            let term = self.times(index, *stride as i64);
            sum = Some(match sum {
                Some(sum) => self.block().binary(Binary::AddInt, term, sum),
                None => term,
            });
        }
        Ok(sum)
    }

    fn store(&mut self, spot: &Spot, from: usize) -> Result<(), String> {
        if !self.is_inside(spot) {
            return Err("a place outside its value".to_string());
        }
        let value = self.value(from);
        let size = if matches!(value, Value::Mask(_)) { 1 } else { 4 };
        let regular = spot.address.step();
        let pointer = self.pointer(match regular {
            Some(_) => Pointer::Place(spot.value, Offset::new(&spot.address, size)),
            None => Pointer::Value(spot.value),
        });
        match value {
            Value::Mask(from) => self.block().push(Inst::StoreBytes(pointer, from)),
            Value::Vector(from)
                if self.is_alone() && regular == Some(0) || self.once || regular == Some(1) =>
            {
                self.block().push(Inst::Store(pointer, from))
            }
            Value::Vector(from) => {
                let distance = self.distance(&spot.address);
                self.block().push(Inst::Scatter(pointer, distance, from))
            }
        };
        Ok(())
    }
}
