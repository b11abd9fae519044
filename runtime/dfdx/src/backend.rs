//! The devices of dfdx that graphs run on.
//!
//! dfdx's own operations run where the tensor is. A custom operation reads its operands on the host, and this trait is how its
//! backward pass gets at gradient buffers: on the CPU they are handed over without a copy, on CUDA they travel.

use dfdx::prelude::{Cpu, Device, Storage};

use crate::element::Element;

/// A device of dfdx whose gradient buffers custom operations can read and write.
pub(crate) trait Backend<E: Element>: Device<E> {
    /// Takes the elements out of a buffer, which then holds anything.
    fn take(&self, buffer: &mut <Self as Storage<E>>::Vec) -> Vec<E>;

    /// Puts elements into the buffer that they were taken out of.
    fn put(&self, buffer: &mut <Self as Storage<E>>::Vec, values: Vec<E>);
}

macro_rules! cpu {
    ($t:ty) => {
        impl Backend<$t> for Cpu {
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

    use dfdx::prelude::{Cuda, Storage};

    use super::Backend;

    macro_rules! cuda {
        ($t:ty) => {
            impl Backend<$t> for Cuda {
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
