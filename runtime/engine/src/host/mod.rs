//! Functions of the runtime that are no tensor work. What each computes is said where it is declared, in [`HostFn`].

mod assignment;
mod coco;
mod components;
mod labels;
mod operands;
mod rectangle;
mod scenes;
mod suppress;
mod voc;

pub use labels::check_labels;
use vspec_ir::HostFn;

use crate::{Buffer, EngineError, HostTensor};

/// Runs the function of a name.
///
/// # Errors
/// When there is no such function, or an operand has a value that it does not take.
pub fn call(name: &str, operands: &[HostTensor]) -> Result<HostTensor, EngineError> {
    let failed = |message: String| EngineError::Unsupported(format!("`{name}`: {message}"));
    let Some(function) = HostFn::from_name(name) else {
        return Err(failed("there is no such function".into()));
    };
    match function {
        HostFn::MinAreaRect => min_area_rect(operands),
        HostFn::ConnectedComponents => connected_components(operands),
        HostFn::LinearAssignment => linear_assignment(operands),
        HostFn::Nms => suppress::nms(operands),
        HostFn::SoftNms => suppress::soft_nms(operands),
        HostFn::CocoCurves => coco::curves(operands),
        HostFn::VocAp => voc::average_precision(operands),
        HostFn::ClassLabels => return class_labels(operands),
    }
    .map_err(failed)
}

fn min_area_rect(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let masks = Masks::of(operands)?;
    let rectangles =
        masks.each().flat_map(|mask| rectangle::min_area(&mask, masks.columns)).map(|v| v as f32);
    let shape = masks.leading.iter().copied().chain([5]).collect();
    tensor(shape, Buffer::F32(rectangles.collect()))
}

fn connected_components(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let masks = Masks::of(operands)?;
    let diagonal = match operands.get(1).map_or(Some(8.0), HostTensor::item) {
        Some(8.0) => true,
        Some(4.0) => false,
        other => return Err(format!("a connectivity is 4 or 8, not {}", other.unwrap_or(f64::NAN))),
    };
    let labels = masks.each().flat_map(|mask| components::label(&mask, masks.columns, diagonal));
    tensor(masks.shape.clone(), Buffer::I32(labels.collect()))
}

fn linear_assignment(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let [cost, allowed] = operands else { return Err("it needs costs and what is allowed".to_string()) };
    let [leading @ .., rows, columns] = cost.shape() else {
        return Err("costs have rows and columns".to_string());
    };
    let size = rows * columns;
    let (costs, allowed) = (cost.to_f64(), allowed.to_f64());
    let mut result = Vec::with_capacity(leading.iter().product::<usize>() * rows);
    for i in 0..leading.iter().product::<usize>() {
        let cost = &costs[i * size..(i + 1) * size];
        let allowed: Vec<bool> = allowed[i * size..(i + 1) * size].iter().map(|a| *a > 0.0).collect();
        result.extend(assignment::assign(cost, &allowed, *rows, *columns));
    }
    tensor(leading.iter().chain([rows]).copied().collect(), Buffer::I32(result))
}

fn class_labels(operands: &[HostTensor]) -> Result<HostTensor, EngineError> {
    let classes = operands::number(operands, 1).map_err(EngineError::Unsupported)?;
    check_labels(&operands::integers(operands, 0), classes as i32)?;
    Ok(operands[0].clone())
}

fn tensor(shape: Vec<usize>, buffer: Buffer) -> Result<HostTensor, String> {
    HostTensor::new(shape, buffer).ok_or_else(|| "the result does not fill its shape".to_string())
}

/// Masks of one size.
struct Masks {
    shape: Vec<usize>,
    /// Axes before rows and columns.
    leading: Vec<usize>,
    columns: usize,
    positive: Vec<bool>,
}

impl Masks {
    /// The masks of the first operand.
    fn of(operands: &[HostTensor]) -> Result<Masks, String> {
        let mask = operands.first().ok_or("it needs a mask")?;
        let shape = mask.shape().to_vec();
        let [leading @ .., _, columns] = shape.as_slice() else {
            return Err("a mask has rows and columns".to_string());
        };
        let positive = mask.to_f64().into_iter().map(|v| v > 0.0).collect();
        Ok(Masks { leading: leading.to_vec(), columns: *columns, positive, shape })
    }

    /// The pixels of each mask, row by row; an empty one has none.
    fn each(&self) -> impl Iterator<Item = Vec<bool>> {
        let count = self.leading.iter().product::<usize>();
        let pixels = self.positive.len() / count.max(1);
        (0..count).map(move |i| self.positive[i * pixels..(i + 1) * pixels].to_vec())
    }
}

#[cfg(test)]
mod detection_tests;
#[cfg(test)]
mod tests;
