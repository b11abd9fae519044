//! What is predicted of an image, and the JSON of it.

use serde_json::{Value, json};
use vspec_data::{Classes, Prepared};
use vspec_train::predict::Detection;

/// Classes of an image that are written, the most probable first.
const TOP: usize = 5;

/// What is predicted of one image.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Predicted {
    /// Boxes in pixels of the image as it was, with the surest first.
    Boxes(Vec<Found>),
    /// Probabilities of the most probable classes.
    Classes(Vec<(usize, f32)>),
}

/// A box in an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Left, top, right and bottom.
    pub(super) corners: [f64; 4],
    pub(super) label: usize,
    pub(super) score: f32,
}

impl Predicted {
    /// Boxes that lie in the image, as the image was.
    pub(super) fn boxes(rows: &[Detection], image: &Prepared) -> Predicted {
        let found = rows.iter().filter_map(|row| {
            let corners = image.original_box(row.corners.map(f64::from))?;
            let label = usize::try_from(row.label).ok()?;
            Some(Found { corners, label, score: row.score? })
        });
        let mut found: Vec<Found> = found.collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        Predicted::Boxes(found)
    }

    /// The most probable classes; of equals the first.
    pub(super) fn classes(probabilities: &[f32]) -> Predicted {
        let mut all: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all.truncate(TOP);
        Predicted::Classes(all)
    }

    /// The same without what scores less than this.
    pub(super) fn from(&self, least: f32) -> Predicted {
        match self {
            Predicted::Boxes(found) => {
                Predicted::Boxes(found.iter().filter(|f| f.score >= least).cloned().collect())
            }
            Predicted::Classes(classes) => {
                Predicted::Classes(classes.iter().filter(|(_, p)| *p >= least).copied().collect())
            }
        }
    }

    /// Lines of a JSON list: a record for each box, or one for the image.
    pub(super) fn records(&self, number: usize, file: &str, classes: &Classes) -> Vec<Value> {
        match self {
            Predicted::Boxes(found) => found.iter().map(|f| record(f, number, file, classes)).collect(),
            Predicted::Classes(top) => {
                let class = |(label, probability): &(usize, f32)| {
                    json!({
                        "category_id": classes.id(*label),
                        "category": classes.name(*label),
                        "probability": single(*probability),
                    })
                };
                let top: Vec<Value> = top.iter().map(class).collect();
                vec![json!({ "image_id": number, "file_name": file, "classes": top })]
            }
        }
    }
}

/// A detection as COCO's results have it, with names for people.
fn record(found: &Found, number: usize, file: &str, classes: &Classes) -> Value {
    let [x1, y1, x2, y2] = found.corners;
    let bbox = [x1, y1, x2 - x1, y2 - y1].map(thousandths);
    json!({
        "image_id": number,
        "file_name": file,
        "category_id": classes.id(found.label),
        "category": classes.name(found.label),
        "bbox": bbox,
        "score": single(found.score),
    })
}

/// A length in pixels with as many digits as mean something.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The shortest number that is this one in single precision.
fn single(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// A JSON list with a record a line.
pub(super) fn list(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(|record| format!("  {record}")).collect();
    match lines.is_empty() {
        true => "[]\n".to_string(),
        false => format!("[\n{}\n]\n", lines.join(",\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_written_as_coco_has_them() {
        let classes = Classes::named(vec!["cell".to_string()]);
        let found = |label, score| Found { corners: [1.0, 2.0, 4.00049, 8.0], label, score };
        let boxes = Predicted::Boxes(vec![found(0, 0.9), found(3, 0.1)]);
        let text = list(&boxes.records(7, "a.png", &classes));
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let expected = json!({
            "image_id": 7, "file_name": "a.png", "category_id": 0, "category": "cell",
            "bbox": [1.0, 2.0, 3.0, 6.0], "score": 0.9,
        });
        assert_eq!(read[0], expected);
        assert_eq!(read[1]["category"], "class 3");
        assert_eq!(boxes.from(0.5).records(7, "a.png", &classes).len(), 1);
        assert_eq!(list(&[]), "[]\n");
    }

    #[test]
    fn five_classes_are_kept() {
        let classes = Predicted::classes(&[0.1, 0.3, 0.05, 0.3, 0.15, 0.06, 0.04]);
        let Predicted::Classes(top) = &classes else { panic!("classes") };
        assert_eq!(top.iter().map(|(label, _)| *label).collect::<Vec<_>>(), [1, 3, 4, 0, 5]);
        let records = classes.records(1, "a", &Classes::default());
        assert_eq!(
            records[0]["classes"][0],
            json!({ "category_id": 1, "category": "class 1", "probability": 0.3 })
        );
    }
}
