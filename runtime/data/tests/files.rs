//! Sources in files, written to temporary folders by each test.

#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::Path;

use tempfile::TempDir;
use vspec_data::{Batch, DataError, Info, Loader, inspect};
use vspec_engine::Buffer;
use vspec_ir::{DType, DataSet, Dim, Source, Stage, Transform, Type};
use zip::write::SimpleFileOptions;

/// A PNG of one colour.
fn png(height: u32, width: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(width, height, image::Rgb(colour));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn red(value: u8) -> Vec<u8> {
    png(4, 6, [value, 0, 255])
}

/// Names and contents of a set with two classes and three images.
fn entries() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("train/dog/b.PNG", red(51)),
        ("train/cat/2.png", red(102)),
        ("train/cat/10.png", red(204)),
        ("test/cat/1.png", red(1)),
        ("train/cat/notes.txt", b"not an image".to_vec()),
    ]
}

fn plain_folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    entries().iter().for_each(|(name, bytes)| write(root.path(), &format!("pets/{name}"), bytes));
    root
}

fn zipped_folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("pets")).unwrap();
    let mut zip = zip::ZipWriter::new(File::create(root.path().join("pets/all.zip")).unwrap());
    for (i, (name, bytes)) in entries().iter().enumerate() {
        let method =
            if i % 2 == 0 { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    root
}

fn folder(split: &str, classes: Option<usize>) -> Source {
    Source::ImageFolder { key: "pets".to_string(), split: split.to_string(), classes }
}

fn list(column: usize, classes: Option<usize>) -> Source {
    Source::ImageList { key: "pets".to_string(), list: "train.txt".to_string(), column, classes }
}

fn cifar(split: &str, classes: usize) -> Source {
    Source::Cifar { key: "cifar".to_string(), split: split.to_string(), classes }
}

fn data(source: Source, height: usize, width: usize) -> DataSet {
    let image = Type::new(DType::F32, vec![Dim::from(3i64), Dim::from(height), Dim::from(width)]);
    let item = vec![("image".to_string(), image), ("label".to_string(), Type::scalar(DType::I32))];
    let stages = vec![Stage::Batch { size: 64, drop_last: false }];
    DataSet { name: "d".to_string(), source, stages, item }
}

fn first_batch(data: &DataSet, root: &Path) -> Result<Batch, DataError> {
    Loader::open(data, Some(root), 0)?.epoch(0, 0).next().unwrap()
}

fn floats(batch: &Batch) -> Vec<f32> {
    match batch.field("image").unwrap().buffer() {
        Buffer::F32(values) => values.clone(),
        other => panic!("images are floats, not {other:?}"),
    }
}

fn labels(batch: &Batch) -> Vec<f64> {
    batch.field("label").unwrap().to_f64()
}

fn message(source: &Source, root: &Path) -> String {
    inspect(source, Some(root)).unwrap_err().to_string()
}

#[test]
fn folders_and_zip_files_hold_the_same_items() {
    let expected = Info { classes: 2, class_names: vec!["cat".into(), "dog".into()], items: 3 };
    for root in [plain_folder(), zipped_folder()] {
        assert_eq!(inspect(&folder("train", Some(2)), Some(root.path())).unwrap(), expected);
        let batch = first_batch(&data(folder("train", None), 4, 6), root.path()).unwrap();
        assert_eq!(labels(&batch), [0.0, 0.0, 1.0]);
        let values = floats(&batch);
        // Files are sorted by name: 10.png, 2.png, b.PNG. An item has 3 planes of 24 pixels.
        assert_eq!([values[0], values[72], values[144]], [0.8, 0.4, 0.2]);
        assert_eq!([values[24], values[48]], [0.0, 1.0]);
    }
}

#[test]
fn a_missing_split_names_the_similar_one() {
    for root in [plain_folder(), zipped_folder()] {
        assert!(message(&folder("trian", None), root.path()).ends_with("did you mean `train`?"));
        assert!(message(&folder("val", None), root.path()).ends_with("there are: test, train"));
    }
}

#[test]
fn another_number_of_classes_is_an_error() {
    for root in [plain_folder(), zipped_folder()] {
        let message = message(&folder("train", Some(10)), root.path());
        assert!(message.contains("has 2 classes, but the specification says 10"), "{message}");
    }
}

#[test]
fn splits_and_classes_without_images_are_errors() {
    let root = plain_folder();
    fs::create_dir(root.path().join("pets/none")).unwrap();
    assert!(message(&folder("none", None), root.path()).contains("none` has no images; expected `<class>/"));
    fs::create_dir(root.path().join("pets/train/bird")).unwrap();
    assert!(message(&folder("train", None), root.path()).contains("bird` has no images"));
}

#[test]
fn broken_images_are_named_when_they_are_read() {
    for (name, bytes) in [("cut.png", &red(1)[..40]), ("text.jpg", b"hello")] {
        let root = plain_folder();
        write(root.path(), &format!("pets/train/dog/{name}"), bytes);
        assert_eq!(inspect(&folder("train", None), Some(root.path())).unwrap().items, 4);
        let error = first_batch(&data(folder("train", None), 4, 6), root.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("pets/train/dog/{name}")), "{error}");
    }
}

