#!/usr/bin/env bash
# Times vspecc and PyTorch side by side on the same work and prints a table.
#
#   tests/peers/run.sh [ID…] [--json] [--no-compile] [--no-dfdx] [--rounds N]
#
# IDs are the works of tests/peers/works.py; without one all are run, which takes most of an hour. --no-compile leaves
# torch.compile out, whose compiler takes minutes for some works; --no-dfdx leaves vspecc's dfdx engine out, which takes seconds a step.
#
# PyTorch is installed from PyPI, as pinned in tests/peers/torch/requirements.txt, into target/peers/venv. PEERS_VENV names a
# virtual environment to use instead; PEERS_VSPECC names a vspecc to use instead of building one. Exit status 1 says that losses differ or that
# a program failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
venv=${PEERS_VENV:-$target/peers/venv}
pins=tests/peers/torch/requirements.txt

if [ -z "${PEERS_VENV:-}" ] && ! cmp -s "$pins" "$venv/installed.txt"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$pins" >&2
  cp "$pins" "$venv/installed.txt"
fi
if [ -z "${PEERS_VSPECC:-}" ]; then
  cargo build --release --locked -p vspecc >&2
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" tests/peers/run.py --vspecc "${PEERS_VSPECC:-$target/release/vspecc}" --work-dir "$target/peers" "$@"
