//! The cost of a graph: parameters, multiply-accumulates and memory, in all and by module.
//!
//! Conventions are those of the field's counters: one multiply-accumulate is one MAC; convolutions and linear layers
//! count, biases, norms, activations, pooling and elementwise work do not. A linear layer is a matrix product in which one
//! side is a parameter, seen through views; products of activations (attention) are counted apart. Sizes may be
//! symbolic, so that the numbers are polynomials in them. Only what the outputs need counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ops::OpClass;
use crate::scopes::{depth, prefixes, preorder};
use crate::{DType, Dim, DimError, Graph, Node, NodeId, Op, Type, Variable, VariableKind};

/// Cost of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Elements of all parameters.
    pub params: Dim,
    /// Number of parameters as tensors.
    pub param_tensors: usize,
    /// Elements of all states, such as running statistics.
    pub state: Dim,
    /// Multiply-accumulates of convolutions and linear layers.
    pub macs: Dim,
    /// The same with all other matrix products.
    pub macs_with_matmul: Dim,
    /// Bytes of all computed values, if each had its own memory; views have none.
    pub activation_bytes: Dim,
    /// Rows for modules, each before the modules in it.
    pub modules: Vec<ModuleStats>,
}

/// Cost of a module with everything in it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleStats {
    /// `layer1.0.conv1`
    pub path: Arc<str>,
    /// Number of modules around it.
    pub depth: usize,
    /// Elements of its parameters.
    pub params: Dim,
    /// Multiply-accumulates of its convolutions and linear layers.
    pub macs: Dim,
    /// Type of the last value that it computes; none if it computes nothing.
    pub output: Option<Type>,
}

impl Stats {
    /// Counts a graph that the verifier accepts, and the variables that belong to it, used or not.
    ///
    /// # Errors
    /// When a number does not fit 64 bits.
    pub fn of(graph: &Graph, variables: &[Variable]) -> Result<Stats, DimError> {
        let live = graph.live(graph.outputs());
        let nodes: Vec<(NodeId, &Node)> = graph.nodes().filter(|(id, _)| live[id.index()]).collect();
        let params = || variables.iter().filter(|v| v.kind == VariableKind::Param);
        let state = variables.iter().filter(|v| v.kind == VariableKind::State);
        let mut stats = Stats {
            params: elements(params())?,
            param_tensors: params().count(),
            state: elements(state)?,
            macs: Dim::from(0i64),
            macs_with_matmul: Dim::from(0i64),
            activation_bytes: activation_bytes(&nodes)?,
            modules: vec![],
        };
        let mut modules = Modules::new(&nodes, variables);
        for variable in params() {
            modules.add_params(variable)?;
        }
        for (_, node) in &nodes {
            let macs = macs(graph, node)?;
            stats.macs_with_matmul = stats.macs_with_matmul.checked_add(&macs)?;
            let layer = if is_layer(graph, node) { macs } else { Dim::from(0i64) };
            stats.macs = stats.macs.checked_add(&layer)?;
            modules.add_node(node, &layer)?;
        }
        stats.modules = modules.rows;
        Ok(stats)
    }
}

/// Rows under construction.
struct Modules<'a> {
    rows: Vec<ModuleStats>,
    index: BTreeMap<&'a str, usize>,
}

impl<'a> Modules<'a> {
    fn new(nodes: &[(NodeId, &'a Node)], variables: &'a [Variable]) -> Self {
        let owners = variables.iter().filter_map(|v| owner(&v.path));
        let scopes = nodes.iter().filter_map(|(_, n)| n.origin.scope.as_deref());
        let paths = preorder(owners.chain(scopes));
        let index = paths.iter().enumerate().map(|(i, p)| (*p, i)).collect();
        let zero = Dim::from(0i64);
        let row = |path: &&str| ModuleStats {
            path: (*path).into(),
            depth: depth(path),
            params: zero.clone(),
            macs: zero.clone(),
            output: None,
        };
        Modules { rows: paths.iter().map(row).collect(), index }
    }

    fn add_params(&mut self, variable: &Variable) -> Result<(), DimError> {
        let elements = variable.ty.elements()?;
        for prefix in owner(&variable.path).into_iter().flat_map(prefixes) {
            let Some(row) = self.index.get(prefix).map(|i| &mut self.rows[*i]) else { continue };
            row.params = row.params.checked_add(&elements)?;
        }
        Ok(())
    }

    fn add_node(&mut self, node: &Node, macs: &Dim) -> Result<(), DimError> {
        for prefix in node.origin.scope.as_deref().into_iter().flat_map(prefixes) {
            let Some(row) = self.index.get(prefix).map(|i| &mut self.rows[*i]) else { continue };
            row.macs = row.macs.checked_add(macs)?;
            if node.op.decl().class != OpClass::Source {
                row.output = Some(node.ty.clone());
            }
        }
        Ok(())
    }
}

/// The module that a variable is a member of.
fn owner(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(owner, _)| owner)
}

fn elements<'a>(mut variables: impl Iterator<Item = &'a Variable>) -> Result<Dim, DimError> {
    variables.try_fold(Dim::from(0i64), |n, v| n.checked_add(&v.ty.elements()?))
}

fn activation_bytes(nodes: &[(NodeId, &Node)]) -> Result<Dim, DimError> {
    let own_memory =
        |n: &Node| !matches!(n.op.decl().class, OpClass::Source | OpClass::Control) && !is_view(&n.op);
    let computed = nodes.iter().filter(|(_, n)| own_memory(n));
    computed.map(|(_, n)| bytes(&n.ty)).try_fold(Dim::from(0i64), |sum, b| sum.checked_add(&b?))
}

