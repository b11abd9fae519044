//! Reading a checkpoint, with every way in which it may not fit.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use vspec_engine::{Buffer, HostTensor};
use vspec_ir::{DType, Type, Variable, VariableKind};

use super::{CheckpointError, Kept, STATE_KEY, WrongTensor};
use crate::FileError;
use crate::state::RunState;

/// Bytes of the largest head that the format allows.
const MAX_HEAD: u64 = 100_000_000;

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
    let candidates =
        folders.iter().flat_map(|folder| [Kept::Best, Kept::Last].map(|kept| folder.join(kept.file_name())));
    candidates.into_iter().find(|p| p.is_file()).ok_or_else(|| {
        let expected = path.join("checkpoints").join("last.safetensors");
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        FileError { action: "read", path: expected, error }.into()
    })
}

/// The state of the run that wrote a checkpoint; none if another program wrote the file. Only the head of the file is read.
///
/// # Errors
/// When the file cannot be read or is damaged.
pub fn read_state(path: &Path) -> Result<Option<RunState>, CheckpointError> {
    let malformed = |message: String| CheckpointError::Malformed { path: path.to_path_buf(), message };
    let head = read_head(path).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => malformed("it ends within its head".to_string()),
        _ => FileError::at("read", path)(e).into(),
    })?;
    let head: serde_json::Value = serde_json::from_slice(&head).map_err(|e| malformed(e.to_string()))?;
    let text = head["__metadata__"][STATE_KEY].as_str();
    text.map(RunState::from_text).transpose().map_err(malformed)
}

/// The JSON at the beginning of a safetensors file, after its length in eight bytes.
fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut head = vec![];
    file.take(u64::from_le_bytes(length).min(MAX_HEAD)).read_to_end(&mut head)?;
    Ok(head)
}
