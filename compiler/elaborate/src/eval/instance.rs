//! Making instances of modules and losses, and giving them paths.

use std::rc::Rc;
use std::sync::Arc;

use vspec_syntax::ast::{self, MemberKind, StatementKind, VarDef};
use vspec_syntax::{Diagnostic, Span};

use super::call::Slots;
use super::{Eval, Evaluator, Place, Stop};
use crate::codes;
use crate::load::{LossItem, ModuleItem};
use crate::scope::{Parent, Scope};
use crate::value::{DeclKind, Instance, InstanceKind, Leaf, Member, Tree, Value, VariableDecl};

impl Evaluator<'_> {
    /// Makes an instance: static parameters, then members in written order.
    pub(crate) fn instantiate(&mut self, item: &Rc<ModuleItem>, slots: Slots, span: Span) -> Eval<Value> {
        let name = item.def.name.name.clone();
        let scope = Scope::new(Parent::File(item.file.clone()));
        self.at_place(Place::Static, |e| {
            e.framed(span, format!("`{name}`, instantiated here"), |e| {
                e.bind_parameters(&name, &item.def.params, slots, &scope, span)?;
                let instance = e.new_instance(InstanceKind::Module(item.clone()), scope.clone(), span);
                e.add_members(&instance, item)?;
                Ok(Value::Instance(instance))
            })
        })
    }

    fn add_members(&mut self, instance: &Rc<Instance>, item: &ModuleItem) -> Eval<()> {
        // Methods first: a later member may be a value that is made by calling one.
        for def in &item.shared.methods {
            let method = Member::Method(def.clone());
            instance.members.borrow_mut().insert(def.name.name.clone(), method);
        }
        let scope = Scope::new(Parent::Instance(instance.clone()));
        let mut variables = item.shared.variables.iter();
        let mut failed = false;
        for member in &item.def.members {
            failed |= match variable_kind(&member.kind) {
                Some(kind) => variables
                    .next()
                    .is_some_and(|def| self.add_variable(instance, kind, def, &scope).is_err()),
                None => self.add_member(instance, &member.kind, &scope).is_err(),
            };
        }
        if failed { Err(Stop) } else { Ok(()) }
    }

    /// Adds a member that is no variable.
    fn add_member(&mut self, instance: &Rc<Instance>, member: &MemberKind, scope: &Rc<Scope>) -> Eval<()> {
        match member {
            MemberKind::Child { name, ty, value } => {
                self.add_child(instance, name, ty.as_ref(), value, scope)
            }
            MemberKind::Let(def) => match self.given(None, &def.value, scope) {
                Ok(given) => self.bind_pattern(&def.pattern, given.value, given.origin, &instance.scope),
                Err(stop) => {
                    self.poison_pattern(&def.pattern, &instance.scope);
                    Err(stop)
                }
            },
            MemberKind::Require(require) => self.require(require, scope),
            MemberKind::Param(_) | MemberKind::State(_) | MemberKind::Const(_) => Ok(()),
            MemberKind::Method(_) | MemberKind::Test(_) => Ok(()),
        }
    }

    fn add_child(
        &mut self,
        instance: &Rc<Instance>,
        name: &ast::Ident,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let value = self.given(None, value, scope).and_then(|given| match ty {
            Some(ty) => self.conform(&given, ty, scope, &format!("member `{}`", name.name)),
            None => Ok(given.value),
        });
        let (value, result) = match value {
            Ok(value) => (value, Ok(())),
            Err(stop) => (Value::Poison, Err(stop)),
        };
        self.observe(name.span, &value);
        instance.members.borrow_mut().insert(name.name.clone(), Member::Value(value));
        result
    }

    fn add_variable(
        &mut self,
        instance: &Rc<Instance>,
        kind: DeclKind,
        def: &Rc<VarDef>,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if let Some(guard) = &def.guard
            && !self.condition(guard, scope)?
        {
            return Ok(());
        }
        let declared = self.declare_shared(kind, def, scope);
        let (member, result) = match declared {
            Ok(decl) => {
                if let Some(observer) = &mut self.observer {
                    observer.declared(def.name.span, &decl.ty);
                }
                (Member::Variable(Rc::new(decl)), Ok(()))
            }
            Err(stop) => (Member::Value(Value::Poison), Err(stop)),
        };
        instance.members.borrow_mut().insert(def.name.name.clone(), member);
        result
    }

    /// A declaration with its type evaluated.
    pub(crate) fn declare(&mut self, kind: DeclKind, def: &VarDef, scope: &Rc<Scope>) -> Eval<VariableDecl> {
        self.declare_shared(kind, &Rc::new(def.clone()), scope)
    }

    fn declare_shared(&mut self, kind: DeclKind, def: &Rc<VarDef>, scope: &Rc<Scope>) -> Eval<VariableDecl> {
        if let Some(manifold) = def.manifold.as_ref().filter(|_| kind != DeclKind::Param) {
            let message = format!("`{}` is no parameter; only parameters live on manifolds", def.name.name);
            return self.error(codes::WRONG_PLACE, manifold.span, message);
        }
        let Some(ty) = &def.ty else {
            let message = format!("`{}` needs a type, such as `f32[channels]`", def.name.name);
            return self.error(codes::WRONG_KIND, def.name.span, message);
        };
        let (ty, axes) = self.variable_type(ty, scope)?;
        Ok(VariableDecl { kind, ty, def: def.clone(), scope: scope.clone(), axes })
    }

    fn variable_type(
        &mut self,
        ty: &ast::TypeExpr,
        scope: &Rc<Scope>,
    ) -> Eval<(vspec_ir::Type, Vec<(Span, String)>)> {
        let dtype = match &ty.kind {
            ast::TypeKind::Shaped { element, .. } => vspec_ir::DType::from_name(&element.name),
            _ => None,
        };
        let (ast::TypeKind::Shaped { dims, .. }, Some(dtype)) = (&ty.kind, dtype) else {
            return self.error(codes::WRONG_KIND, ty.span, "a variable is a tensor, such as `f32[channels]`");
        };
        let (mut shape, mut axes) = (vec![], vec![]);
        for dim in dims {
            if let ast::ExprKind::Rest(Some(sizes)) = &dim.size.kind {
                let text = "declared here".to_string();
                for size in self.list_of_sizes(sizes, scope)? {
                    axes.push((dim.size.span, text.clone()));
                    shape.push(size);
                }
                continue;
            }
            let size = self.dim_expr(&dim.size, scope)?;
            let origin = self.static_origin(&dim.size, scope);
            self.variable_size(&size, dim.size.span, origin.as_ref())?;
            axes.push(origin.unwrap_or((dim.size.span, format!("size {size} is declared here"))));
            shape.push(size);
        }
        Ok((vspec_ir::Type::new(dtype, shape), axes))
    }

    /// Sizes of variables are constants that are not negative.
    fn variable_size(
        &mut self,
        size: &vspec_ir::Dim,
        span: Span,
        origin: Option<&(Span, String)>,
    ) -> Eval<()> {
        let (code, message) = match size.as_const() {
            Some(0..) => return Ok(()),
            Some(_) => (codes::ARITHMETIC, format!("the size {size} of a variable is negative")),
            None => (codes::NOT_STATIC, format!("the size {size} of a variable has to be a constant")),
        };
        let error = Diagnostic::error(code, span, message);
        self.fail(match origin {
            Some((at, text)) => error.also(*at, text),
            None => error,
        })
    }

    /// `..sizes` in the type of a variable.
    fn list_of_sizes(&mut self, sizes: &ast::Expr, scope: &Rc<Scope>) -> Eval<Vec<vspec_ir::Dim>> {
        let found: Option<Vec<vspec_ir::Dim>> = self
            .items(sizes, scope)?
            .iter()
            .map(|v| v.as_dim().filter(|d| d.as_const().is_some_and(|c| c >= 0)))
            .collect();
        match found {
            Some(found) => Ok(found),
            None => self.error(
                codes::WRONG_KIND,
                sizes.span,
                "the sizes of a variable are ints that are not negative",
            ),
        }
    }

    /// A loss with its static parameters; its `param` statements become members.
    pub(crate) fn loss_instance(
        &mut self,
        item: &Rc<LossItem>,
        scope: Rc<Scope>,
        span: Span,
    ) -> Eval<Rc<Instance>> {
        let instance = self.new_instance(InstanceKind::Loss(item.clone()), scope, span);
        let inner = Scope::new(Parent::Instance(instance.clone()));
        for statement in &item.def.body.statements {
            if let StatementKind::Param(def) = &statement.kind {
                self.add_variable(&instance, DeclKind::Param, &Rc::new(def.clone()), &inner)?;
            }
        }
        Ok(instance)
    }

    /// Gives everything in a value that owns variables a path, outermost first; what has one keeps it.
    pub(crate) fn assign_path(&mut self, value: &Value, path: &str) -> Eval<()> {
        match value {
            Value::Instance(instance) => self.assign_instance_path(instance, path),
            Value::View(view) => self.assign_instance_path(&view.base, path),
            Value::List(items) | Value::Tuple(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(i, item)| self.assign_path(item, &joined(path, &i.to_string()))),
            Value::Record(fields) => {
                fields.iter().try_for_each(|(name, item)| self.assign_path(item, &joined(path, name)))
            }
            _ => Ok(()),
        }
    }

    fn assign_instance_path(&mut self, instance: &Rc<Instance>, path: &str) -> Eval<()> {
        if instance.path().is_some() {
            return Ok(());
        }
        *instance.path.borrow_mut() = Some(path.into());
        let members: Vec<(Arc<str>, Member)> =
            instance.members.borrow().iter().map(|(n, m)| (n.clone(), m.clone())).collect();
        for (name, member) in members {
            match member {
                Member::Value(value) => self.assign_path(&value, &joined(path, &name))?,
                Member::Variable(decl) => self.register(&joined(path, &name), &decl)?,
                Member::Method(_) => {}
            }
        }
        Ok(())
    }

    /// The variables of a kind that an instance owns, directly or through its members, by their names below it.
    pub(crate) fn variables_of(&mut self, instance: &Rc<Instance>, kind: DeclKind, span: Span) -> Eval<Tree> {
        let Some(path) = instance.path() else {
            let message = format!("`{}` has no name, so its parameters have none", instance.name);
            return self.error(codes::NO_PATH, span, message);
        };
        let mut tree = Tree::default();
        collect(&Value::Instance(instance.clone()), kind, &path, &mut tree);
        Ok(tree)
    }
}

