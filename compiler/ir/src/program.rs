//! What one experiment needs to run, as elaborated: plain data, no behaviour.

use std::sync::Arc;

use crate::{Condition, Graph, OutputKind, Type};

/// Name of the graph input that holds the epoch, from 0, as `f32[]`.
pub const CLOCK_EPOCH: &str = "clock.epoch";
/// Name of the graph input that holds the number of the training iteration, from 0, as `f32[]`.
pub const CLOCK_ITERATION: &str = "clock.iteration";
/// Name of the graph input that holds the share of the run that is done, in [0, 1), as `f32[]`.
pub const CLOCK_PROGRESS: &str = "clock.progress";
/// Name of the size that is the number of items in a batch, when a step reads one batch.
pub const BATCH: &str = "B";

/// Name of the step whose rows are shown as they are, as predictions. No run has to name it, and it needs no `finish`.
pub const PREDICT: &str = "predict";

/// What the names of inputs that hold the rows of a whole pass begin with.
pub const PASS: &str = "pass.";
/// Name of the size that is the number of items of a pass.
pub const PASS_ITEMS: &str = "N";
/// Name of the size that is the number of batches of a pass.
pub const PASS_BATCHES: &str = "K";

/// An entry of a file: a network applied to inputs of given types, to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name. Several entries have it where a condition on sizes chooses between their graphs.
    pub name: String,
    /// When the graph is the one: all of these hold.
    pub when: Vec<Condition>,
    /// The computation; its outputs are values.
    pub graph: Graph,
    /// Parameters and states that the network owns, used or not.
    pub variables: Vec<Variable>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Every parameter and state, in the order in which they are initialised and saved.
    pub variables: Vec<Variable>,
    /// Its data sets.
    pub data: Vec<DataSet>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What runs in which order.
    pub schedule: Vec<Phase>,
}

/// A tensor that lives from step to step.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// `net.layer1.0.conv1.weight`
    pub path: Arc<str>,
    /// Who may change it.
    pub kind: VariableKind,
    /// Its type, with constant sizes.
    pub ty: Type,
    /// Computes the first value; its one output is called `init`. Random ops draw from streams named after the path.
    pub init: Graph,
}

/// Who may change a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariableKind {
    /// Trained by an optimizer.
    Param,
    /// Written by `update` in a module: running statistics, memories.
    State,
    /// Belongs to an optimizer: momentum, moments, counters.
    Optimizer,
}

/// A compiled step of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Whether it minimizes something.
    pub trains: bool,
    /// Batches that it reads. Field `image` of batch `b` is the graph input `b.image`.
    pub batches: Vec<StepBatch>,
    /// What runs on each batch, at least one graph: the one whose conditions hold for the sizes of the batch and the run clock.
    /// Reports are what it records; writes are the next values of variables.
    pub graphs: Vec<Variant>,
    /// What runs once at the end of each pass over the data, if anything does: again the one whose conditions hold. Rows that
    /// the step collects as `e` are its input `pass.e`.
    pub finish: Vec<Variant>,
}

/// One of the graphs of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// When it is the one: all of these hold. Exactly one of a step's graphs is, for any sizes and at any time.
    pub when: Vec<Condition>,
    /// The computation.
    pub graph: Graph,
}

impl Variant {
    /// A graph that always runs.
    pub fn always(graph: Graph) -> Variant {
        Variant { when: vec![], graph }
    }
}

impl Step {
    /// Names of everything that it reports, at each batch and at the end of a pass, each once.
    pub fn reports(&self) -> Vec<&str> {
        let mut names = self.batch_reports();
        names.extend(report_names(&self.finish));
        names
    }

    /// Names of what any of its graphs reports at each batch, each once.
    pub fn batch_reports(&self) -> Vec<&str> {
        report_names(&self.graphs)
    }

    /// Every graph: of each batch, and of the end of a pass.
    pub fn all_graphs(&self) -> impl Iterator<Item = &Graph> {
        self.graphs.iter().chain(&self.finish).map(|variant| &variant.graph)
    }

