//! Experiments: data sets, values, steps, the run.

mod foresee;
mod item;
mod optimizer;
mod over;
mod pass;
mod pipeline;
pub(crate) mod reach;
mod run;
mod sequences;
mod step;
mod terms;

use std::rc::Rc;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use vspec_ir::{
    Condition, Graph, NodeId, Obligation, Output, OutputKind, Program, Step, StepBatch, Variable, Variant,
};
use vspec_syntax::ast::{ExperimentDef, ExperimentPart, StepDef};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

pub(crate) use item::Item;
pub(crate) use optimizer::OptimizerFrame;
use pass::{Collected, Finish};
use terms::TermUse;

use crate::codes;
use crate::eval::rule::Sight;
use crate::eval::variants::Leaf;
use crate::eval::{Eval, Evaluator, Place, Stop};
use crate::load::FileScope;
use crate::scope::{Parent, Scope};
use crate::value::{OptimizerValue, Pipeline, Value};

/// A named part of a loss and the parts of that.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) name: Arc<str>,
    pub(crate) node: NodeId,
    pub(crate) span: Span,
}

/// What statements of a step, an entry or a test have said so far.
#[derive(Debug, Default)]
pub(crate) struct StepContext {
    /// Terms of the loss or step that is being evaluated.
    pub(crate) terms: Vec<Term>,
    /// Terms of losses that have returned, for whoever names their sum.
    pub(crate) inner_terms: Vec<Term>,
    /// Whether a term could not be evaluated, so that the sum of all terms has no meaning.
    pub(crate) broken: bool,
    pub(crate) reports: Vec<(Arc<str>, NodeId)>,
    /// Number of inputs made from type literals.
    pub(crate) inputs: usize,
    /// Number of instances that got a path because they stand in an entry or a test.
    pub(crate) instances: usize,
    /// Where the sizes of inputs are written.
    pub(crate) input_axes: IndexMap<Arc<str>, Vec<Span>>,
    /// Relations that the specification requires.
    pub(crate) obligations: Vec<Obligation>,
    /// The update rule that is being applied.
    pub(crate) optimizer: Option<OptimizerFrame>,
    /// Optimizers that updated something.
    pub(crate) optimizers: Vec<Rc<OptimizerValue>>,
    /// Rows that the step collects over a pass.
    pub(crate) collected: Vec<Collected>,
    /// Columns of tables, as `<table>/<column>`.
    pub(crate) columns: Vec<(Arc<str>, NodeId)>,
    /// What happens at the end of a pass.
    pub(crate) finish: Finish,
    /// Calls of rules that somebody wants to see.
    pub(crate) sights: Vec<Sight>,
    /// Conditions of a test.
    pub(crate) assertions: Vec<(NodeId, Span)>,
    /// Parameters that were read through a view that freezes them.
    pub(crate) frozen: IndexSet<Arc<str>>,
    /// Losses that were minimized.
    pub(crate) minimized: Vec<NodeId>,
    /// Parameters that a minimized loss reaches, with the loss's place.
    pub(crate) reached: Vec<(Arc<str>, Span)>,
}

/// An experiment while it is elaborated.
#[derive(Default)]
struct Parts {
    data: Vec<Rc<Pipeline>>,
    steps: Vec<Step>,
    /// Parameters that some step trains.
    trained: IndexSet<Arc<str>>,
    reached: Vec<(Arc<str>, Span)>,
    /// Optimizers that updated something.
    optimizers: Vec<Rc<OptimizerValue>>,
}

