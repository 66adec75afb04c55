"""How long until somebody hears something, why, and what would make it shorter?

`import voxtrace` loads the standard library only, so that it costs a voice service nothing. The tracker
is loaded when its first name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from voxtrace.tracker import Tracker, generate_request_id, log_timing

__all__ = ["Tracker", "__version__", "generate_request_id", "log_timing"]


def __getattr__(name: str) -> object:
    if name in ("Tracker", "log_timing", "generate_request_id"):
        from voxtrace import tracker

        return getattr(tracker, name)
    raise AttributeError(f"module 'voxtrace' has no attribute {name!r}")
