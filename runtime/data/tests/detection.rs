//! Images with boxes: formats, what is wrong with files, and transforms that move boxes with their pixels.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vspec_data::{Batch, Loader, inspect};
use vspec_ir::{DType, DataSet, Dim, Source, Stage, Transform, TruthRules, Type};

/// A black image with a white rectangle: left, top, right, bottom.
fn png(height: u32, width: u32, [l, t, r, b]: [u32; 4]) -> Vec<u8> {
    let white = |x: u32, y: u32| x >= l && x < r && y >= t && y < b;
    let pixel = |x, y| image::Rgb(if white(x, y) { [255u8; 3] } else { [0; 3] });
    let mut bytes = Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(width, height, pixel);
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join("cells").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn rules() -> TruthRules {
    TruthRules { classes: vec![], most: 4, ignored: true, empty: true, least: 0.0 }
}

fn coco(split: Option<&str>, rules: TruthRules) -> Source {
    Source::Coco {
        key: "cells".into(),
        split: split.map(str::to_string),
        annotations: None,
        images: None,
        rules,
    }
}

fn voc(split: &str, rules: TruthRules) -> Source {
    Source::Voc { key: "cells".into(), split: split.into(), first_pixel: 1.0, rules }
}

/// A set whose images become 40 by 60 pixels.
fn set(source: Source, mut stages: Vec<Stage>, size: [usize; 2]) -> DataSet {
    let most = source.truths().unwrap();
    let ty = |dtype, shape: &[usize]| Type::new(dtype, shape.iter().map(|d| Dim::from(*d)).collect());
    let item = vec![
        ("image".to_string(), ty(DType::F32, &[3, size[0], size[1]])),
        ("truths.box".to_string(), ty(DType::F32, &[most, 4])),
        ("truths.label".to_string(), ty(DType::I32, &[most])),
        ("truths.area".to_string(), ty(DType::F32, &[most])),
        ("truths.ignored".to_string(), ty(DType::Bool, &[most])),
        ("truths.there".to_string(), ty(DType::Bool, &[most])),
        ("place.box".to_string(), ty(DType::F32, &[4])),
        ("place.scale".to_string(), ty(DType::F32, &[4])),
        ("place.shift".to_string(), ty(DType::F32, &[4])),
    ];
    stages.push(Stage::Batch { size: 1, drop_last: false });
    DataSet { name: "train".to_string(), source, stages, item }
}

fn numbers(batch: &Batch, field: &str) -> Vec<f64> {
    batch.field(&format!("truths.{field}")).unwrap().to_f64()
}

/// The truths that are there: label and box.
fn truths(batch: &Batch) -> Vec<(i32, [f64; 4])> {
    let (there, labels, corners) = (numbers(batch, "there"), numbers(batch, "label"), numbers(batch, "box"));
    let rows = (0..there.len()).filter(|i| there[*i] == 1.0);
    rows.map(|i| (labels[i] as i32, std::array::from_fn(|c| corners[4 * i + c]))).collect()
}

fn pass(loader: &Loader) -> Vec<Batch> {
    loader.epoch(0, 0).collect::<Result<_, _>>().unwrap()
}

const GOOD: &str = r#"{"images": [
  {"id": 3, "file_name": "a.png", "width": 60, "height": 40},
  {"id": 1, "file_name": "b.png", "width": 60, "height": 40},
  {"id": 7, "file_name": "c.png", "width": 60, "height": 40}],
 "categories": [{"id": 9, "name": "red"}, {"id": 2, "name": "white"}],
 "annotations": [
  {"id": 1, "image_id": 3, "category_id": 9, "bbox": [10, 5, 20, 10], "area": 150, "iscrowd": 0},
  {"id": 2, "image_id": 1, "category_id": 2, "bbox": [0, 0, 6, 8], "area": 48, "iscrowd": 1},
  {"id": 3, "image_id": 1, "category_id": 9, "bbox": [30, 20, 3, 3], "area": 9, "iscrowd": 0}]}"#;

fn with_json(json: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "coco.json", json.as_bytes());
    for name in ["a", "b", "c"] {
        write(root.path(), &format!("images/{name}.png"), &png(40, 60, [10, 5, 30, 15]));
    }
    write(root.path(), "splits/train.txt", b"a\nc.png\n");
    root
}

