//! One kernel: its anchor as a whole, then its region tile by tile.

use vspec_ir::plan::{Anchor, Coordinate, Fold, Index, Instr, Kernel, Reg, Region, Step};
use vspec_ir::{DType, Node, Op, Origin, Type};

use super::memory::Memory;
use crate::interp::array::{Array, unravel};
use crate::interp::reduce;
use crate::interp::value::{Real, Value};
use crate::interp::{Context, compute};
use crate::rng::Stream;
use crate::{EngineError, RunKey, Sizes};

/// Points that are computed together.
const TILE: usize = 64;

/// Runs a kernel.
pub(super) fn run<T: Real>(memory: &mut Memory<'_>, kernel: &Kernel, key: RunKey) -> Result<(), EngineError> {
    let result = kernel.anchor.as_ref().map(|anchor| whole::<T>(memory, anchor, key)).transpose()?;
    let region = &kernel.region;
    let mut tiles = Tiles { memory, region, result, key, known: vec![None; region.steps.len()] };
    match region.outer == region.extents.len() {
        true => tiles.points(),
        false => tiles.rows(),
    }
}

/// The result of an anchor.
fn whole<T: Real>(memory: &Memory<'_>, anchor: &Anchor, key: RunKey) -> Result<Value<T>, EngineError> {
    let mut operands = vec![];
    for operand in &anchor.operands {
        let seen = memory.whole::<T>(operand.value);
        let wide = seen.wide();
        let strides = crate::interp::array::strides(&wide.shape);
        let mut at = vec![0; operand.shape.len()];
        let array = Array::from_fn(operand.shape.clone(), |flat| {
            unravel(flat, &operand.shape, &mut at);
            let places = operand.at.iter().map(|index| index.at(&at) as usize);
            wide.data[places.zip(&strides).map(|(place, stride)| place * stride).sum::<usize>()]
        });
        operands.push(Value::from_wide(seen.dtype(), &array));
    }
    let node = bare(anchor.op.clone(), anchor.dtype, &anchor.shape);
    let cx = Context { sizes: &Sizes::default(), key, shape: &anchor.shape };
    compute(&node, &operands.iter().collect::<Vec<_>>(), &cx)
}

/// A node with no place in a graph.
fn bare(op: Op, dtype: DType, shape: &[usize]) -> Node {
    let ty = Type::new(dtype, shape.iter().map(|size| vspec_ir::Dim::from(*size)).collect());
    Node { op, inputs: vec![], ty, origin: Origin::default() }
}

/// Places of the points of a tile: the counter of each loop at each of them.
type Counters = Vec<Vec<usize>>;

struct Tiles<'m, 'p, T> {
    memory: &'m mut Memory<'p>,
    region: &'m Region,
    result: Option<Value<T>>,
    key: RunKey,
    /// What steps have computed: for each point of the tile, or one value for all.
    known: Vec<Option<Value<T>>>,
}

impl<T: Real> Tiles<'_, '_, T> {
    /// Without inner loops a row is a point, and a tile holds many.
    fn points(&mut self) -> Result<(), EngineError> {
        let region = self.region;
        for start in (0..region.points()).step_by(TILE) {
            let counters = counters(&region.extents, start..region.points().min(start + TILE));
            for (i, step) in region.steps.iter().enumerate() {
                match &step.instr {
                    Instr::Fold(fold, arg) => {
                        let value = self.get(*arg)?.clone();
                        self.known[i] = Some(if *fold == Fold::Argmax { zeros(&value) } else { value });
                    }
                    _ => self.step(i, step, &counters)?,
                }
            }
        }
        Ok(())
    }

