//! Elementwise ops as instructions.

use vspec_ir::{DType, Op};

use super::functions::{abs, erf, exp, extreme, log, log1p, neg, sigmoid, sign, tanh};
use super::ir::{Binary, Block, Compare, Inst, Logic, Source, Unary, Var};
use super::lower::{Lower, Value};

/// An op on operands, the first of which has an element type; none if there are no instructions for it.
pub(super) fn apply(lower: &mut Lower<'_>, op: &Op, first: DType, args: &[Value]) -> Option<Value> {
    match (op, args) {
        (Op::Where {}, [Value::Mask(mask), Value::Vector(a), Value::Vector(b)]) => {
            Some(Value::Vector(lower.block().choose(*mask, *a, *b)))
        }
        (Op::Where {}, [Value::Mask(mask), Value::Mask(a), Value::Mask(b)]) => {
            let yes = lower.block().logic(Logic::And, *mask, *a);
            let no = lower.block().logic(Logic::AndNot, *mask, *b);
            Some(Value::Mask(lower.block().logic(Logic::Or, yes, no)))
        }
        (Op::Cast { dtype }, [x]) => Some(cast(lower, first, *dtype, *x)),
        (_, [Value::Vector(x)]) => match first {
            DType::F32 => float_unary(lower.block(), op, *x).map(Value::Vector),
            _ => int_unary(lower.block(), op, *x).map(Value::Vector),
        },
        (Op::Not {}, [Value::Mask(x)]) => Some(Value::Mask(not(lower, *x))),
        (_, [Value::Vector(a), Value::Vector(b)]) => match (op, first) {
            (Op::Eq {} | Op::Lt {} | Op::Le {}, DType::F32) => {
                compare(lower.block(), op, *a, *b).map(Value::Mask)
            }
            (Op::Eq {} | Op::Lt {} | Op::Le {}, _) => compare_ints(lower, op, *a, *b).map(Value::Mask),
            (_, DType::F32) => float_pair(lower.block(), op, *a, *b).map(Value::Vector),
            _ => int_pair(lower.block(), op, *a, *b).map(Value::Vector),
        },
        (_, [Value::Mask(a), Value::Mask(b)]) => mask_pair(lower, op, *a, *b).map(Value::Mask),
        _ => None,
    }
}

fn not(lower: &mut Lower<'_>, x: Var) -> Var {
    let all = lower.all();
    lower.block().logic(Logic::AndNot, x, all)
}

fn cast(lower: &mut Lower<'_>, from: DType, to: DType, x: Value) -> Value {
    let block = lower.block();
    match (x, from, to) {
        (Value::Mask(x), _, DType::F32) => {
            let (one, zero) = (block.float(1.0), block.float(0.0));
            Value::Vector(block.select(x, one, zero))
        }
        (Value::Mask(x), _, DType::I32) => {
            let (one, zero) = (block.int(1), block.int(0));
            Value::Vector(block.select(x, one, zero))
        }
        (Value::Vector(x), DType::F32, DType::I32) => Value::Vector(saturated(block, x)),
        (Value::Vector(x), DType::I32, DType::F32) => Value::Vector(block.unary(Unary::ToFloat, x)),
        (Value::Vector(x), DType::F32, DType::Bool) => {
            let zero = block.float(0.0);
            Value::Mask(block.compare(Compare::Ne, x, zero))
        }
        (Value::Vector(x), _, DType::Bool) => {
            let zero = block.int(0);
            let none = block.compare(Compare::EqInt, x, zero);
            Value::Mask(not(lower, none))
        }
        _ => x,
    }
}

/// The integer towards 0, the nearest there is; 0 for NaN.
fn saturated(block: &mut Block, x: Source) -> Source {
    let (most, limit, zero) = (block.int(i32::MAX), block.float(2_147_483_648.0), block.int(0));
    let int = block.unary(Unary::ToInt, x);
    let above = block.compare(Compare::Ge, x, limit);
    let int = block.select(above, most, int);
    let nan = block.compare(Compare::Unordered, x, x);
    block.select(nan, zero, int)
}

