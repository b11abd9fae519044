//! First values of variables, and copies of their current ones.

use vspec_engine::{Engine, HostTensor, Inputs, Interpreter, RunKey, Session};
use vspec_ir::{Program, Variable, VariableKind};

use crate::TrainError;

/// Computes the first value of every variable on the reference interpreter and hands it to the session, so that a seed means
/// the same network on every engine.
///
/// # Errors
/// When an initialiser cannot be run, or the session does not take its value.
pub fn initialise(variables: &[Variable], session: &mut dyn Session, seed: u64) -> Result<(), TrainError> {
    let mut interpreter = Interpreter::default().session();
    for variable in variables {
        let key = RunKey { seed, step: 0 };
        let failed = |error| TrainError::Initialise { path: variable.path.to_string(), error };
        let outputs = interpreter.run(&variable.init, &Inputs::new(), key).map_err(failed)?;
        // An initialiser has one output; without it the session reports the variable as missing when it is read.
        if let Some(value) = outputs.into_iter().next() {
            session.write(&variable.path, value).map_err(failed)?;
        }
    }
    Ok(())
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

/// Elements of all parameters.
pub(crate) fn parameter_count(program: &Program) -> u64 {
    let params = program.variables.iter().filter(|v| v.kind == VariableKind::Param);
    let elements = params.filter_map(|v| v.ty.const_shape()).map(|s| s.iter().product::<usize>() as u64);
    elements.sum()
}
