//! The C functions that dfdx's CUDA device calls, defined here and forwarded to libraries that are opened at run time.
//!
//! Built with its feature `ci-check`, dfdx links to no CUDA library, and its compiled kernels are empty. With these definitions a binary
//! builds without a toolkit, starts on machines without a GPU, and works with CUDA 12 and 13. A kernel of dfdx is compiled when it is
//! first asked for: an empty module stands for all of dfdx's sources ([`super::sources`]).
//!
//! Every function has the signature of the library's header, with pointers as `*mut c_void`; its safety conditions are the library's.
#![allow(non_snake_case)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use super::library::Library;
use super::sources;

type Ptr = *mut c_void;

/// `CUDA_ERROR_NO_DEVICE`
const NO_DEVICE: c_int = 100;
/// `CUDA_ERROR_NOT_FOUND`
const NOT_FOUND: c_int = 500;
/// `CUBLAS_STATUS_NOT_INITIALIZED`
const NO_BLAS: c_int = 1;
/// `NVRTC_ERROR_BUILTIN_OPERATION_FAILURE`
const NO_COMPILER: c_int = 7;

macro_rules! forward {
    ($library:expr, $missing:expr; $(fn $name:ident($($arg:ident: $t:ty),*);)*) => { $(
        // SAFETY: nothing else in the program defines the symbol: the library with this name is not linked to.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $t),*) -> c_int {
            static FOUND: OnceLock<usize> = OnceLock::new();
            let found = *FOUND.get_or_init(|| $library.function(stringify!($name)).map_or(0, |f| f as usize));
            if found == 0 {
                return $missing;
            }
            // SAFETY: the library's function of this name has this signature, and the caller keeps its conditions.
            unsafe { std::mem::transmute::<usize, unsafe extern "C" fn($($t),*) -> c_int>(found)($($arg),*) }
        }
    )* };
}

forward! { Library::Driver, NO_DEVICE;
    fn cuInit(flags: u32);
    fn cuDeviceGet(device: Ptr, ordinal: c_int);
    fn cuDeviceGetCount(count: Ptr);
    fn cuDeviceGetAttribute(value: Ptr, attribute: c_int, device: c_int);
    fn cuDeviceTotalMem_v2(bytes: Ptr, device: c_int);
    fn cuDevicePrimaryCtxRetain(context: Ptr, device: c_int);
    fn cuDevicePrimaryCtxRelease_v2(device: c_int);
    fn cuCtxGetCurrent(context: Ptr);
    fn cuCtxSetCurrent(context: Ptr);
    fn cuGetErrorString(error: c_int, text: Ptr);
    fn cuGetErrorName(error: c_int, text: Ptr);
    fn cuEventCreate(event: Ptr, flags: u32);
    fn cuEventDestroy_v2(event: Ptr);
    fn cuEventRecord(event: Ptr, stream: Ptr);
    fn cuEventElapsedTime(milliseconds: Ptr, start: Ptr, end: Ptr);
    fn cuStreamCreate(stream: Ptr, flags: u32);
    fn cuStreamDestroy_v2(stream: Ptr);
    fn cuStreamSynchronize(stream: Ptr);
    fn cuStreamWaitEvent(stream: Ptr, event: Ptr, flags: u32);
    fn cuMemFree_v2(place: u64);
    fn cuMemFreeAsync(place: u64, stream: Ptr);
    fn cuMemGetInfo_v2(free: Ptr, total: Ptr);
    fn cuMemcpyDtoD_v2(to: u64, from: u64, bytes: usize);
    fn cuMemcpyDtoDAsync_v2(to: u64, from: u64, bytes: usize, stream: Ptr);
    fn cuMemcpyDtoH_v2(to: Ptr, from: u64, bytes: usize);
    fn cuMemcpyDtoHAsync_v2(to: Ptr, from: u64, bytes: usize, stream: Ptr);
    fn cuMemcpyHtoD_v2(to: u64, from: Ptr, bytes: usize);
    fn cuMemcpyHtoDAsync_v2(to: u64, from: Ptr, bytes: usize, stream: Ptr);
    fn cuMemsetD8_v2(place: u64, value: u8, bytes: usize);
    fn cuMemsetD8Async(place: u64, value: u8, bytes: usize, stream: Ptr);
    fn cuModuleLoad(module: Ptr, path: *const c_char);
}

forward! { Library::Blas, NO_BLAS;
    fn cublasCreate_v2(handle: Ptr);
    fn cublasDestroy_v2(handle: Ptr);
    fn cublasSetStream_v2(handle: Ptr, stream: Ptr);
    fn cublasSgemm_v2(
        handle: Ptr, transa: c_int, transb: c_int, m: c_int, n: c_int, k: c_int,
        alpha: Ptr, a: Ptr, lda: c_int, b: Ptr, ldb: c_int, beta: Ptr, c: Ptr, ldc: c_int
    );
    fn cublasDgemm_v2(
        handle: Ptr, transa: c_int, transb: c_int, m: c_int, n: c_int, k: c_int,
        alpha: Ptr, a: Ptr, lda: c_int, b: Ptr, ldb: c_int, beta: Ptr, c: Ptr, ldc: c_int
    );
    fn cublasSgemmStridedBatched(
        handle: Ptr, transa: c_int, transb: c_int, m: c_int, n: c_int, k: c_int,
        alpha: Ptr, a: Ptr, lda: c_int, stride_a: i64, b: Ptr, ldb: c_int, stride_b: i64,
        beta: Ptr, c: Ptr, ldc: c_int, stride_c: i64, batch: c_int
    );
    fn cublasDgemmStridedBatched(
        handle: Ptr, transa: c_int, transb: c_int, m: c_int, n: c_int, k: c_int,
        alpha: Ptr, a: Ptr, lda: c_int, stride_a: i64, b: Ptr, ldb: c_int, stride_b: i64,
        beta: Ptr, c: Ptr, ldc: c_int, stride_c: i64, batch: c_int
    );
}

