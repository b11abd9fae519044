//! Running tile programs: rows on all cores, lines in order, tiles in registers.

use std::sync::Mutex;

use vspec_engine::rng::Stream;
use vspec_engine::{EngineError, RunKey};
use vspec_ir::DType;

use super::address::Address;
use super::fold::{Folded, lines_together};
use super::lanes::{Arg, Lanes, TILE};
use super::{Code, Pass, Program, Spot};
use crate::element::Element;
use crate::jit::Tables;
use crate::memory::Memory;
use crate::workers;

/// The first thing that went wrong on any core.
pub(crate) type Failure = Mutex<Option<EngineError>>;

/// A program on some memory.
pub(crate) struct Job<'a> {
    pub(crate) program: &'a Program,
    pub(crate) memory: &'a Memory,
    pub(crate) key: RunKey,
    pub(crate) failure: &'a Failure,
}

/// Elements times steps below which other cores are not worth waking.
pub(super) const SMALL: usize = 1 << 15;
/// Parts that a long row, or rows without folds, are cut into: always as many, so that results do not depend on the number of cores.
pub(super) const PARTS: usize = 16;

/// State of one core.
pub(crate) struct Core<'j, 'a, T: Element> {
    pub(crate) job: &'j Job<'a>,
    pub(crate) lanes: Lanes<T>,
    pub(crate) counters: Vec<usize>,
    /// Whether something is stored; otherwise steps are done to find out what went wrong.
    stores: bool,
    /// Places of the elements that are being loaded.
    places: Vec<Option<usize>>,
    /// For calls of machine code.
    pub(crate) tables: Tables,
}

impl Job<'_> {
    /// Runs the program.
    pub(crate) fn run<T: Element>(&self) {
        let program = self.program;
        if program.is_columns() {
            return self.run_columns::<T>();
        }
        match &program.nest {
            Some(nest) if program.outer > 0 => return self.run_rows::<T>(nest),
            Some(nest) => return self.run_short::<T>(nest),
            None => {}
        }
        let (rows, line) = program.extents.split_at(program.outer);
        let rows: usize = rows.iter().product();
        let points: usize = rows * line.iter().product::<usize>();
        let work = points * program.steps.len();
        let small = work < SMALL;
        if small || rows == 1 || workers::threads() == 1 {
            let mut core = Core::<T>::new(self);
            // One thread cuts a long row into the same parts as several do, which shows in sums.
            (0..rows).for_each(|row| core.row(row, rows == 1 && !small));
            return;
        }
        let chunk = rows.div_ceil(PARTS);
        workers::each_with(
            rows.div_ceil(chunk),
            || Core::<T>::new(self),
            |core, part| (part * chunk..rows.min((part + 1) * chunk)).for_each(|row| core.row(row, false)),
        );
    }

    fn fail(&self, error: EngineError) {
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(error);
        }
    }
}

impl<T: Element> Drop for Core<'_, '_, T> {
    fn drop(&mut self) {
        std::mem::take(&mut self.lanes).give();
    }
}

impl<'j, 'a, T: Element> Core<'j, 'a, T> {
    pub(super) fn new(job: &'j Job<'a>) -> Self {
        let program = job.program;
        let counters = vec![0; program.extents.len()];
        Core {
            job,
            lanes: Lanes::take(program.steps.len()),
            counters,
            stores: true,
            places: vec![],
            tables: Tables::default(),
        }
    }

    /// Goes through one row, as often as its folds ask for; `spread` cuts it into parts for several cores.
    pub(super) fn row(&mut self, row: usize, spread: bool) {
        let program = self.job.program;
        self.go_to_row(row);
        for pass in &program.passes {
            self.counters[program.outer..].fill(0);
            match &pass.native {
                Some(native) => self.native_row(native),
                None => self.once(&pass.row),
            }
            if pass.tile.is_empty() && pass.line.is_empty() && pass.folds.is_empty() {
                continue;
            }
            let inner = &program.extents[program.outer..];
            let lines: usize = inner[..inner.len() - 1].iter().product();
            let length = inner[inner.len() - 1];
            let tiles = length.div_ceil(TILE);
            let all = lines * tiles;
            let parts = if spread { PARTS.min(all).max(1) } else { 1 };
            let folded = match parts {
                1 => self.part(pass, 0..all, tiles),
                _ => self.in_parts(pass, all.div_ceil(parts), all, tiles),
            };
            for (fold, folded) in pass.folds.iter().zip(folded) {
                self.finish(*fold, folded);
            }
        }
    }