    /// Every graph, to be rewritten.
    pub fn all_graphs_mut(&mut self) -> impl Iterator<Item = &mut Graph> {
        self.graphs.iter_mut().chain(&mut self.finish).map(|variant| &mut variant.graph)
    }
}

/// What any of the graphs reports, in the order of the first that does.
fn report_names(variants: &[Variant]) -> Vec<&str> {
    let mut names = vec![];
    let outputs = variants.iter().flat_map(|v| v.graph.outputs());
    for output in outputs.filter(|o| o.kind == OutputKind::Report) {
        if !names.contains(&&*output.name) {
            names.push(&*output.name);
        }
    }
    names
}

/// A batch that a step reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepBatch {
    /// Its name in the step.
    pub name: String,
    /// Index of the data set.
    pub data: usize,
    /// Fields that the step's graph reads.
    pub fields: Vec<String>,
}

/// A data set: where items come from and what happens to them on the way into a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Its name in the experiment.
    pub name: String,
    /// Where items come from.
    pub source: Source,
    /// Stages in order; the last one is always a [`Stage::Batch`].
    pub stages: Vec<Stage>,
    /// Fields of one item after all transforms, with constant sizes.
    pub item: Vec<(String, Type)>,
}

/// Where items come from. Images are `f32[3, H, W]` in [0, 1], RGB; labels are `i32[]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Coloured shapes on textured ground that the program draws itself: `{ image, label }`, 10 classes.
    Shapes {
        /// Number of images.
        count: usize,
        /// Height and width in pixels.
        size: usize,
        /// Which images: different splits never share one.
        split: String,
    },
    /// `<key>/<split>/<class>/*.{jpg,png}`, classes sorted by name, in a folder or in one zip file inside `<key>`:
    /// `{ image, label }`.
    ImageFolder {
        /// Folder below the data root.
        key: String,
        /// Sub-folder.
        split: String,
        /// Number of classes that the specification relies on.
        classes: Option<usize>,
    },
    /// A text file with `path label` or `path, label, ..` a line: `{ image, label }`.
    ImageList {
        /// Folder below the data root.
        key: String,
        /// The list, below the folder.
        list: String,
        /// Which column holds the label, from 0; column 0 is the path.
        column: usize,
        /// Number of classes that the specification relies on.
        classes: Option<usize>,
    },
    /// A textured shape that moves over textured ground, drawn by the program: frames of sequences.
    MovingShapes {
        /// Number of sequences.
        videos: usize,
        /// Frames of each.
        frames: usize,
        /// Height and width in pixels.
        size: usize,
        /// Which sequences: different splits never share one.
        split: String,
    },
    /// `<key>/<video>/img/*.{jpg,png}` in the order of their names, with a line `x,y,width,height` for each in
    /// `<key>/<video>/groundtruth_xywh.txt` or `groundtruth.txt`, `nan` where the target is absent: frames of sequences.
    Sequences {
        /// Folder below the data root.
        key: String,
        /// Height of frames after they were resized, in pixels.
        height: usize,
        /// Width of frames after they were resized, in pixels.
        width: usize,
        /// Names of the sequences that are taken, in this order; all of them, by name, if there is none.
        videos: Vec<String>,
    },
    /// CIFAR-10 or CIFAR-100 binary batches (`data_batch_1.bin`, `train.bin`, ..): `{ image, label }`, 32x32.
    Cifar {
        /// Folder below the data root.
        key: String,
        /// `train` or `test`.
        split: String,
        /// 10 or 100.
        classes: usize,
    },
    /// Several coloured shapes with their boxes on textured ground, drawn by the program: `{ image, truths }`.
    Scenes {
        /// Number of images.
        count: usize,
        /// Height and width in pixels.
        size: usize,
        /// Which images: different splits never share one.
        split: String,
        /// Number of kinds of shape, 1 to 10.
        classes: usize,
    },
    /// Images with boxes in a JSON file of COCO's format: `{ image, truths }`.
    Coco {
        /// Folder below the data root.
        key: String,
        /// `<key>/splits/<split>.txt` lists images of `coco.json` and `images`; else it is `annotations/instances_<split>.json` with
        /// images in `<split>`. Without it all images of the file.
        split: Option<String>,
        /// Another JSON file below the folder.
        annotations: Option<String>,
        /// Another folder of images below the folder.
        images: Option<String>,
        /// Which truths there are.
        rules: TruthRules,
    },
    /// Images with boxes in an XML file each, as Pascal VOC has them: `{ image, truths }`.
    Voc {
        /// Folder below the data root.
        key: String,
        /// `ImageSets/Main/<split>.txt` or `splits/<split>.txt` lists the images.
        split: String,
        /// Number of the first pixel in the files, which is taken off all corners.
        first_pixel: f64,
        /// Which truths there are.
        rules: TruthRules,
    },
    /// Items of other data sets. Of the items of an epoch each part has a share in proportion to its weight, up to rounding.
    Mix {
        /// What is mixed, at least one.
        parts: Vec<MixPart>,
    },
}

