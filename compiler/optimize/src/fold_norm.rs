//! Normalisation into weights: what scales and shifts the channels of a convolution by values that only depend on variables goes into
//! its weight and a bias.
//!
//! ```text
//! %y = conv(%x, %w)                              %v = mul(%w, scale) : [O, 1, 1, 1] stretched
//! %a = sub(%y, mean), %b = mul(%a, scale)   ->   %y = conv(%x, %v)
//! %z = add(%b, bias)                             %z = add(%y, bias - mean * scale)
//! ```
//!
//! This is batch normalisation with running statistics, as `BatchNorm` and `FrozenBatchNorm` write it where nothing is trained; products
//! of matrices, so linear layers, count as well. Legal because the op is linear in its weight, whose first axis (a matrix: last) is the
//! one of the channels, and zeros that pad stay zeros. Conditions, all of them on the graph: the product has no other use, and neither
//! have the values on the way; every other operand, and the weight, depends on parameters, states and constants alone, not on inputs or
//! random numbers; it is one number or one for each channel; the shapes on the way stay what they are; and something scales.
//!
//! The new weight is an expression over variables, which an engine keeps until one of them is written. So it is only done where the
//! graph writes none of them, and where the weight is not known to have as many elements as the result; elsewhere `(y - m) * s + b` still
//! becomes `y * s + (b - m * s)`. In a training step the gradient uses what is in between, and the pass declines. Numerics: reassociating.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::ops::Effect;
use vspec_ir::{Dim, Graph, Node, NodeId, Op, OutputKind, Type};

use crate::pass::{Context, Error, Numerics, Pass};
use crate::rebuild::Rebuild;
use crate::rewrite::is_differentiated;

/// The pass.
pub static PASS: Pass = Pass {
    name: "fold-norm",
    summary: "puts what scales and shifts channels into the weights before it",
    run,
};

fn run(graph: &Graph, cx: &mut Context) -> Result<Graph, Error> {
    if !is_differentiated(graph) {
        return Ok(graph.clone());
    }
    let chains: BTreeMap<NodeId, Chain> =
        Search::of(graph).chains().into_iter().map(|chain| (chain.end, chain)).collect();
    let mut rebuild = Rebuild::of(graph);
    for index in 0..rebuild.len() {
        let Some((id, node)) = rebuild.next(index) else { continue };
        match chains.get(&id) {
            Some(chain) if cx.apply(chain.rule(), Numerics::Reassociating, id) => {
                let folded = Folding { graph, rebuild: &mut rebuild, chain, at: node };
                let new = folded.build().map_err(|violation| Error::Violation { node: id, violation })?;
                rebuild.set(id, new);
            }
            _ => {
                rebuild.keep(id, node);
            }
        }
    }
    Ok(rebuild.finish())
}

/// One step between the product and what replaces it. The operand is one number or one for each channel.
#[derive(Clone, Copy)]
enum Step {
    /// `y + v`
    Add(NodeId),
    /// `y - v`
    Sub(NodeId),
    /// `v - y`
    From(NodeId),
    /// `y * v`
    Mul(NodeId),
    /// `y / v`
    Div(NodeId),
}

/// A product and what is done to its channels.
struct Chain {
    product: NodeId,
    /// Which axis of the result has the channels.
    axis: usize,
    steps: Vec<Step>,
    end: NodeId,
    /// Whether the weight takes the scale.
    into_weight: bool,
}

impl Chain {
    fn rule(&self) -> &'static str {
        if self.into_weight { "fold-norm" } else { "merge-affine" }
    }
}

/// What the search asks about a graph again and again.
struct Search<'g> {
    graph: &'g Graph,
    /// The only use of a value, if it has one.
    only_user: Vec<Option<NodeId>>,
    /// Whether a value depends on variables and constants alone.
    fixed: Vec<bool>,
    /// Whether it does so on variables that the graph does not write.
    lasting: Vec<bool>,
}

