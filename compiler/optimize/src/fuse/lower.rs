//! Writing kernels down: from groups of nodes to the steps of regions.
//!
//! The value of a node at a place is written down by asking for the values of what it reads at their places; views change the place on
//! the way. What was asked for before is used again.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::ops::OpClass;
use vspec_ir::plan::{
    Anchor, Coordinate, Fold, Index, Instr, Kernel, Layout, Operand, Place, Plan, PlanOutput, Reg, Region,
    Step, Value, ValueId,
};
use vspec_ir::{DType, NodeId, Op, Origin};

use super::group::{Group, Groups};
use super::nodes::{Nodes, Role};
use super::rows;
use super::views::{self, Through};

/// The plan of all groups.
pub(super) fn lower(nodes: &Nodes<'_>, groups: &Groups) -> Result<Plan, String> {
    let mut memory =
        Memory { plan: Plan { name: nodes.graph.name.clone(), ..Plan::default() }, of: BTreeMap::new() };
    let stored = stored(nodes, groups);
    for (_, group) in groups.in_order() {
        // What all readers compute for themselves nobody has to.
        if group.members.iter().any(|id| stored.contains(id)) {
            let kernel = KernelBuilder::new(nodes, group).build(&mut memory, &stored)?;
            memory.plan.kernels.push(kernel);
        }
    }
    for output in nodes.graph.outputs() {
        let value = memory.value(nodes, output.node);
        memory.plan.outputs.push(PlanOutput { name: output.name.clone(), kind: output.kind, value });
    }
    Ok(memory.plan)
}

/// Computed nodes that have to lie in memory.
fn stored(nodes: &Nodes<'_>, groups: &Groups) -> BTreeSet<NodeId> {
    let read = groups.in_order().flat_map(|(_, group)| group.outside_reads(nodes));
    let outputs = nodes.graph.outputs().iter().map(|output| output.node);
    read.chain(outputs).filter(|id| nodes.is_computed(*id)).collect()
}

/// Values in memory, made when they are first needed.
struct Memory {
    plan: Plan,
    of: BTreeMap<NodeId, ValueId>,
}

impl Memory {
    fn value(&mut self, nodes: &Nodes<'_>, id: NodeId) -> ValueId {
        let plan = &mut self.plan;
        *self.of.entry(id).or_insert_with(|| {
            let node = nodes.node(id);
            let place = match &node.op {
                Op::Input { name, .. } => Place::Input(name.clone()),
                Op::Param { path, .. } | Op::State { path, .. } => Place::Variable(path.clone()),
                Op::Constant { value } if nodes.role(id) == Role::Memory => Place::Constant(value.clone()),
                _ => Place::Arena(0),
            };
            let shape = nodes.shape(id).to_vec();
            let layout = Layout::dense(shape.len());
            plan.values.push(Value {
                origin: node.origin.clone(),
                dtype: node.ty.dtype,
                shape,
                layout,
                place,
            });
            ValueId(plan.values.len() as u32 - 1)
        })
    }
}

/// A place, and where it counts at all.
type Asked = (NodeId, Vec<Index>, Option<Reg>);

struct KernelBuilder<'n, 'g> {
    nodes: &'n Nodes<'g>,
    group: &'n Group,
    region: Region,
    /// The region's loop for each loop of the group.
    loops: Vec<usize>,
    known: BTreeMap<Asked, Reg>,
}

