//! Boxes with names on an image.

use super::canvas::Area;
use super::{BLACK, Canvas, Colour, WHITE, ink_on, text};

/// How a box is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Lines of a colour, the name on that colour.
    Solid(Colour),
    /// White dashes on black.
    Dashed,
}

/// A box to draw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawn {
    /// Left, top, right and bottom in pixels of the image.
    pub(crate) corners: [f64; 4],
    /// What is written beside it; nothing if empty.
    pub(crate) name: String,
    pub(crate) look: Look,
}

/// Draws boxes in order, and then their names, each where it covers no other if there is such a place.
pub(crate) fn draw_boxes(canvas: &mut Canvas, boxes: &[Drawn]) {
    for drawn in boxes {
        let area = drawn.corners.map(|v| canvas.at(v));
        let wide = 2 * canvas.unit as i64;
        match drawn.look {
            Look::Solid(colour) => canvas.frame(area, wide, colour, false),
            Look::Dashed => {
                canvas.frame(area, wide, BLACK, false);
                canvas.frame(area, wide, WHITE, true);
            }
        }
    }
    let mut taken = vec![];
    for drawn in boxes.iter().filter(|drawn| !drawn.name.is_empty()) {
        let area = place(canvas, drawn, &taken);
        let (ground, ink) = match drawn.look {
            Look::Solid(colour) => (colour, ink_on(colour)),
            Look::Dashed => (WHITE, BLACK),
        };
        canvas.fill(area, ground);
        canvas.write((area[0] + canvas.unit as i64, area[1]), &drawn.name, ink);
        taken.push(area);
    }
}

/// Where a name goes: above its box, in its upper left corner, below it, or in its lower left corner, and for dashes below it first; the
/// first of these that lies on the canvas and covers no other name, else the first, moved onto the canvas.
fn place(canvas: &Canvas, drawn: &Drawn, taken: &[Area]) -> Area {
    let [left, top, _, bottom] = drawn.corners.map(|v| canvas.at(v));
    let (wide, high) =
        (text::width(&drawn.name, canvas.unit) + 2 * canvas.unit as i64, text::height(canvas.unit));
    let most = |size: usize, own: i64| (size as i64 - own).max(0);
    let left = left.clamp(0, most(canvas.width, wide));
    let lowest = most(canvas.height, high);
    let tops = match drawn.look {
        Look::Solid(_) => [top - high, top, bottom, bottom - high],
        // Names of truths keep out of the way of those of detections.
        Look::Dashed => [bottom, top - high, bottom - high, top],
    };
    let area = |top: i64| [left, top, left + wide, top + high];
    let free = |area: &Area| {
        let apart = |other: &Area| {
            area[0] >= other[2] || other[0] >= area[2] || area[1] >= other[3] || other[1] >= area[3]
        };
        (0..=lowest).contains(&area[1]) && taken.iter().all(apart)
    };
    tops.map(area).into_iter().find(free).unwrap_or_else(|| area(tops[0].clamp(0, lowest)))
}
