//! Names in scope.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use vspec_syntax::Span;

use crate::load::FileScope;
use crate::value::{Instance, Value};

/// What a name stands for, and where its value was first written down.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) value: Value,
    pub(crate) origin: Span,
}

/// A scope: names, then those of its parent.
#[derive(Debug)]
pub(crate) struct Scope {
    names: RefCell<Vec<(Arc<str>, Binding)>>,
    pub(crate) parent: Parent,
}

/// What lies around a scope.
#[derive(Debug, Clone)]
pub(crate) enum Parent {
    /// Another scope.
    Scope(Rc<Scope>),
    /// Members of an instance, then its static parameters.
    Instance(Rc<Instance>),
    /// Items of a file, then the prelude and built-ins.
    File(Rc<FileScope>),
}

impl Scope {
    pub(crate) fn new(parent: Parent) -> Rc<Scope> {
        Rc::new(Scope { names: RefCell::default(), parent })
    }

    /// A scope inside this one.
    pub(crate) fn inner(self: &Rc<Scope>) -> Rc<Scope> {
        Scope::new(Parent::Scope(self.clone()))
    }

    /// Binds a name; a later binding of the same name hides an earlier one.
    pub(crate) fn bind(&self, name: impl Into<Arc<str>>, value: Value, origin: Span) {
        self.names.borrow_mut().push((name.into(), Binding { value, origin }));
    }

    /// The binding in this scope alone.
    pub(crate) fn own(&self, name: &str) -> Option<Binding> {
        self.names.borrow().iter().rev().find(|(n, _)| &**n == name).map(|(_, b)| b.clone())
    }

    /// Something for each name of this scope alone, in the order in which they were bound.
    pub(crate) fn each<T>(&self, of: impl Fn(&str, &Value) -> T) -> Vec<T> {
        self.names.borrow().iter().map(|(name, binding)| of(name, &binding.value)).collect()
    }

    /// What the scope around this one binds a name to.
    pub(crate) fn parent_binding(&self, name: &str) -> Option<Value> {
        match &self.parent {
            Parent::Scope(outer) => outer.own(name).map(|b| b.value),
            Parent::Instance(_) | Parent::File(_) => None,
        }
    }

    /// The file that the scope lies in.
    pub(crate) fn file(&self) -> Rc<FileScope> {
        match &self.parent {
            Parent::Scope(s) => s.file(),
            Parent::Instance(i) => i.scope.file(),
            Parent::File(f) => f.clone(),
        }
    }

    /// The instance whose method the scope lies in.
    pub(crate) fn instance(&self) -> Option<Rc<Instance>> {
        match &self.parent {
            Parent::Scope(s) => s.instance(),
            Parent::Instance(i) => Some(i.clone()),
            Parent::File(_) => None,
        }
    }
}
