//! What regions are lowered to: instructions on vectors of 32 bits an element, the same for every set of instructions.
//!
//! A [`Block`] is done for each vector along a line, one instruction after the other. The result of an instruction is named by its
//! position. Nothing here says how many elements a vector has, or where results are kept.

use std::collections::HashMap;

/// The result of an instruction: its position in [`Block::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Var(pub(super) u32);

impl Var {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// An operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    Var(Var),
    /// The same bits in every element: a position in [`Block::constants`].
    Constant(u32),
    /// The same bits in every element, given by the caller: a position among his.
    Uniform(u32),
}

/// What an instruction leaves: numbers, or a truth value for each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Vector,
    Mask,
    Nothing,
}

/// Two vectors to one. `Max` is `a > b ? a : b` and `Min` is `a < b ? a : b`, so that the second one wins where one is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    And,
    Or,
    Xor,
    AddInt,
    SubInt,
    MulInt,
    MaxInt,
    MinInt,
}

/// One vector to one. `ToInt` cuts off digits, and gives the smallest integer for what is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unary {
    Sqrt,
    Floor,
    ToInt,
    ToFloat,
}

/// Which way bits go; `Signed` keeps the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shift {
    Left,
    Right,
    Signed,
}

/// Comparisons; `Ne` and `Unordered` hold where one is NaN, the others of floats do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Compare {
    Eq,
    Lt,
    Le,
    Ge,
    Ne,
    Unordered,
    EqInt,
    GtInt,
}

/// Two masks to one. `AndNot` is `!a & b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Logic {
    And,
    Or,
    Xor,
    AndNot,
}

/// An instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Inst {
    Binary(Binary, Source, Source),
    Unary(Unary, Source),
    Shift(Shift, Source, u8),
    Compare(Compare, Source, Source),
    Logic(Logic, Var, Var),
    /// The first one where the mask holds, else the second.
    Select(Var, Source, Source),
    /// A truth value that the caller gives: all bits or none.
    Truth(u32),
    /// The place of each element, counted from where the call begins.
    Lane,
    /// Neighbours from a pointer on; where the guard does not hold memory is not touched, and the result is 0.
    Load(u32, Option<Var>),
    /// The same of bytes that are truth values.
    LoadBytes(u32, Option<Var>),
    /// Elements at a distance from a pointer each, on the same terms.
    Gather(u32, Source, Option<Var>),
    /// The same of bytes that are truth values, and how far neighbours are apart where all are equally far.
    GatherBytes(u32, Source, Option<Var>, Option<i32>),
    /// Elements of a table of so many that begins at a pointer, by their numbers, on the same terms. Numbers where the guard holds lie
    /// within the table.
    Lookup(u32, u32, Source, Option<Var>),
    Store(u32, Source),
    StoreBytes(u32, Var),
    /// Writes elements at a distance from a pointer each.
    Scatter(u32, Source, Source),
    /// What was folded so far.
    Folded(u32),
    /// Replaces it.
    Fold(u32, Source),
    /// Tells the caller if a mask holds anywhere.
    Flag(Var),
    /// Leaves out so many instructions that follow if a mask holds everywhere, or if it holds nowhere.
    Skip(Var, bool, u32),
    /// What lies at a pointer, in every element. This and what follows is for lines of rows only.
    Broadcast(u32),
    /// The counter of a loop within rows.
    Counter(u32),
    /// Something that is known of each row.
    Row(u32),
    /// Keeps something of each row.
    Keep(u32, Source),
    /// What a fold begins with; whether it has sums of double precision, too.
    Begin(u32, Source, bool),
    /// Adds a sum to the one of double precision, and begins again.
    Widen(u32),
    /// Both sums together, divided by a number.
    Total(u32, u32),
    /// What was folded so far, from so many elements on. This and what follows is for rows along memory.
    Behind(u32, u32),
    /// Makes one of the sums of double precision, divided by a number, the first of what was folded.
    Join(u32, u32),
    /// The first of what was folded, in every element.
    First(u32),
    /// Something that is known of the row, in every element.
    Known(u32),
}

impl Binary {
    /// Whether operands may change places.
    pub(super) fn commutes(self) -> bool {
        use Binary::{Add, AddInt, And, MaxInt, MinInt, Mul, MulInt, Or, Xor};
        matches!(self, Add | Mul | And | Or | Xor | AddInt | MulInt | MaxInt | MinInt)
    }
}

