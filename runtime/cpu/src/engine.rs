//! The fused engine: plans from an injected planner, kept for the sizes that they were made for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use vspec_engine::plan::Planner;
use vspec_engine::{
    Buffer, Engine, EngineError, HostTensor, Inputs, KernelSpan, KernelTime, Precision, RunKey, Session, bind,
};
use vspec_ir::Graph;
use vspec_ir::plan::{Kernel, Plan};

use crate::element::Element;
use crate::executable::{Data, Elements, Executable, Timed};
use crate::mode::Mode;
use crate::variables::Variables;

/// The fused engine on the CPU.
#[derive(Clone)]
pub struct CpuEngine {
    /// What it computes in.
    pub precision: Precision,
    /// What makes its plans.
    pub planner: Arc<dyn Planner>,
    /// How its kernels compute.
    pub mode: Mode,
}

impl fmt::Debug for CpuEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CpuEngine({:?})", self.precision)
    }
}

impl Engine for CpuEngine {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn session(&self) -> Box<dyn Session> {
        match self.precision {
            Precision::F32 => Box::new(CpuSession::<f32>::new(self)),
            Precision::F64 => Box::new(CpuSession::<f64>::new(self)),
        }
    }
}

/// Most plans that are kept; the one that was made first goes first.
const KEPT: usize = 32;

/// What a plan was made for: a graph, and its sizes as text.
type Made = (u64, String);

/// Variables, and plans.
struct CpuSession<T: Element> {
    planner: Arc<dyn Planner>,
    mode: Mode,
    variables: Variables<T>,
    shapes: BTreeMap<String, Vec<usize>>,
    plans: Vec<(Made, Executable<T>)>,
    measures: bool,
    /// Position of the plan that ran last.
    last: usize,
}

impl<T: Element> CpuSession<T> {
    fn new(engine: &CpuEngine) -> Self {
        CpuSession {
            planner: engine.planner.clone(),
            mode: engine.mode,
            variables: Variables::new(),
            shapes: BTreeMap::new(),
            plans: vec![],
            measures: false,
            last: 0,
        }
    }

    /// Position of the plan for a graph and the sizes of its inputs.
    fn plan(&mut self, graph: &Graph, inputs: &Inputs) -> Result<usize, EngineError> {
        let sizes = bind(graph, inputs)?;
        let made = (graph.stamp(), sizes.to_string());
        if let Some(known) = self.plans.iter().position(|(own, _)| *own == made) {
            return Ok(known);
        }
        let executable = Executable::new(self.planner.plan(graph, &sizes)?, self.mode)?;
        if self.plans.len() == KEPT {
            self.plans.remove(0);
        }
        self.plans.push((made, executable));
        Ok(self.plans.len() - 1)
    }
}

impl<T: Element> Session for CpuSession<T> {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.shapes.insert(path.to_string(), value.shape().to_vec());
        self.variables.insert(path.to_string(), Data::from_host(value));
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        let missing = || EngineError::MissingVariable(path.to_string());
        let (data, shape) = self.variables.get(path).zip(self.shapes.get(path)).ok_or_else(missing)?;
        to_host(data, shape.clone())
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let at = self.plan(graph, inputs)?;
        let executable = &mut self.plans[at].1;
        executable.measure(self.measures);
        self.last = at;
        // Numbers of another precision than the engine's are converted.
        let converted: BTreeMap<&str, Data<T>> = inputs
            .iter()
            .filter(|(_, tensor)| !is_own::<T>(tensor))
            .map(|(name, tensor)| (name.as_str(), Data::from_host(tensor.clone())))
            .collect();
        let given = inputs.iter().map(|(name, tensor)| {
            let own = converted.get(name.as_str()).map(Data::elements);
            (name.as_str(), own.unwrap_or_else(|| elements(tensor)))
        });
        let results = executable.run(&given.collect(), &mut self.variables, key)?;
        let shapes = shapes(executable.plan());
        self.shapes.extend(shapes.written);
        results.iter().zip(shapes.results).map(|(data, shape)| to_host(data.elements(), shape)).collect()
    }

    fn prepare(&mut self, graph: &Graph, inputs: &Inputs) -> Result<(), EngineError> {
        self.plan(graph, inputs).map(|_| ())
    }

    fn measure(&mut self, on: bool) {
        self.measures = on;
    }

    fn kernel_spans(&self) -> Vec<KernelSpan> {
        let Some((_, executable)) = self.plans.get(self.last) else { return vec![] };
        let timed = executable.times.iter().flatten();
        let span = |(kernel, timed): (&Kernel, &Timed)| {
            let (began, took) = timed.last?;
            let name = kernel.anchor.as_ref().map_or("region", |anchor| anchor.op.decl().name).to_string();
            Some(KernelSpan {
                name,
                origin: kernel.origins.first().cloned().unwrap_or_default(),
                began,
                took,
            })
        };
        executable.plan().kernels.iter().zip(timed).filter_map(span).collect()
    }

    fn kernel_times(&self) -> Vec<KernelTime> {
        let Some((_, executable)) = self.plans.get(self.last) else { return vec![] };
        let timed = executable.times.iter().flatten();
        let titled = executable.plan().kernels.iter().zip(timed);
        let time = |(kernel, timed): (&Kernel, &Timed)| KernelTime {
            title: kernel.title(),
            fastest: timed.fastest.unwrap_or_default(),
            runs: timed.runs,
        };
        titled.map(time).collect()
    }
}

/// Shapes of what a plan gives.
struct Shapes {
    results: Vec<Vec<usize>>,
    written: Vec<(String, Vec<usize>)>,
}

fn shapes(plan: &Plan) -> Shapes {
    let shape = |id| plan.value(id).shape.clone();
    let (writes, results): (Vec<_>, Vec<_>) =
        plan.outputs.iter().partition(|output| output.kind == vspec_ir::OutputKind::Write);
    Shapes {
        results: results.iter().map(|output| shape(output.value)).collect(),
        written: writes.iter().map(|output| (output.name.to_string(), shape(output.value))).collect(),
    }
}

/// Whether the elements of a tensor are of the type that the engine computes in.
fn is_own<T: Element>(tensor: &HostTensor) -> bool {
    match tensor.buffer() {
        Buffer::F32(v) => T::slice_of(v).is_some(),
        Buffer::F64(_) => false,
        Buffer::I32(_) | Buffer::Bool(_) => true,
    }
}

fn elements<T: Element>(tensor: &HostTensor) -> Elements<'_, T> {
    match tensor.buffer() {
        Buffer::F32(v) => T::slice_of(v).map_or(Elements::Float(&[]), Elements::Float),
        Buffer::F64(_) => Elements::Float(&[]),
        Buffer::I32(v) => Elements::Int(v),
        Buffer::Bool(v) => Elements::Bool(v),
    }
}

fn to_host<T: Element>(elements: Elements<'_, T>, shape: Vec<usize>) -> Result<HostTensor, EngineError> {
    let buffer = match elements {
        Elements::Float(v) => T::buffer(v.to_vec()),
        Elements::Int(v) => Buffer::I32(v.to_vec()),
        Elements::Bool(v) => Buffer::Bool(v.to_vec()),
    };
    HostTensor::new(shape, buffer)
        .ok_or_else(|| EngineError::Unsupported("a value does not fill its shape".to_string()))
}
