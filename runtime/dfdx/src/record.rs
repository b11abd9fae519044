//! Float values and the tape that records what happens to them.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use dfdx::prelude::{HasShape, OwnedTape, PutTape, ReshapeTo, Shape, SplitTape, Tape, Tensor};

use crate::backend::Backend;
use crate::element::Element;

pub(crate) type Flat<E, D> = Tensor<(usize,), E, D>;
pub(crate) type Taped<E, D> = Tensor<(usize,), E, D, OwnedTape<E, D>>;

/// A float value: a flat dfdx tensor and its shape. Clones are the same tensor to the tape.
#[derive(Clone, Debug)]
pub(crate) struct Float<E: Element, D: Backend<E>> {
    pub(crate) tensor: Flat<E, D>,
    pub(crate) shape: Vec<usize>,
    /// dfdx hides its own ids; operands with the same one must not meet in one op of it.
    pub(crate) id: u64,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl<E: Element, D: Backend<E>> Float<E, D> {
    pub(crate) fn new(tensor: Flat<E, D>, shape: Vec<usize>) -> Self {
        Float { tensor, shape, id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// A copy of the elements: dfdx keeps its buffer to itself.
    pub(crate) fn to_vec(&self) -> Vec<E> {
        let mut values = vec![E::default(); self.len()];
        self.tensor.copy_into(&mut values);
        values
    }

    /// The elements, without a copy where they lie on the host.
    pub(crate) fn read(&self) -> std::borrow::Cow<'_, [E]> {
        D::read(&self.tensor)
    }

    /// The same tensor under another shape of as many elements.
    pub(crate) fn with_shape(&self, shape: Vec<usize>) -> Self {
        Float { shape, ..self.clone() }
    }
}

/// A value from elements.
pub(crate) fn float<E: Element, D: Backend<E>>(device: &D, values: Vec<E>, shape: Vec<usize>) -> Float<E, D> {
    let n = values.len();
    Float::new(device.tensor_from_vec(values, (n,)), shape)
}

/// Runs ops, and records them while it holds a tape.
pub(crate) struct Recorder<E: Element, D: Backend<E>> {
    device: D,
    tape: Option<OwnedTape<E, D>>,
    /// Whether each node depends on what the loss is differentiated by.
    depends: Rc<[bool]>,
    /// Operands of the current op that do not.
    constants: BTreeSet<u64>,
    /// Custom operations so far, for the test that the composed kernels have none.
    #[cfg(test)]
    pub(crate) customs: usize,
}

impl<E: Element, D: Backend<E>> Recorder<E, D> {
    /// A recorder that forgets.
    pub(crate) fn forgetful(device: &D) -> Self {
        Recorder::with(device, None, Rc::new([]))
    }

    /// A recorder that keeps a tape, of a graph in which these nodes depend on what the loss is differentiated by.
    pub(crate) fn recording(device: &D, depends: Rc<[bool]>) -> Self {
        Recorder::with(device, Some(OwnedTape::default()), depends)
    }

    fn with(device: &D, tape: Option<OwnedTape<E, D>>, depends: Rc<[bool]>) -> Self {
        Recorder {
            device: device.clone(),
            tape,
            depends,
            constants: BTreeSet::new(),
            #[cfg(test)]
            customs: 0,
        }
    }

    /// Learns which operands of the op that comes next need no gradient. Only of that op: one tensor can be the value of
    /// several nodes, of which some do.
    pub(crate) fn meet<'a>(&mut self, operands: impl Iterator<Item = (usize, &'a Float<E, D>)>) {
        let (mut constants, mut needed) = (BTreeSet::new(), BTreeSet::new());
        for (node, value) in operands {
            let set = if self.depends.get(node) == Some(&false) { &mut constants } else { &mut needed };
            set.insert(value.id);
        }
        self.constants = &constants - &needed;
    }

    /// Whether nobody will ask for the gradient of a value: an op with a costly one may leave it out.
    pub(crate) fn is_constant(&self, value: &Float<E, D>) -> bool {
        self.constants.contains(&value.id)
    }

    /// The tape so far.
    pub(crate) fn into_tape(self) -> OwnedTape<E, D> {
        self.tape.unwrap_or_default()
    }

