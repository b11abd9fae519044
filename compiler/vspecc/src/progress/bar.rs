//! A bar for people.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use vspec_train::{Clock, Event, Kept, Observer, Progress};

use super::line::{self, Begun};

/// How often the bar is drawn again.
const REDRAW: Duration = Duration::from_millis(100);

/// A bar for the current pass; finished passes stay above it as lines.
pub(super) struct Bar {
    bar: ProgressBar,
    begun: Begun,
    drawn: Option<Instant>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix:<18} {bar:24.cyan/dim} {pos}/{len}  {wide_msg}");
        // The template is a constant that the tests render; indicatif's own is a fair substitute.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
        Bar { bar, begun: Begun::now(&Clock::default()), drawn: None }
    }

    fn advance(&mut self, progress: &Progress<'_>) {
        let last = progress.batch == progress.batches;
        if !last && self.drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        let epoch = progress.epoch + u64::from(progress.trains && !last);
        self.bar.set_prefix(format!("{:<9} epoch {epoch}", progress.step));
        self.bar.set_message(message(progress, &self.begun));
        self.bar.set_position(progress.batch);
    }

    fn line(&self, text: String) {
        self.bar.println(text);
    }
}

fn message(progress: &Progress<'_>, begun: &Begun) -> String {
    let speed = line::speed(progress.items, progress.elapsed, progress.waited);
    let eta = line::remaining(progress, begun).map(|e| format!(", {e}")).unwrap_or_default();
    format!("{}  ({speed}{eta})", line::reports_so_far(progress))
}

impl Observer for Bar {
    fn notify(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { folder, params, clock } => {
                self.begun = Begun::now(clock);
                self.line(line::started(*params, clock, folder));
            }
            Event::PassStarted { step, batches, .. } => {
                self.bar.set_length(*batches);
                self.bar.set_prefix(step.to_string());
                self.bar.set_message("");
                self.bar.set_position(0);
                self.drawn = None;
            }
            Event::Iteration(progress) => self.advance(progress),
            Event::Recorded(row) => self.line(line::row(row)),
            Event::Warned { set, message } => self.line(line::warned(set, message)),
            Event::KeptNone { message } => self.line(line::warned_of_run(message)),
            Event::EndedEarly { why } => self.line(line::ended_early(why)),
            Event::Saved { kept: Kept::Best, .. } => self.line("          best so far, saved".to_string()),
            Event::Saved { .. } => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_where_the_run_is() {
        let terminal = indicatif::InMemoryTerm::new(6, 120);
        let mut bar = Bar::new();
        bar.bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        bar.notify(&Event::PassStarted { step: "train", trains: true, batches: 80 });
        bar.notify(&Event::Iteration(Progress {
            step: "train",
            trains: true,
            batch: 20,
            batches: 80,
            epoch: 2,
            iteration: 180,
            iterations: 640,
            names: &["loss".to_string()],
            means: &[1.25],
            items: 1000,
            elapsed: Duration::from_secs(2),
            waited: Duration::from_millis(100),
        }));
        let shown = terminal.contents();
        assert!(shown.starts_with("train     epoch 3  ━"), "{shown}");
        assert!(shown.contains("20/80  loss 1.2500  (500 items/s, data 5 %, eta "), "{shown}");
    }
}
