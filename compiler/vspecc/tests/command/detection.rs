//! Detection sets in a run: boxes, average precision over a whole pass, and warnings about the data.

use crate::scene::Scene;

/// Finds every shape of an image but the first, each with its place in the image as a score.
const EXPERIMENT: &str = r#"
use std.metrics.{coco_ap, voc_ap}

fn found(truths) {
  let place = reshape(f32(iota(8)), [1, 8])
  let rows = {
    box = filled(truths.box, 0.0),
    score = 1.0 - 0.1 * place + 0.0 * filled(truths.area, 0.0),
    label = filled(truths.label, 0),
  }
  masked(rows, valid(truths.label) and broadcast(place > 0.0, shape(rows.score)))
}

experiment ideal {
  data val = {data} |> batch(7)
  step evaluate(b from val) {
    collect truths = b.truths
    collect right = b.truths.label
    collect rows = found(b.truths)
    collect count = valid_count(b.truths.label)
    finish {
      let scores = coco_ap(rows, truths, val.classes)
      let pascal = voc_ap(rows, truths, val.classes)
      report images = f32(shape(count)[0])
      report truths = f32(sum(count))
      report again = f32(sum(valid_count(right)))
      report recall = scores.ar_100
      report ap = scores.ap50
      report voc = pascal.map
    }
  }
  run 1 epoch of evaluate, expect evaluate.voc >= 0.3
}
"#;

/// The last numbers that were reported.
fn reports(scene: &Scene) -> std::collections::BTreeMap<String, f64> {
    let table = scene.read("runs/ideal/001/metrics.csv");
    let mut lines = table.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let (names, values) = (lines.next().expect("a header"), lines.next_back().expect("a row"));
    names.into_iter().zip(values).filter_map(|(n, v)| Some((n, v.parse().ok()?))).collect()
}

#[test]
fn average_precision_sees_padded_rows_of_the_whole_pass() {
    let scene = Scene::new(1);
    scene.write("ideal.vspec", &EXPERIMENT.replace("{data}", "scenes(40, size = 48)"));
    scene.succeed(&["run", "ideal.vspec"]);
    let found = reports(&scene);
    let value = |name: &str| {
        let hit = found.iter().find(|(n, _)| n.ends_with(name));
        *hit.unwrap_or_else(|| panic!("no `{name}` in {found:?}")).1
    };
    assert_eq!(value("images"), 40.0);
    assert_eq!(value("again"), value("truths"));
    // Each image lacks its first truth, and what is found is right.
    let share = 1.0 - 40.0 / value("truths");
    assert!((value("recall") - share).abs() < 0.05, "{found:?}");
    assert!((value("voc") - share).abs() < 0.05 && (value("ap") - share).abs() < 0.05, "{found:?}");
}

#[test]
fn warnings_name_the_record_and_the_run_goes_on() {
    let scene = Scene::new(1);
    let image = |id: u32| format!(r#"{{"id": {id}, "file_name": "{id}.bmp", "width": 2, "height": 2}}"#);
    let json = format!(
        r#"{{"images": [{}, {}], "categories": [{{"id": 1, "name": "dot"}}], "annotations": [
        {{"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}},
        {{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 2]}},
        {{"image_id": 2, "bbox": [0, 0, 2, 2]}}]}}"#,
        image(1),
        image(2)
    );
    std::fs::create_dir_all(scene.path("data/dots/images")).expect("can be made");
    scene.write("data/dots/coco.json", &json);
    let bmp = bmp();
    for id in [1, 2] {
        std::fs::write(scene.path(&format!("data/dots/images/{id}.bmp")), &bmp).expect("can be written");
    }
    let data = r#"coco("dots", at_most = 8) |> each(resize(32))"#;
    scene.write("ideal.vspec", &EXPERIMENT.replace("{data}", data));
    let done = scene.succeed(&["run", "ideal.vspec", "--data", "data"]);
    let said = format!("{}{}", done.stdout, done.stderr);
    let warning = "annotations[2]: has no `category_id`; it is left out";
    let noted = scene.read("runs/ideal/001/train.log");
    assert!(said.contains(warning) && noted.contains(warning), "{said}\n{noted}");
    assert_eq!(said.matches("warning: data set val").count(), 1, "{said}");
}

