//! Assignment rules: which rows belong to which columns.
//!
//! Clauses are written for one row and one column. `lift.rs` says how such a value becomes one with axes for batch, rows and columns
//! in front; here, such a node is called *real*. What a rule decides is a real of bools, changed clause by clause.

mod clauses;
mod entry;
mod give;
mod lift;
mod lists;
mod pick;
mod result;
mod sample;
mod sight;

pub(crate) use sight::Sight;

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::{DType, Dim, NodeId, Op};
use vspec_syntax::{Diagnostic, Span, ast, did_you_mean};

use super::call::Signature;
use super::{Eval, Evaluator, Stop};
use crate::codes;
use crate::load::AssignItem;
use crate::scope::Scope;
use crate::value::{Given, Value};

/// The rows or the columns of a rule.
#[derive(Debug)]
pub(super) struct Side {
    /// What clauses call one of them.
    name: Arc<str>,
    /// How many there are, padding included.
    size: Dim,
    /// The size with a mask, where some are padding.
    masked: Option<Dim>,
    /// Which are no padding: a real.
    valid: Option<NodeId>,
}

/// The rule that is being evaluated.
#[derive(Debug)]
pub(crate) struct Pairing {
    /// Axes in front of those of rows and columns.
    batch: Vec<Dim>,
    /// Rows, then columns.
    sides: [Side; 2],
    /// Pairs that can be picked; `None` if all can.
    candidates: Option<NodeId>,
    picked: Option<NodeId>,
    /// Whether a row has at most one column.
    single: bool,
    /// What `resolve` has left of the pairs of each row.
    resolved: Option<clauses::Resolved>,
    /// Rows that take no part unless they have a pair.
    ignored: Option<NodeId>,
    /// Rows in the order in which `sample .. repeating` takes them, and the size of that list.
    sampled: Option<(NodeId, Dim)>,
    /// Whether `per` means the pairs that are still picked.
    over_picked: bool,
    /// Sizes of lists, by the axis that they run along and the pairs that they hold.
    lists: IndexMap<(usize, NodeId), Dim>,
    /// Whether values are those of the pair that a row is part of.
    giving: bool,
    /// The pair of each row.
    choice: Option<give::Choice>,
    given: IndexMap<Arc<str>, NodeId>,
    /// Pairs and the weights of pairs, of a rule that weights them.
    positive: Option<NodeId>,
    negative: Option<NodeId>,
    weight: Option<NodeId>,
}

const ROWS: usize = 0;
const COLS: usize = 1;

fn one() -> Dim {
    Dim::from(1i64)
}

impl Pairing {
    /// The leading axis of rows or columns.
    fn axis(&self, side: usize) -> usize {
        self.batch.len() + side
    }

    /// Leading axes in full.
    fn leading(&self) -> Vec<Dim> {
        self.batch.iter().chain(self.sides.iter().map(|s| &s.size)).cloned().collect()
    }
}

