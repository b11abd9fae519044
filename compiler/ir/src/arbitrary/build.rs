//! From recipes to graphs.

use std::sync::Arc;

use super::attrs::{self, Draws};
use super::{GraphOptions, Recipe};
use crate::ops::{Domain, Effect, Gradient, OpClass, OpDecl, OperandDecl, TABLE};
use crate::{DType, Dim, Graph, Literal, Node, NodeId, Op, Origin, OutputKind, Type};

/// The graph of a list of recipes. Values that nothing uses are its outputs.
pub(super) fn graph(recipes: &[Recipe], options: GraphOptions) -> Graph {
    let mut graph = Graph::new("random");
    if options.symbolic {
        graph.facts_mut().assume_multiple("H", 4);
    }
    let table: Vec<&OpDecl> = TABLE.iter().filter(|d| allowed(d, options)).collect();
    let mut builder = Builder { graph, options, origin: Origin::default() };
    builder.input(&mut Draws::new(&[]));
    for recipe in recipes {
        let mut draws = Draws::new(recipe);
        builder.origin = origin(&mut draws);
        let decl = table[draws.below(table.len())];
        // What the table does not allow is left out.
        let _ = builder.instance(decl, &mut draws);
    }
    builder.finish()
}

/// Whether random graphs may contain an op: a gradient needs a loss, and variables need a program around the graph.
fn allowed(decl: &OpDecl, options: GraphOptions) -> bool {
    let smooth =
        decl.gradient == Gradient::Yes || decl.class == OpClass::Source || decl.effect == Effect::Random;
    !matches!(decl.class, OpClass::Control | OpClass::Opaque)
        && !matches!(decl.name, "param" | "state")
        && (options.jumps || smooth && !JUMPS.contains(&decl.name))
        && !(options.exact && ROUNDED.contains(&decl.name))
}

/// Ops that have a gradient, and jump nevertheless.
const JUMPS: [&str; 2] = ["cast", "rem"];

/// Ops whose results have more digits than their operands, or any number of them.
const ROUNDED: [&str; 17] = [
    "uniform", "normal", "exp", "log", "log1p", "sqrt", "sin", "cos", "atan", "tanh", "sigmoid", "erf",
    "div", "rem", "pow", "atan2", "cumprod",
];

fn origin(draws: &mut Draws<'_>) -> Origin {
    const NAMES: [Option<&str>; 6] =
        [None, None, Some("x"), Some("attention"), Some("pred.box"), Some("2nd \"try\"")];
    const SCOPES: [Option<&str>; 4] = [None, Some("stem"), Some("layer1.0.conv1"), Some("edge[0, 1]")];
    let name = NAMES[draws.below(NAMES.len())].map(Arc::from);
    let scope = SCOPES[draws.below(SCOPES.len())].map(Arc::from);
    Origin { name, scope, location: None }
}

struct Builder {
    graph: Graph,
    options: GraphOptions,
    /// For the nodes of the current recipe.
    origin: Origin,
}

impl Builder {
    fn add(&mut self, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        self.graph.add(op, inputs, self.origin.clone()).ok()
    }

    fn input(&mut self, draws: &mut Draws<'_>) -> Option<NodeId> {
        let shape = attrs::shape(draws, self.options.symbolic);
        let name = format!("input{}", self.graph.len()).into();
        self.add(Op::Input { name, dtype: DType::F32, shape }, &[])
    }

    /// One node of an op with the nodes that it needs around it.
    fn instance(&mut self, decl: &'static OpDecl, draws: &mut Draws<'_>) -> Option<NodeId> {
        match decl.name {
            "input" => return self.input(draws),
            "conv" => return self.conv(draws),
            "conv_input" | "conv_weight" => return self.conv_transpose(decl.name, draws),
            "matmul" => return self.matmul(draws),
            "gather" => return self.gather(draws),
            "take_along" | "scatter" | "scatter_add" => return self.indexed(decl.name, draws),
            _ => {}
        }
        let operands: Vec<NodeId> =
            (0..decl.operands.len()).map(|i| self.operand(decl, i, draws)).collect::<Option<_>>()?;
        let ty = operands.first().map(|id| self.graph.ty(*id).clone());
        let op = attrs::op(decl, ty.as_ref(), draws, self.options.symbolic)?;
        self.add(op.clone(), &operands).or_else(|| self.add(op, &self.alike(decl, &operands)))
    }

