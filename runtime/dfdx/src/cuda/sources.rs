//! dfdx's own kernels, compiled when they are first needed.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Mutex, OnceLock};

use super::library::Library;

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// Headers of the toolkit that dfdx's sources include, as far as its kernels for single and double precision need them: a machine with a
/// driver and the run-time compiler need not have the toolkit's.
const HEADERS: &[(&str, &str)] = &[
    ("cuda_fp16.h", include_str!("cuda_fp16.h")),
    ("math.h", include_str!("math.h")),
    ("cstdint", include_str!("cstdint.h")),
];

type Ptr = *mut c_void;

/// Modules that are compiled, by the file that they are made of. Handles of the driver, kept as numbers.
static MODULES: Mutex<BTreeMap<&str, usize>> = Mutex::new(BTreeMap::new());
/// What went wrong in a compilation, until someone asks.
static PROBLEM: Mutex<Option<String>> = Mutex::new(None);

/// Keeps why a kernel could not be had.
pub(super) fn report(problem: String) {
    PROBLEM.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(problem);
}

/// The first thing that went wrong since it was last asked.
pub(super) fn problem() -> Option<String> {
    PROBLEM.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

/// The module with a kernel.
pub(super) fn module_of(kernel: &str) -> Result<usize, String> {
    if kernel.ends_with("_f16") {
        return Err(format!("`{kernel}` computes in half precision, for which there is no header here"));
    }
    let file = file_of(kernel).ok_or_else(|| format!("no source of dfdx defines the kernel `{kernel}`"))?;
    let mut modules = MODULES.lock().map_err(|_| "an earlier compilation failed".to_string())?;
    if let Some(known) = modules.get(file.0) {
        return Ok(*known);
    }
    let module = load(&ptx(file.0, file.1)?)?;
    modules.insert(file.0, module);
    Ok(module)
}

/// The source with a kernel. Kernels' names are arguments of macros, so a source is known by the words in it.
fn file_of(kernel: &str) -> Option<&'static (&'static str, &'static str)> {
    static FILES: OnceLock<BTreeMap<&'static str, usize>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let mut files = BTreeMap::new();
        for (i, (_, text)) in SOURCES.iter().enumerate().filter(|(_, (name, _))| name.ends_with(".cu")) {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            words.filter(|word| word.contains('_')).for_each(|word| {
                files.entry(word).or_insert(i);
            });
        }
        files
    });
    let other = || SOURCES.iter().position(|(name, text)| name.ends_with(".cu") && pasted(text, kernel));
    files.get(kernel).copied().or_else(other).and_then(|i| SOURCES.get(i))
}

/// Whether a source makes a kernel's name of two words: `fill_with_##TYPENAME`.
fn pasted(text: &str, kernel: &str) -> bool {
    (1..kernel.len()).any(|i| kernel.is_char_boundary(i) && text.contains(&format!("{}##", &kernel[..i])))
}

/// A source without the mistakes of dfdx 0.13, and with the headers that nvcc includes by itself.
///
/// The gradient of a reshape counts the elements of the gradient's memory, not those of the tensor: of what was broadcast before, only the
/// first elements would be added.
pub(super) fn corrected(source: &str) -> String {
    let source = match source.contains("void reshape_bwd(") {
        true => source
            .replacen("for (unsigned int i", &format!("{COUNTED}for (unsigned int i"), 1)
            .replace("i < numel;", "i < all;"),
        false => source.to_string(),
    };
    format!("#include <cstdint>\n#include <math.h>\n#line 1\n{source}")
}

/// The number of elements of the result, in `reshape_bwd`.
const COUNTED: &str =
    "size_t all = 1;\n    for (size_t d = 0; d < out_num_dims; d++) all *= out_dims[d];\n    ";

macro_rules! function {
    ($library:expr, $name:literal, fn($($t:ty),*)) => {
        // SAFETY: the library's function of this name has this signature.
        $library.function($name).map(|f| unsafe {
            std::mem::transmute::<*const c_void, unsafe extern "C" fn($($t),*) -> c_int>(f)
        })
    };
}

/// Makes a program with every header that dfdx's sources include.
///
/// # Safety
/// `program` is a place for a handle, and `name` a text or null.
pub(super) unsafe fn create(program: Ptr, source: &str, name: *const c_char) -> c_int {
    let headers = HEADERS.iter().chain(SOURCES.iter().filter(|(name, _)| name.ends_with(".cuh")));
    let texts: Option<Vec<(CString, CString)>> =
        headers.map(|(name, text)| Some((CString::new(*name).ok()?, CString::new(*text).ok()?))).collect();
    let (Some(texts), Ok(source)) = (texts, CString::new(source)) else { return 1 };
    let bodies: Vec<*const c_char> = texts.iter().map(|(_, text)| text.as_ptr()).collect();
    let names: Vec<*const c_char> = texts.iter().map(|(name, _)| name.as_ptr()).collect();
    type Texts = *const *const c_char;
    let create = function!(
        Library::Compiler,
        "nvrtcCreateProgram",
        fn(Ptr, *const c_char, *const c_char, c_int, Texts, Texts)
    );
    let count = names.len() as c_int;
    // SAFETY: the lists have `count` texts each, which live until the call returns; the rest is the caller's promise.
    create.map_or(7, |f| unsafe { f(program, source.as_ptr(), name, count, bodies.as_ptr(), names.as_ptr()) })
}

