//! `x per t`: the values of the pairs of one column, as a list that functions reduce.
//!
//! The axis of rows moves behind the leading ones, where it is the first own axis of a value of one column. It has a mask, so that
//! everything that leaves out padding leaves out pairs that take no part.

use std::rc::Rc;

use vspec_ir::{DType, Dim, NodeId, Op};
use vspec_syntax::ast::{Expr, Ident};
use vspec_syntax::{Diagnostic, Span};

use super::one;
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::Value;

impl Evaluator<'_> {
    pub(crate) fn per(
        &mut self,
        value: &Expr,
        over: Option<&Ident>,
        per: &Ident,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let Some(rule) = &self.rule else {
            let error =
                Diagnostic::error(codes::RULE, span, "`per` means something in an assignment rule only");
            return self.fail(error.hint("a reduction over an axis says `axis = ..`"));
        };
        if rule.giving {
            let message = "`per` in a `give`, where each row has one column";
            let error = Diagnostic::error(codes::RULE, span, message);
            return self
                .fail(error.hint("bind it before: `let most = max(x per t)`, then `give most = most`"));
        }
        let along = 1 - self.side_named(per)?;
        let pairs = self.pairs_over(over, scope)?;
        let value = self.expr(value, scope)?;
        let node = self.tensor(&value, span)?;
        let real = self.with_leads(node, span)?;
        let size = self.list_size(along, pairs, span)?;
        let list = self.listed(real, along, size, span)?;
        self.one_of(list, span).map(Value::Tensor)
    }

    /// The pairs that take part; `None` if all do.
    fn pairs_over(&mut self, over: Option<&Ident>, scope: &Rc<Scope>) -> Eval<Option<NodeId>> {
        let rule = self.pairing()?;
        let (candidates, picked) = (rule.candidates, rule.picked);
        let Some(name) = over else {
            return Ok(if rule.over_picked { picked.or(candidates) } else { candidates });
        };
        match (&*name.name, picked) {
            ("all", _) => return Ok(candidates),
            ("picked", Some(picked)) => return Ok(Some(picked)),
            ("picked", None) => {
                let error = Diagnostic::error(codes::RULE, name.span, "nothing is picked yet");
                return self.fail(error.hint("`over all` are all pairs; a `pick` clause has to come first"));
            }
            _ => {}
        }
        let binding = self.lookup(&name.name, name.span, scope)?;
        let node = self.number(&binding.value, DType::Bool, name.span)?;
        let found = self.graph.ty(node).clone();
        if found.dtype != DType::Bool || found.rank() != 0 {
            let message = format!("`over` takes a condition on pairs, and `{}` is {found}", name.name);
            return self.error(codes::RULE, name.span, message);
        }
        let real = self.with_leads(node, name.span)?;
        self.both(candidates, Some(real), name.span)
    }

    /// The size of a list: that of the rows or columns, with a mask where not all pairs take part.
    fn list_size(&mut self, along: usize, pairs: Option<NodeId>, span: Span) -> Eval<Dim> {
        let size = self.pairing()?.sides[along].size.clone();
        let Some(pairs) = pairs else { return Ok(size) };
        if let Some(known) = self.pairing()?.lists.get(&(along, pairs)) {
            return Ok(known.clone());
        }
        let mask = self.listed(pairs, along, size.clone(), span)?;
        let mask = self.one_of(mask, span)?;
        let masked = self.masked_size(size, mask, span)?;
        self.pairing()?.lists.insert((along, pairs), masked.clone());
        Ok(masked)
    }

    /// The axis of rows, or of columns, behind the leading axes, under the name of the list's size.
    fn listed(&mut self, real: NodeId, along: usize, size: Dim, span: Span) -> Eval<NodeId> {
        let axis = self.pairing()?.axis(along);
        let leads = self.leads();
        let mut leading = self.graph.ty(real).shape[..leads].to_vec();
        leading[axis] = self.pairing()?.sides[along].size.clone();
        let real = self.spread_over(real, &leading, span)?;
        let rank = self.graph.ty(real).rank();
        let axes = (0..leads).filter(|a| *a != axis).chain([axis]).chain(leads..rank);
        let axes: Vec<i64> = axes.map(|a| a as i64).collect();
        let moved = self.emit_unchecked(Op::Permute { axes }, &[real], span)?;
        let mut shape = self.graph.ty(moved).shape.clone();
        shape[leads - 1] = size;
        shape.insert(axis, one());
        self.emit_unchecked(Op::Reshape { shape }, &[moved], span)
    }
}