impl<'g> Search<'g> {
    fn of(graph: &'g Graph) -> Self {
        let live = graph.live(graph.outputs());
        let mut count = vec![0usize; graph.len()];
        let mut only_user = vec![None; graph.len()];
        let (mut fixed, mut lasting) = (vec![false; graph.len()], vec![false; graph.len()]);
        let writes = graph.outputs().iter().filter(|output| output.kind == OutputKind::Write);
        let written: BTreeSet<&str> = writes.map(|output| &*output.name).collect();
        for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
            for input in &node.inputs {
                count[input.index()] += 1;
                only_user[input.index()] = Some(id);
            }
            let reads_input = matches!(node.op, Op::Input { .. }) || node.op.decl().effect == Effect::Random;
            fixed[id.index()] = !reads_input && node.inputs.iter().all(|i| fixed[i.index()]);
            let stays = match &node.op {
                Op::Param { path, .. } | Op::State { path, .. } => !written.contains(&**path),
                _ => fixed[id.index()],
            };
            lasting[id.index()] = stays && node.inputs.iter().all(|i| lasting[i.index()]);
        }
        graph.outputs().iter().for_each(|o| count[o.node.index()] += 1);
        let single = |(user, count): (Option<NodeId>, usize)| user.filter(|_| count == 1);
        let only_user = only_user.into_iter().zip(count).map(single).collect();
        Search { graph, only_user, fixed, lasting }
    }

    fn chains(&self) -> Vec<Chain> {
        self.graph.nodes().filter_map(|(id, node)| self.chain(id, node)).collect()
    }

    fn chain(&self, product: NodeId, node: &Node) -> Option<Chain> {
        let axis = match node.op {
            Op::Conv { .. } => 1,
            Op::Matmul {} => node.ty.rank() - 1,
            _ => return None,
        };
        self.only_user[product.index()]?;
        let (mut steps, mut end) = (vec![], product);
        while let Some((user, step)) = self.step(end, axis) {
            steps.push(step);
            end = user;
        }
        let scales = steps.iter().any(|s| matches!(s, Step::Mul(_) | Step::Div(_)));
        let into_weight = self.takes_scale(node);
        // Three steps are two afterwards.
        (scales && (into_weight || steps.len() > 2)).then_some(Chain {
            product,
            axis,
            steps,
            end,
            into_weight,
        })
    }

    /// Whether the weight lasts and is not known to be as large as the result.
    fn takes_scale(&self, node: &Node) -> bool {
        let weight = node.inputs[1];
        let pays = match (node.ty.elements(), self.graph.ty(weight).elements()) {
            (Ok(result), Ok(weight)) => result.at_most(&weight) != Some(true),
            _ => false,
        };
        self.lasting[weight.index()] && pays
    }

    /// What is done to a value, if that is all that is done to it.
    fn step(&self, value: NodeId, axis: usize) -> Option<(NodeId, Step)> {
        let user = self.only_user[value.index()]?;
        let node = self.graph.node(user);
        let [a, b] = *node.inputs.as_slice() else { return None };
        let other = if a == value { b } else { a };
        let step = match node.op {
            Op::Add {} => Step::Add(other),
            Op::Sub {} if a == value => Step::Sub(other),
            Op::Sub {} => Step::From(other),
            Op::Mul {} => Step::Mul(other),
            Op::Div {} if a == value => Step::Div(other),
            _ => return None,
        };
        let ty = self.graph.ty(value);
        let fits = self.fixed[other.index()] && is_of_channels(self.graph.ty(other), ty, axis);
        (fits && node.ty == *ty).then_some((user, step))
    }
}

/// Whether a type is one number, or one for each channel of another type.
fn is_of_channels(own: &Type, of: &Type, axis: usize) -> bool {
    let Some(missing) = of.rank().checked_sub(own.rank()) else { return false };
    let one_or_channels = |(i, d): (usize, &Dim)| d.is_one() || missing + i == axis && *d == of.shape[axis];
    own.shape.iter().enumerate().all(one_or_channels)
}

type Built<T = NodeId> = Result<T, vspec_ir::Violation>;

/// Builds what takes the place of the end of a chain.
struct Folding<'a, 'g> {
    graph: &'a Graph,
    rebuild: &'a mut Rebuild<'g>,
    chain: &'a Chain,
    /// The end.
    at: Node,
}

impl Folding<'_, '_> {
    fn add(&mut self, op: Op, inputs: &[NodeId]) -> Built {
        let origin = vspec_ir::Origin { name: None, ..self.at.origin.clone() };
        self.rebuild.new.add(op, inputs, origin)
    }

