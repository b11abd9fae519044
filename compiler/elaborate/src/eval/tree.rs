//! Sets of named tensors: the parameters of a module, their gradients, and arithmetic leaf by leaf.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::NodeId;
use vspec_syntax::ast::{BinaryOp, Expr, ExprKind, Ident, UnaryOp};
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator, Place};
use crate::codes;
use crate::scope::Scope;
use crate::value::{DeclKind, Given, Leaf, Tree, Value};

impl Evaluator<'_> {
    /// The tensor of a leaf.
    pub(crate) fn leaf(&mut self, leaf: &Leaf, span: Span) -> Eval<NodeId> {
        match leaf {
            Leaf::Variable(path) => self.read_path(path, span),
            Leaf::Node(node) => Ok(*node),
        }
    }

    /// A tree from each leaf's name and tensor.
    pub(crate) fn map_tree(
        &mut self,
        tree: &Tree,
        span: Span,
        mut body: impl FnMut(&mut Self, &Arc<str>, NodeId) -> Eval<NodeId>,
    ) -> Eval<Tree> {
        let mut result = Tree::default();
        for (name, leaf) in &tree.leaves {
            let node = self.leaf(leaf, span)?;
            let node = body(self, name, node)?;
            result.leaves.insert(name.clone(), Leaf::Node(node));
        }
        Ok(result)
    }

    /// `a op b` where at least one side is a tree and the other a tree with the same names, or a number.
    pub(crate) fn tree_binary(
        &mut self,
        op: BinaryOp,
        [a, b]: [&Value; 2],
        sides: [Span; 2],
        span: Span,
    ) -> Eval<Value> {
        let tree = match (a, b) {
            (Value::Tree(a), Value::Tree(b)) => {
                self.same_leaves(a, b, sides)?;
                a.clone()
            }
            (Value::Tree(tree), _) | (_, Value::Tree(tree)) => tree.clone(),
            _ => return self.error(codes::WRONG_KIND, span, "neither side is a set of parameters"),
        };
        let mut result = Tree::default();
        for name in tree.leaves.keys() {
            let x = self.side(a, name, sides[0])?;
            let y = self.side(b, name, sides[1])?;
            let value = self.binary(op, &x, &y, sides, span)?;
            let node = self.tensor(&value, span)?;
            result.leaves.insert(name.clone(), Leaf::Node(node));
        }
        Ok(Value::Tree(Rc::new(result)))
    }

    /// What one side of an operator gives for a leaf.
    fn side(&mut self, value: &Value, name: &Arc<str>, span: Span) -> Eval<Value> {
        match value {
            Value::Tree(tree) => match tree.leaves.get(name).cloned() {
                Some(leaf) => self.leaf(&leaf, span).map(Value::Tensor),
                None => self.error(codes::UNKNOWN_FIELD, span, format!("there is no `{name}`")),
            },
            other => Ok(other.clone()),
        }
    }

    pub(crate) fn tree_unary(&mut self, op: UnaryOp, tree: &Rc<Tree>, span: Span) -> Eval<Value> {
        let result = self.map_tree(tree, span, |e, _, node| {
            let value = e.unary(op, &Value::Tensor(node), span)?;
            e.tensor(&value, span)
        });
        result.map(|tree| Value::Tree(Rc::new(tree)))
    }

    /// Two trees fit when they have the same names.
    pub(crate) fn same_leaves(&mut self, a: &Tree, b: &Tree, sides: [Span; 2]) -> Eval<()> {
        let missing =
            |from: &Tree, to: &Tree| from.leaves.keys().find(|k| !to.leaves.contains_key(*k)).cloned();
        let (lacks, has) = match (missing(a, b), missing(b, a)) {
            (None, None) => return Ok(()),
            (Some(name), _) => ((name, sides[1]), sides[0]),
            (None, Some(name)) => ((name, sides[0]), sides[1]),
        };
        let message = format!("these sets of parameters differ: there is no `{}` here", lacks.0);
        let error = Diagnostic::error(codes::UNKNOWN_FIELD, lacks.1, message);
        self.fail(if has == lacks.1 { error } else { error.also(has, "it is among these") })
    }

    /// `tree.weight`: a leaf, or the leaves below a name.
    pub(crate) fn tree_field(&mut self, tree: &Rc<Tree>, base: &Value, field: &Ident) -> Eval<Value> {
        let (base, tree) = (base.clone(), tree.clone());
        if let Some(leaf) = tree.leaves.get(&field.name) {
            return self.leaf(leaf, field.span).map(Value::Tensor);
        }
        let prefix = format!("{}.", field.name);
        let below =
            tree.leaves.iter().filter_map(|(n, l)| Some((n.strip_prefix(&prefix)?.into(), l.clone())));
        let leaves: indexmap::IndexMap<Arc<str>, Leaf> = below.collect();
        if leaves.is_empty() {
            let mut names: Vec<&str> = tree.leaves.keys().filter_map(|n| n.split('.').next()).collect();
            names.dedup();
            return self.no_field(&base, field, names);
        }
        Ok(Value::Tree(Rc::new(Tree { leaves })))
    }

    /// What `update m.params = ..` or `update m.state = ..` writes.
    pub(crate) fn tree_target(&mut self, target: &Expr, scope: &Rc<Scope>) -> Eval<Option<Tree>> {
        let ExprKind::Field(base, field) = &target.kind else { return Ok(None) };
        let Some(kind) = DeclKind::of_tree(&field.name) else { return Ok(None) };
        let instance = match self.expr(base, scope)? {
            Value::Instance(instance) => instance,
            Value::View(view) => view.base.clone(),
            _ => return Ok(None),
        };
        if self.place != Place::Step {
            return self.error(
                codes::WRONG_PLACE,
                target.span,
                "all of a module's values change only in a step",
            );
        }
        self.variables_of(&instance, kind, target.span).map(Some)
    }

    /// Writes each leaf; the new value is a tree with the same names, or one number for all.
    pub(crate) fn update_tree(&mut self, target: &Tree, value: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        let given = self.given(None, value, scope)?;
        if let Value::Tree(new) = &given.value {
            self.same_leaves(target, new, [value.span, value.span])?;
        }
        for (name, leaf) in &target.leaves {
            let Leaf::Variable(path) = leaf else { continue };
            let part = self.side(&given.value, name, value.span)?;
            let Some(ty) = self.declared.get(path).map(|d| d.ty.clone()) else { continue };
            self.write(path, &ty, &Given { value: part, ..given.clone() })?;
        }
        Ok(())
    }
}
