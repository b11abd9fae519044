//! Operators on static values, on sizes and on tensors.

use std::rc::Rc;

use vspec_ir::{DType, Dim, DimError, Obligation, Op, Relation};
use vspec_syntax::ast::{BinaryOp, UnaryOp};
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator};
use crate::codes;
use crate::value::{Formula, Value};

impl Evaluator<'_> {
    pub(crate) fn unary(&mut self, op: UnaryOp, operand: &Value, span: Span) -> Eval<Value> {
        match (op, operand) {
            (UnaryOp::Neg, Value::Int(i)) => self.arithmetic(span, i.checked_neg().map(Value::Int)),
            (UnaryOp::Neg, Value::Float(f)) => Ok(Value::Float(-f)),
            (UnaryOp::Neg, Value::Dim(d)) => self.dim_result(span, Dim::from(0i64).checked_sub(d)),
            (UnaryOp::Neg, Value::Tensor(x)) => self.emit(Op::Neg {}, &[*x], span).map(Value::Tensor),
            (UnaryOp::Not, Value::Bool(b)) => Ok(Value::Bool(!b)),
            (UnaryOp::Not, Value::Undecided(formula)) => {
                let negated = formula.negated().map(|f| Value::Undecided(Rc::new(f)));
                self.arithmetic(span, negated)
            }
            (UnaryOp::Not, Value::Tensor(x)) => self.emit(Op::Not {}, &[*x], span).map(Value::Tensor),
            (UnaryOp::Neg, Value::Tree(tree)) => self.tree_unary(op, &tree.clone(), span),
            (UnaryOp::Neg, other) => self.wrong_operand(span, "negate", other),
            (UnaryOp::Not, other) => self.wrong_operand(span, "apply `not` to", other),
        }
    }

    fn wrong_operand<T>(&mut self, span: Span, what: &str, operand: &Value) -> Eval<T> {
        self.error(codes::WRONG_KIND, span, format!("cannot {what} {}", operand.kind()))
    }

    /// `a op b`; `sides` are the spans of both.
    pub(crate) fn binary(
        &mut self,
        op: BinaryOp,
        a: &Value,
        b: &Value,
        sides: [Span; 2],
        span: Span,
    ) -> Eval<Value> {
        match (a, b) {
            (Value::Tree(_), _) | (_, Value::Tree(_)) => self.tree_binary(op, [a, b], sides, span),
            // `weights == "none"` asks whether something was given at all.
            (Value::Str(_), Value::Tensor(_)) | (Value::Tensor(_), Value::Str(_)) => {
                self.equality(op, false, a, b, span)
            }
            (Value::Tensor(_), _) | (_, Value::Tensor(_)) => self.tensor_binary(op, a, b, sides, span),
            (Value::Int(x), Value::Int(y)) => self.int_binary(op, *x, *y, span),
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                let (x, y) = (a.as_float().unwrap_or(0.0), b.as_float().unwrap_or(0.0));
                self.float_binary(op, x, y, span)
            }
            (Value::Dim(_), Value::Int(_) | Value::Dim(_)) | (Value::Int(_), Value::Dim(_)) => {
                self.dim_binary(op, a, b, span)
            }
            (Value::Dim(_), Value::Float(_)) | (Value::Float(_), Value::Dim(_)) => {
                let (x, y) = (self.number(a, DType::F32, span)?, self.number(b, DType::F32, span)?);
                self.tensor_binary(op, &Value::Tensor(x), &Value::Tensor(y), sides, span)
            }
            (Value::Bool(x), Value::Bool(y)) => self.bool_binary(op, *x, *y, span),
            (Value::Undecided(_), _) | (_, Value::Undecided(_)) => self.undecided_binary(op, a, b, span),
            (Value::Str(x), Value::Str(y)) => match op {
                BinaryOp::Add => self.built(Value::Str(format!("{x}{y}").into()), span),
                _ => self.equality(op, x == y, a, b, span),
            },
            (Value::List(x), Value::List(y)) if op == BinaryOp::Add => {
                self.built(Value::list(x.iter().chain(y.iter()).cloned().collect()), span)
            }
            (Value::List(_), Value::List(_))
            | (Value::Tuple(_), Value::Tuple(_))
            | (Value::Record(_), Value::Record(_)) => match same(a, b) {
                Some(equal) => self.equality(op, equal, a, b, span),
                None => self.no_operator(op, a, b, span),
            },
            // `stride == 0` and `padding == "same"` ask which kind of value it is.
            (Value::List(_), Value::Int(_) | Value::Float(_))
            | (Value::Int(_) | Value::Float(_), Value::List(_)) => self.equality(op, false, a, b, span),
            (Value::Str(_), _) | (_, Value::Str(_)) => self.equality(op, false, a, b, span),
            _ => self.no_operator(op, a, b, span),
        }
    }

    fn no_operator<T>(&mut self, op: BinaryOp, a: &Value, b: &Value, span: Span) -> Eval<T> {
        let message = format!("`{}` does not apply to {} and {}", symbol(op), a.kind(), b.kind());
        self.error(codes::WRONG_KIND, span, message)
    }

    fn equality(&mut self, op: BinaryOp, equal: bool, a: &Value, b: &Value, span: Span) -> Eval<Value> {
        match op {
            BinaryOp::Eq => Ok(Value::Bool(equal)),
            BinaryOp::Ne => Ok(Value::Bool(!equal)),
            _ => self.no_operator(op, a, b, span),
        }
    }

    fn bool_binary(&mut self, op: BinaryOp, a: bool, b: bool, span: Span) -> Eval<Value> {
        match op {
            BinaryOp::And => Ok(Value::Bool(a && b)),
            BinaryOp::Or => Ok(Value::Bool(a || b)),
            _ => self.equality(op, a == b, &Value::Bool(a), &Value::Bool(b), span),
        }
    }

    /// Several conditions on sizes, of which some may be known.
    fn undecided_binary(&mut self, op: BinaryOp, a: &Value, b: &Value, span: Span) -> Eval<Value> {
        match (op, a, b) {
            (BinaryOp::And, Value::Bool(false), _) | (BinaryOp::And, _, Value::Bool(false)) => {
                Ok(Value::Bool(false))
            }
            (BinaryOp::Or, Value::Bool(true), _) | (BinaryOp::Or, _, Value::Bool(true)) => {
                Ok(Value::Bool(true))
            }
            (BinaryOp::And | BinaryOp::Or, Value::Bool(_), other)
            | (BinaryOp::And | BinaryOp::Or, other, Value::Bool(_)) => Ok(other.clone()),
            (BinaryOp::And, Value::Undecided(x), Value::Undecided(y)) => {
                Ok(Value::Undecided(Rc::new(Formula::both((**x).clone(), (**y).clone()))))
            }
            (BinaryOp::Or, Value::Undecided(x), Value::Undecided(y)) => {
                Ok(Value::Undecided(Rc::new(Formula::either((**x).clone(), (**y).clone()))))
            }
            _ => self.no_operator(op, a, b, span),
        }
    }

    fn arithmetic(&mut self, span: Span, result: Option<Value>) -> Eval<Value> {
        match result {
            Some(value) => Ok(value),
            None => self.error(codes::ARITHMETIC, span, "the result does not fit 64 bits"),
        }
    }

    fn int_binary(&mut self, op: BinaryOp, a: i64, b: i64, span: Span) -> Eval<Value> {
        if let Some(answer) = compare(op, a.cmp(&b)) {
            return Ok(Value::Bool(answer));
        }
        match op {
            BinaryOp::Add => self.arithmetic(span, a.checked_add(b).map(Value::Int)),
            BinaryOp::Sub => self.arithmetic(span, a.checked_sub(b).map(Value::Int)),
            BinaryOp::Mul => self.arithmetic(span, a.checked_mul(b).map(Value::Int)),
            BinaryOp::Pow => match u32::try_from(b) {
                Ok(power) => self.arithmetic(span, a.checked_pow(power).map(Value::Int)),
                Err(_) => Ok(Value::Float((a as f64).powf(b as f64))),
            },
            BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem => {
                self.dim_binary(op, &Value::Int(a), &Value::Int(b), span)
            }
            _ => self.no_operator(op, &Value::Int(a), &Value::Int(b), span),
        }
    }

    fn float_binary(&mut self, op: BinaryOp, a: f64, b: f64, span: Span) -> Eval<Value> {
        if let Some(answer) = a.partial_cmp(&b).and_then(|order| compare(op, order)) {
            return Ok(Value::Bool(answer));
        }
        match op {
            BinaryOp::Add => Ok(Value::Float(a + b)),
            BinaryOp::Sub => Ok(Value::Float(a - b)),
            BinaryOp::Mul => Ok(Value::Float(a * b)),
            BinaryOp::Div => Ok(Value::Float(a / b)),
            BinaryOp::FloorDiv => Ok(Value::Float((a / b).floor())),
            BinaryOp::Rem => Ok(Value::Float(a - b * (a / b).floor())),
            BinaryOp::Pow => Ok(Value::Float(a.powf(b))),
            _ => self.no_operator(op, &Value::Float(a), &Value::Float(b), span),
        }
    }

    fn dim_binary(&mut self, op: BinaryOp, a: &Value, b: &Value, span: Span) -> Eval<Value> {
        let (Some(x), Some(y)) = (a.as_dim(), b.as_dim()) else { return self.no_operator(op, a, b, span) };
        let facts = self.graph.facts().clone();
        match op {
            BinaryOp::Add => self.dim_result(span, x.checked_add(&y)),
            BinaryOp::Sub => self.dim_result(span, x.checked_sub(&y)),
            BinaryOp::Mul => self.dim_result(span, x.checked_mul(&y)),
            BinaryOp::FloorDiv => self.dim_result(span, x.floor_div(&y, &facts)),
            BinaryOp::Rem => match y.as_const().filter(|_| x.is_multiple_of(&y, &facts)) {
                Some(_) => Ok(Value::Int(0)),
                None => self.dim_result(span, x.rem(&y, &facts)),
            },
            BinaryOp::Div => match x.exact_div(&y, &facts) {
                Ok(quotient) => Ok(Value::dim(&quotient)),
                Err(DimError::NotExact(..)) if x.as_const().is_some() && y.as_const().is_some() => {
                    self.not_exact(&x, &y, span)
                }
                result => self.dim_result(span, result),
            },
            _ => self.dim_compare(op, a, b, span),
        }
    }

    fn not_exact(&mut self, x: &Dim, y: &Dim, span: Span) -> Eval<Value> {
        self.fail(
            Diagnostic::error(codes::ARITHMETIC, span, format!("{x} / {y} is not a whole number"))
                .hint("`//` rounds down; `1.0 * a / b` is a float"),
        )
    }

    /// A quotient that is a whole number for some sizes only. What is required of a named size is known from there on.
    fn perhaps_not_exact(&mut self, x: &Dim, y: &Dim, span: Span) -> Eval<Value> {
        let message = DimError::NotExact(x.clone(), y.clone()).to_string();
        let hint = match (x.as_symbol(), y.as_const()) {
            (Some(size), Some(_)) => format!("state it: `require {size} % {y} == 0`; or round down: `//`"),
            _ => "`//` rounds down".to_string(),
        };
        self.fail(Diagnostic::error(codes::ARITHMETIC, span, message).hint(hint))
    }

    fn dim_result(&mut self, span: Span, result: Result<Dim, DimError>) -> Eval<Value> {
        match result {
            Ok(dim) => Ok(Value::dim(&dim)),
            Err(DimError::NotExact(x, y)) => self.perhaps_not_exact(&x, &y, span),
            Err(error) => self.error(codes::ARITHMETIC, span, error.to_string()),
        }
    }

    /// A comparison of sizes: an answer, or a condition to be checked when they are bound.
    fn dim_compare(&mut self, op: BinaryOp, a: &Value, b: &Value, span: Span) -> Eval<Value> {
        let (Some(x), Some(y)) = (a.as_dim(), b.as_dim()) else { return self.no_operator(op, a, b, span) };
        let at_most = |left: &Dim, right: &Dim| (Relation::AtMost, left.clone(), right.clone());
        let less = |left: &Dim, right: &Dim| less_than(left, right).map(|(l, r)| (Relation::AtMost, l, r));
        let (relation, left, right) = match op {
            BinaryOp::Eq => return Ok(self.dims_equal(&x, &y)),
            BinaryOp::Le => at_most(&x, &y),
            BinaryOp::Ge => at_most(&y, &x),
            BinaryOp::Lt | BinaryOp::Gt => {
                let sides = if op == BinaryOp::Lt { less(&x, &y) } else { less(&y, &x) };
                match sides {
                    Ok(sides) => sides,
                    Err(error) => return self.error(codes::ARITHMETIC, span, error.to_string()),
                }
            }
            BinaryOp::Ne => {
                let equal = self.dims_equal(&x, &y);
                return self.unary(UnaryOp::Not, &equal, span);
            }
            _ => return self.no_operator(op, a, b, span),
        };
        Ok(match relation.decide(&left, &right, self.graph.facts()) {
            Some(answer) => Value::Bool(answer),
            None => undecided(Obligation { relation, left, right }),
        })
    }

    /// `x == y`, where `H % 32 == 0` becomes the relation that facts are made of.
    fn dims_equal(&self, x: &Dim, y: &Dim) -> Value {
        match Relation::Equal.decide(x, y, self.graph.facts()) {
            Some(answer) => Value::Bool(answer),
            None => undecided(divisibility(x, y).unwrap_or_else(|| Obligation {
                relation: Relation::Equal,
                left: x.clone(),
                right: y.clone(),
            })),
        }
    }

    fn tensor_binary(
        &mut self,
        op: BinaryOp,
        a: &Value,
        b: &Value,
        sides: [Span; 2],
        span: Span,
    ) -> Eval<Value> {
        if let (BinaryOp::Pow, Value::Tensor(x), Some(exponent)) = (op, a, b.as_float())
            && exponent == 2.0
        {
            return self.emit(Op::Mul {}, &[*x, *x], span).map(Value::Tensor);
        }
        let (x, y) = self.operands(a, b, sides, op == BinaryOp::Div || op == BinaryOp::Pow)?;
        let (op, inputs, negate) = match op {
            BinaryOp::Add => (Op::Add {}, [x, y], false),
            BinaryOp::Sub => (Op::Sub {}, [x, y], false),
            BinaryOp::Mul => (Op::Mul {}, [x, y], false),
            BinaryOp::Div => (Op::Div {}, [x, y], false),
            BinaryOp::Rem => (Op::Rem {}, [x, y], false),
            BinaryOp::Pow => (Op::Pow {}, [x, y], false),
            BinaryOp::Eq => (Op::Eq {}, [x, y], false),
            BinaryOp::Ne => (Op::Eq {}, [x, y], true),
            BinaryOp::Lt => (Op::Lt {}, [x, y], false),
            BinaryOp::Le => (Op::Le {}, [x, y], false),
            BinaryOp::Gt => (Op::Lt {}, [y, x], false),
            BinaryOp::Ge => (Op::Le {}, [y, x], false),
            BinaryOp::And => (Op::And {}, [x, y], false),
            BinaryOp::Or => (Op::Or {}, [x, y], false),
            BinaryOp::FloorDiv => return self.floor_quotient(x, y, span),
        };
        let result = self.emit(op, &inputs, span)?;
        match negate {
            true => self.emit(Op::Not {}, &[result], span).map(Value::Tensor),
            false => Ok(Value::Tensor(result)),
        }
    }

    /// Integers already round towards minus infinity.
    fn floor_quotient(&mut self, x: vspec_ir::NodeId, y: vspec_ir::NodeId, span: Span) -> Eval<Value> {
        let quotient = self.emit(Op::Div {}, &[x, y], span)?;
        match self.graph.ty(quotient).dtype {
            DType::F32 => self.emit(Op::Floor {}, &[quotient], span).map(Value::Tensor),
            DType::I32 | DType::Bool => Ok(Value::Tensor(quotient)),
        }
    }
}

