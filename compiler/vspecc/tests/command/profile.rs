//! `--profile`: a trace whose spans lie within each other, and name lines.

use serde_json::Value;

use crate::scene::Scene;

fn events(scene: &Scene, file: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_str(&scene.read(file)).expect("JSON");
    trace["traceEvents"].as_array().expect("events").clone()
}

fn of<'e>(events: &'e [Value], category: &str) -> Vec<&'e Value> {
    events.iter().filter(|e| e["cat"] == category).collect()
}

/// When an event begins and ends, in microseconds.
fn span(event: &Value) -> (f64, f64) {
    let number = |key: &str| event[key].as_f64().expect("a number");
    (number("ts"), number("ts") + number("dur"))
}

#[test]
fn a_trace_has_data_steps_and_nodes_with_their_lines() {
    let scene = Scene::new(2);
    let done = scene.succeed(&["run", "tiny.vspec", "--engine", "dfdx", "--profile", "trace.json"]);
    assert!(done.stderr.contains("conv backward"), "{}", done.stderr);
    let events = events(&scene, "trace.json");
    // Two epochs of eight steps, each with an evaluation of three.
    assert_eq!(of(&events, "step").len(), 2 * (8 + 3));
    assert_eq!(of(&events, "data").len(), 2 * (8 + 3));
    assert_eq!(of(&events, "pass").len(), 2);
    assert!(of(&events, "file").iter().any(|e| e["name"] == "last.safetensors"));
    let steps: Vec<(f64, f64)> = of(&events, "step").iter().map(|e| span(e)).collect();
    for category in ["forward", "backward"] {
        let nodes = of(&events, category);
        assert!(nodes.iter().any(|e| e["name"] == "conv"), "{category}");
        // A microsecond covers what rounding does to sums.
        let inside = |(from, to): (f64, f64)| steps.iter().any(|s| s.0 - 1.0 <= from && to <= s.1 + 1.0);
        assert!(nodes.iter().all(|e| inside(span(e))), "{category}");
    }
    let lines = events.iter().filter_map(|e| e["args"]["line"].as_str());
    assert!(lines.clone().any(|l| l.starts_with("tiny.vspec:")), "{:?}", lines.take(5).collect::<Vec<_>>());
    let modules = events.iter().filter_map(|e| e["args"]["module"].as_str());
    assert!(modules.clone().any(|m| m.contains("stem")), "{:?}", modules.take(5).collect::<Vec<_>>());
}

#[test]
fn a_trace_of_the_fused_engine_has_kernels() {
    let scene = Scene::new(1);
    let done = scene.succeed(&["run", "tiny.vspec", "--max-steps", "3", "--profile", "trace.json"]);
    assert!(done.stderr.contains("conv_weight"), "{}", done.stderr);
    let events = events(&scene, "trace.json");
    let kernels = of(&events, "kernel");
    assert!(
        kernels.iter().any(|e| e["name"] == "conv_weight") && kernels.iter().any(|e| e["name"] == "region")
    );
    assert!(of(&events, "forward").is_empty());
    let steps: Vec<(f64, f64)> = of(&events, "step").iter().map(|e| span(e)).collect();
    let inside = |(from, to): (f64, f64)| steps.iter().any(|s| s.0 - 1.0 <= from && to <= s.1 + 1.0);
    assert!(kernels.iter().all(|e| inside(span(e))), "kernels lie within steps");
    let modules = kernels.iter().filter_map(|e| e["args"]["module"].as_str());
    assert!(modules.clone().any(|m| m.contains("stem")), "{:?}", modules.take(5).collect::<Vec<_>>());
}

#[test]
fn measuring_changes_no_number() {
    let scene = Scene::new(1);
    scene.succeed(&["run", "tiny.vspec"]);
    scene.succeed(&["run", "tiny.vspec", "--profile", "trace.json"]);
    assert_eq!(scene.bytes("runs/tiny/001/metrics.csv"), scene.bytes("runs/tiny/002/metrics.csv"));
    let last = |run: &str| scene.bytes(&format!("runs/tiny/{run}/checkpoints/last.safetensors"));
    assert_eq!(last("001"), last("002"));
    let message = scene.refuse(&["run", "tiny.vspec", "--profile", "no/where.json"]);
    assert!(message.contains("cannot create `no/where.json`"), "{message}");
    assert!(!scene.path("runs/tiny/003").exists(), "a mistake leaves no folder");
}
