//! What expressions evaluate to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::{Condition, Dim, NodeId, Obligation, Stage, Type};
use vspec_syntax::Span;
use vspec_syntax::ast;

use crate::builtins::Builtin;
use crate::experiment::Item;
use crate::globs::matches;
use crate::load::{AssignItem, FnItem, LossItem, ModuleItem, OptimizerItem};
use crate::scope::Scope;

/// A value of the elaborator. Everything but [`Value::Tensor`] is static.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Stands for something whose error has been reported already; using it reports nothing more.
    Poison,
    Int(i64),
    Float(f64),
    Bool(bool),
    Str(Arc<str>),
    /// A size that depends on named sizes; constant sizes are [`Value::Int`].
    Dim(Dim),
    /// A condition on sizes that can only be answered when they are bound.
    Undecided(Rc<Formula>),
    List(Rc<Vec<Value>>),
    Tuple(Rc<Vec<Value>>),
    Record(Rc<IndexMap<Arc<str>, Value>>),
    /// A value of the graph.
    Tensor(NodeId),
    /// `f32[1, 3, 224, 224]` as an expression: stands for an input of that type.
    Type(Rc<TypeValue>),
    Callable(Rc<Callable>),
    Instance(Rc<Instance>),
    Optimizer(Rc<OptimizerValue>),
    /// Tensors by name: the parameters or states of an instance, or what was computed from them leaf by leaf.
    Tree(Rc<Tree>),
    /// A module instance that behaves differently: frozen, in evaluation, with other parameters.
    View(Rc<View>),
    /// A data pipeline under construction or finished.
    Pipeline(Rc<Pipeline>),
    /// A transform for `each`.
    Stage(Rc<Stage>),
    /// Nothing: the value of a block without a last expression.
    Unit,
}

/// A condition without an answer yet.
#[derive(Debug, Clone)]
pub(crate) enum Formula {
    Is(Condition),
    Both(Rc<(Formula, Formula)>),
    Either(Rc<(Formula, Formula)>),
}

impl Formula {
    pub(crate) fn relation(obligation: Obligation) -> Formula {
        Formula::Is(Condition::Sizes(obligation))
    }

    pub(crate) fn both(a: Formula, b: Formula) -> Formula {
        Formula::Both(Rc::new((a, b)))
    }

    pub(crate) fn either(a: Formula, b: Formula) -> Formula {
        Formula::Either(Rc::new((a, b)))
    }

    /// The condition that holds exactly when this one does not; `None` if a size in it gets too large.
    pub(crate) fn negated(&self) -> Option<Formula> {
        Some(match self {
            Formula::Is(condition) => Formula::Is(condition.negated()?),
            Formula::Both(sides) => Formula::either(sides.0.negated()?, sides.1.negated()?),
            Formula::Either(sides) => Formula::both(sides.0.negated()?, sides.1.negated()?),
        })
    }

    /// The relations of which all must hold; `None` if one of several is enough.
    pub(crate) fn relations(&self) -> Option<Vec<Obligation>> {
        match self {
            Formula::Is(Condition::Sizes(relation)) => Some(vec![relation.clone()]),
            Formula::Both(sides) => Some([sides.0.relations()?, sides.1.relations()?].concat()),
            Formula::Is(Condition::Clock(_)) | Formula::Either(_) => None,
        }
    }
}

/// A type literal and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct TypeValue {
    pub(crate) ty: Type,
    /// Where each axis was written.
    pub(crate) axes: Vec<Span>,
}

/// Something that can be called.
#[derive(Debug)]
pub(crate) enum Callable {
    Builtin(&'static Builtin),
    Function(Rc<FnItem>),
    /// A function of two parameter lists that has its first.
    Configured(Rc<FnItem>, Rc<Scope>),
    Method(Rc<Instance>, Rc<ast::FnDef>),
    Module(Rc<ModuleItem>),
    Loss(Rc<LossItem>),
    Optimizer(Rc<OptimizerItem>),
    /// An assignment rule.
    Rule(Rc<AssignItem>),
    /// A rule with its parameters, which takes rows and columns.
    Assigner(Rc<AssignItem>, Rc<Scope>),
    /// A callable that already has some of its arguments, and the call that gave them.
    Partial(Rc<Callable>, Vec<Given>, Span),
    /// A method of a view: what it calls sees the view's modes.
    Viewed(Rc<Callable>, Rc<Vec<Mode>>),
}

/// Tensors by their names below an instance: `layer1.0.conv1.weight`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) leaves: IndexMap<Arc<str>, Leaf>,
}

