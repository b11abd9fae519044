#!/usr/bin/env python3
"""Puts each mistake of mutants.txt into the kernels of runtime/cpu and asks whether its unit tests find it.

    tests/mutations/run.py [TEXT]     those whose line contains TEXT; all without one

All mistakes are compiled at once into a copy of the working tree, each behind a number that an environment variable has to name, so that
there is one build. Tests run once without a mistake and once with each. Exit status 1 says that a mistake was not found, or that a line
fits its file no longer. It takes some minutes; CI does not run it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
COPY = TARGET / "mutations" / "tree"
SWITCH = """
/// The mistake that is on.
#[inline(always)]
pub(crate) fn mutant(number: u32) -> bool {
    static ON: std::sync::LazyLock<u32> =
        std::sync::LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|on| on.parse().ok()).unwrap_or(0));
    *ON == number
}
"""


def mutants():
    """Number, family, file, code before, the part, code behind, what replaces the part."""
    lines = (ROOT / "tests/mutations/mutants.txt").read_text().splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    for number, line in enumerate(lines, 1):
        line = line.replace("\\|", "\0").replace("\\n", "\n")
        family, file, code, other = (part.strip(" ").replace("\0", "|") for part in line.split("|"))
        before, rest = code.split("«")
        part, behind = rest.split("»")
        yield number, family, file, before, part, behind, other


def plant(chosen):
    """A copy of the tree with all mistakes; the lines that do not fit."""
    shutil.rmtree(COPY, ignore_errors=True)
    ignored = shutil.ignore_patterns("target", ".git", "runs")
    shutil.copytree(ROOT, COPY, ignore=ignored)
    sources, missing = COPY / "runtime/cpu/src", []
    for number, family, file, before, part, behind, other in chosen:
        path = sources / file
        text = path.read_text() if path.is_file() else ""
        if text.count(before + part + behind) != 1:
            missing.append(family)
            continue
        planted = f"(if crate::mutant({number}) {{ {other} }} else {{ {part} }})"
        path.write_text(text.replace(before + part + behind, before + planted + behind))
    library = sources / "lib.rs"
    library.write_text(library.read_text() + SWITCH)
    return missing


def build():
    """The binary of the unit tests."""
    env = dict(os.environ, CARGO_TARGET_DIR=str(TARGET / "mutations" / "target"), CARGO_INCREMENTAL="0")
    command = ["cargo", "test", "--locked", "-p", "vspec-cpu", "--lib", "--no-run"]
    done = subprocess.run(command, cwd=COPY, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    found = [line.split("(")[-1].rstrip(")") for line in done.stderr.splitlines() if "Executable" in line]
    return found[-1]


def run(binary, number):
    """Which tests fail with a mistake, or how the program ended."""
    env = dict(os.environ, MUTANT=str(number), RUST_BACKTRACE="0")
    try:
        done = subprocess.run([binary], cwd=COPY / "runtime/cpu", env=env, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return ["ran for more than 15 minutes"]
    lines = [line.split() for line in done.stdout.splitlines()]
    failed = [line[1] for line in lines if len(line) == 4 and line[0] == "test" and line[3] == "FAILED"]
    if done.returncode < 0:
        failed.append(f"ended by signal {-done.returncode}")
    return failed


def main():
    wanted = " ".join(sys.argv[1:])
    chosen = [mutant for mutant in mutants() if wanted in mutant[1] or wanted in mutant[2]]
    missing = plant(chosen)
    binary = build()
    if found := run(binary, 0):
        sys.exit(f"tests fail without a mistake: {found}")
    survived = 0
    for number, family, *_ in chosen:
        if family in missing:
            print(f"| {family} | does not fit its file any more |", flush=True)
            continue
        found = run(binary, number)
        survived += not found
        print(f"| {family} | {', '.join(found[:3]) if found else 'NOT FOUND'} |", flush=True)
    print(f"{len(chosen) - len(missing) - survived} of {len(chosen)} found")
    sys.exit(1 if survived or missing else 0)


main()