impl<'n, 'g> KernelBuilder<'n, 'g> {
    fn new(nodes: &'n Nodes<'g>, group: &'n Group) -> Self {
        let all = 0..group.extents.len();
        let (inner, outer): (Vec<usize>, Vec<usize>) = all.partition(|i| group.inner[*i]);
        let order: Vec<usize> = outer.iter().chain(&inner).copied().collect();
        let mut loops = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, old)| loops[*old] = new);
        let extents = order.iter().map(|old| group.extents[*old]).collect();
        let region = Region { extents, outer: outer.len(), steps: vec![] };
        KernelBuilder { nodes, group, region, loops, known: BTreeMap::new() }
    }

    fn build(mut self, memory: &mut Memory, stored: &BTreeSet<NodeId>) -> Result<Kernel, String> {
        let anchor = self.group.anchor.map(|id| self.anchor(memory, id)).transpose()?;
        let results: Vec<NodeId> =
            self.group.members.iter().filter(|id| stored.contains(id)).copied().collect();
        for id in &results {
            let frame =
                self.group.result_frame(self.nodes, *id).ok_or("a stored value is computed nowhere")?;
            let at = self.place(&frame);
            let from = self.value(memory, *id, &at, None)?;
            let value = memory.value(self.nodes, *id);
            self.push(Instr::Store { value, at, from }, self.nodes.node(*id).ty.dtype);
        }
        let others = self.group.members.iter().filter(|id| !results.contains(id));
        let origins: Vec<Origin> =
            results.iter().chain(others).map(|id| self.nodes.node(*id).origin.clone()).collect();
        Ok(Kernel { origins, anchor, region: in_order(rows::fewer_passes(self.region)) })
    }

    /// Counters of loops, 0 where the size is 1.
    fn place(&self, frame: &[Option<usize>]) -> Vec<Index> {
        let counter = |own: &Option<usize>| match own {
            Some(own) => Index::counter(self.loops[*own], &self.region.extents),
            None => Index::constant(0),
        };
        frame.iter().map(counter).collect()
    }

    fn push(&mut self, instr: Instr, dtype: DType) -> Reg {
        self.region.push(instr, dtype)
    }

    /// The value of a node at a place; with a guard, only where that is true.
    fn value(
        &mut self,
        memory: &mut Memory,
        id: NodeId,
        at: &[Index],
        guard: Option<Reg>,
    ) -> Result<Reg, String> {
        let asked = (id, at.to_vec(), guard);
        if let Some(known) = self.known.get(&asked) {
            return Ok(*known);
        }
        let reg = self.compute(memory, id, at, guard)?;
        self.known.insert(asked, reg);
        Ok(reg)
    }

    fn compute(
        &mut self,
        memory: &mut Memory,
        id: NodeId,
        at: &[Index],
        guard: Option<Reg>,
    ) -> Result<Reg, String> {
        let node = self.nodes.node(id);
        let dtype = node.ty.dtype;
        match self.nodes.role(id) {
            Role::Free => self.source(id, at),
            Role::View => self.view(memory, id, at, guard),
            Role::Memory => Ok(self.load(memory, id, at, guard)),
            _ if !self.group.computes(id) => Ok(self.load(memory, id, at, guard)),
            Role::Map => self.map(memory, id, at, guard),
            Role::Anchor => Ok(self.push_anchor(dtype)),
            Role::Fold => self.fold(memory, id),
        }
    }

    fn load(&mut self, memory: &mut Memory, id: NodeId, at: &[Index], guard: Option<Reg>) -> Reg {
        let value = memory.value(self.nodes, id);
        let at = at.iter().cloned().map(Coordinate::At).collect();
        self.push(Instr::Load { value, at, guard }, self.nodes.node(id).ty.dtype)
    }

    fn push_anchor(&mut self, dtype: DType) -> Reg {
        self.push(Instr::Anchor, dtype)
    }

    fn source(&mut self, id: NodeId, at: &[Index]) -> Result<Reg, String> {
        let node = self.nodes.node(id);
        let instr = match &node.op {
            Op::Full { value, .. } => Instr::Number(*value),
            Op::Constant { value } => Instr::Number(value.values.first().copied().unwrap_or(0.0)),
            Op::Cotangent {} => Instr::Number(0.0),
            Op::Size { value, .. } => Instr::Number(value.as_const().ok_or("a size has no value")? as f64),
            Op::Iota { axis, .. } => Instr::Index(at[*axis as usize].clone()),
            op => return Err(format!("`{}` is no number", op.decl().name)),
        };
        Ok(self.push(instr, node.ty.dtype))
    }

    fn map(
        &mut self,
        memory: &mut Memory,
        id: NodeId,
        at: &[Index],
        guard: Option<Reg>,
    ) -> Result<Reg, String> {
        let node = self.nodes.node(id);
        let shape = self.nodes.shape(id).to_vec();
        match &node.op {
            Op::Gather { axis } => {
                let axis = *axis as usize;
                let end = axis + self.nodes.shape(node.inputs[1]).len();
                let named = self.value(memory, node.inputs[1], &at[axis..end], guard)?;
                let around = |part: &[Index]| part.iter().cloned().map(Coordinate::At).collect::<Vec<_>>();
                let mut places = around(&at[..axis]);
                places.push(Coordinate::From(named));
                places.extend(around(&at[end..]));
                Ok(self.load_at(memory, node.inputs[0], places, guard))
            }
            Op::TakeAlong { axis } => {
                let named = self.value(memory, node.inputs[1], at, guard)?;
                let mut places: Vec<Coordinate> = at.iter().cloned().map(Coordinate::At).collect();
                places[*axis as usize] = Coordinate::From(named);
                Ok(self.load_at(memory, node.inputs[0], places, guard))
            }
            Op::Uniform { stream, .. } => Ok(self.random(false, stream, &shape, at)),
            Op::Normal { stream, .. } => Ok(self.random(true, stream, &shape, at)),
            _ if self.nodes.is_view(id) => self.view(memory, id, at, guard),
            op if op.decl().class == OpClass::Source || matches!(op, Op::Cotangent {}) => self.source(id, at),
            op => {
                let mut args = vec![];
                for input in &node.inputs {
                    let place = views::broadcast(self.nodes.shape(*input), at);
                    args.push(self.value(memory, *input, &place, guard)?);
                }
                Ok(self.push(Instr::Apply(op.clone(), args), node.ty.dtype))
            }
        }
    }

    fn load_at(&mut self, memory: &mut Memory, id: NodeId, at: Vec<Coordinate>, guard: Option<Reg>) -> Reg {
        let value = memory.value(self.nodes, id);
        self.push(Instr::Load { value, at, guard }, self.nodes.node(id).ty.dtype)
    }

    fn random(&mut self, normal: bool, stream: &std::sync::Arc<str>, shape: &[usize], at: &[Index]) -> Reg {
        let at = views::flat(shape, at);
        self.push(Instr::Random { normal, stream: stream.clone(), at }, DType::F32)
    }

    fn view(
        &mut self,
        memory: &mut Memory,
        id: NodeId,
        at: &[Index],
        guard: Option<Reg>,
    ) -> Result<Reg, String> {
        let node = self.nodes.node(id);
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| self.nodes.shape(*i)).collect();
        let through = views::through(&node.op, &shapes, self.nodes.shape(id), at, &self.region.extents);
        match through.ok_or("a view cannot be looked through")? {
            Through::One(at) => self.value(memory, node.inputs[0], &at, guard),
            Through::Padded { at, index, range, value } => {
                let inside = self.inside(index, range);
                let both = self.both(guard, inside);
                let own = self.value(memory, node.inputs[0], &at, Some(both))?;
                let outside = self.push(Instr::Number(value), node.ty.dtype);
                Ok(self.push(Instr::Apply(Op::Where {}, vec![inside, own, outside]), node.ty.dtype))
            }
            Through::Pieces { at, index, ranges } => self.pieces(memory, id, (at, index, ranges), guard),
        }
    }

    /// The element of the operand in whose range the index lies: of the last one, unless an earlier one has it.
    fn pieces(
        &mut self,
        memory: &mut Memory,
        id: NodeId,
        (at, index, ranges): (Vec<Vec<Index>>, Index, Vec<[i64; 2]>),
        guard: Option<Reg>,
    ) -> Result<Reg, String> {
        let node = self.nodes.node(id);
        let mut pieces = vec![];
        for ((input, at), range) in node.inputs.iter().zip(at).zip(ranges) {
            let inside = self.inside(index.clone(), range);
            let both = self.both(guard, inside);
            pieces.push((inside, self.value(memory, *input, &at, Some(both))?));
        }
        let (_, mut result) = pieces.pop().ok_or("nothing to concatenate")?;
        for (inside, piece) in pieces.into_iter().rev() {
            result = self.push(Instr::Apply(Op::Where {}, vec![inside, piece, result]), node.ty.dtype);
        }
        Ok(result)
    }

    fn inside(&mut self, index: Index, [low, high]: [i64; 2]) -> Reg {
        self.push(Instr::Inside { index, low, high }, DType::Bool)
    }

    fn both(&mut self, guard: Option<Reg>, inside: Reg) -> Reg {
        match guard {
            Some(guard) => self.push(Instr::Apply(Op::And {}, vec![guard, inside]), DType::Bool),
            None => inside,
        }
    }

    /// A fold is computed at its own points, whoever asks.
    fn fold(&mut self, memory: &mut Memory, id: NodeId) -> Result<Reg, String> {
        let own = (id, vec![], None);
        if let Some(known) = self.known.get(&own) {
            return Ok(*known);
        }
        let node = self.nodes.node(id);
        let frame = self.group.frames.get(&id).ok_or("a fold is computed nowhere")?;
        let at = self.place(frame);
        let arg = self.value(memory, node.inputs[0], &at, None)?;
        let fold = match node.op {
            Op::Sum { .. } => Fold::Sum,
            Op::Mean { .. } => Fold::Mean,
            Op::ReduceMax { .. } => Fold::Max,
            Op::ReduceMin { .. } => Fold::Min,
            _ => Fold::Argmax,
        };
        let reg = self.push(Instr::Fold(fold, arg), node.ty.dtype);
        self.known.insert(own, reg);
        Ok(reg)
    }

    fn anchor(&mut self, memory: &mut Memory, id: NodeId) -> Result<Anchor, String> {
        let node = self.nodes.node(id);
        let operands: Result<Vec<Operand>, String> =
            node.inputs.iter().map(|input| self.operand(memory, *input)).collect();
        let shape = self.nodes.shape(id).to_vec();
        Ok(Anchor { op: node.op.clone(), operands: operands?, shape, dtype: node.ty.dtype })
    }

    /// What an anchor reads, through whatever views lie before it.
    fn operand(&mut self, memory: &mut Memory, id: NodeId) -> Result<Operand, String> {
        let shape = self.nodes.shape(id).to_vec();
        let mut at: Vec<Index> = (0..shape.len()).map(|axis| Index::counter(axis, &shape)).collect();
        let mut of = id;
        while self.nodes.role(of) == Role::View {
            let node = self.nodes.node(of);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| self.nodes.shape(*i)).collect();
            match views::through(&node.op, &shapes, self.nodes.shape(of), &at, &shape) {
                Some(Through::One(place)) => at = place,
                _ => return Err("an operand is no change of indices".to_string()),
            }
            of = node.inputs[0];
        }
        Ok(Operand { value: memory.value(self.nodes, of), shape, at })
    }
}

/// Steps in the order in which they are done: pass by pass, first what is done once a row.
fn in_order(region: Region) -> Region {
    let mut order: Vec<usize> = (0..region.steps.len()).collect();
    order.sort_by_key(|i| (region.steps[*i].pass, region.steps[*i].inner || region.steps[*i].folds()));
    let mut moved = vec![Reg(0); order.len()];
    order.iter().enumerate().for_each(|(new, old)| moved[*old] = Reg(new as u32));
    let renamed = |old: &usize| {
        let step = &region.steps[*old];
        Step { instr: step.instr.map(|reg| moved[reg.index()], Index::clone), ..step.clone() }
    };
    let steps = order.iter().map(renamed).collect();
    Region { steps, ..region }
}
