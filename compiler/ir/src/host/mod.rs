//! Functions of the runtime that are no tensor work, such as following the contour of a mask.
//!
//! Each is declared here, once: its name, what it computes, and the type of its result. Engines run it on the host; what computes
//! before it and what computes after it are two parts of a graph.

mod detection;

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
    /// Which boxes are left when those that overlap a better one are taken away.
    Nms,
    /// Scores of boxes, lowered where a better box overlaps.
    SoftNms,
    /// Precision and recall of detections in a set of images by the rules of COCO.
    CocoCurves,
    /// Average precision of each class by the rules of Pascal VOC.
    VocAp,
    /// Labels, each of which names a class.
    ClassLabels,
}

impl HostFn {
    /// Every function.
    pub const ALL: [HostFn; 8] = [
        HostFn::MinAreaRect,
        HostFn::ConnectedComponents,
        HostFn::LinearAssignment,
        HostFn::Nms,
        HostFn::SoftNms,
        HostFn::CocoCurves,
        HostFn::VocAp,
        HostFn::ClassLabels,
    ];

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
            HostFn::Nms => "greedy_nms",
            HostFn::SoftNms => "greedy_soft_nms",
            HostFn::CocoCurves => "coco_curves",
            HostFn::VocAp => "voc_average_precision",
            HostFn::ClassLabels => "class_labels",
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
            HostFn::Nms => {
                "host fn greedy_nms(boxes: f32[.., N, 4], scores: f32[.., N], groups: i32[.., N], overlap: f32[]) -> bool[.., N]"
            }
            HostFn::SoftNms => {
                "host fn greedy_soft_nms(boxes: f32[.., N, 4], scores: f32[.., N], groups: i32[.., N], overlap: f32[], sigma: f32[]) \
                 -> f32[.., N]"
            }
            HostFn::CocoCurves => {
                "host fn coco_curves(boxes: f32[N, D, 4], scores: f32[N, D], labels: i32[N, D], found: bool[N, D], \
                 truths: f32[N, T, 4], truth_labels: i32[N, T], areas: f32[N, T], crowd: bool[N, T], present: bool[N, T], \
                 classes: i32[K]) -> f32[10, K, 4, 3, 102]"
            }
            HostFn::VocAp => {
                "host fn voc_average_precision(boxes: f32[N, D, 4], scores: f32[N, D], labels: i32[N, D], found: bool[N, D], \
                 truths: f32[N, T, 4], truth_labels: i32[N, T], difficult: bool[N, T], present: bool[N, T], classes: i32[K], \
                 overlap: f32[], points: i32[]) -> f32[K]"
            }
            HostFn::ClassLabels => "host fn class_labels(labels: i32[..], classes: i32[]) -> i32[..]",
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
            HostFn::Nms => {
                "Which boxes `x1, y1, x2, y2` are left: the box with the largest score takes away those of its group whose \
                 intersection over union with it is larger than `overlap`, then the next one that is left does, and so on. Of \
                 equal scores the first comes first. A score of minus infinity marks padding, which is never left."
            }
            HostFn::SoftNms => {
                "Scores after soft suppression (Bodla et al. 2017): the box with the largest score keeps it and multiplies those of \
                 its group by `exp(-iou^2 / sigma)`, or with `sigma` 0 by `1 - iou` where iou is larger than `overlap`; then the \
                 largest of the others is next. Padding has minus infinity and keeps it."
            }
            HostFn::CocoCurves => {
                "Precision and recall of detections (Lin et al. 2014, as pycocotools computes them), at IoU 0.5, 0.55, .., 0.95, for \
                 each of `classes`, for truths of all areas, below 32^2, from there to 96^2, and above, and with at most 1, 10 and \
                 100 detections an image: precision at recall 0, 0.01, .., 1, and last the recall that is reached. -1 where there \
                 are no truths. `crowd` truths count neither way, and overlap by the share of the detection that they cover."
            }
            HostFn::VocAp => {
                "Average precision of each of `classes` (Everingham et al. 2010). A detection is right if the truth of its class that \
                 it overlaps most does so by at least `overlap` and no better one took it; `difficult` truths count neither way. \
                 With 11 `points` the mean of the precision at recall 0, 0.1, .., 1; with 0 the area under the curve. -1 where a \
                 class has no truths."
            }
            HostFn::ClassLabels => {
                "The labels as they are. One that names none of the classes `0, 1, .., classes - 1` is an error of the run."
            }
        }
    }

    /// Whether modules may call it: it is a function of tensors like an op, for which no graph of ops is short enough.
    pub fn is_tensor_work(self) -> bool {
        matches!(self, HostFn::Nms | HostFn::SoftNms | HostFn::ClassLabels)
    }

    /// Whether each element of its result comes from the element of its first operand at the same place, so that padding stays padding.
    pub fn keeps_padding(self) -> bool {
        matches!(self, HostFn::ClassLabels)
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
            (HostFn::Nms, operands) => detection::nms(operands),
            (HostFn::SoftNms, operands) => detection::soft_nms(operands),
            (HostFn::CocoCurves, operands) => detection::coco_curves(operands),
            (HostFn::VocAp, operands) => detection::voc_ap(operands),
            (HostFn::ClassLabels, operands) => class_labels(operands),
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

fn class_labels(operands: &[Type]) -> Result<Type, String> {
    let [labels, classes] = operands else {
        return Err(format!("it takes labels and a number of classes, not {} tensors", operands.len()));
    };
    match (labels.dtype, *classes == Type::scalar(DType::I32)) {
        (DType::I32, true) => Ok(labels.clone()),
        (DType::I32, false) => Err(format!("the number of classes is i32[], not {classes}")),
        (_, _) => Err(format!("labels are i32[..], not {labels}")),
    }
}

/// Leading axes, and the two of an image.
fn image_axes(mask: &Type) -> Result<(&[Dim], &[Dim]), String> {
    match mask.rank().checked_sub(2) {
        Some(leading) => Ok(mask.shape.split_at(leading)),
        None => Err(format!("a mask has rows and columns, unlike {mask}")),
    }
}
