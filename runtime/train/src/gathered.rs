//! Rows of a whole pass, one batch below the other.

use vspec_engine::{Buffer, HostTensor, Inputs};
use vspec_ir::PASS;

/// Rows that a step collects, in the order of its batches.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    parts: Vec<(String, Vec<HostTensor>)>,
}

impl Gathered {
    /// Adds the rows of one batch.
    pub(crate) fn add(&mut self, rows: Vec<(String, HostTensor)>) {
        for (name, tensor) in rows {
            match self.parts.iter_mut().find(|(n, _)| *n == name) {
                Some((_, parts)) => parts.push(tensor),
                None => self.parts.push((name, vec![tensor])),
            }
        }
    }

    /// All rows as inputs of the graph that finishes the pass.
    pub(crate) fn into_inputs(self) -> Inputs {
        let input = |(name, parts): (String, Vec<HostTensor>)| Some((format!("{PASS}{name}"), below(parts)?));
        self.parts.into_iter().filter_map(input).collect()
    }
}

/// Tensors below each other along the first axis; a single number is a row of its own. `None` if they do not fit together.
fn below(parts: Vec<HostTensor>) -> Option<HostTensor> {
    let rest = parts.first()?.shape().get(1..).unwrap_or_default().to_vec();
    let rows = parts.iter().map(|part| part.shape().first().copied().unwrap_or(1)).sum();
    let mut buffers = parts.into_iter().map(HostTensor::into_buffer);
    let mut all = buffers.next()?;
    for buffer in buffers {
        append(&mut all, buffer)?;
    }
    HostTensor::new(std::iter::once(rows).chain(rest).collect(), all)
}

fn append(all: &mut Buffer, more: Buffer) -> Option<()> {
    match (all, more) {
        (Buffer::F32(all), Buffer::F32(more)) => all.extend(more),
        (Buffer::F64(all), Buffer::F64(more)) => all.extend(more),
        (Buffer::I32(all), Buffer::I32(more)) => all.extend(more),
        (Buffer::Bool(all), Buffer::Bool(more)) => all.extend(more),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, shape: &[usize], values: &[f32]) -> Vec<(String, HostTensor)> {
        let tensor = HostTensor::new(shape.to_vec(), Buffer::F32(values.to_vec())).expect("fits");
        vec![(name.to_string(), tensor)]
    }

    #[test]
    fn batches_lie_below_each_other_and_numbers_are_rows() {
        let mut gathered = Gathered::default();
        gathered.add(rows("e", &[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        gathered.add(rows("l", &[], &[0.5]));
        gathered.add(rows("e", &[1, 2], &[5.0, 6.0]));
        gathered.add(rows("l", &[], &[0.25]));
        let inputs = gathered.into_inputs();
        assert_eq!(inputs["pass.e"].shape(), [3, 2]);
        assert_eq!(inputs["pass.e"].to_f64(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(inputs["pass.l"].to_f64(), [0.5, 0.25]);
    }

    #[test]
    fn what_does_not_fit_together_is_left_out() {
        let mut gathered = Gathered::default();
        gathered.add(rows("e", &[1, 2], &[1.0, 2.0]));
        gathered.add(rows("e", &[1, 3], &[1.0, 2.0, 3.0]));
        assert!(gathered.into_inputs().is_empty());
    }
}