    /// Row by row: what is known of the row first, then all points of it, as often as folds ask for it.
    fn rows(&mut self) -> Result<(), EngineError> {
        let region = self.region;
        let (outer, inner) = region.extents.split_at(region.outer);
        let points = inner.iter().product::<usize>();
        let mut at = vec![0; outer.len()];
        for row in 0..region.rows() {
            unravel(row, outer, &mut at);
            for pass in 0..region.passes() {
                let start: Counters = vec![[at.as_slice(), &vec![0; inner.len()]].concat()];
                for i in region.row_steps(pass) {
                    self.step(i, &region.steps[i], &start)?;
                }
                let (steps, folds) = (region.point_steps(pass), region.folds(pass));
                let mut folded: Vec<Vec<f64>> = vec![vec![]; folds.len()];
                for start in (0..points).step_by(TILE) {
                    let tile = start..points.min(start + TILE);
                    let own = counters(inner, tile.clone());
                    let all: Counters = own.into_iter().map(|own| [at.as_slice(), &own].concat()).collect();
                    for i in &steps {
                        self.step(*i, &region.steps[*i], &all)?;
                    }
                    for (values, fold) in folded.iter_mut().zip(&folds) {
                        self.collect(*fold, tile.len(), values)?;
                    }
                }
                for (values, fold) in folded.iter().zip(&folds) {
                    self.fold(*fold, values);
                }
            }
        }
        Ok(())
    }

    fn get(&self, reg: Reg) -> Result<&Value<T>, EngineError> {
        let known = self.known.get(reg.index()).and_then(Option::as_ref);
        known.ok_or_else(|| EngineError::Unsupported(format!("step {} was not done", reg.0)))
    }

    fn collect(&self, fold: usize, count: usize, values: &mut Vec<f64>) -> Result<(), EngineError> {
        if let Instr::Fold(_, arg) = &self.region.steps[fold].instr {
            let value = self.get(*arg)?.wide().data;
            match value.as_slice() {
                [one] => values.extend(std::iter::repeat_n(*one, count)),
                several => values.extend(several),
            }
        }
        Ok(())
    }

    /// What the values of a row become: as the reference folds them, in the order of the loops.
    fn fold(&mut self, at: usize, values: &[f64]) {
        let step = &self.region.steps[at];
        let Instr::Fold(fold, _) = &step.instr else { return };
        let ints = || values.iter().map(|v| *v as i32).collect::<Vec<i32>>();
        let value = match (fold, step.dtype) {
            (Fold::Argmax, _) => f64::from(largest(values)),
            (Fold::Sum, DType::F32) => reduce::sum(values),
            (Fold::Mean, _) => reduce::sum(values) / values.len().max(1) as f64,
            (Fold::Max, DType::F32) => reduce::max(values),
            (Fold::Min, DType::F32) => reduce::min(values),
            (Fold::Sum, _) => f64::from(reduce::sum_i32(&ints())),
            (Fold::Max, _) => f64::from(reduce::max_i32(&ints())),
            (Fold::Min, _) => f64::from(reduce::min_i32(&ints())),
        };
        self.known[at] = Some(Value::from_wide(step.dtype, &Array { shape: vec![1], data: vec![value] }));
    }

    fn step(&mut self, at: usize, step: &Step, counters: &Counters) -> Result<(), EngineError> {
        let value = match &step.instr {
            // Rows are looked at before it is seen that they have no points.
            Instr::Store { value, .. } if self.memory.shape(*value).contains(&0) => return Ok(()),
            Instr::Load { value, at, guard } => {
                let shape = &self.memory.shape(*value).to_vec();
                let guard = guard.map(|guard| self.mask(guard)).transpose()?;
                let open = |point: usize| guard.as_ref().is_none_or(|mask| mask[point.min(mask.len() - 1)]);
                let mut data = vec![0.0; counters.len()];
                for (point, counters) in counters.iter().enumerate().filter(|(point, _)| open(*point)) {
                    let place = self.places(at, shape, point, counters)?;
                    if !shape.contains(&0) {
                        data[point] = self.memory.read::<T>(*value, &place);
                    }
                }
                Value::from_wide(step.dtype, &Array { shape: vec![data.len()], data })
            }
            Instr::Anchor => self.anchored(step.dtype, counters)?,
            Instr::Number(number) => lanes(step.dtype, 1, |_| *number),
            Instr::Index(index) => {
                lanes(step.dtype, counters.len(), |point| index.at(&counters[point]) as f64)
            }
            Instr::Inside { index, low, high } => {
                let inside = |point: usize| (*low..*high).contains(&index.at(&counters[point]));
                lanes(step.dtype, counters.len(), |point| f64::from(u8::from(inside(point))))
            }
            Instr::Random { normal, stream, at } => {
                let stream = Stream::new(stream, self.key.seed, self.key.step);
                let draw = if *normal { Stream::normal } else { Stream::uniform };
                lanes(step.dtype, counters.len(), |point| draw(&stream, at.at(&counters[point]) as u64))
            }
            Instr::Apply(op, args) => {
                let args: Result<Vec<&Value<T>>, EngineError> =
                    args.iter().map(|arg| self.get(*arg)).collect();
                let cx = Context { sizes: &Sizes::default(), key: self.key, shape: &[counters.len()] };
                compute(&bare(op.clone(), step.dtype, &[counters.len()]), &args?, &cx)?
            }
            Instr::Store { value, at, from } => return self.store(*value, at, *from, counters),
            Instr::Fold(..) => return Ok(()),
        };
        self.known[at] = Some(value);
        Ok(())
    }