#[test]
fn a_broken_entry_is_named_with_its_archive() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("pets")).unwrap();
    let mut zip = zip::ZipWriter::new(File::create(root.path().join("pets/all.zip")).unwrap());
    zip.start_file("train/cat/1.jpg", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"\xFF\xD8\xFF\xE0 and no more").unwrap();
    zip.finish().unwrap();
    let error = first_batch(&data(folder("train", None), 4, 6), root.path()).unwrap_err().to_string();
    assert!(error.contains("all.zip: train/cat/1.jpg` is a truncated JPEG"), "{error}");
}

#[test]
fn files_that_are_no_archives_and_two_archives_are_errors() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "pets/a.zip", b"nothing");
    assert!(message(&folder("train", None), root.path()).contains("a.zip` is not a zip file"));
    write(root.path(), "pets/b.zip", b"nothing");
    assert!(message(&folder("train", None), root.path()).contains("2 zip files (a.zip, b.zip); keep one"));
}

#[test]
fn images_of_odd_sizes_are_brought_to_one() {
    let root = tempfile::tempdir().unwrap();
    for (i, (height, width)) in [(1, 1), (7, 300), (33, 2)].into_iter().enumerate() {
        write(root.path(), &format!("pets/train/cat/{i}.png"), &png(height, width, [51, 102, 204]));
    }
    let mut resized = data(folder("train", None), 5, 9);
    resized.stages.insert(0, Stage::Each(Transform::Resize { height: 5, width: 9 }));
    let values = floats(&first_batch(&resized, root.path()).unwrap());
    let colours = [0.2, 0.4, 0.8].into_iter().cycle();
    for (plane, colour) in values.chunks(45).zip(colours) {
        assert!(plane.iter().all(|v| (v - colour).abs() < 1e-6));
    }
    let error = first_batch(&data(folder("train", None), 5, 9), root.path()).unwrap_err().to_string();
    assert!(
        error.contains("0.png: the image has 1x1 pixels, not 5x9; add `|> each(resize(5, 9))`"),
        "{error}"
    );
}

#[test]
fn lists_give_paths_and_labels() {
    let root = plain_folder();
    write(root.path(), "pets/train.txt", b"train/dog/b.PNG, 0, 7\n\ntrain/cat/2.png, 3, 1\r\n");
    assert_eq!(inspect(&list(1, None), Some(root.path())).unwrap().classes, 4);
    assert_eq!(inspect(&list(1, Some(9)), Some(root.path())).unwrap().classes, 9);
    let batch = first_batch(&data(list(2, Some(8)), 4, 6), root.path()).unwrap();
    assert_eq!(labels(&batch), [7.0, 1.0]);
    assert_eq!(floats(&batch)[0], 0.2);
}