impl Evaluator<'_> {
    /// Elaborates an experiment.
    pub(crate) fn experiment(&mut self, def: &ExperimentDef, file: &Rc<FileScope>) -> Eval<Program> {
        self.graph = Graph::new(&*def.name.name);
        self.current.clear();
        self.scalars.clear();
        self.masks.clear();
        self.variables.clear();
        self.declared.clear();
        self.data_sets.clear();
        self.mixed.clear();
        self.step = StepContext::default();
        let scope = Scope::new(Parent::File(file.clone()));
        let mut parts = Parts::default();
        let mut failed = self.values(def, &scope, &mut parts).is_err();
        for part in &def.parts {
            if let ExperimentPart::Step(step) = part {
                failed |= self.step_part(step, &scope, &mut parts).is_err();
            }
        }
        if failed {
            self.foresee(def, &parts);
            return Err(Stop);
        }
        self.check_trained(&parts)?;
        self.check_groups(&parts)?;
        let schedule = self.schedule(def, &scope, &parts)?;
        let variables: Vec<Variable> = self.variables.values().cloned().collect();
        let data = parts.data.iter().map(|p| p.finished()).collect();
        Ok(Program { name: def.name.name.to_string(), variables, data, steps: parts.steps, schedule })
    }

    /// Data sets and `let`s in written order.
    fn values(&mut self, def: &ExperimentDef, scope: &Rc<Scope>, parts: &mut Parts) -> Eval<()> {
        let mut failed = false;
        for part in &def.parts {
            failed |= match part {
                ExperimentPart::Data { name, value } => self.data_part(name, value, scope, parts).is_err(),
                ExperimentPart::Let(def) => self.let_part(def, scope).is_err(),
                ExperimentPart::Step(_) | ExperimentPart::Run(_) => false,
            };
        }
        failed |= self.check_batched(def, parts).is_err();
        if failed { Err(Stop) } else { Ok(()) }
    }

    /// An experiment's `let` names what owns variables.
    fn let_part(&mut self, def: &vspec_syntax::ast::Let, scope: &Rc<Scope>) -> Eval<()> {
        self.at_place(Place::Experiment, |e| e.let_statement(def, scope))?;
        let vspec_syntax::ast::Pattern::Name(name) = &def.pattern else { return Ok(()) };
        let Some(binding) = scope.own(&name.name) else { return Ok(()) };
        if let Value::Optimizer(optimizer) = &binding.value {
            optimizer.name.borrow_mut().get_or_insert_with(|| name.name.clone());
        }
        self.assign_path(&binding.value, &name.name)
    }

    /// A step, elaborated once for each answer to the conditions that nothing decides yet.
    fn step_part(&mut self, def: &StepDef, scope: &Rc<Scope>, parts: &mut Parts) -> Eval<()> {
        let leaves = self.each_answer(|e| e.step_once(def, scope, parts))?;
        let mut step = Step {
            name: def.name.name.to_string(),
            trains: step::trains(&def.body),
            batches: vec![],
            graphs: vec![],
            finish: vec![],
        };
        let mut finishes: Vec<(Vec<Condition>, Option<Graph>)> = vec![];
        self.warn_not_minimized(leaves.iter().flat_map(|leaf| &leaf.made.terms), step.trains);
        for Leaf { when, when_finishing, mut made } in leaves {
            self.keep_sights(&mut made.sights, &step.name, &when);
            let clock = when.iter().filter(|c| matches!(c, Condition::Clock(_))).cloned();
            let when_finishing: Vec<Condition> = clock.chain(when_finishing).collect();
            match finishes.iter().find(|(known, _)| *known == when_finishing) {
                Some((_, finish)) if *finish != made.finish => return self.finish_by_batch(def),
                Some(_) => {}
                None => finishes.push((when_finishing, made.finish)),
            }
            merge_fields(&mut step.batches, made.batches);
            if !step.graphs.iter().any(|known| known.when == when) {
                step.graphs.push(Variant { when, graph: made.graph });
            }
        }
        let finishes = finishes.into_iter();
        step.finish = finishes.filter_map(|(when, graph)| Some(Variant { when, graph: graph? })).collect();
        parts.steps.push(step);
        Ok(())
    }

    /// One of the graphs of a step, and what happens at the end of a pass.
    fn step_once(&mut self, def: &StepDef, scope: &Rc<Scope>, parts: &mut Parts) -> Eval<StepLeaf> {
        self.step = StepContext::default();
        self.current.retain(|name, _| name.starts_with("clock."));
        self.written.clear();
        self.streams = 0;
        self.stream = def.name.name.clone();
        let inner = scope.inner();
        let batches = self.batches(def, &inner, &parts.data)?;
        let training = std::mem::replace(&mut self.training, step::trains(&def.body));
        let result = self.at_place(Place::Step, |e| e.block_in(&def.body, &inner));
        self.training = training;
        result?;
        parts.reached.append(&mut self.step.reached);
        parts.optimizers.append(&mut self.step.optimizers);
        parts.trained.extend(self.written.keys().cloned());
        let terms = self.term_uses();
        let finish = self.finish_graph(def, &mut parts.trained)?;
        let sights = self.sight_graphs();
        let required = self.step.obligations.clone();
        let (graph, batches) = self.finished_step(def, batches);
        let sizes = step::batch_sizes(&batches, &parts.data);
        let known = |name: &str| sizes.iter().find(|(own, _)| own == name).map(|(_, size)| *size);
        self.check_assumed(&graph, &required, &known, def.name.span)?;
        Ok(StepLeaf { graph, finish, batches, sights, terms })
    }

    /// Graphs of what rules look at and decide, by the names of the rules.
    fn sight_graphs(&mut self) -> Vec<(Arc<str>, Graph)> {
        let sights = std::mem::take(&mut self.step.sights);
        let graph = |s: &Sight| (s.rule.clone(), self.cut(s.rule.to_string(), &s.outputs(), false));
        sights.iter().map(graph).collect()
    }

    fn keep_sights(&mut self, made: &mut Vec<(Arc<str>, Graph)>, step: &str, when: &[Condition]) {
        let Some(sights) = &mut self.sights else { return };
        sights.extend(made.drain(..).map(|(rule, graph)| crate::RuleSight {
            step: step.to_string(),
            when: when.to_vec(),
            rule: rule.to_string(),
            graph,
        }));
    }

    /// Cuts the step's graph out of the experiment's.
    fn finished_step(&mut self, def: &StepDef, mut batches: Vec<StepBatch>) -> (Graph, Vec<StepBatch>) {
        let mut outputs = outputs(&self.step.reports, &self.step.columns, &self.written);
        outputs.extend(self.step.collected.iter().flat_map(Collected::outputs));
        self.oblige(&outputs);
        let graph = self.cut(def.name.name.to_string(), &outputs, false);
        for batch in &mut batches {
            let prefix = format!("{}.", batch.name);
            let inputs = graph.nodes().filter_map(|(_, node)| match &node.op {
                vspec_ir::Op::Input { name, .. } => name.strip_prefix(&prefix).map(str::to_string),
                _ => None,
            });
            batch.fields = inputs.collect();
        }
        (graph, batches)
    }

    /// Hands the relations that the specification requires to a node that is kept.
    pub(crate) fn oblige(&mut self, outputs: &[Output]) {
        let Some(first) = outputs.first() else { return };
        for obligation in std::mem::take(&mut self.step.obligations) {
            self.graph.oblige(first.node, obligation);
        }
    }

    /// A parameter that a loss reaches has to be trained by some step.
    fn check_trained(&mut self, parts: &Parts) -> Eval<()> {
        let mut forgotten: Vec<(Span, Vec<Arc<str>>)> = vec![];
        for (path, span) in parts.reached.iter().filter(|(path, _)| !parts.trained.contains(path)) {
            match forgotten.iter_mut().find(|(s, _)| s == span) {
                Some((_, paths)) => paths.push(path.clone()),
                None => forgotten.push((*span, vec![path.clone()])),
            }
        }
        let mut result = Ok(());
        for (span, paths) in forgotten {
            let more = match paths.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let error = Diagnostic::error(
                codes::NOT_UPDATED,
                span,
                format!("`{}`{more}: reached by the loss, trained by nothing", paths[0]),
            );
            let error = error.label("the loss that is minimized");
            result = self.fail(error.hint("add its module to `over`, or cut the path with `stop_gradient`"));
        }
        result
    }

    /// A group of parameters that is empty is a misspelt one.
    fn check_groups(&mut self, parts: &Parts) -> Eval<()> {
        let mut result = Ok(());
        let groups = parts.optimizers.iter().flat_map(|o| &o.groups);
        for group in groups.filter(|g| !g.matched.get()) {
            let message = format!("no trained parameter matches `{}`", group.glob);
            let error = Diagnostic::error(codes::UNKNOWN_PART, group.span, message);
            let near = parts.trained.first().map(|p| p.split_once('.').map_or(&**p, |(_, rest)| rest));
            result = self.fail(match near {
                Some(path) => {
                    error.hint(format!("paths look like `{path}`; `**` stands for any number of components"))
                }
                None => error,
            });
        }
        result
    }

    /// The message that an experiment has no part of a name.
    pub(crate) fn unknown_part<T>(
        &mut self,
        what: &str,
        name: &vspec_syntax::ast::Ident,
        known: &[&str],
    ) -> Eval<T> {
        let error =
            Diagnostic::error(codes::UNKNOWN_PART, name.span, format!("there is no {what} `{}`", name.name));
        let hint = match did_you_mean(&name.name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => return self.fail(error),
            None => format!("there is {}", known.join(", ")),
        };
        self.fail(error.hint(hint))
    }
}

