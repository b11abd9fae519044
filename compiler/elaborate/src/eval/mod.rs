//! Evaluation: from expressions to values and graph nodes.
//!
//! An error is reported where it is found and the evaluation of that statement stops; what the statement would have bound
//! becomes [`Value::Poison`], which nothing reports again. So one run shows many errors and no echoes.

pub(crate) mod blocks;
pub(crate) mod call;
pub(crate) mod callee;
mod constants;
mod custom;
pub(crate) mod expr;
mod host;
pub(crate) mod index;
pub(crate) mod instance;
pub(crate) mod lookup;
mod manifold;
pub(crate) mod mask;
pub(crate) mod operators;
mod optimizers;
pub(crate) mod provenance;
pub(crate) mod reduce;
pub(crate) mod rule;
pub(crate) mod signature;
pub(crate) mod tensor;
pub(crate) mod tree;
pub(crate) mod variables;
pub(crate) mod variants;
pub(crate) mod view;

use std::rc::Rc;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use vspec_ir::{DType, Graph, NodeId, Variable};
use vspec_syntax::{Diagnostic, Label, Span};

use crate::codes;
use crate::experiment::StepContext;
use crate::load::Loader;
use crate::observe::Observer;
use crate::value::{Instance, Mode, Pipeline, Value, VariableDecl};

/// The error of an evaluation that has reported what is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop;

pub(crate) type Eval<T> = Result<T, Stop>;

/// What tensor expressions are evaluated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Static code: there is no graph.
    Static,
    /// The initial value of a variable.
    Init,
    /// A function of an item of a data set: there are neither variables nor a clock.
    Item,
    /// A value of an experiment outside its steps: may depend on the run clock, not on batches.
    Experiment,
    /// An entry: type literals are inputs.
    Entry,
    /// A test: variables are drawn, the clock stands still.
    Test,
    /// A step of an experiment.
    Step,
}

/// One level of the chain of calls.
#[derive(Debug, Clone)]
struct Frame {
    span: Span,
    what: Arc<str>,
    /// The instance whose method is called.
    of: Option<Rc<Instance>>,
}

/// How deep calls may nest. The evaluation thread's stack is sized for it.
const MAX_DEPTH: usize = 192;
/// How many expressions one compilation may evaluate, and how many elements its lists may have in all.
const MAX_WORK: u64 = 5_000_000;
/// How many nodes a graph may have.
const MAX_NODES: usize = 250_000;
/// How many axes a tensor may have.
const MAX_RANK: usize = 32;
/// How many errors one compilation reports.
pub(crate) const MAX_ERRORS: usize = 20;

/// The state of one compilation.
pub(crate) struct Evaluator<'w> {
    pub(crate) loader: Loader<'w>,
    /// Every node of the program; steps and entries are extracted from it.
    pub(crate) graph: Graph,
    pub(crate) place: Place,
    /// Variables with a path, by path, and how each is initialised.
    pub(crate) variables: IndexMap<Arc<str>, Variable>,
    /// Values of variables in the step or entry that is being built.
    pub(crate) current: IndexMap<Arc<str>, NodeId>,
    /// Scalar constants of the graph.
    pub(crate) scalars: IndexMap<(u64, DType), NodeId>,
    /// Paths that the step has written, in order of the first write.
    pub(crate) written: IndexMap<Arc<str>, NodeId>,
    pub(crate) step: StepContext,
    /// Data sets of the experiment so far; nothing for one whose error was reported.
    pub(crate) data_sets: IndexMap<Arc<str>, Option<Rc<Pipeline>>>,
    /// Names of those that a mix is made of.
    pub(crate) mixed: IndexSet<Arc<str>>,
    /// Whether modules behave as in training.
    pub(crate) training: bool,
    /// Path of the instance whose method is being evaluated.
    pub(crate) module_path: Option<Arc<str>>,
    /// How many methods of instances are being evaluated within each other.
    pub(crate) inside_instances: usize,
    /// Prefix of random streams while a variable is initialised.
    pub(crate) stream: Arc<str>,
    pub(crate) streams: u32,
    /// Declarations by path, for messages about sizes.
    pub(crate) declared: IndexMap<Arc<str>, Rc<VariableDecl>>,
    /// Masks of the sizes that are padded, by the size's name.
    pub(crate) masks: IndexMap<Arc<str>, NodeId>,
    /// Values of one pair of the assignment rule that is being evaluated, by the node that stands for them: see `rule/lift.rs`.
    pub(crate) lifted: IndexMap<NodeId, NodeId>,
    /// That rule.
    pub(crate) rule: Option<Box<rule::Pairing>>,
    /// How the instances that are being evaluated are looked at, outermost first.
    pub(crate) modes: Vec<Mode>,
    /// Records what an editor wants to know.
    pub(crate) observer: Option<Observer>,
    /// Calls of rules in steps, if somebody wants to see them.
    pub(crate) sights: Option<Vec<crate::RuleSight>>,
    /// Answers to conditions that nothing decides yet.
    pub(crate) answers: variants::Answers,
    /// Constants of files that are being evaluated, outermost first.
    open_constants: Vec<constants::OpenConstant>,
    frames: Vec<Frame>,
    work: u64,
}

