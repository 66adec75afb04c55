"""Time and memory of a command, apart from those of the benchmark that starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

# Linux counts what a process held before it became another program, and that is what the process held that started
# it: /bin/true "takes" 400 MiB below a benchmark of 400 MiB. So the command is started by a process that holds 10.
_STARTER = """
import json, os, sys, time
began = time.perf_counter()
out = sys.argv.pop(1)
opened = [(os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)] if out else []
number = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=opened)
_, status, used = os.wait4(number, 0)
took = time.perf_counter() - began
cpu = used.ru_utime + used.ru_stime
sys.stdout.write("\\n" + json.dumps([took, cpu, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


class Ran(NamedTuple):
    """What became of a command."""

    output: str
    took_s: float
    cpu_s: float  # user and system, of the command and of all that it started and waited for
    peak_kib: int  # of the largest process: this command's own, or one that it started and waited for


def measured_command(command: list[str], output: Path | None = None) -> Ran:
    """Run a command to its end.

    Args:
        command: what to run.
        output: a file for what it prints, where that is too much to be held here.

    Raises:
        CalledProcessError: its exit code is not 0.
    """
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, str(output or ""), *command]
    told = subprocess.run(starter, stdout=subprocess.PIPE, text=True, check=True).stdout
    printed, _, figures = told.rpartition("\n")
    took_s, cpu_s, peak_kib, exit_code = json.loads(figures)
    if exit_code != 0:
        raise subprocess.CalledProcessError(exit_code, command, printed)
    return Ran(printed, took_s, cpu_s, peak_kib)
