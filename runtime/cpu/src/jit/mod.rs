//! Passes of tile programs as machine code: one loop for all steps of a tile, with results in registers.
//!
//! ```text
//! steps ──cover──▶ segments ──lower──▶ instructions ──allocate, emit──▶ machine code
//! ```
//!
//! Programs whose lines run through rows are one function each, loops within rows and all ([`nest`]); so are those of several rows along
//! memory ([`mod@rows`]), and short lines that nothing folds are done many with one call ([`mod@short`]).
//!
//! What there are no instructions for (random numbers, sines, folds that look for places) stays a step of the tile program: such steps
//! and machine code take turns, tile by tile, and hand results over in the registers of the tile. Both compute each element by the same
//! operations in the same order, and fold in the same order, so that results are the same bits with every set of instructions; that is
//! what the tests ask for. (Which NaN it is may differ.) Machine code is made for single precision only.

mod allocate;
mod avx2;
mod avx512;
mod code;
mod cover;
mod emit;
mod functions;
mod ir;
mod lower;
#[cfg(all(test, unix))]
mod mutate;
mod nest;
mod offset;
mod op;
#[cfg(test)]
mod regions;
mod rows;
mod run;
mod segments;
mod short;
mod skip;
#[cfg(test)]
mod tests;
mod walk;

use vspec_ir::plan::ValueId;

use crate::kernels::vector::Isa;
use crate::tile::{Pass, Program};
pub(crate) use code::Tables;
use code::{CodeBuffer, Line};
use cover::Cover;
pub(crate) use cover::{covers_columns, covers_rows};
use lower::{Lower, Lowered, Pointer, Uniform};
pub(crate) use nest::Nest;
use segments::Segments;

/// Machine code for a pass over rows.
#[derive(Debug)]
pub(crate) struct Native {
    code: CodeBuffer,
    row: Vec<Segment>,
    line: Vec<Segment>,
    tile: Vec<Segment>,
    /// For each fold of the pass whether machine code does it.
    folds: Vec<bool>,
    /// Whether lines need not be cut into tiles.
    whole: bool,
}

/// Some steps.
#[derive(Debug)]
enum Segment {
    Tile(Vec<usize>),
    Native(Unit),
}

/// A function that does some steps.
#[derive(Debug)]
struct Unit {
    steps: Vec<usize>,
    /// Where it begins.
    entry: usize,
    constants: Vec<Line>,
    pointers: Vec<Pointer>,
    uniforms: Vec<Uniform>,
    /// Positions among the folds of the pass, and their steps.
    folds: Vec<(usize, usize)>,
}

/// Makes machine code for the passes of a program, where the machine may run some and all places lie within their values. Values have
/// `sizes` elements.
///
/// # Errors
/// Why there is none; the program runs as it is.
pub(crate) fn compile(
    program: &mut Program,
    sizes: &dyn Fn(ValueId) -> usize,
    isa: Isa,
) -> Result<(), String> {
    if isa == Isa::Baseline {
        return Ok(());
    }
    if program.is_columns() {
        program.nest = Some(nest::nest(program, sizes, isa)?);
        return Ok(());
    }
    // Where rows are no function the passes are, or it is they that say why not.
    program.nest = rows::rows(program, sizes, isa).unwrap_or_default();
    if program.nest.is_none() {
        program.nest = short::short(program, sizes, isa)?;
    }
    if program.nest.is_some() {
        return Ok(());
    }
    let made: Result<Vec<Native>, String> =
        (0..program.passes.len()).map(|pass| native(program, pass, sizes, isa)).collect();
    for (pass, native) in program.passes.iter_mut().zip(made?) {
        pass.native = Some(native);
    }
    Ok(())
}

/// Functions of a pass while they are made.
struct Maker<'p> {
    program: &'p Program,
    sizes: &'p dyn Fn(ValueId) -> usize,
    isa: Isa,
    segments: Segments<'p>,
    code: Vec<u8>,
}

/// Where functions begin.
const ALIGNMENT: usize = 64;

fn native(
    program: &Program,
    pass: usize,
    sizes: &dyn Fn(ValueId) -> usize,
    isa: Isa,
) -> Result<Native, String> {
    let cover = Cover { program };
    let own = &program.passes[pass];
    let folds: Vec<bool> = own.folds.iter().map(|fold| cover.fold(*fold)).collect();
    let segments = Segments { cover, pass: own };
    let mut maker = Maker { program, sizes, isa, segments, code: vec![] };
    let row = maker.once(&own.row)?;
    let line = maker.once(&own.line)?;
    let tile = maker.tile(&own.tile)?;
    let code = CodeBuffer::new(&maker.code).map_err(|error| error.to_string())?;
    let alone = matches!(tile.as_slice(), [Segment::Native(_)]);
    Ok(Native { code, row, line, tile, whole: alone && folds.is_empty(), folds })
}

