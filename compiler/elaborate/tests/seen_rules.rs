//! Seeing what rules decide changes nothing about what is trained.

use std::path::Path;

use vspec_elaborate::{SourceInfo, World, compile, compile_seeing_rules};
use vspec_ir::{OutputKind, Source};

struct Nothing;

impl World for Nothing {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("no such file".to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Err("no data".to_string())
    }
}

const SPEC: &str = include_str!("../../../specs/tood/shapes.vspec");

#[test]
fn rules_are_seen_beside_the_programs() {
    let path = Path::new("shapes.vspec");
    let plain = compile(&Nothing, path, SPEC, &[]);
    let seen = compile_seeing_rules(&Nothing, path, SPEC, &[]);
    assert!(!seen.has_errors(), "{:?}", seen.diagnostics);
    assert_eq!(plain.programs, seen.programs);
    assert!(plain.rules.iter().all(Vec::is_empty));
    let rules: Vec<(&str, &str, String)> = seen.rules[0]
        .iter()
        .map(|r| (&*r.step, &*r.rule, r.when.iter().map(ToString::to_string).collect::<String>()))
        .collect();
    let expected =
        [("train", "ATSS", "epoch < 1".to_string()), ("train", "TaskAligned", "epoch >= 1".to_string())];
    assert_eq!(rules, expected);
    let aligned = &seen.rules[0][1].graph;
    let names: Vec<&str> = aligned.outputs().iter().map(|o| &*o.name).collect();
    for name in ["rows.point", "rows.score", "columns.box", "result.picked", "result.weight", "there"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(aligned.outputs().iter().all(|o| o.kind == OutputKind::Collect));
    assert!(aligned.len() < plain.programs[0].steps[0].graphs[1].graph.len());
}
