//! Relations between sizes that operations need and nobody has stated.
//!
//! `x + permute(x, [0, 1, 3, 2])` fits where the height is the width. Shapes that only sometimes agree are most often a mistake, so each
//! relation of that kind is a warning; one that the batches of a step break is an error.

use std::collections::BTreeSet;

use vspec_ir::{Graph, NodeId, Obligation, Relation};
use vspec_syntax::{Diagnostic, Span};

use crate::codes;
use crate::eval::tensor::span_of;
use crate::eval::{Eval, Evaluator, Stop};

impl Evaluator<'_> {
    /// Looks at what the operations of a graph need of sizes, besides what is required. `known` are sizes that have a value: those of
    /// batches. `span` is what the graph is made of.
    pub(crate) fn check_assumed(
        &mut self,
        graph: &Graph,
        required: &[Obligation],
        known: &dyn Fn(&str) -> Option<i64>,
        span: Span,
    ) -> Eval<()> {
        let mut result = Ok(());
        for (node, relation) in unstated(graph, required) {
            let place = graph.node(node).origin.location.map_or(span, span_of);
            if relation.holds(known) == Ok(false) {
                self.report(broken(relation, known, place));
                result = Err(Stop);
            } else if relation.relation == Relation::Equal {
                self.report(assumed(relation, place));
            }
        }
        result
    }
}

/// What operations need of sizes, each once. Names that the program itself gives to sizes are left out: what they stand for is known.
pub(crate) fn unstated<'g>(graph: &'g Graph, required: &[Obligation]) -> Vec<(NodeId, &'g Obligation)> {
    let mut facts = graph.facts().clone();
    required.iter().for_each(|relation| facts.assume(relation.clone()));
    let is_stated = |relation: &Obligation| {
        let mut symbols = relation.symbols();
        symbols.any(|name| facts.definitions().any(|(own, _)| *own == *name))
            || relation.relation.decide(&relation.left, &relation.right, &facts) == Some(true)
    };
    let mut found: Vec<(NodeId, &Obligation)> = vec![];
    for (node, relation) in graph.obligations().iter().filter(|(_, relation)| !is_stated(relation)) {
        if found.iter().all(|(_, known)| !is_same(known, relation)) {
            found.push((*node, relation));
        }
    }
    found
}

/// Whether two relations say the same.
fn is_same(a: &Obligation, b: &Obligation) -> bool {
    let turned = a.relation == Relation::Equal && a.left == b.right && a.right == b.left;
    a.relation == b.relation && (turned || a.left == b.left && a.right == b.right)
}

/// A relation as one writes it: `B == 10`, not `10 == B`.
pub(crate) fn written(relation: &Obligation) -> String {
    match (relation.relation, relation.left.as_const()) {
        (Relation::Equal, Some(number)) => format!("{} == {number}", relation.right),
        _ => relation.to_string(),
    }
}

fn assumed(relation: &Obligation, place: Span) -> Diagnostic {
    let written = written(relation);
    Diagnostic::warning(codes::ASSUMED, place, format!("shapes agree only where `{written}`"))
        .label("this needs it, and nothing says that it is so")
        .hint("if it is meant, say so with `require`, where the sizes have names or as `shape(x)[0]`")
}

fn broken(relation: &Obligation, known: &dyn Fn(&str) -> Option<i64>, place: Span) -> Diagnostic {
    let size = |name: std::sync::Arc<str>| Some(format!("{name} = {}", known(&name)?));
    let sizes: BTreeSet<String> = relation.symbols().filter_map(size).collect();
    let sizes = sizes.into_iter().collect::<Vec<_>>().join(", ");
    Diagnostic::error(
        codes::SHAPE_MISMATCH,
        place,
        format!("shapes agree only where `{}`, and {sizes}", written(relation)),
    )
    .label("this needs it")
    .hint("the batches that the step reads have that size")
}
