//! Curves of what runs reported, as SVG and PNG.
//!
//! A drawing is a list of lines, dots and texts at fixed places, so that both formats show the same.

mod axis;
mod layout;
mod png;
mod svg;
mod table;

pub(crate) use layout::{Options, layout};
pub(crate) use table::RunTable;

/// Something that is drawn. Lengths are pixels from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// Straight lines from point to point.
    Line { points: Vec<(f32, f32)>, pen: Pen },
    /// A filled circle.
    Dot { at: (f32, f32), colour: Colour },
    /// A text on the line through `at`.
    Text { at: (f32, f32), text: String, anchor: Anchor },
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pen {
    pub(crate) colour: Colour,
    pub(crate) width: f32,
    /// Lengths of dashes and gaps; none for a line without gaps.
    pub(crate) dashes: Option<[f32; 2]>,
    /// From 0, invisible, to 1.
    pub(crate) opacity: f32,
}

/// Which part of a text lies at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Red, green and blue.
pub(crate) type Colour = [u8; 3];

/// Width of a letter. All letters are equally wide.
pub(crate) const LETTER: f32 = 7.0;

/// Marks on white ground.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawing {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) marks: Vec<Mark>,
}

impl Drawing {
    /// As the text of an SVG file.
    pub(crate) fn svg(&self) -> String {
        svg::svg(self)
    }

    /// As the bytes of a PNG file, two pixels for one. The error is a phrase.
    pub(crate) fn png(&self) -> Result<Vec<u8>, String> {
        png::png(self)
    }
}

#[cfg(test)]
mod tests;
