//! Prints types, patterns and parameters.

use super::doc::{Doc, concat, join, text};
use super::operators::SIMPLE;
use super::{Printer, braced, bracketed};
use crate::Span;
use crate::ast::{DimExpr, Ident, Param, Pattern, TypeExpr, TypeKind};

/// Byte offsets of a span.
pub(super) fn offsets(span: Span) -> (usize, usize) {
    (span.start as usize, span.end as usize)
}

/// Where a pattern stands.
pub(super) fn pattern_span(pattern: &Pattern) -> Span {
    match pattern {
        Pattern::Name(name) => name.span,
        Pattern::Tuple(_, span) | Pattern::List(_, span) | Pattern::Record(_, span) => *span,
    }
}

impl Printer<'_> {
    pub(super) fn ty(&self, ty: &TypeExpr) -> Doc {
        match &ty.kind {
            TypeKind::Shaped { element, dims } => self.shaped(element, dims),
            TypeKind::Named(name) => text(&*name.name),
            TypeKind::List(element) => concat(vec![text("["), self.ty(element), text("]")]),
            TypeKind::Tuple(parts) => self.tuple_type(parts),
            TypeKind::Record { fields, open } => self.record_type(fields, *open),
            TypeKind::Fn { params, ret } => {
                concat(vec![text("fn"), self.tuple_type(params), self.ret(ret.as_deref())])
            }
            TypeKind::Module(None) => text("module"),
            TypeKind::Module(Some(params)) => concat(vec![text("module"), self.tuple_type(params)]),
        }
    }

    fn shaped(&self, element: &Ident, dims: &[DimExpr]) -> Doc {
        let dims = dims.iter().map(|d| self.dim(d)).collect();
        concat(vec![text(&*element.name), bracketed("[", dims, "]")])
    }

    fn dim(&self, dim: &DimExpr) -> Doc {
        let size = self.at(&dim.size, SIMPLE);
        concat(vec![size, text(if dim.masked { "?" } else { "" })])
    }

    fn tuple_type(&self, parts: &[TypeExpr]) -> Doc {
        bracketed("(", parts.iter().map(|t| self.ty(t)).collect(), ")")
    }

    fn record_type(&self, fields: &[(Ident, TypeExpr)], open: bool) -> Doc {
        let mut parts = self.type_fields(fields);
        if open {
            parts.push(text(".."));
        }
        braced(parts)
    }

    pub(super) fn type_fields(&self, fields: &[(Ident, TypeExpr)]) -> Vec<Doc> {
        let field = |name: &Ident, ty: &TypeExpr| concat(vec![text(format!("{}: ", name.name)), self.ty(ty)]);
        let element = |(name, ty): &(Ident, TypeExpr)| {
            self.element(offsets(name.span.to(ty.span)), || field(name, ty)).0
        };
        fields.iter().map(element).collect()
    }

    /// ` -> type`
    pub(super) fn ret(&self, ret: Option<&TypeExpr>) -> Doc {
        ret.map_or_else(Doc::empty, |t| concat(vec![text(" -> "), self.ty(t)]))
    }

    /// `: type`
    pub(super) fn annotation(&self, ty: Option<&TypeExpr>) -> Doc {
        ty.map_or_else(Doc::empty, |t| concat(vec![text(": "), self.ty(t)]))
    }

    pub(super) fn params(&self, params: &[Param]) -> Doc {
        bracketed("(", params.iter().map(|p| self.param(p)).collect(), ")")
    }

    fn param(&self, param: &Param) -> Doc {
        let last = param.default.as_ref().map(|d| d.span).or(param.ty.as_ref().map(|t| t.span));
        let span = param.name.span.to(last.unwrap_or(param.name.span));
        let build = || {
            let mut docs = vec![text(&*param.name.name), self.annotation(param.ty.as_ref())];
            if let Some(default) = &param.default {
                docs.extend([text(" = "), self.expr(default)]);
            }
            concat(docs)
        };
        self.element(offsets(span), build).0
    }

    pub(super) fn pattern(&self, pattern: &Pattern) -> Doc {
        match pattern {
            Pattern::Name(name) => text(&*name.name),
            Pattern::Tuple(parts, _) => {
                let only = if parts.len() == 1 { "," } else { "" };
                let parts = join(parts.iter().map(|p| self.pattern(p)), &[text(", ")]);
                concat(vec![text("("), concat(parts), text(only), text(")")])
            }
            Pattern::List(parts, _) => {
                let parts = join(parts.iter().map(|p| self.pattern(p)), &[text(", ")]);
                concat(vec![text("["), concat(parts), text("]")])
            }
            Pattern::Record(names, _) => braced(names.iter().map(|n| text(&*n.name)).collect()),
        }
    }
}
