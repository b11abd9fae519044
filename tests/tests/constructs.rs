//! What constructs of the language compute: the tests of every file in `tests/constructs`, on the interpreter and on dfdx.

use vspec_dfdx::DfdxEngine;
use vspec_elaborate::{TestCase, compile};
use vspec_engine::{Engine, Inputs, Interpreter, RunKey};
use vspec_tests::{NoWorld, assert_clean, vspec_files};

/// Names of conditions that do not hold.
fn failures(test: &TestCase, engine: &dyn Engine) -> Vec<String> {
    let mut session = engine.session();
    for variable in &test.variables {
        let mut value = Interpreter::default()
            .session()
            .run(&variable.init, &Inputs::new(), RunKey::default())
            .expect("initialises");
        session.write(&variable.path, value.remove(0)).expect("takes a variable");
    }
    let values = session.run(&test.graph, &Inputs::new(), RunKey::default()).expect("runs");
    let outputs = test.graph.outputs().iter().zip(values);
    outputs.filter(|(_, v)| v.to_f64().contains(&0.0)).map(|(o, _)| o.name.to_string()).collect()
}

#[test]
fn every_construct_computes_what_its_tests_say() {
    let files = vspec_files("tests/constructs");
    assert!(!files.is_empty());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        let compiled = compile(&NoWorld, &path, &text, &[]);
        assert_clean(&compiled, &path.display().to_string());
        assert!(!compiled.tests.is_empty(), "{} has no tests", path.display());
        for test in &compiled.tests {
            assert!(test.failures.is_empty(), "{}: {:?}", test.name, test.failures);
            assert_eq!(failures(test, &Interpreter::default()), [""; 0], "{} on the interpreter", test.name);
            assert_eq!(failures(test, &DfdxEngine::default()), [""; 0], "{} on dfdx", test.name);
        }
    }
}
