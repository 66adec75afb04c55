"""`voxtrace` as it runs on another host: `far_host.py WALL_AHEAD_NS MONO_AHEAD_NS BOOT_FILE COMMAND…`.

Its clocks are the machine's, shifted, and its name and boot are others. Everything else is real.
"""

import os
import sys
from pathlib import Path

from voxtrace import clock

wall_ahead_ns, mono_ahead_ns = int(sys.argv[1]), int(sys.argv[2])
here = os.uname()
true_wall_ns, true_mono_ns = clock.wall_ns, clock.mono_ns


def wall_ns() -> int:
    return true_wall_ns() + wall_ahead_ns


def mono_ns() -> int:
    return true_mono_ns() + mono_ahead_ns


# Before anything else of the house is loaded: modules bind the two functions when they are.
clock.wall_ns, clock.mono_ns = wall_ns, mono_ns
os.uname = lambda: os.uname_result((here.sysname, "far", here.release, here.version, here.machine))

if __name__ == "__main__":
    from voxtrace.cli.main import main
    from voxtrace.tracker import identity

    identity._BOOT_ID = Path(sys.argv[3])
    sys.exit(main(sys.argv[4:]))
