//! Data pipelines: what an experiment's `data` parts evaluate to.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::{DataSet, Dim, Source, Stage, Transform, Type};
use vspec_syntax::ast::{ExperimentDef, ExperimentPart, Expr, Ident};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::Parts;
use super::item::{BOX, IMAGE, Item, fresh, normalized};
use crate::codes;
use crate::eval::{Eval, Evaluator, Place, Stop};
use crate::scope::Scope;
use crate::value::{Pipeline, Value};

impl Pipeline {
    pub(super) fn finished(&self) -> DataSet {
        DataSet {
            name: self.name.as_deref().unwrap_or_default().to_string(),
            source: self.source.clone(),
            stages: self.stages.clone(),
            item: self.item.clone(),
        }
    }

    /// Whether every batch holds one item.
    pub(super) fn holds_one(&self) -> bool {
        matches!(self.stages.last(), Some(Stage::Batch { size: 1, .. }))
    }

    /// How many items an epoch has, where the specification alone says it.
    fn items(&self) -> Option<usize> {
        let Source::Shapes { count, .. } = self.source else { return None };
        self.stages.iter().try_fold(count, |items, stage| match stage {
            Stage::Take(most) => Some(items.min(*most)),
            Stage::Draw(count) => Some(*count),
            Stage::Each(_) | Stage::Map(_) | Stage::Shuffle => Some(items),
            _ => None,
        })
    }

    pub(crate) fn batched(&self) -> bool {
        self.stages.iter().any(|s| matches!(s, Stage::Batch { .. }))
    }

