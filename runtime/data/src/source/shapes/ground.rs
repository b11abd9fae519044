//! The textured ground: a colour with a gradient and soft blotches.

use super::Colour;
use super::draws::Draws;

/// Lattice points on a side; blotches are about a quarter of the image wide.
const LATTICE: usize = 5;

/// Colours of all pixels, row by row. They may leave [0, 1] a little, and are cut at the end.
pub(super) fn colours(draws: &mut Draws, size: usize) -> Vec<Colour> {
    let base = [draws.range(0.1, 0.9), draws.range(0.1, 0.9), draws.range(0.1, 0.9)];
    let slopes: [[f64; 2]; 3] = std::array::from_fn(|_| [draws.range(-0.25, 0.25), draws.range(-0.25, 0.25)]);
    let blotches: [Vec<f64>; 3] =
        std::array::from_fn(|_| (0..LATTICE * LATTICE).map(|_| draws.range(-0.15, 0.15)).collect());
    let at = |i: usize| {
        let (x, y) = (((i % size) as f64 + 0.5) / size as f64, ((i / size) as f64 + 0.5) / size as f64);
        let value = |c: usize| {
            let slope = slopes[c][0] * (x - 0.5) + slopes[c][1] * (y - 0.5);
            base[c] + slope + smooth(&blotches[c], x, y)
        };
        [value(0), value(1), value(2)]
    };
    (0..size * size).map(at).collect()
}

/// Lattice values interpolated at a point of the unit square, with level tangents at the lattice points.
fn smooth(lattice: &[f64], x: f64, y: f64) -> f64 {
    let cells = LATTICE - 1;
    let split = |t: f64| {
        let cell = ((t * cells as f64) as usize).min(cells - 1);
        let rest = t * cells as f64 - cell as f64;
        (cell, rest * rest * (3.0 - 2.0 * rest))
    };
    let ((column, u), (row, v)) = (split(x), split(y));
    let corner = |r: usize, c: usize| lattice[(row + r) * LATTICE + column + c];
    let (upper, lower) = (mix(corner(0, 0), corner(0, 1), u), mix(corner(1, 0), corner(1, 1), u));
    mix(upper, lower, v)
}

fn mix(a: f64, b: f64, share: f64) -> f64 {
    a + share * (b - a)
}