    /// Does something again as a tile program, but for stores, to find out which place was outside its axis.
    pub(crate) fn explain(&mut self, steps: impl FnOnce(&mut Self)) {
        self.stores = false;
        steps(self);
        self.stores = true;
    }

    pub(super) fn go_to_row(&mut self, row: usize) {
        let program = self.job.program;
        let mut rest = row;
        for axis in (0..program.outer).rev() {
            self.counters[axis] = rest % program.extents[axis];
            rest /= program.extents[axis];
        }
    }

    /// Parts of a row on several cores, their folds put together in order.
    fn in_parts(&mut self, pass: &Pass, chunk: usize, all: usize, tiles: usize) -> Vec<Folded<T>> {
        let this: &Self = self;
        let parts = workers::map(all.div_ceil(chunk), |part| {
            let mut core = this.again();
            core.part(pass, part * chunk..all.min((part + 1) * chunk), tiles)
        });
        let mut parts = parts.into_iter();
        let Some(mut sum) = parts.next() else { return vec![] };
        for part in parts {
            for ((sum, part), fold) in sum.iter_mut().zip(part).zip(&pass.folds) {
                *sum = self.joined(*fold, *sum, part);
            }
        }
        sum
    }

    /// Another core that knows what this one knows of the row.
    fn again(&self) -> Self {
        let mut core = Core::new(self.job);
        core.counters.clone_from(&self.counters);
        for (reg, _) in self.job.program.steps.iter().enumerate().filter(|(_, step)| step.uniform) {
            core.lanes.floats[reg * TILE] = self.lanes.floats[reg * TILE];
            core.lanes.ints[reg * TILE] = self.lanes.ints[reg * TILE];
            core.lanes.masks[reg * TILE] = self.lanes.masks[reg * TILE];
        }
        core
    }

    /// Some tiles of a row, counted over its lines.
    fn part(&mut self, pass: &Pass, part: std::ops::Range<usize>, tiles: usize) -> Vec<Folded<T>> {
        if let Some(native) = &pass.native {
            return self.native_part(pass, native, part, tiles);
        }
        let program = self.job.program;
        let mut folded: Vec<Folded<T>> = pass.folds.iter().map(|fold| self.nothing(*fold)).collect();
        let length = program.length();
        let mut known = None;
        for tile in part {
            let (line, tile) = (tile / tiles, tile % tiles);
            if known != Some(line) {
                self.go_to_line(line);
                self.once(&pass.line);
                known = Some(line);
            }
            let start = tile * TILE;
            let n = TILE.min(length - start);
            for step in &pass.tile {
                self.step(*step, start, n);
            }
            for (fold, folded) in pass.folds.iter().zip(&mut folded) {
                self.fold(*fold, n, line * length + start, folded);
            }
            self.end_tile(line, &mut folded);
        }
        folded.iter_mut().for_each(Folded::close);
        folded
    }

    /// Behind each tile, or short lines that are as much, sums are added to those of double precision.
    pub(crate) fn end_tile(&self, line: usize, folded: &mut [Folded<T>]) {
        if (line + 1).is_multiple_of(lines_together(self.job.program.length())) {
            folded.iter_mut().for_each(Folded::close);
        }
    }

    /// Goes to the beginning of a line of the row.
    pub(crate) fn go_to_line(&mut self, line: usize) {
        let program = self.job.program;
        let vector = program.vector;
        let mut rest = line;
        for axis in (program.outer..vector).rev() {
            self.counters[axis] = rest % program.extents[axis];
            rest /= program.extents[axis];
        }
        self.counters[vector] = 0;
    }

    /// Steps that are the same all along a line.
    fn once(&mut self, steps: &[usize]) {
        for step in steps {
            self.step(*step, 0, 1);
        }
    }

    pub(super) fn arg(&self, reg: usize) -> Arg {
        let step = &self.job.program.steps[reg];
        Arg { reg, dtype: step.dtype, uniform: step.uniform }
    }