impl<'w> Evaluator<'w> {
    pub(crate) fn new(loader: Loader<'w>) -> Self {
        Evaluator {
            loader,
            graph: Graph::new(""),
            place: Place::Static,
            variables: IndexMap::new(),
            current: IndexMap::new(),
            scalars: IndexMap::new(),
            written: IndexMap::new(),
            step: StepContext::default(),
            data_sets: IndexMap::new(),
            mixed: IndexSet::new(),
            training: false,
            module_path: None,
            inside_instances: 0,
            stream: "".into(),
            streams: 0,
            declared: IndexMap::new(),
            masks: IndexMap::new(),
            lifted: IndexMap::new(),
            rule: None,
            modes: vec![],
            observer: None,
            sights: None,
            answers: variants::Answers::default(),
            open_constants: vec![],
            frames: vec![],
            work: 0,
        }
    }

    /// Reports and stops.
    pub(crate) fn fail<T>(&mut self, diagnostic: Diagnostic) -> Eval<T> {
        self.report(diagnostic);
        Err(Stop)
    }

    /// Reports an error of one phrase and stops.
    pub(crate) fn error<T>(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Eval<T> {
        self.fail(Diagnostic::error(code, span, message))
    }

    /// Reports, with the chain of calls that led here; the same message at the same place only once.
    pub(crate) fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.trace =
            self.frames.iter().rev().map(|f| Label { span: f.span, text: f.what.to_string() }).collect();
        diagnostic.trace.extend(self.answers.notes());
        diagnostic.secondary.extend(self.maker(diagnostic.primary.span));
        let known = |d: &Diagnostic| {
            (d.code, d.primary.span, &d.message)
                == (diagnostic.code, diagnostic.primary.span, &diagnostic.message)
        };
        if !self.loader.diagnostics.iter().any(known) {
            self.loader.diagnostics.push(diagnostic);
        }
    }

    /// For a mistake that shows inside the library: the line of the package that made the module in which it shows.
    fn maker(&self, at: Span) -> Option<Label> {
        if !self.loader.in_library(at) {
            return None;
        }
        let innermost = self.frames.iter().rev().filter_map(|frame| frame.of.as_ref());
        let instance = innermost.into_iter().find(|instance| !self.loader.in_library(instance.span))?;
        Some(Label { span: instance.span, text: format!("this `{}` is made here", instance.name) })
    }

    /// The call that is being evaluated is one of a method of this instance.
    fn called_on(&mut self, instance: &Rc<Instance>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.of = Some(instance.clone());
        }
    }

    /// Whether so many errors were reported that more would not help.
    pub(crate) fn saturated(&self) -> bool {
        self.loader.diagnostics.iter().filter(|d| d.is_error()).count() >= MAX_ERRORS
    }

    /// Counts one evaluated expression.
    pub(crate) fn spend(&mut self, span: Span) -> Eval<()> {
        self.charge(1, span)
    }

    /// A list or a record that was just put together. What is within it counts again, so that lists of shared lists cannot
    /// grow without bound.
    pub(crate) fn built(&mut self, value: Value, span: Span) -> Eval<Value> {
        let left = MAX_WORK.saturating_sub(self.work);
        self.charge(value.weight(left), span)?;
        Ok(value)
    }

    /// Counts work.
    pub(crate) fn charge(&mut self, amount: u64, span: Span) -> Eval<()> {
        self.work = self.work.saturating_add(amount);
        if self.work <= MAX_WORK {
            return Ok(());
        }
        self.error(codes::LIMIT, span, format!("elaboration takes more than {MAX_WORK} steps"))
    }

    /// Lets the observer, if there is one, see a value of this graph.
    pub(crate) fn observe(&mut self, span: Span, value: &Value) {
        if let Some(observer) = &mut self.observer {
            observer.value(span, value, &self.graph);
        }
    }

    /// Lets the observer see what a call of what stands here came to.
    fn observe_result(&mut self, callee: Span, value: &Value) {
        if let Some(observer) = &mut self.observer {
            observer.result(callee, value, &self.graph);
        }
    }

    /// How many calls are being evaluated.
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Evaluates something one call deeper.
    pub(crate) fn framed<T>(
        &mut self,
        span: Span,
        what: impl Into<Arc<str>>,
        body: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> Eval<T> {
        if self.frames.len() >= MAX_DEPTH {
            let frames = std::mem::take(&mut self.frames);
            let stopped = self.fail(
                Diagnostic::error(codes::LIMIT, span, format!("calls nest more than {MAX_DEPTH} deep"))
                    .hint("a static `if` has to end a recursion"),
            );
            self.frames = frames;
            return stopped;
        }
        self.frames.push(Frame { span, what: what.into(), of: None });
        let result = body(self);
        self.frames.pop();
        result
    }

    /// Evaluates something with tensor expressions meaning something else, in a graph of its own.
    pub(crate) fn in_graph<T>(
        &mut self,
        place: Place,
        body: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> (Eval<T>, Graph) {
        let graph = std::mem::take(&mut self.graph);
        let current = std::mem::take(&mut self.current);
        let written = std::mem::take(&mut self.written);
        let scalars = std::mem::take(&mut self.scalars);
        let masks = std::mem::take(&mut self.masks);
        let lifted = std::mem::take(&mut self.lifted);
        let rule = self.rule.take();
        let outer = std::mem::replace(&mut self.place, place);
        let result = body(self);
        self.place = outer;
        self.rule = rule;
        self.lifted = lifted;
        self.masks = masks;
        self.scalars = scalars;
        self.written = written;
        self.current = current;
        (result, std::mem::replace(&mut self.graph, graph))
    }

    /// Evaluates something in another place of the same graph.
    pub(crate) fn at_place<T>(&mut self, place: Place, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.place, place);
        let result = body(self);
        self.place = outer;
        result
    }
}