/// Bytes of a tensor.
fn bytes(ty: &Type) -> Result<Dim, DimError> {
    let each = match ty.dtype {
        DType::F32 | DType::I32 => 4i64,
        DType::Bool => 1,
    };
    ty.elements()?.checked_mul(&Dim::from(each))
}

/// Whether the result can lie in the memory of the operand.
fn is_view(op: &Op) -> bool {
    matches!(op, Op::Reshape { .. } | Op::Permute { .. } | Op::Broadcast { .. } | Op::Slice { .. })
}

/// Multiply-accumulates of a convolution or a matrix product, 0 for everything else.
fn macs(graph: &Graph, node: &Node) -> Result<Dim, DimError> {
    let per_element = match (&node.op, node.inputs.as_slice()) {
        (Op::Conv { .. }, [_, weight]) => {
            Type::new(DType::F32, graph.ty(*weight).shape.iter().skip(1).cloned().collect()).elements()?
        }
        // As many as the convolution that each is a transpose of.
        (Op::ConvInput { .. }, [y, weight]) => {
            let each = graph.ty(*weight).shape.iter().skip(1).cloned().collect();
            let each = Type::new(DType::F32, each).elements()?;
            return graph.ty(*y).elements()?.checked_mul(&each);
        }
        (Op::ConvWeight { .. }, [_, y]) => {
            let each = node.ty.shape.iter().skip(1).cloned().collect();
            return graph.ty(*y).elements()?.checked_mul(&Type::new(DType::F32, each).elements()?);
        }
        (Op::Matmul {}, [a, _]) => graph.ty(*a).shape.last().cloned().unwrap_or(Dim::from(0i64)),
        _ => return Ok(Dim::from(0i64)),
    };
    node.ty.elements()?.checked_mul(&per_element)
}

/// Whether a node is a convolution or a linear layer.
fn is_layer(graph: &Graph, node: &Node) -> bool {
    match node.op {
        Op::Conv { .. } | Op::ConvInput { .. } => true,
        Op::Matmul {} => node.inputs.iter().any(|i| is_param(graph, *i)),
        _ => false,
    }
}

/// Whether a value is a parameter, seen through views, casts and a stopped gradient.
fn is_param(graph: &Graph, id: NodeId) -> bool {
    let mut node = graph.node(id);
    loop {
        match (&node.op, node.inputs.as_slice()) {
            (Op::Param { .. }, _) => return true,
            (Op::StopGradient {} | Op::Cast { .. }, [x]) => node = graph.node(*x),
            (op, [x]) if is_view(op) => node = graph.node(*x),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{parse, parse_type};

    fn variable(path: &str, kind: VariableKind, ty: &str) -> Variable {
        Variable { path: path.into(), kind, ty: parse_type(ty).expect("a type"), init: Graph::new("init") }
    }

    const NET: &str = "\
graph @net(B: size) {
  %x = input name=\"x\" : f32[B, 3, 8, 8]
  %0 = param path=\"body.conv.weight\" : f32[4, 3, 3, 3]   in body.conv
  %1 = conv(%x, %0) padding=[[1, 1], [1, 1]] : f32[B, 4, 8, 8]   in body.conv
  %2 = relu(%1) : f32[B, 4, 8, 8]   in body
  %3 = mean(%2) axes=[2, 3] : f32[B, 4]
  %4 = param path=\"fc.weight\" : f32[10, 4]   in fc
  %5 = permute(%4) axes=[1, 0] : f32[4, 10]   in fc
  %6 = matmul(%3, %5) : f32[B, 10]   in fc
  %7 = permute(%6) axes=[1, 0] : f32[10, B]
  %8 = matmul(%6, %7) : f32[B, B]
  %9 = matmul(%7, %6) : f32[10, 10]
  value y = %8
}";

    fn stats() -> Stats {
        let variables = [
            variable("body.conv.weight", VariableKind::Param, "f32[4, 3, 3, 3]"),
            variable("body.bn.running_mean", VariableKind::State, "f32[4]"),
            variable("fc.weight", VariableKind::Param, "f32[10, 4]"),
            variable("opt.fc.weight.momentum", VariableKind::Optimizer, "f32[10, 4]"),
        ];
        Stats::of(&parse(NET).expect("well formed"), &variables).expect("small")
    }

    #[test]
    fn layers_count_and_products_of_activations_count_apart() {
        let stats = stats();
        assert_eq!(stats.params.to_string(), "148");
        assert_eq!((stats.param_tensors, stats.state.to_string().as_str()), (2, "4"));
        assert_eq!(stats.macs.to_string(), format!("{}*B", 8 * 8 * 4 * 27 + 40));
        let apart = stats.macs_with_matmul.checked_sub(&stats.macs).expect("small");
        assert_eq!(apart.to_string(), "10*B^2");
    }

    #[test]
    fn views_and_dead_values_take_no_memory() {
        assert_eq!(stats().activation_bytes.to_string(), format!("{}*B + 4*B^2", 4 * (256 + 256 + 4 + 10)));
    }

    #[test]
    fn modules_include_what_is_in_them() {
        let rows = stats().modules;
        let find = |path: &str| rows.iter().find(|r| &*r.path == path).expect(path);
        assert_eq!(find("body").macs, find("body.conv").macs);
        assert_eq!(find("body").params.to_string(), "108");
        assert_eq!(find("fc").macs.to_string(), "40*B");
        assert_eq!(find("fc").output.as_ref().expect("computed").to_string(), "f32[B, 10]");
        assert_eq!(find("body.bn").output, None);
        let top: Vec<_> = rows.iter().filter(|r| r.depth == 0).map(|r| &*r.path).collect();
        assert_eq!(top, ["body", "fc", "opt.fc.weight"].map(|p| p.split('.').next().expect("a word")));
    }
}