    /// Where it computes.
    pub(crate) fn device(&self) -> D {
        self.device.clone()
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.tape.is_some()
    }

    /// One of dfdx's own ops on a first operand; others are captured by the function.
    pub(crate) fn op<S: Shape>(
        &mut self,
        x: &Float<E, D>,
        shape: Vec<usize>,
        f: impl FnOnce(Taped<E, D>) -> Tensor<S, E, D, OwnedTape<E, D>>,
    ) -> Float<E, D> {
        let n = shape.iter().product();
        let recording = self.tape.is_some();
        let taped = x.tensor.clone().put_tape(self.tape.take().unwrap_or_default());
        let (tensor, tape) = f(taped).reshape_like(&(n,)).split_tape();
        self.tape = recording.then_some(tape);
        Float::new(tensor, shape)
    }

    /// Something to do on the way back.
    pub(crate) fn mark(&mut self, f: impl FnOnce() + 'static) {
        if let Some(tape) = &mut self.tape {
            tape.add_backward_op(move |_| {
                f();
                Ok(())
            });
        }
    }

    /// An operand that shares its id with no other: dfdx's backward pass refuses `x * x`.
    pub(crate) fn distinct(&mut self, x: &Float<E, D>, other: &Float<E, D>) -> Float<E, D> {
        if x.id == other.id { self.renamed(x) } else { x.clone() }
    }

    /// The same elements as a tensor of their own to the tape.
    pub(crate) fn renamed(&mut self, x: &Float<E, D>) -> Float<E, D> {
        self.op(x, x.shape.clone(), |t| t + E::default())
    }

    /// A custom operation: its result, and how the gradient of the result becomes gradients of the operands.
    ///
    /// `backward` adds to the gradients of the operands, in order. Operands may be the same tensor.
    pub(crate) fn custom(
        &mut self,
        operands: &[&Float<E, D>],
        values: Vec<E>,
        shape: Vec<usize>,
        backward: impl FnOnce(&[E], &mut [Vec<E>]) + 'static,
    ) -> Float<E, D> {
        #[cfg(test)]
        {
            self.customs += 1;
        }
        let result = float(&self.device, values, shape);
        self.record(operands, std::slice::from_ref(&result), |incoming, outgoing| {
            backward(&incoming[0], outgoing)
        });
        result
    }

    /// What a custom operation does on the way back: `backward` adds to the gradients of the operands, given those of the results.
    pub(crate) fn record(
        &mut self,
        operands: &[&Float<E, D>],
        results: &[Float<E, D>],
        backward: impl FnOnce(&[Vec<E>], &mut [Vec<E>]) + 'static,
    ) {
        let Some(tape) = &mut self.tape else { return };
        let inputs: Vec<Flat<E, D>> = operands.iter().map(|o| o.tensor.clone()).collect();
        let ids: Vec<u64> = operands.iter().map(|o| o.id).collect();
        let outputs: Vec<Flat<E, D>> = results.iter().map(|result| result.tensor.clone()).collect();
        let device = self.device.clone();
        tape.add_backward_op(move |gradients| {
            // A tensor that is an operand twice has one gradient: the further parts are added at the end.
            let first = |i: usize| ids[..i].iter().all(|id| *id != ids[i]);
            let mut incoming = vec![];
            for output in &outputs {
                incoming.push(device.take(gradients.get_or_alloc_mut(output)?));
            }
            let mut outgoing = vec![];
            for (i, input) in inputs.iter().enumerate() {
                let slot = gradients.get_or_alloc_mut(input)?;
                outgoing.push(if first(i) { device.take(slot) } else { vec![E::default(); input.shape().0] });
            }
            backward(&incoming, &mut outgoing);
            for (i, (input, mut part)) in inputs.iter().zip(outgoing).enumerate() {
                let slot = gradients.get_or_alloc_mut(input)?;
                if !first(i) {
                    let earlier = device.take(slot);
                    part.iter_mut().zip(&earlier).for_each(|(a, b)| *a += *b);
                }
                device.put(slot, part);
            }
            for (output, incoming) in outputs.iter().zip(incoming) {
                device.put(gradients.get_or_alloc_mut(output)?, incoming);
            }
            Ok(())
        });
    }
}