/// What one elaboration of a step makes.
struct StepLeaf {
    graph: Graph,
    finish: Option<Graph>,
    batches: Vec<StepBatch>,
    sights: Vec<(Arc<str>, Graph)>,
    terms: Vec<TermUse>,
}

/// Adds the fields that another graph of the same step reads.
fn merge_fields(batches: &mut Vec<StepBatch>, more: Vec<StepBatch>) {
    if batches.is_empty() {
        *batches = more;
        return;
    }
    for (batch, more) in batches.iter_mut().zip(more) {
        let new = more.fields.into_iter().filter(|field| !batch.fields.contains(field));
        let new: Vec<String> = new.collect();
        batch.fields.extend(new);
    }
}

/// Reports, columns of tables and new values of variables.
fn outputs(
    reports: &[(Arc<str>, NodeId)],
    columns: &[(Arc<str>, NodeId)],
    written: &IndexMap<Arc<str>, NodeId>,
) -> Vec<Output> {
    let output = |kind, name: &Arc<str>, node: &NodeId| Output { name: name.clone(), kind, node: *node };
    let reports = reports.iter().map(|(name, node)| output(OutputKind::Report, name, node));
    let columns = columns.iter().map(|(name, node)| output(OutputKind::Column, name, node));
    let writes = written.iter().map(|(path, node)| output(OutputKind::Write, path, node));
    reports.chain(columns).chain(writes).collect()
}
