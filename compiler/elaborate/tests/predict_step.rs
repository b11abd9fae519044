//! The step whose rows are shown as they are.

use std::path::Path;

use vspec_elaborate::{Compiled, SourceInfo, World, compile};
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

fn compiled(step: &str) -> Compiled {
    let text = format!(
        "experiment e {{
          data val = shapes(8) |> batch(4)
          step evaluate(b from val) {{ report m = mean(b.image) }}
          step {step}(b from val) {{ collect probability = mean(b.image, axis = [2, 3]) }}
          run 1 epoch of evaluate
        }}"
    );
    compile(&Nothing, Path::new("e.vspec"), &text, &[])
}

#[test]
fn it_needs_neither_a_finish_nor_a_place_in_the_run() {
    let predict = compiled("predict");
    assert!(predict.diagnostics.is_empty(), "{:?}", predict.diagnostics);
    let step = &predict.programs[0].steps[1];
    assert!(step.finish.is_empty() && step.reports().is_empty());
    assert_eq!(step.graphs[0].graph.outputs()[0].kind, OutputKind::Collect);
}

#[test]
fn another_step_does() {
    let other = compiled("look");
    let said: Vec<String> = other
        .diagnostics
        .iter()
        .map(|d| format!("{} {}", d.message, d.hint.clone().unwrap_or_default()))
        .collect();
    let collected = said.iter().find(|s| s.contains("`probability` is collected, and nothing is made of it"));
    assert!(collected.is_some_and(|s| s.contains("only a step called `predict` needs none")), "{said:?}");
    assert!(said.iter().any(|s| s.contains("step `look` is not part of the run")), "{said:?}");
}
