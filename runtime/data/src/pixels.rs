//! Images in memory: 8-bit pixels as they are read and kept, and planes of single precision as transforms see them.

/// An RGB image of 8 bits a channel, `[height, width, 3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// `3 * height * width` values.
    pub(crate) rgb: Vec<u8>,
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
        let mut planes = Vec::with_capacity(self.rgb.len());
        for channel in 0..3 {
            planes.extend(self.rgb.iter().skip(channel).step_by(3).map(|v| f32::from(*v) / 255.0));
        }
        Image { height: self.height, width: self.width, planes }
    }
}

impl Image {
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
}
