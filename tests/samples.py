"""Where real files of other tools lie, if they do: tests that want one skip without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def sample(path: str) -> Path:
    """The sample of that name below VOXTRACE_SAMPLES or `../shared/samples` beside the repository."""
    named = os.environ.get("VOXTRACE_SAMPLES")
    folder = Path(named) if named else ROOT.parent / "shared" / "samples"
    found = folder / path
    if not found.exists():
        pytest.skip(f"no sample {path}: set VOXTRACE_SAMPLES to the folder that holds it")
    return found
