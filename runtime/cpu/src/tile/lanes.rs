//! Registers of a tile, and elementwise ops on them.

use vspec_ir::{DType, Op};

use crate::element::{self, Element};

/// Elements of a tile. One register of them is a few cache lines, and a program's registers stay in the first cache.
pub(crate) const TILE: usize = 512;

/// One register for each step of a program. A uniform step uses the first element only.
pub(crate) struct Lanes<T> {
    pub(crate) floats: Vec<T>,
    pub(crate) ints: Vec<i32>,
    pub(crate) masks: Vec<bool>,
}

/// A register as an operand.
#[derive(Clone, Copy)]
pub(crate) struct Arg {
    /// Number of the step.
    pub(crate) reg: usize,
    pub(crate) dtype: DType,
    pub(crate) uniform: bool,
}

impl<T: Element> Lanes<T> {
    pub(crate) fn new(registers: usize) -> Self {
        let n = registers * TILE;
        Lanes { floats: vec![T::default(); n], ints: vec![0; n], masks: vec![false; n] }
    }

    /// An element as a number.
    pub(crate) fn number(&self, arg: Arg, lane: usize) -> f64 {
        let at = arg.reg * TILE + if arg.uniform { 0 } else { lane };
        match arg.dtype {
            DType::F32 => self.floats[at].wide(),
            DType::I32 => f64::from(self.ints[at]),
            DType::Bool => f64::from(u8::from(self.masks[at])),
        }
    }

    /// Puts a number into an element.
    pub(crate) fn put(&mut self, reg: usize, dtype: DType, lane: usize, value: f64) {
        let at = reg * TILE + lane;
        match dtype {
            DType::F32 => self.floats[at] = T::of(value),
            DType::I32 => self.ints[at] = value as i32,
            DType::Bool => self.masks[at] = value != 0.0,
        }
    }

    /// Copies a register.
    pub(crate) fn copy(&mut self, reg: usize, arg: Arg, n: usize) {
        let (from, to) = (arg.reg * TILE, reg * TILE);
        match arg.dtype {
            DType::F32 => self.floats.copy_within(from..from + n, to),
            DType::I32 => self.ints.copy_within(from..from + n, to),
            DType::Bool => self.masks.copy_within(from..from + n, to),
        }
    }

    /// An elementwise op on the first `n` elements of registers.
    pub(crate) fn apply(&mut self, reg: usize, op: &Op, args: &[Arg], n: usize) {
        match (op, args) {
            (Op::Where {}, [mask, a, b]) => self.select(reg, [*mask, *a, *b], n),
            (Op::Cast { dtype }, [x]) => self.cast(reg, *dtype, *x, n),
            (op, [x]) => match x.dtype {
                DType::F32 => unary(&mut self.floats, reg, *x, n, float_function(op)),
                DType::I32 => unary(&mut self.ints, reg, *x, n, int_function(op)),
                DType::Bool => unary(&mut self.masks, reg, *x, n, |x| !x),
            },
            (op, [a, b]) => self.pair(reg, op, *a, *b, n),
            _ => {}
        }
    }

    fn pair(&mut self, reg: usize, op: &Op, a: Arg, b: Arg, n: usize) {
        let compares = matches!(op, Op::Eq {} | Op::Lt {} | Op::Le {});
        match (compares, a.dtype) {
            (true, DType::F32) => compare(&self.floats, &mut self.masks, reg, [a, b], n, op),
            (true, DType::I32) => compare(&self.ints, &mut self.masks, reg, [a, b], n, op),
            (true, DType::Bool) => binary(&mut self.masks, reg, a, b, n, bool_comparison(op)),
            (false, DType::F32) => float_pair(&mut self.floats, reg, op, a, b, n),
            (false, DType::I32) => binary(&mut self.ints, reg, a, b, n, int_pair(op)),
            (false, DType::Bool) => {
                let or = matches!(op, Op::Or {});
                binary(&mut self.masks, reg, a, b, n, move |a, b| if or { a | b } else { a & b });
            }
        }
    }

    fn select(&mut self, reg: usize, [mask, a, b]: [Arg; 3], n: usize) {
        let masks = mask.reg * TILE;
        match a.dtype {
            DType::F32 => choose(&mut self.floats, &self.masks[masks..masks + TILE], reg, [mask, a, b], n),
            DType::I32 => choose(&mut self.ints, &self.masks[masks..masks + TILE], reg, [mask, a, b], n),
            DType::Bool => {
                let own = self.masks[masks..masks + TILE].to_vec();
                choose(&mut self.masks, &own, reg, [mask, a, b], n);
            }
        }
    }

    fn cast(&mut self, reg: usize, to: DType, x: Arg, n: usize) {
        let count = if x.uniform { 1 } else { n };
        match (x.dtype, to) {
            (from, to) if from == to => self.copy(reg, x, count),
            (DType::Bool, DType::F32) => {
                let from = &self.masks[x.reg * TILE..][..count];
                let into = &mut self.floats[reg * TILE..][..count];
                into.iter_mut().zip(from).for_each(|(to, from)| *to = T::of(f64::from(u8::from(*from))));
            }
            _ => {
                for lane in 0..count {
                    let value = self.number(x, lane);
                    self.put(reg, to, lane, value);
                }
            }
        }
    }
}

/// The registers before one, and its own first `n` elements.
fn split<E>(all: &mut [E], reg: usize, n: usize) -> (&[E], &mut [E]) {
    let (before, after) = all.split_at_mut(reg * TILE);
    (before, &mut after[..n])
}

