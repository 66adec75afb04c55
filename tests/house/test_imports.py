"""What an import may load."""

from __future__ import annotations

import subprocess
import sys

import pytest


def modules_loaded_by(statement: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


@pytest.mark.parametrize("package", ["voxtrace", "voxtrace.events", "voxtrace.tracker"])
def test_what_a_voice_service_imports_needs_only_the_standard_library(package: str):
    added = modules_loaded_by(f"import {package}") - modules_loaded_by("pass")

    assert {name for name in added if name not in sys.stdlib_module_names} == {"voxtrace"}
