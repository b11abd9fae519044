//! Adding nodes to the graph.

use std::sync::Arc;

use vspec_ir::{DType, Dim, Location, NodeId, Op, Origin, Type, Violation};
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator, MAX_NODES, MAX_RANK, Place};
use crate::codes;
use crate::value::Value;

impl Evaluator<'_> {
    /// Adds a node; a constraint that does not hold becomes a message about the specification.
    pub(crate) fn emit(&mut self, op: Op, inputs: &[NodeId], span: Span) -> Eval<NodeId> {
        if self.masks.is_empty() {
            return self.emit_unchecked(op, inputs, span);
        }
        let node = self.emit_unchecked(op.clone(), inputs, span)?;
        self.keeps_masks(&op, inputs, node, span)?;
        Ok(node)
    }

    /// Adds a node without asking whether padding can still be told from rows.
    pub(crate) fn emit_unchecked(&mut self, op: Op, inputs: &[NodeId], span: Span) -> Eval<NodeId> {
        if self.place == Place::Static {
            return self.fail(
                Diagnostic::error(codes::WRONG_PLACE, span, "a tensor has no meaning here")
                    .label("only static values are known here")
                    .hint("tensors are computed in methods, functions, losses and steps"),
            );
        }
        if self.graph.len() >= MAX_NODES {
            return self.error(codes::LIMIT, span, format!("the graph has more than {MAX_NODES} nodes"));
        }
        let lifted_op = if self.lifted.is_empty() { None } else { Some(op.clone()) };
        let origin = Origin { name: None, scope: self.module_path.clone(), location: Some(location(span)) };
        match self.graph.add(op, inputs, origin) {
            Ok(node) if self.graph.ty(node).rank() > MAX_RANK => {
                self.error(codes::LIMIT, span, format!("a tensor has more than {MAX_RANK} axes"))
            }
            Ok(node) => self.lift(&lifted_op, inputs, node, span).map(|()| node),
            Err(violation) => self.violated(&violation, inputs, span),
        }
    }

    /// The message about a constraint of an op that does not hold, with where the blamed sizes came from.
    fn violated<T>(&mut self, violation: &Violation, inputs: &[NodeId], span: Span) -> Eval<T> {
        let code = match (violation.op, violation.constraint) {
            (_, 0) => codes::TYPE_MISMATCH,
            ("conv", 4) | ("matmul", 1..=3) => codes::SHAPE_MISMATCH,
            _ if violation.detail.contains("differ in axis") => codes::SHAPE_MISMATCH,
            _ if violation.detail.starts_with("one side is") => codes::TYPE_MISMATCH,
            _ => codes::OP_CONSTRAINT,
        };
        let mut error = Diagnostic::error(code, span, format!("`{}`: {}", violation.op, violation.detail));
        for blame in &violation.blame {
            let Some(input) = inputs.get(blame.operand) else { continue };
            if let Some((span, text)) = blame.axis.and_then(|axis| self.size_origin(*input, axis)) {
                error = error.also(span, text);
            }
        }
        self.fail(match advice(violation, code) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    /// Both sides of an operator as tensors of one element type; static numbers take the other side's type.
    pub(crate) fn operands(
        &mut self,
        a: &Value,
        b: &Value,
        sides: [Span; 2],
        float: bool,
    ) -> Eval<(NodeId, NodeId)> {
        let dtype = |e: &Self, v: &Value| match v {
            Value::Tensor(x) => Some(e.graph.ty(*x).dtype),
            _ => None,
        };
        let common = dtype(self, a).or(dtype(self, b)).unwrap_or(DType::F32);
        let common =
            if float && common == DType::I32 && (fraction(a) || fraction(b)) { DType::F32 } else { common };
        Ok((self.number(a, common, sides[0])?, self.number(b, common, sides[1])?))
    }

    /// A tensor, or a static number as a scalar of the given element type.
    pub(crate) fn number(&mut self, value: &Value, dtype: DType, span: Span) -> Eval<NodeId> {
        match value {
            Value::Tensor(node) => Ok(*node),
            Value::Int(i) if dtype != DType::Bool => self.full(*i as f64, dtype, vec![], span),
            Value::Float(f) if dtype == DType::F32 => self.full(*f, dtype, vec![], span),
            Value::Bool(b) if dtype == DType::Bool => self.full(f64::from(u8::from(*b)), dtype, vec![], span),
            Value::Dim(d) if dtype != DType::Bool => {
                self.emit(Op::Size { value: d.clone(), dtype }, &[], span)
            }
            Value::Type(ty) if self.takes_types() => self.type_input(&ty.clone(), span),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Dim(_) => self.fail(
                Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    span,
                    format!("{} meets a tensor of {dtype}", value.kind()),
                )
                .hint("convert the tensor with `f32(x)`, `i32(x)` or `bool(x)`"),
            ),
            other => self.unexpected("a tensor", other, span),
        }
    }

    /// A tensor with the same number everywhere.
    pub(crate) fn full(&mut self, value: f64, dtype: DType, shape: Vec<Dim>, span: Span) -> Eval<NodeId> {
        if !shape.is_empty() {
            return self.emit(Op::Full { value, dtype, shape }, &[], span);
        }
        // One node for each scalar of a graph: a constant belongs to no module, and the graph stays readable.
        let key = (value.to_bits(), dtype);
        if let Some(node) = self.scalars.get(&key) {
            return Ok(*node);
        }
        let module = self.module_path.take();
        let node = self.emit(Op::Full { value, dtype, shape }, &[], span);
        self.module_path = module;
        self.scalars.insert(key, node?);
        node
    }

    /// A tensor operand: a tensor, or a static number as a scalar.
    pub(crate) fn tensor(&mut self, value: &Value, span: Span) -> Eval<NodeId> {
        let dtype = match value {
            Value::Bool(_) => DType::Bool,
            _ => DType::F32,
        };
        self.number(value, dtype, span)
    }

    /// Whether a type literal stands for an input.
    pub(crate) fn takes_types(&self) -> bool {
        matches!(self.place, Place::Entry | Place::Test)
    }

    /// An input of an entry, from a type literal. In a test that can run, it is drawn.
    pub(crate) fn type_input(&mut self, ty: &crate::value::TypeValue, span: Span) -> Eval<NodeId> {
        if self.place == Place::Test && ty.ty.dtype == DType::F32 && ty.ty.const_shape().is_some() {
            let stream = format!("input{}", self.step.inputs).into();
            self.step.inputs += 1;
            return self.emit(Op::Normal { shape: ty.ty.shape.clone(), stream }, &[], span);
        }
        let count = self.step.inputs;
        self.step.inputs += 1;
        let name: Arc<str> = if count == 0 { "input".into() } else { format!("input{count}").into() };
        let Type { dtype, shape } = ty.ty.clone();
        let node = self.emit(Op::Input { name: name.clone(), dtype, shape }, &[], span)?;
        self.step.input_axes.insert(name.clone(), ty.axes.clone());
        if let Some(origin) = self.graph.origin_mut(node) {
            origin.name = Some(name);
        }
        Ok(node)
    }
}

/// What to do about a constraint that does not hold, where that is not plain from what it says.
fn advice(violation: &Violation, code: &str) -> Option<&'static str> {
    if code == codes::TYPE_MISMATCH {
        return Some("convert with `f32(x)` or `i32(x)`");
    }
    let left_open = violation.op == "reshape" && violation.detail.ends_with("is negative");
    left_open.then_some(
        "no size is left open: write it, such as `shape(x)[0]`, or let `rearrange(x, \"b c h w -> b (c h w)\")` work it out",
    )
}

/// Whether mixing this with integers needs floats.
fn fraction(value: &Value) -> bool {
    matches!(value, Value::Float(_))
}

/// A span as the graph stores it.
pub(crate) fn location(span: Span) -> Location {
    Location { file: span.file.0, start: span.start, end: span.end }
}

/// A span as the front end uses it.
pub(crate) fn span_of(location: Location) -> Span {
    Span { file: vspec_syntax::FileId(location.file), start: location.start, end: location.end }
}
