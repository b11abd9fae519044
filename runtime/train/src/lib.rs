//! Running steps and schedules, checkpoints, metrics and logs.