fn float_unary(block: &mut Block, op: &Op, x: Source) -> Option<Source> {
    Some(match op {
        Op::Neg {} => neg(block, x),
        Op::Abs {} => abs(block, x),
        Op::Sign {} => sign(block, x),
        Op::Exp {} => exp(block, x),
        Op::Log {} => log(block, x),
        Op::Log1p {} => log1p(block, x),
        Op::Sqrt {} => block.unary(Unary::Sqrt, x),
        Op::Tanh {} => tanh(block, x),
        Op::Sigmoid {} => sigmoid(block, x),
        Op::Erf {} => erf(block, x),
        Op::Relu {} => {
            let zero = block.float(0.0);
            extreme(block, Binary::Max, x, zero)
        }
        Op::Floor {} => block.unary(Unary::Floor, x),
        _ => return None,
    })
}

fn int_unary(block: &mut Block, op: &Op, x: Source) -> Option<Source> {
    let (zero, one, minus) = (block.int(0), block.int(1), block.int(-1));
    Some(match op {
        Op::Neg {} => block.binary(Binary::SubInt, zero, x),
        Op::Abs {} => {
            let negative = block.binary(Binary::SubInt, zero, x);
            block.binary(Binary::MaxInt, x, negative)
        }
        Op::Sign {} => {
            let low = block.binary(Binary::MinInt, x, one);
            block.binary(Binary::MaxInt, low, minus)
        }
        _ => return None,
    })
}

fn compare(block: &mut Block, op: &Op, a: Source, b: Source) -> Option<Var> {
    let comparison = match op {
        Op::Eq {} => Compare::Eq,
        Op::Lt {} => Compare::Lt,
        Op::Le {} => Compare::Le,
        _ => return None,
    };
    Some(block.compare(comparison, a, b))
}

fn compare_ints(lower: &mut Lower<'_>, op: &Op, a: Source, b: Source) -> Option<Var> {
    Some(match op {
        Op::Eq {} => lower.block().compare(Compare::EqInt, a, b),
        Op::Lt {} => lower.block().compare(Compare::GtInt, b, a),
        Op::Le {} => {
            let above = lower.block().compare(Compare::GtInt, a, b);
            not(lower, above)
        }
        _ => return None,
    })
}

fn float_pair(block: &mut Block, op: &Op, a: Source, b: Source) -> Option<Source> {
    Some(match op {
        Op::Add {} => block.add(a, b),
        Op::Sub {} => block.sub(a, b),
        Op::Mul {} => block.mul(a, b),
        Op::Div {} => block.binary(Binary::Div, a, b),
        Op::Max {} => extreme(block, Binary::Max, a, b),
        Op::Min {} => extreme(block, Binary::Min, a, b),
        _ => return None,
    })
}

fn int_pair(block: &mut Block, op: &Op, a: Source, b: Source) -> Option<Source> {
    let op = match op {
        Op::Add {} => Binary::AddInt,
        Op::Sub {} => Binary::SubInt,
        Op::Mul {} => Binary::MulInt,
        Op::Max {} => Binary::MaxInt,
        Op::Min {} => Binary::MinInt,
        _ => return None,
    };
    Some(block.binary(op, a, b))
}

fn mask_pair(lower: &mut Lower<'_>, op: &Op, a: Var, b: Var) -> Option<Var> {
    Some(match op {
        Op::And {} => lower.block().logic(Logic::And, a, b),
        Op::Or {} => lower.block().logic(Logic::Or, a, b),
        Op::Lt {} => lower.block().logic(Logic::AndNot, a, b),
        Op::Le {} => {
            let no = not(lower, a);
            lower.block().logic(Logic::Or, no, b)
        }
        Op::Eq {} => {
            let differs = lower.block().push(Inst::Logic(Logic::Xor, a, b));
            not(lower, differs)
        }
        _ => return None,
    })
}
