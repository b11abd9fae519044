//! Making a graph smaller for as long as something about it stays as it is.

use vspec_ir::{Graph, Node, NodeId, Op, Output};

use super::{Outcome, Trial};

/// The most rounds over a graph.
const MAX_ROUNDS: usize = 20;

/// A smaller graph on which the passes have an outcome of the same kind; nothing if they keep what the graph computes.
///
/// # Errors
/// Why the graph cannot be judged.
pub(crate) fn reduced(trial: &Trial, graph: &Graph) -> Result<Option<(Graph, Outcome)>, String> {
    let reference = trial.reference(graph)?;
    let wanted = trial.outcome(graph, &reference, None);
    if wanted == Outcome::Same {
        return Ok(None);
    }
    let outcome = |candidate: &Graph| {
        let reference = trial.reference(candidate).ok()?;
        Some(trial.outcome(candidate, &reference, None)).filter(|outcome| outcome.is_like(&wanted))
    };
    let (small, outcome) = shrunk(graph, wanted.clone(), outcome);
    Ok(Some((small, outcome)))
}

/// The smallest graph that is found by taking away one thing after the other, and its outcome. `keeps` says whether, and how, a graph
/// still has what it is reduced for.
fn shrunk(graph: &Graph, outcome: Outcome, keeps: impl Fn(&Graph) -> Option<Outcome>) -> (Graph, Outcome) {
    let mut best = (graph.extract(graph.name.clone(), graph.outputs()), outcome);
    for _ in 0..MAX_ROUNDS {
        let before = size(&best.0);
        for make in [fewer_outputs, earlier_outputs, cut, bypassed] as [Step; 4] {
            // What was taken away may be before or behind: places count from the end.
            let mut place = 0;
            while let Some(candidate) = make(&best.0, place) {
                match keeps(&candidate).filter(|_| size(&candidate) < size(&best.0)) {
                    Some(outcome) => best = (candidate, outcome),
                    None => place += 1,
                }
            }
        }
        if size(&best.0) == before {
            break;
        }
    }
    best
}

/// What gets smaller: computed nodes first, then reads, then outputs.
fn size(graph: &Graph) -> (usize, usize, usize) {
    let computed = graph.nodes().filter(|(_, node)| !node.inputs.is_empty()).count();
    (computed, graph.len(), graph.outputs().len())
}

/// A graph with one thing taken away, the one at a place; nothing after the last place.
type Step = fn(&Graph, usize) -> Option<Graph>;

/// Without one output.
fn fewer_outputs(graph: &Graph, place: usize) -> Option<Graph> {
    let mut outputs = graph.outputs().to_vec();
    if outputs.len() < 2 || place >= outputs.len() {
        return None;
    }
    outputs.remove(place);
    Some(graph.extract(graph.name.clone(), &outputs))
}

/// With an operand of the first output's node as the only output.
fn earlier_outputs(graph: &Graph, place: usize) -> Option<Graph> {
    let first = graph.outputs().first()?;
    let operand = *graph.node(first.node).inputs.get(place)?;
    let output = Output { node: operand, kind: vspec_ir::OutputKind::Value, ..first.clone() };
    Some(graph.extract(graph.name.clone(), &[output]))
}

/// With an input in the place of a computed node.
fn cut(graph: &Graph, place: usize) -> Option<Graph> {
    let id = computed(graph, place)?;
    let ty = graph.ty(id).clone();
    let name = format!("cut{}", id.index()).into();
    let input = Node {
        op: Op::Input { name, dtype: ty.dtype, shape: ty.shape.clone() },
        inputs: vec![],
        ..graph.node(id).clone()
    };
    Some(replaced(graph, id, Replacement::Node(Box::new(input))))
}

/// With an operand of its own type in the place of a node.
fn bypassed(graph: &Graph, place: usize) -> Option<Graph> {
    let (at, which) = (place / 3, place % 3);
    let id = computed(graph, at)?;
    let node = graph.node(id);
    match node.inputs.get(which).filter(|x| graph.ty(**x) == &node.ty) {
        Some(x) => Some(replaced(graph, id, Replacement::Value(*x))),
        // Not smaller, so that the next place is tried.
        None => Some(graph.clone()),
    }
}

/// The computed node at a place, counted from the end.
fn computed(graph: &Graph, place: usize) -> Option<NodeId> {
    let ids: Vec<NodeId> = graph.nodes().filter(|(_, n)| !n.inputs.is_empty()).map(|(id, _)| id).collect();
    ids.len().checked_sub(place + 1).map(|at| ids[at])
}

enum Replacement {
    Node(Box<Node>),
    Value(NodeId),
}

fn replaced(graph: &Graph, at: NodeId, replacement: Replacement) -> Graph {
    let mut out = Graph::new(graph.name.clone());
    *out.facts_mut() = graph.facts().clone();
    let mut became: Vec<NodeId> = vec![];
    for (id, node) in graph.nodes() {
        became.push(match &replacement {
            Replacement::Node(new) if id == at => out.push(Node::clone(new)),
            Replacement::Value(x) if id == at => became[x.index()],
            _ => {
                let inputs = node.inputs.iter().map(|i| became[i.index()]).collect();
                out.push(Node { inputs, ..node.clone() })
            }
        });
    }
    for (id, obligation) in graph.obligations() {
        out.oblige(became[id.index()], obligation.clone());
    }
    let rename = |o: &Output| Output { node: became[o.node.index()], ..o.clone() };
    let outputs: Vec<Output> = graph.outputs().iter().map(rename).collect();
    out.extract(graph.name.clone(), &outputs)
}

#[cfg(test)]
mod tests {
    use vspec_ir::text::parse;

    use super::*;

    const GRAPH: &str = "\
graph @g(B: size) {
  %x = input name=\"x\" : f32[B, 3]
  %0 = tanh(%x) : f32[B, 3]
  %1 = exp(%0) : f32[B, 3]
  %2 = reshape(%1) : f32[3*B]
  %3 = sin(%2) : f32[3*B]
  %4 = sum(%3) axes=[0] : f32[]
  %5 = neg(%0) : f32[B, 3]
  value a = %4
  value b = %5
}";

    fn has_exp(graph: &Graph) -> Option<Outcome> {
        graph.nodes().any(|(_, n)| n.op == (Op::Exp {})).then(|| Outcome::Fails(String::new()))
    }

    #[test]
    fn what_does_not_matter_goes_away() {
        let graph = parse(GRAPH).expect("well formed");
        let (small, _) = shrunk(&graph, Outcome::Fails(String::new()), has_exp);
        assert!(small.len() == 2 && small.outputs().len() == 1, "{small}");
        assert_eq!(small.node(NodeId::from_index(1)).op, Op::Exp {});
        assert!(vspec_ir::verify(small).is_ok());
    }

    #[test]
    fn a_graph_on_which_passes_change_nothing_is_not_reduced() {
        let graph = parse(GRAPH).expect("well formed");
        let trial = Trial { passes: vec![], exact: false, tolerance: 0.0, seed: 1 };
        assert_eq!(reduced(&trial, &graph), Ok(None));
    }
}
