"""Times vspecc and its peers alternately on the same work; tests/peers/run.sh prepares everything and calls this."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from works import TITLES, UNITS, WORKS

HERE = Path(__file__).parent
THREADS = 2
# A block of steps of one side takes about so many seconds before it is the other's turn, and has at least so many steps.
BLOCK, FEWEST = 1.5, 3
# Steps before those that are timed; vspecc's own are as many.
WARM = 3
# How far a loss may be from vspecc's, relative: that of the first step, and that of the second, which norms over small maps bring
# apart just as far in two layouts of the peer.
FIRST_LOSS, SECOND_LOSS, EXACT = 1e-3, 5e-2, 1e-4
# Processes of PyTorch whose first step is measured.
STARTS = 3


class Failed(Exception):
    """A program ended early, or computed something else."""


def note(text):
    print(text, file=sys.stderr, flush=True)


class Vspecc:
    """vspecc on one spec."""

    def __init__(self, args, source):
        self.path = args.vspecc
        self.spec = HERE / "specs" / f"{source}.vspec"
        self.saved = Path(args.work_dir) / "given" / source

    def bench(self, runs, engine="fused", save=False):
        """The figures of `vspecc bench`, and how long its process took."""
        command = [self.path, "bench", self.spec, "--json", "--runs", str(runs), "--engine", engine]
        begun = time.perf_counter()
        done = subprocess.run(command + (["--save", self.saved] if save else []), capture_output=True, text=True)
        took = time.perf_counter() - begun
        if done.returncode != 0:
            raise Failed(f"vspecc: {done.stderr.strip()}")
        return json.loads(done.stdout), took

    def times(self, runs, engine="fused"):
        """The fastest and the median step."""
        figures, _ = self.bench(runs, engine)
        return figures["fastest"], figures["median"]


class Torch:
    """A process of a program of PyTorch that waits for commands."""

    def __init__(self, source, peer, given):
        self.process = subprocess.Popen(
            program(source, peer) + ["--given", given / "before.safetensors"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the program ended")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def times(self, runs):
        times = self.ask(f"run {runs}")["times"]
        return min(times), median(times)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def program(source, peer):
    return [sys.executable, HERE / "torch" / f"{source.replace('-', '_')}.py", peer]


def environment(cache=None):
    """`cache`: the folder of what torch.compile has compiled; a new one is a cold start."""
    own = {"PEERS_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}
    return os.environ | own | ({"TORCHINDUCTOR_CACHE_DIR": cache} if cache else {})


def torch_once(source, peer, flag, cache=None):
    """What a process that runs once says, and how long it took until it said so."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        program(source, peer) + [flag], stdout=subprocess.PIPE, text=True, env=environment(cache)
    )
    line = process.stdout.readline()
    took = time.perf_counter() - begun
    process.wait()
    if not line:
        raise Failed("the program ended")
    return json.loads(line), took


def torch_starts(source, peer, flag):
    """The same of several processes, each with nothing compiled before."""
    for _ in range(1 if peer == "compile" else STARTS):
        with tempfile.TemporaryDirectory() as cache:
            yield torch_once(source, peer, flag, cache)


def compare_losses(losses, wanted):
    for own, other, bound in zip(wanted, losses, (FIRST_LOSS, SECOND_LOSS)):
        if not abs(own - other) <= bound * abs(own):
            raise Failed(f"losses are {losses}, vspecc's {wanted}")


def compare(torch, wanted, exact, given):
    """Fails if a peer computes something else than vspecc; returns its losses."""
    losses = torch.ask(f"run {WARM}")["losses"]
    compare_losses(losses, wanted)
    if exact:
        # vspecc has run one more step when it saves, the one that it times.
        torch.ask("run 1")
        far = torch.ask(f"check {given / 'after.safetensors'}")
        if not far["apart"] <= EXACT:
            raise Failed(f"`{far['tensor']}` is {far['apart']} of its length away from vspecc's")
    return losses


def steps(name, work, args):
    """The fastest and the median step of vspecc and of each peer, and their losses."""
    vspecc = Vspecc(args, work.source(name))
    figures, _ = vspecc.bench(1, save=True)
    wanted = [run["loss"] for run in figures["reports"]]
    sides = {"vspecc": (vspecc.times, figures["fastest"])}
    losses, workers = {"vspecc": wanted}, []
    for peer in peers(work, args):
        try:
            if peer == "dfdx":
                again, _ = vspecc.bench(1, peer)
                losses[peer] = [run["loss"] for run in again["reports"]]
                compare_losses(losses[peer], wanted)
                sides[peer] = (lambda runs: vspecc.times(runs, "dfdx"), again["fastest"])
                continue
            torch = Torch(work.source(name), peer, vspecc.saved)
            workers.append(torch)
            losses[peer] = compare(torch, wanted, work.exact, vspecc.saved)
            sides[peer] = (torch.times, torch.times(1)[0])
        except Failed as error:
            args.failures.append(f"{name}, {TITLES[peer]}: {error}")
    return alternate(sides, args.rounds, workers), losses


