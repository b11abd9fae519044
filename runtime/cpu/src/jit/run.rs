//! Calling machine code for the lines of a pass.

use std::ops::Range;

use vspec_ir::DType;

use super::code::Tables;
use super::{Native, Nest, Pointer, Segment, Uniform, Unit, rows, short};
use crate::element::Element;
use crate::tile::{Core, Folded, Pass, TILE};

impl<T: Element> Core<'_, '_, T> {
    /// Steps of a pass that are done once a row.
    pub(crate) fn native_row(&mut self, native: &Native) {
        self.segments(native, &native.row, 0..1, &mut []);
    }

    /// Some tiles of a row, counted over its lines.
    pub(crate) fn native_part(
        &mut self,
        pass: &Pass,
        native: &Native,
        part: Range<usize>,
        tiles: usize,
    ) -> Vec<Folded<T>> {
        let program = self.job.program;
        let length = program.length();
        let mut folded: Vec<Folded<T>> = pass.folds.iter().map(|fold| self.nothing(*fold)).collect();
        let mut tile = part.start;
        while tile < part.end {
            let (line, first) = (tile / tiles, tile % tiles);
            let behind = part.end.min((line + 1) * tiles);
            self.go_to_line(line);
            self.segments(native, &native.line, 0..1, &mut []);
            let elements = first * TILE..length.min((behind - line * tiles) * TILE);
            match native.whole {
                true => self.segments(native, &native.tile, elements, &mut []),
                false => self.tiles(pass, native, line, elements, &mut folded),
            }
            tile = behind;
        }
        folded.iter_mut().for_each(Folded::close);
        folded
    }

    /// Elements of a line of the row, tile by tile.
    fn tiles(
        &mut self,
        pass: &Pass,
        native: &Native,
        line: usize,
        elements: Range<usize>,
        folded: &mut [Folded<T>],
    ) {
        if let ([Segment::Native(unit)], true) = (&native.tile[..], native.folds.iter().all(|native| *native))
        {
            return self.tiles_of(native, unit, line, elements, folded);
        }
        let place = line * self.job.program.length();
        for start in elements.clone().step_by(TILE) {
            let end = elements.end.min(start + TILE);
            self.segments(native, &native.tile, start..end, folded);
            for ((fold, folded), native) in pass.folds.iter().zip(&mut *folded).zip(&native.folds) {
                if !native {
                    self.fold(*fold, end - start, place + start, folded);
                }
            }
            self.end_tile(line, folded);
        }
    }

    /// The same where a tile is one piece of machine code, which only moves on from one to the next.
    fn tiles_of(
        &mut self,
        native: &Native,
        unit: &Unit,
        line: usize,
        elements: Range<usize>,
        folded: &mut [Folded<T>],
    ) {
        let mut tables = self.tables(unit, elements.start);
        for start in elements.clone().step_by(TILE) {
            self.call_with(native, unit, TILE.min(elements.end - start), &mut tables, folded);
            self.end_tile(line, folded);
            tables.move_on(unit, TILE);
        }
        self.finish_calls(unit, elements, tables);
    }

    fn segments(
        &mut self,
        native: &Native,
        segments: &[Segment],
        elements: Range<usize>,
        folded: &mut [Folded<T>],
    ) {
        for segment in segments {
            match segment {
                Segment::Tile(steps) => {
                    steps.iter().for_each(|step| self.step(*step, elements.start, elements.len()));
                }
                Segment::Native(unit) => self.call(native, unit, elements.clone(), folded),
            }
        }
    }

    /// Rows of a line from one on.
    pub(crate) fn native_rows(&mut self, nest: &Nest, start: usize, n: usize) {
        let mut tables = std::mem::take(&mut self.tables);
        tables.clear();
        tables.pointers.extend(nest.pointers.iter().map(|pointer| self.address(pointer, start)));
        tables.uniforms.extend(nest.uniforms.iter().map(|uniform| self.uniform(uniform, start)));
        tables.reserve(nest.lines);
        nest.code.call(0, &mut tables, &nest.constants, n);
        let failed = tables.is_flagged();
        self.tables = tables;
        if failed {
            self.explain(|core| core.tile_rows(start, n));
        }
    }

    /// Lines that follow each other, from the one that the counters are at.
    pub(crate) fn native_lines(&mut self, nest: &Nest, n: usize) {
        let around = self.job.program.vector - 1;
        if self.many(nest, around, short::LEFT, n) {
            self.explain_lines(n);
        }
    }

