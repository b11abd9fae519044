//! Data pipelines from the text to batches: what the stages of a program hand to a step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vspec_data::{Batch, Loader};
use vspec_dfdx::DfdxEngine;
use vspec_elaborate::{Override, compile};
use vspec_engine::{Buffer, HostTensor};
use vspec_ir::Program;
use vspec_optimize::differentiate::{self, Tape};
use vspec_tests::{NoWorld, assert_clean, plain};

/// The program of an experiment that has these parts and a step that reads batches `b` of `train`.
fn program_with(functions: &str, data: &str, report: &str, set: &[(&str, &str)]) -> Program {
    let text = format!(
        "{functions}\nexperiment e {{\n{data}\n  step s(b from train) {{ report m = {report} }}\n  run 1 epoch of s\n}}\n"
    );
    let set: Vec<Override> = set
        .iter()
        .map(|(path, value)| Override { path: path.to_string(), value: value.to_string() })
        .collect();
    let mut compiled = compile(&NoWorld, Path::new("test.vspec"), &text, &set);
    assert_clean(&compiled, &text);
    let mut program = compiled.programs.remove(0);
    differentiate::prepare_program(&mut program, Tape::First).expect("has gradients");
    program
}

fn program(data: &str) -> Program {
    program_with("", data, "mean(f32(b.label))", &[])
}

fn loader(program: &Program, name: &str, seed: u64) -> Loader {
    let set = program.data.iter().find(|d| d.name == name).expect("the data set exists");
    Loader::open(set, None, seed).expect("opens")
}

fn pass(loader: &Loader, epoch: u64) -> Vec<Batch> {
    loader.epoch(epoch, 0).collect::<Result<_, _>>().expect("a pass without errors")
}

fn sizes(batches: &[Batch]) -> Vec<usize> {
    batches.iter().map(|b| b.items).collect()
}

