//! Which steps are done together: machine code and steps of the tile program take turns.

use super::cover::Cover;
use crate::tile::{Code, Pass};

/// Steps along one line below which machine code is not worth a call.
const FEW: usize = 4;

/// Steps of a pass.
pub(super) struct Segments<'p> {
    pub(super) cover: Cover<'p>,
    pub(super) pass: &'p Pass,
}

/// When something is done: even stages are steps of the tile program, odd ones machine code.
type Stage = usize;

impl Segments<'_> {
    /// Cuts steps into segments, each machine code or not. A step comes as early as what it uses allows, but loads and stores stay in
    /// order, as a value may take the place of one that is read.
    pub(super) fn split(&self, steps: &[usize], once: bool) -> Vec<(bool, Vec<usize>)> {
        let number = |step: &usize| matches!(self.cover.program.steps[*step].code, Code::Number(_));
        let native = |step: &usize| self.cover.step(*step, once);
        let worth = steps.iter().filter(|step| native(step) && !number(step)).count();
        if once && worth < FEW {
            return if steps.is_empty() { vec![] } else { vec![(false, steps.to_vec())] };
        }
        let mut stages: Vec<Option<Stage>> = vec![None; self.cover.program.steps.len()];
        let (mut loaded, mut stored): (Stage, Stage) = (0, 0);
        let mut last = 0;
        for step in steps {
            let code = &self.cover.program.steps[*step].code;
            let parity = usize::from(native(step));
            let mut least = code.operands().into_iter().filter_map(|arg| stages[arg]).max().unwrap_or(0);
            match code {
                Code::Load(..) => least = least.max(stored),
                Code::Store(..) => least = least.max(stored).max(loaded),
                _ => {}
            }
            let stage = if least % 2 == parity { least } else { least + 1 };
            match code {
                Code::Load(..) => loaded = loaded.max(stage),
                Code::Store(..) => stored = stored.max(stage),
                _ => {}
            }
            stages[*step] = Some(stage);
            last = last.max(stage);
        }
        let of_stage = |stage: Stage| -> Vec<usize> {
            steps.iter().copied().filter(|step| stages[*step] == Some(stage)).collect()
        };
        let all = (0..=last).map(|stage| (stage % 2 == 1, of_stage(stage)));
        all.filter(|(_, steps)| !steps.is_empty()).collect()
    }

    /// Results of machine code that other steps look for in the registers of the tile.
    pub(super) fn exports(&self, segment: &[usize], once: bool) -> Vec<usize> {
        let wanted = |step: &usize| match self.cover.program.steps[*step].code {
            Code::Store(..) => false,
            Code::Number(_) => {
                self.users(*step).any(|user| !segment.contains(&user) && !self.is_native(user))
            }
            _ if once => self.users(*step).any(|user| !segment.contains(&user)),
            _ => self.users(*step).any(|user| {
                let here = self.pass.tile.contains(&user) && !segment.contains(&user);
                here || self.pass.folds.contains(&user) && !self.cover.fold(user)
            }),
        };
        segment.iter().copied().filter(wanted).collect()
    }

    /// Steps that use the result of one.
    fn users(&self, step: usize) -> impl Iterator<Item = usize> {
        let steps = self.cover.program.steps.iter().enumerate().skip(step + 1);
        steps.filter(move |(_, own)| own.code.operands().contains(&step)).map(|(user, _)| user)
    }

    /// Whether a step is surely machine code: that of points is, that of lines only where there is enough of it.
    fn is_native(&self, step: usize) -> bool {
        let own = &self.cover.program.steps[step];
        match own.code {
            Code::Fold(..) => self.cover.fold(step),
            _ => !own.uniform && self.cover.step(step, false),
        }
    }

    /// Folds that machine code does, each with what it folds, of steps that it does itself.
    pub(super) fn folds_of(&self, segment: &[usize]) -> Vec<(usize, usize)> {
        let folded = |fold: &usize| {
            let arg = *self.cover.program.steps[*fold].code.operands().first()?;
            (self.cover.fold(*fold) && segment.contains(&arg)).then_some((*fold, arg))
        };
        self.pass.folds.iter().filter_map(folded).collect()
    }

    /// Folds that machine code does of what steps of the tile program compute.
    pub(super) fn folds_of_tiles(&self) -> Vec<usize> {
        let is_tiles = |fold: &&usize| {
            let args = self.cover.program.steps[**fold].code.operands();
            self.cover.fold(**fold) && args.iter().all(|arg| !self.cover.step(*arg, false))
        };
        self.pass.folds.iter().filter(is_tiles).copied().collect()
    }
}
