//! Parameters on manifolds: `param bank: f32[n, k] on stiefel = haar`.
//!
//! A manifold is a record of functions: `tangent(x, g)` for gradients, `retract(x)` for every value that the parameter takes.

use std::rc::Rc;

use vspec_ir::NodeId;
use vspec_syntax::ast::Ident;
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator};
use crate::codes;
use crate::value::{Given, Value, VariableDecl};

impl Evaluator<'_> {
    /// The point of the manifold that a value of a variable is brought to; the value itself where the variable is free.
    pub(crate) fn onto_manifold(&mut self, decl: &Rc<VariableDecl>, value: NodeId) -> Eval<NodeId> {
        self.manifold_call(decl, "retract", &[value])
    }

    /// The part of a gradient along the manifold of a variable at its value; the gradient itself where the variable is free.
    pub(crate) fn along_manifold(
        &mut self,
        decl: &Rc<VariableDecl>,
        [value, gradient]: [NodeId; 2],
    ) -> Eval<NodeId> {
        self.manifold_call(decl, "tangent", &[value, gradient])
    }

    /// Calls a function of a variable's manifold; the last operand where there is none.
    fn manifold_call(&mut self, decl: &Rc<VariableDecl>, name: &str, operands: &[NodeId]) -> Eval<NodeId> {
        let Some(&last) = operands.last() else {
            return self.error(codes::WRONG_KIND, Span::default(), name);
        };
        let Some(manifold) = decl.def.manifold.clone() else { return Ok(last) };
        let span = manifold.span;
        let record = self.expr(&manifold, &decl.scope)?;
        if !matches!(record, Value::Record(_)) {
            let message = format!("a manifold is a record of `tangent` and `retract`, not {}", record.kind());
            let error = Diagnostic::error(codes::WRONG_KIND, span, message);
            return self
                .fail(error.hint("`use std.manifolds.stiefel`, then `param w: f32[8, 4] on stiefel`"));
        }
        let function = self.field(&record, &Ident { name: name.into(), span })?;
        let given = |node: &NodeId| Given { name: None, value: Value::Tensor(*node), span, origin: span };
        let value = self.call(&function, operands.iter().map(given).collect(), span, span)?;
        let node = self.tensor(&value, span)?;
        self.fit(node, &decl.ty, span)
    }
}
