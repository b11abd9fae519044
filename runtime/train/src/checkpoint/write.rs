//! Writing a checkpoint.

use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use vspec_engine::{Buffer, HostTensor};

use super::{CheckpointError, Kept, Reached};
use crate::atomic::replace_file;

/// Writes tensors under their names into `<folder>/<kept>.safetensors`, and how far the run was into the `.json` beside it.
/// Each file is replaced as a whole. The same tensors always give the same bytes.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    folder: &Path,
    kept: Kept,
    tensors: &[(&str, HostTensor)],
    reached: &Reached,
) -> Result<PathBuf, CheckpointError> {
    let path = folder.join(kept.name()).with_extension("safetensors");
    let bytes: Vec<(&str, Vec<u8>)> = tensors.iter().map(|(name, t)| (*name, bytes_of(t.buffer()))).collect();
    let malformed = |e: safetensors::SafeTensorError| CheckpointError::Malformed {
        path: path.clone(),
        message: e.to_string(),
    };
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), (_, bytes))| {
        Ok((*name, TensorView::new(dtype_of(tensor.buffer()), tensor.shape().to_vec(), bytes)?))
    });
    let views: Result<Vec<_>, _> = views.collect();
    let file = safetensors::serialize(views.map_err(malformed)?, None).map_err(malformed)?;
    replace_file(&path, &file)?;
    replace_file(&path.with_extension("json"), describe(reached).as_bytes())?;
    Ok(path)
}

fn describe(reached: &Reached) -> String {
    let metric = reached.metric.as_ref();
    let metric =
        metric.map(|(step, report, value)| json!({ "step": step, "report": report, "value": value }));
    let text = json!({
        "epoch": reached.clock.epoch,
        "iteration": reached.clock.iteration,
        "iterations": reached.clock.iterations,
        "metric": metric,
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
