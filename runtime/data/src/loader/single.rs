//! What a data set does to each of its images, done to an image that belongs to none.

use std::collections::BTreeSet;
use std::path::Path;

use vspec_engine::rng::Stream;
use vspec_engine::{Engine, HostTensor, Interpreter, RunKey};
use vspec_ir::ops::OpClass;
use vspec_ir::{DataSet, Graph, Op, Output, OutputKind, Source, Stage, Transform, Type};

use super::item::{IMAGE, Item, PLACE};
use crate::error::DataError;
use crate::pixels::Pixels;
use crate::source::decode_file;
use crate::transform::{self, Chance, Place, Way};

/// What a data set does to each of its images, as far as it needs nothing but the image. Stages that choose among items are left
/// out. Images of another size than those that a source makes itself (`scenes(.., size = 96)`, CIFAR) are fitted into that size first.
pub struct Preparation {
    /// Name of the data set.
    data: String,
    /// Changes after which an image has 8 bits a channel, as it is kept in training.
    fixed: Vec<Transform>,
    changes: Vec<Change>,
    fields: Vec<String>,
    /// What the images of the data set are in the end.
    image: Option<Type>,
    /// Whether items say where their images lie.
    placed: bool,
}

enum Change {
    Image(Transform),
    /// What a function makes of the fields that there are, and the fields that are left after it.
    Function(Graph, Vec<String>),
}

/// An image on its way into a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Fields of a batch of this one item: `image: f32[1, 3, H, W]`, and what functions made of it.
    pub fields: Vec<(String, HostTensor)>,
    /// The image as it was.
    pub original: Pixels,
    place: Place,
}

impl Prepared {
    /// Where a box, as left, top, right and bottom in pixels of what the network saw, lies in the image as it was, cut off at its
    /// edges. None if it has no area or lies beside the image, as on pixels that were added.
    pub fn original_box(&self, corners: [f64; 4]) -> Option<[f64; 4]> {
        // A network may turn a box inside out, which a mirror must not hide.
        if !(corners[0] < corners[2] && corners[1] < corners[3]) {
            return None;
        }
        let [x1, y1, x2, y2] = self.place.way.back(corners);
        let [width, height] = [self.original.width, self.original.height].map(|v| v as f64);
        let cut = [x1.max(0.0), y1.max(0.0), x2.min(width), y2.min(height)];
        (cut[2] > cut[0] && cut[3] > cut[1]).then_some(cut)
    }
}

impl Preparation {
    /// Checks the stages of a data set.
    ///
    /// # Errors
    /// When a stage changes images at random, or needs more than the image.
    pub fn of(data: &DataSet) -> Result<Preparation, DataError> {
        let placed = data.source.truths().is_some();
        let place = PLACE.iter().filter(|_| placed).map(ToString::to_string);
        let mut preparation = Preparation {
            data: data.name.clone(),
            fixed: vec![],
            changes: vec![],
            fields: std::iter::once(IMAGE.to_string()).chain(place).collect(),
            image: data.item.iter().find(|(name, _)| name == IMAGE).map(|(_, ty)| ty.clone()),
            placed,
        };
        if let Some([height, width]) = own_size(&data.source) {
            preparation.fixed.push(Transform::Fit { height, width, value: 0.0 });
        }
        for stage in &data.stages {
            let added = preparation.add(stage);
            added.map_err(|message| DataError::Pipeline { data: data.name.clone(), message })?;
        }
        Ok(preparation)
    }

    /// Names of the fields that an image has after all changes.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Adds what a stage does to one item. The error is a sentence.
    fn add(&mut self, stage: &Stage) -> Result<(), String> {
        match stage {
            Stage::Each(transform) => {
                transform::check(transform)?;
                if !transform::is_fixed(transform) {
                    return Err(format!("`{}` {RANDOM}", name_of(transform)));
                }
                let early = self.changes.is_empty() && transform::keeps_pixels(transform);
                match early {
                    true => self.fixed.push(transform.clone()),
                    false => self.changes.push(Change::Image(transform.clone())),
                }
                Ok(())
            }
            Stage::Map(graph) => self.add_function(graph),
            Stage::Mosaic { .. } => Err(format!("`mosaic` {RANDOM}")),
            Stage::Pairs { .. } => {
                Err("its items are pairs, and a prediction is made of one image".to_string())
            }
            Stage::Take(_) | Stage::Part { .. } | Stage::Draw(_) | Stage::Shuffle => Ok(()),
            Stage::Balanced { .. } | Stage::Batch { .. } => Ok(()),
        }
    }

