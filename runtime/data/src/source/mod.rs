//! Sources: where items come from.

mod annotated;
mod archive;
mod cifar;
mod coco;
mod folder;
mod frames;
mod list;
mod root;
mod shapes;
mod truths;
mod voc;

use std::path::Path;

use vspec_ir::Source;

pub(crate) use self::folder::decode_file;
pub use self::folder::is_image;
pub(crate) use self::truths::{Truth, Truths};

use crate::error::DataError;
use crate::pixels::Pixels;

/// What a source says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Number of classes; 0 for a mix of data sets with different numbers of classes.
    pub classes: usize,
    /// Names of the classes in the order of their labels; empty where the source only has numbers.
    pub class_names: Vec<String>,
    /// Number of items.
    pub items: usize,
}

impl Info {
    /// Of a source that names its classes.
    fn named(class_names: Vec<String>, items: usize) -> Self {
        Info { classes: class_names.len(), class_names, items }
    }

    /// Of the parts of a mix together. Parts that number their classes differently mix, too; how many classes there are then
    /// has no answer.
    pub(crate) fn joined(parts: Vec<Info>) -> Self {
        let items = parts.iter().map(|p| p.items).sum();
        let Some(first) = parts.first() else { return Info::named(vec![], 0) };
        let classes = if parts.iter().all(|p| p.classes == first.classes) { first.classes } else { 0 };
        let named = parts.iter().all(|p| p.class_names == first.class_names);
        Info { classes, class_names: if named { first.class_names.clone() } else { vec![] }, items }
    }
}

/// One item as it is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// The image.
    pub(crate) pixels: Pixels,
    /// The class, from 0; of a frame the number of its sequence.
    pub(crate) label: i32,
    /// What a frame of a sequence has beside its image.
    pub(crate) target: Option<Target>,
    /// The truths of an image of a detection set, which has no class of its own.
    pub(crate) truths: Option<Truths>,
}

impl Sample {
    /// An image of a class.
    pub(crate) fn labelled(pixels: Pixels, label: i32) -> Self {
        Sample { pixels, label, target: None, truths: None }
    }
}

/// What is followed in a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    /// Left, top, right and bottom in pixels of the image; zeros where it is not visible.
    pub(crate) bounds: [f32; 4],
    /// Whether it is in the image.
    pub(crate) visible: bool,
    /// Number of the frame in its sequence.
    pub(crate) frame: i32,
}

/// An opened source, read from several threads.
pub(crate) trait Reader: Send + Sync {
    /// Classes and items.
    fn info(&self) -> &Info;

    /// Item `index`, below the number of items.
    fn read(&self, index: usize) -> Result<Sample, DataError>;

    /// Class of item `index`, without reading its image where the source knows it.
    fn label(&self, index: usize) -> Result<i32, DataError>;

    /// Where item `index` comes from, for messages.
    fn describe(&self, index: usize) -> String;

    /// What is wrong with the data and does not keep it from being used, since the last call.
    fn warnings(&self) -> Vec<String> {
        vec![]
    }
}

/// Counts items and classes of a source without decoding an image. `root` is the folder that holds the data sets; those that are
/// drawn need none.
pub fn inspect(source: &Source, root: Option<&Path>) -> Result<Info, DataError> {
    match source {
        Source::Mix { parts } => {
            let infos: Result<Vec<Info>, DataError> =
                parts.iter().map(|p| inspect(&p.source, root)).collect();
            Ok(Info::joined(infos?))
        }
        source => Ok(open(source, root)?.info().clone()),
    }
}

/// Numbers of the classes that a source has in files of COCO's format, in the order of their labels; none of another source.
pub(crate) fn category_ids(source: &Source, root: Option<&Path>) -> Result<Option<Vec<i64>>, DataError> {
    let Source::Coco { key, split, annotations, images, rules } = source else { return Ok(None) };
    let places = coco::Places {
        split: split.as_deref(),
        annotations: annotations.as_deref(),
        images: images.as_deref(),
    };
    coco::category_ids(&root::folder(root, key)?, &places, rules).map(Some)
}

/// Opens a source: lists its items, but reads none of them.
pub(crate) fn open(source: &Source, root: Option<&Path>) -> Result<Box<dyn Reader>, DataError> {
    Ok(match source {
        Source::Shapes { count, size, split } => Box::new(shapes::Shapes::open(*count, *size, split)?),
        Source::MovingShapes { videos, frames, size, split } => {
            Box::new(shapes::MovingShapes::open([*videos, *frames], *size, split)?)
        }
        Source::Scenes { count, size, split, classes } => {
            Box::new(shapes::Scenes::open(*count, *size, split, *classes)?)
        }
        Source::Coco { key, split, annotations, images, rules } => {
            let places = coco::Places {
                split: split.as_deref(),
                annotations: annotations.as_deref(),
                images: images.as_deref(),
            };
            Box::new(coco::open(&root::folder(root, key)?, &places, rules)?)
        }
        Source::Voc { key, split, first_pixel, rules } => {
            Box::new(voc::open(&root::folder(root, key)?, split, *first_pixel, rules)?)
        }
        Source::Sequences { key, height, width, videos } => {
            Box::new(frames::Frames::open(&root::folder(root, key)?, [*height, *width], videos)?)
        }
        Source::ImageFolder { key, split, classes } => {
            folder::open(&root::folder(root, key)?, split, *classes)?
        }
        Source::ImageList { key, list, column, classes } => {
            Box::new(list::List::open(&root::folder(root, key)?, list, *column, *classes)?)
        }
        Source::Cifar { key, split, classes } => {
            Box::new(cifar::Cifar::open(&root::folder(root, key)?, split, *classes)?)
        }
        Source::Mix { parts } => {
            let names: Vec<&str> = parts.iter().map(|p| p.name.as_str()).collect();
            return Err(DataError::Pipeline {
                data: names.join(", "),
                message: "a mix is put together from data sets, and is no source to read".to_string(),
            });
        }
    })
}
