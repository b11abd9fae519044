//! How kernels compute: with which instructions, and how exactly.

use std::cell::Cell;

use crate::fence::Fence;
use crate::kernels::vector::{Isa, detected};

thread_local! {
    /// What holds for work that this thread does.
    static NOW: Cell<Mode> = const { Cell::new(Mode::BEST) };
}

/// How an executable computes. Other modes than the default are for tests and measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// The largest set of vector instructions to use, where the machine has it.
    pub isa: Isa,
    /// Whether regions become machine code, where there is a set of instructions for that; otherwise they are tile programs.
    pub machine_code: bool,
    /// Whether convolutions are sums of products as they stand. Otherwise some windows go through Winograd's transforms, which round more: the
    /// root mean square of their errors is 2 to 8 times as large.
    pub exact: bool,
    /// Whether each value, and what kernels work in, lies in memory of its own beside pages that nobody may touch. Whoever leaves it is
    /// stopped by the system, and the program with him; where the system cannot do that (only Unix can), runs are errors.
    pub fence: Option<Fence>,
}

impl Mode {
    /// The fastest one.
    pub const BEST: Mode = Mode { isa: Isa::Avx512, machine_code: true, exact: false, fence: None };

    /// No other instructions than those of a set.
    pub const fn only(isa: Isa) -> Mode {
        Mode { isa, ..Mode::BEST }
    }

    /// The instructions of the machine that it uses.
    pub fn instructions(self) -> Isa {
        self.isa.min(detected())
    }

    /// The instructions that machine code is made of.
    pub(crate) fn target(self) -> Isa {
        if self.machine_code { self.instructions() } else { Isa::Baseline }
    }

    /// Does something in this mode, and so does whoever helps with it.
    pub(crate) fn within<R>(self, f: impl FnOnce() -> R) -> R {
        struct Back(Mode);
        impl Drop for Back {
            fn drop(&mut self) {
                NOW.set(self.0);
            }
        }
        let _back = Back(NOW.replace(self));
        f()
    }

    /// The mode of the work at hand.
    #[inline]
    pub(crate) fn now() -> Mode {
        NOW.get()
    }
}

impl Default for Mode {
    fn default() -> Self {
        Mode::BEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::map;

    #[test]
    fn helpers_work_in_the_mode_of_who_asks_and_nobody_else_does() {
        let slow = Mode { machine_code: false, exact: true, ..Mode::only(Isa::Baseline) };
        std::thread::scope(|scope| {
            for mode in [slow, Mode::BEST] {
                scope.spawn(move || {
                    for _ in 0..50 {
                        let seen = mode.within(|| map(64, |_| Mode::now()));
                        assert!(seen.iter().all(|seen| *seen == mode));
                        assert_eq!(Mode::now(), Mode::BEST);
                    }
                });
            }
        });
    }
}
