"""Time and memory of a command, apart from those of the benchmark that starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

# Linux counts what a process held before it became another program, and that is what the process held that started
# it: /bin/true "takes" 400 MiB below a benchmark of 400 MiB. So the command is started by a process that holds 10.
_STARTER = """
import json, os, sys, time
began = time.perf_counter()
number = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(number, 0)
took = time.perf_counter() - began
sys.stdout.write("\\n" + json.dumps([took, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


class Ran(NamedTuple):
    """What became of a command."""

    output: str
    took_s: float
    peak_kib: int  # of the largest process: this command's own, or one that it started and waited for


def measured_command(command: list[str]) -> Ran:
    """Run a command to its end.

    Raises:
        CalledProcessError: its exit code is not 0.
    """
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *command]
    told = subprocess.run(starter, stdout=subprocess.PIPE, text=True, check=True).stdout
    output, _, figures = told.rpartition("\n")
    took_s, peak_kib, exit_code = json.loads(figures)
    if exit_code != 0:
        raise subprocess.CalledProcessError(exit_code, command, output)
    return Ran(output, took_s, peak_kib)
