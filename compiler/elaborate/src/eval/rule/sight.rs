//! What a call of a rule looks at and what it decides, for people who want to see it.
//!
//! Only nodes are noted that are there anyway; the graph that is trained does not change.

use std::sync::Arc;

use vspec_ir::{NodeId, Output, OutputKind};
use vspec_syntax::ast::AssignDef;

use super::COLS;
use crate::eval::{Eval, Evaluator};
use crate::value::{Given, Value};

/// A call of a rule in a step.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// Name of the rule.
    pub(crate) rule: Arc<str>,
    /// Tensors by name, as [`RuleSight`](crate::RuleSight) has them.
    values: Vec<(String, NodeId)>,
}

impl Sight {
    /// The tensors as results of a graph.
    pub(crate) fn outputs(&self) -> Vec<Output> {
        let output = |(name, node): &(String, NodeId)| Output {
            name: name.as_str().into(),
            kind: OutputKind::Collect,
            node: *node,
        };
        self.values.iter().map(output).collect()
    }
}

impl Evaluator<'_> {
    /// Notes a call of a rule, if somebody wants to see it.
    pub(super) fn note_rule(&mut self, def: &AssignDef, given: [&Given; 2], result: &Value) -> Eval<()> {
        if self.sights.is_none() {
            return Ok(());
        }
        let mut values = vec![];
        for (prefix, value) in [("rows", &given[0].value), ("columns", &given[1].value), ("result", result)] {
            tensors(prefix, value, &mut values);
        }
        if let Some(valid) = self.pairing()?.sides[COLS].valid {
            values.push(("there".to_string(), valid));
        }
        self.step.sights.push(Sight { rule: def.name.name.clone(), values });
        Ok(())
    }
}

/// Tensors of a value by dotted names.
fn tensors(name: &str, value: &Value, out: &mut Vec<(String, NodeId)>) {
    match value {
        Value::Tensor(node) => out.push((name.to_string(), *node)),
        Value::Record(fields) => {
            fields.iter().for_each(|(field, value)| tensors(&format!("{name}.{field}"), value, out));
        }
        _ => {}
    }
}