    /// Of a function those results that the known fields suffice for; a field that it would change with others is not known any more.
    fn add_function(&mut self, graph: &Graph) -> Result<(), String> {
        let results = graph.outputs().iter().filter(|o| o.kind != OutputKind::Write);
        let (known, lost): (Vec<&Output>, Vec<&Output>) = results.partition(|output| {
            let part = graph.extract("", &[(*output).clone()]);
            inputs(&part).iter().all(|input| self.fields.contains(input))
        });
        if lost.iter().any(|output| &*output.name == IMAGE) {
            let other: Vec<String> = inputs(graph).into_iter().filter(|i| !self.fields.contains(i)).collect();
            let (function, other) = (&graph.name, other.join("`, `"));
            return Err(format!("`{function}` changes the image by `{other}`, which an image alone lacks"));
        }
        let known: Vec<Output> = known.into_iter().cloned().collect();
        let part = graph.extract(graph.name.clone(), &known);
        if part.nodes().any(|(_, node)| node.op.decl().class == OpClass::Random) {
            return Err(format!("`{}` {RANDOM}", graph.name));
        }
        self.fields.retain(|field| !lost.iter().any(|output| *output.name == **field));
        for output in &known {
            if !self.fields.contains(&output.name.to_string()) {
                self.fields.push(output.name.to_string());
            }
        }
        self.changes.push(Change::Function(part, self.fields.clone()));
        Ok(())
    }

    /// Reads an image file and does all of it.
    ///
    /// # Errors
    /// When the file cannot be read or decoded, or the image cannot pass a stage; the file is named.
    pub fn read(&self, file: &Path) -> Result<Prepared, DataError> {
        self.prepare(decode_file(file)?, &file.display().to_string())
    }

    /// Does all of it to an image that is there already; `place` names it in errors.
    ///
    /// # Errors
    /// When the image cannot pass a stage.
    pub fn prepare(&self, original: Pixels, place: &str) -> Result<Prepared, DataError> {
        let wrong = |message| DataError::Item { item: place.to_string(), message };
        let (pixels, way) = match self.fixed.as_slice() {
            [] => (original.clone(), Way::STILL),
            fixed => transform::apply_fixed(fixed, &original).map_err(wrong)?,
        };
        let whole = Place::whole([original.height, original.width]);
        let mut place = whole.moved(way, [pixels.height, pixels.width]);
        let mut item = Item::of_image(pixels.to_image());
        for change in &self.changes {
            (item, place) = self.change(change, item, place).map_err(wrong)?;
        }
        self.say_place(&mut item, place);
        if let Some(ty) = &self.image {
            item.check(IMAGE, ty).map_err(wrong)?;
        }
        let batch = |(name, value): (String, HostTensor)| {
            let shape = std::iter::once(1).chain(value.shape().iter().copied()).collect();
            HostTensor::new(shape, value.into_buffer()).map(|value| (name, value))
        };
        let fields = item.into_fields().into_iter().filter_map(batch).collect();
        Ok(Prepared { fields, original, place })
    }

    /// Boxes are brought back to the file afterwards, so that to the network the picture is the file: nothing has moved.
    fn say_place(&self, item: &mut Item, place: Place) {
        if self.placed {
            item.set_place(&Place { way: Way::STILL, ..place });
        }
    }

    fn change(&self, change: &Change, mut item: Item, place: Place) -> Result<(Item, Place), String> {
        let stream = Stream::new(&self.data, 0, 0);
        match change {
            Change::Image(transform) => {
                let image = item.take_image().ok_or("there is no image of three planes to change")?;
                let moved = transform::apply(transform, image, Chance::new(stream, 0))?;
                let place = place.moved(moved.way, [moved.image.height, moved.image.width]);
                item.set_image(moved.image);
                Ok((item, place))
            }
            Change::Function(graph, fields) => {
                let size = |item: &Item| item.get(IMAGE).map(|image| image.shape().to_vec());
                let before = size(&item);
                self.say_place(&mut item, place);
                let mut session = Interpreter::default().session();
                let mapped = item.map(graph, RunKey::default(), session.as_mut());
                let mut item = mapped.map_err(|error| format!("`{}`: {error}", graph.name))?;
                item.keep(fields);
                match before == size(&item) {
                    true => Ok((item, place)),
                    false => Err(format!(
                        "`{}` changes the size of the image, and where its pixels go is not known",
                        graph.name
                    )),
                }
            }
        }
    }
}

