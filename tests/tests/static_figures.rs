//! Parameters and multiply-accumulates of the specs, against published figures (`tests/fixtures/static.json`).

use serde_json::Value;
use vspec_ir::Stats;
use vspec_tests::{assert_clean, compile_text, read};

fn published(model: &str) -> Value {
    let all: Value = serde_json::from_str(&read("tests/fixtures/static.json")).expect("valid JSON");
    all["models"][model].clone()
}

fn check_resnet(depth: u32) {
    let compiled = compile_text(&read(&format!("specs/resnet/resnet{depth}.vspec")));
    assert_clean(&compiled, "resnet");
    let entry = &compiled.entries[0];
    let stats = Stats::of(&entry.graph, &entry.variables).expect("constant sizes");
    let published = published(&format!("resnet{depth}_224"));
    let figure = |key: &str| published[key].as_i64().expect("a number");
    assert_eq!(stats.params.as_const(), Some(figure("params")));
    assert_eq!(stats.macs.as_const(), Some(figure("macs")));
    assert_eq!(stats.param_tensors as i64, figure("param_tensors"));
    for (module, macs) in published["macs_by_module"].as_object().expect("rows") {
        let row = stats.modules.iter().find(|r| *r.path == **module);
        assert_eq!(row.and_then(|r| r.macs.as_const()), macs.as_i64(), "resnet{depth}.{module}");
    }
}

#[test]
fn resnet18_has_the_published_figures() {
    check_resnet(18);
}

#[test]
fn resnet34_has_the_published_figures() {
    check_resnet(34);
}

#[test]
fn resnet50_has_the_published_figures() {
    check_resnet(50);
}

#[test]
fn resnet101_has_the_published_figures() {
    check_resnet(101);
}

/// Parameters and MACs (products of matrices included) of an entry of CIN's figures.
fn cin_figures(entry: &str) -> (i64, i64) {
    let compiled = compile_text(&read("specs/cin/figures.vspec"));
    assert_clean(&compiled, "cin");
    let entry = compiled.entries.iter().find(|e| e.name == entry).expect("the entry exists");
    let stats = Stats::of(&entry.graph, &entry.variables).expect("constant sizes");
    let constant = |dim: &vspec_ir::Dim| dim.as_const().expect("constant sizes");
    (constant(&stats.params), constant(&stats.macs_with_matmul))
}

/// Conventions: 200 classes; bias in `phi`, `psi` and `h`; `psi` and `h` take flattened maps; the products `X X^T` and `W X` count.
#[test]
fn cin_has_its_counted_figures() {
    let millions = |macs: i64| (macs as f64 / 1e6).round() as i64;
    let (params, macs) = cin_figures("cin_r50_224");
    assert_eq!((params, millions(macs)), (61_668_616, 6_348));
    let (params, macs) = cin_figures("cin_r50_448");
    assert_eq!((params, millions(macs)), (61_668_616, 25_392));
    let (params, macs) = cin_figures("cin_r101_224");
    assert_eq!((params, millions(macs)), (80_660_744, 10_060));
    let (params, macs) = cin_figures("cin_r101_448");
    assert_eq!((params, millions(macs)), (80_660_744, 40_241));
}

#[test]
fn cin_needs_its_contrastive_weights_only_in_training() {
    let training = |net: &str, head: &str| cin_figures(net).0 + cin_figures(head).0;
    assert_eq!(training("cin_r50_224", "contrast_224"), 113_250_057);
    assert_eq!(training("cin_r50_448", "contrast_448"), 267_992_841);
    assert_eq!(training("cin_r101_224", "contrast_224"), 132_242_185);
    assert_eq!(training("cin_r101_448", "contrast_448"), 286_984_969);
}