    /// What draws items at random, so that they no longer come in the order of the source.
    pub(crate) fn drawn_by(&self) -> Option<&'static str> {
        let of_stage = |stage: &Stage| match stage {
            Stage::Shuffle => Some("shuffle"),
            Stage::Draw(_) => Some("draw"),
            Stage::Pairs { .. } => Some("pairs"),
            Stage::Balanced { .. } => Some("sample"),
            _ => None,
        };
        match self.source {
            Source::Mix { .. } => Some("mix"),
            _ => self.stages.iter().find_map(of_stage),
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn data_part(
        &mut self,
        name: &Ident,
        value: &Expr,
        scope: &Rc<Scope>,
        parts: &mut Parts,
    ) -> Eval<()> {
        let result = self.at_place(Place::Static, |e| e.expr(value, scope));
        let pipeline = match result {
            Ok(Value::Pipeline(pipeline)) => pipeline,
            Ok(other) => {
                let message = format!("`data` takes a data pipeline, not {}", other.kind());
                scope.bind(name.name.clone(), Value::Poison, name.span);
                self.data_sets.insert(name.name.clone(), None);
                return self.error(codes::WRONG_KIND, value.span, message);
            }
            Err(stop) => {
                scope.bind(name.name.clone(), Value::Poison, name.span);
                self.data_sets.insert(name.name.clone(), None);
                return Err(stop);
            }
        };
        let named = Rc::new(Pipeline { name: Some(name.name.clone()), ..(*pipeline).clone() });
        parts.data.push(named.clone());
        self.data_sets.insert(name.name.clone(), Some(named.clone()));
        scope.bind(name.name.clone(), Value::Pipeline(named), name.span);
        Ok(())
    }

    /// A data set that is in no mix has to end in batches.
    pub(super) fn check_batched(&mut self, def: &ExperimentDef, parts: &Parts) -> Eval<()> {
        let mut result = Ok(());
        for part in &def.parts {
            let ExperimentPart::Data { name, value } = part else { continue };
            let Some(set) = parts.data.iter().find(|p| p.name.as_ref() == Some(&name.name)) else { continue };
            if !set.batched() && !self.mixed.contains(&name.name) {
                let message = "the pipeline does not end in batches";
                let error = Diagnostic::error(codes::BAD_PIPELINE, value.span, message);
                result = self.fail(error.hint("add `|> batch(64)`"));
            }
        }
        result
    }

    /// The data set that a step reads.
    pub(super) fn read_set(&mut self, from: &Ident, set: &Pipeline) -> Eval<()> {
        if set.batched() {
            return Ok(());
        }
        if !self.mixed.contains(&from.name) {
            // Reported where it is declared.
            return Err(Stop);
        }
        let message = format!("data set `{}` does not end in batches", from.name);
        let error = Diagnostic::error(codes::BAD_PIPELINE, from.span, message);
        self.fail(
            error
                .also(set.span, "declared here")
                .hint("read the mix, or another data set with `|> batch(64)`"),
        )
    }

    /// The data set of a name that is mixed into another.
    pub(crate) fn mixed_set(&mut self, name: &str, span: Span) -> Eval<Rc<Pipeline>> {
        match self.data_sets.get(name).cloned() {
            Some(Some(set)) if set.batched() => {
                let message = format!("`mix` takes items, and `{name}` hands out batches");
                let error =
                    Diagnostic::error(codes::BAD_PIPELINE, span, message).also(set.span, "declared here");
                self.fail(error.hint("leave `batch` out there, and put it behind `mix`"))
            }
            Some(Some(set)) => Ok(set),
            Some(None) => Err(Stop),
            None => {
                let known: Vec<String> = self.data_sets.keys().map(ToString::to_string).collect();
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                // What was meant is in the mix, so that nothing is said about its batches.
                self.mixed.extend(did_you_mean(name, known.iter().copied()).map(Arc::from));
                self.unknown_part("data set", &Ident { name: name.into(), span }, &known)
            }
        }
    }

    /// Where a key of a record stands that was written at a place; the whole place if it is not a literal.
    pub(crate) fn key_span(&self, record: Span, key: &str) -> Span {
        let text = self.loader.sources.slice(record);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let whole = |at: &usize| {
            let (before, after) = (&text[..*at], &text[at + key.len()..]);
            let after = after.trim_start_matches('"').trim_start();
            !before.ends_with(is_part) && after.starts_with(':')
        };
        match text.match_indices(key).map(|(at, _)| at).find(whole) {
            Some(at) => {
                let start = record.start + at as u32;
                Span { start, end: start + key.len() as u32, ..record }
            }
            None => record,
        }
    }

    /// `train.classes`
    pub(crate) fn pipeline_field(&mut self, pipeline: &Pipeline, base: &Value, field: &Ident) -> Eval<Value> {
        match (&*field.name, pipeline.classes) {
            ("classes", Some(classes)) => Ok(Value::Int(classes as i64)),
            ("classes", None) => match self.inspect(&pipeline.source, field)?.classes {
                0 => {
                    self.error(codes::DATA_UNKNOWN, field.span, "data sets of the mix have different classes")
                }
                classes => Ok(Value::Int(classes as i64)),
            },
            ("items", _) => self.inspect(&pipeline.source, field).map(|i| Value::Int(i.items as i64)),
            _ => self.no_field(base, field, vec!["classes", "items"]),
        }
    }

    /// What a data set says about itself. The reason why it says nothing also says where data is looked for.
    fn inspect(&mut self, source: &Source, field: &Ident) -> Eval<crate::SourceInfo> {
        let reason = match self.loader.world().inspect(source) {
            Ok(info) => return Ok(info),
            Err(reason) => reason,
        };
        let message = format!("the data set is needed here: {reason}");
        let error = Diagnostic::error(codes::DATA_UNKNOWN, field.span, message);
        self.fail(match &*field.name {
            "classes" => error.hint("with `classes = ..` in the specification only the run needs the data"),
            _ => error,
        })
    }

    /// Refuses batches of more items than an epoch has, where those that are not full are dropped.
    pub(crate) fn fills_a_batch(&mut self, pipeline: &Pipeline, size: usize, span: Span) -> Eval<()> {
        let Some(items) = pipeline.items().filter(|items| *items < size) else { return Ok(()) };
        let message = format!("{items} items fill no batch of {size}, so that `drop_last` leaves nothing");
        let error = Diagnostic::error(codes::BAD_PIPELINE, span, message).also(pipeline.span, "the items");
        self.fail(error.hint("make batches smaller, or leave `drop_last` out"))
    }

    /// Refuses a stage behind the batches.
    pub(crate) fn open_end(&mut self, pipeline: &Pipeline, span: Span) -> Eval<()> {
        match pipeline.batched() {
            false => Ok(()),
            true => {
                let error = Diagnostic::error(codes::BAD_PIPELINE, span, "nothing can follow `batch`");
                self.fail(error.hint("`batch` comes last: `.. |> shuffle |> batch(8)`"))
            }
        }
    }

    /// A pipeline with one more stage.
    pub(crate) fn with_stage(&mut self, pipeline: &Pipeline, stage: Stage, span: Span) -> Eval<Value> {
        self.open_end(pipeline, span)?;
        self.boxes_stay(pipeline, &stage, span)?;
        let mut next = pipeline.clone();
        next.item = self.item_after(pipeline, &stage, span)?;
        next.stages.push(stage);
        Ok(Value::Pipeline(Rc::new(next)))
    }

    /// A transform that moves pixels would leave the boxes of a frame behind.
    fn boxes_stay(&mut self, pipeline: &Pipeline, stage: &Stage, span: Span) -> Eval<()> {
        let moves = match stage {
            Stage::Each(transform) => moves_pixels(transform),
            Stage::Mosaic { .. } => true,
            _ => false,
        };
        if !moves || !pipeline.item.iter().any(|(name, _)| name == BOX) {
            return Ok(());
        }
        let message = "this moves pixels, and the boxes of the frames would stay where they are";
        let error = Diagnostic::error(codes::BAD_PIPELINE, span, message);
        self.fail(
            error
                .also(pipeline.span, "items with boxes")
                .hint("the source resizes frames and boxes together"),
        )
    }

    /// The fields of an item after a stage.
    fn item_after(&mut self, pipeline: &Pipeline, stage: &Stage, span: Span) -> Eval<Item> {
        match stage {
            Stage::Each(transform) => {
                let Some(sizes) = pipeline.image_size() else {
                    return self.no_image(pipeline, span);
                };
                let sizes = self.sizes_after(pipeline, sizes, transform, span)?;
                Ok(pipeline.resized(sizes))
            }
            Stage::Map(graph) => Ok(pipeline.mapped(graph)),
            Stage::Pairs { .. } => Ok(pipeline.paired()),
            Stage::Mosaic { height, width, .. } => match pipeline.image_size() {
                Some(_) => Ok(pipeline.resized([Dim::from(*height), Dim::from(*width)])),
                None => self.no_image(pipeline, span),
            },
            Stage::Take(_) | Stage::Part { .. } | Stage::Draw(_) => Ok(pipeline.item.clone()),
            Stage::Shuffle | Stage::Balanced { .. } => Ok(pipeline.item.clone()),
            Stage::Batch { .. } => self.check_constant(pipeline, span),
        }
    }

    fn no_image<T>(&mut self, pipeline: &Pipeline, span: Span) -> Eval<T> {
        let message = "a transform changes the field `image: f32[3, H, W]`, which the items do not have";
        let error = Diagnostic::error(codes::BAD_PIPELINE, span, message);
        self.fail(match pipeline.item.iter().any(|(name, _)| name == "first.image") {
            true => error
                .hint("these are pairs: transform the items before `pairs`, or use a function of the pair"),
            false => error,
        })
    }

    /// Only items of one size can lie side by side.
    fn check_constant(&mut self, pipeline: &Pipeline, span: Span) -> Eval<Item> {
        let varies = |(_, ty): &&(String, Type)| ty.const_shape().is_none();
        match pipeline.item.iter().find(varies) {
            None => Ok(pipeline.item.clone()),
            Some((name, _)) if name.rsplit('.').next() == Some(IMAGE) => self.fail(
                Diagnostic::error(codes::BAD_PIPELINE, span, "images of different sizes cannot be batched")
                    .hint("bring them to one size first: `|> each(resize(64))`"),
            ),
            Some((name, ty)) => {
                let message = format!("`{name}: {ty}` has a size that differs from item to item");
                self.error(codes::BAD_PIPELINE, span, message)
            }
        }
    }

    /// Height and width of images after a transform.
    fn sizes_after(
        &mut self,
        pipeline: &Pipeline,
        sizes: [Dim; 2],
        transform: &Transform,
        span: Span,
    ) -> Eval<[Dim; 2]> {
        let constant = |height: &usize, width: &usize| [Dim::from(*height), Dim::from(*width)];
        let known = sizes.each_ref().map(|d| d.as_const().and_then(|c| usize::try_from(c).ok()));
        match transform {
            Transform::Resize { height, width } | Transform::Fit { height, width, .. } => {
                Ok(constant(height, width))
            }
            Transform::RandomResizedCrop { height, width, .. } => Ok(constant(height, width)),
            Transform::CenterCrop { height, width } | Transform::RandomCrop { height, width } => {
                match known {
                    [Some(h), Some(w)] if h < *height || w < *width => {
                        let message = format!("cannot crop {height}x{width} from images of {h}x{w}");
                        self.error(codes::BAD_PIPELINE, span, message)
                    }
                    _ => Ok(constant(height, width)),
                }
            }
            Transform::ResizeShort { size, .. } => Ok(match known {
                [Some(h), Some(w)] if h == w => constant(size, size),
                _ => [fresh(pipeline.stages.len(), 0), fresh(pipeline.stages.len(), 1)],
            }),
            Transform::Pad { amount, .. } => {
                let wider = |known: Option<usize>, axis| match known {
                    Some(size) => Dim::from(size.saturating_add(amount.saturating_mul(2))),
                    None => fresh(pipeline.stages.len(), axis),
                };
                Ok([wider(known[0], 0), wider(known[1], 1)])
            }
            Transform::ColorJitter { .. } if normalized(&pipeline.stages) => self.fail(
                Diagnostic::error(codes::BAD_PIPELINE, span, "`color_jitter` needs values in [0, 1]")
                    .label("`normalize` stands before it")
                    .hint("write `each(color_jitter(..))` before `each(normalize(..))`"),
            ),
            _ => Ok(sizes),
        }
    }
}

/// Whether a transform changes where things are in an image.
fn moves_pixels(transform: &Transform) -> bool {
    match transform {
        Transform::Resize { .. }
        | Transform::Fit { .. }
        | Transform::ResizeShort { .. }
        | Transform::CenterCrop { .. }
        | Transform::RandomCrop { .. }
        | Transform::RandomResizedCrop { .. }
        | Transform::Pad { .. }
        | Transform::HFlip { .. }
        | Transform::VFlip { .. } => true,
        Transform::ColorJitter { .. }
        | Transform::Grayscale { .. }
        | Transform::RandomErasing { .. }
        | Transform::Normalize { .. } => false,
    }
}
