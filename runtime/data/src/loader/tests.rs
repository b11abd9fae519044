use super::*;
use vspec_engine::Buffer;
use vspec_ir::{DType, Dim, Source, Stage, Transform, Type};

fn shapes(stages: Vec<Stage>, side: usize) -> DataSet {
    let source = Source::Shapes { count: 23, size: 8, split: "train".to_string() };
    DataSet { name: "train".to_string(), source, stages, item: item(side) }
}

fn item(side: usize) -> Vec<(String, Type)> {
    let image = Type::new(DType::F32, vec![Dim::from(3i64), Dim::from(side), Dim::from(side)]);
    vec![("image".to_string(), image), ("label".to_string(), Type::scalar(DType::I32))]
}

fn batch(size: usize) -> Stage {
    Stage::Batch { size, drop_last: false }
}

/// A pipeline in which everything is random.
fn random() -> DataSet {
    let each = [Transform::Pad { amount: 2, value: 0.0 }, Transform::RandomCrop { height: 8, width: 8 }];
    let mut stages: Vec<Stage> = each.into_iter().map(Stage::Each).collect();
    stages.extend([Stage::Each(Transform::HFlip { probability: 0.5 }), Stage::Shuffle, batch(4)]);
    shapes(stages, 8)
}

fn loader(data: &DataSet, seed: u64) -> Loader {
    Loader::open(data, None, seed).unwrap()
}

fn pass(loader: &Loader, epoch: u64, skip: usize) -> Vec<Batch> {
    loader.epoch(epoch, skip).collect::<Result<_, _>>().unwrap()
}

fn labels(batches: &[Batch]) -> Vec<i32> {
    let label = |b: &Batch| match b.field("label").unwrap().buffer() {
        Buffer::I32(values) => values.clone(),
        other => panic!("labels are integers, not {other:?}"),
    };
    batches.iter().flat_map(label).collect()
}

/// Pixels of each item of a pass, so that items can be told apart.
fn images(batches: &[Batch]) -> Vec<Vec<u32>> {
    let items = |b: &Batch| match b.field("image").unwrap().buffer() {
        Buffer::F32(v) => {
            v.chunks(v.len() / b.items).map(|i| i.iter().map(|x| x.to_bits()).collect()).collect::<Vec<_>>()
        }
        other => panic!("images are floats, not {other:?}"),
    };
    batches.iter().flat_map(items).collect()
}

#[test]
fn batches_have_the_declared_types_and_the_last_is_short() {
    let loader = loader(&shapes(vec![batch(5)], 8), 0);
    let batches = pass(&loader, 0, 0);
    assert_eq!((loader.len(), loader.batches_per_epoch(), batches.len()), (23, 5, 5));
    assert_eq!(batches[0].field("image").unwrap().shape(), [5, 3, 8, 8]);
    assert_eq!(batches[4].field("image").unwrap().shape(), [3, 3, 8, 8]);
    assert_eq!(batches[4].field("label").unwrap().shape(), [3]);
    assert_eq!(labels(&batches), (0..23).map(|i| i % 10).collect::<Vec<i32>>());
    assert_eq!(loader.info().classes, 10);
}

#[test]
fn a_short_last_batch_can_be_dropped() {
    let loader = loader(&shapes(vec![Stage::Batch { size: 5, drop_last: true }], 8), 0);
    assert_eq!((loader.batches_per_epoch(), pass(&loader, 0, 0).len()), (4, 4));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first = pass(&loader(&random(), 7), 3, 0);
    assert_eq!(first, pass(&loader(&random(), 7), 3, 0));
    assert_ne!(first, pass(&loader(&random(), 8), 3, 0));
    assert_ne!(first, pass(&loader(&random(), 7), 4, 0));
    let renamed = DataSet { name: "other".to_string(), ..random() };
    assert_ne!(first, pass(&loader(&renamed, 7), 3, 0));
}

#[test]
fn batches_do_not_depend_on_threads_or_on_earlier_passes() {
    let one = loader(&random(), 7).with_workers(1);
    let expected = pass(&one, 1, 0);
    assert_eq!(pass(&one, 1, 0), expected, "images come from the cache now");
    for workers in [2, 3, 50] {
        assert_eq!(pass(&loader(&random(), 7).with_workers(workers), 1, 0), expected);
    }
}

