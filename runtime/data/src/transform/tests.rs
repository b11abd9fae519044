use super::*;

/// The image alone.
fn apply(transform: &Transform, image: Image, chance: Chance) -> Result<Image, String> {
    super::apply(transform, image, chance).map(|moved| moved.image)
}

/// Three equal planes.
fn image(height: usize, width: usize, plane: &[f32]) -> Image {
    assert_eq!(plane.len(), height * width);
    Image { height, width, planes: plane.repeat(3) }
}

/// An image whose pixels are numbered row by row.
fn numbered(height: usize, width: usize) -> Image {
    let plane: Vec<f32> = (0..height * width).map(|i| i as f32).collect();
    image(height, width, &plane)
}

fn chance(item: u64) -> Chance {
    Chance::new(Stream::new("test", 1, 0), item)
}

fn plane(image: &Image) -> &[f32] {
    let (first, rest) = image.planes.split_at(image.height * image.width);
    assert_eq!(first.repeat(2), rest, "the planes are treated alike");
    first
}

fn crop(height: usize, width: usize) -> Transform {
    Transform::RandomCrop { height, width }
}

#[test]
fn resizing_agrees_with_torch() {
    // torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True) in double precision.
    let plane_in: Vec<f32> =
        (0..35).map(|i| ((i / 7 * 7 + i % 7 * 3 + (i / 7) * (i % 7) % 5) % 17) as f32).collect();
    let small = [7.123377, 7.625668, 7.626623, 7.038961, 5.197861, 7.185065];
    let mixed = [
        1.571429, 6.24, 11.76, 7.52381, 4.863095, 8.13, 8.6625, 7.357143, 9.059524, 10.275, 5.05, 7.053571,
        8.702381, 7.425, 8.75, 6.160714, 8.017857, 6.5375, 7.575, 5.520833, 7.005952, 7.6125, 1.525,
        5.133929, 6.583333, 5.155, 4.25, 9.300595, 6.333333, 3.16, 6.84, 12.571429,
    ];
    for (height, width, expected) in [(2, 3, &small[..]), (8, 4, &mixed[..])] {
        let resize = Transform::Resize { height, width };
        let resized = apply(&resize, image(5, 7, &plane_in), chance(0)).unwrap();
        assert_eq!((resized.height, resized.width), (height, width));
        for (got, want) in plane(&resized).iter().zip(expected) {
            assert!((got - want).abs() < 2e-5, "{got} {want}");
        }
    }
}

#[test]
fn resizing_to_the_same_size_changes_nothing_and_a_flat_image_stays_flat() {
    let same = apply(&Transform::Resize { height: 5, width: 3 }, numbered(5, 3), chance(0)).unwrap();
    assert_eq!(same, numbered(5, 3));
    for (height, width) in [(1, 1), (3, 50), (37, 2)] {
        let flat = apply(&Transform::Resize { height, width }, image(9, 11, &[0.25; 99]), chance(0)).unwrap();
        assert!(flat.planes.iter().all(|v| (v - 0.25).abs() < 1e-6));
    }
}

#[test]
fn the_shorter_side_decides_and_the_longer_is_rounded_down() {
    for ((height, width), expected) in [((13, 20), (6, 9)), ((20, 13), (9, 6)), ((4, 4), (6, 6))] {
        let short = apply(&Transform::ResizeShort { size: 6, max: None }, numbered(height, width), chance(0))
            .unwrap();
        assert_eq!((short.height, short.width), expected);
    }
}

#[test]
fn a_centre_crop_takes_the_middle() {
    let middle = apply(&Transform::CenterCrop { height: 2, width: 1 }, numbered(4, 3), chance(0)).unwrap();
    assert_eq!(plane(&middle), [4.0, 7.0]);
    // Offsets of 1.5 and 2.5 are both rounded to 2.
    let upper = apply(&Transform::CenterCrop { height: 1, width: 1 }, numbered(4, 6), chance(0)).unwrap();
    assert_eq!(plane(&upper), [14.0]);
}

#[test]
fn random_crops_reach_every_place_and_repeat_for_an_item() {
    let first = |item| plane(&apply(&crop(3, 2), numbered(4, 4), chance(item)).unwrap())[0] as usize;
    let mut seen = [0; 16];
    (0..600).for_each(|item| seen[first(item)] += 1);
    // 2 rows and 3 columns of places, 100 items each on average.
    for (place, count) in seen.into_iter().enumerate() {
        let possible = place / 4 < 2 && place % 4 < 3;
        assert!(if possible { (60..140).contains(&count) } else { count == 0 }, "{place}: {count}");
    }
    assert_eq!(first(9), first(9));
}

