"""What the programs of all works share: peers, given weights, one step at a time on command.

A work is a function of a `Peer` and of what vspecc wrote before its first step (`vspecc bench --save`); it gives a `Work`. Its
program runs in a process of its own, told by lines on standard input:

    run N    runs N steps; answers with their times in seconds and their losses
    check F  compares the tensors of the work with those of the file F; answers with the largest distance and its tensor

and answers each with one line of JSON. `--first` runs a single step and ends, `--memory` says how much three steps need.
"""

import argparse
import json
import os
import re
import sys
import time
from dataclasses import dataclass
from typing import Callable

import numpy
import torch
import torch.nn.functional as F

THREADS = int(os.environ.get("PEERS_THREADS", "2"))


@dataclass
class Peer:
    """A way to use PyTorch."""

    channels_last: bool = False
    compiles: bool = False
    # How optimizers update: one parameter after the other, by lists of them, or in one kernel.
    foreach: bool = False
    fused: bool = False

    @property
    def layout(self):
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def compiled(self, f):
        return torch.compile(f) if self.compiles else f

    @property
    def update(self):
        return {"foreach": self.foreach, "fused": self.fused}


# Names of peers, as tests/peers/run.py calls them.
PEERS = {
    "eager": Peer(),
    "channels-last": Peer(channels_last=True),
    "foreach": Peer(foreach=True),
    "fused": Peer(fused=True),
    "channels-last-fused": Peer(channels_last=True, fused=True),
    "compile": Peer(compiles=True, fused=True),
}


@dataclass
class Work:
    """`step` runs once and gives the loss; `tensors` are what it has changed, by vspecc's names."""

    step: Callable[[], torch.Tensor]
    tensors: Callable[[], dict]


def read_safetensors(path):
    """Tensors by name. The format: the length of a header of JSON, the header, and bytes."""
    kinds = {"F32": numpy.float32, "F64": numpy.float64, "I32": numpy.int32, "BOOL": numpy.bool_}
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        values = numpy.frombuffer(data[begin:end], kinds[about["dtype"]]).reshape(about["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors


def own_name(name, renames):
    """PyTorch's name of a variable of vspecc, `None` if it is not of the network."""
    if not name.startswith("net."):
        return None
    name = name.removeprefix("net.")
    for old, new in renames:
        name = re.sub(old, new, name)
    return name


def load(net, given, renames=()):
    """Gives a network the parameters and states that vspecc began with; all of them have to be there."""
    own = {own_name(name, renames): tensor for name, tensor in given.items() if name.startswith("net.")}
    result = net.load_state_dict(own, strict=False)
    missing = [name for name in result.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or result.unexpected_keys:
        sys.exit(f"other names: {missing} are missing, {result.unexpected_keys} are unknown")


def classification(net, image, label, optimizer, peer, renames=()):
    """A training step of a network of class scores, with cross-entropy."""
    net = net.to(memory_format=peer.layout).train()
    image = image.contiguous(memory_format=peer.layout)
    loss_of = peer.compiled(lambda x, y: F.cross_entropy(net(x), y))

    def step():
        optimizer.zero_grad()
        loss = loss_of(image, label)
        loss.backward()
        optimizer.step()
        return loss

    return Work(step, lambda: named(net, renames))


def named(net, renames):
    """Parameters and states of a network by PyTorch's names, with the way from vspecc's names to them."""
    return {"renames": renames, "tensors": net.state_dict()}


def batch(given, count, size):
    """The batch that vspecc read, or noise of the same shape where none was given."""
    if given is None:
        return torch.randn(count, 3, size, size), torch.randint(0, 10, (count,))
    return given["b.image"], given["b.label"].long()


def trained(net, optimizer, count, size, given, peer, renames=()):
    """A network that vspecc trains, too: `optimizer` makes one of parameters and of how they are updated."""
    if given is not None:
        load(net, given, renames)
    image, label = batch(given, count, size)
    return classification(net, image, label, optimizer(net.parameters(), **peer.update), peer, renames)


def sgd(lr, weight_decay=0.0):
    def make(parameters, **update):
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9, weight_decay=weight_decay, **update)

    return make


def distance(work, path):
    """The largest distance of a tensor from vspecc's, relative to the length of vspecc's, and which tensor that is."""
    found = work.tensors()
    worst = (0.0, None)
    for name, wanted in read_safetensors(path).items():
        own = found["tensors"].get(own_name(name, found["renames"]) or name)
        if own is None or not wanted.is_floating_point():
            continue
        apart = (own.double() - wanted.double()).norm() / wanted.double().norm().clamp(min=1e-6)
        worst = max(worst, (apart.item(), name), key=lambda pair: pair[0])
    return {"apart": worst[0], "tensor": worst[1]}


def run(work, count):
    times, losses = [], []
    for _ in range(count):
        begun = time.perf_counter()
        losses.append(work.step().item())
        times.append(time.perf_counter() - begun)
    return {"times": times, "losses": losses}


def status(field):
    """A line of /proc/self/status, bytes."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def forget_peak():
    """Lets the peak of memory begin anew at what the process holds now, and gives that."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return status("VmHWM")


def say(answer):
    print(json.dumps(answer), flush=True)


def main(make):
    """Runs a work as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--given", help="what vspecc wrote before its first step")
    parser.add_argument("--first", action="store_true", help="one step, and how long making and running it took")
    parser.add_argument("--memory", action="store_true", help="the most memory that three steps need, bytes")
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    peer = PEERS[args.peer]
    if args.memory:
        before = forget_peak()
        run(make(peer, None), 3)
        return say({"memory": status("VmHWM") - before})
    if args.first:
        begun = time.perf_counter()
        run(make(peer, None), 1)
        return say({"first": time.perf_counter() - begun})
    work = make(peer, read_safetensors(args.given))
    say({"torch": torch.__version__})
    for line in sys.stdin:
        command, argument = line.split()
        say(run(work, int(argument)) if command == "run" else distance(work, argument))
