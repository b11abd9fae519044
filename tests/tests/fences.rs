//! Every op of the table and random graphs with every value beside pages that nobody may touch, with several sets of instructions: a
//! kernel, machine code or a tile program that leaves its values ends the program here.
#![cfg(unix)]

use proptest::prelude::*;
use vspec_cpu::{Fence, Isa, Mode};
use vspec_engine::{Engine, EngineError, HostTensor, Inputs, Precision, RunKey};
use vspec_ir::arbitrary::{GraphOptions, graphs};
use vspec_ir::{Graph, OutputKind};
use vspec_optimize::Level;
use vspec_tests::fused_in;
use vspec_tests::random::{Numbers, Shown, config, values};
use vspec_tests::samples::{assert_close, instances};

const SIDES: [Fence; 2] = [Fence::Before, Fence::Behind];

/// Results with every value beside a fence, or where it lies otherwise.
fn results(
    isa: Isa,
    fence: Option<Fence>,
    precision: Precision,
    graph: &Graph,
    inputs: &Inputs,
) -> Result<Vec<Vec<f64>>, EngineError> {
    let mode = Mode { fence, ..Mode::only(isa) };
    let mut session = fused_in(mode, Level::O2, precision).session();
    let results = session.run(graph, inputs, RunKey { seed: 5, step: 9 })?;
    Ok(results.iter().map(HostTensor::to_f64).collect())
}

#[test]
fn every_op_stays_within_its_values() {
    for (_, mut instance) in instances() {
        instance.graph.output("y", OutputKind::Value, instance.result);
        for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
            let of =
                |fence| results(isa, fence, Precision::F32, &instance.graph, &instance.inputs).expect("runs");
            let want = of(None);
            for side in SIDES {
                // An op whose result may take an operand's place is computed in another order where it may not.
                assert_close(&of(Some(side))[0], &want[0], 2e-6, &instance.what);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn random_graphs_stay_within_their_values(graph in graphs(GraphOptions::default()).prop_map(Shown)) {
        let inputs = values(&graph.0, Numbers::Normal);
        for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
            let want = results(isa, None, Precision::F32, &graph.0, &inputs);
            for side in SIDES {
                let got = results(isa, Some(side), Precision::F32, &graph.0, &inputs);
                // How close values are is another suite's subject.
                let lengths = |values: Vec<Vec<f64>>| values.iter().map(Vec::len).collect::<Vec<_>>();
                prop_assert_eq!(got.map(lengths), want.clone().map(lengths));
            }
        }
    }
}
