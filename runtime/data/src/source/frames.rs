//! Sequences as folders of frames, with a line for each frame that says where the target is.

use std::fs;
use std::path::{Path, PathBuf};

use vspec_ir::Transform;

use super::folder::{decode_file, is_image};
use super::root::{below, entries, file_name, missing};
use super::{Info, Reader, Sample, Target};
use crate::error::DataError;
use crate::transform;

/// Files that hold the targets, `x,y,width,height` a line.
const TRUTHS: [&str; 2] = ["groundtruth_xywh.txt", "groundtruth.txt"];

/// Frames of sequences, one sequence after the other.
pub(super) struct Frames {
    /// Height and width after resizing, in pixels.
    size: [usize; 2],
    frames: Vec<Frame>,
    info: Info,
}

struct Frame {
    image: PathBuf,
    video: i32,
    number: i32,
    /// Left, top, width and height in pixels of the file; none where the target is absent.
    target: Option<[f64; 4]>,
}

impl Frames {
    /// Reads the lists of the sequences that are named, or of all in the folder.
    pub(super) fn open(folder: &Path, size: [usize; 2], videos: &[String]) -> Result<Self, DataError> {
        let resize = Transform::Resize { height: size[0], width: size[1] };
        transform::check(&resize)
            .map_err(|message| DataError::format(folder.display().to_string(), message))?;
        let folders = match videos {
            [] => entries(folder)?.into_iter().filter(|path| path.is_dir()).collect(),
            names => {
                let named = names.iter().map(|name| {
                    let path = below(folder, name)?;
                    if path.is_dir() { Ok(path) } else { Err(missing(path, |entry| entry.is_dir())) }
                });
                named.collect::<Result<Vec<PathBuf>, DataError>>()?
            }
        };
        let mut frames = vec![];
        for (video, folder) in folders.iter().enumerate() {
            frames.extend(sequence(folder, video as i32)?);
        }
        if frames.is_empty() {
            let hint = "; expected `<video>/img/*.jpg` and `<video>/groundtruth.txt`".to_string();
            return Err(DataError::Empty { place: folder.display().to_string(), hint });
        }
        let names = folders.iter().map(|folder| file_name(folder)).collect();
        let info = Info::named(names, frames.len());
        Ok(Frames { size, frames, info })
    }
}

/// The frames of a sequence.
fn sequence(folder: &Path, video: i32) -> Result<Vec<Frame>, DataError> {
    let images: Vec<PathBuf> = entries(&folder.join("img"))?.into_iter().filter(|p| is_image(p)).collect();
    let truths = TRUTHS.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let Some(truths) = truths else { return Err(missing(folder.join(TRUTHS[0]), |entry| entry.is_file())) };
    let text = fs::read_to_string(&truths).map_err(|e| DataError::read(&truths, e))?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.len() != images.len() {
        let message = format!("has {} lines for {} frames", lines.len(), images.len());
        return Err(DataError::format(truths.display().to_string(), message));
    }
    let frame = |(i, (image, line)): (usize, (PathBuf, &str))| {
        let wrong = |message| DataError::List { file: truths.clone(), line: i + 1, message };
        Ok(Frame { image, video, number: i as i32, target: target(line).map_err(wrong)? })
    };
    images.into_iter().zip(lines).enumerate().map(frame).collect()
}

/// The target of a line; none if one of its numbers is none. The error is a sentence.
fn target(line: &str) -> Result<Option<[f64; 4]>, String> {
    let cells = line.split(|c: char| c == ',' || c.is_whitespace()).filter(|cell| !cell.is_empty());
    let numbers: Result<Vec<f64>, String> =
        cells.map(|cell| cell.parse().map_err(|_| format!("`{cell}` is no number"))).collect();
    let numbers = numbers?;
    let four: [f64; 4] = numbers
        .try_into()
        .map_err(|found: Vec<f64>| format!("a target is `x,y,width,height`, not {} numbers", found.len()))?;
    match four.iter().all(|v| v.is_finite()) {
        true if four[2] < 0.0 || four[3] < 0.0 => Err("a width or a height is negative".to_string()),
        true => Ok(Some(four)),
        false => Ok(None),
    }
}

impl Reader for Frames {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let frame = &self.frames[index];
        let pixels = decode_file(&frame.image)?;
        let from = [pixels.height, pixels.width];
        let [height, width] = self.size;
        let wrong = |message| DataError::Item { item: self.describe(index), message };
        let (pixels, _) =
            transform::apply_fixed(&[Transform::Resize { height, width }], &pixels).map_err(wrong)?;
        let bounds = frame.target.and_then(|target| scaled(target, from, self.size));
        let target =
            Target { bounds: bounds.unwrap_or_default(), visible: bounds.is_some(), frame: frame.number };
        Ok(Sample { target: Some(target), ..Sample::labelled(pixels, frame.video) })
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok(self.frames[index].video)
    }

    fn describe(&self, index: usize) -> String {
        self.frames[index].image.display().to_string()
    }
}

/// The part of a target within the image, as left, top, right and bottom after resizing; none if it lies outside.
fn scaled([x, y, w, h]: [f64; 4], from: [usize; 2], to: [usize; 2]) -> Option<[f32; 4]> {
    let [height, width] = from.map(|v| v as f64);
    let (left, right) = (x.clamp(0.0, width), (x + w).clamp(0.0, width));
    let (top, bottom) = (y.clamp(0.0, height), (y + h).clamp(0.0, height));
    if left >= right || top >= bottom {
        return None;
    }
    let [down, across] = [to[0] as f64 / height, to[1] as f64 / width];
    Some([left * across, top * down, right * across, bottom * down].map(|v| v as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_four_numbers_or_say_that_there_is_nothing() {
        assert_eq!(target("1,2,3.5,4"), Ok(Some([1.0, 2.0, 3.5, 4.0])));
        assert_eq!(target("1\t2 3 4 "), Ok(Some([1.0, 2.0, 3.0, 4.0])));
        assert_eq!(target("nan,nan,nan,nan"), Ok(None));
        assert_eq!(target("1,2,3"), Err("a target is `x,y,width,height`, not 3 numbers".to_string()));
        assert_eq!(target("1,2,3,four"), Err("`four` is no number".to_string()));
        assert_eq!(target("1,2,-3,4"), Err("a width or a height is negative".to_string()));
    }

    #[test]
    fn targets_are_cut_at_the_edge_and_scaled() {
        assert_eq!(scaled([10.0, 20.0, 20.0, 20.0], [100, 200], [50, 50]), Some([2.5, 10.0, 7.5, 20.0]));
        assert_eq!(scaled([-10.0, -5.0, 20.0, 10.0], [100, 200], [100, 200]), Some([0.0, 0.0, 10.0, 5.0]));
        assert_eq!(scaled([200.0, 0.0, 5.0, 5.0], [100, 200], [100, 200]), None);
    }
}
