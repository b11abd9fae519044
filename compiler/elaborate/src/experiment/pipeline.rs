//! Data pipelines: what an experiment's `data` parts evaluate to.

use std::rc::Rc;

use vspec_ir::{DType, DataSet, Dim, Source, Stage, Transform, Type};
use vspec_syntax::ast::{Expr, Ident};
use vspec_syntax::{Diagnostic, Span};

use super::Parts;
use crate::codes;
use crate::eval::{Eval, Evaluator, Place};
use crate::scope::Scope;
use crate::value::{Pipeline, Value};

impl Pipeline {
    /// Fields of one item. Sizes are known once the pipeline is complete.
    pub(crate) fn item(&self) -> Vec<(String, Type)> {
        let (height, width) = self.size.unwrap_or_default();
        let image = Type::new(DType::F32, vec![Dim::from(3i64), Dim::from(height), Dim::from(width)]);
        let field = |name: &str, ty| (name.to_string(), ty);
        let number = || Type::scalar(DType::I32);
        match self.source.has_frames() {
            false => vec![field("image", image), field("label", number())],
            true => vec![
                field("image", image),
                field("box", Type::new(DType::F32, vec![Dim::from(4i64)])),
                field("visible", Type::scalar(DType::Bool)),
                field("video", number()),
                field("frame", number()),
            ],
        }
    }

    pub(super) fn finished(&self) -> DataSet {
        DataSet {
            name: self.name.as_deref().unwrap_or_default().to_string(),
            source: self.source.clone(),
            stages: self.stages.clone(),
            item: self.item(),
        }
    }

    /// Whether every batch holds one item.
    pub(super) fn holds_one(&self) -> bool {
        matches!(self.stages.last(), Some(Stage::Batch { size: 1, .. }))
    }

    fn batched(&self) -> bool {
        self.stages.iter().any(|s| matches!(s, Stage::Batch { .. }))
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
                return self.error(codes::WRONG_KIND, value.span, message);
            }
            Err(stop) => {
                scope.bind(name.name.clone(), Value::Poison, name.span);
                return Err(stop);
            }
        };
        if !pipeline.batched() {
            let error =
                Diagnostic::error(codes::BAD_PIPELINE, value.span, "the pipeline does not end in batches");
            scope.bind(name.name.clone(), Value::Poison, name.span);
            return self.fail(error.hint("add `|> batch(64)`"));
        }
        let named = Rc::new(Pipeline { name: Some(name.name.clone()), ..(*pipeline).clone() });
        parts.data.push(named.clone());
        scope.bind(name.name.clone(), Value::Pipeline(named), name.span);
        Ok(())
    }

    /// `train.classes`
    pub(crate) fn pipeline_field(&mut self, pipeline: &Pipeline, base: &Value, field: &Ident) -> Eval<Value> {
        match (&*field.name, pipeline.classes) {
            ("classes", Some(classes)) => Ok(Value::Int(classes as i64)),
            ("classes", None) => {
                self.inspect(&pipeline.source, field.span).map(|i| Value::Int(i.classes as i64))
            }
            ("items", _) => self.inspect(&pipeline.source, field.span).map(|i| Value::Int(i.items as i64)),
            _ => self.no_field(base, field, vec!["classes", "items"]),
        }
    }

    fn inspect(&mut self, source: &Source, span: Span) -> Eval<crate::SourceInfo> {
        match self.loader.world().inspect(source) {
            Ok(info) => Ok(info),
            Err(reason) => self.fail(
                Diagnostic::error(codes::DATA_UNKNOWN, span, format!("the data set is needed here: {reason}"))
                    .hint("say where data lies with `--data PATH` or VSPEC_DATA, or state `classes = ..` in the spec"),
            ),
        }
    }

    /// A pipeline with one more stage.
    pub(crate) fn with_stage(&mut self, pipeline: &Pipeline, stage: Stage, span: Span) -> Eval<Value> {
        if pipeline.batched() {
            let error = Diagnostic::error(codes::BAD_PIPELINE, span, "nothing can follow `batch`");
            return self.fail(error.hint("`batch` comes last: `.. |> shuffle |> batch(8)`"));
        }
        self.boxes_stay(pipeline, &stage, span)?;
        let mut next = pipeline.clone();
        next.size = self.size_after(pipeline, &stage, span)?;
        next.stages.push(stage);
        Ok(Value::Pipeline(Rc::new(next)))
    }

    /// A transform that moves pixels would leave the boxes of a frame behind.
    fn boxes_stay(&mut self, pipeline: &Pipeline, stage: &Stage, span: Span) -> Eval<()> {
        let Stage::Each(transform) = stage else { return Ok(()) };
        if !pipeline.source.has_frames() || !moves_pixels(transform) {
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

    /// Height and width of images after a stage.
    fn size_after(
        &mut self,
        Pipeline { size, stages, .. }: &Pipeline,
        stage: &Stage,
        span: Span,
    ) -> Eval<Option<(usize, usize)>> {
        let size = *size;
        match stage {
            Stage::Each(Transform::Resize { height, width }) => Ok(Some((*height, *width))),
            Stage::Each(
                Transform::CenterCrop { height, width } | Transform::RandomCrop { height, width },
            ) => match size {
                Some((h, w)) if h < *height || w < *width => {
                    let message = format!("cannot crop {height}x{width} from images of {h}x{w}");
                    self.error(codes::BAD_PIPELINE, span, message)
                }
                _ => Ok(Some((*height, *width))),
            },
            Stage::Each(Transform::RandomResizedCrop { height, width, .. }) => Ok(Some((*height, *width))),
            Stage::Each(Transform::ResizeShort { size: short, .. }) => Ok(match size {
                Some((h, w)) if h == w => Some((*short, *short)),
                _ => None,
            }),
            Stage::Each(Transform::Pad { amount, .. }) => {
                Ok(size.map(|(h, w)| (h + 2 * amount, w + 2 * amount)))
            }
            Stage::Each(Transform::ColorJitter { .. }) if normalized(stages) => self.fail(
                Diagnostic::error(codes::BAD_PIPELINE, span, "`color_jitter` needs values in [0, 1]")
                    .label("`normalize` stands before it")
                    .hint("write `each(color_jitter(..))` before `each(normalize(..))`"),
            ),
            Stage::Each(_) => Ok(size),
            Stage::Take(_) | Stage::Shuffle | Stage::Balanced { .. } => Ok(size),
            Stage::Batch { .. } if size.is_none() => self.fail(
                Diagnostic::error(codes::BAD_PIPELINE, span, "images of different sizes cannot be batched")
                    .hint("bring them to one size first: `|> each(resize(64))`"),
            ),
            Stage::Batch { .. } => Ok(size),
        }
    }
}

/// Whether a transform changes where things are in an image.
fn moves_pixels(transform: &Transform) -> bool {
    match transform {
        Transform::Resize { .. }
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

fn normalized(stages: &[Stage]) -> bool {
    stages.iter().any(|s| matches!(s, Stage::Each(Transform::Normalize { .. })))
}