    fn build(mut self) -> Built {
        let (mut scale, mut shift) = (None, None);
        for step in self.chain.steps.clone() {
            self.after(step, &mut scale, &mut shift)?;
        }
        let product = self.graph.node(self.chain.product);
        let inputs: Vec<NodeId> = product.inputs.iter().filter_map(|i| self.rebuild.became(*i)).collect();
        let (rank, axis) = (product.ty.rank(), self.chain.axis);
        let is_matmul = product.op == Op::Matmul {};
        let value = match (scale, self.chain.into_weight) {
            (Some(scale), true) => {
                // A weight has its output channels first, a matrix has them last.
                let scale = self.along(scale, if is_matmul { rank - 1 } else { 0 }, rank)?;
                let weight = self.add(Op::Mul {}, &[inputs[1], scale])?;
                self.add(product.op.clone(), &[inputs[0], weight])?
            }
            (Some(scale), false) => {
                let product = self.add(product.op.clone(), &inputs)?;
                let scale = self.along(scale, axis, rank)?;
                self.add(Op::Mul {}, &[product, scale])?
            }
            (None, _) => self.add(product.op.clone(), &inputs)?,
        };
        let Some(shift) = shift else { return Ok(value) };
        let shift = self.along(shift, axis, rank)?;
        self.add(Op::Add {}, &[value, shift])
    }

    /// `y * scale + shift` with one step more.
    fn after(&mut self, step: Step, scale: &mut Option<NodeId>, shift: &mut Option<NodeId>) -> Built<()> {
        match step {
            Step::Add(v) => {
                let v = self.flat(v)?;
                *shift = Some(self.combined(Op::Add {}, *shift, v)?);
            }
            Step::Sub(v) => {
                let v = self.flat(v)?;
                *shift = Some(match *shift {
                    Some(shift) => self.add(Op::Sub {}, &[shift, v])?,
                    None => self.add(Op::Neg {}, &[v])?,
                });
            }
            Step::From(v) => {
                let v = self.flat(v)?;
                *shift = Some(match *shift {
                    Some(shift) => self.add(Op::Sub {}, &[v, shift])?,
                    None => v,
                });
                *scale = Some(self.opposite(*scale)?);
            }
            Step::Mul(v) => {
                let v = self.flat(v)?;
                *scale = Some(self.combined(Op::Mul {}, *scale, v)?);
                *shift = shift.map(|shift| self.add(Op::Mul {}, &[shift, v])).transpose()?;
            }
            Step::Div(v) => {
                let v = self.flat(v)?;
                *shift = shift.map(|shift| self.add(Op::Div {}, &[shift, v])).transpose()?;
                *scale = Some(match *scale {
                    Some(scale) => self.add(Op::Div {}, &[scale, v])?,
                    None => {
                        let one = self.one(1.0)?;
                        self.add(Op::Div {}, &[one, v])?
                    }
                });
            }
        }
        Ok(())
    }

    fn combined(&mut self, op: Op, known: Option<NodeId>, v: NodeId) -> Built {
        known.map_or(Ok(v), |known| self.add(op, &[known, v]))
    }

    fn opposite(&mut self, scale: Option<NodeId>) -> Built {
        match scale {
            Some(scale) => self.add(Op::Neg {}, &[scale]),
            None => self.one(-1.0),
        }
    }

    fn one(&mut self, value: f64) -> Built {
        self.add(Op::Full { value, dtype: vspec_ir::DType::F32, shape: vec![] }, &[])
    }

    /// An operand of a step as a vector over the channels, or as a scalar.
    fn flat(&mut self, v: NodeId) -> Built {
        let shape: Vec<Dim> = self.graph.ty(v).shape.iter().filter(|d| !d.is_one()).cloned().collect();
        let new = self.rebuild.became(v).unwrap_or(v);
        self.reshaped(new, shape)
    }

    /// A vector over the channels as the axis of something of a rank.
    fn along(&mut self, v: NodeId, axis: usize, rank: usize) -> Built {
        let mut shape = self.rebuild.new.ty(v).shape.clone();
        if !shape.is_empty() {
            shape.extend((axis + 1..rank).map(|_| Dim::from(1i64)));
        }
        self.reshaped(v, shape)
    }

    fn reshaped(&mut self, v: NodeId, shape: Vec<Dim>) -> Built {
        if self.rebuild.new.ty(v).shape == shape { Ok(v) } else { self.add(Op::Reshape { shape }, &[v]) }
    }
}
