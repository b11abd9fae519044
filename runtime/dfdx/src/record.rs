//! Float values and the tape that records what happens to them.

use std::sync::atomic::{AtomicU64, Ordering};

use dfdx::prelude::{
    Cpu, Device, HasShape, OwnedTape, PutTape, ReshapeTo, Shape, SplitTape, Tensor, TensorFromVec,
};

use crate::element::Element;

pub(crate) type Flat<E> = Tensor<(usize,), E, Cpu>;
pub(crate) type Taped<E> = Tensor<(usize,), E, Cpu, OwnedTape<E, Cpu>>;

/// A float value: a flat dfdx tensor and its shape. Clones are the same tensor to the tape.
#[derive(Clone, Debug)]
pub(crate) struct Float<E: Element> {
    pub(crate) tensor: Flat<E>,
    pub(crate) shape: Vec<usize>,
    /// dfdx hides its own ids; operands with the same one must not meet in one op of it.
    pub(crate) id: u64,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl<E: Element> Float<E> {
    pub(crate) fn new(tensor: Flat<E>, shape: Vec<usize>) -> Self {
        Float { tensor, shape, id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// A copy of the elements: dfdx keeps its buffer to itself.
    pub(crate) fn to_vec(&self) -> Vec<E>
    where
        Cpu: Device<E>,
    {
        let mut values = vec![E::default(); self.len()];
        self.tensor.copy_into(&mut values);
        values
    }

    /// The same tensor under another shape of as many elements.
    pub(crate) fn with_shape(&self, shape: Vec<usize>) -> Self {
        Float { shape, ..self.clone() }
    }
}

/// A value from elements.
pub(crate) fn float<E: Element>(values: Vec<E>, shape: Vec<usize>) -> Float<E>
where
    Cpu: Device<E>,
{
    let n = values.len();
    Float::new(Cpu::default().tensor_from_vec(values, (n,)), shape)
}

/// Runs ops, and records them while it holds a tape.
pub(crate) struct Recorder<E: Element> {
    tape: Option<OwnedTape<E, Cpu>>,
}

impl<E: Element> Recorder<E>
where
    Cpu: Device<E>,
{
    /// A recorder that forgets.
    pub(crate) fn forgetful() -> Self {
        Recorder { tape: None }
    }

    /// A recorder that keeps a tape.
    pub(crate) fn recording() -> Self {
        Recorder { tape: Some(OwnedTape::default()) }
    }

    /// The tape so far.
    pub(crate) fn into_tape(self) -> OwnedTape<E, Cpu> {
        self.tape.unwrap_or_default()
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.tape.is_some()
    }

    /// One of dfdx's own ops on a first operand; others are captured by the function.
    pub(crate) fn op<S: Shape>(
        &mut self,
        x: &Float<E>,
        shape: Vec<usize>,
        f: impl FnOnce(Taped<E>) -> Tensor<S, E, Cpu, OwnedTape<E, Cpu>>,
    ) -> Float<E> {
        let n = shape.iter().product();
        let recording = self.tape.is_some();
        let taped = x.tensor.clone().put_tape(self.tape.take().unwrap_or_default());
        let (tensor, tape) = f(taped).reshape_like(&(n,)).split_tape();
        self.tape = recording.then_some(tape);
        Float::new(tensor, shape)
    }

    /// An operand that shares its id with no other: dfdx's backward pass refuses `x * x`.
    pub(crate) fn distinct(&mut self, x: &Float<E>, other: &Float<E>) -> Float<E> {
        if x.id != other.id {
            return x.clone();
        }
        self.op(x, x.shape.clone(), |t| t + E::default())
    }

    /// A custom operation: its result, and how the gradient of the result becomes gradients of the operands.
    ///
    /// `backward` adds to the gradients of the operands, in order. Operands may be the same tensor.
    pub(crate) fn custom(
        &mut self,
        operands: &[&Float<E>],
        values: Vec<E>,
        shape: Vec<usize>,
        backward: impl FnOnce(&[E], &mut [Vec<E>]) + 'static,
    ) -> Float<E> {
        let result = float(values, shape);
        let Some(tape) = &mut self.tape else { return result };
        let (output, inputs) =
            (result.tensor.clone(), operands.iter().map(|o| o.tensor.clone()).collect::<Vec<_>>());
        let ids: Vec<u64> = operands.iter().map(|o| o.id).collect();
        use dfdx::prelude::Tape;
        tape.add_backward_op(move |gradients| {
            let incoming = std::mem::take(E::elements(gradients.get_or_alloc_mut(&output)?));
            let mut outgoing = vec![];
            for (i, input) in inputs.iter().enumerate() {
                let first = ids[..i].iter().all(|id| *id != ids[i]);
                let slot = E::elements(gradients.get_or_alloc_mut(input)?);
                // A tensor that is an operand twice has one gradient: the second part is added below.
                outgoing.push(if first { std::mem::take(slot) } else { vec![E::default(); input.shape().0] });
            }
            backward(&incoming, &mut outgoing);
            for (i, (input, part)) in inputs.iter().zip(outgoing).enumerate() {
                let slot = E::elements(gradients.get_or_alloc_mut(input)?);
                match ids[..i].iter().all(|id| *id != ids[i]) {
                    true => *slot = part,
                    false => slot.iter_mut().zip(&part).for_each(|(a, b)| *a += *b),
                }
            }
            *E::elements(gradients.get_or_alloc_mut(&output)?) = incoming;
            Ok(())
        });
        result
    }
}
