//! Published data sets, where they are at hand: below VSPEC_DATA, or in `../shared/data` beside the workspace.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use vspec_data::{Loader, inspect};
use vspec_ir::{DType, DataSet, Dim, Source, Stage, Transform, Type};

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

/// Reads the first items of a set and checks that they are sound.
fn try_items(source: Source, root: &Path) {
    let image = Type::new(DType::F32, vec![Dim::from(3i64), Dim::from(32i64), Dim::from(32i64)]);
    let resize = Stage::Each(Transform::Resize { height: 32, width: 32 });
    let data = DataSet {
        name: "real".to_string(),
        source,
        stages: vec![Stage::Shuffle, Stage::Take(200), resize, Stage::Batch { size: 50, drop_last: false }],
        item: vec![("image".to_string(), image), ("label".to_string(), Type::scalar(DType::I32))],
    };
    let loader = Loader::open(&data, Some(root), 0).unwrap();
    let classes = loader.info().classes as f64;
    for batch in loader.epoch(0, 0) {
        let batch = batch.unwrap();
        let pixels = batch.field("image").unwrap().to_f64();
        assert!(pixels.iter().all(|v| (0.0..=1.00001).contains(v)));
        let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
        assert!((0.2..0.9).contains(&mean), "{mean}");
        assert!(batch.field("label").unwrap().to_f64().iter().all(|l| (0.0..classes).contains(l)));
    }
}

#[test]
fn cifar_in_a_zip_file() {
    let Some(root) = root_with("cls_cifar10_subset") else { return };
    let source =
        Source::ImageFolder { key: "cls_cifar10_subset".into(), split: "train".into(), classes: Some(10) };
    let info = inspect(&source, Some(&root)).unwrap();
    assert_eq!((info.items, info.class_names[0].as_str()), (10_000, "airplane"));
    try_items(source, &root);
}

#[test]
fn clothing_in_folders() {
    let Some(root) = root_with("cls_clothing") else { return };
    let source =
        Source::ImageFolder { key: "cls_clothing".into(), split: "validation".into(), classes: None };
    let info = inspect(&source, Some(&root)).unwrap();
    assert_eq!((info.items, info.classes), (341, 10));
    try_items(source, &root);
}

#[test]
fn groceries_in_a_list() {
    let Some(root) = root_with("fg_grocery") else { return };
    let list = |column, classes| Source::ImageList {
        key: "fg_grocery".into(),
        list: "train.txt".into(),
        column,
        classes,
    };
    assert_eq!(inspect(&list(1, None), Some(&root)).unwrap().classes, 81);
    assert_eq!(inspect(&list(2, None), Some(&root)).unwrap().classes, 43);
    try_items(list(1, Some(81)), &root);
}

#[test]
fn frames_of_sequences() {
    let Some(root) = root_with("trk_tld/frames") else { return };
    let videos = vec!["pedestrian3".to_string(), "david".to_string()];
    let source = Source::Sequences { key: "trk_tld/frames".into(), height: 60, width: 80, videos };
    let info = inspect(&source, Some(&root)).unwrap();
    assert_eq!(
        (info.items, info.class_names.as_slice()),
        (184 + 250, ["pedestrian3".into(), "david".into()].as_slice())
    );
    let number = || Type::scalar(DType::I32);
    let shape = |sizes: &[i64]| Type::new(DType::F32, sizes.iter().map(|s| Dim::from(*s)).collect());
    let item = vec![
        ("image".to_string(), shape(&[3, 60, 80])),
        ("box".to_string(), shape(&[4])),
        ("visible".to_string(), Type::scalar(DType::Bool)),
        ("video".to_string(), number()),
        ("frame".to_string(), number()),
    ];
    let stages = vec![Stage::Batch { size: 1, drop_last: false }];
    let data = DataSet { name: "real".to_string(), source, stages, item };
    let (mut absent, mut videos, mut last) = (0, vec![], 0.0);
    for batch in Loader::open(&data, Some(&root), 0).unwrap().epoch(0, 0) {
        let batch = batch.unwrap();
        let number = |name: &str| batch.field(name).unwrap().to_f64()[0];
        let bounds = batch.field("box").unwrap().to_f64();
        assert!(
            bounds.iter().zip([80.0, 60.0, 80.0, 60.0]).all(|(v, most)| (0.0..=most).contains(v)),
            "{bounds:?}"
        );
        match number("visible") {
            0.0 => absent += 1,
            _ => assert!(bounds[0] < bounds[2] && bounds[1] < bounds[3], "{bounds:?}"),
        }
        if number("frame") == 0.0 {
            videos.push(number("video"));
        } else {
            assert_eq!(number("frame"), last + 1.0);
        }
        last = number("frame");
    }
    assert_eq!(videos, [0.0, 1.0]);
    assert!((28..40).contains(&absent), "{absent} frames without the target");
}
