//! The devices of dfdx that graphs run on.
//!
//! dfdx's own operations run where the tensor is. A custom operation reads its operands on the host, and this trait is how its
//! backward pass gets at gradient buffers: on the CPU they are handed over without a copy, on CUDA they travel.

use std::borrow::Cow;

use dfdx::prelude::{Cpu, Device, HasShape, Storage};

use crate::element::Element;
use crate::record::Flat;

/// A device of dfdx whose gradient buffers custom operations can read and write.
pub(crate) trait Backend<E: Element>: Device<E> {
    /// Whether tensors lie in host memory, where this crate's kernels run on several threads and dfdx's own on one.
    const HOST: bool;

    /// The elements of a tensor: where they are, if that is the host, else a copy.
    fn read(tensor: &Flat<E, Self>) -> Cow<'_, [E]>;

    /// Takes the elements out of a buffer, which then holds anything.
    fn take(&self, buffer: &mut <Self as Storage<E>>::Vec) -> Vec<E>;

    /// Puts elements into the buffer that they were taken out of.
    fn put(&self, buffer: &mut <Self as Storage<E>>::Vec, values: Vec<E>);
}

macro_rules! cpu {
    ($t:ty) => {
        impl Backend<$t> for Cpu {
            const HOST: bool = true;

            fn read(tensor: &Flat<$t, Self>) -> Cow<'_, [$t]> {
                let n = tensor.shape().0;
                if n == 0 {
                    return Cow::Borrowed(&[]);
                }
                // dfdx keeps its buffer to itself, but lends single elements.
                let (first, last): (*const $t, *const $t) = (&tensor[[0]], &tensor[[n - 1]]);
                assert!(first.wrapping_add(n - 1) == last, "flat tensors are dense");
                // SAFETY: both ends were lent out of one vector, at the distance of their indices, so the elements between
                // them lie there, too. The vector is neither changed nor freed while the tensor is borrowed: dfdx changes
                // buffers only through exclusive references, and the tensor holds a share of this one.
                Cow::Borrowed(unsafe { std::slice::from_raw_parts(first, n) })
            }

            fn take(&self, buffer: &mut <Self as Storage<$t>>::Vec) -> Vec<$t> {
                std::mem::take(&mut **buffer)
            }

            fn put(&self, buffer: &mut <Self as Storage<$t>>::Vec, values: Vec<$t>) {
                **buffer = values;
            }
        }
    };
}

cpu!(f32);
cpu!(f64);

#[cfg(feature = "dfdx-cuda")]
mod cuda {
    //! A failed copy between host and device leaves nothing to go on with; dfdx itself unwraps there too.

    use std::borrow::Cow;

    use dfdx::prelude::{Cuda, HasShape, Storage};

    use super::Backend;
    use crate::record::Flat;

    macro_rules! cuda {
        ($t:ty) => {
            impl Backend<$t> for Cuda {
                const HOST: bool = false;

                fn read(tensor: &Flat<$t, Self>) -> Cow<'_, [$t]> {
                    let mut values = vec![<$t>::default(); tensor.shape().0];
                    tensor.copy_into(&mut values);
                    Cow::Owned(values)
                }

                fn take(&self, buffer: &mut <Self as Storage<$t>>::Vec) -> Vec<$t> {
                    buffer.device().dtoh_sync_copy(buffer).expect("the device copies to the host")
                }

                fn put(&self, buffer: &mut <Self as Storage<$t>>::Vec, values: Vec<$t>) {
                    let device = buffer.device();
                    device.htod_copy_into(values, buffer).expect("the host copies to the device");
                }
            }
        };
    }

    cuda!(f32);
    cuda!(f64);
}