/// Compiles a program for the device.
///
/// # Safety
/// `program` is a program that was created and not destroyed.
pub(super) unsafe fn compile(program: Ptr) -> c_int {
    let options = [format!("--gpu-architecture={}", architecture()), "--disable-warnings".to_string()];
    let options: Vec<CString> = options.into_iter().filter_map(|o| CString::new(o).ok()).collect();
    let pointers: Vec<*const c_char> = options.iter().map(|o| o.as_ptr()).collect();
    let compile = function!(Library::Compiler, "nvrtcCompileProgram", fn(Ptr, c_int, *const *const c_char));
    // SAFETY: as many options as are said, which live until the call returns; the rest is the caller's promise.
    compile.map_or(7, |f| unsafe { f(program, pointers.len() as c_int, pointers.as_ptr()) })
}

/// `compute_90` for a device of compute capability 9.0: device 0, the only one that is used.
fn architecture() -> &'static str {
    static KNOWN: OnceLock<String> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let get = function!(Library::Driver, "cuDeviceGetAttribute", fn(*mut c_int, c_int, c_int));
        let attribute = |number: c_int| {
            let mut value = 0;
            // SAFETY: a place for a number; the driver was initialised when the device was opened.
            let done = get.map_or(1, |f| unsafe { f(&mut value, number, 0) });
            (done == 0).then_some(value)
        };
        // The attributes of the two parts of the compute capability.
        match (attribute(75), attribute(76)) {
            (Some(major), Some(minor)) => format!("compute_{major}{minor}"),
            _ => "compute_80".to_string(),
        }
    })
}

/// PTX of a source.
fn ptx(name: &str, source: &str) -> Result<CString, String> {
    let mut program: Ptr = std::ptr::null_mut();
    let place: Ptr = (&raw mut program).cast();
    let title = CString::new(name).unwrap_or_default();
    // SAFETY: a place for the program, and a name that lives on.
    let created = unsafe { create(place, &corrected(source), title.as_ptr()) };
    if created != 0 {
        return Err(format!("NVRTC refuses {name}: error {created}"));
    }
    // SAFETY: the program was just created.
    let compiled = unsafe { compile(program) };
    let parts = match compiled {
        0 => ("nvrtcGetPTXSize", "nvrtcGetPTX"),
        _ => ("nvrtcGetProgramLogSize", "nvrtcGetProgramLog"),
    };
    let text = text_of(program, parts);
    if let Some(destroy) = function!(Library::Compiler, "nvrtcDestroyProgram", fn(Ptr)) {
        // SAFETY: a place with the program's handle, which is not used again.
        unsafe { destroy(place) };
    }
    match (compiled, text) {
        (0, Some(text)) => Ok(text),
        (_, text) => {
            let log = text.map(|t| t.to_string_lossy().into_owned()).unwrap_or_default();
            Err(format!("NVRTC does not compile dfdx's {name}: {log}"))
        }
    }
}

/// A text that a program has: how long it is, and then the text.
fn text_of(program: Ptr, (size, text): (&str, &str)) -> Option<CString> {
    type Get<T> = unsafe extern "C" fn(Ptr, *mut T) -> c_int;
    // SAFETY: both functions have these signatures.
    let (size, text) = unsafe {
        (
            std::mem::transmute::<*const c_void, Get<usize>>(Library::Compiler.function(size)?),
            std::mem::transmute::<*const c_void, Get<u8>>(Library::Compiler.function(text)?),
        )
    };
    let mut bytes = 0;
    // SAFETY: a program that exists, and a place for the size.
    if unsafe { size(program, &mut bytes) } != 0 || bytes == 0 {
        return None;
    }
    let mut buffer = vec![0u8; bytes];
    // SAFETY: as many bytes as the text needs, the NUL at its end included.
    if unsafe { text(program, buffer.as_mut_ptr()) } != 0 {
        return None;
    }
    CStr::from_bytes_until_nul(&buffer).ok().map(CStr::to_owned)
}

/// A module of the driver.
fn load(ptx: &CStr) -> Result<usize, String> {
    let load = function!(Library::Driver, "cuModuleLoadData", fn(*mut usize, *const c_char));
    let mut module = 0;
    // SAFETY: a place for the handle, and a text of PTX.
    match load.map_or(100, |f| unsafe { f(&mut module, ptx.as_ptr()) }) {
        0 => Ok(module),
        error => Err(format!("the driver does not load a kernel of dfdx: error {error}")),
    }
}

/// Compiles every source of dfdx without loading it; which of them cannot be compiled.
///
/// # Errors
/// The compiler's messages.
pub(super) fn compile_all() -> Result<usize, String> {
    let all: Vec<_> = SOURCES.iter().filter(|(name, _)| name.ends_with(".cu")).collect();
    let failed: Vec<String> = all.iter().filter_map(|(name, source)| ptx(name, source).err()).collect();
    if failed.is_empty() { Ok(all.len()) } else { Err(failed.join("\n")) }
}