    fn mask(&self, reg: Reg) -> Result<Vec<bool>, EngineError> {
        Ok(self.get(reg)?.wide().data.iter().map(|v| *v != 0.0).collect())
    }

    /// The place of an element; what data names must lie within its axis. What loops name does so unless the value is empty.
    fn places(
        &self,
        at: &[Coordinate],
        shape: &[usize],
        point: usize,
        counters: &[usize],
    ) -> Result<Vec<usize>, EngineError> {
        let one = |(coordinate, size): (&Coordinate, &usize)| {
            let place = match coordinate {
                Coordinate::At(_) if shape.contains(&0) => return Ok(0),
                Coordinate::At(index) => index.at(counters),
                Coordinate::From(reg) => {
                    let named = self.get(*reg)?.wide().data;
                    named[point.min(named.len() - 1)] as i64
                }
            };
            let within = usize::try_from(place).ok().filter(|place| place < size);
            within.ok_or_else(|| {
                EngineError::Unsupported(format!("index {place} is outside an axis of {size}"))
            })
        };
        at.iter().zip(shape).map(one).collect()
    }

    fn anchored(&self, dtype: DType, counters: &Counters) -> Result<Value<T>, EngineError> {
        let result =
            self.result.as_ref().ok_or_else(|| EngineError::Unsupported("there is no anchor".to_string()))?;
        let wide = result.wide();
        let strides = crate::interp::array::strides(&wide.shape);
        Ok(lanes(dtype, counters.len(), |point| {
            wide.data[crate::interp::array::ravel(&counters[point], &strides)]
        }))
    }

    fn store(
        &mut self,
        value: vspec_ir::plan::ValueId,
        at: &[Index],
        from: Reg,
        counters: &Counters,
    ) -> Result<(), EngineError> {
        let stored = self.get(from)?.clone();
        let count = stored.len();
        for (point, counters) in counters.iter().enumerate() {
            let place: Vec<usize> = at.iter().map(|index| index.at(counters) as usize).collect();
            self.memory.write(value, &place, &stored, point.min(count - 1));
        }
        Ok(())
    }
}

fn counters(extents: &[usize], points: std::ops::Range<usize>) -> Counters {
    let place = |flat: usize| {
        let mut at = vec![0; extents.len()];
        unravel(flat, extents, &mut at);
        at
    };
    points.map(place).collect()
}

fn lanes<T: Real>(dtype: DType, count: usize, f: impl FnMut(usize) -> f64) -> Value<T> {
    Value::from_wide(dtype, &Array::from_fn(vec![count], f))
}

fn zeros<T: Real>(like: &Value<T>) -> Value<T> {
    lanes(DType::I32, like.len(), |_| 0.0)
}

/// Place of the first largest value, where NaN is the largest.
fn largest(values: &[f64]) -> i32 {
    let above = |a: f64, b: f64| a > b || a.is_nan() && !b.is_nan();
    (1..values.len()).fold(0, |best, k| if above(values[k], values[best]) { k } else { best }) as i32
}
