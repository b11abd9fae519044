//! Measures images a second of a loader alone: `throughput DATA_ROOT KEY LIST`, resized to 72 and cut to 64 at random.

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use vspec_data::Loader;
use vspec_ir::{DType, DataSet, Dim, Source, Stage, Transform, Type};

fn data(key: String, list: String) -> DataSet {
    let source = Source::ImageList { key, list, column: 1, classes: None };
    let transforms = [
        Transform::Resize { height: 72, width: 72 },
        Transform::RandomCrop { height: 64, width: 64 },
        Transform::HFlip { probability: 0.5 },
        Transform::Normalize { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] },
    ];
    let mut stages: Vec<Stage> = transforms.into_iter().map(Stage::Each).collect();
    stages.push(Stage::Balanced { classes: 4, per_class: 5 });
    stages.push(Stage::Batch { size: 20, drop_last: true });
    let image = Type::new(DType::F32, vec![Dim::from(3i64), Dim::from(64i64), Dim::from(64i64)]);
    let item = vec![("image".to_string(), image), ("label".to_string(), Type::scalar(DType::I32))];
    DataSet { name: "train".to_string(), source, stages, item }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, key, list] = arguments.as_slice() else { return Err("throughput DATA_ROOT KEY LIST".into()) };
    let loader = Loader::open(&data(key.clone(), list.clone()), Some(Path::new(root)), 0)?.with_workers(1);
    for epoch in 0..6 {
        let (start, mut images) = (Instant::now(), 0);
        for batch in loader.epoch(epoch, 0) {
            images += batch?.items;
        }
        println!("epoch {epoch}: {:.0} images/s", images as f64 / start.elapsed().as_secs_f64());
    }
    Ok(())
}
