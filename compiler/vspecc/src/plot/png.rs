//! Drawings as PNG.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use tiny_skia::{
    Color, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, StrokeDash, Transform,
};

use super::{Anchor, Colour, Drawing, Mark, Pen};

/// Pixels for each unit of the drawing.
const SCALE: f32 = 2.0;
const LETTERS: RasterHeight = RasterHeight::Size24;

/// The picture as a file. The error is a phrase.
pub(super) fn png(drawing: &Drawing) -> Result<Vec<u8>, String> {
    let size = |length: f32| (length * SCALE).ceil() as u32;
    let mut picture = Pixmap::new(size(drawing.width), size(drawing.height)).ok_or("it is too large")?;
    picture.fill(Color::WHITE);
    for mark in &drawing.marks {
        match mark {
            Mark::Line { points, pen } => line(&mut picture, points, pen),
            Mark::Dot { at, colour } => dot(&mut picture, *at, *colour),
            Mark::Text { at, text, anchor } => write(&mut picture, *at, text, *anchor),
        }
    }
    picture.encode_png().map_err(|e| e.to_string())
}

fn paint([red, green, blue]: Colour, opacity: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, (opacity * 255.0) as u8);
    paint
}

fn line(picture: &mut Pixmap, points: &[(f32, f32)], pen: &Pen) {
    let mut path = PathBuilder::new();
    for (i, (x, y)) in points.iter().enumerate() {
        if i == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
    let dash = pen.dashes.and_then(|dashes| StrokeDash::new(dashes.to_vec(), 0.0));
    let (line_cap, line_join) = (LineCap::Butt, LineJoin::Round);
    let stroke = Stroke { width: pen.width, line_cap, line_join, dash, ..Stroke::default() };
    // A path without length has nothing to draw.
    if let Some(path) = path.finish() {
        let scale = Transform::from_scale(SCALE, SCALE);
        picture.stroke_path(&path, &paint(pen.colour, pen.opacity), &stroke, scale, None);
    }
}

fn dot(picture: &mut Pixmap, (x, y): (f32, f32), colour: Colour) {
    if let Some(circle) = PathBuilder::from_circle(x, y, 2.4) {
        let (rule, scale) = (tiny_skia::FillRule::Winding, Transform::from_scale(SCALE, SCALE));
        picture.fill_path(&circle, &paint(colour, 1.0), rule, scale, None);
    }
}

fn write(picture: &mut Pixmap, (x, y): (f32, f32), text: &str, anchor: Anchor) {
    let letter = get_raster_width(FontWeight::Regular, LETTERS) as f32;
    let length = letter * text.chars().count() as f32;
    let shift = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => length / 2.0,
        Anchor::End => length,
    };
    let top = y * SCALE - LETTERS.val() as f32 / 2.0;
    for (i, character) in text.chars().enumerate() {
        let left = x * SCALE - shift + letter * i as f32;
        stamp(picture, (left as i32, top as i32), character);
    }
}

/// Darkens the ground by a letter; one that the font lacks is a question mark.
fn stamp(picture: &mut Pixmap, (left, top): (i32, i32), character: char) {
    let glyph = |c| get_raster(c, FontWeight::Regular, LETTERS);
    let Some(letter) = glyph(character).or_else(|| glyph('?')) else { return };
    let (width, height) = (picture.width() as i32, picture.height() as i32);
    for (y, row) in (top..).zip(letter.rows()) {
        for (x, ink) in (left..).zip(row.iter()) {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                darken(&mut picture.pixels_mut()[(y * width + x) as usize], *ink);
            }
        }
    }
}

fn darken(pixel: &mut PremultipliedColorU8, ink: u8) {
    let mixed = |ground: u8| (u32::from(ground) * u32::from(255 - ink) / 255) as u8;
    let (red, green, blue) = (mixed(pixel.red()), mixed(pixel.green()), mixed(pixel.blue()));
    // The ground is opaque, so every colour is a valid premultiplied one.
    if let Some(darker) = PremultipliedColorU8::from_rgba(red, green, blue, 255) {
        *pixel = darker;
    }
}