/// One tensor of a [`Tree`].
#[derive(Debug, Clone)]
pub(crate) enum Leaf {
    /// A variable, by its whole path; it is read when it is needed.
    Variable(Arc<str>),
    Node(NodeId),
}

/// An instance and how it is looked at.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) base: Rc<Instance>,
    pub(crate) modes: Rc<Vec<Mode>>,
}

/// A change of behaviour that lasts while methods of a view run, in everything that they call.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// `train_mode`, `eval_mode`
    Training(bool),
    /// Parameters below an instance whose names match get no gradient.
    Frozen { instance: Rc<Instance>, patterns: Vec<Arc<str>> },
    /// Other values of parameters, by whole path; updates of states are dropped.
    Params(Rc<IndexMap<Arc<str>, NodeId>>),
    /// Another value of a member.
    Member { instance: Rc<Instance>, name: Arc<str>, value: Value },
}

/// An argument of a call.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) name: Option<ast::Ident>,
    pub(crate) value: Value,
    /// The argument's expression.
    pub(crate) span: Span,
    /// Where a static value was first written down, when the argument only passes it on.
    pub(crate) origin: Span,
}

/// A module or a loss with its static parameters.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Name of the module or loss.
    pub(crate) name: Arc<str>,
    pub(crate) kind: InstanceKind,
    /// Static parameters; its parent is the file's scope.
    pub(crate) scope: Rc<Scope>,
    pub(crate) members: RefCell<IndexMap<Arc<str>, Member>>,
    /// Path of its parameters, once it is a member of something that has one.
    pub(crate) path: RefCell<Option<Arc<str>>>,
    /// The call that made it.
    pub(crate) span: Span,
    /// Whether a method of it was ever called.
    pub(crate) used: Cell<bool>,
}

#[derive(Debug)]
pub(crate) enum InstanceKind {
    Module(Rc<ModuleItem>),
    Loss(Rc<LossItem>),
}

/// A member of an instance.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    /// A child module, a list of them, or any static value.
    Value(Value),
    Variable(Rc<VariableDecl>),
    Method(Rc<ast::FnDef>),
}

