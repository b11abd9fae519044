//! Bilinear resizing with antialiasing: the triangle filter is widened where the image shrinks.

use crate::pixels::Image;

/// Resizes, first along rows and then along columns. Pixels are areas: the outer edges of both images coincide
/// (`align_corners = false`). An image of the right size is given back untouched.
pub(crate) fn resize(image: Image, height: usize, width: usize) -> Image {
    let image = if image.width == width { image } else { along_width(&image, width) };
    if image.height == height { image } else { along_height(&image, height) }
}

/// One output position: a weighted mean of neighbouring inputs.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

/// Inputs and weights of each of `to` positions over `from` inputs.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let tap = |i: usize| {
        let centre = (i as f64 + 0.5) * scale;
        let first = (centre - stretch + 0.5).max(0.0) as usize;
        let end = ((centre + stretch + 0.5) as usize).min(from);
        let triangle = |x: usize| (1.0 - ((x as f64 + 0.5 - centre) / stretch).abs()).max(0.0);
        let raw: Vec<f64> = (first..end).map(triangle).collect();
        // The filter is cut at the borders, so the weights are brought back to a sum of one.
        let sum: f64 = raw.iter().sum();
        Tap { first, weights: raw.iter().map(|w| (w / sum) as f32).collect() }
    };
    (0..to).map(tap).collect()
}

fn along_width(image: &Image, width: usize) -> Image {
    let taps = taps(image.width, width);
    let mut planes = Vec::with_capacity(3 * image.height * width);
    for row in image.rows() {
        let at = |t: &Tap| t.weights.iter().zip(&row[t.first..]).map(|(w, v)| w * v).sum::<f32>();
        planes.extend(taps.iter().map(at));
    }
    Image { height: image.height, width, planes }
}

fn along_height(image: &Image, height: usize) -> Image {
    let (taps, width) = (taps(image.height, height), image.width);
    let mut planes = vec![0.0; 3 * height * width];
    let outputs = planes.chunks_exact_mut(height * width);
    for (output, input) in outputs.zip(image.planes.chunks_exact(image.height * width)) {
        for (row, tap) in output.chunks_exact_mut(width).zip(&taps) {
            for (weight, source) in tap.weights.iter().zip(input[tap.first * width..].chunks_exact(width)) {
                row.iter_mut().zip(source).for_each(|(sum, v)| *sum += weight * v);
            }
        }
    }
    Image { height, width, planes }
}
