//! Images of a batch as pixels that people can look at.

use vspec_data::Pixels;
use vspec_engine::{Buffer, HostTensor};
use vspec_ir::{Stage, Transform};

/// Image `index` of a batch `f32[B, 3, H, W]` that passed these stages. Colours that were normalized are brought back.
pub(crate) fn pixels_of(batch: &HostTensor, index: usize, stages: &[Stage]) -> Option<Pixels> {
    let (Buffer::F32(values), [images, 3, height, width]) = (batch.buffer(), batch.shape()) else {
        return None;
    };
    let plane = height * width;
    let own = values.get(3 * plane * index..3 * plane * (index + 1)).filter(|_| index < *images)?;
    let (scales, shifts) = colours(stages);
    let mut rgb = vec![0; 3 * plane];
    for (channel, values) in own.chunks_exact(plane.max(1)).enumerate() {
        for (pixel, value) in rgb.chunks_exact_mut(3).zip(values) {
            let bright = f64::from(*value) * scales[channel] + shifts[channel];
            pixel[channel] = (bright.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
    Some(Pixels { height: *height, width: *width, rgb })
}

/// What brings colours back: a factor and a summand for each channel.
fn colours(stages: &[Stage]) -> ([f64; 3], [f64; 3]) {
    let (mut scales, mut shifts) = ([1.0; 3], [0.0; 3]);
    for stage in stages {
        if let Stage::Each(Transform::Normalize { mean, std }) = stage {
            for channel in 0..3 {
                let (mean, std) = (mean.get(channel).unwrap_or(&0.0), std.get(channel).unwrap_or(&1.0));
                shifts[channel] += scales[channel] * mean;
                scales[channel] *= std;
            }
        }
    }
    (scales, shifts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalized_colours_come_back() {
        let normalize = |mean: f64, std: f64| {
            Stage::Each(Transform::Normalize { mean: vec![mean; 3], std: vec![std; 3] })
        };
        // (0.8 - 0.5) / 0.25 and then (.. - 1) / 2
        let value = (((0.8 - 0.5) / 0.25 - 1.0) / 2.0) as f32;
        let batch = HostTensor::new(vec![2, 3, 1, 2], Buffer::F32(vec![value; 12])).expect("fits");
        let stages = [normalize(0.5, 0.25), normalize(1.0, 2.0)];
        let pixels = pixels_of(&batch, 1, &stages).expect("an image");
        assert_eq!(pixels, Pixels { height: 1, width: 2, rgb: vec![204; 6] });
        assert_eq!(pixels_of(&batch, 2, &stages), None);
    }
}