/// Which truths of a detection set are read, and how many rows they are padded to.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthRules {
    /// Names of the classes in the order of their labels; others are left out. All, in the order of the files, if there is none.
    pub classes: Vec<String>,
    /// Rows of truths of an image.
    pub most: usize,
    /// Whether crowds (COCO) and difficult ones (VOC) stay, as truths that are ignored.
    pub ignored: bool,
    /// Whether images without truths stay.
    pub empty: bool,
    /// Pixels of the shorter side of a truth, at least.
    pub least: f64,
}

/// A data set that is part of a mix.
#[derive(Debug, Clone, PartialEq)]
pub struct MixPart {
    /// Its name in the experiment.
    pub name: String,
    /// Positive; only ratios count.
    pub weight: f64,
    /// Where its items come from.
    pub source: Source,
    /// Its stages, without batches.
    pub stages: Vec<Stage>,
}

impl Source {
    /// Whether its items are frames of sequences, in order: `{ image, box: f32[4] as x1 y1 x2 y2 in pixels, visible: bool[],
    /// video: i32[], frame: i32[] }`.
    pub fn has_frames(&self) -> bool {
        matches!(self, Source::MovingShapes { .. } | Source::Sequences { .. })
    }

    /// Rows of truths of an item, of a source that has them: `truths` with `box: f32[M, 4]` as x1 y1 x2 y2 in pixels, `label: i32[M]`,
    /// `area: f32[M]` and `ignored: bool[M]`, and `there: bool[M]`, false for padding.
    pub fn truths(&self) -> Option<usize> {
        match self {
            Source::Scenes { .. } => Some(Source::SCENE_TRUTHS),
            Source::Coco { rules, .. } | Source::Voc { rules, .. } => Some(rules.most),
            _ => None,
        }
    }

    /// Shapes in a drawn scene, at most.
    pub const SCENE_TRUTHS: usize = 8;
}

/// A stage of a data pipeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Applied to the image of each item.
    Each(Transform),
    /// A function of the specification, applied to each item. Inputs of the graph are fields of the item, and its outputs
    /// are fields that are changed or added. Random ops draw anew for each data set, stage, seed, epoch and item.
    Map(Graph),
    /// Makes pairs: every item is the first of one, and each epoch another item is the second. Field `f` of an item becomes
    /// `first.f` and `second.f`, and `positive: bool[]` says whether the two share a class.
    Pairs {
        /// How far apart items of a positive pair are at most, counted among the items of their class.
        within: Option<usize>,
        /// Probability of a pair of different classes.
        negative: f64,
    },
    /// Four items in one: around a random place each is scaled to fit and cut off. Only with a probability; else the item is scaled
    /// to fit by itself. Bochkovskiy et al. 2020.
    Mosaic {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
        /// Probability.
        probability: f64,
    },
    /// The first items only.
    Take(usize),
    /// The items of one of several disjoint parts, always the same ones, in the order that they have.
    Part {
        /// The part's place when all parts are laid out one after the other in [0, 1].
        range: [f64; 2],
        /// Key of the choice; neither the run's seed nor the data set's name plays a role.
        seed: u64,
        /// Whether each class is divided in the same proportions.
        stratified: bool,
    },
    /// So many items an epoch, in a random order: without repetition until all items were drawn, over epochs, then in a new
    /// order. Directly behind a [`Source::Mix`] it is the number of items of the mix.
    Draw(usize),
    /// A new order each epoch.
    Shuffle,
    /// A new order each epoch in which every `classes * per_class` items hold `per_class` of each of `classes` classes.
    Balanced {
        /// Different classes of a group.
        classes: usize,
        /// Items of each of them.
        per_class: usize,
    },
    /// Groups items; a shorter last group is kept unless `drop_last`.
    Batch {
        /// Number of items.
        size: usize,
        /// Whether a shorter last group is dropped.
        drop_last: bool,
    },
}

