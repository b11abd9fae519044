//! The standard library's own tests hold on every engine that runs plans, at every level of optimisation. `vspecc test std` runs them on
//! the engines that have a name on the command line.

use vspec_elaborate::TestCase;
use vspec_engine::{Engine, Inputs, Precision, RunKey};
use vspec_optimize::Level;
use vspec_optimize::differentiate::{Tape, prepare};
use vspec_tests::{compile_text, fused_at, fusing, planned_at, vspec_files};
use vspec_train::initialise;

/// The assertions that do not hold.
fn failures(test: &TestCase, engine: &dyn Engine) -> Vec<String> {
    let mut session = engine.session();
    initialise(&test.variables, session.as_mut(), 0).expect("first values");
    let mut graph = test.graph.clone();
    if let Err(error) = prepare(&mut graph, Tape::First) {
        return vec![error.to_string()];
    }
    let values = match session.run(&graph, &Inputs::new(), RunKey::default()) {
        Ok(values) => values,
        Err(error) => return vec![error.to_string()],
    };
    let outputs = graph.outputs().iter().zip(&values);
    outputs.filter(|(_, v)| v.to_f64().contains(&0.0)).map(|(o, _)| o.name.to_string()).collect()
}

#[test]
fn every_test_of_the_library_holds_on_plans() {
    let mut engines: Vec<(String, Box<dyn Engine>)> =
        vec![("dfdx-fused".to_string(), Box::new(fusing(Precision::F32)))];
    for level in [Level::O0, Level::O1, Level::O2] {
        engines.push((format!("plans {level:?}"), Box::new(planned_at(level, Precision::F32))));
        engines.push((format!("fused {level:?}"), Box::new(fused_at(level, Precision::F32))));
    }
    let mut count = 0;
    for path in vspec_files("stdlib") {
        let text = std::fs::read_to_string(&path).expect("readable");
        for test in compile_text(&text).tests.iter().filter(|test| !test.assertions.is_empty()) {
            count += 1;
            for (name, engine) in &engines {
                let failed = failures(test, engine.as_ref());
                assert_eq!(failed, [""; 0], "{}, {} on {name}", path.display(), test.name);
            }
        }
    }
    assert!(count > 50, "{count} tests");
}
