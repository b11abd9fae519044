//! `--device` and `--isa`: what is said where there is none.

use crate::scene::Scene;

#[cfg(not(feature = "cuda"))]
#[test]
fn without_the_feature_it_is_said_how_to_build_with_it() {
    let said = Scene::new(1).refuse(&["test", "std", "--device", "cuda", "--engine", "dfdx"]);
    assert!(said.contains("built without CUDA") && said.contains("--features cuda"), "{said}");
}

#[cfg(feature = "cuda")]
#[test]
fn an_engine_without_a_device_is_refused() {
    let said = Scene::new(1).refuse(&["test", "std", "--device", "cuda", "--engine", "fused"]);
    assert!(said.contains("no CUDA device") && said.contains("--engine dfdx"), "{said}");
}

#[test]
fn an_engine_without_a_choice_of_instructions_is_refused() {
    let said = Scene::new(1).refuse(&["test", "std", "--engine", "interp", "--isa", "tile"]);
    assert!(said.contains("no choice of vector instructions") && said.contains("--engine fused"), "{said}");
}

/// Losses of a short run with a set of instructions; none where the machine lacks it.
fn losses(isa: &str) -> Option<Vec<f64>> {
    let scene = Scene::new(2);
    let done = scene.vspecc(&["run", "tiny.vspec", "--engine", "fused", "--isa", isa]);
    if done.status == 2 && done.stderr.contains("this machine has no") {
        return None;
    }
    assert_eq!(done.status, 0, "{isa}: {}", done.stderr);
    let table = scene.read("runs/tiny/001/metrics.csv");
    let mut lines = table.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let column = header.iter().position(|name| name == "train/loss").expect("the loss is recorded");
    Some(lines.filter_map(|line| line.get(column)?.parse().ok()).collect())
}

#[test]
fn every_set_of_instructions_that_there_is_trains_alike() {
    let want = losses("tile").expect("runs everywhere");
    assert!(!want.is_empty());
    for isa in ["avx2", "avx512"] {
        let Some(got) = losses(isa) else { continue };
        assert_eq!(got.len(), want.len(), "{isa}");
        for (got, want) in got.iter().zip(&want) {
            assert!((got - want).abs() < 1e-4 * want.abs(), "{isa}: {got}, not {want}");
        }
    }
}
