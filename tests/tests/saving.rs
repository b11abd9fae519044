//! What plans save of memory: kernels run when they free some, and what is cheap to compute again is not kept for the way back.

use vspec_ir::plan::{Kernel, Plan, ValueId};
use vspec_ir::{Graph, Op, Program};
use vspec_optimize::fuse::{self, Options, Rematerialized};
use vspec_optimize::{Context, Level, Target, Verify, bind, memory, pipeline, plan, run, schedule, uniform};
use vspec_tests::{assert_clean, compile_text};

/// A step of ResNet-18.
const STEP: &str = "
use std.losses.CrossEntropy
use std.nn.ResNet
use std.optim.sgd

experiment saving {
  data train = shapes(32, size = 64) |> batch(4)
  let net = ResNet(18, classes = 4, width = 16)
  let opt = sgd(lr = 0.1, momentum = 0.9)
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label % 4)
    minimize terms over net.params by opt
  }
  run 1 epoch of train
}
";

/// A step with dropout between convolutions.
const DROPS: &str = "
use std.losses.CrossEntropy
use std.nn.{BatchNorm, Conv, Dropout, Linear, global_avg_pool}
use std.optim.sgd

module Net() {
  first = Conv(3, 16, kernel = 3, bias = false)
  norm = BatchNorm(16)
  second = Conv(16, 16, kernel = 3, bias = false)
  drop = Dropout(0.5)
  third = Conv(16, 16, kernel = 3, bias = false)
  head = Linear(16, 4)
  forward(x: f32[B, 3, H, W]) -> f32[B, 4] {
    x |> first |> norm |> relu |> second |> relu |> drop |> third |> global_avg_pool |> head
  }
}

experiment saving {
  data train = shapes(8, size = 32) |> batch(4)
  let net = Net()
  let opt = sgd(lr = 0.1)
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label % 4)
    minimize terms over net.params by opt
  }
  run 1 epoch of train
}
";

/// The program of a step.
fn program(text: &str) -> Program {
    let mut compiled = compile_text(text);
    assert_clean(&compiled, "the step");
    compiled.programs.remove(0)
}

/// The graph of a step after all passes, with its sizes.
fn bound(text: &str, batch: i64) -> Graph {
    let program = program(text);
    let graph = &program.steps[0].graphs[0].graph;
    let graph =
        run(pipeline(Level::O2), graph, &mut Context::default(), Verify::default()).expect("is rewritten");
    bind(&graph, &|_| Some(batch)).expect("sizes are known")
}

/// A plan of a graph whose sizes are bound, if asked for with copies and with kernels in order.
fn made(graph: &Graph, copies: bool, ordered: bool) -> Plan {
    let least = if copies { 0 } else { usize::MAX };
    let Rematerialized { graph, copies } = fuse::rematerialize(graph, least).expect("is bound");
    let mut plan = fuse::fuse_apart(&graph, &copies, Options::default()).expect("is fused").plan;
    uniform::shrink(&mut plan);
    if ordered {
        schedule::order(&mut plan);
    }
    memory::place(&mut plan);
    plan
}

/// Numbers of the kernels that begin with an op, and what each reads for its operands.
fn anchored(plan: &Plan, name: &str) -> Vec<(usize, Vec<ValueId>)> {
    let operands = |kernel: &Kernel| {
        let anchor = kernel.anchor.as_ref().filter(|anchor| anchor.op.decl().name == name)?;
        Some(anchor.operands.iter().map(|operand| operand.value).collect())
    };
    let kernels = plan.kernels.iter().enumerate();
    kernels.filter_map(|(number, kernel)| Some((number, operands(kernel)?))).collect()
}

#[test]
fn a_kernel_that_frees_memory_runs_at_once() {
    let graph = bound(STEP, 4);
    let (plain, ordered) = (made(&graph, false, false), made(&graph, false, true));
    assert!(ordered.arena * 10 < plain.arena * 9, "{} bytes, {} as they come", ordered.arena, plain.arena);
    let gradients = anchored(&ordered, "conv_weight");
    assert_eq!(gradients.len(), 20);
    for (number, operands) in gradients {
        // The gradient in the input comes first, which reads the weight before it changes.
        let uses = |(_, kernel): &(usize, &Kernel)| {
            kernel.reads().contains(&operands[1]) || kernel.writes().contains(&operands[1])
        };
        let mut others = ordered.kernels.iter().enumerate().filter(|(other, _)| *other != number);
        let (last, _) = others.rfind(uses).expect("a kernel writes the map's gradient");
        assert!(number <= last + 2, "kernel {number} waits, kernel {last} was long before\n{ordered}");
    }
}

#[test]
fn a_kernel_that_frees_nothing_waits_for_its_reader() {
    let graph = bound(STEP, 4);
    let plan = made(&graph, true, true);
    let uses = plan.uses();
    let last_forward = anchored(&plan, "conv").last().expect("convolves").0;
    for (number, operands) in anchored(&plan, "conv_weight") {
        if let Some(written) = uses[operands[0].index()].written.filter(|written| *written > last_forward) {
            assert!(number <= written + 3, "kernel {written} is far in front of kernel {number}\n{plan}");
        }
    }
}

#[test]
fn what_is_cheap_is_computed_again_where_its_operands_are_read_anyway() {
    let graph = bound(STEP, 4);
    let (ordered, saving) = (made(&graph, false, true), made(&graph, true, true));
    assert!(saving.arena * 10 < ordered.arena * 9, "{} bytes, {} without", saving.arena, ordered.arena);
    let read = |name: &str| -> Vec<ValueId> {
        anchored(&saving, name).into_iter().map(|(_, operands)| operands[0]).collect()
    };
    let forward = read("conv");
    let again = read("conv_weight").into_iter().filter(|value| !forward.contains(value)).count();
    assert!(again >= 12, "{again} maps are computed again\n{saving}");
    // The copies are parts of the norms' gradients, which read the same maps.
    assert!(saving.kernels.len() <= ordered.kernels.len() + 2, "{saving}");
}

#[test]
fn random_numbers_are_not_drawn_again() {
    let graph = bound(DROPS, 4);
    let Rematerialized { graph, copies } = fuse::rematerialize(&graph, 0).expect("is bound");
    assert!(!copies.is_empty());
    let draws = |op: &Op| matches!(op, Op::Uniform { .. } | Op::Normal { .. });
    assert!(graph.nodes().any(|(_, node)| draws(&node.op)));
    assert!(copies.iter().all(|id| !draws(&graph.node(*id).op)));
}

#[test]
fn it_is_done_where_much_is_kept() {
    let large = STEP.replace("size = 64", "size = 256").replace("batch(4)", "batch(32)");
    for (text, batch, does) in [(STEP, 4, false), (&*large, 32, true)] {
        let program = program(text);
        let graph = &program.steps[0].graphs[0].graph;
        let planned = plan(graph, Target::dense(Level::O2), &|_| Some(batch)).expect("is planned");
        let (got, plain) = (planned.plan.arena, made(&bound(text, batch), false, true).arena);
        assert_eq!(got * 8 <= plain * 7, does, "{got} bytes, {plain} without copies");
        assert!(got <= plain);
    }
}
