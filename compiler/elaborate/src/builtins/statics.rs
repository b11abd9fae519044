//! Functions on static values, and tensors made from them.

use std::rc::Rc;

use vspec_ir::{DType, Literal, Op};

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("len", "list", len),
    Builtin::new("is_list", "value", |_, c| {
        Ok(Value::Bool(matches!(c.value("value"), Value::List(_) | Value::Tuple(_))))
    }),
    Builtin::new("range", "from, to", range),
    Builtin::new("per_axis", "value, n", per_axis),
    Builtin::new("int", "x", int),
    Builtin::new("float", "x", float),
    Builtin::new("tensor", "values", tensor),
    Builtin::new("reversed", "list", |e, c| {
        let items = list(e, c, "list")?;
        Ok(Value::list(items.iter().rev().cloned().collect()))
    }),
    Builtin::new("zip", "a, b", |e, c| {
        let (a, b) = (list(e, c, "a")?, list(e, c, "b")?);
        let pairs = a.iter().zip(b.iter()).map(|(a, b)| Value::Tuple(Rc::new(vec![a.clone(), b.clone()])));
        Ok(Value::list(pairs.collect()))
    }),
];

fn list(e: &mut Evaluator<'_>, call: &Call, name: &str) -> Eval<Rc<Vec<Value>>> {
    match call.value(name) {
        Value::List(items) | Value::Tuple(items) => Ok(items),
        other => {
            let message = format!("`{name}` of `{}` must be a list, not {}", call.builtin.name, other.kind());
            e.error(codes::WRONG_KIND, call.span_of(name), message)
        }
    }
}

fn len(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    list(e, call, "list").map(|items| Value::Int(items.len() as i64))
}

fn range(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (from, to) = (call.int(e, "from")?, call.int(e, "to")?);
    if to.saturating_sub(from) > 1_000_000 {
        return e.error(codes::LIMIT, call.span, "the range is too long");
    }
    Ok(Value::list((from..to).map(Value::Int).collect()))
}

/// A list as it is, a single value `n` times.
fn per_axis(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let n = call.count(e, "n")?;
    match call.value("value") {
        Value::List(items) if items.len() != n => {
            let message = format!("{} entries for {n} axes", items.len());
            e.error(codes::OUT_OF_RANGE, call.span_of("value"), message)
        }
        list @ Value::List(_) => Ok(list),
        one => Ok(Value::list(vec![one; n])),
    }
}

/// Truncates a static number.
fn int(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    match call.value("x") {
        value @ (Value::Int(_) | Value::Dim(_)) => Ok(value),
        _ => call.float(e, "x").map(|x| Value::Int(x as i64)),
    }
}

fn float(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    call.float(e, "x").map(Value::Float)
}

/// A constant from nested lists of numbers: floats make `f32`, ints `i32`, bools `bool`.
fn tensor(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let mut flat = Flat::default();
    if !flat.add(&call.value("values"), 0) {
        let message = "a tensor is made of nested lists of equal length that hold numbers of one kind";
        return e.error(codes::WRONG_KIND, call.span_of("values"), message);
    }
    let dtype = flat.dtype.unwrap_or(DType::F32);
    let value = Literal { dtype, shape: flat.shape, values: flat.values.into() };
    e.emit(Op::Constant { value }, &[], call.span).map(Value::Tensor)
}

/// Elements of nested lists in row-major order.
#[derive(Default)]
struct Flat {
    shape: Vec<usize>,
    values: Vec<f64>,
    dtype: Option<DType>,
}

impl Flat {
    /// Adds a nested list; false when it is ragged or mixed.
    fn add(&mut self, value: &Value, depth: usize) -> bool {
        match value {
            Value::List(items) => {
                if self.values.is_empty() && self.shape.len() == depth {
                    self.shape.push(items.len());
                }
                self.shape.get(depth) == Some(&items.len()) && items.iter().all(|i| self.add(i, depth + 1))
            }
            Value::Int(i) => self.leaf(DType::I32, *i as f64, depth),
            Value::Float(f) => self.leaf(DType::F32, *f, depth),
            Value::Bool(b) => self.leaf(DType::Bool, f64::from(u8::from(*b)), depth),
            _ => false,
        }
    }

    fn leaf(&mut self, dtype: DType, value: f64, depth: usize) -> bool {
        let mixed =
            matches!((self.dtype, dtype), (Some(DType::F32), DType::I32) | (Some(DType::I32), DType::F32));
        if mixed {
            self.dtype = Some(DType::F32);
        } else if self.dtype.is_none() {
            self.dtype = Some(dtype);
        }
        self.values.push(value);
        depth == self.shape.len() && (mixed || self.dtype == Some(dtype))
    }
}