#[test]
fn crops_larger_than_the_image_are_errors() {
    for transform in [crop(5, 2), Transform::CenterCrop { height: 2, width: 5 }] {
        let error = apply(&transform, numbered(4, 4), chance(0)).unwrap_err();
        assert!(error.starts_with("the image has 4x4 pixels, too few for a crop of"), "{error}");
    }
    assert_eq!(apply(&crop(4, 4), numbered(4, 4), chance(0)), Ok(numbered(4, 4)));
}

#[test]
fn padding_adds_pixels_on_all_sides() {
    let padded =
        apply(&Transform::Pad { amount: 1, value: 0.5 }, image(1, 2, &[7.0, 8.0]), chance(0)).unwrap();
    assert_eq!((padded.height, padded.width), (3, 4));
    assert_eq!(plane(&padded), [0.5, 0.5, 0.5, 0.5, 0.5, 7.0, 8.0, 0.5, 0.5, 0.5, 0.5, 0.5]);
}

#[test]
fn flips_follow_their_probability() {
    let flip = |probability, item| {
        let flipped = apply(&Transform::HFlip { probability }, numbered(2, 3), chance(item)).unwrap();
        plane(&flipped) == [2.0, 1.0, 0.0, 5.0, 4.0, 3.0]
    };
    assert!((0..50).all(|item| flip(1.0, item) && !flip(0.0, item)));
    let share = (0..1000).filter(|item| flip(0.3, *item)).count();
    assert!((250..350).contains(&share), "{share}");
}

#[test]
fn normalizing_is_done_for_each_channel() {
    let normalize = Transform::Normalize { mean: vec![0.5, 0.0, 1.0], std: vec![0.5, 2.0, 4.0] };
    let normal = apply(&normalize, image(1, 1, &[1.0]), chance(0)).unwrap();
    assert_eq!(normal.planes, [1.0, 0.5, 0.0]);
}

#[test]
fn transforms_that_no_image_can_pass_are_refused() {
    let normalize =
        |mean: &[f64], std: &[f64]| Transform::Normalize { mean: mean.to_vec(), std: std.to_vec() };
    for wrong in [
        Transform::Resize { height: 0, width: 4 },
        Transform::Resize { height: usize::MAX, width: 4 },
        Transform::ResizeShort { size: 1 << 40, max: None },
        Transform::Pad { amount: usize::MAX - 1, value: 0.0 },
        Transform::HFlip { probability: f64::NAN },
        Transform::HFlip { probability: 1.5 },
        Transform::VFlip { probability: -0.1 },
        Transform::ResizeShort { size: 8, max: Some(7) },
        resized_crop([0.0, 1.0], [1.0, 1.0]),
        resized_crop([0.5, 1.5], [1.0, 1.0]),
        resized_crop([0.5, 1.0], [2.0, 1.0]),
        erasing(2.0),
        jitter([-0.1, 1.0], [0.0, 0.0]),
        jitter([1.0, 1.0], [-0.6, 0.0]),
        normalize(&[0.0], &[1.0]),
        normalize(&[0.0; 3], &[1.0, 0.0, 1.0]),
    ] {
        assert!(check(&wrong).is_err(), "{wrong:?}");
    }
    // A very long image becomes too large only here.
    assert!(apply(&Transform::ResizeShort { size: 8000, max: None }, numbered(1, 100), chance(0)).is_err());
}

fn resized_crop(scale: [f64; 2], ratio: [f64; 2]) -> Transform {
    Transform::RandomResizedCrop { height: 4, width: 4, scale, ratio }
}

fn erasing(probability: f64) -> Transform {
    Transform::RandomErasing { probability, scale: [0.1, 0.3], ratio: [0.5, 2.0], value: -1.0 }
}

fn jitter(brightness: [f64; 2], hue: [f64; 2]) -> Transform {
    Transform::ColorJitter { brightness, contrast: [0.5, 1.5], saturation: [0.5, 1.5], hue }
}

#[test]
fn the_middle_row_stays_when_an_odd_number_is_turned_over() {
    let flip = Transform::VFlip { probability: 1.0 };
    let over = apply(&flip, numbered(3, 2), chance(0)).unwrap();
    assert_eq!(plane(&over), [4.0, 5.0, 2.0, 3.0, 0.0, 1.0]);
}

