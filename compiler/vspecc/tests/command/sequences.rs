//! Runs over sequences: from the data to the numbers of each video.

use crate::scene::Scene;

const EXPERIMENT: &str = r#"
use std.boxes.iou

module Still() {
  state box: f32[1, 4] = 0
  state age: f32[] = 0
  begin(b: f32[1, 4]) { update box = b }
  forward() -> f32[1, 4] {
    update age = age + 1.0
    box
  }
}

experiment still {
  data val = moving_shapes(videos = 3, frames = 6, size = 32, split = "val") |> batch(1)
  let tracker = Still()

  step start(b from val) { tracker.begin(b.box) }

  step follow(b from val) {
    let overlap = iou(tracker(), b.box)
    report overlap = mean(overlap)
    report age = tracker.age
    collect o = overlap
    collect video = b.video
    finish {
      report frames = f32(shape(o)[0])
      report worst = min(stack([sum(where(video == v, o, 0.0)) / 5.0 for v in 0..3]), axis = 0)
    }
  }

  {run}
}
"#;

const RUN: &str = "run per video of val, reset tracker {
    start on first
    follow on rest, expect follow.overlap >= 0.01
  }";

fn scene(run: &str) -> Scene {
    let scene = Scene::new(1);
    scene.write("still.vspec", &EXPERIMENT.replace("{run}", run));
    scene
}

#[test]
fn every_video_begins_anew() {
    let scene = scene(RUN);
    scene.succeed(&["run", "still.vspec"]);
    let table = scene.read("runs/still/001/tables/follow/per_video/000000.csv");
    let rows: Vec<Vec<f64>> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect())
        .collect();
    assert!(table.starts_with("video,items,overlap,age\n"), "{table}");
    assert_eq!(
        rows.iter().map(|r| (r[0], r[1], r[3])).collect::<Vec<_>>(),
        [0.0, 1.0, 2.0].map(|v| (v, 5.0, 3.0))
    );
    let metrics = scene.read("runs/still/001/metrics.csv");
    let header: Vec<&str> = metrics.lines().next().expect("a header").split(',').collect();
    let last: Vec<&str> = metrics.lines().last().expect("a row").split(',').collect();
    let value = |name: &str| {
        let at = header.iter().position(|h| *h == name).expect("a column");
        last[at].parse::<f64>().expect("a number")
    };
    assert_eq!(value("follow/frames"), 15.0, "the first frame of each video is not followed");
    let mean = rows.iter().map(|r| r[2]).sum::<f64>() / 3.0;
    assert!((value("follow/overlap") - mean).abs() < 1e-5);
    let worst = rows.iter().map(|r| r[2]).fold(1.0, f64::min);
    assert!((value("follow/worst") - worst).abs() < 1e-5);
    assert!((0.05..0.95).contains(&mean), "{mean}");
}

#[test]
fn eval_runs_the_whole_pass_again() {
    let scene = scene(RUN);
    scene.succeed(&["run", "still.vspec"]);
    let shown = scene.succeed(&["eval", "still.vspec", "--checkpoint", "runs/still/001"]).stdout;
    let metrics = scene.read("runs/still/001/metrics.csv");
    let last = metrics.lines().last().expect("a row");
    for line in shown.lines() {
        let value = line.split_whitespace().last().expect("a number");
        assert!(last.split(',').any(|cell| cell == value), "{line} is not in {last}");
    }
    assert_eq!(shown.lines().count(), 4, "{shown}");
}

#[test]
fn an_expectation_that_does_not_hold_fails_the_run() {
    let scene = scene(&RUN.replace(">= 0.01", ">= 1.1"));
    let done = scene.vspecc(&["run", "still.vspec"]);
    assert_eq!(done.status, 1, "{}", done.stderr);
    assert!(done.stderr.contains("follow.overlap"), "{}", done.stderr);
}
