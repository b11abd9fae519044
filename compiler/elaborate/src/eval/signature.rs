//! Types of parameters, results and bindings: checking values against them, and binding the sizes they name.

use std::rc::Rc;

use vspec_ir::{DType, Dim, NodeId, Obligation, Relation, Type};
use vspec_syntax::ast::{DimExpr, Expr, ExprKind, Ident, TypeExpr, TypeKind};
use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator};
use crate::codes;
use crate::scope::{Parent, Scope};
use crate::value::{Callable, Given, Value};

impl Evaluator<'_> {
    /// Checks a value against a type, binds the sizes that the type names in `scope`, and returns the value as that type has it.
    /// `what` names the place in messages: "parameter `x`".
    pub(crate) fn conform(
        &mut self,
        given: &Given,
        ty: &TypeExpr,
        scope: &Rc<Scope>,
        what: &str,
    ) -> Eval<Value> {
        match &ty.kind {
            TypeKind::Named(name) => self.conform_named(given, &name.name, ty.span, scope, what),
            TypeKind::Shaped { element, dims } => match DType::from_name(&element.name) {
                Some(dtype) => self.conform_tensor(given, dtype, dims, ty.span, scope, what),
                None => self.conform_batched(given, element, dims, scope, what),
            },
            TypeKind::List(element) => match &given.value {
                Value::List(items) => {
                    let items: Eval<Vec<Value>> = items
                        .iter()
                        .map(|v| {
                            self.conform(&Given { value: v.clone(), ..given.clone() }, element, scope, what)
                        })
                        .collect();
                    Ok(Value::list(items?))
                }
                other => self.mismatch(given, "a list", &other.clone(), ty.span, what),
            },
            TypeKind::Tuple(parts) => self.conform_tuple(given, parts, ty.span, scope, what),
            TypeKind::Record { fields, .. } => {
                for (field, ty) in fields {
                    let value = self.field(&given.value, field)?;
                    self.conform(
                        &Given { value, ..given.clone() },
                        ty,
                        scope,
                        &format!("field `{}`", field.name),
                    )?;
                }
                Ok(given.value.clone())
            }
            TypeKind::Fn { .. } => match &given.value {
                Value::Callable(_) | Value::Instance(_) | Value::View(_) => Ok(given.value.clone()),
                other => self.mismatch(given, "a function", &other.clone(), ty.span, what),
            },
            TypeKind::Module(Some(_)) => self.conform_module(given, ty.span, what),
            TypeKind::Module(None) => match &given.value {
                Value::Instance(_) | Value::View(_) => Ok(given.value.clone()),
                other => self.mismatch(given, "a module instance", &other.clone(), ty.span, what),
            },
        }
    }

    fn conform_module(&mut self, given: &Given, ty: Span, what: &str) -> Eval<Value> {
        match &given.value {
            Value::Callable(callable) if makes_module(callable) => Ok(given.value.clone()),
            Value::Callable(callable)
                if matches!(**callable, Callable::Function(_) | Callable::Partial(..)) =>
            {
                Ok(given.value.clone())
            }
            other => self.mismatch(given, "a module to make instances of", &other.clone(), ty, what),
        }
    }

    fn conform_tuple(
        &mut self,
        given: &Given,
        parts: &[TypeExpr],
        ty: Span,
        scope: &Rc<Scope>,
        what: &str,
    ) -> Eval<Value> {
        match &given.value {
            Value::Tuple(items) | Value::List(items) if items.len() == parts.len() => {
                let items: Eval<Vec<Value>> = items
                    .iter()
                    .zip(parts)
                    .map(|(v, ty)| {
                        self.conform(&Given { value: v.clone(), ..given.clone() }, ty, scope, what)
                    })
                    .collect();
                Ok(Value::Tuple(Rc::new(items?)))
            }
            other => self.mismatch(given, &format!("a tuple of {}", parts.len()), &other.clone(), ty, what),
        }
    }

    fn conform_named(
        &mut self,
        given: &Given,
        name: &str,
        ty: Span,
        scope: &Rc<Scope>,
        what: &str,
    ) -> Eval<Value> {
        let value = &given.value;
        match (name, value) {
            ("int", Value::Int(_) | Value::Dim(_))
            | ("float", Value::Float(_))
            | ("bool", Value::Bool(_))
            | ("string", Value::Str(_)) => Ok(value.clone()),
            ("float", Value::Int(i)) => Ok(Value::Float(*i as f64)),
            ("bool", Value::Undecided(formula)) => self.decide(&formula.clone(), given.span).map(Value::Bool),
            ("int", _) => self.mismatch(given, "an int", value, ty, what),
            ("float", _) => self.mismatch(given, "a float", value, ty, what),
            ("bool", _) => self.mismatch(given, "a bool", value, ty, what),
            ("string", _) => self.mismatch(given, "a string", value, ty, what),
            _ => match scope.file().definition(name) {
                Some(crate::load::Definition::Record(record)) => {
                    for (field, ty) in &record.fields {
                        let value = self.field(value, field)?;
                        let what = format!("field `{}`", field.name);
                        self.conform(&Given { value, ..given.clone() }, ty, scope, &what)?;
                    }
                    Ok(value.clone())
                }
                Some(crate::load::Definition::Broken) => Err(super::Stop),
                _ => self.unknown_type(name, ty),
            },
        }
    }

    /// `Truth[B, T?]`: a record whose every field has these axes in front.
    fn conform_batched(
        &mut self,
        given: &Given,
        element: &Ident,
        dims: &[DimExpr],
        scope: &Rc<Scope>,
        what: &str,
    ) -> Eval<Value> {
        let Some(crate::load::Definition::Record(record)) = scope.file().definition(&element.name) else {
            return self.unknown_type(&element.name, element.span);
        };
        for (field, ty) in &record.fields {
            let value = self.field(&given.value, field)?;
            let what = format!("field `{}` of {what}", field.name);
            self.conform(&Given { value, ..given.clone() }, &behind(ty, dims), scope, &what)?;
        }
        Ok(given.value.clone())
    }

    fn unknown_type<T>(&mut self, name: &str, span: Span) -> Eval<T> {
        let known = ["int", "float", "bool", "string", "f32", "i32", "module"];
        let error = Diagnostic::error(codes::UNKNOWN_NAME, span, format!("there is no type `{name}`"));
        self.fail(match vspec_syntax::did_you_mean(name, known) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        })
    }

    fn mismatch<T>(&mut self, given: &Given, wanted: &str, found: &Value, ty: Span, what: &str) -> Eval<T> {
        let mut error = Diagnostic::error(
            codes::WRONG_KIND,
            given.span,
            format!("{what} must be {wanted}, not {}", found.kind()),
        )
        .also(ty, "declared here");
        match found {
            Value::Callable(callable) => {
                if let Callable::Partial(inner, ..) = &**callable {
                    error = error.hint(format!("`{}` was not given all of its arguments", inner.name()));
                }
            }
            Value::Tensor(_) | Value::Type(_) => {
                error = error.hint(
                    "static arguments come first, tensors are given to what they make: is one left out?",
                );
            }
            _ => {}
        }
        self.fail(error)
    }

    fn conform_tensor(
        &mut self,
        given: &Given,
        dtype: DType,
        dims: &[DimExpr],
        ty: Span,
        scope: &Rc<Scope>,
        what: &str,
    ) -> Eval<Value> {
        let node = match &given.value {
            Value::Tensor(node) => *node,
            Value::Type(t) if self.takes_types() => self.type_input(&t.clone(), given.span)?,
            Value::Int(_) | Value::Float(_) | Value::Dim(_) | Value::Bool(_) if dims.is_empty() => {
                // A scalar parameter takes a static number as it is: where it meets a tensor it becomes one.
                return Ok(given.value.clone());
            }
            other => return self.mismatch(given, "a tensor", &other.clone(), ty, what),
        };
        let found = self.graph.ty(node).clone();
        if found.dtype != dtype {
            let message = format!("{what} must be {dtype}, not {}", found.dtype);
            return self.fail(
                Diagnostic::error(codes::TYPE_MISMATCH, given.span, message)
                    .label(format!("this is {found}"))
                    .also(ty, "declared here")
                    .hint(format!("convert with `{dtype}(..)`")),
            );
        }
        self.conform_shape(given, node, dims, ty, scope, what)?;
        Ok(Value::Tensor(node))
    }

    fn conform_shape(
        &mut self,
        given: &Given,
        node: NodeId,
        dims: &[DimExpr],
        ty: Span,
        scope: &Rc<Scope>,
        what: &str,
    ) -> Eval<()> {
        let found = self.graph.ty(node).clone();
        let rest = dims.iter().position(|d| matches!(d.size.kind, ExprKind::Rest(_)));
        let named = dims.len() - usize::from(rest.is_some());
        if found.rank() < named || (rest.is_none() && found.rank() != named) {
            let more = if rest.is_some() { "at least " } else { "" };
            let message = format!("{what} must have {more}{named} axes, not {}", found.rank());
            let error = Diagnostic::error(codes::SHAPE_MISMATCH, given.span, message)
                .label(format!("this is {found}"))
                .also(ty, "declared here");
            let hint = self.without_first(&found, dims, scope);
            return self.fail(match hint {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
        let skipped = found.rank() - named;
        for (i, dim) in dims.iter().enumerate() {
            let axis = match rest {
                Some(at) if i == at => continue,
                Some(at) if i > at => i - 1 + skipped,
                _ => i,
            };
            let agrees = self.conform_axis(node, axis, dim, scope)?;
            if let Some(expected) = agrees {
                let hint = self.without_first(&found, dims, scope);
                return self.axis_mismatch(given, (node, axis), (&expected, &dim.size), scope, (what, hint));
            }
        }
        Ok(())
    }

    /// Advice for a tensor whose sizes are those of the declared type from its second axis on: an item in the place of a batch.
    fn without_first(&mut self, found: &Type, dims: &[DimExpr], scope: &Rc<Scope>) -> Option<String> {
        let (first, rest) = dims.split_first()?;
        let ExprKind::Name(name) = &first.size.kind else { return None };
        let own = |dim: &&DimExpr| !matches!(dim.size.kind, ExprKind::Rest(_));
        let open = rest.len() != rest.iter().filter(own).count();
        let leading: Vec<&DimExpr> = rest.iter().take_while(own).collect();
        if leading.is_empty() || leading.len() > found.rank() || !open && leading.len() != found.rank() {
            return None;
        }
        let mut fixed = 0;
        for (dim, size) in leading.iter().zip(&found.shape) {
            match self.fixed_size(&dim.size, scope) {
                Some(expected) if expected == *size => fixed += 1,
                Some(_) => return None,
                None => {}
            }
        }
        let wanted: Vec<String> = found.shape.iter().map(ToString::to_string).collect();
        let whole = format!("{}[1, {}]", found.dtype, wanted.join(", "));
        (fixed > 0).then(|| format!("is the axis `{name}` in front missing? a batch of one is {whole}"))
    }

    /// The size that an axis of a signature stands for before a tensor is given: a number, or arithmetic over static parameters.
    fn fixed_size(&mut self, size: &Expr, scope: &Rc<Scope>) -> Option<Dim> {
        match &size.kind {
            ExprKind::Int(i) => Some(Dim::from(*i)),
            ExprKind::Name(name) if name.starts_with(char::is_lowercase) && self.in_scope(name, scope) => {
                self.lookup(name, size.span, scope).ok()?.value.as_dim()
            }
            _ => None,
        }
    }

    /// One axis; the size that it has to have and does not. `_` matches anything, a new capitalised name binds, everything else has to agree. `N?` says that rows may be
    /// padding; the mask itself goes with the size that `N` is bound to.
    fn conform_axis(
        &mut self,
        node: NodeId,
        axis: usize,
        dim: &DimExpr,
        scope: &Rc<Scope>,
    ) -> Eval<Option<Dim>> {
        let found = self.graph.ty(node).shape[axis].clone();
        match &dim.size.kind {
            ExprKind::Hole => return Ok(None),
            ExprKind::Name(name) if name.starts_with(char::is_uppercase) && !self.in_scope(name, scope) => {
                scope.bind(name.clone(), Value::dim(&found), dim.size.span);
                return Ok(None);
            }
            _ => {}
        }
        let expected = self.dim_expr(&dim.size, scope)?;
        match Relation::Equal.decide(&expected, &found, self.graph.facts()) {
            Some(true) => Ok(None),
            Some(false) => Ok(Some(expected)),
            None => {
                let obligation = Obligation { relation: Relation::Equal, left: expected, right: found };
                // What stands for one pair of a rule does not stay.
                let kept = self.lifted.get(&node).copied().unwrap_or(node);
                self.graph.oblige(kept, obligation);
                Ok(None)
            }
        }
    }

    fn axis_mismatch(
        &mut self,
        given: &Given,
        (node, axis): (NodeId, usize),
        (expected, declared): (&Dim, &Expr),
        scope: &Rc<Scope>,
        (what, hint): (&str, Option<String>),
    ) -> Eval<()> {
        let found = self.graph.ty(node).clone();
        let name = self.loader.sources.slice(declared.span).to_string();
        let is = if name == expected.to_string() { name } else { format!("{name} = {expected}") };
        let message = format!("{what} must have {is} in axis {axis}, not {}", found.shape[axis]);
        let mut error = Diagnostic::error(codes::SHAPE_MISMATCH, given.span, message)
            .label(format!("this is {found}"))
            .also(declared.span, format!("{expected} is expected here"));
        if let Some((span, text)) = self.static_origin(declared, scope) {
            error = error.also(span, text);
        }
        if let Some((span, text)) = self.size_origin(node, axis).filter(|(span, _)| *span != given.span) {
            error = error.also(span, text);
        }
        error.hint = hint;
        self.fail(error)
    }

    /// Where the value of a size expression was first written down: the argument behind a name.
    pub(crate) fn static_origin(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Option<(Span, String)> {
        let name = first_name(expr)?;
        if !self.in_scope(&name, scope) {
            return None;
        }
        let binding = self.lookup(&name, expr.span, scope).ok()?;
        let value = binding.value.as_dim()?;
        (binding.origin != expr.span).then(|| (binding.origin, format!("`{name}` is {value}")))
    }

    /// A size in a signature.
    pub(crate) fn dim_expr(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Dim> {
        let value = self.expr(expr, scope)?;
        match value.as_dim() {
            Some(dim) => Ok(dim),
            None => {
                let message = format!("a size is an int, not {}", value.kind());
                self.error(codes::WRONG_KIND, expr.span, message)
            }
        }
    }

    /// Whether a name has a value in the scopes around, files and built-ins aside.
    pub(crate) fn in_scope(&self, name: &str, scope: &Rc<Scope>) -> bool {
        let mut at = scope.clone();
        loop {
            if at.own(name).is_some() {
                return true;
            }
            at = match &at.parent {
                Parent::Scope(outer) => outer.clone(),
                Parent::Instance(i) if i.member(name).is_some() => return true,
                Parent::Instance(i) => i.scope.clone(),
                // A module called `B` does not keep a signature from naming a size `B`; a constant of the file does.
                Parent::File(file) => {
                    return matches!(file.definition(name), Some(crate::load::Definition::Constant(_)));
                }
            }
        }
    }
}

/// The type of a field with axes in front: `f32[4]` behind `[B, T?]` is `f32[B, T?, 4]`.
fn behind(ty: &TypeExpr, dims: &[DimExpr]) -> TypeExpr {
    let shaped = |element: &Ident, own: &[DimExpr]| TypeExpr {
        kind: TypeKind::Shaped { element: element.clone(), dims: dims.iter().chain(own).cloned().collect() },
        span: ty.span,
    };
    match &ty.kind {
        TypeKind::Shaped { element, dims: own } => shaped(element, own),
        TypeKind::Named(name) => shaped(name, &[]),
        TypeKind::Record { fields, open } => TypeExpr {
            kind: TypeKind::Record {
                fields: fields.iter().map(|(name, ty)| (name.clone(), behind(ty, dims))).collect(),
                open: *open,
            },
            span: ty.span,
        },
        _ => ty.clone(),
    }
}

/// Whether calling this in the end gives a module instance.
fn makes_module(callable: &Callable) -> bool {
    match callable {
        Callable::Module(_) => true,
        Callable::Partial(inner, ..) => makes_module(inner),
        _ => false,
    }
}

fn first_name(expr: &Expr) -> Option<std::sync::Arc<str>> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Binary(_, a, b) => first_name(a).or_else(|| first_name(b)),
        _ => None,
    }
}
