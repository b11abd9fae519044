//! Binding named sizes: from the shapes of actual inputs to a value for `B`, `H`, ...

use std::collections::BTreeMap;
use std::sync::Arc;

use vspec_ir::{Condition, Dim, DimError, Graph, Op, Type, Variant};

use crate::{EngineError, HostTensor, Inputs};

/// Values of the named sizes of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    values: BTreeMap<Arc<str>, i64>,
}

impl Sizes {
    /// The value of a size.
    ///
    /// # Errors
    /// When it depends on a name without a value, is negative, or does not fit.
    pub fn dim(&self, dim: &Dim) -> Result<usize, EngineError> {
        let value = dim.eval(&|name| self.values.get(name).copied()).map_err(unsized_error)?;
        usize::try_from(value).map_err(|_| EngineError::Unsupported(format!("size {dim} is {value}")))
    }

    /// The value of a named size.
    pub fn named(&self, name: &str) -> Option<i64> {
        self.values.get(name).copied()
    }

    /// The value of a size as a signed number: the bounds of a slice, the value of a `size` op.
    pub fn signed(&self, dim: &Dim) -> Result<i64, EngineError> {
        dim.eval(&|name| self.values.get(name).copied()).map_err(unsized_error)
    }

    /// Adds the sizes that the graph defines by others, whatever their order.
    fn define(&mut self, graph: &Graph) {
        let mut left: Vec<(&str, &Dim)> = graph.facts().definitions().collect();
        loop {
            let before = left.len();
            left.retain(|(symbol, value)| match value.eval(&|name| self.values.get(name).copied()) {
                Ok(value) => {
                    self.values.insert((*symbol).into(), value);
                    false
                }
                Err(_) => true,
            });
            if left.len() == before {
                return;
            }
        }
    }

    /// The values of a shape.
    pub fn shape(&self, shape: &[Dim]) -> Result<Vec<usize>, EngineError> {
        shape.iter().map(|d| self.dim(d)).collect()
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, (name, value)) in self.values.iter().enumerate() {
            write!(f, "{}{name} = {value}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

fn unsized_error(error: DimError) -> EngineError {
    EngineError::Unsupported(error.to_string())
}

/// Named sizes from the shapes of the inputs that the graph declares; checks element types, shapes, facts and obligations.
pub fn bind(graph: &Graph, inputs: &Inputs) -> Result<Sizes, EngineError> {
    let mut sizes = Sizes::default();
    let declared = declared_inputs(graph);
    for (name, ty) in &declared {
        let tensor = inputs.get(*name).ok_or_else(|| EngineError::MissingInput((*name).to_string()))?;
        check_rank(name, ty, tensor)?;
        for (dim, size) in ty.shape.iter().zip(tensor.shape()) {
            if let Some(symbol) = dim.as_symbol() {
                sizes.values.entry(symbol.into()).or_insert(*size as i64);
            }
        }
    }
    sizes.define(graph);
    for (name, ty) in &declared {
        if let Some(tensor) = inputs.get(*name) {
            check_shape(name, ty, tensor, &sizes)?;
        }
    }
    check_relations(graph, &sizes)?;
    Ok(sizes)
}

/// Names and types of the inputs that a graph declares.
fn declared_inputs(graph: &Graph) -> Vec<(&str, &Type)> {
    let inputs = graph.nodes().filter_map(|(_, node)| match &node.op {
        Op::Input { name, .. } => Some((&**name, &node.ty)),
        _ => None,
    });
    inputs.collect()
}

/// The graph of which all conditions hold for the sizes of the inputs and the readings of the clock.
///
/// # Errors
/// When there is none.
pub fn choose<'v>(
    variants: &'v [Variant],
    inputs: &Inputs,
    clock: &dyn Fn(&str) -> Option<f64>,
) -> Result<&'v Graph, EngineError> {
    let holds = |variant: &&Variant| {
        let mut sizes = None;
        variant.when.iter().all(|condition| match condition {
            Condition::Clock(condition) => clock(&condition.clock).is_some_and(|now| condition.holds(now)),
            Condition::Sizes(relation) => {
                let sizes = sizes.get_or_insert_with(|| loosely_bound(&variant.graph, inputs));
                relation.holds(&|name| sizes.values.get(name).copied()).unwrap_or(false)
            }
        })
    };
    let chosen = variants.iter().find(holds).map(|variant| &variant.graph);
    chosen.ok_or_else(|| EngineError::Unsupported("no graph was made for these sizes".to_string()))
}

/// Named sizes from those inputs that are there; whether they fit is checked when the graph runs.
fn loosely_bound(graph: &Graph, inputs: &Inputs) -> Sizes {
    let mut sizes = Sizes::default();
    for (name, ty) in declared_inputs(graph) {
        let Some(tensor) = inputs.get(name) else { continue };
        for (dim, size) in ty.shape.iter().zip(tensor.shape()) {
            if let Some(symbol) = dim.as_symbol() {
                sizes.values.entry(symbol.into()).or_insert(*size as i64);
            }
        }
    }
    sizes.define(graph);
    sizes
}

fn describe(tensor: &HostTensor) -> String {
    let shape: Vec<String> = tensor.shape().iter().map(ToString::to_string).collect();
    format!("{}[{}]", tensor.dtype(), shape.join(", "))
}

fn wrong(name: &str, ty: &Type, tensor: &HostTensor) -> EngineError {
    EngineError::WrongType { name: name.to_string(), expected: ty.to_string(), found: describe(tensor) }
}

fn check_rank(name: &str, ty: &Type, tensor: &HostTensor) -> Result<(), EngineError> {
    let fits = ty.dtype == tensor.dtype() && ty.rank() == tensor.shape().len();
    if fits { Ok(()) } else { Err(wrong(name, ty, tensor)) }
}

fn check_shape(name: &str, ty: &Type, tensor: &HostTensor, sizes: &Sizes) -> Result<(), EngineError> {
    let fits = sizes.shape(&ty.shape)? == tensor.shape();
    if fits { Ok(()) } else { Err(wrong(name, ty, tensor)) }
}

fn check_relations(graph: &Graph, sizes: &Sizes) -> Result<(), EngineError> {
    let lookup = |name: &str| sizes.values.get(name).copied();
    let failed = |relation: String| EngineError::Obligation { relation, sizes: sizes.to_string() };
    for (symbol, divisor) in graph.facts().iter() {
        if lookup(symbol).is_some_and(|v| v % divisor != 0) {
            return Err(failed(format!("{symbol} % {divisor} == 0")));
        }
    }
    for condition in graph.facts().conditions() {
        if !condition.holds(&lookup).map_err(unsized_error)? {
            return Err(failed(condition.to_string()));
        }
    }
    for (_, obligation) in graph.obligations() {
        if !obligation.holds(&lookup).map_err(unsized_error)? {
            return Err(failed(obligation.to_string()));
        }
    }
    Ok(())
}

/// Checks a value for a variable against the type that a graph reads it with.
pub fn check_variable(path: &str, ty: &Type, tensor: &HostTensor) -> Result<(), EngineError> {
    check_rank(path, ty, tensor)?;
    check_shape(path, ty, tensor, &Sizes::default())
}
