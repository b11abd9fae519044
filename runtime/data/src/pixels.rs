//! Images in memory: 8-bit pixels as they are read and kept, and planes of single precision as transforms see them.

/// An RGB image of 8 bits a channel, `[height, width, 3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `3 * height * width` values.
    pub rgb: Vec<u8>,
}

/// An image of three planes, `[3, height, width]`; before normalisation its values lie in [0, 1].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Image {
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// `3 * height * width` values.
    pub(crate) planes: Vec<f32>,
}

impl Pixels {
    /// The same image in [0, 1], one plane after the other.
    pub(crate) fn to_image(&self) -> Image {
        let mut planes = vec![0.0; self.rgb.len()];
        let (red, rest) = planes.split_at_mut(self.rgb.len() / 3);
        let (green, blue) = rest.split_at_mut(self.rgb.len() / 3);
        for (((pixel, r), g), b) in self.rgb.chunks_exact(3).zip(red).zip(green).zip(blue) {
            *r = f32::from(pixel[0]) / 255.0;
            *g = f32::from(pixel[1]) / 255.0;
            *b = f32::from(pixel[2]) / 255.0;
        }
        Image { height: self.height, width: self.width, planes }
    }
}

impl Image {
    /// The same image with 8 bits a channel; values outside [0, 1] become the nearest end.
    pub(crate) fn to_pixels(&self) -> Pixels {
        let mut rgb = vec![0; self.planes.len()];
        for (channel, plane) in self.planes.chunks_exact((self.planes.len() / 3).max(1)).enumerate() {
            for (pixel, value) in rgb.chunks_exact_mut(3).zip(plane) {
                pixel[channel] = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
            }
        }
        Pixels { height: self.height, width: self.width, rgb }
    }

    /// The rows of all planes, top to bottom, plane after plane.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        // `chunks_exact` wants a positive length, and an image without columns has no values.
        self.planes.chunks_exact(self.width.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_planes_in_0_to_1() {
        let pixels = Pixels { height: 1, width: 2, rgb: vec![255, 0, 51, 0, 255, 102] };
        let image = pixels.to_image();
        assert_eq!(image.planes, [1.0, 0.0, 0.0, 1.0, 0.2, 0.4]);
        assert_eq!((image.height, image.width), (1, 2));
    }

    #[test]
    fn planes_become_the_same_pixels_again() {
        let pixels = Pixels { height: 4, width: 64, rgb: (0..768).map(|i| (i * 7 % 256) as u8).collect() };
        assert_eq!(pixels.to_image().to_pixels(), pixels);
        let outside = Image { height: 1, width: 1, planes: vec![-0.5, 0.5, 7.0] };
        assert_eq!(outside.to_pixels().rgb, [0, 128, 255]);
    }
}