impl Evaluator<'_> {
    /// A call of a rule with its rows and columns: a record of what it gives.
    pub(super) fn call_rule(
        &mut self,
        item: &Rc<AssignItem>,
        scope: &Rc<Scope>,
        args: Vec<Given>,
        span: Span,
    ) -> Eval<Value> {
        let def = &item.def;
        if self.rule.is_some() {
            let message = format!("rule `{}` is called within a rule", def.name.name);
            let error = Diagnostic::error(codes::RULE, span, message);
            return self.fail(error.hint("call it before, and give what it gives as a field of the rows"));
        }
        let sides = [&def.rows, &def.cols];
        let names = sides.map(|(name, _)| &*name.name).to_vec();
        let slots = self.match_arguments(&Signature { callee: &def.name.name, names }, args)?;
        let [Some(rows), Some(cols)] = slots.as_slice() else {
            let missing = sides.iter().zip(&slots).filter(|(_, s)| s.is_none()).map(|((n, _), _)| n);
            return self.missing(&def.name.name, &missing.collect::<Vec<_>>(), span);
        };
        self.framed(span, format!("`{}`, called here", def.name.name), |e| {
            let result = e.evaluate_rule(def, [rows, cols], &scope.inner());
            e.rule = None;
            e.lifted.clear();
            result
        })
    }

    fn evaluate_rule(&mut self, def: &ast::AssignDef, given: [&Given; 2], scope: &Rc<Scope>) -> Eval<Value> {
        self.enter_rule(def, given, scope)?;
        let mut failed = false;
        for clause in &def.clauses {
            failed |= self.rule_clause(clause, scope).is_err();
            if failed && self.saturated() {
                break;
            }
        }
        if failed {
            return Err(Stop);
        }
        let result = self.rule_result(def.name.span)?;
        self.note_rule(def, given, &result)?;
        Ok(result)
    }

    /// The rule that is being evaluated.
    fn pairing(&mut self) -> Eval<&mut Pairing> {
        self.rule.as_deref_mut().ok_or(Stop)
    }

    /// Which side a name in a clause means.
    fn side_named(&mut self, name: &ast::Ident) -> Eval<usize> {
        let names = self.pairing()?.sides.each_ref().map(|side| side.name.clone());
        if let Some(side) = names.iter().position(|n| **n == *name.name) {
            return Ok(side);
        }
        let message = format!("`{}` is neither the row nor the column of this rule", name.name);
        let error = Diagnostic::error(codes::RULE, name.span, message);
        let hint = match did_you_mean(&name.name, names.iter().map(|n| &**n)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("they are `{}` and `{}`", names[ROWS], names[COLS]),
        };
        self.fail(error.hint(hint))
    }

    /// Both of two reals of bools, each of which may be absent.
    fn both(&mut self, a: Option<NodeId>, b: Option<NodeId>, span: Span) -> Eval<Option<NodeId>> {
        match (a, b) {
            (Some(a), Some(b)) => self.emit_unchecked(Op::And {}, &[a, b], span).map(Some),
            (a, b) => Ok(a.or(b)),
        }
    }

    /// A real repeated along the leading axes that it does not depend on.
    fn in_full(&mut self, real: NodeId, span: Span) -> Eval<NodeId> {
        let leading = self.pairing()?.leading();
        self.spread_over(real, &leading, span)
    }

    /// A real of bools: what an expression says of a pair.
    fn pair_condition(&mut self, expr: &ast::Expr, scope: &Rc<Scope>) -> Eval<NodeId> {
        let value = self.expr(expr, scope)?;
        let node = self.number(&value, DType::Bool, expr.span)?;
        let found = self.graph.ty(node).clone();
        if found.dtype != DType::Bool || found.rank() != 0 {
            let message = format!("a condition on a pair is one bool, not {found}");
            let error = Diagnostic::error(codes::RULE, expr.span, message);
            return self
                .fail(error.hint("for one pair there is `bool[]`: compare, or reduce the axes with `axis`"));
        }
        self.with_leads(node, expr.span)
    }

    /// A real of floats: the number that an expression gives to a pair.
    fn pair_number(&mut self, expr: &ast::Expr, scope: &Rc<Scope>) -> Eval<NodeId> {
        let value = self.expr(expr, scope)?;
        let node = self.number(&value, DType::F32, expr.span)?;
        let found = self.graph.ty(node).clone();
        if found.dtype == DType::Bool || found.rank() != 0 {
            let message = format!("a pair is compared by one number, not by {found}");
            let error = Diagnostic::error(codes::RULE, expr.span, message);
            return self.fail(error.hint("for one pair there is `f32[]`: reduce the axes with `axis`"));
        }
        let real = self.with_leads(node, expr.span)?;
        match found.dtype {
            DType::F32 => Ok(real),
            _ => self.emit_unchecked(Op::Cast { dtype: DType::F32 }, &[real], expr.span),
        }
    }

    /// Refuses a value that depends on rows, or on columns, where there is one for each of the others.
    fn independent_of(&mut self, real: NodeId, side: usize, span: Span, what: &str) -> Eval<()> {
        let axis = self.pairing()?.axis(side);
        if !lift::spread(&self.graph.ty(real).shape[axis]) {
            return Ok(());
        }
        let (one, other) = match side {
            ROWS => ("row", "column"),
            _ => ("column", "row"),
        };
        let name = self.pairing()?.sides[side].name.clone();
        let message = format!("{what} is one for each {other}, and this depends on the {one} `{name}`");
        let kept = self.pairing()?.sides[1 - side].name.clone();
        let error = Diagnostic::error(codes::RULE, span, message);
        self.fail(error.hint(format!("reduce it first, as in `max(x per {kept})`")))
    }

    /// The index of each row or column: a real of ints.
    fn places(&mut self, side: usize, span: Span) -> Eval<NodeId> {
        let rule = self.pairing()?;
        let axis = rule.axis(side);
        let mut shape = vec![one(); rule.batch.len() + 2];
        shape[axis] = rule.sides[side].size.clone();
        self.emit_unchecked(Op::Iota { shape, axis: axis as i64 }, &[], span)
    }
}