forward! { Library::Compiler, NO_COMPILER;
    fn nvrtcDestroyProgram(program: Ptr);
    fn nvrtcGetPTX(program: Ptr, text: Ptr);
    fn nvrtcGetPTXSize(program: Ptr, bytes: Ptr);
    fn nvrtcGetProgramLog(program: Ptr, text: Ptr);
    fn nvrtcGetProgramLogSize(program: Ptr, bytes: Ptr);
}

/// Stands for a module of dfdx's kernels.
static EMPTY: u8 = 0;

fn is_empty(module: Ptr) -> bool {
    std::ptr::eq(module.cast_const().cast(), &raw const EMPTY)
}

/// A function of the driver, to call with a type that the caller states.
macro_rules! driver {
    ($name:literal, fn($($t:ty),*)) => {{
        static FOUND: OnceLock<Option<usize>> = OnceLock::new();
        let found = *FOUND.get_or_init(|| Library::Driver.function($name).map(|f| f as usize));
        // SAFETY: the driver's function of this name has this signature.
        found.map(|f| unsafe { std::mem::transmute::<usize, unsafe extern "C" fn($($t),*) -> c_int>(f) })
    }};
}

/// The driver gives out no memory of no bytes; dfdx asks for it where a tensor has no elements.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocAsync(place: Ptr, bytes: usize, stream: Ptr) -> c_int {
    let Some(allocate) = driver!("cuMemAllocAsync", fn(Ptr, usize, Ptr)) else { return NO_DEVICE };
    // SAFETY: the caller's conditions; more than he asked for does no harm.
    unsafe { allocate(place, bytes.max(1), stream) }
}

/// The same without a stream.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAlloc_v2(place: Ptr, bytes: usize) -> c_int {
    let Some(allocate) = driver!("cuMemAlloc_v2", fn(Ptr, usize)) else { return NO_DEVICE };
    // SAFETY: as above.
    unsafe { allocate(place, bytes.max(1)) }
}

/// The driver refuses a grid without blocks, which is what dfdx makes of a tensor without elements: there is nothing to do.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchKernel(
    function: Ptr,
    grid_x: u32,
    grid_y: u32,
    grid_z: u32,
    block_x: u32,
    block_y: u32,
    block_z: u32,
    shared: u32,
    stream: Ptr,
    parameters: Ptr,
    extra: Ptr,
) -> c_int {
    if [grid_x, grid_y, grid_z].contains(&0) {
        return 0;
    }
    let launch = driver!("cuLaunchKernel", fn(Ptr, u32, u32, u32, u32, u32, u32, u32, Ptr, Ptr, Ptr));
    let (x, y, z) = (grid_x, grid_y, grid_z);
    // SAFETY: the caller's conditions.
    launch.map_or(NO_DEVICE, |f| unsafe {
        f(function, x, y, z, block_x, block_y, block_z, shared, stream, parameters, extra)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleLoadData(module: *mut Ptr, image: *const c_char) -> c_int {
    let load = driver!("cuModuleLoadData", fn(*mut Ptr, *const c_char));
    // SAFETY: the caller gives a place for the module and an image, which is a text or begins with a header.
    unsafe {
        if *image == 0 {
            *module = (&raw const EMPTY).cast_mut().cast();
            return 0;
        }
        load.map_or(NO_DEVICE, |f| f(module, image))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleUnload(module: Ptr) -> c_int {
    if is_empty(module) {
        return 0;
    }
    // SAFETY: a module that the driver gave out.
    driver!("cuModuleUnload", fn(Ptr)).map_or(NO_DEVICE, |f| unsafe { f(module) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuModuleGetFunction(function: *mut Ptr, module: Ptr, name: *const c_char) -> c_int {
    let Some(get) = driver!("cuModuleGetFunction", fn(*mut Ptr, Ptr, *const c_char)) else {
        return NO_DEVICE;
    };
    let mut module = module;
    if is_empty(module) {
        // SAFETY: the caller gives a text.
        let wanted = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        match sources::module_of(&wanted) {
            Ok(known) => module = known as Ptr,
            Err(problem) => {
                sources::report(problem);
                return NOT_FOUND;
            }
        }
    }
    // SAFETY: the caller's conditions; the module is one that the driver gave out.
    unsafe { get(function, module, name) }
}

/// Programs that dfdx makes itself, with its headers, and with what is wrong in them put right.
#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcCreateProgram(
    program: Ptr,
    source: *const c_char,
    name: *const c_char,
    _: c_int,
    _: Ptr,
    _: Ptr,
) -> c_int {
    // SAFETY: the caller gives a text.
    let text = unsafe { CStr::from_ptr(source) }.to_string_lossy();
    // SAFETY: a place for a program, a text and a name, as the caller promises.
    unsafe { sources::create(program, &sources::corrected(&text), name) }
}

/// Compiles for the device that is there: what dfdx was built with names none.
#[unsafe(no_mangle)]
unsafe extern "C" fn nvrtcCompileProgram(program: Ptr, _: c_int, _: *const *const c_char) -> c_int {
    // SAFETY: a program that was created before.
    unsafe { sources::compile(program) }
}
