//! Pictures of assignment rules.

use crate::scene::Scene;

/// Points every 16 pixels; those in a truth belong to it, with a weight of one half.
const EXPERIMENT: &str = r#"
use std.boxes.{inside, points}
use std.nn.Conv
use std.optim.sgd

assign Inside()
  rows a: { point: f32[2], score: f32 }
  cols t: { label: i32, box: f32[4] }
{
  pick where inside(a.point, t.box)
  resolve by a.score per a
  give weight = 0.5 else 0
}

module Net() {
  conv = Conv(3, 1, kernel = 16, stride = 16, padding = 0)
  forward(x: f32[B, 3, 64, 64]) { reshape(conv(x), [B, 16]) }
}

experiment inside {
  data train = scenes(6, size = 64) |> shuffle |> batch(3)
  let net = Net()
  let opt = sgd(lr = 0.1)
  step train(b from train) {
    let score = net(b.image)
    let found = Inside()({ point = points(4, 4, 16), score }, { label = b.truths.label, box = b.truths.box })
    if epoch < 2 { minimize mean(found.weight * score) over net.params by opt }
    else { minimize mean(square(found.weight - score)) over net.params by opt }
  }
  run 1 epoch of train
}
"#;

fn scene() -> Scene {
    let scene = Scene::new(1);
    scene.write("inside.vspec", EXPERIMENT);
    scene
}

#[test]
fn every_positive_is_a_point_of_its_level() {
    let scene = scene();
    let done = scene.succeed(&["explain", "inside.vspec", "--rules", "seen"]);
    let names = scene.names("seen");
    let expected =
        ["1", "2", "3"].map(|i| [format!("train-Inside-{i}.png"), format!("train-Inside-2-{i}.png")]);
    let mut expected = expected.concat();
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(done.stdout.lines().count(), 6);
    // Points every 16 pixels, of which each is 8 in the picture: those in truths have the colour of the first level, others have not.
    let red = |picture: &tiny_skia::Pixmap, i: u32| {
        let (x, y) = (64 + 128 * (i % 4), 64 + 128 * (i / 4));
        let p = picture.pixel(x, y).expect("inside");
        let [red, green, blue] = [p.red(), p.green(), p.blue()].map(i32::from);
        red - green.max(blue)
    };
    let mut positives = 0;
    for i in 1..=3 {
        let picture = tiny_skia::Pixmap::decode_png(&scene.bytes(&format!("seen/train-Inside-{i}.png")));
        let picture = picture.expect("a PNG");
        positives += (0..16).filter(|i| red(&picture, *i) > 60).count();
    }
    assert!((2..40).contains(&positives), "{positives}");
    scene.succeed(&["explain", "inside.vspec", "--rules", "again", "--step", "train"]);
    for name in names {
        assert_eq!(scene.bytes(&format!("seen/{name}")), scene.bytes(&format!("again/{name}")), "{name}");
    }
    scene.succeed(&["run", "inside.vspec"]);
    let run = "runs/inside/latest";
    scene.succeed(&["explain", "inside.vspec", "--rules", "trained", "--checkpoint", run, "--seed", "3"]);
}

#[test]
fn rules_that_cannot_be_drawn_are_named() {
    let scene = scene();
    let none = scene.refuse(&["explain", "tiny.vspec", "--rules", "seen"]);
    assert!(none.contains("experiment `tiny` applies no assignment rule"), "{none}");
    let code = scene.refuse(&["explain", "V0203", "--rules", "seen"]);
    assert!(code.contains("`--rules` draws the rules of a file"), "{code}");
    let text = EXPERIMENT
        .replace("point: f32[2], score: f32", "place: f32[2], score: f32")
        .replace("a.point", "a.place");
    scene.write("inside.vspec", &text.replace("{ point =", "{ place ="));
    let rows = scene.refuse(&["explain", "inside.vspec", "--rules", "seen"]);
    assert!(
        rows.contains("rule `Inside` of step `train` has rows with neither a `point` nor a `box`"),
        "{rows}"
    );
    let wrong = scene.refuse(&["explain", "inside.vspec", "--checkpoint", "runs"]);
    assert!(wrong.contains("--rules"), "{wrong}");
}