/// Height and width of the images of a source that makes them itself, or resizes them itself.
fn own_size(source: &Source) -> Option<[usize; 2]> {
    match source {
        Source::Shapes { size, .. } | Source::Scenes { size, .. } | Source::MovingShapes { size, .. } => {
            Some([*size; 2])
        }
        Source::Sequences { height, width, .. } => Some([*height, *width]),
        Source::Cifar { .. } => Some([CIFAR; 2]),
        _ => None,
    }
}

/// Pixels of the sides of CIFAR's images.
const CIFAR: usize = 32;

/// The end of a sentence about a stage.
const RANDOM: &str =
    "is random: predict with a step that reads data as evaluation does, without random changes";

/// Names of the inputs of a graph.
fn inputs(graph: &Graph) -> BTreeSet<String> {
    let names = graph.nodes().filter_map(|(_, node)| match &node.op {
        Op::Input { name, .. } => Some(name.to_string()),
        _ => None,
    });
    names.collect()
}

/// A random transform as a specification calls it.
fn name_of(transform: &Transform) -> &'static str {
    match transform {
        Transform::RandomCrop { .. } => "random_crop",
        Transform::RandomResizedCrop { .. } => "random_resized_crop",
        Transform::HFlip { .. } => "hflip",
        Transform::VFlip { .. } => "vflip",
        Transform::ColorJitter { .. } => "color_jitter",
        Transform::Grayscale { .. } => "grayscale",
        Transform::RandomErasing { .. } => "random_erasing",
        _ => "a transform",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vspec_ir::TruthRules;

    fn set(stages: Vec<Stage>) -> DataSet {
        let rules = TruthRules { classes: vec![], most: 8, ignored: true, empty: true, least: 0.0 };
        let (key, split) = ("cells".to_string(), "val".to_string());
        let source = Source::Voc { key, split, first_pixel: 1.0, rules };
        DataSet { name: "val".to_string(), source, stages, item: vec![] }
    }

    fn pixels(height: usize, width: usize) -> Pixels {
        let rgb = (0..3 * height * width).map(|i| (i * 31 % 251) as u8).collect();
        Pixels { height, width, rgb }
    }

    fn prepared(stages: Vec<Stage>, height: usize, width: usize) -> Prepared {
        let preparation = Preparation::of(&set(stages)).expect("fixed");
        preparation.prepare(pixels(height, width), "p").expect("passes")
    }

    fn close(a: Option<[f64; 4]>, b: [f64; 4]) {
        let a = a.expect("in the image");
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
    }

    #[test]
    fn boxes_come_back_from_a_resized_image() {
        let resize = Stage::Each(Transform::Resize { height: 32, width: 48 });
        let image = prepared(vec![resize], 240, 320);
        assert_eq!(image.fields[0].1.shape(), [1, 3, 32, 48]);
        close(image.original_box([0.0, 0.0, 48.0, 32.0]), [0.0, 0.0, 320.0, 240.0]);
        close(image.original_box([6.0, 4.0, 12.0, 24.0]), [40.0, 30.0, 80.0, 180.0]);
        // What reaches beyond the edges is cut off.
        close(image.original_box([-6.0, 4.0, 12.0, 99.0]), [0.0, 30.0, 80.0, 240.0]);
    }

    #[test]
    fn boxes_come_back_from_an_image_that_keeps_its_ratio() {
        let fit = Stage::Each(Transform::Fit { height: 64, width: 64, value: 0.0 });
        let normalize = Transform::Normalize { mean: vec![0.5; 3], std: vec![0.25; 3] };
        let image = prepared(vec![fit, Stage::Each(normalize)], 100, 200);
        // 200 by 100 pixels become 64 by 32, in the upper left corner.
        close(image.original_box([16.0, 8.0, 32.0, 32.0]), [50.0, 25.0, 100.0, 100.0]);
        close(image.original_box([0.0, 0.0, 64.0, 64.0]), [0.0, 0.0, 200.0, 100.0]);
        assert_eq!(image.original_box([0.0, 40.0, 64.0, 64.0]), None);
        assert_eq!(image.original_box([32.0, 8.0, 16.0, 32.0]), None);
        assert_eq!(image.original_box([f64::NAN, 8.0, 16.0, 32.0]), None);
    }

    #[test]
    fn boxes_come_back_from_borders_crops_and_sure_flips() {
        let stages = [
            Transform::Pad { amount: 10, value: 0.0 },
            Transform::HFlip { probability: 1.0 },
            Transform::CenterCrop { height: 40, width: 60 },
        ];
        // 80 by 60 with the border 100 by 80; mirrored; of that columns 20 to 80 and rows 20 to 60.
        let image = prepared(stages.map(Stage::Each).to_vec(), 60, 80);
        close(image.original_box([0.0, 0.0, 10.0, 5.0]), [60.0, 10.0, 70.0, 15.0]);
    }

    #[test]
    fn the_place_is_known_but_for_the_way_back() {
        let fit = Stage::Each(Transform::Fit { height: 64, width: 64, value: 0.0 });
        let image = prepared(vec![fit], 100, 200);
        let field = |name: &str| image.fields.iter().find(|(n, _)| n == name).expect("known").1.to_f64();
        assert_eq!(field("place.box"), [0.0, 0.0, 64.0, 32.0]);
        assert_eq!((field("place.scale"), field("place.shift")), (vec![1.0; 4], vec![0.0; 4]));
        close(image.original_box([16.0, 8.0, 32.0, 32.0]), [50.0, 25.0, 100.0, 100.0]);
    }

    #[test]
    fn an_image_becomes_what_the_loader_makes_of_it() {
        let stages = || {
            vec![
                Stage::Each(Transform::Fit { height: 40, width: 48, value: 1.0 }),
                Stage::Each(Transform::Normalize { mean: vec![0.4; 3], std: vec![0.2; 3] }),
            ]
        };
        let shape = [3i64, 40, 48].map(vspec_ir::Dim::from).to_vec();
        let item = vec![("image".to_string(), Type::new(vspec_ir::DType::F32, shape))];
        let all = [stages(), vec![Stage::Batch { size: 1, drop_last: false }]].concat();
        let source = Source::Scenes { count: 4, size: 64, split: "val".to_string(), classes: 2 };
        let data = DataSet { item, source, ..set(all) };
        let loader = crate::Loader::open(&data, None, 0).expect("drawn");
        let batch = loader.epoch(0, 0).next().expect("a batch").expect("prepared");
        let drawn = crate::source::open(&data.source, None).expect("drawn").read(0).expect("drawn");
        let own = Preparation::of(&data).expect("fixed").prepare(drawn.pixels, "p").expect("passes");
        assert_eq!(batch.field("image"), Some(&own.fields[0].1));
    }

    #[test]
    fn an_image_is_fitted_into_the_size_of_a_source_that_draws() {
        let shape = [3i64, 64, 64].map(vspec_ir::Dim::from).to_vec();
        let item = vec![("image".to_string(), Type::new(vspec_ir::DType::F32, shape))];
        let source = Source::Scenes { count: 4, size: 64, split: "val".to_string(), classes: 2 };
        let data = DataSet { item: item.clone(), source, ..set(vec![]) };
        let image = Preparation::of(&data).expect("fixed").prepare(pixels(100, 200), "p").expect("fits");
        close(image.original_box([16.0, 8.0, 32.0, 32.0]), [50.0, 25.0, 100.0, 100.0]);
        let error =
            Preparation::of(&DataSet { item, ..set(vec![]) }).expect("fixed").prepare(pixels(100, 200), "p");
        let error = error.expect_err("of another size").to_string();
        assert_eq!(error, "p: the image has 100x200 pixels, not 64x64; add `|> each(resize(64, 64))`");
    }

    #[test]
    fn random_changes_and_pairs_are_refused() {
        let refused = |stage| Preparation::of(&set(vec![stage])).err().expect("refused").to_string();
        let flip = refused(Stage::Each(Transform::HFlip { probability: 0.5 }));
        assert!(flip.starts_with("data set `val`: `hflip` is random"), "{flip}");
        assert!(refused(Stage::Pairs { within: None, negative: 0.0 }).contains("pairs"));
        let mosaic = Stage::Mosaic { height: 32, width: 32, probability: 1.0 };
        assert!(refused(mosaic).contains("`mosaic` is random"));
    }
}