fn collect(value: &Value, kind: DeclKind, root: &str, out: &mut Tree) {
    match value {
        Value::Instance(instance) => collect_members(instance, kind, root, out),
        Value::View(view) => collect_members(&view.base, kind, root, out),
        Value::List(items) | Value::Tuple(items) => items.iter().for_each(|i| collect(i, kind, root, out)),
        Value::Record(fields) => fields.values().for_each(|i| collect(i, kind, root, out)),
        _ => {}
    }
}

fn collect_members(instance: &Rc<Instance>, kind: DeclKind, root: &str, out: &mut Tree) {
    let Some(path) = instance.path() else { return };
    for (name, member) in instance.members.borrow().iter() {
        match member {
            Member::Variable(decl) if decl.kind == kind => {
                let whole: Arc<str> = joined(&path, name).into();
                out.leaves.entry(below(&whole, root)).or_insert(Leaf::Variable(whole));
            }
            Member::Value(value) => collect(value, kind, root, out),
            Member::Variable(_) | Member::Method(_) => {}
        }
    }
}

/// A path as seen from `root`; a shared member that lies elsewhere keeps its whole path.
fn below(path: &Arc<str>, root: &str) -> Arc<str> {
    match path.strip_prefix(root).map(|rest| (root.is_empty(), rest)) {
        Some((true, rest)) => rest.into(),
        Some((false, rest)) => rest.strip_prefix('.').map_or_else(|| path.clone(), Into::into),
        None => path.clone(),
    }
}

/// `path.name`, or `name` at the top.
pub(crate) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

/// The kind of variable that a member declares, if it declares one.
fn variable_kind(member: &MemberKind) -> Option<DeclKind> {
    match member {
        MemberKind::Param(_) => Some(DeclKind::Param),
        MemberKind::State(_) => Some(DeclKind::State),
        MemberKind::Const(_) => Some(DeclKind::Const),
        _ => None,
    }
}