#[test]
fn a_shuffle_is_a_permutation_that_changes_each_epoch() {
    let shuffled = loader(&shapes(vec![Stage::Shuffle, batch(4)], 8), 1);
    let plain = images(&pass(&loader(&shapes(vec![batch(4)], 8), 1), 0, 0));
    let (first, second) = (images(&pass(&shuffled, 0, 0)), images(&pass(&shuffled, 1, 0)));
    assert_ne!(first, second);
    assert_ne!(first, plain);
    let sorted = |mut items: Vec<Vec<u32>>| {
        items.sort();
        items
    };
    assert_eq!(sorted(first), sorted(plain.clone()));
    assert_eq!(sorted(second), sorted(plain));
}

#[test]
fn a_resumed_pass_is_the_tail_of_a_whole_one() {
    let loader = loader(&random(), 2).with_workers(2);
    let whole = pass(&loader, 5, 0);
    for skip in 0..=whole.len() {
        assert_eq!(pass(&loader, 5, skip), whole[skip..]);
    }
    assert!(pass(&loader, 5, 100).is_empty());
}

#[test]
fn take_counts_where_it_stands() {
    let fixed = loader(&shapes(vec![Stage::Take(6), Stage::Shuffle, batch(4)], 8), 1);
    let (mut a, mut b) = (images(&pass(&fixed, 0, 0)), images(&pass(&fixed, 1, 0)));
    assert_eq!((fixed.len(), fixed.info().items), (6, 23));
    a.sort();
    b.sort();
    assert_eq!(a, b, "the first six in a new order");
    let drawn = loader(&shapes(vec![Stage::Shuffle, Stage::Take(6), batch(4)], 8), 1);
    let (mut a, mut b) = (images(&pass(&drawn, 0, 0)), images(&pass(&drawn, 1, 0)));
    a.sort();
    b.sort();
    assert_eq!(a.len(), 6);
    assert_ne!(a, b, "six others each epoch");
}

#[test]
fn a_pass_can_be_dropped_at_any_time() {
    let loader = loader(&random(), 2).with_workers(3);
    drop(loader.epoch(0, 0));
    let mut epoch = loader.epoch(0, 0);
    assert!(epoch.next().is_some_and(|b| b.is_ok()));
    drop(epoch);
    assert_eq!(Arc::strong_count(&loader.shared), 1, "no thread is left");
}

#[test]
fn images_of_another_size_than_declared_are_errors_and_end_the_pass() {
    let loader = loader(&shapes(vec![batch(4)], 9), 0);
    let mut epoch = loader.epoch(0, 0);
    let error = epoch.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("shapes (split train): item 0: the image has 8x8 pixels, not 9x9"), "{error}");
    assert!(epoch.next().is_none());
}

#[test]
fn pipelines_that_give_no_batch_are_refused() {
    let message = |stages: Vec<Stage>| Loader::open(&shapes(stages, 8), None, 0).err().unwrap().to_string();
    assert!(message(vec![Stage::Shuffle]).contains("the last stage must be `batch`"));
    assert!(message(vec![batch(2), batch(2)]).contains("only the last stage"));
    assert!(message(vec![batch(0)]).contains("give no batch"));
    assert!(message(vec![Stage::Take(0), batch(2)]).contains("0 items"));
    assert!(message(vec![Stage::Batch { size: 24, drop_last: true }]).contains("do not fill a batch of 24"));
    let flip = Stage::Each(Transform::HFlip { probability: 2.0 });
    assert!(message(vec![flip, batch(2)]).starts_with("data set `train`: a probability lies"));
    let mut other = shapes(vec![batch(2)], 8);
    other.item[0].1 = Type::new(DType::F32, vec![Dim::from(3i64), Dim::symbol("H"), Dim::from(8i64)]);
    let message = Loader::open(&other, None, 0).err().unwrap().to_string();
    assert!(message.contains("items of constant size are needed, and `image` is f32[3, H, 8]"), "{message}");
}