#[test]
fn resized_crops_keep_their_area_and_ratio_and_reach_the_borders() {
    let whole = numbered(40, 60);
    let (mut touched, mut areas) = ([false; 4], vec![]);
    for item in 0..500 {
        let cut = crop::resized(&whole, [0.2, 0.6], [0.75, 4.0 / 3.0], chance(item)).image;
        let (share, ratio) = ((cut.height * cut.width) as f64 / 2400.0, cut.width as f64 / cut.height as f64);
        // Sides are rounded to whole pixels.
        assert!((0.18..0.63).contains(&share) && (0.7..1.4).contains(&ratio), "{share} {ratio}");
        let first = plane(&cut)[0] as usize;
        let (top, left) = (first / 60, first % 60);
        for (seen, at) in
            touched.iter_mut().zip([top == 0, left == 0, top + cut.height == 40, left + cut.width == 60])
        {
            *seen |= at;
        }
        areas.push(share);
    }
    assert_eq!(touched, [true; 4]);
    let mean = areas.iter().sum::<f64>() / 500.0;
    assert!((0.37..0.43).contains(&mean), "{mean}");
}

#[test]
fn a_crop_that_never_fits_takes_the_largest_middle_in_range() {
    let size = |height, width| {
        let cut = crop::resized(&numbered(height, width), [1.0, 1.0], [0.75, 4.0 / 3.0], chance(0)).image;
        (cut.height, cut.width, plane(&cut)[0])
    };
    assert_eq!(size(30, 90), (30, 40, 25.0));
    assert_eq!(size(80, 30), (40, 30, 600.0));
}

#[test]
fn a_resized_crop_of_one_pixel_becomes_an_image() {
    let tiny = apply(&resized_crop([0.1, 1.0], [0.5, 2.0]), image(1, 1, &[0.5]), chance(0)).unwrap();
    assert_eq!((tiny.height, tiny.width, plane(&tiny)), (4, 4, &[0.5; 16][..]));
}

#[test]
fn erasing_overwrites_one_rectangle_of_every_channel() {
    let mut erased = 0;
    for item in 0..400 {
        let after = apply(&erasing(0.25), numbered(20, 20), chance(item)).unwrap();
        let gone: Vec<usize> = (0..400).filter(|i| plane(&after)[*i] == -1.0).collect();
        if let (Some(first), Some(last)) = (gone.first(), gone.last()) {
            let (rows, columns) = (last / 20 - first / 20 + 1, last % 20 - first % 20 + 1);
            assert_eq!(gone.len(), rows * columns, "one rectangle");
            assert!((30..=130).contains(&gone.len()), "{}", gone.len());
            erased += 1;
        }
    }
    assert!((70..130).contains(&erased), "{erased}");
    assert_eq!(apply(&erasing(1.0), image(1, 1, &[0.5]), chance(0)).unwrap(), image(1, 1, &[0.5]));
}

#[test]
fn a_jitter_differs_by_item_and_stays_in_range() {
    let colours: Vec<f32> = (0..48).map(|i| (i * 29 % 48) as f32 / 47.0).collect();
    let start = Image { height: 4, width: 4, planes: colours };
    let run = |item| apply(&jitter([0.5, 1.5], [-0.1, 0.1]), start.clone(), chance(item)).unwrap();
    for item in 0..100 {
        let after = run(item);
        assert!(after.planes.iter().all(|v| (0.0..=1.0).contains(v)));
        assert_ne!(after, run(item + 1));
        assert_eq!(after, run(item));
    }
    let still = Transform::ColorJitter {
        brightness: [1.0; 2],
        contrast: [1.0; 2],
        saturation: [1.0; 2],
        hue: [0.0; 2],
    };
    assert_eq!(apply(&still, start.clone(), chance(0)).unwrap(), start);
}

#[test]
fn a_full_turn_of_the_hue_in_two_halves_changes_nothing() {
    let start =
        Image { height: 1, width: 4, planes: vec![1., 0., 0.2, 0.5, 0., 1., 0.4, 0.5, 0.3, 0., 0.9, 0.5] };
    let half = Transform::ColorJitter {
        brightness: [1.0; 2],
        contrast: [1.0; 2],
        saturation: [1.0; 2],
        hue: [0.5; 2],
    };
    let once = apply(&half, start.clone(), chance(0)).unwrap();
    assert_ne!(once, start);
    let twice = apply(&half, once, chance(0)).unwrap();
    assert!(twice.planes.iter().zip(&start.planes).all(|(a, b)| (a - b).abs() < 1e-6), "{twice:?}");
}

#[test]
fn a_greyscale_image_has_three_equal_channels() {
    let grey = Transform::Grayscale { probability: 1.0 };
    let after = apply(&grey, Image { height: 1, width: 1, planes: vec![1.0, 0.0, 0.0] }, chance(0)).unwrap();
    assert_eq!(after.planes, [0.2989; 3]);
}
