//! Memory for machine code, and calls of it: the `unsafe` part of this module.
//!
//! What makes it right: code is written to memory that cannot be run and run from memory that cannot be written; it touches nothing but
//! its stack, the tables of its [`Call`], and what their pointers lead to. Those are places of the plan's values that were compared with
//! the sizes of these when the code was made (`lower`), and registers of the core that calls. The plan is one that
//! [`vspec_ir::plan::check`] has accepted, so that no two cores write one element (see [`crate::memory`]).

use std::io;

use memmap2::{Mmap, MmapMut};

/// 64 bytes, for what vectors are read from.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [u32; 16]);

/// 64 bytes, for numbers that are folded side by side.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Side([f32; 16]);

/// What a function is called with; the code knows the order of the fields.
#[repr(C)]
struct Call {
    pointers: *mut u64,
    uniforms: *const u32,
    constants: *const Line,
    /// The flag, then 16 numbers for each fold.
    folds: *mut Side,
    /// Elements.
    count: u64,
}

/// Tables for calls, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(super) pointers: Vec<u64>,
    pub(super) uniforms: Vec<u32>,
    /// The flag, then what was folded so far.
    folds: Vec<Side>,
}

impl Tables {
    /// Empty tables.
    pub(super) fn clear(&mut self) {
        self.pointers.clear();
        self.uniforms.clear();
        self.folds.clear();
        self.folds.push(Side::default());
    }

    /// Lines behind the flag, with anything in them.
    pub(super) fn reserve(&mut self, lines: usize) {
        self.folds.resize(1 + lines, Side::default());
    }

    /// Sets a counter.
    pub(super) fn count(&mut self, counter: u32, to: usize) {
        self.folds[1].0[counter as usize] = f32::from_bits(to as u32);
    }

    /// Whether data named a place outside its axis.
    pub(super) fn is_flagged(&self) -> bool {
        self.folds[0].0[0].to_bits() != 0
    }

    /// What has been folded.
    pub(super) fn folds(&self) -> impl Iterator<Item = &[f32; 16]> {
        self.folds[1..].iter().map(|Side(numbers)| numbers)
    }

    /// What folding goes on from.
    pub(super) fn folds_mut(&mut self) -> impl Iterator<Item = &mut [f32; 16]> {
        self.folds[1..].iter_mut().map(|Side(numbers)| numbers)
    }
}

/// Machine code that can be run.
#[derive(Debug)]
pub(super) struct CodeBuffer(Mmap);

impl CodeBuffer {
    /// Code of [`super::emit`], for instructions that the machine has, in memory of its own.
    pub(super) fn new(code: &[u8]) -> io::Result<Self> {
        let mut memory = MmapMut::map_anon(code.len().max(1))?;
        memory[..code.len()].copy_from_slice(code);
        memory.make_exec().map(CodeBuffer)
    }

    /// Bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Calls the function that begins at a byte, with the tables that it was made for, for so many elements.
    pub(super) fn call(&self, entry: usize, tables: &mut Tables, constants: &[Line], count: usize) {
        let call = Call {
            pointers: tables.pointers.as_mut_ptr(),
            uniforms: tables.uniforms.as_ptr(),
            constants: constants.as_ptr(),
            folds: tables.folds.as_mut_ptr(),
            count: count as u64,
        };
        let start = self.0[entry..].as_ptr();
        // What begins there is such a function; see the head of this file.
        unsafe {
            let function: unsafe extern "sysv64" fn(*const Call) = std::mem::transmute(start);
            function(&raw const call);
        }
    }
}
