//! What a rule is given: records of tensors, taken apart into the fields of one row and of one column.
//!
//! Masks come off here: padding is 0, and which rows and columns are none is known to the rule. No gradient passes.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::{DType, Dim, NodeId, Obligation, Op, Relation};
use vspec_syntax::ast::{AssignDef, Ident, TypeExpr, TypeKind};
use vspec_syntax::{Diagnostic, Span};

use super::{COLS, Pairing, ROWS, Side, one};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::load::Definition;
use crate::scope::Scope;
use crate::value::{Given, Value};

/// A tensor with axes for batch and rows, or batch and columns, in front of its own.
struct Entry {
    node: NodeId,
    side: usize,
    /// Its type for one row.
    ty: TypeExpr,
    /// How many axes that has.
    own: usize,
    given: Given,
    what: String,
}

/// Fields as they lie within each other.
enum Fields {
    One(usize),
    Record(IndexMap<Arc<str>, Fields>),
}

impl Evaluator<'_> {
    /// Binds the row and the column.
    pub(super) fn enter_rule(&mut self, def: &AssignDef, given: [&Given; 2], scope: &Rc<Scope>) -> Eval<()> {
        let mut entries = vec![];
        let mut fields = vec![];
        for (side, ((name, ty), given)) in [&def.rows, &def.cols].into_iter().zip(given).enumerate() {
            let what = format!("`{}`", name.name);
            fields.push((name, self.fields(given, ty, side, &what, scope, &mut entries)?));
        }
        let batch = self.batch_axes(&entries)?;
        let names = [&def.rows.0, &def.cols.0];
        let rows = self.new_side(&entries, ROWS, names[ROWS], &batch)?;
        let cols = self.new_side(&entries, COLS, names[COLS], &batch)?;
        let candidates = self.both(rows.valid, cols.valid, def.name.span)?;
        self.rule = Some(Box::new(Pairing {
            batch,
            sides: [rows, cols],
            candidates,
            picked: None,
            single: false,
            resolved: None,
            ignored: None,
            sampled: None,
            over_picked: true,
            lists: IndexMap::new(),
            giving: false,
            choice: None,
            given: IndexMap::new(),
            positive: None,
            negative: None,
            weight: None,
        }));
        let values = entries.iter().map(|e| self.entry_value(e, scope)).collect::<Eval<Vec<Value>>>()?;
        for (side, (name, fields)) in fields.into_iter().enumerate() {
            let mut record = assembled(&fields, &values);
            if let Value::Record(fields) = &mut record {
                let place = self.places(side, name.span)?;
                let place = self.one_of(place, name.span)?;
                Rc::make_mut(fields).entry("index".into()).or_insert(Value::Tensor(place));
            }
            scope.bind(name.name.clone(), record, name.span);
        }
        for name in ["picked", "ignored"] {
            scope.bind(name, Value::Bool(false), def.name.span);
        }
        Ok(())
    }

    /// The tensors that a type asks for.
    fn fields(
        &mut self,
        given: &Given,
        ty: &TypeExpr,
        side: usize,
        what: &str,
        scope: &Rc<Scope>,
        entries: &mut Vec<Entry>,
    ) -> Eval<Fields> {
        let declared = match &ty.kind {
            TypeKind::Record { fields, .. } => fields.clone(),
            TypeKind::Named(name) => {
                match (DType::from_name(&name.name), scope.file().definition(&name.name)) {
                    (Some(_), _) => return self.rule_entry(given, ty, side, what, entries),
                    (None, Some(Definition::Record(record))) => record.fields.clone(),
                    _ => return self.no_field_type(ty),
                }
            }
            TypeKind::Shaped { element, .. } if DType::from_name(&element.name).is_some() => {
                return self.rule_entry(given, ty, side, what, entries);
            }
            _ => return self.no_field_type(ty),
        };
        let mut record = IndexMap::new();
        for (name, ty) in &declared {
            let value = self.field(&given.value, name)?;
            let given = Given { value, ..given.clone() };
            let what = format!("field `{}` of {what}", name.name);
            record.insert(name.name.clone(), self.fields(&given, ty, side, &what, scope, entries)?);
        }
        Ok(Fields::Record(record))
    }

    fn no_field_type<T>(&mut self, ty: &TypeExpr) -> Eval<T> {
        let error = Diagnostic::error(codes::RULE, ty.span, "a row or a column is a record of tensors");
        self.fail(error.hint("write the fields of one: `{ box: f32[4], label: i32 }`"))
    }

    fn rule_entry(
        &mut self,
        given: &Given,
        ty: &TypeExpr,
        side: usize,
        what: &str,
        entries: &mut Vec<Entry>,
    ) -> Eval<Fields> {
        let ty = scalar_as_shape(ty);
        let TypeKind::Shaped { dims, .. } = &ty.kind else { return self.no_field_type(&ty) };
        let node = match &given.value {
            Value::Tensor(node) => *node,
            Value::Type(literal) if self.takes_types() => self.type_input(&literal.clone(), given.span)?,
            other => {
                let message = format!("{what} must be a tensor, not {}", other.kind());
                let error = Diagnostic::error(codes::WRONG_KIND, given.span, message);
                return self.fail(error.also(ty.span, "declared here"));
            }
        };
        let (found, own) = (self.graph.ty(node).clone(), dims.len());
        if found.rank() <= own {
            let axis = if side == ROWS { "rows" } else { "columns" };
            let message = format!("{what} must have an axis of {axis} in front of its own {own}");
            let error = Diagnostic::error(codes::SHAPE_MISMATCH, given.span, message);
            return self.fail(error.label(format!("this is {found}")).also(ty.span, "declared here"));
        }
        entries.push(Entry { node, side, own, given: given.clone(), what: what.to_string(), ty });
        Ok(Fields::One(entries.len() - 1))
    }

    /// The axes in front of the rows or columns: those of the field that has most; another has the same or none.
    fn batch_axes(&mut self, entries: &[Entry]) -> Eval<Vec<Dim>> {
        let in_front = |e: &Self, entry: &Entry| {
            let shape = &e.graph.ty(entry.node).shape;
            shape[..shape.len() - entry.own - 1].to_vec()
        };
        let Some(widest) = entries.iter().rev().max_by_key(|e| in_front(self, e).len()) else {
            return Ok(vec![]);
        };
        let batch = in_front(self, widest);
        for entry in entries {
            let found = in_front(self, entry);
            for (dim, wanted) in found.iter().rev().zip(batch.iter().rev()) {
                if self.agrees(entry.node, dim, wanted) {
                    continue;
                }
                let message =
                    format!("{} has a batch of {dim}, and {} one of {wanted}", entry.what, widest.what);
                let error = Diagnostic::error(codes::SHAPE_MISMATCH, entry.given.span, message)
                    .label(format!("this is {}", self.graph.ty(entry.node)))
                    .also(widest.given.span, format!("this is {}", self.graph.ty(widest.node)));
                return self.fail(error);
            }
        }
        Ok(batch)
    }

    /// Whether two sizes are equal, as far as is known; what is not known yet is looked at when sizes are bound.
    fn agrees(&mut self, node: NodeId, left: &Dim, right: &Dim) -> bool {
        let known = Relation::Equal.decide(left, right, self.graph.facts());
        if known.is_none() {
            let obligation =
                Obligation { relation: Relation::Equal, left: left.clone(), right: right.clone() };
            self.graph.oblige(node, obligation);
        }
        known != Some(false)
    }

    /// The rows or the columns: how many there are, and which are no padding.
    fn new_side(&mut self, entries: &[Entry], side: usize, name: &Ident, batch: &[Dim]) -> Eval<Side> {
        let own: Vec<&Entry> = entries.iter().filter(|e| e.side == side).collect();
        let Some(first) = own.first() else {
            let error = Diagnostic::error(codes::RULE, name.span, format!("`{}` has no field", name.name));
            return self.fail(error.hint("how many there are is seen from the fields of one"));
        };
        let along = |e: &Self, entry: &Entry| {
            let shape = &e.graph.ty(entry.node).shape;
            shape[shape.len() - entry.own - 1].clone()
        };
        let of_first = along(self, first);
        let size = self.bare(&of_first);
        let (mut masked, mut valid, mut masks) = (None, None, 0);
        for entry in &own {
            let found = along(self, entry);
            let plain = self.bare(&found);
            if !self.agrees(entry.node, &plain, &size) {
                let message = format!("{} has {plain} rows, and {} has {size}", entry.what, first.what);
                let error = Diagnostic::error(codes::SHAPE_MISMATCH, entry.given.span, message);
                return self.fail(error.also(first.given.span, "given here"));
            }
            if self.mask_of(&found).is_some() && masked.as_ref() != Some(&found) {
                let mask = self.entry_mask(entry, batch.len())?;
                valid = self.both(valid, mask, entry.given.span)?;
                masked = Some(found);
                masks += 1;
            }
        }
        if let (true, Some(valid)) = (masks > 1, valid) {
            masked = Some(self.common_mask(valid, &size, name.span)?);
        }
        Ok(Side { name: name.name.clone(), size, masked, valid })
    }

    /// The mask of a field's rows or columns, as a real.
    fn entry_mask(&mut self, entry: &Entry, batch: usize) -> Eval<Option<NodeId>> {
        let axis = self.graph.ty(entry.node).rank() - entry.own - 1;
        let Some(mask) = self.mask_beside(entry.node, axis, entry.given.span)? else { return Ok(None) };
        let shape = self.graph.ty(mask).shape[..=axis].to_vec();
        self.fronted(mask, &shape, entry.side, batch, &[], entry.given.span).map(Some)
    }

    /// A size without its mask, if it has one.
    fn bare(&mut self, size: &Dim) -> Dim {
        if self.mask_of(size).is_some() { self.plain_size(size) } else { size.clone() }
    }

    /// A size for rows that several masks leave over.
    fn common_mask(&mut self, valid: NodeId, size: &Dim, span: Span) -> Eval<Dim> {
        let mut shape = self.graph.ty(valid).shape.clone();
        shape.retain(|d| d != &one());
        let mask = self.emit_unchecked(Op::Reshape { shape }, &[valid], span)?;
        self.masked_size(size.clone(), mask, span)
    }

    /// A tensor of `[.., rows]` and its own axes, as a real.
    fn fronted(
        &mut self,
        node: NodeId,
        front: &[Dim],
        side: usize,
        batch: usize,
        own: &[Dim],
        span: Span,
    ) -> Eval<NodeId> {
        let mut shape = vec![one(); batch + 1 - front.len()];
        let (before, size) = front.split_at(front.len() - 1);
        shape.extend_from_slice(before);
        let size = self.bare(&size[0]);
        shape.extend(if side == ROWS { [size, one()] } else { [one(), size] });
        shape.extend_from_slice(own);
        self.emit_unchecked(Op::Reshape { shape }, &[node], span)
    }

    /// The field of one row or column.
    fn entry_value(&mut self, entry: &Entry, scope: &Rc<Scope>) -> Eval<Value> {
        let span = entry.given.span;
        let axis = self.graph.ty(entry.node).rank() - entry.own - 1;
        let (mut node, padded) = (entry.node, self.masked_axes(entry.node));
        node = self.filled(node, &padded, 0.0, span)?;
        for axis in padded {
            node = self.unmasked(node, axis, span)?;
        }
        if self.graph.ty(node).dtype == DType::F32 {
            node = self.emit_unchecked(Op::StopGradient {}, &[node], span)?;
        }
        let shape = self.graph.ty(node).shape.clone();
        let (front, own) = shape.split_at(axis + 1);
        let batch = self.pairing()?.batch.len();
        let real = self.fronted(node, front, entry.side, batch, own, span)?;
        let one = self.one_of(real, span)?;
        let given = Given { value: Value::Tensor(one), ..entry.given.clone() };
        self.conform(&given, &entry.ty, scope, &entry.what)
    }
}

/// `i32` as a type of a tensor without axes.
fn scalar_as_shape(ty: &TypeExpr) -> TypeExpr {
    match &ty.kind {
        TypeKind::Named(name) => {
            let kind = TypeKind::Shaped { element: name.clone(), dims: vec![] };
            TypeExpr { kind, span: ty.span }
        }
        _ => ty.clone(),
    }
}

/// Fields with their values.
fn assembled(fields: &Fields, values: &[Value]) -> Value {
    match fields {
        Fields::One(at) => values.get(*at).cloned().unwrap_or(Value::Poison),
        Fields::Record(record) => {
            let parts = record.iter().map(|(name, part)| (name.clone(), assembled(part, values)));
            Value::Record(Rc::new(parts.collect()))
        }
    }
}
