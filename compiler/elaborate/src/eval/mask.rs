//! Masked axes: rows of which some are only padding.
//!
//! A masked axis has a size with a name of its own, and the evaluator remembers the mask of that name. So shape inference carries
//! masks along by itself: whatever has that size in its shape has that mask. Reductions leave padding out; an operation that would
//! hide which rows are padding is refused.

use std::sync::Arc;

use vspec_ir::{DType, Dim, NodeId, Op, Relation};
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator};
use crate::codes;

impl Evaluator<'_> {
    /// The mask of a size: `bool[.., size]`, with batch axes in front.
    pub(crate) fn mask_of(&self, dim: &Dim) -> Option<NodeId> {
        self.masks.get(dim.as_symbol()?).copied()
    }

    /// Axes of a tensor that are masked.
    pub(crate) fn masked_axes(&self, x: NodeId) -> Vec<usize> {
        let shape = &self.graph.ty(x).shape;
        (0..shape.len()).filter(|axis| self.mask_of(&shape[*axis]).is_some()).collect()
    }

    /// A new name for a size, with the mask of its rows.
    pub(crate) fn masked_size(&mut self, size: Dim, mask: NodeId, span: Span) -> Eval<Dim> {
        let name: Arc<str> = format!("rows{}", self.masks.len() + 1).into();
        let dim = Dim::symbol(&name);
        self.graph.facts_mut().define(&name, size);
        let mut shape = self.graph.ty(mask).shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = dim.clone();
        }
        let mask = self.emit_unchecked(Op::Reshape { shape }, &[mask], span)?;
        self.masks.insert(name, mask);
        Ok(dim)
    }

    /// The same values with another size in an axis; both are equal when sizes are bound.
    pub(crate) fn resized(&mut self, x: NodeId, axis: usize, size: Dim, span: Span) -> Eval<NodeId> {
        let mut shape = self.graph.ty(x).shape.clone();
        shape[axis] = size;
        self.emit_unchecked(Op::Reshape { shape }, &[x], span)
    }

    /// The mask of an axis in a shape that broadcasts to that of `x`.
    pub(crate) fn mask_beside(&mut self, x: NodeId, axis: usize, span: Span) -> Eval<Option<NodeId>> {
        let shape = self.graph.ty(x).shape.clone();
        let Some(mask) = self.mask_of(&shape[axis]) else { return Ok(None) };
        let mut target = vec![Dim::from(1i64); shape.len()];
        target[axis] = shape[axis].clone();
        let batch: Vec<Dim> = self.graph.ty(mask).shape.iter().rev().skip(1).rev().cloned().collect();
        let mut from = 0;
        for dim in batch {
            let facts = self.graph.facts();
            let found = (from..axis).find(|i| Relation::Equal.decide(&shape[*i], &dim, facts) == Some(true));
            let Some(at) = found else {
                let message =
                    format!("axis {axis} is padded differently for each of {dim}, which is no axis here");
                return self.error(codes::MASKED, span, message);
            };
            target[at] = dim;
            from = at + 1;
        }
        self.emit(Op::Reshape { shape: target }, &[mask], span).map(Some)
    }

    /// What is true for rows that are no padding along the given axes; `None` where there is no padding.
    pub(crate) fn valid(&mut self, x: NodeId, axes: &[usize], span: Span) -> Eval<Option<NodeId>> {
        let mut valid = None;
        for axis in axes {
            let Some(mask) = self.mask_beside(x, *axis, span)? else { continue };
            valid = Some(match valid {
                None => mask,
                Some(other) => self.emit(Op::And {}, &[other, mask], span)?,
            });
        }
        Ok(valid)
    }

    /// `value` in place of padding along the given axes.
    pub(crate) fn filled(&mut self, x: NodeId, axes: &[usize], value: f64, span: Span) -> Eval<NodeId> {
        match self.valid(x, axes, span)? {
            Some(valid) => self.where_else(valid, x, value, span),
            None => Ok(x),
        }
    }

    /// `x` where the mask is true, a number elsewhere.
    pub(crate) fn where_else(&mut self, mask: NodeId, x: NodeId, value: f64, span: Span) -> Eval<NodeId> {
        let dtype = self.graph.ty(x).dtype;
        let other = self.full(value, dtype, vec![], span)?;
        self.emit(Op::Where {}, &[mask, x, other], span)
    }

    /// The operands of a product: padding counts as 0.
    pub(crate) fn zero_padding(&mut self, x: NodeId, span: Span) -> Eval<NodeId> {
        let axes = self.masked_axes(x);
        if axes.is_empty() { Ok(x) } else { self.filled(x, &axes, 0.0, span) }
    }

    /// The same values with the size of an axis without its mask.
    pub(crate) fn unmasked(&mut self, x: NodeId, axis: usize, span: Span) -> Eval<NodeId> {
        let size = self.graph.ty(x).shape[axis].clone();
        match self.mask_of(&size) {
            Some(_) => {
                let plain = self.plain_size(&size);
                self.resized(x, axis, plain, span)
            }
            None => Ok(x),
        }
    }

    /// A size without its mask.
    pub(crate) fn plain_size(&mut self, dim: &Dim) -> Dim {
        let Some(symbol) = dim.as_symbol() else { return dim.clone() };
        if let Some(value) = self.graph.facts().definition(symbol) {
            return value.clone();
        }
        // A size that inputs give: another name for the same number.
        let name = format!("{symbol}_all");
        self.graph.facts_mut().define(&name, dim.clone());
        Dim::symbol(&name)
    }

    /// Refuses a result in whose shape it can no longer be seen which rows are padding.
    pub(crate) fn keeps_masks(&mut self, op: &Op, inputs: &[NodeId], result: NodeId, span: Span) -> Eval<()> {
        let hidden = self.graph.ty(result).shape.iter().find(|dim| {
            dim.as_symbol().is_none() && dim.symbols().iter().any(|s| self.masks.contains_key(s))
        });
        let cut = match op {
            Op::Slice { axis, .. } => {
                let before = &self.graph.ty(inputs[0]).shape[*axis as usize];
                let after = &self.graph.ty(result).shape[*axis as usize];
                self.mask_of(before).is_some() && before != after
            }
            _ => false,
        };
        if hidden.is_none() && !cut {
            return Ok(());
        }
        let found = self.graph.ty(result);
        let message =
            format!("`{}` of a padded axis: in {found} padding could not be told from rows", op.decl().name);
        self.fail(Diagnostic::error(codes::MASKED, span, message).hint(
            "`select(x, where = ..)` chooses rows; `filled(x, 0.0)` makes the padding rows like others",
        ))
    }
}

/// What a reduction takes for padding: the largest or the smallest number of a type.
pub(crate) fn extreme_of(dtype: DType, largest: bool) -> f64 {
    match (dtype, largest) {
        (DType::I32, true) => f64::from(i32::MAX),
        (DType::I32, false) => f64::from(i32::MIN),
        (_, true) => f64::INFINITY,
        (_, false) => f64::NEG_INFINITY,
    }
}
