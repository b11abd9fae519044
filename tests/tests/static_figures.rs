//! Parameters and multiply-accumulates of the specs, against published figures (`tests/fixtures/static.json`).

use serde_json::Value;
use vspec_ir::Stats;
use vspec_tests::{assert_clean, compile_text, read};

fn published(model: &str) -> Value {
    let all: Value = serde_json::from_str(&read("tests/fixtures/static.json")).expect("valid JSON");
    all["models"][model].clone()
}

/// Compares an entry of a spec with the published figures of a model: totals, and multiply-accumulates of each part.
fn check(spec: &str, entry: &str, model: &str) {
    let compiled = compile_text(&read(spec));
    assert_clean(&compiled, spec);
    let entry = compiled.entries.iter().find(|e| e.name == entry).expect("the entry exists");
    let stats = Stats::of(&entry.graph, &entry.variables).expect("constant sizes");
    let published = published(model);
    let figure = |key: &str| published[key].as_i64().expect("a number");
    assert_eq!(stats.params.as_const(), Some(figure("params")), "parameters of {model}");
    assert_eq!(stats.macs.as_const(), Some(figure("macs")), "multiply-accumulates of {model}");
    assert_eq!(stats.param_tensors as i64, figure("param_tensors"), "tensors of {model}");
    for (module, macs) in published["macs_by_module"].as_object().expect("rows") {
        let row = stats.modules.iter().find(|r| *r.path == **module);
        assert_eq!(row.and_then(|r| r.macs.as_const()), macs.as_i64(), "{model}, {module}");
    }
}

#[test]
fn resnets_have_the_published_figures() {
    for depth in [18, 34, 50, 101, 152] {
        let name = format!("resnet{depth}");
        check(&format!("specs/resnet/{name}.vspec"), &name, &format!("{name}_224"));
    }
}

#[test]
fn vggs_have_the_published_figures() {
    check("specs/vgg/vgg16.vspec", "vgg16", "vgg16_224");
    check("specs/vgg/vgg16.vspec", "vgg16_bn", "vgg16_bn_224");
}

#[test]
fn googlenet_has_the_published_figures() {
    check("specs/googlenet/googlenet.vspec", "googlenet", "googlenet_224_noaux");
}

#[test]
fn networks_for_clips_have_the_published_figures() {
    for name in ["r3d_18", "mc3_18", "r2plus1d_18"] {
        check("specs/video/resnets.vspec", name, &format!("video_{name}_16x112"));
    }
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
