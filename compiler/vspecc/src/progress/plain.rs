//! Lines for logs and build services.

use std::time::{Duration, Instant};

use vspec_train::{Clock, Event, Kept, Observer, Progress};

use super::line::{self, Begun};
use crate::console;

/// Time without a line after which one is written.
const SILENCE: Duration = Duration::from_secs(30);

/// Writes a line for each pass, and one now and then during long ones. Lines bear no times of day: build services add their own.
pub(super) struct Plain {
    begun: Begun,
    last: Instant,
}

impl Plain {
    pub(super) fn new() -> Self {
        Plain { begun: Begun::now(&Clock::default()), last: Instant::now() }
    }

    fn line(&mut self, text: &str) {
        console::error(text);
        self.last = Instant::now();
    }

    fn sign_of_life(&mut self, progress: &Progress<'_>) {
        if self.last.elapsed() < SILENCE {
            return;
        }
        let speed = line::speed(progress.items, progress.elapsed, progress.waited);
        let eta = line::remaining(progress, &self.begun).map(|e| format!(", {e}")).unwrap_or_default();
        let reports = line::reports_so_far(progress);
        self.line(&format!(
            "{:<9} {}/{}  {reports}  ({speed}{eta})",
            progress.step, progress.batch, progress.batches
        ));
    }
}

impl Observer for Plain {
    fn notify(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { folder, params, clock } => {
                self.begun = Begun::now(clock);
                self.line(&line::started(*params, clock, folder));
            }
            Event::Iteration(progress) => self.sign_of_life(progress),
            Event::Recorded(row) => self.line(&line::row(row)),
            Event::Warned { set, message } => self.line(&line::warned(set, message)),
            Event::KeptNone { message } => self.line(&line::warned_of_run(message)),
            Event::EndedEarly { why } => self.line(&line::ended_early(why)),
            Event::Saved { kept: Kept::Best, .. } => self.line("          best so far, saved"),
            Event::Saved { .. } | Event::PassStarted { .. } => {}
        }
    }
}
