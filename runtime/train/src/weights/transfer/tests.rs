//! Tests of transfers: which names find each other, and what is said of the others.

use safetensors::tensor::Dtype;
use vspec_ir::Graph;
use vspec_ir::text::parse_type;

use super::*;

fn variables() -> Vec<Variable> {
    let variable = |path: &str, kind, ty| Variable {
        path: path.into(),
        kind,
        ty: parse_type(ty).expect("a type"),
        init: Graph::new("init"),
    };
    vec![
        variable("net.conv1.weight", VariableKind::Param, "f32[2]"),
        variable("net.bn1.running_mean", VariableKind::State, "f32[2]"),
        variable("net.fc.weight", VariableKind::Param, "f32[3]"),
        variable("opt.net.fc.weight.momentum", VariableKind::Optimizer, "f32[3]"),
    ]
}

/// Reads a file with tensors of zeros.
fn read(tensors: &[(&str, Dtype, usize)], rules: &[&str]) -> Transfer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.safetensors");
    let zeros = [0; 64];
    let view = |dtype: Dtype, n: usize| {
        TensorView::new(dtype, vec![n], &zeros[..n * dtype.bitsize() / 8]).expect("a tensor")
    };
    let views = tensors.iter().map(|(name, dtype, n)| (*name, view(*dtype, *n)));
    let bytes = safetensors::serialize(views, None).expect("a file");
    fs::write(&path, bytes).expect("writable");
    let rules: Vec<Rename> = rules.iter().map(|r| r.parse().expect("a rule")).collect();
    Transfer::read(&path, &variables(), &rules).expect("a whole file")
}

fn loaded(transfer: &Transfer) -> Vec<&str> {
    transfer.weights.iter().map(|(name, _)| name.as_str()).collect()
}

const WHOLE: [(&str, Dtype, usize); 4] = [
    ("conv1.weight", Dtype::F32, 2),
    ("bn1.running_mean", Dtype::F32, 2),
    ("bn1.num_batches_tracked", Dtype::I64, 1),
    ("fc.weight", Dtype::F32, 3),
];

#[test]
fn the_names_of_other_libraries_load_as_they_are() {
    let transfer = read(&WHOLE, &[]);
    assert_eq!(loaded(&transfer), ["net.conv1.weight", "net.bn1.running_mean", "net.fc.weight"]);
    assert_eq!(transfer.notes, ["the file's names lack `net.`, which is put before them"]);
    assert!(transfer.missing.is_empty() && transfer.unexpected.is_empty() && transfer.left_out.is_empty());
}

#[test]
fn the_prefix_of_parallel_training_is_dropped() {
    let parallel: Vec<(String, Dtype, usize)> =
        WHOLE.iter().map(|(name, dtype, n)| (format!("module.{name}"), *dtype, *n)).collect();
    let parallel: Vec<_> = parallel.iter().map(|(name, dtype, n)| (name.as_str(), *dtype, *n)).collect();
    let transfer = read(&parallel, &[]);
    assert_eq!(transfer.weights.len(), 3);
    assert_eq!(transfer.notes[0], "every name begins with `module.`, which is dropped");
}

#[test]
fn checkpoints_of_our_own_give_weights_only() {
    let own = [("net.conv1.weight", Dtype::F32, 2), ("opt.net.fc.weight.momentum", Dtype::F32, 3)];
    let transfer = read(&own, &[]);
    assert_eq!(loaded(&transfer), ["net.conv1.weight"]);
    assert_eq!(transfer.left_out, ["opt.net.fc.weight.momentum"]);
    assert_eq!(transfer.missing, ["net.bn1.running_mean", "net.fc.weight"]);
    assert!(transfer.notes.is_empty());
}

#[test]
fn rules_rename_and_leave_out() {
    let file =
        [("backbone.conv1.weight", Dtype::BF16, 2), ("head.weight", Dtype::F32, 9), ("x", Dtype::F32, 1)];
    let transfer = read(&file, &["backbone.** -> net.**", "head.** ->"]);
    assert_eq!(loaded(&transfer), ["net.conv1.weight"]);
    assert_eq!(
        (transfer.left_out, transfer.unexpected),
        (vec!["head.weight".to_string()], vec!["x".to_string()])
    );
}

#[test]
fn another_shape_or_element_type_is_told_with_both() {
    let transfer = read(&[("net.conv1.weight", Dtype::F16, 2), ("net.fc.weight", Dtype::F32, 4)], &[]);
    let wrong = WrongTensor {
        name: "net.fc.weight".to_string(),
        expected: "f32[3]".to_string(),
        found: "f32[4]".to_string(),
    };
    assert_eq!(transfer.wrong, [wrong]);
    let transfer = read(&[("net.fc.weight", Dtype::I64, 3)], &[]);
    assert_eq!(transfer.wrong[0].found, "i64[3]");
}
