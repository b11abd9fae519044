//! Machine code where there is none to make: tile programs do all passes.

#[allow(dead_code, reason = "what one line of a row may be is asked by machine code only")]
#[path = "cover.rs"]
mod cover;

use std::ops::Range;

use vspec_ir::plan::ValueId;

use crate::element::Element;
use crate::kernels::vector::Isa;
use crate::tile::{Core, Folded, Pass, Program};
pub(crate) use cover::{covers_columns, covers_rows};

/// Machine code for a pass over rows: none.
#[derive(Debug)]
pub(crate) enum Native {}

/// Machine code for lines of rows: none.
#[derive(Debug)]
pub(crate) enum Nest {}

/// Tables for calls: none.
#[derive(Debug, Default)]
pub(crate) struct Tables;

/// Makes no machine code.
pub(crate) fn compile(_: &mut Program, _: &dyn Fn(ValueId) -> usize, _: Isa) -> Result<(), String> {
    Ok(())
}

impl Native {
    /// Bytes of machine code.
    pub(crate) fn bytes(&self) -> usize {
        match *self {}
    }

    /// Steps along lines, and folds, that are left to tiles.
    pub(crate) fn left(&self, _: &Pass) -> Vec<usize> {
        match *self {}
    }
}

impl Nest {
    /// Bytes of machine code.
    pub(crate) fn bytes(&self) -> usize {
        match *self {}
    }
}

impl<T: Element> Core<'_, '_, T> {
    /// Rows of a line from one on.
    pub(crate) fn native_rows(&mut self, nest: &Nest, _: usize, _: usize) {
        match *nest {}
    }

    /// Lines that follow each other.
    pub(crate) fn native_lines(&mut self, nest: &Nest, _: usize) {
        match *nest {}
    }

    /// Rows along memory that follow each other.
    pub(crate) fn native_following(&mut self, nest: &Nest, _: usize) {
        match *nest {}
    }

    /// Steps of a pass that are done once a row.
    pub(crate) fn native_row(&mut self, native: &Native) {
        match *native {}
    }

    /// Some tiles of a row.
    pub(crate) fn native_part(
        &mut self,
        _: &Pass,
        native: &Native,
        _: Range<usize>,
        _: usize,
    ) -> Vec<Folded<T>> {
        match *native {}
    }
}
