//! How often a run writes a checkpoint.

use std::str::FromStr;

use vspec_ir::Unit;

use crate::Clock;

/// How often a run writes a checkpoint: every so many epochs or training iterations of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// How many, at least one.
    pub count: u64,
    /// Of what.
    pub unit: Unit,
}

impl Default for Cadence {
    /// Every epoch.
    fn default() -> Self {
        Cadence { count: 1, unit: Unit::Epochs }
    }
}

impl Cadence {
    /// Whether a checkpoint is due after a training iteration, which may have ended an epoch.
    pub(crate) fn is_due(&self, clock: &Clock, epoch_ended: bool) -> bool {
        match self.unit {
            Unit::Epochs => epoch_ended && clock.epoch.is_multiple_of(self.count.max(1)),
            Unit::Iterations => clock.iteration.is_multiple_of(self.count.max(1)),
        }
    }
}

impl FromStr for Cadence {
    type Err = String;

    /// Reads `500`, `500 steps` or `2 epochs`; without a unit it counts training iterations.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let unit = match unit.trim() {
            "" | "step" | "steps" | "iteration" | "iterations" => Unit::Iterations,
            "epoch" | "epochs" => Unit::Epochs,
            _ => return Err("write it as 500, 500steps or 2epochs".to_string()),
        };
        match count.parse() {
            Ok(count) if count > 0 => Ok(Cadence { count, unit }),
            _ => Err("it starts with a number from 1 on: 500, 500steps or 2epochs".to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_steps_unless_it_says_epochs() {
        let read = |text: &str| text.parse::<Cadence>();
        assert_eq!(read("500"), Ok(Cadence { count: 500, unit: Unit::Iterations }));
        assert_eq!(read("1step"), Ok(Cadence { count: 1, unit: Unit::Iterations }));
        assert_eq!(read(" 2 epochs "), Ok(Cadence { count: 2, unit: Unit::Epochs }));
        for wrong in ["", "0", "epochs", "-1", "2 days", "99999999999999999999999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
