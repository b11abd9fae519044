use super::*;

fn set(split: &str, size: usize) -> Shapes {
    Shapes::open(600, size, split).unwrap()
}

/// Share of test items whose nearest class mean is that of their own class.
fn nearest_mean_accuracy(features: impl Fn(&Pixels) -> Vec<f64>) -> f64 {
    let (train, test) = (set("train", 32), set("val", 32));
    let read = |s: &Shapes, i: usize| s.read(i).unwrap();
    let mut means = vec![vec![0.0; features(&read(&train, 0).pixels).len()]; 10];
    for i in 0..600 {
        let sample = read(&train, i);
        for (sum, v) in means[sample.label as usize].iter_mut().zip(features(&sample.pixels)) {
            *sum += v / 60.0;
        }
    }
    let nearest = |x: &[f64]| {
        let distance = |m: &Vec<f64>| m.iter().zip(x).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        (0..10).min_by(|a, b| distance(&means[*a]).total_cmp(&distance(&means[*b]))).unwrap()
    };
    let right = (0..400).filter(|i| {
        let sample = read(&test, *i);
        nearest(&features(&sample.pixels)) == sample.label as usize
    });
    right.count() as f64 / 400.0
}

#[test]
fn the_mean_colour_does_not_tell_the_class() {
    let mean = |p: &Pixels| {
        (0..3).map(|c| p.rgb.iter().skip(c).step_by(3).map(|v| f64::from(*v)).sum::<f64>() / 1024.0).collect()
    };
    let accuracy = nearest_mean_accuracy(mean);
    assert!(accuracy < 0.25, "{accuracy}");
}

#[test]
fn raw_pixels_do_not_tell_the_class_to_a_linear_rule() {
    let accuracy = nearest_mean_accuracy(|p| p.rgb.iter().map(|v| f64::from(*v)).collect());
    assert!(accuracy < 0.25, "{accuracy}");
}

#[test]
fn items_are_fixed_and_splits_differ() {
    let (train, val) = (set("train", 24), set("val", 24));
    assert_eq!(train.read(17).unwrap(), set("train", 24).read(17).unwrap());
    assert_ne!(train.read(17).unwrap().pixels, val.read(17).unwrap().pixels);
    assert_ne!(train.read(17).unwrap().pixels, train.read(27).unwrap().pixels);
}

#[test]
fn classes_are_balanced_and_named() {
    let train = set("train", 8);
    let labels: Vec<i32> = (0..20).map(|i| train.read(i).unwrap().label).collect();
    assert_eq!(labels, (0..10).chain(0..10).collect::<Vec<i32>>());
    assert_eq!(train.info().class_names.len(), 10);
    assert_eq!(train.info().class_names[4], "cross");
}

#[test]
fn a_scene_is_the_same_at_another_size() {
    let (small, large) = (set("train", 16).read(5).unwrap().pixels, set("train", 32).read(5).unwrap().pixels);
    let block = |y: usize, x: usize, c: usize| {
        let at = |dy: usize, dx: usize| f64::from(large.rgb[((2 * y + dy) * 32 + 2 * x + dx) * 3 + c]);
        (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0
    };
    let difference = |i: usize| (f64::from(small.rgb[i]) - block(i / 48, i / 3 % 16, i % 3)).abs();
    let mean = (0..16 * 16 * 3).map(difference).sum::<f64>() / 768.0;
    // What remains is the noise of the pixels.
    assert!(mean < 16.0, "{mean}");
}

#[test]
fn every_size_down_to_one_pixel_is_drawn_and_others_are_refused() {
    for size in [1, 3, 65] {
        assert_eq!(set("train", size).read(3).unwrap().pixels.rgb.len(), 3 * size * size);
    }
    for (count, size) in [(0, 32), (10, 0), (10, 5000)] {
        assert!(Shapes::open(count, size, "train").is_err());
    }
}
