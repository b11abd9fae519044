//! `fn f(x) { .. } with gradient(x, y, dy) -> dx { .. }`: functions that give their own gradient.

use std::rc::Rc;

use vspec_ir::{DType, NodeId, Op, Type};
use vspec_syntax::ast::{FnDef, GradientDef};
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator};
use crate::codes;
use crate::scope::Scope;
use crate::value::Value;

impl Evaluator<'_> {
    /// The value of a function whose way back is written down. `scope` has its parameters.
    pub(super) fn custom_gradient(
        &mut self,
        def: &FnDef,
        gradient: &GradientDef,
        value: &Value,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let y = self.tensor(value, def.name.span)?;
        if self.graph.ty(y).dtype != DType::F32 {
            let message = format!("only a value of type f32 has a gradient, not {}", self.graph.ty(y));
            return self.error(codes::WRONG_KIND, gradient.span, message);
        }
        let dy = self.emit(Op::Cotangent {}, &[y], gradient.span)?;
        let inner = scope.inner();
        let x = self.gradient_names(def, gradient, [y, dy], &inner)?;
        let found = self.block_in(&gradient.body, &inner)?;
        let span = gradient.body.value.as_ref().map_or(gradient.body.span, |value| value.span);
        let dx = self.gradient_parts(&found, &x, span)?;
        let operands: Vec<NodeId> = [y, dy].into_iter().chain(x).chain(dx).collect();
        self.emit(Op::CustomGradient {}, &operands, gradient.span).map(Value::Tensor)
    }

    /// Binds the names of the way back: one for each parameter, the value, what arrives. Returns the parameters that get gradients.
    fn gradient_names(
        &mut self,
        def: &FnDef,
        gradient: &GradientDef,
        [y, dy]: [NodeId; 2],
        inner: &Rc<Scope>,
    ) -> Eval<Vec<NodeId>> {
        let (names, count) = (&gradient.params, def.params.len());
        if names.len() != count + 2 {
            let message = format!("this takes {} names, and `{}` has {count}", names.len(), def.name.name);
            let error = Diagnostic::error(codes::MISSING_ARGUMENT, gradient.span, message);
            return self.fail(
                error.hint("a name for each parameter, then the value, then its gradient: `(x, y, dy)`"),
            );
        }
        let mut x = vec![];
        for (param, name) in def.params.iter().zip(names) {
            let Some(binding) = inner.parent_binding(&param.name.name) else { continue };
            if let Value::Tensor(node) = &binding
                && self.graph.ty(*node).dtype == DType::F32
            {
                x.push(*node);
            }
            inner.bind(name.name.clone(), binding, name.span);
        }
        inner.bind(names[count].name.clone(), Value::Tensor(y), names[count].span);
        inner.bind(names[count + 1].name.clone(), Value::Tensor(dy), names[count + 1].span);
        Ok(x)
    }

    /// One gradient for each of `x`, of its type: a tensor for one, a tuple for several.
    fn gradient_parts(&mut self, found: &Value, x: &[NodeId], span: Span) -> Eval<Vec<NodeId>> {
        let values = match found {
            Value::Tuple(parts) | Value::List(parts) => parts.to_vec(),
            other => vec![other.clone()],
        };
        if values.len() != x.len() {
            let message = format!("{} gradients for {} tensors", values.len(), x.len());
            let error = Diagnostic::error(codes::SHAPE_MISMATCH, span, message);
            return self.fail(error.hint("`(da, db)` has one for each parameter that is a tensor of f32"));
        }
        values.iter().zip(x).map(|(value, x)| self.gradient_part(value, *x, span)).collect()
    }

    fn gradient_part(&mut self, value: &Value, x: NodeId, span: Span) -> Eval<NodeId> {
        let (node, want) = (self.number(value, DType::F32, span)?, self.graph.ty(x).clone());
        let found = self.graph.ty(node).clone();
        if found.rank() == 0 && want.rank() > 0 {
            return self.emit(Op::Broadcast { shape: want.shape }, &[node], span);
        }
        match self.same_type(&found, &want) {
            true => Ok(node),
            false => {
                let message = format!("the gradient is {found}, what it belongs to {want}");
                self.error(codes::SHAPE_MISMATCH, span, message)
            }
        }
    }

    /// Whether two types may be one; what sizes decide is left to the op's own constraint.
    fn same_type(&self, a: &Type, b: &Type) -> bool {
        let facts = self.graph.facts();
        let equal = |(x, y)| vspec_ir::Relation::Equal.decide(x, y, facts) != Some(false);
        a.dtype == b.dtype && a.rank() == b.rank() && a.shape.iter().zip(&b.shape).all(equal)
    }
}