/// A change of an item's image. Random ones draw from a stream keyed by data set, seed, epoch and item.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// To a height and width in pixels, bilinear with antialiasing.
    Resize {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
    },
    /// As large as fits a height and a width, keeping the ratio, with pixels of one value at the right or below.
    Fit {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
        /// Value of the new pixels.
        value: f64,
    },
    /// Shorter side to a number of pixels, keeping the ratio.
    ResizeShort {
        /// Pixels.
        size: usize,
        /// Pixels of the longer side at most; the shorter one gets fewer then.
        max: Option<usize>,
    },
    /// The middle.
    CenterCrop {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
    },
    /// A random place.
    RandomCrop {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
    },
    /// A random rectangle of random area and shape, resized (Szegedy et al. 2015).
    RandomResizedCrop {
        /// Pixels.
        height: usize,
        /// Pixels.
        width: usize,
        /// Least and greatest share of the image's area.
        scale: [f64; 2],
        /// Least and greatest ratio of width to height, before resizing.
        ratio: [f64; 2],
    },
    /// Adds pixels of one value on all sides.
    Pad {
        /// Pixels on each side.
        amount: usize,
        /// Value of the new pixels.
        value: f64,
    },
    /// Mirrors left and right with a probability.
    HFlip {
        /// Probability.
        probability: f64,
    },
    /// Mirrors top and bottom with a probability.
    VFlip {
        /// Probability.
        probability: f64,
    },
    /// Random changes of colour in a random order, as torchvision's `ColorJitter`. Values stay in [0, 1].
    ColorJitter {
        /// Least and greatest factor of all values.
        brightness: [f64; 2],
        /// Least and greatest factor of the distance from the mean grey.
        contrast: [f64; 2],
        /// Least and greatest factor of the distance from each pixel's grey.
        saturation: [f64; 2],
        /// Least and greatest shift of the hue in turns, in [-0.5, 0.5].
        hue: [f64; 2],
    },
    /// Gives all channels the luma (ITU-R BT.601) with a probability.
    Grayscale {
        /// Probability.
        probability: f64,
    },
    /// Overwrites a random rectangle with a probability (Zhong et al. 2017).
    RandomErasing {
        /// Probability.
        probability: f64,
        /// Least and greatest share of the image's area.
        scale: [f64; 2],
        /// Least and greatest ratio of height to width.
        ratio: [f64; 2],
        /// Value of the new pixels.
        value: f64,
    },
    /// `(x - mean) / std` for each channel.
    Normalize {
        /// Means of the channels.
        mean: Vec<f64>,
        /// Standard deviations of the channels.
        std: Vec<f64>,
    },
}

/// How the length of a phase is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Passes over the first batch's data.
    Epochs,
    /// Single steps.
    Iterations,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// A step a number of times.
    Steps(Steps),
    /// Phases a number of times.
    Repeat {
        /// Rounds, at most.
        count: u64,
        /// What ends it after fewer.
        until: Option<Until>,
        /// What is repeated.
        phases: Vec<Phase>,
    },
    /// One pass over sequences, item after item.
    Sequences(Sequences),
}

/// A pass over a data set whose items are parts of sequences, one after the other. Steps keep what they know about a sequence in
/// states.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    /// Index of the data set; its batches hold one item.
    pub data: usize,
    /// The field, `i32[]`, that is equal within a sequence and changes from one to the next.
    pub field: String,
    /// Paths of the states that have their first values again at the beginning of each sequence.
    pub reset: Vec<Arc<str>>,
    /// What runs on each item, in order.
    pub parts: Vec<SequencePart>,
    /// What must hold at the end.
    pub expect: Vec<Expect>,
}

