//! Binding: named sizes become numbers.
//!
//! ```text
//! %x = input : f32[B, 16]          %x = input : f32[8, 16]
//! %n = size value=16*B       ->    %n = full value=128
//! ```
//!
//! One checked, differentiated and simplified graph serves every size; what comes after needs numbers. What was left to be checked
//! about sizes is checked here.

use std::fmt;

use vspec_ir::ops::{Attr, AttrKind};
use vspec_ir::{Dim, DimError, Graph, Node, Obligation, Op, Type};

/// Why sizes cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindError {
    /// A size has no value, or none that fits.
    Size(DimError),
    /// A relation between sizes does not hold.
    Relation(Obligation),
    /// A named size is not the multiple that the graph relies on.
    Multiple {
        /// The size.
        symbol: String,
        /// Of what it must be a multiple.
        divisor: i64,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::Size(error) => write!(f, "{error}"),
            BindError::Relation(relation) => write!(f, "{relation} does not hold"),
            BindError::Multiple { symbol, divisor } => write!(f, "{symbol} % {divisor} == 0 does not hold"),
        }
    }
}

impl std::error::Error for BindError {}

impl From<DimError> for BindError {
    fn from(error: DimError) -> Self {
        BindError::Size(error)
    }
}

/// The same graph for given sizes, with constant shapes throughout. Sizes that the graph defines by others need no value.
///
/// # Errors
/// When a size has no value, or what the graph relies on does not hold for these.
pub fn bind(graph: &Graph, lookup: &dyn Fn(&str) -> Option<i64>) -> Result<Graph, BindError> {
    let value = |name: &str| find(graph, lookup, name, 0);
    for (symbol, divisor) in graph.facts().iter() {
        if value(symbol).is_some_and(|v| v % divisor != 0) {
            return Err(BindError::Multiple { symbol: symbol.to_string(), divisor });
        }
    }
    for (_, obligation) in graph.obligations() {
        if !obligation.holds(&value)? {
            return Err(BindError::Relation(obligation.clone()));
        }
    }
    let mut bound = Graph::new(graph.name.clone());
    for (_, node) in graph.nodes() {
        let shape: Result<Vec<Dim>, DimError> =
            node.ty.shape.iter().map(|dim| constant(dim, &value)).collect();
        let ty = Type::new(node.ty.dtype, shape?);
        bound.push(Node { op: bind_op(&node.op, &value)?, ty, ..node.clone() });
    }
    for output in graph.outputs() {
        bound.output(output.name.clone(), output.kind, output.node);
    }
    Ok(bound)
}

/// Value of a named size, by its definition if it has one. Definitions do not nest deeper than there are names.
fn find(graph: &Graph, lookup: &dyn Fn(&str) -> Option<i64>, name: &str, depth: usize) -> Option<i64> {
    const DEEPEST: usize = 64;
    lookup(name).or_else(|| {
        let definition = graph.facts().definition(name).filter(|_| depth < DEEPEST)?;
        definition.eval(&|inner| find(graph, lookup, inner, depth + 1)).ok()
    })
}

fn constant(dim: &Dim, value: &dyn Fn(&str) -> Option<i64>) -> Result<Dim, DimError> {
    Ok(Dim::from(dim.eval(value)?))
}

fn bind_op(op: &Op, value: &dyn Fn(&str) -> Option<i64>) -> Result<Op, BindError> {
    if let Op::Size { value: size, dtype } = op {
        return Ok(Op::Full { value: size.eval(value)? as f64, dtype: *dtype, shape: vec![] });
    }
    let has_sizes = op.decl().attrs.iter().any(|attr| matches!(attr.kind, AttrKind::Dim | AttrKind::Dims));
    if !has_sizes {
        return Ok(op.clone());
    }
    let mut attrs = vec![];
    for (name, attr) in op.attrs() {
        let attr = match attr {
            Attr::Dim(dim) => Attr::Dim(constant(&dim, value)?),
            Attr::Dims(dims) => {
                Attr::Dims(dims.iter().map(|d| constant(d, value)).collect::<Result<_, _>>()?)
            }
            other => other,
        };
        attrs.push((name.to_string(), attr));
    }
    // The same op with attributes of the same kinds.
    Ok(Op::from_attrs(op.decl().name, attrs).unwrap_or_else(|_| op.clone()))
}
