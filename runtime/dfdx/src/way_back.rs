//! Measuring a node on the way back: marks on the tape before and after what the node records.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use vspec_engine::Stopwatch;
use vspec_ir::NodeId;

use crate::backend::Backend;
use crate::element::Element;
use crate::record::Recorder;

/// The marks of one node. dfdx plays the tape backwards, so what is recorded first comes last.
pub(crate) struct WayBack {
    stopwatch: Stopwatch,
    node: NodeId,
    began: Rc<Cell<Option<Instant>>>,
}

impl WayBack {
    pub(crate) fn new(stopwatch: &Stopwatch, node: NodeId) -> Self {
        WayBack { stopwatch: stopwatch.clone(), node, began: Rc::default() }
    }

    /// The mark that is recorded before the node.
    pub(crate) fn record_end<E: Element, D: Backend<E>>(&self, recorder: &mut Recorder<E, D>) {
        let (stopwatch, node, began) = (self.stopwatch.clone(), self.node, self.began.clone());
        recorder.mark(move || began.take().into_iter().for_each(|began| stopwatch.stop(node, true, began)));
    }

    /// The mark that is recorded after the node.
    pub(crate) fn record_start<E: Element, D: Backend<E>>(&self, recorder: &mut Recorder<E, D>) {
        let began = self.began.clone();
        recorder.mark(move || began.set(Some(Instant::now())));
    }
}
