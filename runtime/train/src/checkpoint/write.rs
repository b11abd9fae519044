//! Writing a checkpoint.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use vspec_engine::{Buffer, HostTensor};

use super::{CheckpointError, STATE_KEY};
use crate::atomic::replace_file;
use crate::state::RunState;

/// Writes tensors under their names and the state of their run into a file, and how far the run was into the `.json` beside
/// it. Each file is replaced as a whole. The same tensors and states always give the same bytes.
///
/// # Errors
/// When a file cannot be written.
pub fn write(path: &Path, tensors: &[(&str, HostTensor)], state: &RunState) -> Result<(), CheckpointError> {
    let malformed = |message: String| CheckpointError::Malformed { path: path.to_path_buf(), message };
    // One entry: the order of a map with several would change from process to process.
    let metadata = HashMap::from([(STATE_KEY.to_string(), state.to_text().map_err(malformed)?)]);
    write_file(path, tensors, Some(metadata))?;
    replace_file(&path.with_extension("json"), describe(state).as_bytes())?;
    Ok(())
}

/// Writes tensors under their names into a file, and nothing else. The file is replaced as a whole.
///
/// # Errors
/// When the file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[(&str, HostTensor)]) -> Result<(), CheckpointError> {
    write_file(path, tensors, None)
}

fn write_file(
    path: &Path,
    tensors: &[(&str, HostTensor)],
    metadata: Option<HashMap<String, String>>,
) -> Result<(), CheckpointError> {
    let malformed = |message: String| CheckpointError::Malformed { path: path.to_path_buf(), message };
    let bytes: Vec<(&str, Vec<u8>)> = tensors.iter().map(|(name, t)| (*name, bytes_of(t.buffer()))).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), (_, bytes))| {
        Ok((*name, TensorView::new(dtype_of(tensor.buffer()), tensor.shape().to_vec(), bytes)?))
    });
    let views: Result<Vec<_>, safetensors::SafeTensorError> = views.collect();
    let file = views.and_then(|views| safetensors::serialize(views, metadata));
    Ok(replace_file(path, &file.map_err(|e| malformed(e.to_string()))?)?)
}

/// For people, and for programs that ask how far a run is.
fn describe(state: &RunState) -> String {
    let best = state.best.first();
    let best =
        best.map(|b| json!({ "step": b.step, "report": b.report, "value": b.value, "epoch": b.epoch }));
    let text = json!({
        "experiment": state.experiment,
        "seed": state.seed,
        "epoch": state.clock.epoch,
        "iteration": state.clock.iteration,
        "iterations": state.clock.iterations,
        "finished": state.finished,
        "best": best,
    });
    format!("{text:#}\n")
}

fn dtype_of(buffer: &Buffer) -> Dtype {
    match buffer {
        Buffer::F32(_) => Dtype::F32,
        Buffer::F64(_) => Dtype::F64,
        Buffer::I32(_) => Dtype::I32,
        Buffer::Bool(_) => Dtype::BOOL,
    }
}

/// Elements in the format's byte order, little-endian on every machine.
fn bytes_of(buffer: &Buffer) -> Vec<u8> {
    match buffer {
        Buffer::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Buffer::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Buffer::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Buffer::Bool(v) => v.iter().map(|x| u8::from(*x)).collect(),
    }
}