    /// One step for `n` elements from a place of the line on.
    pub(crate) fn step(&mut self, reg: usize, start: usize, n: usize) {
        let step = &self.job.program.steps[reg];
        let n = if step.uniform { 1 } else { n };
        match &step.code {
            Code::Load(spot, guard) => self.load(reg, spot, *guard, start, n),
            Code::Number(value) => self.lanes.put(reg, step.dtype, 0, *value),
            Code::Index(address) => self.index(reg, address, start, n),
            Code::Inside(address, low, high) => self.inside(reg, address, *low..*high, start, n),
            Code::Random { normal, stream, at } => {
                let stream = Stream::new(stream, self.job.key.seed, self.job.key.step);
                let draw = if *normal { Stream::normal } else { Stream::uniform };
                self.each(reg, start, n, |counters| draw(&stream, at.at(counters) as u64));
            }
            Code::Apply(op, args) => {
                let mut own = [Arg { reg: 0, dtype: DType::F32, uniform: true }; 3];
                let count = args.len().min(3);
                args.iter().zip(&mut own).for_each(|(arg, own)| *own = self.arg(*arg));
                self.lanes.apply(reg, op, &own[..count], n);
            }
            Code::Same(arg) => self.lanes.copy(reg, self.arg(*arg), n),
            Code::Store(spot, from) => self.store(spot, *from, start, n),
            Code::Fold(..) => {}
        }
    }

    fn index(&mut self, reg: usize, address: &Address, start: usize, n: usize) {
        let step = address.step().filter(|_| self.job.program.steps[reg].dtype == DType::I32);
        let Some(step) = step else {
            return self.each(reg, start, n, |counters| address.at(counters) as f64);
        };
        let first = address.start(&self.counters) + step * start as i64;
        let into = &mut self.lanes.ints[reg * TILE..reg * TILE + n];
        into.iter_mut().enumerate().for_each(|(lane, to)| *to = (first + step * lane as i64) as i32);
    }

    fn inside(&mut self, reg: usize, address: &Address, range: std::ops::Range<i64>, start: usize, n: usize) {
        let Some(step) = address.step() else {
            let inside = |counters: &[usize]| f64::from(u8::from(range.contains(&address.at(counters))));
            return self.each(reg, start, n, inside);
        };
        let first = address.start(&self.counters) + step * start as i64;
        let into = &mut self.lanes.masks[reg * TILE..reg * TILE + n];
        let lanes = into.iter_mut().enumerate();
        lanes.for_each(|(lane, to)| *to = range.contains(&(first + step * lane as i64)));
    }

    /// A number for each element, from the counters of its place.
    fn each(&mut self, reg: usize, start: usize, n: usize, f: impl Fn(&[usize]) -> f64) {
        let dtype = self.job.program.steps[reg].dtype;
        let vector = self.job.program.vector;
        for lane in 0..n {
            self.counters[vector] = start + lane;
            let value = f(&self.counters);
            self.lanes.put(reg, dtype, lane, value);
        }
        self.counters[vector] = 0;
    }

    fn load(&mut self, reg: usize, spot: &Spot, guard: Option<usize>, start: usize, n: usize) {
        let (memory, range) = (self.job.memory, reg * TILE..reg * TILE + n);
        // What is the same all along a line is loaded and stored before it is seen that the line has no points. What data names has to
        // be there all the same.
        if memory.is_empty(spot.value) {
            if !spot.named.is_empty() {
                self.find(spot, guard, start, n);
            }
            let dtype = self.job.program.steps[reg].dtype;
            range.for_each(|lane| self.lanes.put(reg, dtype, lane - reg * TILE, 0.0));
            return;
        }
        let regular = spot.address.step().filter(|_| guard.is_none() && spot.named.is_empty());
        let dtype = self.job.program.steps[reg].dtype;
        if let Some(step) = regular {
            let first = spot.address.start(&self.counters) + step * start as i64;
            match dtype {
                DType::F32 => read_steps(memory, spot, first, step, &mut self.lanes.floats[range]),
                DType::I32 => read_steps(memory, spot, first, step, &mut self.lanes.ints[range]),
                DType::Bool => read_steps(memory, spot, first, step, &mut self.lanes.masks[range]),
            }
            return;
        }
        self.find(spot, guard, start, n);
        match dtype {
            DType::F32 => read_places(memory, spot, &self.places, &mut self.lanes.floats[range]),
            DType::I32 => read_places(memory, spot, &self.places, &mut self.lanes.ints[range]),
            DType::Bool => read_places(memory, spot, &self.places, &mut self.lanes.masks[range]),
        }
    }