/// Every mistake that a file of truths can have, in a set that a detector then learns from.
#[test]
fn a_broken_set_is_named_record_by_record_and_trains() {
    let scene = Scene::new(1);
    let image = |id: u32| format!(r#"{{"id": {id}, "file_name": "{id}.bmp", "width": 2, "height": 2}}"#);
    let images: Vec<String> = (1..=5).map(image).collect();
    let json = format!(
        r#"{{"images": [{}, {{"id": 9}}], "categories": [{{"id": 1, "name": "dot"}}], "annotations": [
        {{"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}},
        {{"image_id": 2, "category_id": 1, "bbox": [1, 1, 5, 5]}},
        {{"image_id": 2, "category_id": 1, "bbox": [7, 7, 5, 5]}},
        {{"image_id": 2, "category_id": 1, "bbox": [0, 0, 0, 2]}},
        {{"image_id": 3, "category_id": 4, "bbox": [0, 0, 2, 2]}},
        {{"image_id": 5, "category_id": 1, "bbox": [0, 0, 1, 1]}},
        {{"image_id": 5, "category_id": 1}}]}}"#,
        images.join(", ")
    );
    std::fs::create_dir_all(scene.path("data/dots/images")).expect("can be made");
    scene.write("data/dots/coco.json", &json);
    for id in 1..=5 {
        let bytes = if id == 4 { bmp()[..60].to_vec() } else { bmp() };
        std::fs::write(scene.path(&format!("data/dots/images/{id}.bmp")), bytes).expect("can be written");
    }
    scene.write("train.vspec", TRAINING);
    let done = scene.succeed(&["run", "train.vspec", "--data", "data"]);
    let log = scene.read("runs/broken/001/train.log");
    for warning in [
        "coco.json: images[5] has no `file_name`; it is left out",
        "coco.json: annotations[1]: the box 1, 1, 6, 6 reaches out of the image of 2x2 pixels; it is cut off",
        "coco.json: annotations[2]: the box 7, 7, 12, 12 lies outside the image of 2x2 pixels; it is left out",
        "coco.json: annotations[3]: the box 0, 0, 0, 2 has no area; it is left out",
        "coco.json: annotations[4]: has the unknown category 4; it is left out",
        "coco.json: annotations[6]: has no `bbox`; it is left out",
        "images/4.bmp",
    ] {
        let all = format!("{}{}", done.stdout, done.stderr);
        assert_eq!(log.matches(warning).count(), 1, "{warning}\n{log}");
        assert!(all.contains(warning), "{warning}\n{all}");
    }
    let table = scene.read("runs/broken/001/metrics.csv");
    let numbers: Vec<f64> =
        table.lines().skip(1).flat_map(|l| l.split(',')).filter_map(|v| v.parse().ok()).collect();
    assert!(numbers.len() > 4 && numbers.iter().all(|v| v.is_finite()), "{table}");
}

/// Two epochs of a small detector.
const TRAINING: &str = r#"
use std.detectors.{Pyramid, RetinaLoss, RetinaNet}
use std.nn.ResNet
use std.optim.sgd

experiment broken {
  data train = coco("dots", at_most = 3) |> each(resize(32)) |> each(hflip(0.5)) |> shuffle |> batch(2)
  let body = ResNet(10, classes = 0, width = 4)
  let net = RetinaNet(Pyramid(body, channels = [8, 16, 32], width = 8), train.classes, channels = 8, layers = 1)
  let opt = sgd(lr = 0.01)
  step train(b from train) {
    term loss = RetinaLoss()(net(b.image), b.truths)
    minimize terms over net.params by opt
  }
  run 2 epochs of train
}
"#;

/// Two by two grey pixels.
fn bmp() -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend(70u32.to_le_bytes());
    bytes.extend([0; 4]);
    for value in [54u32, 40, 2, 2] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    bytes.extend([128; 16]);
    bytes
}
