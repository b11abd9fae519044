//! Transforms against torchvision 0.23 in double precision, from `tests/fixtures/transform`.

use std::path::Path;

use safetensors::SafeTensors;

use super::*;

/// A tensor of a file that holds an image.
fn image_of(file: &SafeTensors<'_>, name: &str) -> Image {
    let tensor = file.tensor(name).unwrap();
    let floats = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Image { height: tensor.shape()[1], width: tensor.shape()[2], planes: floats.collect() }
}

/// Compares what `run` makes of a case's input with its output.
fn agrees(case: &str, run: impl Fn(Image) -> Result<Image, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/transform");
    let bytes = std::fs::read(root.join(format!("{case}.safetensors"))).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (got, want) = (run(image_of(&file, "in.x")).unwrap(), image_of(&file, "out.y"));
    assert_eq!((got.height, got.width), (want.height, want.width), "{case}");
    for (i, (got, want)) in got.planes.iter().zip(&want.planes).enumerate() {
        assert!((got - want).abs() <= 1e-5 + 1e-4 * want.abs(), "{case} at {i}: {got}, not {want}");
    }
}

fn transform_agrees(case: &str, transform: &Transform) {
    check(transform).unwrap();
    agrees(case, |image| {
        let moved = apply(transform, image, Chance::new(Stream::new("golden", 0, 0), 0));
        moved.map(|m| m.image)
    });
}

/// A jitter of fixed amounts.
fn jitter(brightness: f64, contrast: f64, saturation: f64, hue: f64) -> Transform {
    Transform::ColorJitter {
        brightness: [brightness; 2],
        contrast: [contrast; 2],
        saturation: [saturation; 2],
        hue: [hue; 2],
    }
}

#[test]
fn colours_agree_with_torchvision() {
    transform_agrees("brightness_13", &jitter(1.3, 1.0, 1.0, 0.0));
    transform_agrees("contrast_07", &jitter(1.0, 0.7, 1.0, 0.0));
    transform_agrees("saturation_15", &jitter(1.0, 1.0, 1.5, 0.0));
    transform_agrees("hue_01", &jitter(1.0, 1.0, 1.0, 0.1));
    transform_agrees("grayscale3", &Transform::Grayscale { probability: 1.0 });
    let (mean, std) = (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]);
    transform_agrees("normalize_imagenet", &Transform::Normalize { mean, std });
}

#[test]
fn sizes_and_places_agree_with_torchvision() {
    transform_agrees("hflip", &Transform::HFlip { probability: 1.0 });
    transform_agrees("vflip", &Transform::VFlip { probability: 1.0 });
    transform_agrees("center_crop_5x7", &Transform::CenterCrop { height: 5, width: 7 });
    transform_agrees("resize_short_6", &Transform::ResizeShort { size: 6, max: None });
    transform_agrees("resize_short_8_max_10", &Transform::ResizeShort { size: 8, max: Some(10) });
    agrees("resized_crop", |image| Ok(resize::resize(crop::cut(&image, (2, 3), 8, 6).image, 5, 5)));
    agrees("erase", |mut image| {
        erase::fill(&mut image, (2, 3), (4, 5), 0.0);
        Ok(image)
    });
}
