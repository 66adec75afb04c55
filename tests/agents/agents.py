"""Runs a script in the environment of the voice-agent frameworks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-agents/bin/python"
WITHIN_S = 90  # one framework needs four seconds to be imported


Voice = Mapping[str, object]
"""What a framework is told about the voice: its name, the model, the format, in the framework's own words."""


def ask(script: str, port: int, text: str, *voices: Voice, how: str = "whole") -> list[dict[str, Any]]:
    """What the framework made of a text with each voice; skips the test where there is none, as `make test` has it."""
    if not PYTHON.exists():
        pytest.skip("no voice-agent frameworks here; `make agents` installs them")
    task = {"base_url": f"http://127.0.0.1:{port}/v1", "text": text, "how": how, "voices": voices}
    # Neither our own packages nor a proxy of the system are any of its business.
    outside = {name: os.environ[name] for name in os.environ if "PYTHON" not in name and "proxy" not in name.lower()}
    done = subprocess.run(
        [PYTHON, HERE / f"{script}.py", json.dumps(task)],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        env=outside,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))
