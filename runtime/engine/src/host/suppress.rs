//! Greedy suppression of boxes that overlap better ones.

use super::operands::{Corners, boxes, falling, integers, iou, number, numbers};
use super::tensor;
use crate::{Buffer, HostTensor};

/// One set of boxes, padding included.
struct Rows<'a> {
    boxes: &'a [Corners],
    scores: &'a [f64],
    groups: &'a [i32],
}

impl Rows<'_> {
    /// Overlap of two boxes of one group.
    fn overlap(&self, a: usize, b: usize) -> f64 {
        if self.groups[a] == self.groups[b] { iou(&self.boxes[a], &self.boxes[b]) } else { 0.0 }
    }

    /// Which boxes are left.
    fn suppressed(&self, overlap: f64) -> Vec<bool> {
        let mut left = vec![false; self.boxes.len()];
        let mut kept: Vec<usize> = vec![];
        for i in falling(self.scores) {
            // Padding comes last, and so does what is no number.
            if self.scores[i] == f64::NEG_INFINITY || self.scores[i].is_nan() {
                break;
            }
            if kept.iter().all(|k| self.overlap(*k, i) <= overlap) {
                kept.push(i);
                left[i] = true;
            }
        }
        left
    }

    /// Lowered scores.
    fn softened(&self, overlap: f64, sigma: f64) -> Vec<f64> {
        let mut scores = self.scores.to_vec();
        let mut open: Vec<usize> = (0..scores.len()).filter(|i| scores[*i] > f64::NEG_INFINITY).collect();
        let lowered = |iou: f64| match sigma {
            _ if sigma > 0.0 => (-iou * iou / sigma).exp(),
            _ if iou > overlap => 1.0 - iou,
            _ => 1.0,
        };
        while let Some(best) = best_of(&open, &scores) {
            let chosen = open.remove(best);
            for i in &open {
                scores[*i] *= lowered(self.overlap(chosen, *i));
            }
        }
        scores
    }
}

/// Where the largest score is among the open ones, of equal ones the first.
fn best_of(open: &[usize], scores: &[f64]) -> Option<usize> {
    let larger = |best: usize, i: usize| if scores[open[i]] > scores[open[best]] { i } else { best };
    (0..open.len()).reduce(larger)
}

pub(super) fn nms(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let overlap = number(operands, 3)?;
    let left = each(operands, |rows| rows.suppressed(overlap))?;
    tensor(operands[1].shape().to_vec(), Buffer::Bool(left))
}

pub(super) fn soft_nms(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let (overlap, sigma) = (number(operands, 3)?, number(operands, 4)?);
    let scores = each(operands, |rows| rows.softened(overlap, sigma))?;
    let shape = operands[1].shape().to_vec();
    match operands[1].buffer() {
        Buffer::F64(_) => tensor(shape, Buffer::F64(scores)),
        _ => tensor(shape, Buffer::F32(scores.into_iter().map(|v| v as f32).collect())),
    }
}

/// What a function makes of each set of boxes, one after the other.
fn each<T>(operands: &[HostTensor], body: impl Fn(&Rows<'_>) -> Vec<T>) -> Result<Vec<T>, String> {
    let (boxes, scores, groups) = (boxes(operands, 0), numbers(operands, 1), integers(operands, 2));
    let count = operands.get(1).and_then(|scores| scores.shape().last()).copied().ok_or("it needs scores")?;
    if boxes.len() != scores.len() || groups.len() != scores.len() {
        return Err("boxes, scores and groups belong to the same rows".to_string());
    }
    if count == 0 {
        return Ok(vec![]);
    }
    let rows = |start: usize| {
        let range = start..start + count;
        Rows { boxes: &boxes[range.clone()], scores: &scores[range.clone()], groups: &groups[range] }
    };
    Ok((0..scores.len()).step_by(count).flat_map(|start| body(&rows(start))).collect())
}
