//! What a rule decided about one image, and the picture of it.

use vspec_engine::HostTensor;

use super::levels::{Level, levels};
use crate::picture::{Canvas, Drawn, Entry, Look, Sign, colour_of, draw_boxes};

/// A row that belongs to a truth.
#[derive(Debug, Clone, PartialEq)]
struct Positive {
    point: [f64; 2],
    /// Number of its level.
    level: usize,
    /// From 0 to 1.
    weight: f64,
}

/// What a rule decided about one image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sight {
    title: String,
    /// Boxes of the columns; none for padding.
    truths: Vec<Option<[f64; 4]>>,
    /// How many rows each of them has.
    counts: Vec<usize>,
    positives: Vec<Positive>,
    levels: Vec<Level>,
    /// What the weight is, if the rule gives any.
    weight: Option<&'static str>,
}

/// A tensor of one image: the tensor itself, or its part if it has an axis for images in front of `own` axes.
fn of_image(tensor: &HostTensor, image: usize, own: usize) -> Vec<f64> {
    let values = tensor.to_f64();
    let rank = tensor.shape().len();
    let batch: usize = tensor.shape()[..rank.saturating_sub(own)].iter().product();
    if rank <= own || batch <= 1 {
        return values;
    }
    let part = values.len() / batch;
    values.get(part * image..part * (image + 1)).unwrap_or_default().to_vec()
}

impl Sight {
    /// What is found among the results of a rule's graph for an image of a width and height. The error is the end of a sentence.
    pub(super) fn of<'t>(
        result: &dyn Fn(&str) -> Option<&'t HostTensor>,
        image: usize,
        size: [usize; 2],
    ) -> Result<Sight, &'static str> {
        let corners = result("columns.box").ok_or("has columns without a `box`")?;
        let picked = result("result.picked").ok_or("weighs pairs, and picks none")?;
        let mut boxes = quads(&of_image(corners, image, 2));
        let points = points(result, image).ok_or("has rows with neither a `point` nor a `box`")?;
        let there = result("there").map(|mask| of_image(mask, image, 2));
        let (rows, columns) = (points.len(), boxes.len());
        let picked = of_image(picked, image, 2);
        if picked.len() != rows * columns {
            return Err("gives back other rows than it was given");
        }
        let valid = |column: usize| there.as_ref().is_none_or(|t| t.get(column).is_some_and(|v| *v != 0.0));
        // No box of pixels lies within the first of them.
        let mut there = (0..columns).filter(|c| valid(*c)).peekable();
        let shares = there.peek().is_some() && there.all(|c| boxes[c].iter().all(|v| *v <= 1.0));
        let scale = if shares { size.map(|s| s as f64) } else { [1.0; 2] };
        let scaled = |[x, y]: [f64; 2]| [x * scale[0], y * scale[1]];
        let points: Vec<[f64; 2]> = points.into_iter().map(scaled).collect();
        for b in &mut boxes {
            let ([x1, y1], [x2, y2]) = (scaled([b[0], b[1]]), scaled([b[2], b[3]]));
            *b = [x1, y1, x2, y2];
        }
        let (weight, weights) = weights(result, image, rows);
        let levels = levels(&points);
        let level_of = |row: usize| levels.iter().rposition(|level| level.first <= row).unwrap_or(0);
        let mut counts = vec![0; columns];
        let mut positives = vec![];
        for (row, pairs) in picked.chunks_exact(columns.max(1)).enumerate() {
            let mut own = (0..columns).filter(|c| pairs[*c] != 0.0 && valid(*c)).peekable();
            if own.peek().is_some() {
                let weight = weights.as_ref().map_or(1.0, |w| w[row]).clamp(0.0, 1.0);
                positives.push(Positive { point: points[row], level: level_of(row), weight });
            }
            own.for_each(|column| counts[column] += 1);
        }
        let truths = boxes.iter().enumerate().map(|(c, b)| valid(c).then_some(*b)).collect();
        Ok(Sight { title: String::new(), truths, counts, positives, levels, weight })
    }

    /// The same with a name.
    pub(super) fn titled(self, title: String) -> Sight {
        Sight { title, ..self }
    }

    /// Columns, padding included.
    pub(super) fn columns(&self) -> usize {
        self.truths.len()
    }

    /// Truths in dashes with their names and numbers of positives; positives as points in the colour of their level, larger and
    /// less transparent the more they weigh. Points of coarser levels are larger and lie below, for levels often share points.
    pub(super) fn draw(&self, canvas: &mut Canvas, names: &[String]) {
        canvas.fade(0.35);
        let mut boxes = vec![];
        for ((truth, count), name) in self.truths.iter().zip(&self.counts).zip(names) {
            let Some(corners) = *truth else { continue };
            let name = format!("{name} {count}").trim_start().to_string();
            boxes.push(Drawn { corners, name, look: Look::Dashed });
        }
        draw_boxes(canvas, &boxes);
        let mut positives: Vec<&Positive> = self.positives.iter().collect();
        positives.sort_by(|a, b| b.level.cmp(&a.level).then(a.weight.total_cmp(&b.weight)));
        for p in positives {
            let radius = canvas.unit() * (3.5 + 5.0 * p.level.min(6) as f64 + 3.5 * p.weight.sqrt());
            canvas.disc(p.point, radius, colour_of(p.level), 0.4 + 0.6 * p.weight);
        }
        canvas.legend(&self.entries());
    }

    fn entries(&self) -> Vec<Entry> {
        let positives = format!("{}: {} positives", self.title, self.positives.len());
        let mut entries = vec![
            Entry::new(Sign::None, positives),
            Entry::new(Sign::Dashes, "truth with its number of positives"),
        ];
        for (i, level) in self.levels.iter().enumerate() {
            let count = self.positives.iter().filter(|p| p.level == i).count();
            let text = format!("{}: {count}", level.name());
            entries.push(Entry::new(Sign::Disc(colour_of(i)), text));
        }
        if let Some(weight) = self.weight {
            entries.push(Entry::new(Sign::None, format!("size and opacity: {weight}, from 0 to 1")));
        }
        entries
    }
}

