//! Reading a checkpoint, with every way in which it may not fit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use vspec_engine::{Buffer, HostTensor};
use vspec_ir::{DType, Type, Variable, VariableKind};

use super::{CheckpointError, Kept, Reached, WrongTensor};
use crate::{Clock, FileError};

/// Reads the tensors of `variables` in their order. Optimizer states may be absent: a file of published weights has none.
///
/// # Errors
/// When the file cannot be read, is damaged, lacks a parameter or state, has a tensor that belongs to no variable, or one
/// of another type than its variable; all names are listed.
pub fn read(path: &Path, variables: &[Variable]) -> Result<Vec<(String, HostTensor)>, CheckpointError> {
    let bytes = fs::read(path).map_err(FileError::at("read", path))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| CheckpointError::Malformed { path: path.to_path_buf(), message: e.to_string() })?;
    let mut views: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let (mut tensors, mut missing, mut wrong) = (vec![], vec![], vec![]);
    for variable in variables {
        match views.remove(&*variable.path).map(|view| (tensor(&view, &variable.ty), view)) {
            Some((Some(tensor), _)) => tensors.push((variable.path.to_string(), tensor)),
            Some((None, view)) => wrong.push(wrong_tensor(variable, &view)),
            None if variable.kind == VariableKind::Optimizer => {}
            None => missing.push(variable.path.to_string()),
        }
    }
    let unexpected: Vec<String> = views.into_keys().collect();
    if missing.is_empty() && unexpected.is_empty() && wrong.is_empty() {
        return Ok(tensors);
    }
    Err(CheckpointError::Mismatch { path: path.to_path_buf(), missing, unexpected, wrong })
}

/// The tensor, if it has the type.
fn tensor(view: &TensorView<'_>, ty: &Type) -> Option<HostTensor> {
    let shape = ty.const_shape().filter(|s| s == view.shape())?;
    let buffer = match (view.dtype(), ty.dtype) {
        (Dtype::F32, DType::F32) => Buffer::F32(words(view.data()).map(f32::from_le_bytes).collect()),
        (Dtype::I32, DType::I32) => Buffer::I32(words(view.data()).map(i32::from_le_bytes).collect()),
        (Dtype::BOOL, DType::Bool) => Buffer::Bool(view.data().iter().map(|b| *b != 0).collect()),
        _ => return None,
    };
    HostTensor::new(shape, buffer)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.as_chunks::<4>().0.iter().copied()
}

fn wrong_tensor(variable: &Variable, view: &TensorView<'_>) -> WrongTensor {
    let element = match view.dtype() {
        Dtype::F32 => "f32".to_string(),
        Dtype::I32 => "i32".to_string(),
        Dtype::BOOL => "bool".to_string(),
        other => format!("{other:?}").to_lowercase(),
    };
    WrongTensor {
        name: variable.path.to_string(),
        expected: variable.ty.to_string(),
        found: format!("{element}{:?}", view.shape()),
    }
}

/// The checkpoint that a path means: a file itself; in a run folder the best one, else the last one.
///
/// # Errors
/// When the folder has no checkpoint.
pub fn find(path: &Path) -> Result<PathBuf, CheckpointError> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let folders = [path.join("checkpoints"), path.to_path_buf()];
    let candidates = folders.iter().flat_map(|folder| {
        [Kept::Best, Kept::Last].map(|kept| folder.join(kept.name()).with_extension("safetensors"))
    });
    candidates.into_iter().find(|p| p.is_file()).ok_or_else(|| {
        let expected = path.join("checkpoints").join("last.safetensors");
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        FileError { action: "read", path: expected, error }.into()
    })
}

/// How far the run of a checkpoint was, according to the `.json` beside it; the beginning, if there is none.
pub fn read_progress(checkpoint: &Path) -> Reached {
    let text = fs::read_to_string(checkpoint.with_extension("json")).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let number = |key: &str| json[key].as_u64().unwrap_or(0);
    let clock =
        Clock { epoch: number("epoch"), iteration: number("iteration"), iterations: number("iterations") };
    let metric = &json["metric"];
    let name = |key: &str| metric[key].as_str().map(str::to_string);
    let metric = name("step").zip(name("report")).zip(metric["value"].as_f64());
    Reached { clock, metric: metric.map(|((step, report), value)| (step, report, value)) }
}
