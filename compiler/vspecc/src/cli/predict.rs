//! The options of `vspecc predict`.

use std::path::PathBuf;

use clap::Args;

use super::{EngineArgs, ExperimentArgs};

pub(super) const PREDICT_EXAMPLES: &str = "\
A prediction is what a step collects of the image alone: the step called `predict`, or else the first that has some.
  collect found = detect(net(b.image), 96, 96)     a record with `box`, `score` and `label`: boxes
  collect probability = softmax(net(b.image))      `probability: f32[B, classes]`: the most probable classes
Images pass the stages of the data set that the step reads; boxes are given in pixels of the image as it was. Boxes are written in
COCO's format for results, `bbox` as left, top, width and height. The data set itself is not needed.

Examples:
  vspecc predict my.vspec --checkpoint runs/my/latest photo.jpg
  vspecc predict my.vspec --checkpoint best.safetensors photos --out found
  vspecc predict my.vspec --checkpoint runs/my/003 'photos/*.png' --step test --threshold 0.5";

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// A checkpoint, or a run folder: its best checkpoint, else its last
    #[arg(long, value_name = "PATH")]
    pub(crate) checkpoint: PathBuf,
    /// Images of any size (PNG, JPEG, BMP), folders of images, or patterns with `*` and `?` in the last part
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Write predictions.json and a picture of each image into this folder; without it, JSON is printed
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Leave out what scores less [default: 0.3 in pictures; the JSON has everything]
    #[arg(long, value_name = "SCORE", value_parser = score)]
    pub(crate) threshold: Option<f32>,
    /// Which step, where the experiment has several that predict [default: `predict`, else the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Show nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A number that a score can be compared with.
fn score(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(score) if score.is_finite() => Ok(score),
        _ => Err(format!("`{text}` is no score: a number such as 0.5")),
    }
}
