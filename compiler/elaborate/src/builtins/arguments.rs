//! Reading the arguments of a built-in, with messages that point at them.

use vspec_ir::{Dim, NodeId};
use vspec_syntax::{Diagnostic, Span};

use super::Call;
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::{Given, Value};

impl Call {
    /// The argument of a parameter, if it was given.
    pub(crate) fn get(&self, name: &str) -> Option<&Given> {
        let at = self.builtin.parameter_names().iter().position(|n| *n == name)?;
        self.slots.get(at)?.as_ref()
    }

    /// The argument's expression, or the whole call.
    pub(crate) fn span_of(&self, name: &str) -> Span {
        self.get(name).map_or(self.span, |g| g.span)
    }

    /// The value of a parameter that is always given.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.get(name).map_or(Value::Poison, |g| g.value.clone())
    }

    fn wrong<T>(&self, e: &mut Evaluator<'_>, name: &str, wanted: &str) -> Eval<T> {
        let found = self.value(name).kind();
        let message = format!("`{name}` of `{}` must be {wanted}, not {found}", self.builtin.name);
        e.error(codes::WRONG_KIND, self.span_of(name), message)
    }

    /// A tensor; static numbers become scalars.
    pub(crate) fn tensor(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<NodeId> {
        e.tensor(&self.value(name), self.span_of(name))
    }

    pub(crate) fn int(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<i64> {
        match self.value(name) {
            Value::Int(i) => Ok(i),
            Value::Dim(d) => {
                let message = format!("`{name}` is {d}, which is not known at compile time");
                e.error(codes::NOT_STATIC, self.span_of(name), message)
            }
            _ => self.wrong(e, name, "an int"),
        }
    }

    pub(crate) fn int_or(&self, e: &mut Evaluator<'_>, name: &str, default: i64) -> Eval<i64> {
        if self.get(name).is_some() { self.int(e, name) } else { Ok(default) }
    }

    pub(crate) fn float(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<f64> {
        match self.value(name).as_float() {
            Some(f) => Ok(f),
            None => self.wrong(e, name, "a number"),
        }
    }

    pub(crate) fn float_or(&self, e: &mut Evaluator<'_>, name: &str, default: f64) -> Eval<f64> {
        if self.get(name).is_some() { self.float(e, name) } else { Ok(default) }
    }

    pub(crate) fn bool_or(&self, e: &mut Evaluator<'_>, name: &str, default: bool) -> Eval<bool> {
        match self.get(name).map(|g| &g.value) {
            None => Ok(default),
            Some(Value::Bool(b)) => Ok(*b),
            Some(_) => self.wrong(e, name, "a bool"),
        }
    }

    pub(crate) fn string(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<String> {
        match self.value(name) {
            Value::Str(s) => Ok(s.to_string()),
            _ => self.wrong(e, name, "a string"),
        }
    }

    pub(crate) fn string_or(&self, e: &mut Evaluator<'_>, name: &str, default: &str) -> Eval<String> {
        if self.get(name).is_some() { self.string(e, name) } else { Ok(default.to_string()) }
    }

    /// A count of things in the world: pixels, items.
    pub(crate) fn count(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<usize> {
        let value = self.int(e, name)?;
        match usize::try_from(value).ok().filter(|v| *v > 0) {
            Some(v) => Ok(v),
            None => {
                let message = format!("`{name}` must be at least 1, not {value}");
                e.error(codes::OUT_OF_RANGE, self.span_of(name), message)
            }
        }
    }

    /// A list of sizes.
    pub(crate) fn shape(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<Vec<Dim>> {
        let dims: Option<Vec<Dim>> = match self.value(name) {
            Value::List(items) | Value::Tuple(items) => items.iter().map(Value::as_dim).collect(),
            other => other.as_dim().map(|d| vec![d]),
        };
        match dims {
            Some(dims) => Ok(dims),
            None => self.wrong(e, name, "a list of sizes"),
        }
    }

    /// A list of ints.
    pub(crate) fn ints(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<Vec<i64>> {
        match ints(&self.value(name)) {
            Some(values) => Ok(values),
            None => self.wrong(e, name, "an int or a list of ints"),
        }
    }

    /// One int for each of `n` axes; a single int stands for all of them.
    pub(crate) fn per_axis(
        &self,
        e: &mut Evaluator<'_>,
        name: &str,
        n: usize,
        default: i64,
    ) -> Eval<Vec<i64>> {
        if self.get(name).is_none() {
            return Ok(vec![default; n]);
        }
        let values = self.ints(e, name)?;
        match values.as_slice() {
            [one] if !matches!(self.value(name), Value::List(_)) => Ok(vec![*one; n]),
            _ if values.len() == n => Ok(values),
            _ => self.wrong_count(e, name, values.len(), n),
        }
    }

    fn wrong_count<T>(&self, e: &mut Evaluator<'_>, name: &str, found: usize, wanted: usize) -> Eval<T> {
        let message = format!("`{name}` has {found} entries for {wanted} spatial axes");
        e.error(codes::OP_CONSTRAINT, self.span_of(name), message)
    }

    /// Padding before and after each of `n` axes: an int for all, an int each, or a pair each.
    pub(crate) fn padding(&self, e: &mut Evaluator<'_>, name: &str, n: usize) -> Eval<Vec<[i64; 2]>> {
        let Value::List(items) = self.value(name) else {
            return Ok(self.per_axis(e, name, n, 0)?.into_iter().map(|p| [p, p]).collect());
        };
        if items.len() != n {
            return self.wrong_count(e, name, items.len(), n);
        }
        let pairs: Option<Vec<[i64; 2]>> = items
            .iter()
            .map(|item| match (item, ints(item)) {
                (Value::Int(p), _) => Some([*p, *p]),
                (_, Some(pair)) => <[i64; 2]>::try_from(pair).ok(),
                _ => None,
            })
            .collect();
        match pairs {
            Some(pairs) => Ok(pairs),
            None => self.wrong(e, name, "an int, or an int or a pair of ints for each axis"),
        }
    }

    /// An axis of a tensor, counted from the end when negative.
    pub(crate) fn axis(&self, e: &mut Evaluator<'_>, name: &str, rank: usize) -> Eval<i64> {
        let axis = self.int(e, name)?;
        self.normal_axis(e, name, axis, rank)
    }

    fn normal_axis(&self, e: &mut Evaluator<'_>, name: &str, axis: i64, rank: usize) -> Eval<i64> {
        let normal = if axis < 0 { axis + rank as i64 } else { axis };
        if (0..rank as i64).contains(&normal) {
            return Ok(normal);
        }
        let message = format!("axis {axis} does not exist in a tensor with {rank} axes");
        let error = Diagnostic::error(codes::OUT_OF_RANGE, self.span_of(name), message);
        e.fail(match rank {
            0 => error,
            _ => error.hint(format!("axes count from 0 to {}, or from -1 backwards", rank - 1)),
        })
    }

    /// Axes in increasing order; all of them when the argument is left out.
    pub(crate) fn axes(&self, e: &mut Evaluator<'_>, name: &str, rank: usize) -> Eval<Vec<i64>> {
        if self.get(name).is_none() {
            return Ok((0..rank as i64).collect());
        }
        let given = self.ints(e, name)?;
        let mut axes =
            given.iter().map(|a| self.normal_axis(e, name, *a, rank)).collect::<Eval<Vec<i64>>>()?;
        axes.sort_unstable();
        if axes.windows(2).any(|w| w[0] == w[1]) {
            return e.error(codes::OUT_OF_RANGE, self.span_of(name), "an axis is named twice");
        }
        Ok(axes)
    }

    /// Two tensors of one element type.
    pub(crate) fn pair(&self, e: &mut Evaluator<'_>, a: &str, b: &str) -> Eval<(NodeId, NodeId)> {
        e.operands(&self.value(a), &self.value(b), [self.span_of(a), self.span_of(b)], false)
    }

    /// A list of tensors.
    pub(crate) fn tensors(&self, e: &mut Evaluator<'_>, name: &str) -> Eval<Vec<NodeId>> {
        match self.value(name) {
            Value::List(items) | Value::Tuple(items) if !items.is_empty() => {
                items.iter().map(|v| e.tensor(v, self.span_of(name))).collect()
            }
            Value::List(_) | Value::Tuple(_) => self.wrong(e, name, "a list with at least one tensor"),
            _ => self.wrong(e, name, "a list of tensors"),
        }
    }
}

fn ints(value: &Value) -> Option<Vec<i64>> {
    match value {
        Value::Int(i) => Some(vec![*i]),
        Value::List(items) | Value::Tuple(items) => items
            .iter()
            .map(|v| match v {
                Value::Int(i) => Some(*i),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Refuses a value that must be one of a few words.
pub(crate) fn unknown_word<T>(e: &mut Evaluator<'_>, span: Span, word: &str, known: &[&str]) -> Eval<T> {
    let error = Diagnostic::error(codes::UNKNOWN_ARGUMENT, span, format!("\"{word}\" is not possible here"));
    e.fail(error.hint(format!("it can be {}", known.join(", "))))
}
