"""A service ends with the process that supervises it, however that one ends.

The supervisor keeps the writing end of each service's standard input and writes nothing. When it is gone,
killed or not, the kernel closes that end and the service reads the end of the file.
"""

from __future__ import annotations

import os
import signal
import threading

from voxtrace.clock import sleep

LIFELINE_VARIABLE = "VOXTRACE_LIFELINE"
ON_STDIN = "stdin"
THREAD_NAME = "lifeline"

# Longer than a graceful stop is allowed to take: only a service that hangs is ended the hard way.
GRACE_S = 10.0


def follow_supervisor() -> None:
    """Stop when the supervisor is gone; nothing happens in a process that was started by hand."""
    # Taken away, so that no engine process below this one thinks that it is supervised too.
    if os.environ.pop(LIFELINE_VARIABLE, "") == ON_STDIN:
        threading.Thread(target=_stop_at_end_of_stdin, name=THREAD_NAME, daemon=True).start()


def is_supervised() -> bool:
    """Whether this process follows a supervisor, which then tells people what there is to know."""
    return any(thread.name == THREAD_NAME for thread in threading.enumerate())


def _stop_at_end_of_stdin() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(GRACE_S)
    os._exit(1)