    /// Works out the place of each element, none where the guard is not true.
    fn find(&mut self, spot: &Spot, guard: Option<usize>, start: usize, n: usize) {
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        let vector = self.job.program.vector;
        let regular = spot.address.step();
        let first = regular.map_or(0, |step| spot.address.start(&self.counters) + step * start as i64);
        let guard = guard.map(|guard| self.arg(guard));
        let count = self.job.memory.count(spot.value);
        for lane in 0..n {
            let open = guard.is_none_or(|guard| {
                self.lanes.masks[guard.reg * TILE + if guard.uniform { 0 } else { lane }]
            });
            if !open {
                places.push(None);
                continue;
            }
            let plain = match regular {
                Some(step) => first + step * lane as i64,
                None => {
                    self.counters[vector] = start + lane;
                    spot.address.at(&self.counters)
                }
            };
            places.push(match self.named_place(spot, lane, plain) {
                // A guard may be open where there is nothing: that nobody has compared with the value. Machine code does the same.
                Ok(place) => (guard.is_none() || place < count).then_some(place),
                Err(error) => {
                    self.job.fail(error);
                    None
                }
            });
        }
        self.counters[vector] = 0;
        self.places = places;
    }

    /// Where an element lies whose place data names, from the place that the loops give.
    fn named_place(&self, spot: &Spot, lane: usize, plain: i64) -> Result<usize, EngineError> {
        let mut place = plain;
        for (reg, stride, size) in &spot.named {
            let arg = self.arg(*reg);
            let index = i64::from(self.lanes.ints[reg * TILE + if arg.uniform { 0 } else { lane }]);
            if !(0..*size as i64).contains(&index) {
                return Err(EngineError::Unsupported(format!("index {index} is outside an axis of {size}")));
            }
            place += index * *stride as i64;
        }
        Ok(place as usize)
    }

    fn store(&mut self, spot: &Spot, from: usize, start: usize, n: usize) {
        if !self.stores || self.job.memory.is_empty(spot.value) {
            return;
        }
        let arg = self.arg(from);
        let at = from * TILE;
        match arg.dtype {
            DType::F32 => self.scatter(&self.lanes.floats[at..at + n], arg.uniform, spot, start),
            DType::I32 => self.scatter(&self.lanes.ints[at..at + n], arg.uniform, spot, start),
            DType::Bool => self.scatter(&self.lanes.masks[at..at + n], arg.uniform, spot, start),
        }
    }

    fn scatter<E: Copy>(&self, from: &[E], uniform: bool, spot: &Spot, start: usize) {
        let memory = self.job.memory;
        let own = |lane: usize| from[if uniform { 0 } else { lane }];
        let step = spot.address.step();
        let first = step.map_or(0, |step| spot.address.start(&self.counters) + step * start as i64);
        match step {
            Some(1) if !uniform => memory.write_run(spot.value, first as usize, from),
            Some(step) => {
                for lane in 0..from.len() {
                    memory.write(spot.value, (first + step * lane as i64) as usize, own(lane));
                }
            }
            None => {
                let mut counters = self.counters.clone();
                let vector = self.job.program.vector;
                for lane in 0..from.len() {
                    counters[vector] = start + lane;
                    memory.write(spot.value, spot.address.at(&counters) as usize, own(lane));
                }
            }
        }
    }
}

/// Elements that are always as far apart.
fn read_steps<E: Copy>(memory: &Memory, spot: &Spot, first: i64, step: i64, into: &mut [E]) {
    if step == 1 {
        return memory.read_run(spot.value, first as usize, into);
    }
    for (lane, to) in into.iter_mut().enumerate() {
        *to = memory.read(spot.value, (first + step * lane as i64) as usize);
    }
}

/// Elements here and there.
fn read_places<E: Copy + Default>(memory: &Memory, spot: &Spot, places: &[Option<usize>], into: &mut [E]) {
    for (to, place) in into.iter_mut().zip(places) {
        *to = place.map_or(E::default(), |place| memory.read(spot.value, place));
    }
}
