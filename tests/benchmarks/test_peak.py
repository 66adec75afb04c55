"""Memory of a command that a benchmark starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.peak import measured_command

MIB = 1024 * 1024


def test_memory_of_the_process_that_measures_is_not_the_commands() -> None:
    held = b"x" * (200 * MIB)

    ran = measured_command([sys.executable, "-c", "print('done')"])

    assert len(held) == 200 * MIB
    assert ran.output == "done\n"
    assert ran.peak_kib < 100 * 1024


def test_memory_of_what_the_command_starts_counts() -> None:
    inner = "held = b'x' * (150 * 1024 * 1024)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"

    assert measured_command([sys.executable, "-c", outer]).peak_kib > 150 * 1024


def test_a_command_that_fails_has_no_figures() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        measured_command([sys.executable, "-c", "raise SystemExit(3)"])