impl Inst {
    /// The same with its operands in one order, where they may change places.
    fn ordered(self) -> Self {
        match self {
            Inst::Binary(op, a, b) if op.commutes() => Inst::Binary(op, a.min(b), a.max(b)),
            other => other,
        }
    }

    pub(super) fn class(&self) -> Class {
        match self {
            Inst::Binary(..)
            | Inst::Unary(..)
            | Inst::Shift(..)
            | Inst::Select(..)
            | Inst::Lane
            | Inst::Load(..)
            | Inst::Gather(..)
            | Inst::Lookup(..)
            | Inst::Folded(_)
            | Inst::Broadcast(_)
            | Inst::Counter(_)
            | Inst::Row(_)
            | Inst::Total(..)
            | Inst::Behind(..)
            | Inst::First(_)
            | Inst::Known(_) => Class::Vector,
            Inst::Compare(..)
            | Inst::Logic(..)
            | Inst::Truth(_)
            | Inst::LoadBytes(..)
            | Inst::GatherBytes(..) => Class::Mask,
            Inst::Store(..)
            | Inst::StoreBytes(..)
            | Inst::Scatter(..)
            | Inst::Fold(..)
            | Inst::Flag(_)
            | Inst::Skip(..)
            | Inst::Keep(..)
            | Inst::Begin(..)
            | Inst::Widen(_)
            | Inst::Join(..) => Class::Nothing,
        }
    }

    /// Results that it uses.
    pub(super) fn uses(&self) -> impl Iterator<Item = Var> {
        let var = |source: &Source| match source {
            Source::Var(var) => Some(*var),
            Source::Constant(_) | Source::Uniform(_) => None,
        };
        let found = match self {
            Inst::Binary(_, a, b) | Inst::Compare(_, a, b) | Inst::Scatter(_, a, b) => [var(a), var(b), None],
            Inst::Unary(_, x)
            | Inst::Shift(_, x, _)
            | Inst::Store(_, x)
            | Inst::Fold(_, x)
            | Inst::Keep(_, x)
            | Inst::Begin(_, x, _) => [var(x), None, None],
            Inst::Logic(_, a, b) => [Some(*a), Some(*b), None],
            Inst::Select(mask, a, b) => [Some(*mask), var(a), var(b)],
            Inst::Load(_, guard) | Inst::LoadBytes(_, guard) => [*guard, None, None],
            Inst::Gather(_, at, guard)
            | Inst::GatherBytes(_, at, guard, _)
            | Inst::Lookup(_, _, at, guard) => [var(at), *guard, None],
            Inst::StoreBytes(_, x) | Inst::Flag(x) | Inst::Skip(x, ..) => [Some(*x), None, None],
            Inst::Truth(_)
            | Inst::Lane
            | Inst::Folded(_)
            | Inst::Broadcast(_)
            | Inst::Counter(_)
            | Inst::Row(_)
            | Inst::Widen(_)
            | Inst::Total(..)
            | Inst::Behind(..)
            | Inst::Join(..)
            | Inst::First(_)
            | Inst::Known(_) => [None; 3],
        };
        found.into_iter().flatten()
    }

    /// The same with other results for those that it uses.
    pub(super) fn renamed(self, name: impl Fn(Var) -> Var) -> Self {
        let source = |source: Source| match source {
            Source::Var(var) => Source::Var(name(var)),
            Source::Constant(_) | Source::Uniform(_) => source,
        };
        let guard = |guard: Option<Var>| guard.map(&name);
        match self {
            Inst::Binary(op, a, b) => Inst::Binary(op, source(a), source(b)),
            Inst::Compare(op, a, b) => Inst::Compare(op, source(a), source(b)),
            Inst::Scatter(to, at, x) => Inst::Scatter(to, source(at), source(x)),
            Inst::Unary(op, x) => Inst::Unary(op, source(x)),
            Inst::Shift(way, x, by) => Inst::Shift(way, source(x), by),
            Inst::Store(to, x) => Inst::Store(to, source(x)),
            Inst::Fold(fold, x) => Inst::Fold(fold, source(x)),
            Inst::Keep(slot, x) => Inst::Keep(slot, source(x)),
            Inst::Begin(fold, x, wide) => Inst::Begin(fold, source(x), wide),
            Inst::Logic(op, a, b) => Inst::Logic(op, name(a), name(b)),
            Inst::Select(mask, a, b) => Inst::Select(name(mask), source(a), source(b)),
            Inst::Load(from, own) => Inst::Load(from, guard(own)),
            Inst::LoadBytes(from, own) => Inst::LoadBytes(from, guard(own)),
            Inst::Gather(from, at, own) => Inst::Gather(from, source(at), guard(own)),
            Inst::GatherBytes(from, at, own, apart) => Inst::GatherBytes(from, source(at), guard(own), apart),
            Inst::Lookup(from, count, at, own) => Inst::Lookup(from, count, source(at), guard(own)),
            Inst::StoreBytes(to, x) => Inst::StoreBytes(to, name(x)),
            Inst::Flag(x) => Inst::Flag(name(x)),
            Inst::Skip(x, everywhere, count) => Inst::Skip(name(x), everywhere, count),
            Inst::Truth(_)
            | Inst::Lane
            | Inst::Folded(_)
            | Inst::Broadcast(_)
            | Inst::Counter(_)
            | Inst::Row(_)
            | Inst::Widen(_)
            | Inst::Total(..)
            | Inst::Behind(..)
            | Inst::Join(..)
            | Inst::First(_)
            | Inst::Known(_) => self,
        }
    }
}