#[test]
fn coco_gives_truths_in_the_order_of_the_file() {
    let root = with_json(GOOD);
    let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    assert_eq!(loader.info().class_names, ["white", "red"]);
    let batches = pass(&loader);
    assert_eq!(batches.len(), 3);
    assert_eq!(truths(&batches[0]), [(1, [10.0, 5.0, 30.0, 15.0])]);
    assert_eq!(truths(&batches[1]), [(0, [0.0, 0.0, 6.0, 8.0]), (1, [30.0, 20.0, 33.0, 23.0])]);
    assert_eq!(truths(&batches[2]), []);
    assert_eq!(numbers(&batches[0], "area"), [150.0, 0.0, 0.0, 0.0]);
    assert_eq!(numbers(&batches[1], "ignored"), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(loader.warnings(), [""; 0]);
}

#[test]
fn rules_filter_crowds_small_ones_classes_and_empty_images() {
    let root = with_json(GOOD);
    let open = |rules, split| {
        let loader = Loader::open(&set(coco(split, rules), vec![], [40, 60]), Some(root.path()), 0).unwrap();
        pass(&loader).iter().map(truths).collect::<Vec<_>>()
    };
    let large = (1, [10.0, 5.0, 30.0, 15.0]);
    assert_eq!(
        open(TruthRules { least: 5.0, ignored: false, ..rules() }, None),
        [vec![large], vec![], vec![]]
    );
    assert_eq!(open(TruthRules { empty: false, ..rules() }, None).len(), 2);
    let red = open(TruthRules { classes: vec!["red".into()], ..rules() }, None);
    assert_eq!(red, [vec![(0, large.1)], vec![(0, [30.0, 20.0, 33.0, 23.0])], vec![]]);
    assert_eq!(open(rules(), Some("train")), [vec![large], vec![]]);
}

#[test]
fn broken_records_are_named_and_the_rest_is_read() {
    let json = GOOD.replace(
        r#""annotations": ["#,
        r#""annotations": [
  {"id": 90, "image_id": 3, "category_id": 9},
  {"id": 91, "image_id": 3, "category_id": 5, "bbox": [1, 1, 4, 4]},
  {"id": 92, "image_id": 3, "category_id": 9, "bbox": [50, 30, 40, 40]},
  {"id": 93, "image_id": 3, "category_id": 9, "bbox": [70, 30, 4, 4]},
  {"id": 94, "image_id": 3, "category_id": 9, "bbox": [5, 5, 0, 4]},
  {"id": 95, "image_id": 44, "category_id": 9, "bbox": [5, 5, 4, 4]},
  {"id": 96, "image_id": 3, "category_id": 9, "bbox": [5, 5, 4]},"#,
    );
    let json =
        json.replace(r#""images": ["#, r#""images": [{"id": 8}, {"id": 12, "file_name": "lost.png"},"#);
    let root = with_json(&json);
    let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    let said = loader.warnings();
    let expected = [
        "images[0] has no `file_name`; it is left out",
        "coco.json: annotations[0] (id 90): has no `bbox`; it is left out",
        "annotations[1] (id 91): has the unknown category 5; it is left out",
        "annotations[2] (id 92): the box 50, 30, 90, 70 reaches out of the image of 40x60 pixels; it is cut off",
        "annotations[3] (id 93): the box 70, 30, 74, 34 lies outside the image",
        "annotations[4] (id 94): the box 5, 5, 5, 9 has no area; it is left out",
        "annotations[5] (id 95): is about image 44, which there is not; it is left out",
        "annotations[6] (id 96): has a `bbox` of 3 numbers, not of 4; it is left out",
        "lost.png: does not exist; it is left out",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
    let batches = pass(&loader);
    assert_eq!(truths(&batches[0]), [(1, [50.0, 30.0, 60.0, 40.0]), (1, [10.0, 5.0, 30.0, 15.0])]);
    assert_eq!(loader.warnings(), [""; 0]);
}

#[test]
fn files_that_are_no_sets_are_errors() {
    let message = |json: &str, rules: TruthRules, split| {
        let root = with_json(json);
        inspect(&coco(split, rules), Some(root.path())).unwrap_err().to_string()
    };
    assert!(message("{", rules(), None).contains("coco.json` is not JSON as COCO has it: EOF"));
    assert!(message(r#"{"images": []}"#, rules(), None).contains("coco.json` has no `categories`"));
    let unknown = TruthRules { classes: vec!["whit".into()], ..rules() };
    assert!(message(GOOD, unknown, None).contains("has no category `whit`; did you mean `white`?"));
    assert!(message(GOOD, rules(), Some("val")).contains("annotations/instances_val.json` does not exist"));
}

/// Each key of each kind of record, taken away: a warning with the record, or nothing where there is something to take instead.
#[test]
fn a_missing_key_is_named_or_made_up_for() {
    let first =
        r#"{"id": 1, "image_id": 3, "category_id": 9, "bbox": [10, 5, 20, 10], "area": 150, "iscrowd": 0}"#;
    let record = |without: &str| match first.split_once(without) {
        Some((before, after)) => {
            let rest =
                after.split_once(']').filter(|_| without.contains('[')).map_or(after, |(_, rest)| rest);
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}{}", rest.trim_start_matches(", ")).replace(", }", "}")
        }
        None => panic!("no {without}"),
    };
    let cases = [
        ("\"id\": ", None, 1),
        ("\"image_id\": ", Some("annotations[0] (id 1): has no `image_id`; it is left out"), 0),
        ("\"category_id\": ", Some("annotations[0] (id 1): has no `category_id`; it is left out"), 0),
        ("\"bbox\": [", Some("annotations[0] (id 1): has no `bbox`; it is left out"), 0),
        ("\"area\": ", None, 1),
        ("\"iscrowd\": ", None, 1),
    ];
    for (key, warning, truths_left) in cases {
        let root = with_json(&GOOD.replace(first, &record(key)));
        let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
        let said = loader.warnings();
        assert_eq!(said.len(), usize::from(warning.is_some()), "{key}: {said:?}");
        if let Some(warning) = warning {
            assert!(said[0].contains("coco.json: ") && said[0].contains(warning), "{said:?}");
        }
        let batches = pass(&loader);
        assert_eq!(batches.len(), 3, "{key}");
        assert_eq!(truths(&batches[0]).len(), truths_left, "{key}");
        if truths_left == 1 {
            // An area that is not stated is that of the box: 200 and not 150.
            assert_eq!(numbers(&batches[0], "area")[0], if key.contains("area") { 200.0 } else { 150.0 });
        }
    }
}

#[test]
fn categories_and_images_without_their_keys_are_named() {
    let json = GOOD.replace(r#"{"id": 2, "name": "white"}"#, r#"{"id": 2}, {"name": "lost"}"#).replace(
        r#"{"id": 1, "file_name": "b.png", "width": 60, "height": 40}"#,
        r#"{"file_name": "b.png"}"#,
    );
    let root = with_json(&json);
    let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    let said = loader.warnings().join("\n");
    for expected in [
        "coco.json: categories[1] has no `name`; it is left out",
        "coco.json: categories[2] has no `id`; it is left out",
        "coco.json: images[1] has no `id`; it is left out",
        "annotations[1] (id 2): is about image 1, which there is not; it is left out",
    ] {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
    assert_eq!(pass(&loader).len(), 2);
    let wrong = GOOD.replace("[10, 5, 20, 10]", "\"wide\"");
    let error = inspect(&coco(None, rules()), Some(with_json(&wrong).path())).unwrap_err().to_string();
    assert!(error.contains("coco.json` is not JSON as COCO has it") && error.contains("line 7"), "{error}");
}

#[test]
fn a_set_without_any_truth_is_read_all_the_same() {
    let json = format!("{}\"annotations\": []}}", GOOD.split_once("\"annotations\"").unwrap().0);
    let root = with_json(&json);
    let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    let batches = pass(&loader);
    assert!(batches.len() == 3 && batches.iter().all(|b| truths(b).is_empty()));
    assert_eq!(loader.warnings(), [""; 0]);
    let without = TruthRules { empty: false, ..rules() };
    let error = inspect(&coco(None, without), Some(root.path())).unwrap_err().to_string();
    assert!(error.contains("coco.json"), "{error}");
}

/// The decoder makes grey of what a cut JPEG lacks: that would be taught as if it were there.
#[test]
fn a_jpeg_that_ends_early_is_replaced_and_named() {
    let root = with_json(&GOOD.replace("a.png", "a.jpg"));
    let noise = image::RgbImage::from_fn(60, 40, |x, y| image::Rgb([(x * y * 37 % 251) as u8; 3]));
    let mut bytes = Cursor::new(Vec::new());
    noise.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    let whole = bytes.into_inner();
    write(root.path(), "images/a.jpg", &whole[..3 * whole.len() / 4]);
    let open = || Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    let loader = open();
    let batches = pass(&loader);
    assert_eq!(batches.len(), 3);
    assert_eq!(truths(&batches[0]), truths(&batches[1]));
    let said = loader.warnings();
    assert!(said.len() == 1 && said[0].contains("images/a.jpg"), "{said:?}");
    assert!(said[0].contains("another image takes its place"), "{said:?}");
    write(root.path(), "images/a.jpg", &whole);
    let loader = open();
    assert_eq!(truths(&pass(&loader)[0]), [(1, [10.0, 5.0, 30.0, 15.0])]);
    assert_eq!(loader.warnings(), [""; 0]);
}

#[test]
fn an_image_that_cannot_be_read_is_replaced_and_named() {
    let root = with_json(GOOD);
    let whole = png(40, 60, [0, 0, 9, 9]);
    write(root.path(), "images/a.png", &whole[..whole.len() / 2]);
    let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    let batches = pass(&loader);
    assert_eq!(batches.len(), 3);
    assert_eq!(truths(&batches[0]), truths(&batches[1]));
    let said = loader.warnings();
    assert!(said.len() == 1 && said[0].contains("images/a.png"), "{said:?}");
    for name in ["a", "b", "c"] {
        write(root.path(), &format!("images/{name}.png"), b"no image");
    }
    let loader = Loader::open(&set(coco(None, rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    let error = loader.epoch(0, 0).next().unwrap().unwrap_err().to_string();
    assert!(error.contains("a.png` is not a JPEG"), "{error}");
}

fn object(name: &str, corners: [i32; 4], difficult: i32) -> String {
    let [a, b, c, d] = corners;
    format!(
        "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>\
         <xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
    )
}

fn with_xml(objects: &str) -> TempDir {
    let root = with_json(GOOD);
    let whole = |objects: &str| {
        format!("<annotation><size><width>60</width><height>40</height></size>{objects}</annotation>")
            .into_bytes()
    };
    write(root.path(), "Annotations/a.xml", &whole(objects));
    write(root.path(), "Annotations/b.xml", &whole(&object("cat", [3, 3, 9, 9], 0)));
    write(root.path(), "Annotations/c.xml", b"<annotation>");
    write(root.path(), "ImageSets/Main/val.txt", b"a 1\nb 1\nc 1\nd 1\n");
    root
}

#[test]
fn voc_counts_pixels_from_one_and_names_what_is_broken() {
    let objects = [
        object("dog", [11, 6, 31, 16], 0),
        object("cat", [1, 1, 7, 9], 1),
        object("cow", [5, 5, 5, 9], 0),
        "<object><name>dog</name></object>".to_string(),
        "<object><name>dog</name><bndbox><xmin>x</xmin></bndbox></object>".to_string(),
    ];
    let root = with_xml(&objects.concat());
    let loader = Loader::open(&set(voc("val", rules()), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    assert_eq!(loader.info().class_names, ["cat", "cow", "dog"]);
    let batches = pass(&loader);
    assert_eq!(truths(&batches[0]), [(2, [10.0, 5.0, 30.0, 15.0]), (0, [0.0, 0.0, 6.0, 8.0])]);
    assert_eq!(numbers(&batches[0], "ignored"), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(truths(&batches[1]), [(0, [2.0, 2.0, 8.0, 8.0])]);
    let said = loader.warnings();
    let expected = [
        "a.xml: object 4: has no `bndbox`; it is left out",
        "a.xml: object 5: has `xmin` x, which is no number; it is left out",
        "a.xml: object 3: the box 4, 4, 4, 8 has no area; it is left out",
        "c.xml: is not XML",
        "`d` has no image in",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
    let rules = TruthRules { classes: vec!["dog".into()], ..rules() };
    let loader = Loader::open(&set(voc("val", rules), vec![], [40, 60]), Some(root.path()), 0).unwrap();
    assert!(loader.warnings().iter().any(|w| w.contains("object 2: has the unknown class `cat`")));
}

#[test]
fn voc_cuts_boxes_off_drops_difficult_ones_and_keeps_empty_images() {
    let objects = [
        object("dog", [51, 31, 91, 71], 0),
        object("dog", [71, 31, 91, 39], 0),
        object("cat", [1, 1, 7, 9], 1),
        "<object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
            .to_string(),
    ];
    let root = with_xml(&objects.concat());
    write(root.path(), "Annotations/b.xml", b"<annotation></annotation>");
    write(root.path(), "ImageSets/Main/val.txt", b"a 1\nb 1\n");
    let open = |rules: TruthRules| {
        Loader::open(&set(voc("val", rules), vec![], [40, 60]), Some(root.path()), 0).unwrap()
    };
    let loader = open(rules());
    let said = loader.warnings();
    let expected = [
        "a.xml: object 4: has no `name`; it is left out",
        "a.xml: object 1: the box 50, 30, 90, 70 reaches out of the image of 40x60 pixels; it is cut off",
        "a.xml: object 2: the box 70, 30, 90, 38 lies outside the image of 40x60 pixels; it is left out",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    assert!(said.iter().zip(expected).all(|(said, expected)| said.contains(expected)), "{said:#?}");
    let batches = pass(&loader);
    assert_eq!(truths(&batches[0]), [(1, [50.0, 30.0, 60.0, 40.0]), (0, [0.0, 0.0, 6.0, 8.0])]);
    assert_eq!(truths(&batches[1]), []);
    let batches = pass(&open(TruthRules { ignored: false, empty: false, ..rules() }));
    assert_eq!(batches.len(), 1);
    assert_eq!(truths(&batches[0]), [(1, [50.0, 30.0, 60.0, 40.0])]);
}

/// Left, top, right and bottom of the pixels that are rather white than black.
fn white(batch: &Batch) -> [f64; 4] {
    let image = batch.field("image").unwrap();
    let (height, width) = (image.shape()[2], image.shape()[3]);
    let pixels = image.to_f64();
    let bright =
        (0..height * width).filter(|i| pixels[*i] > 0.5).map(|i| ((i % width) as f64, (i / width) as f64));
    bright.fold([f64::MAX, f64::MAX, 0.0, 0.0], |[l, t, r, b], (x, y)| {
        [l.min(x), t.min(y), r.max(x + 1.0), b.max(y + 1.0)]
    })
}

#[test]
fn boxes_go_where_their_pixels_go() {
    let root = with_json(GOOD);
    let chains: [(&str, Vec<Transform>, [usize; 2]); 9] = [
        ("resize", vec![Transform::Resize { height: 80, width: 60 }], [80, 60]),
        ("fit", vec![Transform::Fit { height: 90, width: 90, value: 0.0 }], [90, 90]),
        ("fit and grey", vec![Transform::Fit { height: 50, width: 120, value: 0.3 }], [50, 120]),
        ("hflip", vec![Transform::HFlip { probability: 0.5 }], [40, 60]),
        ("vflip", vec![Transform::VFlip { probability: 0.5 }], [40, 60]),
        ("pad", vec![Transform::Pad { amount: 7, value: 0.2 }], [54, 74]),
        ("center_crop", vec![Transform::CenterCrop { height: 30, width: 50 }], [30, 50]),
        ("random_crop", vec![Transform::RandomCrop { height: 36, width: 50 }], [36, 50]),
        (
            "all",
            vec![
                Transform::Pad { amount: 4, value: 0.0 },
                Transform::RandomResizedCrop { height: 96, width: 128, scale: [0.5, 0.9], ratio: [1.0, 1.6] },
                Transform::HFlip { probability: 0.5 },
                Transform::Fit { height: 64, width: 128, value: 0.0 },
            ],
            [64, 128],
        ),
    ];
    for (name, transforms, size) in chains {
        let stages = transforms.into_iter().map(Stage::Each).chain([Stage::Draw(40)]).collect();
        let mut rules = rules();
        rules.classes = vec!["red".into()];
        rules.least = 5.0;
        rules.empty = false;
        let loader = Loader::open(&set(coco(None, rules), stages, size), Some(root.path()), 0).unwrap();
        let mut seen = 0;
        for batch in pass(&loader) {
            let pixels = white(&batch);
            for (_, corners) in truths(&batch) {
                let off = corners.iter().zip(pixels).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off <= 1.5, "{name}: {corners:?} {pixels:?}");
                seen += 1;
            }
        }
        assert!(seen >= 30, "{name}: {seen}");
    }
}

fn place(batch: &Batch, field: &str) -> [f64; 4] {
    batch.field(&format!("place.{field}")).unwrap().to_f64().try_into().unwrap()
}

/// The rectangle of every image of `with_json`.
const WHITE: [f64; 4] = [10.0, 5.0, 30.0, 15.0];

/// Padding has a value that no pixel of the images has.
const GREY: f64 = 0.3;

#[test]
fn the_place_says_what_is_image_and_what_is_padding() {
    let fit = |height, width| Transform::Fit { height, width, value: GREY };
    let pad = || Transform::Pad { amount: 7, value: GREY };
    let flip = || Transform::HFlip { probability: 0.5 };
    let colour = || Transform::Grayscale { probability: 1.0 };
    let chains: [(&str, Vec<Transform>, [usize; 2]); 8] = [
        ("resize", vec![Transform::Resize { height: 80, width: 60 }], [80, 60]),
        ("fit", vec![fit(90, 90)], [90, 90]),
        ("fit without a change of scale", vec![fit(40, 90), colour()], [40, 90]),
        ("fit and mirror", vec![fit(50, 120), flip(), Transform::VFlip { probability: 0.5 }], [50, 120]),
        ("pad", vec![pad()], [54, 74]),
        ("cut below", vec![Transform::CenterCrop { height: 39, width: 60 }], [39, 60]),
        ("pad and cut", vec![pad(), Transform::RandomCrop { height: 48, width: 66 }], [48, 66]),
        ("twice", vec![fit(64, 64), flip(), pad(), Transform::Resize { height: 90, width: 120 }], [90, 120]),
    ];
    let root = with_json(GOOD);
    for (name, transforms, size) in chains {
        let stages = transforms.into_iter().map(Stage::Each).chain([Stage::Draw(30)]).collect();
        let loader = Loader::open(&set(coco(None, rules()), stages, size), Some(root.path()), 0).unwrap();
        for batch in pass(&loader) {
            let [l, t, r, b] = place(&batch, "box");
            let pixels = batch.field("image").unwrap().to_f64();
            for (i, value) in pixels.iter().take(size[0] * size[1]).enumerate() {
                let (x, y) = ((i % size[1]) as f64 + 0.5, (i / size[1]) as f64 + 0.5);
                let deep = (x - l).min(r - x).min((y - t).min(b - y));
                // Where resizing mixed both, neither holds.
                let grey = (value - GREY).abs() < 0.01;
                let wrong = (deep > 1.5 && grey) || (deep < -1.5 && !grey);
                assert!(!wrong || on_edge(&batch, x, y), "{name}: ({x}, {y}) is {value}, {l} {t} {r} {b}");
            }
            let (scale, shift) = (place(&batch, "scale"), place(&batch, "shift"));
            let white: [f64; 4] = std::array::from_fn(|i| WHITE[i] * scale[i] + shift[i]);
            let moved = [0, 1, 2, 3].map(|i| match i < 2 {
                true => white[i].min(white[i + 2]),
                false => white[i].max(white[i - 2]),
            });
            let seen = self::white(&batch);
            let off = moved.iter().zip(seen).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off <= 1.5, "{name}: {moved:?} {seen:?}");
        }
    }
}

/// Whether a pixel lies at the edge of the white rectangle, where resizing makes greys of black and white.
fn on_edge(batch: &Batch, x: f64, y: f64) -> bool {
    let [l, t, r, b] = white(batch);
    let deep = (x - l).min(r - x).min((y - t).min(b - y));
    deep.abs() < 3.0
}

#[test]
fn what_is_cut_off_at_the_right_and_below_is_cut_off_from_boxes() {
    let json = GOOD.replace("[10, 5, 20, 10]", "[40, 25, 20, 15]");
    let root = with_json(&json);
    let cut = vec![
        Stage::Each(Transform::HFlip { probability: 0.0 }),
        Stage::Each(Transform::CenterCrop { height: 39, width: 59 }),
    ];
    let loader = Loader::open(&set(coco(None, rules()), cut, [39, 59]), Some(root.path()), 0).unwrap();
    let batch = &pass(&loader)[0];
    assert_eq!(truths(batch), [(1, [40.0, 25.0, 59.0, 39.0])]);
    assert_eq!(place(batch, "box"), [0.0, 0.0, 59.0, 39.0]);
    assert_eq!((place(batch, "scale"), place(batch, "shift")), ([1.0; 4], [0.0; 4]));
}

#[test]
fn a_mosaic_has_the_truths_of_its_parts() {
    let root = with_json(GOOD);
    let stages = vec![Stage::Mosaic { height: 64, width: 64, probability: 1.0 }, Stage::Draw(60)];
    let mut rules = rules();
    rules.classes = vec!["red".into()];
    rules.least = 5.0;
    rules.empty = false;
    let loader = Loader::open(&set(coco(None, rules), stages, [64, 64]), Some(root.path()), 0).unwrap();
    let (mut counts, mut whole) = ([0; 5], 0);
    for batch in pass(&loader) {
        let image = batch.field("image").unwrap().to_f64();
        let found = truths(&batch);
        assert_eq!((place(&batch, "box"), place(&batch, "scale")), ([0.0, 0.0, 64.0, 64.0], [1.0; 4]));
        counts[found.len()] += 1;
        for (_, [l, t, r, b]) in found {
            // Pixels within a box are white but for its edge, and those around are not.
            let inside = |x: f64, y: f64| x > l + 1.0 && x < r - 1.0 && y > t + 1.0 && y < b - 1.0;
            for (i, value) in image.iter().take(64 * 64).enumerate() {
                let (x, y) = ((i % 64) as f64 + 0.5, (i / 64) as f64 + 0.5);
                assert!(!inside(x, y) || *value > 0.9, "({x}, {y}) in {l} {t} {r} {b} is {}", *value);
            }
            whole += 1;
        }
    }
    assert!(whole > 60 && counts[3] + counts[4] > 5, "{counts:?}");
    let again = Loader::open(
        &set(
            coco(None, TruthRules { least: 5.0, ..self::rules() }),
            vec![Stage::Mosaic { height: 64, width: 64, probability: 0.0 }],
            [64, 64],
        ),
        Some(root.path()),
        0,
    );
    let alone = pass(&again.unwrap());
    assert_eq!(truths(&alone[0]).len(), 1);
    assert_eq!(place(&alone[0], "box"), [0.0, 0.0, 64.0, 43.0]);
    let off =
        truths(&alone[0])[0].1.iter().zip(white(&alone[0])).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 1.5, "{off}");
}

/// The data root if it has a set; says so otherwise.
fn root_with(key: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("VSPEC_DATA").map_or(beside, PathBuf::from);
    if root.join(key).is_dir() {
        return Some(root);
    }
    eprintln!("SKIPPED: no `{key}` in {}; set VSPEC_DATA to try it", root.display());
    None
}

#[test]
fn blood_cells_in_both_formats() {
    let Some(root) = root_with("det_bccd") else { return };
    let rules = TruthRules { most: 40, ..rules() };
    let key = || "det_bccd".to_string();
    let json = Source::Coco {
        key: key(),
        split: Some("test".into()),
        annotations: None,
        images: None,
        rules: rules.clone(),
    };
    let classes = ["RBC", "WBC", "Platelets"].map(String::from).to_vec();
    let rules = TruthRules { classes, ..rules };
    let xml = Source::Voc { key: key(), split: "test".into(), first_pixel: 0.0, rules };
    let fit = Stage::Each(Transform::Fit { height: 60, width: 80, value: 0.0 });
    let [json, xml] = [json, xml]
        .map(|source| Loader::open(&set(source, vec![fit.clone()], [60, 80]), Some(&root), 0).unwrap());
    assert_eq!((json.len(), json.info().class_names.clone()), (72, xml.info().class_names.clone()));
    let mut count = 0;
    for (a, b) in pass(&json).iter().zip(pass(&xml)) {
        assert_eq!(truths(a), truths(&b));
        count += truths(a).len();
    }
    assert!(count > 900, "{count}");
}
