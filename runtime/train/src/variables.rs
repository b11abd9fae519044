//! First values of variables, and copies of their current ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use vspec_engine::{Buffer, Engine, EngineError, HostTensor, Inputs, Interpreter, RunKey, Session};
use vspec_ir::{OutputKind, Program, Variable, VariableKind};

use crate::TrainError;

/// Computes the first value of every variable on the reference interpreter and hands it to the session, so that a seed means
/// the same network on every engine. All cores draw; a value depends on its variable alone.
///
/// # Errors
/// When an initialiser cannot be run, or the session does not take its value: the first variable with which that happens.
pub fn initialise(variables: &[Variable], session: &mut dyn Session, seed: u64) -> Result<(), TrainError> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(variables.len());
    thread::scope(|scope| {
        // Few values wait at a time.
        let (send, values) = mpsc::sync_channel(threads);
        for _ in 0..threads {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || first_values(variables, seed, next, &send));
        }
        drop(send);
        let mut failure: Option<(usize, EngineError)> = None;
        for (number, outputs) in values {
            // An initialiser has one output; without it the session reports the variable as missing when it is read.
            let written = outputs.and_then(|outputs| match outputs.into_iter().next() {
                Some(value) => session.write(&variables[number].path, value),
                None => Ok(()),
            });
            match written {
                Err(error) if failure.as_ref().is_none_or(|(first, _)| number < *first) => {
                    failure = Some((number, error));
                }
                _ => {}
            }
        }
        let failed = |(number, error): (usize, EngineError)| {
            let path = variables[number].path.to_string();
            Err(TrainError::Initialise { path, error })
        };
        failure.map_or(Ok(()), failed)
    })
}

/// The values of an initialiser, and the number of its variable.
type First = (usize, Result<Vec<HostTensor>, EngineError>);

/// Computes the first values of whichever variables are next, until none is left or nobody wants them.
fn first_values(variables: &[Variable], seed: u64, next: &AtomicUsize, send: &mpsc::SyncSender<First>) {
    let mut interpreter = Interpreter::default().session();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(variable) = variables.get(number) else { return };
        let outputs = interpreter.run(&variable.init, &Inputs::new(), RunKey { seed, step: 0 });
        if send.send((number, outputs)).is_err() {
            return;
        }
    }
}

/// A copy of every variable, in order.
pub(crate) fn read_all<'p>(
    program: &'p Program,
    session: &dyn Session,
) -> Result<Vec<(&'p str, HostTensor)>, TrainError> {
    let read = program.variables.iter().map(|variable| {
        let path = &*variable.path;
        let value = session.read(path);
        Ok((path, value.map_err(|error| TrainError::Initialise { path: path.to_string(), error })?))
    });
    read.collect()
}

/// An element of a trained parameter that is infinite or not a number, if there is one, with the parameter's path.
pub(crate) fn not_finite<'p>(
    program: &'p Program,
    values: &[(&'p str, HostTensor)],
) -> Option<(&'p str, f64)> {
    let variables = program.variables.iter().zip(values);
    let trained = variables.filter(|(variable, _)| is_trained(program, variable));
    trained.into_iter().find_map(|(_, (path, value))| Some((*path, first_not_finite(value)?)))
}

/// Whether some step gives a parameter new values.
fn is_trained(program: &Program, variable: &Variable) -> bool {
    let mut outputs = program.steps.iter().flat_map(|s| &s.graphs).flat_map(|v| v.graph.outputs());
    variable.kind == VariableKind::Param
        && outputs.any(|output| output.kind == OutputKind::Write && output.name == variable.path)
}

fn first_not_finite(value: &HostTensor) -> Option<f64> {
    match value.buffer() {
        Buffer::F32(values) => values.iter().find(|v| !v.is_finite()).map(|v| f64::from(*v)),
        Buffer::F64(values) => values.iter().find(|v| !v.is_finite()).copied(),
        Buffer::I32(_) | Buffer::Bool(_) => None,
    }
}

/// Elements of all parameters.
pub(crate) fn parameter_count(program: &Program) -> u64 {
    let params = program.variables.iter().filter(|v| v.kind == VariableKind::Param);
    let elements = params.filter_map(|v| v.ty.const_shape()).map(|s| s.iter().product::<usize>() as u64);
    elements.sum()
}
