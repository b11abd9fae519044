//! Pictures of predictions.

use vspec_data::{Classes, Pixels};

use super::results::{Found, Predicted};
use crate::picture::{Canvas, Drawn, Entry, Look, Sign, colour_of, draw_boxes};

/// An image with what was found in it; classes of an image are written below it. The error is a phrase.
pub(super) fn picture(image: &Pixels, predicted: &Predicted, classes: &Classes) -> Result<Vec<u8>, String> {
    let mut canvas = Canvas::of(image);
    match predicted {
        Predicted::Boxes(found) => draw_boxes(&mut canvas, &drawn(found, classes)),
        Predicted::Classes(top) => {
            let entry = |(label, probability): &(usize, f32)| {
                let text = format!("{} {probability:.2}", classes.name(*label));
                Entry::new(Sign::Frame(colour_of(*label)), text)
            };
            canvas.legend(&top.iter().map(entry).collect::<Vec<_>>());
        }
    }
    canvas.png()
}

/// Boxes with names and scores, the surest last, so that they lie on top.
fn drawn(found: &[Found], classes: &Classes) -> Vec<Drawn> {
    let one = |f: &Found| Drawn {
        corners: f.corners,
        name: format!("{} {:.2}", classes.name(f.label), f.score),
        look: Look::Solid(colour_of(f.label)),
    };
    found.iter().rev().map(one).collect()
}
