//! How long a run is, known before it begins.

use vspec_ir::{Every, Phase, Program, Unit};

/// Training iterations of a whole schedule; `epoch` is the number of batches in an epoch of each step. Numbers too large to
/// count stop at the largest one.
pub(crate) fn training_iterations(program: &Program, epoch: &[u64]) -> u64 {
    of_phases(program, epoch, &program.schedule)
}

/// Steps that a schedule runs, each once, in ascending order.
pub fn scheduled_steps(phases: &[Phase]) -> Vec<usize> {
    let mut steps = vec![];
    collect(phases, &mut steps);
    steps.sort_unstable();
    steps.dedup();
    steps
}

fn collect(phases: &[Phase], steps: &mut Vec<usize>) {
    for phase in phases {
        match phase {
            Phase::Steps(phase) => {
                steps.push(phase.step);
                steps.extend(phase.every.iter().map(|e| e.step));
                steps.extend(phase.keep_best.iter().map(|k| k.metric.step));
                steps.extend(phase.stop_when.iter().map(|s| s.metric.step));
                steps.extend(phase.expect.iter().map(|e| e.metric.step));
            }
            Phase::Sequences(sequences) => {
                steps.extend(sequences.parts.iter().map(|part| part.step));
                steps.extend(sequences.expect.iter().map(|e| e.metric.step));
            }
            Phase::Repeat { until, phases, .. } => {
                steps.extend(until.iter().map(|u| u.metric.step));
                collect(phases, steps);
            }
        }
    }
}

fn of_phases(program: &Program, epoch: &[u64], phases: &[Phase]) -> u64 {
    let each = phases.iter().map(|phase| match phase {
        Phase::Steps(phase) => {
            let own_epoch = epoch[phase.step];
            let length = in_iterations(phase.count, phase.unit, own_epoch);
            let beside = phase.every.iter().map(|e| of_every(program, epoch, e, length, own_epoch));
            let own = if program.steps[phase.step].trains { length } else { 0 };
            beside.fold(own, u64::saturating_add)
        }
        Phase::Sequences(_) => 0,
        Phase::Repeat { count, phases, .. } => count.saturating_mul(of_phases(program, epoch, phases)),
    });
    each.fold(0, u64::saturating_add)
}

/// Training iterations of a step that runs beside a phase: once for each full period, and at the end.
fn of_every(program: &Program, epoch: &[u64], every: &Every, length: u64, phase_epoch: u64) -> u64 {
    if !program.steps[every.step].trains {
        return 0;
    }
    let period = in_iterations(every.count, every.unit, phase_epoch).max(1);
    length.div_ceil(period).saturating_mul(epoch[every.step])
}

fn in_iterations(count: u64, unit: Unit, epoch: u64) -> u64 {
    match unit {
        Unit::Epochs => count.saturating_mul(epoch),
        Unit::Iterations => count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vspec_ir::{Graph, Step, Steps, Variant};

    fn program(schedule: Vec<Phase>) -> Program {
        let step = |name: &str, trains| Step {
            name: name.to_string(),
            trains,
            batches: vec![],
            graphs: vec![Variant::always(Graph::new(name))],
            finish: vec![],
        };
        let steps = vec![step("train", true), step("evaluate", false), step("critic", true)];
        Program { name: "p".to_string(), variables: vec![], data: vec![], steps, schedule }
    }

    fn steps(step: usize, count: u64, unit: Unit, every: Vec<Every>) -> Phase {
        Phase::Steps(Steps { every, ..Steps::new(step, count, unit) })
    }

    #[test]
    fn only_training_counts_and_repetitions_multiply() {
        let evaluate = Every { step: 1, count: 1, unit: Unit::Epochs };
        let phases = vec![steps(0, 2, Unit::Epochs, vec![evaluate]), steps(0, 7, Unit::Iterations, vec![])];
        let program =
            program(vec![Phase::Repeat { count: 3, until: None, phases }, steps(1, 5, Unit::Epochs, vec![])]);
        assert_eq!(training_iterations(&program, &[10, 100, 1]), 3 * (20 + 7));
        assert_eq!(scheduled_steps(&program.schedule), [0, 1]);
    }

    #[test]
    fn a_training_step_beside_another_counts_for_each_period_and_the_end() {
        let critic = Every { step: 2, count: 2, unit: Unit::Epochs };
        let program = program(vec![steps(0, 5, Unit::Epochs, vec![critic])]);
        assert_eq!(training_iterations(&program, &[10, 1, 4]), 50 + 3 * 4);
    }

    #[test]
    fn endless_schedules_do_not_overflow() {
        let endless = steps(0, u64::MAX, Unit::Epochs, vec![]);
        let program = program(vec![Phase::Repeat { count: u64::MAX, until: None, phases: vec![endless] }]);
        assert_eq!(training_iterations(&program, &[10, 1, 1]), u64::MAX);
    }
}
