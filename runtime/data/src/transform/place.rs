//! Where an image came to lie in the picture of an item.

use super::Way;

/// The part of a picture that an image covers, and the way of its pixels from those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Place {
    /// Left, top, right and bottom of the image in pixels of the picture; beyond lies padding.
    pub(crate) bounds: [f64; 4],
    pub(crate) way: Way,
}

impl Place {
    /// An image that is a whole picture of a height and a width.
    pub(crate) fn whole([height, width]: [usize; 2]) -> Place {
        Place { bounds: [0.0, 0.0, width as f64, height as f64], way: Way::STILL }
    }

    /// After the pixels went a further way, into a picture of a height and a width, which cuts off what leaves it.
    pub(crate) fn moved(self, way: Way, [height, width]: [usize; 2]) -> Place {
        let [x1, y1, x2, y2] = way.of_box(self.bounds);
        let [height, width] = [height as f64, width as f64];
        let bounds =
            [x1.clamp(0.0, width), y1.clamp(0.0, height), x2.clamp(0.0, width), y2.clamp(0.0, height)];
        Place { bounds, way: self.way.then(way) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_stays_outside_when_the_picture_is_mirrored_and_cut() {
        // 40x60 pixels, halved in the corner of 32x40, mirrored, and cut by four columns at both sides.
        let place = Place::whole([40, 60]).moved(Way::scaled([40, 60], [20, 30]), [32, 40]);
        assert_eq!(place.bounds, [0.0, 0.0, 30.0, 20.0]);
        let place = place.moved(Way::mirrored(0, 40), [32, 40]);
        assert_eq!(place.bounds, [10.0, 0.0, 40.0, 20.0]);
        let place = place.moved(Way::shifted([-4.0, 0.0]), [32, 32]);
        assert_eq!(place.bounds, [6.0, 0.0, 32.0, 20.0]);
        assert_eq!(place.way.of_box([0.0, 0.0, 60.0, 40.0]), [6.0, 0.0, 36.0, 20.0]);
    }
}
