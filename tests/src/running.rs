//! Running the steps of a small experiment without data, one after the other, on dfdx.

use vspec_dfdx::DfdxEngine;
use vspec_engine::{Engine, HostTensor, Inputs, Interpreter, RunKey, Session, choose};
use vspec_ir::{OutputKind, Program};
use vspec_optimize::differentiate::{self, Tape};

use crate::{assert_clean, compile_text};

/// A program in the middle of its run.
pub struct Running {
    program: Program,
    session: Box<dyn Session>,
    step: u64,
}

impl Running {
    /// The first experiment of a text, with its variables initialised.
    pub fn of(text: &str) -> Running {
        let mut compiled = compile_text(text);
        assert_clean(&compiled, "the experiment");
        let mut program = compiled.programs.remove(0);
        differentiate::prepare_program(&mut program, Tape::First).expect("has gradients");
        let mut session = DfdxEngine::default().session();
        for variable in &program.variables {
            let mut first = Interpreter::default().session();
            let mut value =
                first.run(&variable.init, &Inputs::new(), RunKey::default()).expect("initialises");
            session.write(&variable.path, value.remove(0)).expect("takes a variable");
        }
        Running { program, session, step: 0 }
    }

    /// Runs a step once and gives its reports by name.
    pub fn run(&mut self, name: &str) -> Vec<(String, f64)> {
        let step = self.program.steps.iter().find(|s| s.name == name).expect("the step exists");
        let mut inputs = Inputs::new();
        for (clock, value) in
            [("clock.epoch", 0.0), ("clock.iteration", self.step as f32), ("clock.progress", 0.0)]
        {
            inputs.insert(clock.to_string(), HostTensor::scalar(value));
        }
        let clock = |name: &str| inputs.get(name).and_then(HostTensor::item);
        let graph = choose(&step.graphs, &inputs, &clock).expect("a graph for this time");
        let values = self.session.run(graph, &inputs, RunKey { seed: 0, step: self.step }).expect("runs");
        self.step += 1;
        let reports = graph.outputs().iter().filter(|o| o.kind == OutputKind::Report);
        reports.zip(values).map(|(o, v)| (o.name.to_string(), v.item().expect("a scalar"))).collect()
    }

    /// One report of a step.
    pub fn report(&mut self, step: &str, report: &str) -> f64 {
        let reports = self.run(step);
        reports.iter().find(|(name, _)| name == report).expect("the report exists").1
    }

    /// A variable as it is now.
    pub fn variable(&mut self, path: &str) -> Vec<f64> {
        self.session.read(path).expect("the variable exists").to_f64()
    }
}

/// Whether two rows of numbers agree to single precision.
pub fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-5)
}
