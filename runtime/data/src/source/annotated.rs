//! Images with truths, whatever format their annotations have.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use vspec_ir::TruthRules;

use super::folder::decode_file;
use super::truths::{Truth, Truths, Warnings, select};
use super::{Info, Reader, Sample};
use crate::error::DataError;
use crate::pixels::Pixels;
use crate::transform::Place;

/// An image and its truths.
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// Width and height in the annotations.
    pub(super) size: Option<[f64; 2]>,
    pub(super) truths: Vec<Truth>,
}

/// An opened detection set.
///
/// An image that cannot be decoded, such as a truncated JPEG, does not end a run: the next one that can be takes its place, and a
/// warning names it.
pub(super) struct Annotated {
    pictures: Vec<Picture>,
    most: usize,
    info: Info,
    said: Mutex<Vec<String>>,
}

impl Annotated {
    /// Keeps the images and truths that the rules ask for. `place` is what was read.
    pub(super) fn of(
        pictures: Vec<Picture>,
        classes: Vec<String>,
        rules: &TruthRules,
        place: &Path,
        mut warnings: Warnings,
    ) -> Result<Self, DataError> {
        let mut kept = vec![];
        for mut picture in pictures {
            let place = picture.path.display().to_string();
            if !picture.path.is_file() {
                warnings.say(&place, "does not exist; it is left out");
            } else if select(&mut picture.truths, rules, &place, &mut warnings) {
                kept.push(picture);
            }
        }
        if kept.is_empty() {
            let said = warnings.finish();
            let hint = said.first().map_or("; it names none that is kept".to_string(), |w| format!("; {w}"));
            return Err(DataError::Empty { place: place.display().to_string(), hint });
        }
        let info = Info::named(classes, kept.len());
        Ok(Annotated { pictures: kept, most: rules.most, info, said: Mutex::new(warnings.finish()) })
    }

    fn say(&self, message: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.contains(&message) {
            said.push(message);
        }
    }

    /// The truths of a picture on the pixels that its file has.
    fn sample(&self, picture: &Picture, pixels: Pixels) -> Sample {
        let [width, height] = [pixels.width, pixels.height].map(|v| v as f64);
        let mut rows = picture.truths.clone();
        if picture.size.is_some_and(|size| size != [width, height]) || picture.size.is_none() {
            let place = picture.path.display().to_string();
            let mut warnings = Warnings::default();
            if let Some([w, h]) = picture.size {
                let message = format!(
                    "has {height}x{width} pixels, and its annotations say {h}x{w}; boxes are taken as they are"
                );
                warnings.say(&place, &message);
            }
            rows.retain_mut(|truth| {
                let corners = truth.corners.map(f64::from);
                match super::truths::within(corners, Some([width, height]), &place, &mut warnings) {
                    Some(corners) => {
                        truth.corners = corners.map(|v| v as f32);
                        true
                    }
                    None => false,
                }
            });
            warnings.finish().into_iter().for_each(|w| self.say(w));
        }
        let place = Place::whole([pixels.height, pixels.width]);
        let truths = Some(Truths { rows, most: self.most, place });
        Sample { truths, ..Sample::labelled(pixels, 0) }
    }
}

impl Reader for Annotated {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let count = self.pictures.len();
        let mut failure = None;
        for step in 0..count {
            let picture = &self.pictures[(index + step) % count];
            match decode_file(&picture.path) {
                Ok(pixels) => return Ok(self.sample(picture, pixels)),
                Err(error) => {
                    self.say(format!("{error}; another image takes its place"));
                    failure.get_or_insert(error);
                }
            }
        }
        let hint = "; none of its images can be decoded".to_string();
        Err(failure.unwrap_or(DataError::Empty { place: self.describe(index), hint }))
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        let message = "an image with truths has no class of its own to choose it by".to_string();
        Err(DataError::Item { item: self.describe(index), message })
    }

    fn describe(&self, index: usize) -> String {
        self.pictures[index].path.display().to_string()
    }

    fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