#[test]
fn wrong_lines_are_named_by_file_and_line() {
    let root = plain_folder();
    for (text, at) in [
        ("a.png 0\nb.png x\n", "train.txt:2: `x` in column 1 is not a label"),
        ("a.png 0\n\nb.png 1\nc.png\n", "train.txt:4: no column 1"),
        ("a.png 5\n", "train.txt:1: label 5 is out of range: the specification says `classes = 5`"),
        ("../a.png 1\n", "train.txt:1: `../a.png` must be a relative path"),
        ("\n\n", "train.txt` has no images"),
    ] {
        write(root.path(), "pets/train.txt", text.as_bytes());
        let message = message(&list(1, Some(5)), root.path());
        assert!(message.contains(at), "{message}");
    }
    write(root.path(), "pets/train.txt", b"train/cat/2.png 0\ntrain/cat/3.png 0\n");
    let error = first_batch(&data(list(1, None), 4, 6), root.path()).unwrap_err().to_string();
    assert!(error.contains("train.txt:2: `") && error.contains("3.png` does not exist"), "{error}");
}

#[test]
fn a_missing_list_names_the_similar_one() {
    let root = plain_folder();
    write(root.path(), "pets/train.text", b"");
    assert!(message(&list(1, None), root.path()).ends_with("did you mean `train.text`?"));
}

#[test]
fn cifar_batches_are_read_in_order() {
    let root = tempfile::tempdir().unwrap();
    let record = |labels: &[u8], value: u8| {
        let planes = [value, value + 51, value + 102].map(|v| vec![v; 1024]).concat();
        [labels, &planes].concat()
    };
    let inner = "cifar/cifar-10-batches-bin";
    write(root.path(), &format!("{inner}/data_batch_1.bin"), &[record(&[3], 0), record(&[9], 51)].concat());
    write(root.path(), &format!("{inner}/data_batch_2.bin"), &record(&[1], 102));
    write(root.path(), &format!("{inner}/batches.meta.txt"), b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    let batch = first_batch(&data(cifar("train", 10), 32, 32), root.path()).unwrap();
    assert_eq!(labels(&batch), [3.0, 9.0, 1.0]);
    assert_eq!([floats(&batch)[0], floats(&batch)[1024], floats(&batch)[2 * 3072]], [0.0, 0.2, 0.4]);
    let info = inspect(&cifar("train", 10), Some(root.path())).unwrap();
    assert_eq!((info.items, info.class_names[3].as_str()), (3, "d"));

    write(root.path(), "cifar/test.bin", &record(&[2, 77], 0));
    let batch = first_batch(&data(cifar("test", 100), 32, 32), root.path()).unwrap();
    assert_eq!(labels(&batch), [77.0], "the fine label");
}

#[test]
fn broken_cifar_files_are_errors() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "cifar/test_batch.bin", &[0; 3000]);
    assert!(message(&cifar("test", 10), root.path()).contains("3000 bytes, which is not a multiple of 3073"));
    assert!(message(&cifar("train", 10), root.path()).contains("expected `data_batch_1.bin`"));
    assert!(message(&cifar("val", 10), root.path()).contains("the splits `train` and `test`, not `val`"));
    write(root.path(), "cifar/test_batch.bin", &[10; 3073]);
    let error = first_batch(&data(cifar("test", 10), 32, 32), root.path()).unwrap_err().to_string();
    assert!(error.contains("record 0` has label 10, but only 10 classes"), "{error}");
}

#[test]
fn only_drawn_sources_do_without_a_root() {
    let drawn = Source::Shapes { count: 30, size: 16, split: "val".to_string() };
    assert_eq!(inspect(&drawn, None).unwrap().items, 30);
    let error = inspect(&folder("train", None), None).unwrap_err().to_string();
    assert!(error.contains("`pets`") && error.contains("VSPEC_DATA"), "{error}");
}
