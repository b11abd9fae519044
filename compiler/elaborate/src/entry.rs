//! Entries and tests: graphs to look at and to check, outside any experiment.

use std::rc::Rc;

use vspec_ir::{Entry, Graph, NodeId, Output, OutputKind, Relation, Variable};
use vspec_syntax::ast::{
    EntryDef, Expr, ExprKind, IndexArg, ItemKind, MemberKind, TestDef, TypeExpr, TypeKind,
};
use vspec_syntax::{Diagnostic, Span};

use crate::assumed::{unstated, written};
use crate::eval::tensor::span_of;
use crate::eval::variants::Leaf;
use crate::eval::{Eval, Evaluator, Place};
use crate::experiment::StepContext;
use crate::load::{FileScope, ModuleItem};
use crate::scope::{Parent, Scope};
use crate::value::{Callable, Value};
use crate::{TestCase, codes};

impl Evaluator<'_> {
    /// Forgets everything about the graph that was built before.
    fn restart(&mut self, name: &str) {
        self.graph = Graph::new(name);
        self.current.clear();
        self.scalars.clear();
        self.masks.clear();
        self.written.clear();
        self.variables.clear();
        self.declared.clear();
        self.streams = 0;
        self.stream = name.into();
        self.step = StepContext::default();
    }

    /// `entry name = Net()(f32[1, 3, 224, 224])`: one entry for each answer to conditions that nothing decides yet.
    pub(crate) fn entries(&mut self, def: &EntryDef, file: &Rc<FileScope>) -> Eval<Vec<Entry>> {
        let leaves = self.each_answer(|e| e.entry(def, file))?;
        let entry = |leaf: Leaf<(Graph, Vec<Variable>)>| {
            let (graph, variables) = leaf.made;
            Entry { name: def.name.name.to_string(), when: leaf.when, graph, variables }
        };
        Ok(leaves.into_iter().map(entry).collect())
    }

    fn entry(&mut self, def: &EntryDef, file: &Rc<FileScope>) -> Eval<(Graph, Vec<Variable>)> {
        self.restart(&def.name.name);
        let scope = Scope::new(Parent::File(file.clone()));
        let value = self.at_place(Place::Entry, |e| e.expr(&def.value, &scope))?;
        let outputs = self.entry_outputs(&value, def.value.span)?;
        let required = self.step.obligations.clone();
        self.oblige(&outputs);
        let graph = self.cut(def.name.name.to_string(), &outputs, false);
        self.check_assumed(&graph, &required, &|_| None, def.value.span)?;
        Ok((graph, self.taken_variables()))
    }

    fn taken_variables(&self) -> Vec<Variable> {
        self.variables.values().cloned().collect()
    }

    /// Tensors of a value: itself, or the elements of a tuple, list or record, or of a set such as `net.state`.
    fn entry_outputs(&mut self, value: &Value, span: Span) -> Eval<Vec<Output>> {
        let output = |name: &str, node| Output { name: name.into(), kind: OutputKind::Value, node };
        match value {
            Value::Tensor(node) => Ok(vec![output("output", *node)]),
            Value::Record(fields) => {
                let mut outputs = vec![];
                for (name, field) in &**fields {
                    match field {
                        Value::Tree(_) => {
                            let leaves = self.entry_outputs(field, span)?.into_iter();
                            outputs.extend(leaves.map(|o| output(&format!("{name}.{}", o.name), o.node)));
                        }
                        _ => outputs.push(output(name, self.tensor(field, span)?)),
                    }
                }
                Ok(outputs)
            }
            Value::Tree(tree) => {
                let leaves = tree.leaves.iter();
                leaves.map(|(name, leaf)| Ok(output(name, self.leaf(leaf, span)?))).collect()
            }
            Value::List(items) | Value::Tuple(items) => {
                let parts = items.iter().enumerate();
                parts.map(|(i, v)| Ok(output(&format!("output{i}"), self.tensor(v, span)?))).collect()
            }
            other => self.fail(
                Diagnostic::error(
                    codes::WRONG_KIND,
                    span,
                    format!("an entry is a tensor, not {}", other.kind()),
                )
                .hint("call the network on the types of its inputs: `Net()(f32[1, 3, 224, 224])`"),
            ),
        }
    }

    /// Every test of a file: at the top and in modules, where `self` is the module.
    pub(crate) fn tests(&mut self, file: &Rc<FileScope>) -> Vec<TestCase> {
        let mut tests = vec![];
        for item in &file.ast.items {
            match &item.kind {
                ItemKind::Test(def) => tests.extend(self.test(def, None, file)),
                ItemKind::Module(module) => {
                    let Some(crate::load::Definition::Module(owner)) = file.definition(&module.name.name)
                    else {
                        continue;
                    };
                    for member in &module.members {
                        if let MemberKind::Test(def) = &member.kind {
                            tests.extend(self.test(def, Some(&owner), file));
                        }
                    }
                }
                _ => {}
            }
        }
        tests
    }

    /// A test, once for each answer to conditions that nothing decides yet.
    fn test(&mut self, def: &TestDef, owner: Option<&Rc<ModuleItem>>, file: &Rc<FileScope>) -> Vec<TestCase> {
        let leaves = self.each_answer(|e| Ok(e.test_once(def, owner, file)));
        // Too many answers are an error of the file, what fails with one of them is a failure of the test.
        let Ok(leaves) = leaves else { return vec![] };
        let case = |leaf: Leaf<TestCase>| match leaf.when.as_slice() {
            [] => leaf.made,
            when => {
                let when: Vec<String> = when.iter().map(ToString::to_string).collect();
                let name = format!("{} ({})", leaf.made.name, when.join(", "));
                TestCase { name, ..leaf.made }
            }
        };
        leaves.into_iter().map(case).collect()
    }

    fn test_once(&mut self, def: &TestDef, owner: Option<&Rc<ModuleItem>>, file: &Rc<FileScope>) -> TestCase {
        self.restart(&def.name);
        let scope = Scope::new(Parent::File(file.clone()));
        let mut name = def.name.to_string();
        if let Some(owner) = owner {
            let module = Value::Callable(Rc::new(Callable::Module(owner.clone())));
            scope.bind("self", module, def.name_span);
            name = format!("{}: {name}", owner.def.name.name);
        }
        let before = self.loader.diagnostics.len();
        // A failed statement has reported itself; what follows is still looked at.
        let result = self.at_place(Place::Test, |e| e.block_in(&def.body, &scope));
        let mut failures = self.loader.diagnostics.split_off(before);
        if result.is_err() && failures.is_empty() {
            failures.extend(self.unexplained(def.name_span));
        }
        let assertions = std::mem::take(&mut self.step.assertions);
        let outputs: Vec<Output> = assertions
            .iter()
            .enumerate()
            .map(|(i, (node, _))| Output {
                name: format!("assert{i}").into(),
                kind: OutputKind::Value,
                node: *node,
            })
            .collect();
        TestCase {
            name,
            span: def.name_span,
            failures,
            graph: self.cut(def.name.to_string(), &outputs, false),
            assertions: assertions.into_iter().map(|(_, span)| span).collect(),
            variables: self.taken_variables(),
        }
    }

    /// What is said about something that stopped without having reported why: nothing if the file has an error, from which that
    /// may come; else a fault of the compiler, which must not look like success.
    pub(crate) fn unexplained(&self, span: Span) -> Option<Diagnostic> {
        let explained = self.loader.diagnostics.iter().any(Diagnostic::is_error);
        let error =
            Diagnostic::error(codes::UNEXPLAINED, span, "this cannot be evaluated, and no error says why");
        (!explained).then(|| error.hint("this is a fault of the compiler; please report the specification"))
    }

    /// Notes that an entry or an experiment stopped.
    pub(crate) fn note_stop(&mut self, span: Span) {
        let unexplained = self.unexplained(span);
        self.loader.diagnostics.extend(unexplained);
    }

    /// `shape value == f32[..]` in a test.
    pub(crate) fn shape_statement(
        &mut self,
        value: &Expr,
        expected: &TypeExpr,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if self.place != Place::Test {
            return self.error(codes::WRONG_PLACE, span, "`shape` stands in a test");
        }
        let found = self.expr(value, scope)?;
        let node = self.tensor(&found, value.span)?;
        let found = self.graph.ty(node).clone();
        let wanted = self.expected_type(expected, scope)?;
        let agree = found.dtype == wanted.dtype
            && found.rank() == wanted.rank()
            && found.shape.iter().zip(&wanted.shape).all(|(a, b)| a == b);
        match agree {
            true => self.always(node, value.span),
            false => self.fail(
                Diagnostic::error(
                    codes::TEST_FAILED,
                    value.span,
                    format!("the shape is {found}, not {wanted}"),
                )
                .label(format!("this is {found}"))
                .also(expected.span, "expected here"),
            ),
        }
    }

    /// A shape that a test states has to be that for all sizes, not only for some.
    fn always(&mut self, node: NodeId, span: Span) -> Eval<()> {
        let output = Output { name: "shape".into(), kind: OutputKind::Value, node };
        let graph = self.graph.extract("shape", &[output]);
        let unstated = unstated(&graph, &self.step.obligations);
        let Some((at, relation)) = unstated.into_iter().find(|(_, r)| r.relation == Relation::Equal) else {
            return Ok(());
        };
        let message = format!("the shape is so only where `{}`", written(relation));
        let mut error = Diagnostic::error(codes::TEST_FAILED, span, message);
        if let Some(location) = graph.node(at).origin.location {
            error = error.also(span_of(location), "this needs it");
        }
        self.fail(error.hint("if it is meant, the module says so with `require`"))
    }

    fn expected_type(&mut self, ty: &TypeExpr, scope: &Rc<Scope>) -> Eval<vspec_ir::Type> {
        let TypeKind::Shaped { element, dims } = &ty.kind else {
            return self.error(codes::WRONG_KIND, ty.span, "a shape is written `f32[2, 3]`");
        };
        let name = Expr { kind: ExprKind::Name(element.name.clone()), span: element.span };
        let args: Vec<IndexArg> = dims.iter().map(|d| IndexArg::At(d.size.clone())).collect();
        let whole = Expr { kind: ExprKind::Index(Box::new(name.clone()), args.clone()), span: ty.span };
        match self.index(&whole, &name, &args, scope)? {
            Value::Type(literal) => Ok(literal.ty.clone()),
            other => self.error(codes::WRONG_KIND, ty.span, format!("{} is no tensor type", other.kind())),
        }
    }

    /// `assert condition` in a test.
    pub(crate) fn assert_statement(&mut self, condition: &Expr, span: Span, scope: &Rc<Scope>) -> Eval<()> {
        if self.place != Place::Test {
            return self.error(codes::WRONG_PLACE, span, "`assert` stands in a test");
        }
        match self.expr(condition, scope)? {
            Value::Bool(true) => Ok(()),
            Value::Bool(false) => {
                self.error(codes::TEST_FAILED, condition.span, "the assertion does not hold")
            }
            Value::Tensor(node) if self.graph.ty(node).dtype == vspec_ir::DType::Bool => {
                self.step.assertions.push((node, condition.span));
                Ok(())
            }
            other => {
                let message = format!("an assertion is a bool, not {}", other.kind());
                self.error(codes::WRONG_KIND, condition.span, message)
            }
        }
    }
}
