//! What a call of a rule returns.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::{DType, Dim, NodeId, Op};
use vspec_syntax::{Diagnostic, Span};

use super::{COLS, ROWS, one};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

impl Evaluator<'_> {
    /// A record: what is given, by name, then `picked`, `index` where a row has at most one column, `ignored`, `row` of a sample
    /// with repetition; or `positive`, `negative` and `weight`.
    pub(super) fn rule_result(&mut self, span: Span) -> Eval<Value> {
        let rule = self.pairing()?;
        let (picked, single) = (rule.picked, rule.single);
        let pairs = [("positive", rule.positive), ("negative", rule.negative), ("weight", rule.weight)];
        if picked.is_none() && pairs.iter().all(|(_, real)| real.is_none()) {
            let error = Diagnostic::error(codes::RULE, span, "the rule picks nothing");
            return self
                .fail(error.hint("`pick` or `positive where` says which rows belong to which columns"));
        }
        let mut record: IndexMap<Arc<str>, Value> = IndexMap::new();
        let given: Vec<_> = self.pairing()?.given.iter().map(|(name, real)| (name.clone(), *real)).collect();
        for (name, real) in given {
            let value = self.row_result(real, span)?;
            record.insert(name, Value::Tensor(self.sampled_rows(value, span)?));
        }
        if let Some(picked) = picked {
            let value = self.pair_result(picked, span)?;
            record.insert("picked".into(), Value::Tensor(value));
            let ignored = self.ignored_rows(span)?;
            if single {
                let value = self.index_result(span)?;
                record.insert("index".into(), Value::Tensor(self.sampled_rows(value, span)?));
            }
            let value = self.row_result(ignored, span)?;
            record.insert("ignored".into(), Value::Tensor(value));
        }
        self.row_of_sample(&mut record, span)?;
        for (name, real) in pairs {
            if let Some(real) = real {
                let value = self.pair_result(real, span)?;
                record.insert(name.into(), Value::Tensor(value));
            }
        }
        Ok(Value::Record(Rc::new(record)))
    }

    /// The column of each row, -1 for rows without a pair.
    fn index_result(&mut self, span: Span) -> Eval<NodeId> {
        self.chosen(span)?;
        let Some(place) = self.pairing()?.choice.as_ref().map(|c| c.place) else {
            return Err(crate::eval::Stop);
        };
        let one_less = self.full(1.0, DType::I32, vec![], span)?;
        let index = self.emit_unchecked(Op::Sub {}, &[place, one_less], span)?;
        self.row_result(index, span)
    }

    /// Which rows take no part: those that a clause ignores, unless they have a pair.
    fn ignored_rows(&mut self, span: Span) -> Eval<NodeId> {
        let matched = self.matched_rows(span)?;
        let free = self.emit_unchecked(Op::Not {}, &[matched], span)?;
        match self.pairing()?.ignored {
            Some(ignored) => self.emit_unchecked(Op::And {}, &[ignored, free], span),
            None => {
                let shape = self.graph.ty(matched).shape.clone();
                self.emit_unchecked(Op::Full { value: 0.0, dtype: DType::Bool, shape }, &[], span)
            }
        }
    }

    /// Which rows have a pair.
    pub(super) fn matched_rows(&mut self, span: Span) -> Eval<NodeId> {
        if self.pairing()?.single {
            return self.chosen(span);
        }
        let picked = self.something_picked(span, "sample")?;
        let axis = self.pairing()?.axis(COLS) as i64;
        let pairs = self.emit_unchecked(Op::Cast { dtype: DType::I32 }, &[picked], span)?;
        let count = self.emit_unchecked(Op::Sum { axes: vec![axis], keepdims: true }, &[pairs], span)?;
        self.emit_unchecked(Op::Cast { dtype: DType::Bool }, &[count], span)
    }

    /// A real without columns as `[batch, rows, own]`.
    fn row_result(&mut self, real: NodeId, span: Span) -> Eval<NodeId> {
        let mut leading = self.pairing()?.leading();
        leading[self.leads() - 1] = one();
        let real = self.spread_over(real, &leading, span)?;
        let mut shape = self.graph.ty(real).shape.clone();
        shape.remove(self.leads() - 1);
        let rows = self.leads() - 2;
        shape[rows] = self.result_size(ROWS)?;
        let node = self.emit_unchecked(Op::Reshape { shape }, &[real], span)?;
        self.stopped(node, span)
    }

    /// A real as `[batch, rows, columns]`.
    fn pair_result(&mut self, real: NodeId, span: Span) -> Eval<NodeId> {
        let real = self.in_full(real, span)?;
        let mut shape = self.graph.ty(real).shape.clone();
        for side in [ROWS, COLS] {
            let axis = self.pairing()?.axis(side);
            shape[axis] = self.result_size(side)?;
        }
        let node = self.emit_unchecked(Op::Reshape { shape }, &[real], span)?;
        self.stopped(node, span)
    }

    fn result_size(&mut self, side: usize) -> Eval<Dim> {
        let side = &self.pairing()?.sides[side];
        Ok(side.masked.clone().unwrap_or_else(|| side.size.clone()))
    }

    /// Parameters of a rule may be tensors; they get no gradient either.
    fn stopped(&mut self, node: NodeId, span: Span) -> Eval<NodeId> {
        match self.graph.ty(node).dtype {
            DType::F32 => self.emit_unchecked(Op::StopGradient {}, &[node], span),
            _ => Ok(node),
        }
    }
}