/// A step that runs on some items of each sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencePart {
    /// Index of the step, which reads the data set and trains nothing.
    pub step: usize,
    /// The items.
    pub on: Part,
}

/// Items of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first one.
    First,
    /// Those after the first.
    Rest,
    /// Every one.
    All,
}

impl Part {
    /// Words in a specification.
    pub const NAMES: [&'static str; 3] = ["first", "rest", "all"];

    /// The part that a word stands for.
    pub fn from_name(name: &str) -> Option<Part> {
        let parts = [Part::First, Part::Rest, Part::All];
        parts.into_iter().zip(Part::NAMES).find(|(_, word)| *word == name).map(|(part, _)| part)
    }

    /// Whether the first item of a sequence, or one after it, is one of them.
    pub fn contains(self, is_first: bool) -> bool {
        match self {
            Part::First => is_first,
            Part::Rest => !is_first,
            Part::All => true,
        }
    }
}

/// A step a number of times, and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    /// Index of the step.
    pub step: usize,
    /// How often.
    pub count: u64,
    /// Epochs or iterations.
    pub unit: Unit,
    /// Other steps, each a whole pass over its data, now and then.
    pub every: Vec<Every>,
    /// How many of the newest checkpoints are kept beside the very last one.
    pub keep_last: u64,
    /// Which checkpoints are kept as the best.
    pub keep_best: Option<KeepBest>,
    /// When it ends early.
    pub stop_when: Option<StopWhen>,
    /// What must hold at the end.
    pub expect: Vec<Expect>,
}

impl Steps {
    /// A step a number of times and nothing else.
    pub fn new(step: usize, count: u64, unit: Unit) -> Self {
        let (every, expect) = (vec![], vec![]);
        Steps { step, count, unit, every, keep_last: 0, keep_best: None, stop_when: None, expect }
    }
}

/// Runs a step now and then, and at the end of the phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Every {
    /// Index of the step.
    pub step: usize,
    /// How many units lie between two runs.
    pub count: u64,
    /// Epochs or iterations.
    pub unit: Unit,
}

/// A condition on a metric after a round of a repetition.
#[derive(Debug, Clone, PartialEq)]
pub struct Until {
    /// The number.
    pub metric: Metric,
    /// Whether it is the distance of the number from that of the round before that counts.
    pub change: bool,
    /// `true`: at least the bound; `false`: at most, or, with `strict`, less.
    pub at_least: bool,
    /// Whether equality is not enough.
    pub strict: bool,
    /// The bound.
    pub bound: f64,
}

impl Until {
    /// Whether the condition holds for a value and that of the round before.
    pub fn holds(&self, value: Option<f64>, before: Option<f64>) -> bool {
        let measured = match (self.change, value, before) {
            (false, Some(value), _) => value,
            (true, Some(value), Some(before)) => (value - before).abs(),
            _ => return false,
        };
        match (self.at_least, self.strict) {
            (true, false) => measured >= self.bound,
            (true, true) => measured > self.bound,
            (false, false) => measured <= self.bound,
            (false, true) => measured < self.bound,
        }
    }
}

/// A number that a step reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Index of the step.
    pub step: usize,
    /// Name of the report.
    pub name: String,
}

/// Which checkpoints are the best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepBest {
    /// How many are kept, at least one.
    pub count: u64,
    /// The number that decides.
    pub metric: Metric,
    /// Whether the smallest value is best.
    pub lowest: bool,
}

/// When a phase ends before its time: a metric has stopped getting better.
#[derive(Debug, Clone, PartialEq)]
pub struct StopWhen {
    /// The number.
    pub metric: Metric,
    /// Whether the smallest value is best.
    pub lowest: bool,
    /// A value counts as better only if it is better by more than this, which is not negative.
    pub by: f64,
    /// How long it may take until a better value comes.
    pub count: u64,
    /// Epochs or iterations of the phase's step.
    pub unit: Unit,
}

/// What must hold at the end of a phase for the run to succeed.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// The number.
    pub metric: Metric,
    /// `true`: at least the bound; `false`: at most.
    pub at_least: bool,
    /// The bound.
    pub bound: f64,
}
