//! What is said about mistakes in data pipelines.

use vspec_tests::{compile_text, plain};

/// What is reported about an experiment with these functions and data sets, whose step reads `train`.
fn reported(functions: &str, data: &str) -> String {
    let text = format!(
        "{functions}\nexperiment e {{\n{data}\n  step s(b from train) {{ report m = mean(b.image) }}\n  run 1 epoch of s\n}}\n"
    );
    plain(&compile_text(&text))
}

/// What is reported about a data set that begins with drawn images and goes on so.
fn stages(stages: &str) -> String {
    reported("", &format!("  data train = shapes(100, size = 8) |> {stages} |> batch(5)"))
}

fn each(functions: &str, each: &str) -> String {
    reported(functions, &format!("  data train = shapes(100, size = 8) |> each({each}) |> batch(5)"))
}

macro_rules! cases {
    ($($name:ident: $reported:expr => $expected:literal)*) => {$(
        #[test]
        fn $name() {
            let (reported, expected) = ($reported, $expected.trim_start());
            assert!(reported == expected, "reported:\n{reported}\nexpected:\n{expected}");
        }
    )*};
}

cases! {
    a_transform_without_its_arguments: each("", "resize") => "
V0201 3:46 `resize` `each` takes a transform, such as `resize(64)`, or a function of an item, not a function
  hint: `resize` alone is no transform: `resize(..)`
"
    an_activation_is_no_function_of_an_item: each("", "relu") => "
V0201 3:46 `relu` `each` takes a transform, such as `resize(64)`, or a function of an item, not a function
  hint: `relu` alone is no transform: `relu(..)`
"
    a_function_of_an_item_returns_a_record:
        each("fn f(item: { image: f32[3, H, W] }) { item.image }", "f") => "
V0201 3:46 `f` `f` must return a record of fields, not a tensor
  hint: name what changes, `{ image: .. }`; all other fields stay as they are
"
    a_function_asks_for_a_field_that_is_not_there:
        each("fn f(item: { imag: f32[3, H, W] }) { { image: item.imag } }", "f") => "
V0103 1:14 `imag` a record has no `imag`
  hint: did you mean `image`?
"
    a_function_of_other_shapes:
        each("fn f(item: { image: f32[1, H, W] }) { { image: item.image } }", "f") => "
V0203 3:46 `f` field `image` must have 1 in axis 0, not 3
  `1` 1 is expected here
  `shapes(100, size = 8)` size 3 comes in here
"
    a_function_whose_sizes_do_not_fit:
        each("fn f(item: { image: f32[3, H, W] }) { { image: item.image + ones([3, H, W + 1]) } }", "f") => "
V0203 1:48 `item.image + ones([3, H, W + 1])` `add`: f32[3, 8, 8] and f32[3, 8, 9] differ in axis 2: 8 against 9
  `shapes(100, size = 8)` size 8 comes in here
  `ones([3, H, W + 1])` size 9 is computed here
"
    a_function_whose_requirement_fails:
        each("fn f(item: { image: f32[3, H, W] }) {\n  require H % 3 == 0\n  item\n}", "f") => "
V0210 2:11 `H % 3 == 0` requirement does not hold
"
    a_misspelt_argument_of_a_function:
        each("fn f(item: { image: f32[3, H, W] }, amount: float) { { image: amount * item.image } }", "f(amuont = 2.0)") => "
V0104 3:48 `amuont` `f` has no parameter `amuont`
  hint: did you mean `amount`?
"
    a_function_that_still_needs_an_argument:
        each("fn f(item: { image: f32[3, H, W] }, amount: float) { { image: amount * item.image } }", "f") => "
V0106 3:46 `f` `f` needs more than the item
  hint: give its other arguments by name: `each(f(amount = 0.1))`
"
    a_function_that_asks_the_clock:
        each("fn f(item: { image: f32[3, H, W] }) { { image: progress * item.image } }", "f") => "
V0222 1:48 `progress` `progress` is the clock of a run
  hint: pass it in: a parameter of type `f32[]` takes a schedule
"
    a_function_with_a_network: reported(
        "use std.nn.Linear\nfn f(item: { image: f32[3, H, W] }, net) { { scores: net(mean(item.image, axis = [1, 2])) } }",
        "  let net = Linear(3, 2)\n  data train = shapes(9, size = 8) |> each(f(net = net)) |> batch(3)"
    ) => "
V0222 20:36 `weight` `weight` is a variable of a module, and a data stage has none
  `Linear(3, 2)` this `Linear` is made here
"
    a_field_inside_a_field:
        each("fn f(item: { image: f32[3, H, W] }) { { image: { small: item.image } } }", "f") => "
V0243 3:46 `f` `f` returns `image.small`, and the item has `image`
"
    items_whose_sizes_differ: reported(
        "fn f(item: { image: f32[3, H, W] }) { { mask: item.image[0] > 0.5 } }",
        "  data train = image_folder(\"x\", split = \"a\", classes = 2) |> each(f) |> each(resize(8)) |> batch(5)"
    ) => "
V0243 3:16 `image_folder(\"x\", split = \"a\", classes = 2) |> each(f) |> each(resize(8)) |> batch(5)` `mask: bool[H, W]` has a size that differs from item to item
"
    a_function_behind_batches: reported(
        "fn f(item: { image: f32[3, H, W] }) { item }",
        "  data train = shapes(9, size = 8) |> batch(4) |> each(f)"
    ) => "
V0243 3:16 `shapes(9, size = 8) |> batch(4) |> each(f)` nothing can follow `batch`
  hint: `batch` comes last: `.. |> shuffle |> batch(8)`
"

    batches_that_nothing_fills:
        reported("", "  data train = shapes(100, size = 8) |> take(9) |> shuffle |> batch(10, drop_last = true)") => "
V0243 3:69 `10` 9 items fill no batch of 10, so that `drop_last` leaves nothing
  `shapes(100, size = 8)` the items
  hint: make batches smaller, or leave `drop_last` out
"
    a_batch_that_everything_fills:
        reported("", "  data train = shapes(9, size = 8) |> draw(10) |> batch(10, drop_last = true)") => ""

    a_misspelt_argument_of_pairs: stages("pairs(whithin = 3)") => "
V0104 3:47 `whithin` `pairs` has no parameter `whithin`
  hint: did you mean `within`?
"
    a_probability_of_pairs: stages("pairs(negative = 1.5)") => "
V0208 3:58 `1.5` a probability lies between 0 and 1, 1.5 does not
"
    a_distance_of_pairs: stages("pairs(within = 0)") => "
V0208 3:56 `0` `within` must be at least 1, not 0
"
    pairs_within_a_shuffled_set: stages("shuffle |> pairs(within = 3)") => "
V0243 3:16 `shapes(100, size = 8) |> shuffle |> pairs(within = 3)` `pairs` behind `shuffle` needs items in order
  hint: `within` counts items of a class in the order of the source: put `pairs` before it
"
    pairs_of_pairs: stages("pairs() |> pairs()") => "
V0243 3:16 `shapes(100, size = 8) |> pairs() |> pairs()` the items are pairs already
"
    pairs_have_no_image: stages("pairs() |> each(hflip())") => "
V0243 3:16 `shapes(100, size = 8) |> pairs() |> each(hflip())` a transform changes the field `image: f32[3, H, W]`, which the items do not have
  hint: these are pairs: transform the items before `pairs`, or use a function of the pair
"
    pairs_have_no_class: stages("pairs() |> sample(classes = 2, per_class = 2)") => "
V0243 3:16 `shapes(100, size = 8) |> pairs() |> sample(classes = 2, per_class = 2)` `sample` chooses items by their class, and a pair has none
"
    negative_pairs_of_one_class:
        reported("", "  data train = image_folder(\"x\", split = \"a\", classes = 1) |> each(resize(8)) |> pairs(negative = 0.5) |> batch(4)") => "
V0208 3:99 `0.5` pairs of different classes need at least 2 classes, but there is 1
"
    a_step_that_takes_pairs_for_items: stages("pairs()") => "
V0103 4:44 `image` a record has no `image`
  hint: it has first, second, positive
"

    a_part_that_is_none: stages("part(\"tran\", of = { train: 0.9, val: 0.1 })") => "
V0104 3:46 `\"tran\"` \"tran\" is not possible here
  hint: it can be train, val
"
    shares_that_do_not_add_up: stages("part(\"train\", of = { train: 0.9, val: 0.2 })") => "
V0208 3:60 `{ train: 0.9, val: 0.2 }` the shares add up to 1.1, not to 1
  hint: every item belongs to one part: `{ train: 0.9, val: 0.1 }`
"
    a_share_that_is_negative: stages("part(\"train\", of = { train: 1.1, val: -0.1 })") => "
V0208 3:74 `val` the share of `val` must be positive, not -0.1
"
    shares_that_are_no_record: stages("part(\"train\", of = 0.9)") => "
V0201 3:60 `0.9` `of` of `part` must be a record of numbers, not a float
  hint: numbers by name: `{ first: 1, second: 2 }`
"
    a_part_of_a_shuffled_set: stages("shuffle |> part(\"a\", of = { a: 0.5, b: 0.5 })") => "
V0243 3:16 `shapes(100, size = 8) |> shuffle |> part(\"a\", of = { a: 0.5, b: 0.5 })` `part` behind `shuffle` would not be disjoint from the others
  hint: put it directly behind the source, before stages that draw at random
"
    a_negative_seed: stages("part(\"a\", of = { a: 0.5, b: 0.5 }, seed = -1)") => "
V0208 3:83 `-1` `seed` is not negative, -1 is
"

    a_draw_of_nothing: stages("draw(0)") => "
V0208 3:46 `0` `count` must be at least 1, not 0
"
    a_draw_of_a_word: stages("draw(\"all\")") => "
V0201 3:46 `\"all\"` `count` of `draw` must be an int, not a string
"
    a_draw_behind_a_shuffle: stages("shuffle |> draw(10)") => "
V0243 3:16 `shapes(100, size = 8) |> shuffle |> draw(10)` `draw` chooses the order itself: leave `shuffle` out
"
    two_draws: stages("draw(10) |> draw(20)") => "
V0243 3:16 `shapes(100, size = 8) |> draw(10) |> draw(20)` the number of items of an epoch is given twice
"

    a_mix_of_nothing: reported("", "  data train = mix({}) |> batch(5)") => "
V0201 3:20 `{}` `weights` of `mix` must be a record of numbers, not an empty one
  hint: numbers by name: `{ first: 1, second: 2 }`
"
    a_mix_of_an_unknown_set:
        reported("", "  data first = shapes(10)\n  data train = mix({ frist: 1 }) |> batch(5)") => "
V0240 4:22 `frist` there is no data set `frist`
  hint: did you mean `first`?
"
    a_mix_of_a_later_set:
        reported("", "  data train = mix({ first: 1 }) |> batch(5)\n  data first = shapes(10)") => "
V0240 3:22 `first` there is no data set `first`
  hint: `first` is defined further down; `data` parts are read in order
V0114 4:8 `first` data set `first` is never used
  hint: a step reads it with `step name(b from first)`
"
    a_mix_with_a_weight_of_zero:
        reported("", "  data first = shapes(10)\n  data train = mix({ first: 0 }) |> batch(5)") => "
V0208 4:22 `first` the weight of `first` must be positive, not 0
"
    a_mix_with_a_weight_that_is_none:
        reported("", "  data first = shapes(10)\n  data train = mix({ first: \"much\" }) |> batch(5)") => "
V0201 4:22 `first` the weight of `first` must be a number, not a string
"
    a_mix_of_batches:
        reported("", "  data first = shapes(10) |> batch(2)\n  data train = mix({ first: 1 }) |> batch(5)") => "
V0243 4:22 `first` `mix` takes items, and `first` hands out batches
  `shapes(10)` declared here
  hint: leave `batch` out there, and put it behind `mix`
"
    a_mix_of_different_items:
        reported("", "  data small = shapes(10, size = 8)\n  data large = shapes(10, size = 16)\n  data train = mix({ small: 1, large: 2 }) |> batch(5)") => "
V0243 5:20 `{ small: 1, large: 2 }` items of `small` and `large` differ
  `shapes(10, size = 8)` `small` has image: f32[3, 8, 8]
  `shapes(10, size = 16)` `large` has image: f32[3, 16, 16]
  hint: bring them to one type first, such as with `each(resize(64))`
"
    a_mix_of_items_and_pairs:
        reported("", "  data one = shapes(10)\n  data two = shapes(10) |> pairs()\n  data train = mix({ one: 1, two: 2 }) |> batch(5)") => "
V0243 5:20 `{ one: 1, two: 2 }` items of `one` and `two` differ
  `shapes(10)` `one` has image: f32[3, 32, 32]
  `shapes(10)` `two` has no `image`
  hint: bring them to one type first, such as with `each(resize(64))`
"
    a_mix_of_a_broken_set_says_nothing_more:
        reported("", "  data first = shapes(10, sise = 3)\n  data train = mix({ first: 1 }) |> batch(5)") => "
V0104 3:27 `sise` `shapes` has no parameter `sise`
  hint: did you mean `size`?
"
    a_part_of_a_mix_that_a_step_reads:
        reported("", "  data train = shapes(10)\n  data both = mix({ train: 1 }) |> batch(5)\n  step t(b from both) { report m = mean(b.image) }") => "
V0114 5:8 `t` step `t` is not part of the run
  hint: name it there, such as `t every epoch`
V0243 6:17 `train` data set `train` does not end in batches
  `shapes(10)` declared here
  hint: read the mix, or another data set with `|> batch(64)`
"
    a_data_set_without_batches: reported("", "  data train = shapes(10)") => "
V0243 3:16 `shapes(10)` the pipeline does not end in batches
  hint: add `|> batch(64)`
"
    more_kinds_of_shape_than_there_are:
        reported("", "  data train = scenes(100, classes = 11) |> batch(5)") => "
V0208 3:38 `11` there are 10 kinds of shape, so `classes` is 1 to 10, not 11
"
    a_class_that_is_named_twice:
        reported("", "  data train = voc(\"x\", \"train\", classes = [\"a\", \"a\"]) |> batch(5)") => "
V0208 3:44 `[\"a\", \"a\"]` class `a` is named twice
  hint: the place of a class in the list is its label
"
    a_mosaic_of_frames: reported("", "  data train = moving_shapes(2, 3) |> mosaic(64) |> batch(5)") => "
V0243 3:16 `moving_shapes(2, 3) |> mosaic(64)` this moves pixels, and the boxes of the frames would stay where they are
  `moving_shapes(2, 3)` items with boxes
  hint: the source resizes frames and boxes together
"
    a_colour_for_pixels_that_there_are_not: stages("each(resize(64, value = 0.5))") => "
V0201 3:65 `0.5` without `keep_ratio` the image fills its size, and no pixel is left to have a value
  hint: add `keep_ratio = true`, or leave `value` out
"
    a_value_may_have_the_name_of_a_stage: reported(
        "fn f(x: f32[N]) {\n  let pairs = 2 * x\n  let mix = pairs\n  mix\n}",
        "  data train = shapes(9) |> batch(3)"
    ) => ""
}
