//! Kernels that move more than they compute: what they read and write is what counts.

use super::{FLOAT, Kernel, specification};

/// What works on whole maps, `f32[8, 64, 56, 56]`, or makes ones of half the size.
pub(super) fn maps() -> Vec<Kernel> {
    const MAP: usize = 8 * 64 * 56 * 56;
    let maps = "state x: f32[8, 64, 56, 56] = normal\nstate y: f32[8, 64, 56, 56] = normal";
    let halved = "state x: f32[8, 64, 56, 56] = normal\nstate y: f32[8, 64, 28, 28] = normal";
    let normed = &format!("norm = BatchNorm(64)\nstate dx: f32[8, 64, 56, 56] = 0\n{maps}");
    let (norm, norm_relu) = ("use std.nn.BatchNorm", "relu(m.norm(m.x))");
    let max_pool = "max_pool(m.x, 3, stride = 2, padding = 1)";
    let avg_pool = "avg_pool(m.x, 3, stride = 2, padding = 1)";
    let [set_gelu, set_norm, set_max, set_avg] =
        ["gelu(m.x)", norm_relu, max_pool, avg_pool].map(|value| format!("update m.y = {value}"));
    let gradient = |of: &str, to: &str| format!("update m.{to} = grad(sum({of} * m.y), m.x)");
    vec![
        Kernel::moving("add", 3 * MAP, ["", maps, "update m.y = m.x + m.y"]),
        Kernel::moving("gelu", 2 * MAP, ["", maps, &set_gelu]),
        Kernel::moving("batch norm, relu", 2 * MAP, [norm, normed, &set_norm]),
        Kernel::moving("batch norm, relu, gradient", 3 * MAP, [norm, normed, &gradient(norm_relu, "dx")]),
        Kernel::moving("max_pool", MAP * 5 / 4, ["", halved, &set_max]),
        Kernel::moving("max_pool, gradient", MAP * 9 / 4, ["", halved, &gradient(max_pool, "x")]),
        Kernel::moving("avg_pool", MAP * 5 / 4, ["", halved, &set_avg]),
        Kernel::moving("avg_pool, gradient", MAP * 5 / 4, ["", halved, &gradient(avg_pool, "x")]),
    ]
}

/// What works on the rows of a table, `f32[4096, 1000]`.
pub(super) fn tables() -> Vec<Kernel> {
    const TABLE: usize = 4096 * 1000;
    let table = "state x: f32[4096, 1000] = normal\nstate y: f32[4096, 1000] = 0";
    let column = "state x: f32[4096, 1000] = normal\nstate y: f32[1000] = 0";
    let turned = "state x: f32[4096, 1000] = normal\nstate y: f32[1000, 4096] = 0";
    let best = "state x: f32[4096, 1000] = normal\nstate y: f32[4096, 13] = 0";
    vec![
        Kernel::moving("softmax", 2 * TABLE, ["", table, "update m.y = softmax(m.x)"]),
        Kernel::moving("transpose", 2 * TABLE, ["", turned, "update m.y = transpose(m.x)"]),
        Kernel::moving("sum of columns", TABLE, ["", column, "update m.y = sum(m.x, axis = 0)"]),
        Kernel::moving("cumsum", 2 * TABLE, ["", table, "update m.y = cumsum(m.x, axis = 1)"]),
        Kernel::moving("sort", 2 * TABLE, ["", table, "update m.y = sort(m.x, axis = 1).values"]),
        Kernel::moving("topk of 13", TABLE, ["", best, "update m.y = topk(m.x, 13, axis = 1).values"]),
    ]
}

/// What reads or writes at places that follow from data.
pub(super) fn places() -> Vec<Kernel> {
    const ROWS: usize = 22400 * 80;
    const MAP: usize = 4 * 64 * 64 * 64;
    let rows = "state x: f32[22400, 80] = normal
  state y: f32[22400, 80] = normal
  state index: i32[22400] = places";
    let drawn = "fn places(_shape) { iota(22400) * 7919 % 22400 }";
    let doubled = "state x: f32[4, 64, 32, 32] = normal\nstate y: f32[4, 64, 64, 64] = 0";
    let sampled = "state x: f32[4, 64, 64, 64] = normal
  state at: f32[4, 64, 64, 2] = normal
  state y: f32[4, 64, 64, 64] = 0";
    let added =
        "update m.y = scatter_add(m.y, broadcast(reshape(m.index, [22400, 1]), [22400, 80]), m.x, axis = 0)";
    vec![
        Kernel::moving("gather of rows", 2 * ROWS, [drawn, rows, "update m.y = gather(m.x, m.index)"]),
        Kernel::moving("scatter_add of rows", 3 * ROWS, [drawn, rows, added]),
        Kernel::moving(
            "interpolate, bilinear",
            MAP * 5 / 4,
            [
                "use std.nn.interpolate",
                doubled,
                "update m.y = interpolate(m.x, factor = 2, mode = \"linear\")",
            ],
        ),
        Kernel::moving(
            "grid_sample, bilinear",
            2 * MAP,
            ["use std.nn.grid_sample", sampled, "update m.y = grid_sample(m.x, m.at)"],
        ),
    ]
}

/// Updates of 4 million parameters.
pub(super) fn updates() -> Vec<Kernel> {
    const COUNT: usize = 4 << 20;
    let weights = format!("param w: f32[{COUNT}] = normal\nstate g: f32[{COUNT}] = normal");
    // The parameter and the optimizer's own numbers are read and written, the gradient is read.
    let update = |name: &str, floats: usize, optimizer: &str, made: &str| {
        let (uses, made) = (format!("use std.optim.{optimizer}"), format!("let opt = {optimizer}({made})"));
        let text = specification(&uses, &weights, &made, "apply m.g to m.w by opt\nreport first = m.w[0]");
        Kernel { name: name.to_string(), flops: 0, bytes: floats * COUNT * FLOAT, text }
    };
    vec![
        update("SGD with momentum", 5, "sgd", "lr = 0.1, momentum = 0.9"),
        update("AdamW", 7, "adamw", "lr = 0.1, weight_decay = 0.01"),
    ]
}
