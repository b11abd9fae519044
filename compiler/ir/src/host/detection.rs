//! Types of functions on boxes.

use crate::{DType, Dim, Type};

/// Recalls at which a curve has a precision, and one place for the recall that is reached.
const CURVE: i64 = 102;

/// Operands with the names that a declaration gives them, to be taken one after the other.
struct Operands<'a> {
    types: &'a [Type],
    names: &'static [&'static str],
}

impl<'a> Operands<'a> {
    fn of(types: &'a [Type], names: &'static [&'static str]) -> Result<Self, String> {
        match types.len() == names.len() {
            true => Ok(Operands { types, names }),
            false => Err(format!("it takes {}, not {} tensors", names.join(", "), types.len())),
        }
    }

    fn ty(&self, name: &str) -> Option<&'a Type> {
        self.types.get(self.names.iter().position(|n| *n == name)?)
    }

    /// The axes of an operand in front of its last `rank` ones, and those.
    fn axes(&self, name: &str, rank: usize) -> Result<(&'a [Dim], &'a [Dim]), String> {
        let ty = self.ty(name).ok_or_else(|| format!("it needs `{name}`"))?;
        match ty.rank().checked_sub(rank) {
            Some(leading) => Ok(ty.shape.split_at(leading)),
            None => Err(format!("`{name}` has {rank} axes or more, unlike {ty}")),
        }
    }

    /// Refuses an operand of another type.
    fn is(&self, name: &str, dtype: DType, shape: Vec<Dim>) -> Result<(), String> {
        let wanted = Type::new(dtype, shape);
        match self.ty(name) {
            Some(ty) if *ty == wanted => Ok(()),
            Some(ty) => Err(format!("`{name}` is {wanted}, not {ty}")),
            None => Err(format!("it needs `{name}`")),
        }
    }

    /// Boxes with what belongs to each of them: the axes of their rows.
    fn rows(&self, boxes: &str, fields: &[(&str, DType)]) -> Result<Vec<Dim>, String> {
        let (leading, last) = self.axes(boxes, 2)?;
        let rows: Vec<Dim> = leading.iter().cloned().chain(last.first().cloned()).collect();
        self.is(boxes, DType::F32, rows.iter().cloned().chain([Dim::from(4i64)]).collect())?;
        fields.iter().try_for_each(|(name, dtype)| self.is(name, *dtype, rows.clone()))?;
        Ok(rows)
    }

    /// Detections and truths in the same images.
    fn images(&self, detections: &[(&str, DType)], truths: &[(&str, DType)]) -> Result<(), String> {
        let (found, there) = (self.rows("boxes", detections)?, self.rows("truths", truths)?);
        match (found.as_slice(), there.as_slice()) {
            ([images, _], [others, _]) if images == others => Ok(()),
            ([_, _], [_, _]) => {
                Err(format!("there are detections in {} images and truths in {}", found[0], there[0]))
            }
            _ => Err("boxes have the axes image, row and 4".to_string()),
        }
    }
}

pub(super) fn nms(types: &[Type]) -> Result<Type, String> {
    let operands = Operands::of(types, &["boxes", "scores", "groups", "overlap"])?;
    let rows = operands.rows("boxes", &[("scores", DType::F32), ("groups", DType::I32)])?;
    operands.is("overlap", DType::F32, vec![])?;
    Ok(Type::new(DType::Bool, rows))
}

pub(super) fn soft_nms(types: &[Type]) -> Result<Type, String> {
    let operands = Operands::of(types, &["boxes", "scores", "groups", "overlap", "sigma"])?;
    let rows = operands.rows("boxes", &[("scores", DType::F32), ("groups", DType::I32)])?;
    operands.is("overlap", DType::F32, vec![])?;
    operands.is("sigma", DType::F32, vec![])?;
    Ok(Type::new(DType::F32, rows))
}

const DETECTIONS: [(&str, DType); 3] =
    [("scores", DType::F32), ("labels", DType::I32), ("found", DType::Bool)];

pub(super) fn coco_curves(types: &[Type]) -> Result<Type, String> {
    const NAMES: [&str; 10] = [
        "boxes",
        "scores",
        "labels",
        "found",
        "truths",
        "truth_labels",
        "areas",
        "crowd",
        "present",
        "classes",
    ];
    let operands = Operands::of(types, &NAMES)?;
    operands.images(
        &DETECTIONS,
        &[
            ("truth_labels", DType::I32),
            ("areas", DType::F32),
            ("crowd", DType::Bool),
            ("present", DType::Bool),
        ],
    )?;
    let classes = classes(&operands)?;
    let sizes = [10i64, 0, 4, 3, CURVE].map(Dim::from);
    let [overlaps, _, areas, counts, curve] = sizes;
    Ok(Type::new(DType::F32, vec![overlaps, classes, areas, counts, curve]))
}

pub(super) fn voc_ap(types: &[Type]) -> Result<Type, String> {
    const NAMES: [&str; 11] = [
        "boxes",
        "scores",
        "labels",
        "found",
        "truths",
        "truth_labels",
        "difficult",
        "present",
        "classes",
        "overlap",
        "points",
    ];
    let operands = Operands::of(types, &NAMES)?;
    operands.images(
        &DETECTIONS,
        &[("truth_labels", DType::I32), ("difficult", DType::Bool), ("present", DType::Bool)],
    )?;
    operands.is("overlap", DType::F32, vec![])?;
    operands.is("points", DType::I32, vec![])?;
    Ok(Type::new(DType::F32, vec![classes(&operands)?]))
}

/// How many classes are asked for.
fn classes(operands: &Operands<'_>) -> Result<Dim, String> {
    let (_, last) = operands.axes("classes", 1)?;
    let count = last.first().cloned().ok_or("`classes` is i32[K]")?;
    operands.is("classes", DType::I32, vec![count.clone()])?;
    Ok(count)
}
