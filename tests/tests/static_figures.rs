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