/// Where each row lies: its point, or the middle of its box.
fn points<'t>(result: &dyn Fn(&str) -> Option<&'t HostTensor>, image: usize) -> Option<Vec<[f64; 2]>> {
    if let Some(points) = result("rows.point") {
        return Some(of_image(points, image, 2).as_chunks::<2>().0.to_vec());
    }
    let boxes = quads(&of_image(result("rows.box").or_else(|| result("rows.anchor"))?, image, 2));
    Some(boxes.iter().map(|[x1, y1, x2, y2]| [(x1 + x2) / 2.0, (y1 + y2) / 2.0]).collect())
}

fn quads(values: &[f64]) -> Vec<[f64; 4]> {
    values.as_chunks::<4>().0.to_vec()
}

/// How much each row weighs, and what that number is called.
fn weights<'t>(
    result: &dyn Fn(&str) -> Option<&'t HostTensor>,
    image: usize,
    rows: usize,
) -> (Option<&'static str>, Option<Vec<f64>>) {
    for (field, name) in [("result.weight", "weight"), ("result.overlap", "overlap")] {
        let values = result(field).map(|tensor| of_image(tensor, image, 1));
        if let Some(values) = values.filter(|values| values.len() == rows) {
            return (Some(name), Some(values));
        }
    }
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vspec_engine::Buffer;

    #[test]
    fn positives_have_their_truths_levels_and_weights() {
        let f32s = |shape: &[usize], values: &[f32]| {
            HostTensor::new(shape.to_vec(), Buffer::F32(values.to_vec())).expect("fits")
        };
        let bools = |shape: &[usize], values: &[bool]| {
            HostTensor::new(shape.to_vec(), Buffer::Bool(values.to_vec())).expect("fits")
        };
        let (no, yes) = (false, true);
        // Two images, three rows in two levels, two columns of which the second image has one.
        let values = [
            (
                "columns.box",
                f32s(&[2, 2, 4], &[0., 0., 8., 8., 4., 4., 9., 9., 2., 2., 6., 6., 0., 0., 0., 0.]),
            ),
            ("rows.point", f32s(&[3, 2], &[0., 0., 8., 0., 0., 0.])),
            ("there", bools(&[2, 1, 2], &[yes, yes, yes, no])),
            ("result.picked", bools(&[2, 3, 2], &[no, yes, no, no, yes, no, no, no, yes, no, yes, yes])),
            ("result.weight", f32s(&[2, 3], &[0.25, 0.0, 1.0, 0.0, 0.5, 0.75])),
        ];
        let result = |name: &str| values.iter().find(|(own, _)| *own == name).map(|(_, tensor)| tensor);
        let first = Sight::of(&result, 0, [10, 10]).expect("can be drawn");
        assert_eq!((&first.counts[..], first.levels.len()), (&[1, 1][..], 2));
        let positive = |point, level, weight| Positive { point, level, weight };
        assert_eq!(first.positives, [positive([0.0, 0.0], 0, 0.25), positive([0.0, 0.0], 1, 1.0)]);
        let second = Sight::of(&result, 1, [10, 10]).expect("can be drawn");
        assert_eq!(second.truths, [Some([2.0, 2.0, 6.0, 6.0]), None]);
        assert_eq!(second.counts, [2, 0]);
        assert_eq!(second.positives, [positive([8.0, 0.0], 0, 0.5), positive([0.0, 0.0], 1, 0.75)]);
        let none = |name: &str| if name == "columns.box" { None } else { result(name) };
        assert_eq!(Sight::of(&none, 0, [10, 10]), Err("has columns without a `box`"));
        // Without truths nothing says that boxes are shares of the image.
        let nothing = bools(&[2, 1, 2], &[no; 4]);
        let empty = |name: &str| if name == "there" { Some(&nothing) } else { result(name) };
        let empty = Sight::of(&empty, 0, [10, 10]).expect("can be drawn");
        assert!(empty.positives.is_empty() && empty.levels[0].stride == Some(8.0), "{empty:?}");
    }
}
