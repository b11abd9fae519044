//! Which tensor of a file becomes which variable.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use vspec_engine::HostTensor;
use vspec_ir::{Variable, VariableKind};

use super::convert::{convert, described};
use super::rename::{Rename, Renamed};
use crate::FileError;
use crate::checkpoint::{CheckpointError, WrongTensor};

/// The prefix that PyTorch's data parallel training leaves.
const MODULE: &str = "module.";
/// PyTorch counts batches in every batch norm and uses the count for nothing by default.
const UNUSED: &str = "num_batches_tracked";

/// Values for variables, by path.
pub type Weights = Vec<(String, HostTensor)>;

/// What a file gives to an experiment and what it doesn't. Parameters and states count; optimizer states begin anew.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transfer {
    /// The variables that get a value.
    pub weights: Weights,
    /// Parameters and states that get none.
    pub missing: Vec<String>,
    /// Tensors that belong to no variable, under the file's names.
    pub unexpected: Vec<String>,
    /// Tensors that a rule leaves out, or that belong to an optimizer.
    pub left_out: Vec<String>,
    /// Tensors of another shape than their variable, or of elements that can't become its, under the names that rules see.
    pub wrong: Vec<WrongTensor>,
    /// What was done to the names without being asked.
    pub notes: Vec<String>,
}

impl Transfer {
    /// Compares a file with variables. Each name goes through the first rule that fits. Where none fits and a name is no
    /// variable's, `module.` is dropped from the front if every name of the file has it, and then the names may lack a first
    /// member that all variables share, such as `net`.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn read(path: &Path, variables: &[Variable], rules: &[Rename]) -> Result<Transfer, CheckpointError> {
        let bytes = fs::read(path).map_err(FileError::at("read", path))?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|e| CheckpointError::Malformed { path: path.to_path_buf(), message: e.to_string() })?;
        let views = file.tensors().into_iter().filter(|(name, _)| name.rsplit('.').next() != Some(UNUSED));
        let views: BTreeMap<String, TensorView<'_>> = views.collect();
        let mut transfer = Transfer::default();
        let names = transfer.rename(&views, variables, rules);
        transfer.compare(&names, variables);
        Ok(transfer)
    }

    /// The views under their new names, each with its old one.
    fn rename<'v, 'd>(
        &mut self,
        views: &'v BTreeMap<String, TensorView<'d>>,
        variables: &[Variable],
        rules: &[Rename],
    ) -> BTreeMap<String, (&'v str, &'v TensorView<'d>)> {
        let parallel = !views.is_empty() && views.keys().all(|name| name.starts_with(MODULE));
        if parallel {
            self.notes.push(format!("every name begins with `{MODULE}`, which is dropped"));
        }
        let mut renamed = vec![];
        for (name, view) in views {
            let short = if parallel { name.strip_prefix(MODULE).unwrap_or(name) } else { name };
            match Rename::apply(rules, short) {
                Renamed::To(new) => renamed.push((new, (name.as_str(), view))),
                Renamed::LeftOut => self.left_out.push(name.clone()),
            }
        }
        if let Some(root) = missing_root(renamed.iter().map(|(name, _)| name.as_str()), variables) {
            self.notes.push(format!("the file's names lack `{root}.`, which is put before them"));
            renamed.iter_mut().for_each(|(name, _)| *name = format!("{root}.{name}"));
        }
        let mut names = BTreeMap::new();
        for (name, (old, view)) in renamed {
            // Of two tensors that get the same name the second has no place.
            match names.entry(name) {
                Entry::Vacant(entry) => drop(entry.insert((old, view))),
                Entry::Occupied(_) => self.unexpected.push(old.to_string()),
            }
        }
        names
    }

    fn compare(&mut self, names: &BTreeMap<String, (&str, &TensorView<'_>)>, variables: &[Variable]) {
        let mut left = names.clone();
        for variable in variables {
            let path = &*variable.path;
            match left.remove(path) {
                Some((old, _)) if variable.kind == VariableKind::Optimizer => {
                    self.left_out.push(old.to_string())
                }
                Some((old, view)) => match convert(view, &variable.ty) {
                    Some(tensor) => self.weights.push((path.to_string(), tensor)),
                    None => self.wrong.push(WrongTensor {
                        name: old.strip_prefix(MODULE).unwrap_or(old).to_string(),
                        expected: variable.ty.to_string(),
                        found: described(view),
                    }),
                },
                None if variable.kind == VariableKind::Optimizer => {}
                None => self.missing.push(path.to_string()),
            }
        }
        self.unexpected.extend(left.into_values().map(|(old, _)| old.to_string()));
    }
}

/// The first member that the names lack, if they are no variables' and would be with it.
fn missing_root<'n>(names: impl Iterator<Item = &'n str> + Clone, variables: &[Variable]) -> Option<String> {
    let weights = variables.iter().filter(|v| v.kind != VariableKind::Optimizer).map(|v| &*v.path);
    let weights: Vec<&str> = weights.collect();
    let mut roots: Vec<&str> = weights.iter().filter_map(|path| Some(path.split_once('.')?.0)).collect();
    roots.sort_unstable();
    roots.dedup();
    let fitting = |root: &str| {
        let paths =
            names.clone().map(|n| if root.is_empty() { n.to_string() } else { format!("{root}.{n}") });
        paths.filter(|path| weights.contains(&path.as_str())).count()
    };
    if fitting("") > 0 {
        return None;
    }
    let mut counts: Vec<(usize, &str)> = roots.into_iter().map(|root| (fitting(root), root)).collect();
    counts.sort_unstable_by_key(|(count, _)| std::cmp::Reverse(*count));
    match counts.as_slice() {
        // Two networks that fit equally well: guessing would be worse than asking.
        [(best, _), (second, _), ..] if best == second => None,
        [(best, root), ..] if *best > 0 => Some(root.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
