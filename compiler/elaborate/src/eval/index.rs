//! `x[..]`: elements of lists, slices of tensors, and type literals.

use std::rc::Rc;

use vspec_ir::{DType, Dim, NodeId, Op, Type};
use vspec_syntax::Span;
use vspec_syntax::ast::{Expr, ExprKind, IndexArg};

use super::{Eval, Evaluator};
use crate::codes;
use crate::scope::Scope;
use crate::value::{TypeValue, Value};

impl Evaluator<'_> {
    pub(crate) fn index(
        &mut self,
        whole: &Expr,
        base: &Expr,
        args: &[IndexArg],
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        if let ExprKind::Name(name) = &base.kind
            && let Some(dtype) = DType::from_name(name)
        {
            return self.type_literal(dtype, args, whole.span, scope);
        }
        match self.expr(base, scope)? {
            Value::List(items) | Value::Tuple(items) => self.list_index(&items, args, whole.span, scope),
            Value::Tensor(node) => self.tensor_index(node, args, whole.span, scope).map(Value::Tensor),
            other => self.error(codes::WRONG_KIND, base.span, format!("cannot index {}", other.kind())),
        }
    }

    /// `f32[1, 3, H, W]` as an expression.
    fn type_literal(
        &mut self,
        dtype: DType,
        args: &[IndexArg],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let (mut shape, mut axes) = (vec![], vec![]);
        for arg in args {
            let IndexArg::At(size) = arg else {
                return self.error(codes::WRONG_KIND, span, "a tensor type lists one size for each axis");
            };
            shape.push(self.literal_dim(size, scope)?);
            axes.push(size.span);
        }
        Ok(Value::Type(Rc::new(TypeValue { ty: Type::new(dtype, shape), axes })))
    }

    /// A size of a type literal: arithmetic over what is in scope; a capitalised name that is not in scope names a size.
    fn literal_dim(&mut self, size: &Expr, scope: &Rc<Scope>) -> Eval<Dim> {
        let inner = scope.inner();
        self.bind_symbols(size, &inner);
        match self.expr(size, &inner)?.as_dim() {
            Some(dim) if dim.as_const().is_none_or(|c| c >= 0) => Ok(dim),
            Some(dim) => self.error(codes::OUT_OF_RANGE, size.span, format!("size {dim} is negative")),
            None => self.error(codes::WRONG_KIND, size.span, "a size is an int"),
        }
    }

    fn bind_symbols(&mut self, size: &Expr, scope: &Rc<Scope>) {
        match &size.kind {
            ExprKind::Name(name) if name.starts_with(char::is_uppercase) && !self.in_scope(name, scope) => {
                scope.bind(name.clone(), Value::Dim(Dim::symbol(name)), size.span);
            }
            ExprKind::Binary(_, a, b) => {
                self.bind_symbols(a, scope);
                self.bind_symbols(b, scope);
            }
            _ => {}
        }
    }

    fn list_index(
        &mut self,
        items: &Rc<Vec<Value>>,
        args: &[IndexArg],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        match args {
            [IndexArg::At(at)] => {
                let i = self.static_int(at, scope)?;
                match position(i, items.len()) {
                    Some(i) => Ok(items[i].clone()),
                    None => {
                        let message = format!("index {i} is outside a list of {}", items.len());
                        self.error(codes::OUT_OF_RANGE, at.span, message)
                    }
                }
            }
            [IndexArg::Slice { start, end, step: None, .. }] => {
                let from = self.bound(start.as_ref(), 0, items.len(), scope)?;
                let to = self.bound(end.as_ref(), items.len(), items.len(), scope)?;
                Ok(Value::list(items.get(from..to.max(from)).unwrap_or_default().to_vec()))
            }
            _ => self.error(codes::WRONG_KIND, span, "a list takes one index or one slice `a:b`"),
        }
    }

    fn bound(&mut self, expr: Option<&Expr>, default: usize, len: usize, scope: &Rc<Scope>) -> Eval<usize> {
        let Some(expr) = expr else { return Ok(default) };
        let i = self.static_int(expr, scope)?;
        let i = if i < 0 { i + len as i64 } else { i };
        Ok(i.clamp(0, len as i64) as usize)
    }

    fn tensor_index(
        &mut self,
        node: NodeId,
        args: &[IndexArg],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<NodeId> {
        let rank = self.graph.ty(node).rank();
        let named = args.iter().filter(|a| !matches!(a, IndexArg::Ellipsis(_))).count();
        if named > rank {
            let message = format!("{named} indices for {}", self.graph.ty(node));
            return self.error(codes::OUT_OF_RANGE, span, message);
        }
        let (mut result, mut axis) = (node, 0);
        for arg in args {
            match arg {
                IndexArg::Ellipsis(_) => axis += rank - named,
                IndexArg::Slice { start, end, step, .. } => {
                    result = self.slice(result, axis, [start, end, step], span, scope)?;
                    axis += 1;
                }
                IndexArg::At(at) => {
                    let (next, kept) = self.take(result, axis, at, scope)?;
                    result = next;
                    axis += kept;
                }
            }
        }
        Ok(result)
    }

    /// `x[a:b:s]` along one axis; negative bounds count from the end.
    fn slice(
        &mut self,
        x: NodeId,
        axis: usize,
        parts: [&Option<Expr>; 3],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<NodeId> {
        let size = self.graph.ty(x).shape[axis].clone();
        let start = self.slice_bound(parts[0].as_ref(), Dim::from(0i64), &size, scope)?;
        let end = self.slice_bound(parts[1].as_ref(), size.clone(), &size, scope)?;
        let step = match parts[2] {
            Some(step) => self.static_int(step, scope)?,
            None => 1,
        };
        if step == 1 && start == Dim::from(0i64) && end == size {
            return Ok(x);
        }
        self.emit(Op::Slice { axis: axis as i64, start, end, step }, &[x], span)
    }

    fn slice_bound(
        &mut self,
        bound: Option<&Expr>,
        default: Dim,
        size: &Dim,
        scope: &Rc<Scope>,
    ) -> Eval<Dim> {
        let Some(bound) = bound else { return Ok(default) };
        match self.expr(bound, scope)?.as_dim() {
            Some(dim) if dim.as_const().is_some_and(|c| c < 0) => Ok(size + &dim),
            Some(dim) => Ok(dim),
            None => self.error(codes::NOT_STATIC, bound.span, "the bounds of a slice have to be static"),
        }
    }

    /// `x[i]`: a static index removes the axis, a tensor of indices replaces it. Returns how many axes took its place.
    fn take(&mut self, x: NodeId, axis: usize, at: &Expr, scope: &Rc<Scope>) -> Eval<(NodeId, usize)> {
        let value = self.expr(at, scope)?;
        if let Value::Tensor(index) = value {
            let rank = self.graph.ty(index).rank();
            let node = self.emit(Op::Gather { axis: axis as i64 }, &[x, index], at.span)?;
            return Ok((node, rank));
        }
        let Some(mut start) = value.as_dim() else {
            let message = format!("an index is an int or a tensor of ints, not {}", value.kind());
            return self.error(codes::WRONG_KIND, at.span, message);
        };
        let mut shape = self.graph.ty(x).shape.clone();
        if start.as_const().is_some_and(|c| c < 0) {
            start = &shape[axis] + &start;
        }
        let end = &start + &Dim::from(1i64);
        let one = self.emit(Op::Slice { axis: axis as i64, start, end, step: 1 }, &[x], at.span)?;
        shape.remove(axis);
        Ok((self.emit(Op::Reshape { shape }, &[one], at.span)?, 0))
    }
}

/// A Python-style index as a position.
fn position(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index + len as i64 } else { index };
    usize::try_from(index).ok().filter(|i| *i < len)
}
