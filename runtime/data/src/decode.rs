//! Decoding of PNG, JPEG and BMP files that may be broken or made to do harm.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::DataError;
use crate::pixels::Pixels;

/// Extensions, in lower case, of files that are taken for images.
pub(crate) const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "bmp"];

/// Pixels of the largest image that is decoded: an 8192x8192 one needs 192 MiB, and larger ones are rather bombs.
const MAX_PIXELS: u64 = 1 << 26;
/// Bytes that a decoder may use at once; 16-bit RGBA of the largest image and some more.
const MAX_BYTES: u64 = 640 << 20;

/// Decodes the bytes of a file to RGB: grey is repeated, alpha is dropped, 16 bits are rounded to 8, the EXIF orientation
/// is applied. `place` names the file in errors.
pub(crate) fn decode(bytes: &[u8], place: &str) -> Result<Pixels, DataError> {
    let error = |message: String| DataError::format(place, message);
    let broken = |e: image::ImageError| error(format!("cannot be decoded: {e}; repair or remove the file"));
    // The content decides on the format, since extensions are often wrong.
    let format = image::guess_format(bytes)
        .ok()
        .filter(|f| matches!(f, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Bmp))
        .ok_or_else(|| error("is not a JPEG, PNG or BMP image".to_string()))?;
    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err(error("is a truncated JPEG: it stops before its end marker".to_string()));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(error(format!(
            "claims {height}x{width} pixels, more than the {MAX_PIXELS} that are allowed"
        )));
    }
    // Orientation is a courtesy of the file: unreadable metadata does not spoil its pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
    decoded.apply_orientation(orientation);
    let rgb = decoded.into_rgb8();
    Ok(Pixels { height: rgb.height() as usize, width: rgb.width() as usize, rgb: rgb.into_raw() })
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    limits
}

/// Whether a JPEG reaches its end marker. The decoder fills what a truncated file lacks with grey and says nothing.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    const START: u8 = 0xD8;
    const END: u8 = 0xD9;
    let mut at = 0;
    while let Some(offset) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xFF)) {
        at += offset + 1;
        match bytes.get(at) {
            Some(&END) => return true,
            // A stuffed zero, a restart and a fill byte belong to the compressed data and have no length.
            Some(0x00 | 0x01 | 0xD0..=0xD7 | &START) => at += 1,
            Some(0xFF) => {}
            // Any other marker starts a segment, which is skipped: a thumbnail inside has an end marker of its own.
            Some(_) => match bytes.get(at + 1..at + 3) {
                Some(length) => at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2),
                None => return false,
            },
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder};

    fn png(data: &[u8], size: u32, colour: ExtendedColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(data, size, 1, colour).unwrap();
        bytes
    }

    fn jpeg() -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels: Vec<u8> = (0..32 * 24 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
        encoder.write_image(&pixels, 32, 24, ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    /// The same JPEG with an EXIF segment that holds nothing but an orientation.
    fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let length = (2 + 6 + tiff.len()) as u16;
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1];
        bytes.extend(length.to_be_bytes());
        bytes.extend(b"Exif\0\0");
        bytes.extend(tiff);
        bytes.extend(&jpeg[2..]);
        bytes
    }

    #[test]
    fn every_colour_type_becomes_rgb() {
        let grey = decode(&png(&[0, 255], 2, ExtendedColorType::L8), "g").unwrap();
        assert_eq!(grey.rgb, [0, 0, 0, 255, 255, 255]);
        let alpha = decode(&png(&[1, 2, 3, 0, 4, 5, 6, 255], 2, ExtendedColorType::Rgba8), "a").unwrap();
        assert_eq!(alpha.rgb, [1, 2, 3, 4, 5, 6]);
        let deep: Vec<u8> = [0u16, 65535, 32896].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let deep = decode(&png(&deep, 3, ExtendedColorType::L16), "d").unwrap();
        assert_eq!(deep.rgb, [0, 0, 0, 255, 255, 255, 128, 128, 128]);
    }

    #[test]
    fn a_jpeg_decodes_and_a_cut_one_is_named() {
        let bytes = jpeg();
        let whole = decode(&bytes, "whole.jpg").unwrap();
        assert_eq!((whole.height, whole.width), (24, 32));
        for keep in [3, 30, bytes.len() / 2, bytes.len() - 2] {
            let error = decode(&bytes[..keep], "dir/cut.jpg").unwrap_err().to_string();
            assert!(error.contains("dir/cut.jpg"), "{error}");
        }
    }

    #[test]
    fn a_cut_png_and_a_text_are_errors() {
        let bytes = png(&[9; 300], 100, ExtendedColorType::Rgb8);
        let error = decode(&bytes[..bytes.len() / 2], "cut.png").unwrap_err().to_string();
        assert!(error.contains("cut.png"), "{error}");
        let error = decode(b"hello", "text.png").unwrap_err().to_string();
        assert_eq!(error, "`text.png` is not a JPEG, PNG or BMP image");
    }

    #[test]
    fn the_exif_orientation_is_applied() {
        let plain = decode(&jpeg(), "plain").unwrap();
        let turned = decode(&with_orientation(&jpeg(), 6), "turned").unwrap();
        assert_eq!((turned.height, turned.width), (32, 24));
        // Turned by 90 degrees to the right, the lower left pixel comes to the upper left.
        let lower_left = 3 * 32 * 23;
        assert_eq!(turned.rgb[..3], plain.rgb[lower_left..lower_left + 3]);
    }

    #[test]
    fn a_small_file_that_claims_a_huge_image_is_refused() {
        let mut bytes = png(&[0; 3], 1, ExtendedColorType::Rgb8);
        // Width and height stand at bytes 16 to 23 of a PNG, with a check sum after the header.
        bytes[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let sum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.to_be_bytes());
        let error = decode(&bytes, "bomb.png").unwrap_err().to_string();
        assert!(error.contains("bomb.png` claims 60000x60000 pixels"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
        })
    }
}
