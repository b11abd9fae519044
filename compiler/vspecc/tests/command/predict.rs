//! Predictions: boxes of images in their own pixels, classes, pictures, and what can be wrong.

use std::path::Path;

use serde_json::Value;

use crate::scene::Scene;

/// Finds the rectangle of pixels that are bright. What `{stages}` do to an image, the answer has to undo.
const FINDER: &str = r#"
use std.metrics.coco_ap

module Finder() {
  param least: f32[] = 0.5

  forward(x: f32[B, 3, H, W]) {
    let bright = f32(x[:, 0] > least)
    let (column, row) = (f32(iota(W)), f32(iota(H)))
    let (in_column, in_row) = (max(bright, axis = 1) > 0.0, max(bright, axis = 2) > 0.0)
    let left = min(where(in_column, column, 1.0 * W), axis = 1)
    let right = max(where(in_column, column + 1.0, 0.0), axis = 1)
    let top = min(where(in_row, row, 1.0 * H), axis = 1)
    let bottom = max(where(in_row, row + 1.0, 0.0), axis = 1)
    let corners = stack([left, top, right, bottom], axis = 1)
    {
      box = reshape(corners, [B, 1, 4]),
      score = reshape(mean(bright, axis = [1, 2]), [B, 1]),
      label = i32(zeros([B, 1])) + 1,
    }
  }
}

experiment finder {
  data val = {data} |> batch(2)
  let net = Finder()
  step evaluate(b from val) {
    collect found = net(b.image)
    collect truths = b.truths
    finish { report ap = coco_ap(found, truths, 2).ap }
  }
  {more}
  run 1 epoch of evaluate
}
"#;

/// A folder with a network that was evaluated once, on scenes of 64 by 64 pixels.
fn scene() -> Scene {
    let scene = Scene::new(1);
    write_finder(&scene, "scenes(4, size = 64)", "");
    scene.succeed(&["run", "finder.vspec"]);
    scene
}

fn write_finder(scene: &Scene, data: &str, more: &str) {
    scene.write("finder.vspec", &FINDER.replace("{data}", data).replace("{more}", more));
}

