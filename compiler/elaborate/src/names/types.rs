//! Names in types: records, and sizes.

use vspec_syntax::ast::{DimExpr, ExprKind, Ident, TypeExpr, TypeKind};
use vspec_syntax::did_you_mean;

use super::Checker;
use super::scope::Kind;

/// Types that need no definition.
const PRIMITIVES: &[&str] =
    &["f32", "i32", "bool", "int", "float", "string", "Image", "Boxes", "Mask", "module"];

impl Checker<'_> {
    /// A type of a signature or a `let`: a capitalised name that is new binds a size.
    pub(super) fn binding_type(&mut self, ty: &TypeExpr) {
        self.type_expr(ty, true);
    }

    /// A type whose sizes all have to be known, that of a variable.
    pub(super) fn checked_type(&mut self, ty: &TypeExpr) {
        self.type_expr(ty, false);
    }

    fn type_expr(&mut self, ty: &TypeExpr, binds: bool) {
        match &ty.kind {
            TypeKind::Shaped { element, dims } => {
                self.type_name(element);
                dims.iter().for_each(|dim| self.dim(dim, binds));
            }
            TypeKind::Named(name) => self.type_name(name),
            TypeKind::List(element) => self.type_expr(element, binds),
            TypeKind::Tuple(parts) => parts.iter().for_each(|part| self.type_expr(part, binds)),
            TypeKind::Record { fields, .. } => fields.iter().for_each(|(_, ty)| self.type_expr(ty, binds)),
            // Sizes of a function's own signature are bound anew with each call of it.
            TypeKind::Fn { params, ret } => self.scoped(|c| {
                params.iter().chain(ret.as_deref()).for_each(|ty| c.binding_type(ty));
            }),
            TypeKind::Module(params) => params.iter().flatten().for_each(|ty| self.type_expr(ty, binds)),
        }
    }

    fn dim(&mut self, dim: &DimExpr, binds: bool) {
        let size = &dim.size;
        match &size.kind {
            ExprKind::Name(name) if binds && name.starts_with(char::is_uppercase) && !self.in_scope(name) => {
                self.bind(&Ident { name: name.clone(), span: size.span }, Kind::Silent);
            }
            _ => {
                let outer = std::mem::replace(&mut self.in_type, true);
                self.expr(size);
                self.in_type = outer;
            }
        }
    }

    fn type_name(&mut self, name: &Ident) {
        if self.in_scope(&name.name) {
            return self.read(&name.name, name.span);
        }
        if PRIMITIVES.contains(&&*name.name) {
            return;
        }
        let message = format!("cannot find type `{}` in this scope", name.name);
        self.report_unknown(&name.name, name.span, message, |c| {
            let near = did_you_mean(&name.name, PRIMITIVES.iter().copied().chain(c.item_names()))?;
            Some(format!("did you mean `{near}`?"))
        });
    }
}
