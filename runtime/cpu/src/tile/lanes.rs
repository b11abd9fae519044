//! Registers of a tile, and elementwise ops on them.

use std::any::Any;
use std::cell::RefCell;

use vspec_ir::{DType, Op};

use crate::element::{self, Element};
use crate::kernels::vector::widest;

/// Elements of a tile. One register of them is a few cache lines, and a program's registers stay in the first cache.
pub(crate) const TILE: usize = 512;

/// One register for each step of a program. A uniform step uses the first element only.
#[derive(Default)]
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

thread_local! {
    /// Registers of programs that have run on this thread, for the next ones.
    static SPARE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(vec![]) };
}

/// Most sets of registers that a thread keeps.
const KEPT: usize = 4;

impl<T: Element> Lanes<T> {
    /// At least so many registers, with anything in them.
    pub(crate) fn take(registers: usize) -> Self {
        let spare = SPARE.with_borrow_mut(|spare| {
            let own = spare.iter().rposition(|lanes| lanes.is::<Lanes<T>>())?;
            spare.swap_remove(own).downcast::<Lanes<T>>().ok()
        });
        let mut lanes = spare.map(|spare| *spare).unwrap_or_default();
        let n = registers * TILE;
        if lanes.floats.len() < n {
            lanes.floats.resize(n, T::default());
            lanes.ints.resize(n, 0);
            lanes.masks.resize(n, false);
        }
        lanes
    }

