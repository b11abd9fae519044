//! Draws a run's metrics while it goes on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use vspec_train::{Event, Observer};

use crate::commands::plot::plot_run;

/// Time between two drawings of the same run.
const PERIOD: Duration = Duration::from_secs(20);

/// Draws now and then, when a row has been recorded, and hands every event on.
pub(super) struct Plotting {
    inner: Box<dyn Observer>,
    folder: Option<PathBuf>,
    drawn: Instant,
}

impl Plotting {
    pub(super) fn new(inner: Box<dyn Observer>) -> Self {
        Plotting { inner, folder: None, drawn: Instant::now() }
    }
}

impl Observer for Plotting {
    fn notify(&mut self, event: &Event<'_>) {
        self.inner.notify(event);
        match event {
            Event::Started { folder, .. } => self.folder = Some(folder.to_path_buf()),
            Event::Recorded(_) if self.drawn.elapsed() > PERIOD => {
                self.drawn = Instant::now();
                // The drawing at the end says what is wrong; a run does not stop for a picture.
                let _ = self.folder.as_ref().map(|folder| plot_run(folder));
            }
            _ => {}
        }
    }
}