impl Maker<'_> {
    /// Steps that are the same all along a line.
    fn once(&mut self, steps: &[usize]) -> Result<Vec<Segment>, String> {
        let mut made = vec![];
        for (native, steps) in self.segments.split(steps, true) {
            made.push(match native {
                true => {
                    let exports = self.segments.exports(&steps, true);
                    Segment::Native(self.unit(steps, &exports, true)?)
                }
                false => Segment::Tile(steps),
            });
        }
        Ok(made)
    }

    /// Steps along a line. Folds go where what they fold is computed.
    fn tile(&mut self, steps: &[usize]) -> Result<Vec<Segment>, String> {
        let mut made = vec![];
        for (native, steps) in self.segments.split(steps, false) {
            made.push(match native {
                true => {
                    let exports = self.segments.exports(&steps, false);
                    Segment::Native(self.unit(steps, &exports, false)?)
                }
                false => Segment::Tile(steps),
            });
        }
        // What steps of the tile program leave is folded by machine code, too.
        let rest = self.segments.folds_of_tiles();
        if !rest.is_empty() {
            let lowered = {
                let mut lower = Lower::new(self.program, self.sizes, false);
                rest.iter().for_each(|fold| lower.fold(*fold));
                lower.out
            };
            made.push(Segment::Native(self.finish(lowered, vec![], false)?));
        }
        Ok(made)
    }

    fn unit(&mut self, steps: Vec<usize>, exports: &[usize], once: bool) -> Result<Unit, String> {
        let folds = if once { vec![] } else { self.segments.folds_of(&steps) };
        let mut lower = Lower::new(self.program, self.sizes, once);
        for step in &steps {
            lower.step(*step)?;
            if exports.contains(step) {
                lower.export(*step);
            }
            let own = folds.iter().filter(|(_, arg)| arg == step);
            own.for_each(|(fold, _)| lower.fold(*fold));
        }
        let lowered = lower.out;
        self.finish(lowered, steps, once)
    }

    fn finish(&mut self, lowered: Lowered, steps: Vec<usize>, once: bool) -> Result<Unit, String> {
        let (block, uniforms) = (&lowered.block, lowered.uniforms.len());
        let code = match self.isa {
            Isa::Avx512 => emit::emit::<avx512::Avx512>(block, uniforms, once),
            _ => emit::emit::<avx2::Avx2>(block, uniforms, once),
        };
        let code = code.map_err(|error| error.to_string())?;
        let entry = self.code.len().next_multiple_of(ALIGNMENT);
        self.code.resize(entry, 0xCC);
        self.code.extend(code);
        let own = &self.segments.pass.folds;
        let place = |fold: &usize| own.iter().position(|own| own == fold).map(|place| (place, *fold));
        Ok(Unit {
            steps,
            entry,
            constants: lines(&block.constants, self.isa),
            folds: lowered.folds.iter().filter_map(place).collect(),
            pointers: lowered.pointers,
            uniforms: lowered.uniforms,
        })
    }
}

/// Constants as the code finds them.
fn lines(constants: &[u32], isa: Isa) -> Vec<Line> {
    let times = if isa == Isa::Avx512 { 1 } else { 8 };
    let mut words = emit::head();
    words.extend(constants.iter().flat_map(|bits| std::iter::repeat_n(*bits, times)));
    let line = |words: &[u32]| {
        let mut line = Line::default();
        line.0[..words.len()].copy_from_slice(words);
        line
    };
    words.chunks(16).map(line).collect()
}

impl Native {
    /// Bytes of machine code.
    pub(crate) fn bytes(&self) -> usize {
        self.code.len()
    }

    /// Steps along lines, and folds, that are left to tiles.
    pub(crate) fn left(&self, pass: &Pass) -> Vec<usize> {
        let steps = self.tile.iter().flat_map(|segment| match segment {
            Segment::Tile(steps) => steps.as_slice(),
            Segment::Native(_) => &[],
        });
        let folds = pass.folds.iter().zip(&self.folds).filter(|(_, native)| !**native);
        steps.copied().chain(folds.map(|(fold, _)| *fold)).collect()
    }
}
