//! Finding the first rewrite that changes what a graph computes.

use vspec_ir::{Graph, NodeId};
use vspec_optimize::{Context, Remark, Verify, run};

use super::{Outcome, Trial};

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// Nothing: so many rewrites, and each keeps what the graph computes.
    Nothing { rewrites: usize },
    /// What happens without any rewrite at all: a pass that counts none.
    Uncounted { outcome: Outcome },
    /// A rewrite.
    Rewrite {
        /// Its number, from 1: with this fuel something changes, with one less nothing does.
        number: usize,
        /// The rule and where it was applied.
        remark: Remark,
        /// The graph that its pass was given.
        given: Box<Graph>,
        /// What happens.
        outcome: Outcome,
    },
}

/// The first rewrite with which the outcome is not the same any more, by halving.
///
/// # Errors
/// Why the graph cannot be judged.
pub(crate) fn first_wrong(trial: &Trial, graph: &Graph) -> Result<Found, String> {
    let reference = trial.reference(graph)?;
    let outcome = |fuel: usize| trial.outcome(graph, &reference, Some(fuel as u64));
    let rewrites = trial.passed(graph, None).1.applied();
    if outcome(rewrites) == Outcome::Same {
        return Ok(Found::Nothing { rewrites });
    }
    // With `good` rewrites nothing changes, with `bad` something does.
    let (mut good, mut bad) = (0, rewrites);
    if bad == 0 || outcome(0) != Outcome::Same {
        return Ok(Found::Uncounted { outcome: outcome(0) });
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        match outcome(middle) {
            Outcome::Same => good = middle,
            _ => bad = middle,
        }
    }
    let (given, cx) = stepwise(trial, graph, bad);
    match cx.remarks.get(bad - 1).cloned() {
        Some(remark) => {
            Ok(Found::Rewrite { number: bad, remark, given: Box::new(given), outcome: outcome(bad) })
        }
        None => Ok(Found::Uncounted { outcome: outcome(bad) }),
    }
}

/// Runs the passes one by one until the rewrite with this number is done; gives the graph that its pass was given.
fn stepwise(trial: &Trial, graph: &Graph, number: usize) -> (Graph, Context) {
    let mut cx = Context::default();
    (cx.exact, cx.fuel) = (trial.exact, Some(number as u64));
    let mut given = graph.clone();
    for pass in &trial.passes {
        match run(&[pass], &given, &mut cx, Verify::Last) {
            Ok(after) if cx.applied() < number => given = after,
            _ => break,
        }
    }
    (given, cx)
}

/// The line of a node in the text form.
pub(crate) fn line(graph: &Graph, id: NodeId) -> String {
    vspec_ir::text::Printer::new(graph, vspec_ir::text::PrintOptions::default()).line(id)
}

#[cfg(test)]
mod tests {
    use vspec_ir::text::parse;
    use vspec_ir::{Node, Op};
    use vspec_optimize::{Error, Numerics, Pass, common};

    use super::*;

    /// Turns sums into differences: right for none but zeros, and for what is not looked at.
    static WRONG: Pass = Pass { name: "wrong", summary: "turns sums into differences", run: wrong };

    fn wrong(graph: &Graph, cx: &mut Context) -> Result<Graph, Error> {
        let mut out = Graph::new(graph.name.clone());
        for (id, node) in graph.nodes() {
            let changes = node.op == (Op::Add {}) && cx.apply("sum-is-difference", Numerics::Exact, id);
            let op = if changes { Op::Sub {} } else { node.op.clone() };
            out.push(Node { op, ..node.clone() });
        }
        graph.outputs().iter().for_each(|o| out.output(o.name.clone(), o.kind, o.node));
        Ok(out)
    }

    const GRAPH: &str = "\
graph @g() {
  %x = input name=\"x\" : f32[3]
  %zero = full value=0 : f32[3]
  %a = exp(%x) : f32[3]
  %b = exp(%x) : f32[3]
  %0 = add(%a, %zero) : f32[3]
  %1 = add(%0, %b) : f32[3]
  %2 = add(%1, %zero) : f32[3]
  value y = %2
}";

    fn trial(passes: Vec<&'static Pass>) -> Trial {
        Trial { passes, exact: false, tolerance: 1e-9, seed: 1 }
    }

    #[test]
    fn the_first_rewrite_that_changes_values_is_named_with_its_node() {
        let graph = parse(GRAPH).expect("well formed");
        let found = first_wrong(&trial(vec![&common::PASS, &WRONG]), &graph).expect("can be run");
        let Found::Rewrite { number, remark, given, outcome } = found else { panic!("{found:?}") };
        // One by `common`, two sums.
        assert_eq!((number, remark.pass, remark.rule), (3, "wrong", "sum-is-difference"));
        assert_eq!(line(&given, remark.node), "%1 = add(%0, %a) : f32[3]");
        assert!(matches!(outcome, Outcome::Differs(_)));
    }

    #[test]
    fn passes_that_keep_values_are_not_blamed() {
        let graph = parse(GRAPH).expect("well formed");
        assert_eq!(first_wrong(&trial(vec![&common::PASS]), &graph), Ok(Found::Nothing { rewrites: 1 }));
    }

    /// Loses an output without counting a rewrite.
    static LOSES: Pass =
        Pass { name: "loses", summary: "loses outputs", run: |g, _| Ok(g.extract("g", &[])) };

    #[test]
    fn what_happens_without_a_rewrite_is_said() {
        let graph = parse(GRAPH).expect("well formed");
        let found = first_wrong(&trial(vec![&LOSES]), &graph);
        assert_eq!(found, Ok(Found::Uncounted { outcome: Outcome::Fails("an output is lost".to_string()) }));
    }
}