/// `W < 20` as `W <= 19`: the one goes to the side that is a number, if one is.
fn less_than(left: &Dim, right: &Dim) -> Result<(Dim, Dim), DimError> {
    let one = Dim::from(1i64);
    match right.as_const() {
        Some(_) => Ok((left.clone(), right.checked_sub(&one)?)),
        None => Ok((left.checked_add(&one)?, right.clone())),
    }
}

fn undecided(obligation: Obligation) -> Value {
    Value::Undecided(Rc::new(Formula::relation(obligation)))
}

/// `a % d == 0` as the dims `a - d*(a//d)` and 0 came out of normal form.
fn divisibility(x: &Dim, y: &Dim) -> Option<Obligation> {
    if y.as_const() != Some(0) {
        return None;
    }
    let (left, right) = x.as_remainder()?;
    Some(Obligation { relation: Relation::MultipleOf, left, right })
}

fn compare(op: BinaryOp, order: std::cmp::Ordering) -> Option<bool> {
    Some(match op {
        BinaryOp::Eq => order.is_eq(),
        BinaryOp::Ne => order.is_ne(),
        BinaryOp::Lt => order.is_lt(),
        BinaryOp::Le => order.is_le(),
        BinaryOp::Gt => order.is_gt(),
        BinaryOp::Ge => order.is_ge(),
        _ => return None,
    })
}