/// A `param`, `state` or `const` of an instance.
#[derive(Debug)]
pub(crate) struct VariableDecl {
    pub(crate) kind: DeclKind,
    pub(crate) ty: Type,
    pub(crate) def: Rc<ast::VarDef>,
    /// The scope that the initial value is evaluated in.
    pub(crate) scope: Rc<Scope>,
    /// Where the size of each axis was first written down, with a phrase such as "`outputs` is 32".
    pub(crate) axes: Vec<(Span, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeclKind {
    Param,
    State,
    Const,
}

impl DeclKind {
    /// What the field `params` or `state` of an instance collects.
    pub(crate) fn of_tree(field: &str) -> Option<DeclKind> {
        match field {
            "params" => Some(DeclKind::Param),
            "state" => Some(DeclKind::State),
            _ => None,
        }
    }
}

/// An optimizer of an experiment: an update rule, its arguments and, through its name, its states.
#[derive(Debug)]
pub(crate) struct OptimizerValue {
    pub(crate) item: Rc<OptimizerItem>,
    pub(crate) scope: Rc<Scope>,
    /// What gradients pass before they reach the rule, in order: `clip_norm(10) |> sgd(..)`.
    pub(crate) before: Vec<Rc<OptimizerValue>>,
    /// Parameters with arguments of their own; the first group that matches counts.
    pub(crate) groups: Vec<OptimizerGroup>,
    /// Name in the experiment; its states live below it.
    pub(crate) name: RefCell<Option<Arc<str>>>,
    pub(crate) span: Span,
}

/// Parameters for which an optimizer has other arguments.
#[derive(Debug)]
pub(crate) struct OptimizerGroup {
    /// Which ones: a glob over paths.
    pub(crate) glob: Arc<str>,
    pub(crate) scope: Rc<Scope>,
    /// Whether any parameter that was updated is one of them.
    pub(crate) matched: Cell<bool>,
    pub(crate) span: Span,
}

impl OptimizerValue {
    /// The arguments for a parameter. Globs match the whole path, or what follows the name of the network.
    pub(crate) fn scope_for(&self, path: &str) -> &Rc<Scope> {
        let inner = path.split_once('.').map_or(path, |(_, rest)| rest);
        let group = self.groups.iter().find(|g| matches(&g.glob, path) || matches(&g.glob, inner));
        match group {
            Some(group) => {
                group.matched.set(true);
                &group.scope
            }
            None => &self.scope,
        }
    }
}

/// A data set of an experiment.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) source: vspec_ir::Source,
    pub(crate) stages: Vec<Stage>,
    /// Number of classes, where known without looking at the data.
    pub(crate) classes: Option<usize>,
    /// Fields of one item.
    pub(crate) item: Item,
    /// Name in the experiment.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) span: Span,
}

impl Value {
    pub(crate) fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(items))
    }

    /// How many values it holds in all, itself included; counting stops above `limit`.
    pub(crate) fn weight(&self, limit: u64) -> u64 {
        let (mut stack, mut count) = (vec![self], 0);
        while let Some(value) = stack.pop().filter(|_| count <= limit) {
            count += 1;
            match value {
                Value::List(items) | Value::Tuple(items) => stack.extend(items.iter()),
                Value::Record(fields) => stack.extend(fields.values()),
                Value::Str(text) => count += text.len() as u64 / 64,
                _ => {}
            }
        }
        count
    }

    /// A size: constants become ints.
    pub(crate) fn dim(dim: &Dim) -> Value {
        dim.as_const().map_or_else(|| Value::Dim(dim.clone()), Value::Int)
    }

    /// The value as a size.
    pub(crate) fn as_dim(&self) -> Option<Dim> {
        match self {
            Value::Int(i) => Some(Dim::from(*i)),
            Value::Dim(d) => Some(d.clone()),
            _ => None,
        }
    }

    /// The value as a number, if it is static and constant.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// What kind of value this is, for messages: `an int`, `a tensor`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Poison => "an invalid value",
            Value::Int(_) => "an int",
            Value::Float(_) => "a float",
            Value::Bool(_) => "a bool",
            Value::Str(_) => "a string",
            Value::Dim(_) => "a size",
            Value::Undecided(_) => "a condition on sizes",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Record(_) => "a record",
            Value::Tensor(_) => "a tensor",
            Value::Type(_) => "a tensor type",
            Value::Callable(c) => c.kind(),
            Value::Instance(i) => match i.kind {
                InstanceKind::Module(_) => "a module instance",
                InstanceKind::Loss(_) => "a loss",
            },
            Value::Optimizer(_) => "an optimizer",
            Value::Tree(_) => "a set of parameters",
            Value::View(_) => "a module instance",
            Value::Pipeline(_) => "a data set",
            Value::Stage(_) => "a data transform",
            Value::Unit => "nothing",
        }
    }
}

impl Callable {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Callable::Module(_) => "a module",
            Callable::Loss(_) => "a loss",
            Callable::Optimizer(_) => "an optimizer",
            Callable::Rule(_) | Callable::Assigner(..) => "an assignment rule",
            Callable::Partial(inner, ..) => match **inner {
                Callable::Module(_) => "a module that still needs arguments",
                _ => "a function that still needs arguments",
            },
            Callable::Builtin(_)
            | Callable::Function(_)
            | Callable::Configured(..)
            | Callable::Viewed(..)
            | Callable::Method(..) => "a function",
        }
    }

    /// Its name for messages.
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Callable::Builtin(b) => b.name.into(),
            Callable::Function(f) | Callable::Configured(f, _) => f.def.name.name.clone(),
            Callable::Method(_, def) => def.name.name.clone(),
            Callable::Module(m) => m.def.name.name.clone(),
            Callable::Loss(l) => l.def.name.name.clone(),
            Callable::Optimizer(o) => o.def.name.name.clone(),
            Callable::Rule(r) | Callable::Assigner(r, _) => r.def.name.name.clone(),
            Callable::Partial(inner, ..) | Callable::Viewed(inner, _) => inner.name(),
        }
    }
}

impl Instance {
    /// The path, for parameter names; instances without one are refused before this is asked.
    pub(crate) fn path(&self) -> Option<Arc<str>> {
        self.path.borrow().clone()
    }

    pub(crate) fn member(&self, name: &str) -> Option<Member> {
        self.members.borrow().get(name).cloned()
    }
}