    /// One operand in place of the others, but for masks: it does fit itself. It is the one that is in a limited domain, if one is,
    /// or else the last.
    fn alike(&self, decl: &OpDecl, operands: &[NodeId]) -> Vec<NodeId> {
        let limited = |o: &OperandDecl| matches!(o.domain, Domain::Positive | Domain::NonZero);
        let chosen = decl.operands.iter().position(limited).and_then(|i| operands.get(i));
        let chosen = chosen.or(operands.last()).copied();
        let replaced = operands.iter().map(|id| match self.graph.ty(*id).dtype {
            DType::Bool => Some(*id),
            DType::F32 | DType::I32 => chosen,
        });
        replaced.flatten().collect()
    }

    /// A value that the op accepts, in its domain.
    fn operand(&mut self, decl: &OpDecl, index: usize, draws: &mut Draws<'_>) -> Option<NodeId> {
        let declared = decl.operands[index];
        let id = self.pick(|_, ty| declared.accepts.allows(ty.dtype), draws)?;
        match (self.graph.ty(id).dtype, decl.name) {
            (DType::F32, "exp") => self.add(Op::Tanh {}, &[id]),
            (DType::F32, "mul") if index == 0 && self.options.exact => self.clamped(id),
            (DType::F32, "mul") if index == 0 => self.add(Op::Tanh {}, &[id]),
            (DType::F32, _) if matches!(declared.domain, Domain::Positive | Domain::NonZero) => {
                self.near_one(id)
            }
            // Chains of integer products overflow.
            (DType::I32, "mul") => {
                self.pick(|op, ty| ty.dtype == DType::I32 && op.decl().class == OpClass::Source, draws)
            }
            (DType::I32, "div" | "rem") if index == 1 => self.positive_integer(id),
            _ => Some(id),
        }
    }

    /// A value in [-2, 2].
    fn clamped(&mut self, id: NodeId) -> Option<NodeId> {
        let low = self.add(Op::Full { value: -2.0, dtype: DType::F32, shape: vec![] }, &[])?;
        let high = self.add(Op::Full { value: 2.0, dtype: DType::F32, shape: vec![] }, &[])?;
        let above = self.add(Op::Max {}, &[id, low])?;
        self.add(Op::Min {}, &[above, high])
    }

    /// A value in (0.5, 1.5).
    fn near_one(&mut self, id: NodeId) -> Option<NodeId> {
        let unit = self.add(Op::Sigmoid {}, &[id])?;
        let half = self.add(Op::Full { value: 0.5, dtype: DType::F32, shape: vec![] }, &[])?;
        self.add(Op::Add {}, &[unit, half])
    }

    fn positive_integer(&mut self, id: NodeId) -> Option<NodeId> {
        let size = self.add(Op::Abs {}, &[id])?;
        let one = self.add(Op::Full { value: 1.0, dtype: DType::I32, shape: vec![] }, &[])?;
        self.add(Op::Add {}, &[size, one])
    }

    /// A node that fits, or nothing.
    fn pick(&self, fits: impl Fn(&Op, &Type) -> bool, draws: &mut Draws<'_>) -> Option<NodeId> {
        let candidates: Vec<NodeId> =
            self.graph.nodes().filter(|(_, n)| fits(&n.op, &n.ty)).map(|(id, _)| id).collect();
        match candidates.len() {
            0 => None,
            n => Some(candidates[n - 1 - draws.below(n)]),
        }
    }

    fn conv(&mut self, draws: &mut Draws<'_>) -> Option<NodeId> {
        let x = self.pick(|_, ty| ty.dtype == DType::F32 && (3..=6).contains(&ty.rank()), draws)?;
        let ty = self.graph.ty(x).clone();
        let channels = ty.shape[1].as_const().filter(|c| *c > 0)?;
        let groups = if draws.below(3) == 0 { channels } else { 1 };
        let mut shape = vec![groups * (1 + draws.below(2) as i64), channels / groups];
        shape.extend((2..ty.rank()).map(|_| 1 + draws.below(3) as i64));
        let weight = self.weight(shape.into_iter().map(Dim::from).collect())?;
        let op = attrs::conv(ty.rank() - 2, groups, draws);
        self.add(op, &[x, weight])
    }