/// Instructions, and the constants that they use.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub(super) code: Vec<Inst>,
    pub(super) constants: Vec<u32>,
    /// Those of the selections that a region asks for, in order.
    pub(super) choices: Vec<Var>,
    /// Arithmetic that is done already.
    done: HashMap<Inst, Var>,
}

impl Block {
    /// A block of some instructions that use no constants.
    pub(super) fn of(code: Vec<Inst>) -> Self {
        Block { code, ..Block::default() }
    }

    /// The instructions so far, of which nothing is known afterwards.
    pub(super) fn take(&mut self) -> Block {
        self.done.clear();
        Block { choices: std::mem::take(&mut self.choices), ..Block::of(std::mem::take(&mut self.code)) }
    }

    /// Adds an instruction. Functions have much arithmetic in common, such as the exponential of a sigmoid and of its logarithm, which is
    /// done once. Comparisons are cheaper than the few registers that masks have.
    pub(super) fn push(&mut self, inst: Inst) -> Var {
        let inst = inst.ordered();
        if let Some(known) = self.done.get(&inst) {
            return *known;
        }
        self.code.push(inst);
        let var = Var(self.code.len() as u32 - 1);
        if matches!(inst, Inst::Binary(..) | Inst::Unary(..) | Inst::Shift(..) | Inst::Select(..)) {
            self.done.insert(inst, var);
        }
        var
    }

    /// The bits of every element.
    pub(super) fn bits(&mut self, bits: u32) -> Source {
        let known = self.constants.iter().position(|own| *own == bits);
        let at = known.unwrap_or_else(|| {
            self.constants.push(bits);
            self.constants.len() - 1
        });
        Source::Constant(at as u32)
    }

    pub(super) fn float(&mut self, number: f32) -> Source {
        self.bits(number.to_bits())
    }

    pub(super) fn int(&mut self, number: i32) -> Source {
        self.bits(number as u32)
    }

    pub(super) fn binary(&mut self, op: Binary, a: Source, b: Source) -> Source {
        Source::Var(self.push(Inst::Binary(op, a, b)))
    }

    pub(super) fn add(&mut self, a: Source, b: Source) -> Source {
        self.binary(Binary::Add, a, b)
    }

    pub(super) fn sub(&mut self, a: Source, b: Source) -> Source {
        self.binary(Binary::Sub, a, b)
    }

    pub(super) fn mul(&mut self, a: Source, b: Source) -> Source {
        self.binary(Binary::Mul, a, b)
    }

    pub(super) fn unary(&mut self, op: Unary, x: Source) -> Source {
        Source::Var(self.push(Inst::Unary(op, x)))
    }

    pub(super) fn shift(&mut self, way: Shift, x: Source, by: u8) -> Source {
        Source::Var(self.push(Inst::Shift(way, x, by)))
    }

    pub(super) fn compare(&mut self, op: Compare, a: Source, b: Source) -> Var {
        self.push(Inst::Compare(op, a, b))
    }

    pub(super) fn logic(&mut self, op: Logic, a: Var, b: Var) -> Var {
        self.push(Inst::Logic(op, a, b))
    }

    pub(super) fn select(&mut self, mask: Var, a: Source, b: Source) -> Source {
        Source::Var(self.push(Inst::Select(mask, a, b)))
    }

    /// A selection of which it is not known that its operands are cheap.
    pub(super) fn choose(&mut self, mask: Var, a: Source, b: Source) -> Source {
        let var = self.push(Inst::Select(mask, a, b));
        if self.choices.last().is_none_or(|last| *last < var) {
            self.choices.push(var);
        }
        Source::Var(var)
    }
}