/// A black image with a white rectangle of left, top, right and bottom, as BMP.
fn image(path: &Path, [width, height]: [u32; 2], [left, top, right, bottom]: [u32; 4]) {
    let stride = (3 * width).next_multiple_of(4);
    let mut bytes = b"BM".to_vec();
    bytes.extend((54 + stride * height).to_le_bytes());
    bytes.extend([0; 4]);
    for value in [54u32, 40, width, height] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    for y in (0..height).rev() {
        let inside = |x: u32| (left..right).contains(&x) && (top..bottom).contains(&y);
        let row: Vec<u8> = (0..width).flat_map(|x| [if inside(x) { 255 } else { 0 }; 3]).collect();
        bytes.extend(&row);
        bytes.extend(vec![0; (stride - 3 * width) as usize]);
    }
    std::fs::write(path, bytes).expect("writable");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn predict(scene: &Scene, more: &[&str]) -> Value {
    let base = ["predict", "finder.vspec", "--checkpoint", "runs/finder/latest"];
    json(&scene.succeed(&[&base[..], more].concat()).stdout)
}

#[test]
fn boxes_come_back_in_pixels_of_the_image() {
    let scene = scene();
    image(&scene.path("a.bmp"), [128, 256], [32, 64, 96, 224]);
    for stages in [
        "each(resize(64))",
        "each(resize(64, keep_ratio = true))",
        "each(resize(64, 64)) |> each(hflip(1.0))",
    ] {
        write_finder(&scene, &format!("scenes(4, size = 64) |> {stages}"), "");
        let found = predict(&scene, &["a.bmp"]);
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{stages}");
        let bbox: Vec<f64> = serde_json::from_value(found[0]["bbox"].clone()).expect("numbers");
        assert_eq!(bbox, [32.0, 64.0, 64.0, 160.0], "{stages}");
        assert_eq!(found[0]["image_id"], 1);
        assert_eq!(found[0]["file_name"], "a.bmp");
        assert_eq!(found[0]["category_id"], 1);
        assert!(found[0]["category"].as_str().is_some_and(|name| !name.starts_with("class")));
    }
}

#[test]
fn folders_and_patterns_are_read_and_pictures_are_written() {
    let scene = scene();
    std::fs::create_dir(scene.path("photos")).expect("writable");
    image(&scene.path("photos/b.bmp"), [100, 50], [2, 2, 98, 48]);
    image(&scene.path("photos/a.bmp"), [64, 64], [8, 8, 16, 16]);
    scene.write("photos/notes.txt", "no image");
    scene.write("photos/c.png", "broken");
    let done = scene.succeed(&[
        "predict",
        "finder.vspec",
        "--checkpoint",
        "runs/finder/latest",
        "photos",
        "photos/b*",
        "--out",
        "found",
    ]);
    assert!(
        done.stderr.contains("`photos/c.png` is not a JPEG, PNG or BMP image; it is left out"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("3 images, 3 boxes: found/predictions.json"), "{}", done.stderr);
    assert_eq!(scene.names("found"), ["a.png", "b-2.png", "b.png", "predictions.json"]);
    let found = json(&scene.read("found/predictions.json"));
    let images: Vec<&Value> = found.as_array().expect("a list").iter().map(|r| &r["image_id"]).collect();
    assert_eq!(images, [1, 2, 4]);
    assert_eq!(scene.bytes("found/b.png"), scene.bytes("found/b-2.png"));
    // The box of the large rectangle scores enough to be drawn, that of the small one does not.
    let plain = |name: &str| {
        let picture = tiny_skia::Pixmap::decode_png(&scene.bytes(name)).expect("a PNG");
        picture.pixels().iter().all(|p| p.red() == p.green() && p.green() == p.blue())
    };
    assert!(plain("found/a.png") && !plain("found/b.png"));
    let sure = predict(&scene, &["photos", "--threshold", "0.3"]);
    assert_eq!(sure.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_run_leaves_pictures_of_what_is_found_beside_the_truths() {
    let scene = scene();
    let folder = "runs/finder/001/pictures/evaluate";
    assert_eq!(scene.names(folder), ["1.png", "2.png", "3.png", "4.png"]);
    scene.succeed(&["run", "finder.vspec"]);
    for name in scene.names(folder) {
        let again = scene.bytes(&format!("runs/finder/002/pictures/evaluate/{name}"));
        assert_eq!(scene.bytes(&format!("{folder}/{name}")), again, "{name}");
        let picture = tiny_skia::Pixmap::decode_png(&again).expect("a PNG");
        // 64 by 64 pixels, each of them 8 by 8, and a legend.
        assert!(picture.width() == 512 && picture.height() > 512, "{name}");
        // The white of the dashes of at least one truth.
        let white = |p: &&tiny_skia::PremultipliedColorU8| [p.red(), p.green(), p.blue()] == [255; 3];
        assert!(picture.pixels()[..512 * 512].iter().filter(white).count() > 50, "{name}");
    }
    // Where nothing is told apart from truths, nothing is drawn.
    let plain = Scene::new(1);
    plain.succeed(&["run", "tiny.vspec", "--max-steps", "1"]);
    assert!(!plain.path("runs/tiny/001/pictures").exists());
}

#[test]
fn a_data_set_that_is_not_there_is_not_needed() {
    let scene = scene();
    image(&scene.path("a.bmp"), [128, 64], [32, 16, 64, 32]);
    let data = r#"coco("nowhere", split = "val", classes = ["cell", "plate"]) |> each(resize(64))"#;
    write_finder(&scene, data, "");
    let done = scene.succeed(&["predict", "finder.vspec", "--checkpoint", "runs/finder/latest", "a.bmp"]);
    assert!(done.stderr.starts_with("note: category_id is the place of a class"), "{}", done.stderr);
    assert_eq!(json(&done.stdout)[0]["category"], "plate");
}

#[test]
fn classes_that_only_the_data_names_are_known_to_the_checkpoint() {
    let scene = Scene::new(1);
    for (split, class) in [("train", "cat"), ("train", "owl"), ("val", "cat"), ("val", "owl")] {
        let folder = scene.path(&format!("data/pets/{split}/{class}"));
        std::fs::create_dir_all(&folder).expect("writable");
        image(&folder.join("1.bmp"), [16, 16], if class == "cat" { [0, 0, 4, 4] } else { [4, 4, 16, 16] });
    }
    let text = scene.read("tiny.vspec");
    let step = "step predict(b from val) { collect probability = softmax(net(b.image)) }\n\n  step evaluate";
    let text = text
        .replace("step evaluate", step)
        .replace("shapes(64, size = 16)", "image_folder(\"pets\", split = \"train\")");
    let text =
        text.replace("shapes(24, size = 16, split = \"val\")", "image_folder(\"pets\", split = \"val\")");
    let text = text.replace("|> shuffle |> batch(8)", "|> each(resize(16)) |> shuffle |> batch(2)");
    scene.write("tiny.vspec", &text.replace("|> batch(8)", "|> each(resize(16)) |> batch(2)"));
    scene.succeed(&["run", "tiny.vspec", "--data", "data"]);
    std::fs::rename(scene.path("data"), scene.path("elsewhere")).expect("can be moved");
    image(&scene.path("a.bmp"), [32, 16], [4, 4, 12, 12]);
    let args = ["predict", "tiny.vspec", "--checkpoint", "runs/tiny/latest", "a.bmp"];
    let done = scene.succeed(&args);
    let mut names: Vec<Value> = json(&done.stdout)[0]["classes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| c["category"].clone())
        .collect();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["cat", "owl"]);
    // Evaluation does need the data.
    assert!(scene.refuse(&["eval", "tiny.vspec", "--checkpoint", "runs/tiny/latest"]).contains("--data"));
}

#[test]
fn a_classifier_says_the_five_most_probable_classes() {
    let scene = Scene::new(1);
    let step = "step predict(b from val) { collect probability = softmax(net(b.image)) }\n\n  step evaluate";
    scene.write("tiny.vspec", &scene.read("tiny.vspec").replace("step evaluate", step));
    scene.succeed(&["run", "tiny.vspec", "--max-steps", "2"]);
    image(&scene.path("a.bmp"), [16, 16], [4, 4, 12, 12]);
    let args =
        ["predict", "tiny.vspec", "--checkpoint", "runs/tiny/latest/checkpoints/last.safetensors", "a.bmp"];
    let found = json(&scene.succeed(&args).stdout);
    let classes = found[0]["classes"].as_array().expect("a list");
    let probability = |class: &Value| class["probability"].as_f64().expect("a number");
    assert_eq!(classes.len(), 5);
    assert!(classes.windows(2).all(|pair| probability(&pair[0]) >= probability(&pair[1])));
    assert!(classes.iter().map(probability).sum::<f64>() <= 1.0001);
    let wrong = scene.refuse(&[
        "predict",
        "tiny.vspec",
        "--checkpoint",
        "runs/tiny/latest",
        "a.bmp",
        "--step",
        "train",
    ]);
    assert!(wrong.contains("step `train` predicts nothing"), "{wrong}");
    // Images of another size than those that the source draws are fitted in.
    image(&scene.path("b.bmp"), [20, 16], [4, 4, 12, 12]);
    scene.succeed(&["predict", "tiny.vspec", "--checkpoint", "runs/tiny/latest", "b.bmp"]);
}

#[test]
fn what_is_wrong_is_said() {
    let scene = scene();
    image(&scene.path("a.bmp"), [64, 64], [8, 8, 32, 32]);
    let refuse = |file: &str, checkpoint: &str, more: &[&str]| {
        scene.refuse(&[&["predict", file, "--checkpoint", checkpoint][..], more].concat())
    };
    let run = "runs/finder/latest";
    let missing = refuse("finder.vspec", run, &["absent.png"]);
    assert!(missing.contains("cannot read `absent.png`: no such file or folder"), "{missing}");
    // The start of a JPEG and nothing behind.
    std::fs::write(scene.path("cut.jpg"), [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0]).expect("writable");
    let cut = refuse("finder.vspec", run, &["cut.jpg"]);
    assert!(cut.contains("`cut.jpg` is a truncated JPEG"), "{cut}");
    let none = refuse("tiny.vspec", run, &["a.bmp"]);
    assert!(
        none.contains("no step of experiment `tiny` predicts") && none.contains("step predict"),
        "{none}"
    );
    let step = "step predict(b from val) { collect probability = softmax(net(b.image)) }\n\n  step evaluate";
    scene.write("tiny.vspec", &scene.read("tiny.vspec").replace("step evaluate", step));
    let other = refuse("tiny.vspec", run, &["a.bmp"]);
    assert!(
        other.contains("does not fit the experiment") && other.contains("written by experiment `finder`"),
        "{other}"
    );
    assert!(other.contains("has experiment `tiny`"), "{other}");
    let nowhere = refuse("finder.vspec", "runs/absent.safetensors", &["a.bmp"]);
    assert!(nowhere.contains("cannot read `runs/absent.safetensors`"), "{nowhere}");
    scene.succeed(&["predict", "finder.vspec", "--checkpoint", run, "a.bmp", "--out", "found"]);
    let own = refuse("finder.vspec", run, &["found/a.png", "--out", "found"]);
    assert!(own.contains("the picture of `found/a.png` would take its place"), "{own}");
}

#[test]
fn steps_that_need_truths_or_random_data_are_refused() {
    let scene = scene();
    image(&scene.path("a.bmp"), [64, 64], [8, 8, 32, 32]);
    let refuse = |data: &str, more: &str, options: &[&str]| {
        write_finder(&scene, data, more);
        let base = ["predict", "finder.vspec", "--checkpoint", "runs/finder/latest", "a.bmp"];
        scene.refuse(&[&base[..], options].concat())
    };
    let truths = "step predict(b from val) {
    let found = net(b.image)
    collect found = { box: found.box + filled(b.truths.box, 0.0)[:, 0:1], score: found.score, label: found.label }
  }";
    let said = refuse("scenes(4, size = 64)", truths, &[]);
    assert!(said.contains("`found` of step `predict` needs `b.truths.box`"), "{said}");
    let said = refuse("scenes(4, size = 64) |> each(hflip(0.5))", "", &[]);
    assert!(said.contains("data set `val`: `hflip` is random"), "{said}");
    let more = "step look(b from val) {
    collect near = net(0.5 * b.image)
    finish { report n = mean(near.score) }
  }";
    write_finder(&scene, "scenes(4, size = 64)", more);
    let base = ["predict", "finder.vspec", "--checkpoint", "runs/finder/latest", "a.bmp"];
    let first = scene.succeed(&base);
    assert!(
        first.stderr.contains("step `evaluate` predicts; --step names another: look"),
        "{}",
        first.stderr
    );
    assert_eq!(json(&first.stdout)[0]["bbox"][2], 24.0);
    // Half as bright, nothing is above one half: a box without area is none.
    let other = scene.succeed(&[&base[..], &["--step", "look"]].concat());
    assert_eq!(other.stdout, "[]\n");
}