/// Whether two static values are equal, element by element; none if they hold something that is not compared.
fn same(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Str(x), Value::Str(y)) => Some(x == y),
        (Value::Bool(x), Value::Bool(y)) => Some(x == y),
        (Value::Dim(x), Value::Dim(y)) => Some(x == y),
        (Value::List(x), Value::List(y)) | (Value::Tuple(x), Value::Tuple(y)) => all_same(x.iter(), y.iter()),
        (Value::Record(x), Value::Record(y)) if !x.keys().eq(y.keys()) => Some(false),
        (Value::Record(x), Value::Record(y)) => all_same(x.values(), y.values()),
        _ if is_compared(a) && is_compared(b) => Some(a.as_float().is_some() && a.as_float() == b.as_float()),
        _ => None,
    }
}

fn all_same<'v>(
    a: impl ExactSizeIterator<Item = &'v Value>,
    b: impl ExactSizeIterator<Item = &'v Value>,
) -> Option<bool> {
    if a.len() != b.len() {
        return Some(false);
    }
    a.zip(b).try_fold(true, |equal, (a, b)| Some(equal & same(a, b)?))
}

/// Whether a value is equal to another one, or not, when the program is compiled.
fn is_compared(value: &Value) -> bool {
    let plain = matches!(value, Value::Str(_) | Value::Bool(_) | Value::Dim(_) | Value::Unit);
    plain
        || value.as_float().is_some()
        || matches!(value, Value::List(_) | Value::Tuple(_) | Value::Record(_))
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "or",
        BinaryOp::And => "and",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "^",
    }
}
