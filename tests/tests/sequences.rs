//! What the elaborator says about runs over sequences.

use vspec_ir::{Part, Phase, SequencePart};
use vspec_tests::{assert_clean, compile_text, plain};

const EXPERIMENT: &str = "
module Memory() {
  state seen: f32[] = 0
  forward(x: f32[B, 4]) { update seen = seen + mean(x) }
}
module Forgetful() {
  param scale: f32[] = 1
  forward(x) { x * scale }
}
experiment e {
  data val = moving_shapes(videos = 2, frames = 3, size = 16) |> batch(1)
  data pictures = shapes(10, size = 16) |> batch(1)
  let memory = Memory()
  let other = Forgetful()
  step start(b from val) { memory(b.box) }
  step follow(b from val) { report seen = memory.seen + 0.0 * mean(other(b.box)) }
  step look(b from pictures) { report mean = mean(b.image) }
  run per video of val, reset memory { start on first; follow on rest, expect follow.seen >= 0 }
  run 1 epoch of look
}
";

#[test]
fn a_run_over_sequences_is_one_phase() {
    let compiled = compile_text(EXPERIMENT);
    assert_clean(&compiled, EXPERIMENT);
    let program = &compiled.programs[0];
    let [Phase::Sequences(phase), Phase::Steps(_)] = program.schedule.as_slice() else {
        panic!("{:?}", program.schedule)
    };
    assert_eq!((phase.data, phase.field.as_str()), (0, "video"));
    assert_eq!(phase.reset.iter().map(|p| &**p).collect::<Vec<_>>(), ["memory.seen"]);
    let part = |step, on| SequencePart { step, on };
    assert_eq!(phase.parts, [part(0, Part::First), part(1, Part::Rest)]);
    assert_eq!(phase.expect.len(), 1);
    let fields: Vec<&str> = program.data[0].item.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(fields, ["image", "box", "visible", "video", "frame"]);
}

#[test]
fn parts_and_functions_keep_the_order() {
    let stages = "take(4) |> part(\"a\", of = { a: 0.5, b: 0.5 }) |> each(dark) |> batch(1)";
    let text = EXPERIMENT
        .replace("size = 16) |> batch(1)\n  data pic", &format!("size = 16) |> {stages}\n  data pic"))
        .replacen("\n", "\nfn dark(item: { image: f32[3, H, W] }) { { image: 0.5 * item.image } }\n", 1);
    assert_clean(&compile_text(&text), &text);
}

/// What is reported when a part of the experiment is another.
fn reported(old: &str, new: &str) -> String {
    assert!(EXPERIMENT.contains(old), "{old}");
    let found = plain(&compile_text(&EXPERIMENT.replace(old, new)));
    let errors = found.lines().filter(|line| !line.starts_with("V01") || line.starts_with("V0103"));
    errors.collect::<Vec<_>>().join("\n")
}

macro_rules! refused {
    ($($name:ident: $old:literal => $new:literal, [$($part:literal),*];)*) => {$(
        #[test]
        fn $name() {
            let found = reported($old, $new);
            $(assert!(found.contains($part), "{found}");)*
        }
    )*};
}

refused! {
    items_have_to_come_in_order:
        "size = 16) |> batch(1)\n  data pic" => "size = 16) |> shuffle |> batch(1)\n  data pic",
        ["V0243 18:20 `val` the items of `val` do not come in order", "hint: leave `shuffle` out"];
    items_are_not_drawn:
        "size = 16) |> batch(1)\n  data pic" => "size = 16) |> draw(4) |> batch(1)\n  data pic",
        ["V0243 18:20 `val` the items of `val` do not come in order", "hint: leave `draw` out"];
    items_of_balanced_batches_are_in_no_order:
        "size = 16) |> batch(1)\n  data pic" => "size = 16) |> sample(classes = 1, per_class = 1)\n  data pic",
        ["V0243 18:20 `val` the items of `val` do not come in order", "hint: leave `sample` out"];
    a_mix_is_no_sequence:
        "data val = moving_shapes(videos = 2, frames = 3, size = 16) |> batch(1)"
            => "data videos = moving_shapes(videos = 2, frames = 3, size = 16)\n  data val = mix({ videos: 1 }) |> batch(1)",
        ["V0243 19:20 `val` the items of `val` do not come in order", "hint: run over each of its data sets instead"];
    items_come_one_at_a_time:
        "size = 16) |> batch(1)\n  data pic" => "size = 16) |> batch(8)\n  data pic",
        ["V0243 18:20 `val` a sequence is followed item by item, and `val` has batches of 8", "hint: end its pipeline with `batch(1)`"];
    a_field_tells_sequences_apart:
        "per video" => "per vidoe",
        ["V0103 18:11 `vidoe` items of `val` have no field `vidoe: i32[]`", "hint: did you mean `video`?"];
    boxes_are_no_numbers_of_sequences:
        "per video" => "per box",
        ["V0103 18:11 `box`", "hint: what tells sequences apart is one of video, frame"];
    parts_of_a_sequence_have_names:
        "start on first" => "start on frist",
        ["V0240 18:49 `frist` there is no part of a sequence `frist`", "hint: did you mean `first`?"];
    a_step_reads_the_sequences:
        "start on first" => "look on first",
        ["V0222 18:40 `look` step `look` does not read `val` alone"];
    a_step_runs_once_on_an_item:
        "start on first" => "follow on first",
        ["V0222 18:57 `follow on rest, expect follow.seen >= 0` this step runs already"];
    what_has_no_states_is_not_reset:
        "reset memory" => "reset other",
        ["V0201 18:31 `other` `other` has no states"];
    data_is_not_reset:
        "reset memory" => "reset pictures",
        ["V0201 18:31 `pictures` `reset` takes a module, not a data set"];
    nothing_is_kept:
        ", expect follow.seen >= 0" => ", keep best by follow.seen",
        ["V0222 18:85 `follow.seen` a run over sequences is one pass"];
    phases_name_parts:
        "start on first" => "2 epochs of start",
        ["V0222 18:40 `2 epochs of start` a run over sequences says on which of their items a step runs"];
    parts_need_sequences:
        "run per video of val, reset memory {" => "run {",
        ["V0222 18:9 `start` `start` runs on part of a sequence, and this is no run over sequences"];
    boxes_do_not_stay_behind:
        "size = 16) |> batch(1)\n  data pic" => "size = 16) |> each(hflip(0.5)) |> batch(1)\n  data pic",
        ["this moves pixels, and the boxes of the frames would stay where they are"];
}

#[test]
fn a_step_that_trains_does_not_follow() {
    let text = EXPERIMENT
        .replace("let other", "let opt = sgd(lr = 0.1)\n  let other")
        .replace(
            "report seen = memory.seen + 0.0 * mean(other(b.box))",
            "minimize mean(other(b.box)) over other.params by opt",
        )
        .replace(", expect follow.seen >= 0", "")
        .replacen("\n", "\nuse std.optim.sgd\n", 1);
    let found = plain(&compile_text(&text));
    assert!(found.contains("`follow` step `follow` trains, and a run over sequences only looks"), "{found}");
}

#[test]
fn pairs_are_no_sequence() {
    let text = EXPERIMENT
        .replace("size = 16) |> batch(1)\n  data pic", "size = 16) |> pairs |> batch(1)\n  data pic")
        .replace("b.box", "b.first.box");
    let found = plain(&compile_text(&text));
    let expected = "V0243 18:20 `val` the items of `val` do not come in order";
    assert!(found.contains(expected) && found.contains("hint: leave `pairs` out"), "{found}");
}
