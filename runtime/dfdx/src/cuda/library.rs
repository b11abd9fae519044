//! NVIDIA's libraries, opened when they are first needed.

use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A library of the driver or the toolkit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    /// `libcuda`, which comes with the driver.
    Driver,
    /// `libnvrtc`, which compiles kernels.
    Compiler,
    /// `libcublas`: products of matrices.
    Blas,
}

/// Every library.
pub(super) const ALL: [Library; 3] = [Library::Driver, Library::Compiler, Library::Blas];

impl Library {
    /// What it is called, newest version first.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Library::Driver => &["libcuda.so.1", "libcuda.so"],
            Library::Compiler => &["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
            Library::Blas => &["libcublas.so.13", "libcublas.so.12", "libcublas.so"],
        }
    }

    /// Whether it can be opened.
    pub(super) fn is_present(self) -> bool {
        self.open().is_some()
    }

    /// The address of a function, if the library and the function exist.
    pub(super) fn function(self, name: &str) -> Option<*const c_void> {
        // SAFETY: the symbol is only taken for an address here; whoever calls it states its type.
        unsafe { self.open()?.get::<*const c_void>(name.as_bytes()) }.ok().map(|symbol| *symbol)
    }

    fn open(self) -> Option<&'static libloading::Library> {
        static OPEN: [OnceLock<Option<libloading::Library>>; 3] = [const { OnceLock::new() }; 3];
        OPEN[self as usize].get_or_init(|| self.find()).as_ref()
    }

    /// First where the system looks, then where toolkits are installed.
    fn find(self) -> Option<libloading::Library> {
        let plain = self.names().iter().map(PathBuf::from);
        let folders = folders();
        let installed = folders.iter().flat_map(|folder| self.names().iter().map(|name| folder.join(name)));
        // SAFETY: these libraries may be loaded at any time; what they do when they are is set up their own state.
        plain.chain(installed).find_map(|path| unsafe { libloading::Library::new(path) }.ok())
    }
}

fn folders() -> Vec<PathBuf> {
    let named = ["CUDA_PATH", "CUDA_HOME"].iter().filter_map(std::env::var_os).map(PathBuf::from);
    let roots = named.chain([PathBuf::from("/usr/local/cuda")]);
    roots.flat_map(|root| [root.join("lib64"), root.join("lib")]).collect()
}
