//! What `minimize .. over` and `apply .. to` name: parameters, and gradients that are ready.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::NodeId;
use vspec_syntax::ast::Expr;
use vspec_syntax::{Diagnostic, Span};

use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::{DeclKind, Leaf, Value};

impl Evaluator<'_> {
    /// Paths of the parameters that `over` names: those of modules, single ones, lists of both.
    pub(super) fn trained_paths(&mut self, over: &Expr, scope: &Rc<Scope>) -> Eval<Vec<Arc<str>>> {
        let value = self.expr(over, scope)?;
        let mut paths = vec![];
        self.add_paths(&value, over.span, &mut paths)?;
        Ok(paths)
    }

    fn add_paths(&mut self, value: &Value, span: Span, out: &mut Vec<Arc<str>>) -> Eval<()> {
        let tree = match value {
            Value::Tree(tree) => Rc::clone(tree),
            Value::Instance(instance) => Rc::new(self.variables_of(instance, DeclKind::Param, span)?),
            Value::View(view) => Rc::new(self.variables_of(&view.base, DeclKind::Param, span)?),
            Value::List(items) | Value::Tuple(items) => {
                return items.iter().try_for_each(|item| self.add_paths(item, span, out));
            }
            Value::Tensor(node) => {
                let Some(path) = self.param_at(*node) else { return self.not_params(value, span) };
                out.push(path);
                return Ok(());
            }
            other => return self.not_params(other, span),
        };
        for leaf in tree.leaves.values() {
            match leaf {
                Leaf::Variable(path) => out.push(path.clone()),
                Leaf::Node(_) => {
                    return self.error(codes::WRONG_KIND, span, "these are values, not parameters");
                }
            }
        }
        Ok(())
    }

    /// The parameter whose value at this place of the step a node is, unless several have it.
    fn param_at(&self, node: NodeId) -> Option<Arc<str>> {
        let is_param = |path: &Arc<str>| self.declared.get(path).is_some_and(|d| d.kind == DeclKind::Param);
        let mut here = self.current.iter().filter(|(path, at)| **at == node && is_param(path));
        match (here.next(), here.next()) {
            (Some((path, _)), None) => Some(path.clone()),
            _ => None,
        }
    }

    fn not_params<T>(&mut self, found: &Value, span: Span) -> Eval<T> {
        let message =
            format!("this takes parameters, such as `net.params` or `net.scale`, not {}", found.kind());
        self.error(codes::WRONG_KIND, span, message)
    }

    /// Tensors of a set of gradients, of one gradient, or of a list of both.
    pub(super) fn ready_gradients(&mut self, value: &Value, span: Span) -> Eval<Vec<NodeId>> {
        let parts: Vec<Eval<Vec<NodeId>>> = match value {
            Value::Tensor(node) => return Ok(vec![*node]),
            Value::Tree(tree) => return tree.leaves.values().map(|leaf| self.leaf(leaf, span)).collect(),
            Value::List(items) | Value::Tuple(items) => {
                items.iter().map(|item| self.ready_gradients(item, span)).collect()
            }
            other => {
                let message =
                    format!("what is applied has one gradient for each parameter, not {}", other.kind());
                let error = Diagnostic::error(codes::WRONG_KIND, span, message);
                return self.fail(error.hint("`apply grad(loss, net.params) to net.params by opt`"));
            }
        };
        Ok(parts.into_iter().collect::<Eval<Vec<_>>>()?.concat())
    }
}