    /// Keeps them for another program.
    pub(crate) fn give(self) {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < KEPT {
                spare.push(Box::new(self));
            }
        });
    }

    /// The address of a register.
    pub(crate) fn start(&mut self, reg: usize, dtype: DType) -> u64 {
        let start = match dtype {
            DType::F32 => self.floats[reg * TILE..].as_mut_ptr().expose_provenance(),
            DType::I32 => self.ints[reg * TILE..].as_mut_ptr().expose_provenance(),
            DType::Bool => self.masks[reg * TILE..].as_mut_ptr().expose_provenance(),
        };
        start as u64
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
                DType::F32 => float_unary(&mut self.floats, reg, op, *x, n),
                DType::I32 => int_unary(&mut self.ints, reg, op, *x, n),
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
            (false, DType::F32) => float_pair(&mut self.floats, reg, op, a, b, n),
            (false, DType::I32) => int_pair(&mut self.ints, reg, op, a, b, n),
            (_, DType::Bool) => bool_pair(&mut self.masks, reg, op, a, b, n),
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

/// The first elements of a register.
fn lanes<E>(all: &[E], reg: usize, n: usize) -> &[E] {
    &all[reg * TILE..reg * TILE + n]
}

fn unary<E: Copy>(all: &mut [E], reg: usize, x: Arg, n: usize, f: impl Fn(E) -> E) {
    let n = if x.uniform { 1 } else { n };
    let (before, into) = split(all, reg, n);
    let x = lanes(before, x.reg, n);
    widest(
        #[inline(always)]
        || into.iter_mut().zip(x).for_each(|(to, x)| *to = f(*x)),
    );
}

fn binary<E: Copy>(all: &mut [E], reg: usize, a: Arg, b: Arg, n: usize, f: impl Fn(E, E) -> E) {
    let n = if a.uniform && b.uniform { 1 } else { n };
    let (before, into) = split(all, reg, n);
    pairs(before, into, a, b, f);
}

/// A function of two registers into another one, with what is the same in all lanes read once.
fn pairs<E: Copy, F>(all: &[E], into: &mut [F], a: Arg, b: Arg, f: impl Fn(E, E) -> F) {
    let n = into.len();
    let (x, y) = (lanes(all, a.reg, n), lanes(all, b.reg, n));
    widest(
        #[inline(always)]
        || match (a.uniform, b.uniform) {
            (true, false) => {
                let x = x[0];
                into.iter_mut().zip(y).for_each(|(to, y)| *to = f(x, *y));
            }
            (false, true) => {
                let y = y[0];
                into.iter_mut().zip(x).for_each(|(to, x)| *to = f(*x, y));
            }
            _ => into.iter_mut().zip(x.iter().zip(y)).for_each(|(to, (x, y))| *to = f(*x, *y)),
        },
    );
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
    match op {
        Op::Lt {} => pairs(all, into, a, b, |x, y| x < y),
        Op::Le {} => pairs(all, into, a, b, |x, y| x <= y),
        _ => pairs(all, into, a, b, |x, y| x == y),
    }
}

fn choose<E: Copy>(all: &mut [E], masks: &[bool], reg: usize, [mask, a, b]: [Arg; 3], n: usize) {
    let n = if mask.uniform && a.uniform && b.uniform { 1 } else { n };
    if mask.uniform {
        // One of the two, whichever it is.
        let from = if masks[0] { a } else { b };
        let (before, into) = split(all, reg, n);
        return match from.uniform {
            true => into.fill(before[from.reg * TILE]),
            false => into.copy_from_slice(lanes(before, from.reg, n)),
        };
    }
    let (before, into) = split(all, reg, n);
    let (x, y, masks) = (lanes(before, a.reg, n), lanes(before, b.reg, n), &masks[..n]);
    let lanes = into.iter_mut().zip(masks);
    widest(
        #[inline(always)]
        || match (a.uniform, b.uniform) {
            (true, true) => {
                let (x, y) = (x[0], y[0]);
                lanes.for_each(|(to, mask)| *to = if *mask { x } else { y });
            }
            (true, false) => {
                let x = x[0];
                lanes.zip(y).for_each(|((to, mask), y)| *to = if *mask { x } else { *y });
            }
            (false, true) => {
                let y = y[0];
                lanes.zip(x).for_each(|((to, mask), x)| *to = if *mask { *x } else { y });
            }
            (false, false) => {
                let pairs = x.iter().zip(y);
                lanes.zip(pairs).for_each(|((to, mask), (x, y))| *to = if *mask { *x } else { *y });
            }
        },
    );
}

/// Each function is a loop of its own; the common ones become vector instructions.
fn float_unary<T: Element>(all: &mut [T], reg: usize, op: &Op, x: Arg, n: usize) {
    match op {
        Op::Neg {} => unary(all, reg, x, n, T::neg),
        Op::Abs {} => unary(all, reg, x, n, T::abs),
        Op::Sign {} => unary(all, reg, x, n, element::sign),
        Op::Exp {} => unary(all, reg, x, n, T::exp),
        Op::Log {} => unary(all, reg, x, n, T::log),
        Op::Log1p {} => unary(all, reg, x, n, T::log1p),
        Op::Sqrt {} => unary(all, reg, x, n, T::sqrt),
        Op::Sin {} => unary(all, reg, x, n, |x: T| x.through(libm::sin)),
        Op::Cos {} => unary(all, reg, x, n, |x: T| x.through(libm::cos)),
        Op::Atan {} => unary(all, reg, x, n, |x: T| x.through(libm::atan)),
        Op::Tanh {} => unary(all, reg, x, n, T::tanh),
        Op::Sigmoid {} => unary(all, reg, x, n, T::sigmoid),
        Op::Erf {} => unary(all, reg, x, n, T::erf),
        Op::Relu {} => unary(all, reg, x, n, |x| element::max(x, T::default())),
        Op::Floor {} => unary(all, reg, x, n, T::floor),
        _ => unary(all, reg, x, n, |x| x),
    }
}

fn int_unary(all: &mut [i32], reg: usize, op: &Op, x: Arg, n: usize) {
    match op {
        Op::Neg {} => unary(all, reg, x, n, i32::wrapping_neg),
        Op::Abs {} => unary(all, reg, x, n, i32::wrapping_abs),
        Op::Sign {} => unary(all, reg, x, n, i32::signum),
        _ => unary(all, reg, x, n, |x| x),
    }
}

fn int_pair(all: &mut [i32], reg: usize, op: &Op, a: Arg, b: Arg, n: usize) {
    match op {
        Op::Add {} => binary(all, reg, a, b, n, i32::wrapping_add),
        Op::Sub {} => binary(all, reg, a, b, n, i32::wrapping_sub),
        Op::Mul {} => binary(all, reg, a, b, n, i32::wrapping_mul),
        Op::Div {} => binary(all, reg, a, b, n, element::floor_div),
        Op::Rem {} => binary(all, reg, a, b, n, element::floor_rem),
        Op::Max {} => binary(all, reg, a, b, n, i32::max),
        Op::Min {} => binary(all, reg, a, b, n, i32::min),
        _ => binary(all, reg, a, b, n, |x, _| x),
    }
}

fn bool_pair(all: &mut [bool], reg: usize, op: &Op, a: Arg, b: Arg, n: usize) {
    match op {
        Op::Lt {} => binary(all, reg, a, b, n, |a, b| !a & b),
        Op::Le {} => binary(all, reg, a, b, n, |a, b| !a | b),
        Op::Eq {} => binary(all, reg, a, b, n, |a, b| a == b),
        Op::Or {} => binary(all, reg, a, b, n, |a, b| a | b),
        _ => binary(all, reg, a, b, n, |a, b| a & b),
    }
}

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
        Op::Atan2 {} => {
            binary(all, reg, a, b, n, |y: T, x| T::of(libm::atan2(y.wide(), x.wide())));
        }
        _ => binary(all, reg, a, b, n, |x, _| x),
    }
}
