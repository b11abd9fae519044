//! Sees whether a run has got anywhere.

use vspec_train::{Event, Observer};

/// Hands every event on, and remembers whether there was one that leaves something worth keeping.
pub(crate) struct Begun {
    inner: Box<dyn Observer>,
    /// Whether a step has run, or something was recorded or saved.
    pub(crate) anything: bool,
}

impl Begun {
    pub(crate) fn new(inner: Box<dyn Observer>) -> Self {
        Begun { inner, anything: false }
    }
}

impl Observer for Begun {
    fn notify(&mut self, event: &Event<'_>) {
        self.anything |= matches!(event, Event::Iteration(_) | Event::Recorded(_) | Event::Saved { .. });
        self.inner.notify(event);
    }
}