/// A field of every item of a pass, as bits that can be compared and sorted.
fn rows(batches: &[Batch], field: &str) -> Vec<Vec<u64>> {
    let of_batch = |batch: &Batch| {
        let tensor = batch.field(field).unwrap_or_else(|| panic!("no field `{field}`"));
        let (values, rows) = (tensor.to_f64(), batch.items);
        values
            .chunks(values.len() / rows)
            .map(|r| r.iter().map(|v| v.to_bits()).collect())
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

fn numbers(batches: &[Batch], field: &str) -> Vec<f64> {
    batches.iter().flat_map(|b| b.field(field).expect("the field exists").to_f64()).collect()
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

/// Every pass is the same whatever the number of threads and wherever it is begun.
fn assert_repeatable(program: &Program) {
    for epoch in [0, 3] {
        let whole = pass(&loader(program, "train", 7), epoch);
        for workers in [1, 2, 5] {
            let other = loader(program, "train", 7).with_workers(workers);
            assert_eq!(pass(&other, epoch), whole, "{workers} threads");
            for skip in 0..=whole.len() {
                let rest: Vec<Batch> = other.epoch(epoch, skip).collect::<Result<_, _>>().expect("no errors");
                assert_eq!(rest, whole[skip..], "from batch {skip}");
            }
        }
        assert_ne!(pass(&loader(program, "train", 8), epoch), whole, "another seed");
        assert_ne!(pass(&loader(program, "train", 7), epoch + 1), whole, "another epoch");
    }
}

mod functions {
    use super::*;

    const FUNCTIONS: &str = "
fn noisy(item: { image: f32[3, H, W], label: i32[] }, amount: float = 0.1) {
  { image: item.image + amount * normal([3, H, W]), strength: amount * uniform([]) }
}
fn half(item: { image: f32[3, H, W] }) -> { image: f32[3, H / 2, W], mask: bool[H / 2, W] } {
  require H % 2 == 0
  let upper = item.image[:, 0:H / 2]
  { image: upper, mask: mean(upper, axis = 0) > 0.5 }
}
fn steep(item: { image: f32[3, H, W] }) {
  { image: grad(sum(item.image * item.image), item.image) }
}
";

    #[test]
    fn fields_change_are_added_and_stay() {
        let data = "data train = shapes(10, size = 8) |> each(half) |> batch(4)";
        let program = program_with(FUNCTIONS, data, "mean(f32(b.mask)) + mean(b.image)", &[]);
        let types: Vec<String> =
            program.data[0].item.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        assert_eq!(types, ["image: f32[3, 4, 8]", "label: i32[]", "mask: bool[4, 8]"]);
        assert_eq!(program.steps[0].batches[0].fields, ["image", "mask"]);
        let batches = pass(&loader(&program, "train", 0), 0);
        assert_eq!(sizes(&batches), [4, 4, 2]);
        assert_eq!(batches[2].field("image").expect("is there").shape(), [2, 3, 4, 8]);
        assert_eq!(batches[2].field("mask").expect("is there").shape(), [2, 4, 8]);
        let plain = program_with("", "data train = shapes(10, size = 8) |> batch(10)", "mean(b.image)", &[]);
        let whole = pass(&loader(&plain, "train", 0), 0);
        let (whole, upper) = (rows(&whole, "image"), rows(&batches, "image"));
        for (whole, upper) in whole.iter().zip(&upper) {
            let expected: Vec<u64> = whole.chunks(64).flat_map(|plane| plane[..32].to_vec()).collect();
            assert_eq!(*upper, expected);
        }
        for (mask, image) in rows(&batches, "mask").iter().zip(&upper) {
            let value = |plane: usize, i: usize| f64::from_bits(image[32 * plane + i]) as f32;
            for (i, bit) in mask.iter().enumerate() {
                let mean = (value(0, i) + value(1, i) + value(2, i)) / 3.0;
                assert!((mean - 0.5).abs() < 1e-6 || (f64::from_bits(*bit) == 1.0) == (mean > 0.5));
            }
        }
    }

    #[test]
    fn randomness_is_that_of_the_item() {
        let data = "data train = shapes(12, size = 8) |> each(noisy(amount = 0.5)) |> shuffle |> batch(5)";
        let program = program_with(FUNCTIONS, data, "mean(b.image) + mean(b.strength)", &[]);
        assert_repeatable(&program);
        let strengths = numbers(&pass(&loader(&program, "train", 7), 0), "strength");
        assert!(strengths.iter().all(|s| (0.0..0.5).contains(s)));
        let different: BTreeSet<u64> = strengths.iter().map(|s| s.to_bits()).collect();
        assert_eq!(different.len(), 12, "each item draws its own");
    }

    #[test]
    fn two_stages_of_one_function_draw_differently() {
        let strength = |stages: &str| {
            let data = format!("data train = shapes(4, size = 8) |> {stages} |> batch(4)");
            let program = program_with(FUNCTIONS, &data, "mean(b.image)", &[]);
            numbers(&pass(&loader(&program, "train", 1), 0), "strength")
        };
        let (once, twice) = (strength("each(noisy)"), strength("each(noisy) |> each(noisy)"));
        assert!(twice.iter().zip(&once).all(|(a, b)| a != b));
    }

    #[test]
    fn images_of_unknown_size_pass() {
        let data = "data train = image_folder(\"x\", split = \"train\", classes = 2) |> each(noisy) |> each(resize(6)) |> each(half) |> batch(4)";
        let program = program_with(FUNCTIONS, data, "mean(b.image)", &[]);
        assert_eq!(program.data[0].item[0].1.to_string(), "f32[3, 3, 6]");
    }

    #[test]
    fn gradients_and_other_engines_work() {
        let data = "data train = shapes(6, size = 8) |> each(steep) |> batch(6)";
        let program = program_with(FUNCTIONS, data, "mean(b.image)", &[]);
        let plain = program_with("", "data train = shapes(6, size = 8) |> batch(6)", "mean(b.image)", &[]);
        let images = numbers(&pass(&loader(&plain, "train", 0), 0), "image");
        let gradients = numbers(&pass(&loader(&program, "train", 0), 0), "image");
        assert!(images.iter().zip(&gradients).all(|(x, g)| (2.0 * x - g).abs() < 1e-6));
        let other = Loader::on(Box::new(DfdxEngine::default()), &program.data[0], None, 0).expect("opens");
        let on_dfdx = numbers(&pass(&other, 0), "image");
        assert!(on_dfdx.iter().zip(&gradients).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn overrides_reach_their_arguments() {
        let data = "data train = shapes(4, size = 8) |> each(noisy(amount = 0.5)) |> batch(4)";
        let set = [("train.noisy.amount", "0.0"), ("train.batch", "3")];
        let program = program_with(FUNCTIONS, data, "mean(b.image)", &set);
        let batches = pass(&loader(&program, "train", 0), 0);
        assert_eq!(sizes(&batches), [3, 1]);
        assert!(numbers(&batches, "strength").iter().all(|s| *s == 0.0));
    }
}

mod pairs {
    use super::*;

    #[test]
    fn fields_of_both_items_and_their_relation() {
        let data = "data train = shapes(64, size = 8) |> each(hflip()) |> pairs(negative = 0.3) |> shuffle |> batch(6)";
        let report =
            "mean(f32(b.positive)) + mean(b.first.image - b.second.image) + mean(f32(b.second.label))";
        let program = program_with("", data, report, &[]);
        assert_repeatable(&program);
        let fields = ["first.image", "first.label", "second.image", "second.label", "positive"];
        assert_eq!(program.data[0].item.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), fields);
        let mut negative = 0;
        for epoch in 0..10 {
            let batches = pass(&loader(&program, "train", 5), epoch);
            assert_eq!(sizes(&batches), [6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 4]);
            let (first, second) = (numbers(&batches, "first.label"), numbers(&batches, "second.label"));
            let positive = numbers(&batches, "positive");
            for ((a, b), positive) in first.iter().zip(&second).zip(positive) {
                assert_eq!(a == b, positive == 1.0);
                negative += usize::from(positive == 0.0);
            }
        }
        assert!((150..=235).contains(&negative), "{negative} of 640 with probability 0.3");
    }

    #[test]
    fn a_function_may_see_the_pair() {
        let functions = "
record Labelled { image: f32[3, 8, 8], label: i32[] }
fn apart(pair: { first: Labelled, second: Labelled }) {
  { first: { image: pair.first.image - pair.second.image }, distance: mean(abs(pair.first.image - pair.second.image)) }
}";
        let data = "data train = shapes(20, size = 8) |> pairs(within = 1) |> each(apart) |> batch(20)";
        let program = program_with(functions, data, "mean(b.distance)", &[]);
        let batches = pass(&loader(&program, "train", 0), 0);
        let images = numbers(&batches, "first.image");
        for (row, distance) in images.chunks(192).zip(numbers(&batches, "distance")) {
            let mean = row.iter().map(|v| v.abs()).sum::<f64>() / 192.0;
            assert!((mean - distance).abs() < 1e-6);
        }
        // Ten classes of two items each: the second one is always the other one.
        assert!(numbers(&batches, "distance").iter().all(|d| *d > 0.0));
    }

    #[test]
    fn overrides_reach_their_arguments() {
        let data = "data train = shapes(30, size = 8) |> pairs(negative = 0.5) |> batch(30)";
        let step = "mean(f32(b.positive))";
        for (set, expected) in [(("train.negative", "1.0"), 0.0), (("train.pairs.negative", "0.0"), 30.0)] {
            let program = program_with("", data, step, &[set]);
            let batches = pass(&loader(&program, "train", 0), 0);
            assert_eq!(numbers(&batches, "positive").iter().sum::<f64>(), expected);
        }
        program_with("", data, step, &[("train.within", "3")]);
    }
}

mod mixes {
    use super::*;

    const DATA: &str = "
  data few = shapes(7, size = 8, split = \"few\")
  data many = shapes(100, size = 8, split = \"many\") |> each(hflip()) |> shuffle
  data train = mix({ few: 1, many: 2 }) |> batch(10)";

    /// The images of a data set that nothing changes.
    fn originals(count: usize, split: &str) -> BTreeSet<Vec<u64>> {
        let program =
            program(&format!("data train = shapes({count}, size = 8, split = \"{split}\") |> batch(50)"));
        rows(&pass(&loader(&program, "train", 0), 0), "image").into_iter().collect()
    }

    #[test]
    fn shares_are_those_of_the_weights() {
        let program = program(DATA);
        assert_repeatable(&program);
        let few = originals(7, "few");
        let loader = loader(&program, "train", 3);
        assert_eq!((loader.len(), loader.batches_per_epoch(), loader.info().items), (107, 11, 107));
        let mut times = BTreeMap::<Vec<u64>, usize>::new();
        for epoch in 0..7 {
            let batches = pass(&loader, epoch);
            assert_eq!(sizes(&batches).iter().sum::<usize>(), 107);
            let of_few: Vec<Vec<u64>> =
                rows(&batches, "image").into_iter().filter(|i| few.contains(i)).collect();
            assert_eq!(of_few.len(), 36, "a third of 107");
            of_few.into_iter().for_each(|image| *times.entry(image).or_default() += 1);
        }
        // 7 epochs of 36 items go through the 7 items 36 times.
        assert_eq!(times.into_values().collect::<Vec<_>>(), [36; 7]);
    }

    #[test]
    fn a_mix_gives_as_many_items_as_are_drawn() {
        let data = DATA.replace("|> batch(10)", "|> draw(600) |> batch(7)");
        let program = program_with("", &data, "mean(b.image)", &[("train.draw", "60")]);
        assert_repeatable(&program);
        let loader = loader(&program, "train", 3);
        assert_eq!((loader.len(), loader.batches_per_epoch()), (60, 9));
        let few = originals(7, "few");
        let batches = pass(&loader, 2);
        assert_eq!(sizes(&batches), [7, 7, 7, 7, 7, 7, 7, 7, 4]);
        assert_eq!(rows(&batches, "image").iter().filter(|i| few.contains(*i)).count(), 20);
    }

    #[test]
    fn a_mix_can_be_changed_paired_and_mixed_again() {
        let data = "
  data a = shapes(20, size = 8, split = \"a\") |> pairs(within = 1)
  data b = shapes(30, size = 12, split = \"b\") |> each(resize(8)) |> pairs(negative = 0.5)
  data both = mix({ a: 1, b: 1 })
  data c = shapes(10, size = 8, split = \"c\") |> pairs()
  data train = mix({ c: 1, both: 4 }) |> draw(50) |> batch(50)";
        let program = program_with("", data, "mean(b.first.image) + mean(f32(b.positive))", &[]);
        assert_repeatable(&program);
        let batches = pass(&loader(&program, "train", 0), 0);
        assert_eq!(sizes(&batches), [50]);
    }

    #[test]
    fn parts_of_different_sizes_are_resized_after_they_are_mixed() {
        let data = "
  data a = image_folder(\"a\", split = \"train\", classes = 10)
  data b = shapes(30, size = 12)
  data train = mix({ a: 1, b: 1 }) |> each(resize(8)) |> batch(4)";
        assert_eq!(program(data).data[2].item[0].1.to_string(), "f32[3, 8, 8]");
    }

    #[test]
    fn sample_knows_the_classes_of_a_mix() {
        let data = "
  data a = shapes(40, size = 8, split = \"a\")
  data b = shapes(40, size = 8, split = \"b\")
  data train = mix({ a: 1, b: 1 }) |> sample(classes = 5, per_class = 3)";
        let program = program(data);
        assert_repeatable(&program);
        for batch in pass(&loader(&program, "train", 0), 0) {
            let labels = numbers(&[batch], "label");
            assert!(labels.chunks(3).all(|c| c.iter().all(|l| *l == c[0])));
        }
    }
}

mod draws {
    use super::*;

    #[test]
    fn an_epoch_has_as_many_items_and_nothing_comes_too_early() {
        for count in [10usize, 23, 60] {
            let program = program(&format!("data train = shapes(23, size = 8) |> draw({count}) |> batch(4)"));
            assert_repeatable(&program);
            let loader = loader(&program, "train", 1);
            assert_eq!((loader.len(), loader.batches_per_epoch()), (count, count.div_ceil(4)));
            let drawn: Vec<Vec<u64>> = (0..23).flat_map(|e| rows(&pass(&loader, e), "image")).collect();
            assert_eq!(drawn.len(), 23 * count);
            let all = sorted(drawn[..23].to_vec());
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 23);
            assert!(drawn.chunks(23).all(|permutation| sorted(permutation.to_vec()) == all));
        }
    }

    #[test]
    fn an_item_that_comes_again_is_changed_anew() {
        let data = "data train = shapes(1, size = 8) |> each(color_jitter(brightness = 0.5)) |> draw(20) |> batch(20)";
        let batches = pass(&loader(&program(data), "train", 1), 0);
        assert_eq!(rows(&batches, "image").into_iter().collect::<BTreeSet<_>>().len(), 20);
    }

    #[test]
    fn pairs_that_come_again_are_new_pairs() {
        let data = "data train = shapes(40, size = 8) |> pairs() |> draw(400) |> batch(50)";
        let program = program_with("", data, "mean(b.first.image)", &[]);
        assert_repeatable(&program);
        let batches = pass(&loader(&program, "train", 1), 0);
        let pairs = rows(&batches, "first.image").into_iter().zip(rows(&batches, "second.image"));
        // Each of 40 items has three partners and is drawn ten times.
        assert!(pairs.collect::<BTreeSet<_>>().len() > 100);
    }
}

mod parts {
    use super::*;

    fn parts(arguments: &str, stages: &str) -> [Vec<Vec<u64>>; 3] {
        let part = |name: &str| {
            let data = format!(
                "data train = shapes(101, size = 8) |> part(\"{name}\", of = {{ train: 0.8, val: 0.1, test: 0.1 }}{arguments}){stages} |> batch(16)"
            );
            rows(&pass(&loader(&program(&data), "train", 4), 2), "image")
        };
        ["train", "val", "test"].map(part)
    }

    #[test]
    fn parts_are_disjoint_and_complete() {
        let whole = program("data train = shapes(101, size = 8) |> batch(16)");
        let whole = sorted(rows(&pass(&loader(&whole, "train", 0), 0), "image"));
        for (arguments, stages) in [("", ""), (", seed = 3", " |> shuffle"), (", stratified = true", "")] {
            let parts = parts(arguments, stages);
            assert_eq!(parts.each_ref().map(Vec::len), [81, 10, 10]);
            assert_eq!(sorted(parts.concat()), whole);
        }
        assert_ne!(sorted(parts("", "")[1].clone()), sorted(parts(", seed = 1", "")[1].clone()));
    }

    #[test]
    fn a_stratified_part_has_every_class() {
        let data = "data train = shapes(200, size = 8) |> part(\"val\", of = { train: 0.9, val: 0.1 }, stratified = true) |> batch(20)";
        let labels = numbers(&pass(&loader(&program(data), "train", 0), 0), "label");
        assert_eq!(labels.len(), 20);
        for class in 0..10 {
            let count = labels.iter().filter(|l| **l == f64::from(class)).count();
            assert!((1..=3).contains(&count), "{count} of class {class}");
        }
    }

    #[test]
    fn neither_the_run_nor_the_name_decides() {
        let data = "data train = shapes(50, size = 8) |> part(\"a\", of = { a: 0.5, b: 0.5 }) |> batch(25)";
        let first = pass(&loader(&program(data), "train", 0), 0);
        assert_eq!(first, pass(&loader(&program(data), "train", 9), 5));
    }

    #[test]
    fn overrides_reach_their_arguments() {
        let data = "data train = shapes(50, size = 8) |> part(\"a\", of = { a: 0.5, b: 0.5 }) |> batch(25)";
        let set = [("train.part", "\"b\""), ("train.part.seed", "2"), ("train.of", "{ a: 0.9, b: 0.1 }")];
        let program = program_with("", data, "mean(b.image)", &set);
        assert_eq!(sizes(&pass(&loader(&program, "train", 0), 0)), [5]);
    }
}

#[test]
fn errors_while_reading_name_the_item_and_the_function() {
    let functions = "
fn half(item: { image: f32[3, H, W] }) {
  require H % 5 == 0
  { image: item.image[:, 0:H / 5] }
}";
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "{functions}\nexperiment e {{\n  data train = image_list(\"d\", list = \"l.txt\", classes = 1) |> each(half) |> each(resize(4)) |> batch(1)\n  step s(b from train) {{ report m = mean(b.image) }}\n  run 1 epoch of s\n}}"
    );
    let compiled = compile(&NoWorld, Path::new("test.vspec"), &text, &[]);
    assert!(!compiled.has_errors(), "{}", plain(&compiled));
    std::fs::create_dir(folder.path().join("d")).expect("writable");
    // A plain image of 4 rows as a bitmap: 54 bytes of header, then rows of 4 pixels.
    let mut bitmap = vec![0u8; 54 + 48];
    bitmap[..2].copy_from_slice(b"BM");
    for (at, value) in [(2, 102u32), (10, 54), (14, 40), (18, 4), (22, 4), (34, 48)] {
        bitmap[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    (bitmap[26], bitmap[28]) = (1, 24);
    std::fs::write(folder.path().join("d/a.bmp"), bitmap).expect("writable");
    std::fs::write(folder.path().join("d/l.txt"), "a.bmp 0\n").expect("writable");
    let loader = Loader::open(&compiled.programs[0].data[0], Some(folder.path()), 0).expect("opens");
    let error = loader.epoch(0, 0).next().expect("a result").expect_err("4 is no multiple of 5").to_string();
    assert!(error.contains("a.bmp") && error.contains("`half`") && error.contains("H % 5 == 0"), "{error}");
}

#[test]
fn a_batch_holds_what_its_item_type_says() {
    let data = "data train = shapes(9, size = 8) |> pairs() |> batch(9)";
    let program = program_with("", data, "mean(b.first.image)", &[]);
    let batch = pass(&loader(&program, "train", 0), 0).remove(0);
    let types = batch.fields.iter().map(|(_, t)| matches!(t.buffer(), Buffer::Bool(_)));
    assert_eq!(types.collect::<Vec<_>>(), [false, false, false, false, true]);
    assert!(batch.fields.iter().all(|(_, t): &(String, HostTensor)| t.shape()[0] == 9));
}