def alternate(sides, rounds, workers):
    """Blocks of steps of one side after the other; the least of all minima, and the median of the medians."""
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for side, (times, once) in sides.items():
            found[side].append(times(min(max(FEWEST, round(BLOCK / once)), 100)))
    for worker in workers:
        worker.end()
    return {side: (min(t[0] for t in times), median(t[1] for t in times)) for side, times in found.items()}


def once(name, work, args, vspecc_value, torch_value, flag):
    """A figure of processes of which each gives one."""
    vspecc, source = Vspecc(args, work.source(name)), work.source(name)
    sides = {"vspecc": [vspecc_value(*vspecc.bench(3 if work.kind == "memory" else 0)) for _ in range(STARTS)]}
    for peer in peers(work, args):
        try:
            if peer == "dfdx":
                sides[peer] = [vspecc_value(*vspecc.bench(1 if work.kind == "memory" else 0, peer))]
            else:
                sides[peer] = [torch_value(*said) for said in torch_starts(source, peer, flag)]
        except Failed as error:
            args.failures.append(f"{name}, {TITLES[peer]}: {error}")
    return {side: (min(values), median(values)) for side, values in sides.items()}, {}


def measure(name, work, args):
    if work.kind == "step":
        return steps(name, work, args)
    if work.kind == "memory":
        held = lambda figures, _: figures["memory_peak"] - figures["memory_before"]
        return once(name, work, args, held, lambda said, _: said["memory"], "--memory")
    if work.kind == "first":
        return once(name, work, args, lambda _, took: took, lambda _, took: took, "--first")
    planned = lambda figures, _: figures["read"] + figures["plan"]
    return once(name, work, args, planned, lambda said, _: said["first"], "--first")


def peers(work, args):
    left_out = args.left_out
    return [peer for peer in work.peers if peer not in left_out]


def rows(name, work, measured, losses):
    unit, scale = UNITS[work.kind]
    own = measured.pop("vspecc")
    for peer, value in measured.items():
        yield {
            "work": name,
            "unit": unit,
            "vspecc": own[0] * scale,
            "peer": TITLES[peer],
            "value": value[0] * scale,
            "ratio": own[0] / value[0],
            "vspecc_median": own[1] * scale,
            "value_median": value[1] * scale,
            "vspecc_losses": losses.get("vspecc"),
            "losses": losses.get(peer),
        }


def machine():
    """What ran where, for the line above the table."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    load = os.getloadavg()
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, {model or platform.machine()}, {THREADS} threads of {os.cpu_count()}, "
        f"load {load[0]:.1f} / {load[1]:.1f} / {load[2]:.1f} at the end"
    )


def number(value):
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def markdown(found):
    lines = [machine(), "", "| work | unit | vspecc | best peer | its value | ratio | target |", "|---|---|---|---|---|---|---|"]
    for name in dict.fromkeys(row["work"] for row in found):
        best = min((row for row in found if row["work"] == name), key=lambda row: row["value"])
        cells = [name, best["unit"], number(best["vspecc"]), best["peer"], number(best["value"])]
        lines.append(f"| {' | '.join(cells)} | **{best['ratio']:.3f}** | {WORKS[name].target} |")
    lines += ["", "| work | unit | peer | vspecc, least (median) | peer, least (median) | ratio |", "|---|---|---|---|---|---|"]
    for row in found:
        own = f"{number(row['vspecc'])} ({number(row['vspecc_median'])})"
        other = f"{number(row['value'])} ({number(row['value_median'])})"
        lines.append(f"| {row['work']} | {row['unit']} | {row['peer']} | {own} | {other} | {row['ratio']:.3f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="tests/peers/run.sh")
    parser.add_argument("ids", nargs="*", metavar="ID", help=", ".join(WORKS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-compile", action="append_const", dest="left_out", const="compile")
    parser.add_argument("--no-dfdx", action="append_const", dest="left_out", const="dfdx")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vspecc", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work-dir", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = [name for name in args.ids if name not in WORKS]
    if unknown:
        parser.error(f"there is no work {', '.join(unknown)}; there are {', '.join(WORKS)}")
    args.left_out, args.failures = args.left_out or [], []
    # Both sides get the same processors, whatever else the machine has.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    found = []
    for name in args.ids or WORKS:
        note(f"{name} ..")
        try:
            found += rows(name, WORKS[name], *measure(name, WORKS[name], args))
        except Failed as error:
            args.failures.append(f"{name}: {error}")
    print(json.dumps(found, indent=2) if args.json else markdown(found))
    for failure in args.failures:
        note(f"failed: {failure}")
    sys.exit(1 if args.failures else 0)


main()
