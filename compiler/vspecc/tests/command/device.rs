//! `--device`: what is said where there is none.

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