    /// A transpose of a convolution that is there, in its input or in its weight.
    fn conv_transpose(&mut self, name: &str, draws: &mut Draws<'_>) -> Option<NodeId> {
        let y = self.conv(draws)?;
        let Node { op, inputs, .. } = self.graph.node(y).clone();
        let Op::Conv { stride, padding, dilation, groups } = op else { return None };
        let size = |of: NodeId| self.graph.ty(of).shape.get(2..).map(<[Dim]>::to_vec);
        match name {
            "conv_input" => {
                let size = size(inputs[0])?;
                self.add(Op::ConvInput { stride, padding, dilation, groups, size }, &[y, inputs[1]])
            }
            _ => {
                let kernel = size(inputs[1])?;
                self.add(Op::ConvWeight { stride, padding, dilation, groups, kernel }, &[inputs[0], y])
            }
        }
    }

    fn matmul(&mut self, draws: &mut Draws<'_>) -> Option<NodeId> {
        let a = self.pick(|_, ty| ty.dtype == DType::F32 && ty.rank() >= 2, draws)?;
        let mut shape = self.graph.ty(a).shape.clone();
        let columns = shape.pop()?;
        shape.pop();
        shape.extend([columns, Dim::from(1 + draws.below(4))]);
        let b = self.weight(shape)?;
        self.add(Op::Matmul {}, &[a, b])
    }

    fn weight(&mut self, shape: Vec<Dim>) -> Option<NodeId> {
        let name = format!("weight{}", self.graph.len()).into();
        self.add(Op::Input { name, dtype: DType::F32, shape }, &[])
    }

    fn gather(&mut self, draws: &mut Draws<'_>) -> Option<NodeId> {
        let x = self.pick(|_, ty| ty.rank() >= 1, draws)?;
        let axis = draws.below(self.graph.ty(x).rank());
        let size = self.graph.ty(x).shape[axis].as_const().unwrap_or(1).max(1) as usize;
        let places: Vec<f64> = (0..1 + draws.below(4)).map(|_| draws.below(size) as f64).collect();
        let value = Literal { dtype: DType::I32, shape: vec![places.len()], values: places.into() };
        let index = self.add(Op::Constant { value }, &[])?;
        self.add(Op::Gather { axis: axis as i64 }, &[x, index])
    }

    /// An op whose index has the rank of what it reads or writes.
    fn indexed(&mut self, op: &str, draws: &mut Draws<'_>) -> Option<NodeId> {
        let numbers = |ty: &Type| ty.dtype == DType::F32 && ty.rank() >= 1 && ty.const_shape().is_some();
        let x = self.pick(|_, ty| numbers(ty), draws)?;
        let mut shape = self.graph.ty(x).const_shape()?;
        let axis = draws.below(shape.len());
        let size = shape[axis].max(1);
        shape[axis] = 1 + draws.below(3);
        let count: usize = shape.iter().product();
        let places: Vec<f64> = (0..count).map(|_| draws.below(size) as f64).collect();
        let dims = shape.iter().map(|d| Dim::from(*d)).collect();
        let value = Literal { dtype: DType::I32, shape, values: places.into() };
        let index = self.add(Op::Constant { value }, &[])?;
        let axis = axis as i64;
        match op {
            "take_along" => self.add(Op::TakeAlong { axis }, &[x, index]),
            "scatter" => {
                let values = self.weight(dims)?;
                self.add(Op::Scatter { axis }, &[x, index, values])
            }
            _ => {
                let values = self.weight(dims)?;
                self.add(Op::ScatterAdd { axis }, &[x, index, values])
            }
        }
    }

    fn finish(mut self) -> Graph {
        let ends: Vec<NodeId> =
            self.graph.nodes().map(|(id, _)| id).filter(|id| self.graph.users(*id).is_empty()).collect();
        for (i, id) in ends.into_iter().enumerate() {
            let kind = if self.graph.ty(id).rank() == 0 { OutputKind::Report } else { OutputKind::Value };
            self.graph.output(format!("result{i}"), kind, id);
        }
        self.graph
    }
}