fn unary<E: Copy>(all: &mut [E], reg: usize, x: Arg, n: usize, f: impl Fn(E) -> E) {
    let n = if x.uniform { 1 } else { n };
    let (before, into) = split(all, reg, n);
    let x = &before[x.reg * TILE..][..n];
    into.iter_mut().zip(x).for_each(|(to, x)| *to = f(*x));
}

fn binary<E: Copy>(all: &mut [E], reg: usize, a: Arg, b: Arg, n: usize, f: impl Fn(E, E) -> E) {
    let n = if a.uniform && b.uniform { 1 } else { n };
    let (before, into) = split(all, reg, n);
    let (x, y) = (&before[a.reg * TILE..], &before[b.reg * TILE..]);
    match (a.uniform, b.uniform) {
        (true, false) => {
            let x = x[0];
            into.iter_mut().zip(&y[..n]).for_each(|(to, y)| *to = f(x, *y));
        }
        (false, true) => {
            let y = y[0];
            into.iter_mut().zip(&x[..n]).for_each(|(to, x)| *to = f(*x, y));
        }
        _ => into.iter_mut().zip(x[..n].iter().zip(&y[..n])).for_each(|(to, (x, y))| *to = f(*x, *y)),
    }
}

fn compare<E: Copy + PartialOrd>(
    all: &[E],
    masks: &mut [bool],
    reg: usize,
    [a, b]: [Arg; 2],
    n: usize,
    op: &Op,
) {
    let n = if a.uniform && b.uniform { 1 } else { n };
    let into = &mut masks[reg * TILE..][..n];
    let (x, y) = (&all[a.reg * TILE..], &all[b.reg * TILE..]);
    let at = |uniform: bool, lane: usize| if uniform { 0 } else { lane };
    let pair = |lane: usize| (x[at(a.uniform, lane)], y[at(b.uniform, lane)]);
    let lanes = into.iter_mut().enumerate();
    match op {
        Op::Lt {} => lanes.for_each(|(lane, to)| *to = pair(lane).0 < pair(lane).1),
        Op::Le {} => lanes.for_each(|(lane, to)| *to = pair(lane).0 <= pair(lane).1),
        _ => lanes.for_each(|(lane, to)| *to = pair(lane).0 == pair(lane).1),
    }
}

fn choose<E: Copy>(all: &mut [E], masks: &[bool], reg: usize, [mask, a, b]: [Arg; 3], n: usize) {
    let n = if mask.uniform && a.uniform && b.uniform { 1 } else { n };
    let (before, into) = split(all, reg, n);
    let (x, y) = (&before[a.reg * TILE..], &before[b.reg * TILE..]);
    let at = |uniform: bool, lane: usize| if uniform { 0 } else { lane };
    for (lane, to) in into.iter_mut().enumerate() {
        let (x, y) = (x[at(a.uniform, lane)], y[at(b.uniform, lane)]);
        *to = if masks[at(mask.uniform, lane)] { x } else { y };
    }
}

fn float_function<T: Element>(op: &Op) -> fn(T) -> T {
    match op {
        Op::Neg {} => T::neg,
        Op::Abs {} => T::abs,
        Op::Sign {} => element::sign,
        Op::Exp {} => T::exp,
        Op::Log {} => T::log,
        Op::Log1p {} => |x| x.through(libm::log1p),
        Op::Sqrt {} => T::sqrt,
        Op::Sin {} => |x| x.through(libm::sin),
        Op::Cos {} => |x| x.through(libm::cos),
        Op::Atan {} => |x| x.through(libm::atan),
        Op::Tanh {} => T::tanh,
        Op::Sigmoid {} => element::sigmoid,
        Op::Erf {} => |x| x.through(libm::erf),
        Op::Relu {} => |x| element::max(x, T::default()),
        Op::Floor {} => T::floor,
        _ => |x| x,
    }
}

fn int_function(op: &Op) -> fn(i32) -> i32 {
    match op {
        Op::Neg {} => i32::wrapping_neg,
        Op::Abs {} => i32::wrapping_abs,
        Op::Sign {} => i32::signum,
        _ => |x| x,
    }
}

fn int_pair(op: &Op) -> fn(i32, i32) -> i32 {
    match op {
        Op::Add {} => i32::wrapping_add,
        Op::Sub {} => i32::wrapping_sub,
        Op::Mul {} => i32::wrapping_mul,
        Op::Div {} => element::floor_div,
        Op::Rem {} => element::floor_rem,
        Op::Max {} => i32::max,
        Op::Min {} => i32::min,
        _ => |x, _| x,
    }
}

fn bool_comparison(op: &Op) -> fn(bool, bool) -> bool {
    match op {
        Op::Lt {} => |a, b| !a & b,
        Op::Le {} => |a, b| !a | b,
        _ => |a, b| a == b,
    }
}

/// The common ones are loops of their own, which the compiler makes vector instructions of.
fn float_pair<T: Element>(all: &mut [T], reg: usize, op: &Op, a: Arg, b: Arg, n: usize) {
    match op {
        Op::Add {} => binary(all, reg, a, b, n, T::add),
        Op::Sub {} => binary(all, reg, a, b, n, T::sub),
        Op::Mul {} => binary(all, reg, a, b, n, T::mul),
        Op::Div {} => binary(all, reg, a, b, n, T::div),
        Op::Max {} => binary(all, reg, a, b, n, element::max),
        Op::Min {} => binary(all, reg, a, b, n, element::min),
        Op::Pow {} => binary(all, reg, a, b, n, T::pow),
        Op::Rem {} => binary(all, reg, a, b, n, element::rem),
        Op::Atan2 {} => binary(all, reg, a, b, n, |y, x| T::of(libm::atan2(y.wide(), x.wide()))),
        _ => binary(all, reg, a, b, n, |x, _| x),
    }
}