    /// Rows along memory that follow each other, from the one that the counters are at.
    pub(crate) fn native_following(&mut self, nest: &Nest, n: usize) {
        let around = self.job.program.outer - 1;
        if self.many(nest, around, rows::LEFT, n) {
            self.explain_following(n);
        }
    }

    /// Calls code that goes on along a loop by itself, and says whether data named a place outside its axis.
    fn many(&mut self, nest: &Nest, around: usize, left: u32, n: usize) -> bool {
        let mut tables = std::mem::take(&mut self.tables);
        tables.clear();
        tables.pointers.extend(nest.pointers.iter().map(|pointer| self.address(pointer, 0)));
        tables.uniforms.extend(nest.uniforms.iter().map(|uniform| self.uniform(uniform, 0)));
        tables.reserve(nest.lines);
        tables.count(0, self.counters[around]);
        tables.count(left, n);
        nest.code.call(0, &mut tables, &nest.constants, self.job.program.length());
        let failed = tables.is_flagged();
        self.tables = tables;
        failed
    }

    fn call(&mut self, native: &Native, unit: &Unit, elements: Range<usize>, folded: &mut [Folded<T>]) {
        let mut tables = self.tables(unit, elements.start);
        self.call_with(native, unit, elements.len(), &mut tables, folded);
        self.finish_calls(unit, elements, tables);
    }

    /// Tables for a call that begins at an element.
    fn tables(&mut self, unit: &Unit, start: usize) -> Tables {
        let mut tables = std::mem::take(&mut self.tables);
        tables.clear();
        tables.pointers.extend(unit.pointers.iter().map(|pointer| self.address(pointer, start)));
        tables.uniforms.extend(unit.uniforms.iter().map(|uniform| self.uniform(uniform, start)));
        tables.reserve(unit.folds.len());
        tables
    }

    fn call_with(
        &self,
        native: &Native,
        unit: &Unit,
        count: usize,
        tables: &mut Tables,
        folded: &mut [Folded<T>],
    ) {
        for ((place, fold), lanes) in unit.folds.iter().zip(tables.folds_mut()) {
            self.begin(*fold, &folded[*place], lanes);
        }
        native.code.call(unit.entry, tables, &unit.constants, count);
        for ((place, fold), lanes) in unit.folds.iter().zip(tables.folds()) {
            self.folded(*fold, lanes, count, &mut folded[*place]);
        }
    }

    /// Gives tables back, and asks again where data named a place outside its axis.
    fn finish_calls(&mut self, unit: &Unit, elements: Range<usize>, tables: Tables) {
        let failed = tables.is_flagged();
        self.tables = tables;
        if failed {
            self.explain_unit(unit, elements);
        }
    }

    /// Where a pointer of a call that begins at an element leads to.
    fn address(&mut self, pointer: &Pointer, start: usize) -> u64 {
        match pointer {
            Pointer::Place(value, offset) => {
                self.job.memory.start(*value).wrapping_add_signed(offset.at(&self.counters, start))
            }
            Pointer::Value(value) => self.job.memory.start(*value),
            Pointer::Lane(step, dtype) => self.lanes.start(*step, *dtype),
        }
    }

    fn uniform(&self, uniform: &Uniform, start: usize) -> u32 {
        match uniform {
            Uniform::First => start as u32,
            Uniform::Index(index) => index.at(&self.counters) as i32 as u32,
            Uniform::Step(step) => match self.job.program.steps[*step].dtype {
                DType::F32 => (self.lanes.floats[step * TILE].wide() as f32).to_bits(),
                DType::I32 => self.lanes.ints[step * TILE] as u32,
                DType::Bool => {
                    if self.lanes.masks[step * TILE] {
                        u32::MAX
                    } else {
                        0
                    }
                }
            },
        }
    }

    /// Does steps again, to find out which place was outside its axis.
    fn explain_unit(&mut self, unit: &Unit, elements: Range<usize>) {
        for start in elements.clone().step_by(TILE) {
            let count = TILE.min(elements.end - start);
            self.explain(|core| unit.steps.iter().for_each(|step| core.step(*step, start, count)));
        }
    }
}

impl Tables {
    /// What a call some elements further along the line is given.
    fn move_on(&mut self, unit: &Unit, elements: usize) {
        for (own, pointer) in self.pointers.iter_mut().zip(&unit.pointers) {
            if let Pointer::Place(_, offset) = pointer {
                *own = own.wrapping_add_signed(offset.along(elements));
            }
        }
        for (own, uniform) in self.uniforms.iter_mut().zip(&unit.uniforms) {
            if let Uniform::First = uniform {
                *own = own.wrapping_add(elements as u32);
            }
        }
    }
}
