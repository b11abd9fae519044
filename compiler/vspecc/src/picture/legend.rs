//! What the signs of a picture mean, written below it.

use super::{BLACK, Canvas, Colour, WHITE, text};

/// What dashes lie on.
const GROUND: Colour = [150, 150, 150];

/// A sign as it is in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The lines of a box.
    Frame(Colour),
    /// White dashes on black.
    Dashes,
    /// A point.
    Disc(Colour),
    /// Nothing: a remark.
    None,
}

/// A sign and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sign: Sign,
    pub(crate) text: String,
}

impl Entry {
    pub(crate) fn new(sign: Sign, text: impl Into<String>) -> Entry {
        Entry { sign, text: text.into() }
    }
}

impl Canvas {
    /// Adds entries below the picture, as many on a line as fit.
    pub(crate) fn legend(&mut self, entries: &[Entry]) {
        let (unit, high) = (self.unit as i64, text::height(self.unit));
        let gap = 6 * unit;
        let sign = |entry: &Entry| match entry.sign {
            Sign::None => 0,
            // Long enough for some dashes.
            Sign::Dashes => 25 * unit,
            Sign::Frame(_) | Sign::Disc(_) => high,
        };
        let shift = |entry: &Entry| if entry.sign == Sign::None { 0 } else { sign(entry) + gap };
        let wide = |entry: &Entry| shift(entry) + text::width(&entry.text, self.unit) + 2 * gap;
        let mut lines: Vec<(i64, Vec<&Entry>)> = vec![];
        for entry in entries {
            match lines.last_mut() {
                Some((length, line)) if *length + wide(entry) <= self.width as i64 => {
                    *length += wide(entry);
                    line.push(entry);
                }
                _ => lines.push((gap + wide(entry), vec![entry])),
            }
        }
        let widths: Vec<Vec<i64>> =
            lines.iter().map(|(_, line)| line.iter().map(|e| wide(e)).collect()).collect();
        let mut top = self.height as i64 + gap;
        self.extend(((high + gap) * lines.len() as i64 + gap) as usize, WHITE);
        for ((_, line), widths) in lines.iter().zip(widths) {
            let mut left = gap;
            for (entry, wide) in line.iter().zip(widths) {
                self.sign(entry.sign, [left, top, left + sign(entry), top + high]);
                self.write((left + shift(entry), top), &entry.text, BLACK);
                left += wide;
            }
            top += high + gap;
        }
    }

    fn sign(&mut self, sign: Sign, area: [i64; 4]) {
        let wide = 2 * self.unit as i64;
        match sign {
            Sign::Frame(colour) => self.frame(area, wide, colour, false),
            Sign::Dashes => {
                // White dashes would be lost on white.
                self.fill(area, GROUND);
                self.frame(area, wide, BLACK, false);
                self.frame(area, wide, WHITE, true);
            }
            Sign::Disc(colour) => {
                let middle = |a: i64, b: i64| (a + b) as f64 / 2.0 / self.zoom as f64;
                let (x, y) = (middle(area[0], area[2]), middle(area[1], area[3]));
                self.disc([x, y], (area[2] - area[0]) as f64 / 3.0, colour, 1.0);
            }
            Sign::None => {}
        }
    }
}
