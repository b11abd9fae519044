//! Functions of the runtime that are no tensor work, such as following the contour of a mask.
//!
//! Each is declared here, once: its name, what it computes, and the type of its result. Engines run it on the host; what computes
//! before it and what computes after it are two parts of a graph.

use crate::{DType, Dim, Type};

/// A function of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFn {
    /// The smallest rectangle around the positive pixels of a mask.
    MinAreaRect,
    /// A number for each connected region of a mask.
    ConnectedComponents,
    /// The assignment of rows to columns of the smallest cost.
    LinearAssignment,
}

impl HostFn {
    /// Every function.
    pub const ALL: [HostFn; 3] = [HostFn::MinAreaRect, HostFn::ConnectedComponents, HostFn::LinearAssignment];

    /// The function that a specification calls by this name.
    pub fn from_name(name: &str) -> Option<HostFn> {
        HostFn::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            HostFn::MinAreaRect => "min_area_rect",
            HostFn::ConnectedComponents => "connected_components",
            HostFn::LinearAssignment => "linear_assignment",
        }
    }

    /// How a specification declares it.
    pub fn signature(self) -> &'static str {
        match self {
            HostFn::MinAreaRect => "host fn min_area_rect(mask: f32[.., H, W]) -> f32[.., 5]",
            HostFn::ConnectedComponents => {
                "host fn connected_components(mask: bool[.., H, W], connectivity: i32[] = 8) -> i32[.., H, W]"
            }
            HostFn::LinearAssignment => {
                "host fn linear_assignment(cost: f32[.., N, M], allowed: bool[.., N, M]) -> i32[.., N]"
            }
        }
    }

    /// What it computes.
    pub fn doc(self) -> &'static str {
        match self {
            HostFn::MinAreaRect => {
                "The rectangle of the smallest area around the positive pixels of each mask, as centre x, centre y, width, height \
                 and angle. Pixel `(i, j)` covers `[j, j + 1]` by `[i, i + 1]`, and the rectangle covers the pixels. The width is \
                 the side that is nearer to the x axis, and the angle, in [-pi/4, pi/4], is from the x axis towards the y axis to \
                 it. A mask without positive pixels gives zeros."
            }
            HostFn::ConnectedComponents => {
                "For each pixel the number of its connected region, from 1 in the order of their first pixels, row by row; 0 \
                 outside the mask. With `connectivity` 8 pixels that touch at a corner are connected, with 4 only those that share \
                 a side."
            }
            HostFn::LinearAssignment => {
                "For each row its column, or -1: no two rows have one column, as many allowed pairs as possible are taken, and of all \
                 ways to do so the one of the smallest total cost. A pair whose cost is not finite is not allowed. Kuhn 1955."
            }
        }
    }

    /// The type of its result. The error is a phrase.
    pub fn result(self, operands: &[Type]) -> Result<Type, String> {
        match (self, operands) {
            (HostFn::MinAreaRect, [mask]) => {
                let (leading, _) = image_axes(mask)?;
                Ok(Type::new(DType::F32, leading.iter().cloned().chain([Dim::from(5i64)]).collect()))
            }
            (HostFn::ConnectedComponents, [mask]) => components(mask),
            (HostFn::ConnectedComponents, [mask, connectivity]) => {
                match *connectivity == Type::scalar(DType::I32) {
                    true => components(mask),
                    false => Err(format!("the connectivity is i32[], not {connectivity}")),
                }
            }
            (HostFn::LinearAssignment, [cost, allowed]) => assignment(cost, allowed),
            (HostFn::LinearAssignment, others) => {
                Err(format!("it takes costs and what is allowed, not {} tensors", others.len()))
            }
            (HostFn::MinAreaRect, others) => Err(format!("it takes a mask, not {} tensors", others.len())),
            (HostFn::ConnectedComponents, others) => {
                Err(format!("it takes a mask and perhaps a connectivity, not {} tensors", others.len()))
            }
        }
    }
}

fn components(mask: &Type) -> Result<Type, String> {
    image_axes(mask)?;
    match mask.dtype {
        DType::Bool => Ok(Type::new(DType::I32, mask.shape.clone())),
        _ => Err(format!("the mask is of bools, not {mask}")),
    }
}

fn assignment(cost: &Type, allowed: &Type) -> Result<Type, String> {
    if cost.rank() < 2 || cost.dtype != DType::F32 {
        return Err(format!("costs are f32[.., N, M], not {cost}"));
    }
    if allowed.dtype != DType::Bool || allowed.shape != cost.shape {
        return Err(format!("what is allowed is a bool for each cost, not {allowed} for {cost}"));
    }
    Ok(Type::new(DType::I32, cost.shape[..cost.rank() - 1].to_vec()))
}

/// Leading axes, and the two of an image.
fn image_axes(mask: &Type) -> Result<(&[Dim], &[Dim]), String> {
    match mask.rank().checked_sub(2) {
        Some(leading) => Ok(mask.shape.split_at(leading)),
        None => Err(format!("a mask has rows and columns, unlike {mask}")),
    }
}
