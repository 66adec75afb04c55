#!/bin/sh
# Usage: minimal.sh PYTHON. Install Voxtrace alone, without one of its dependencies, and put the tracker to work there.
set -eu
python=$(sh tools/find_python.sh "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset PYTHONPATH
export VOXTRACE_DATA="$folder/data"

"$python" -m venv "$folder/venv"
install() { "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
install --no-deps .
(
    cd "$folder" # away from src/
    venv/bin/python - <<'EOF'
from importlib.metadata import distributions
from pathlib import Path
import os

from voxtrace import Tracker, generate_request_id

there = {each.metadata["Name"].lower() for each in distributions()} - {"pip", "setuptools", "wheel"}
assert there == {"voxtrace"}, there
tracker = Tracker("minimal")
tracker.mark("speech_end", request_id=generate_request_id())
tracker.close()
written = [line for path in Path(os.environ["VOXTRACE_DATA"]).rglob("*.jsonl") for line in path.read_text().splitlines()]
assert any("speech_end" in line for line in written), written
print("the tracker works with nothing but the standard library")
EOF
)
# The tests need a test runner; what Voxtrace itself could need stays away.
install -c constraints.txt pytest pytest-randomly pytest-timeout hypothesis
"$folder/venv/bin/python" -m pytest -o pythonpath=. tests/tracker
