"""THE WINDOWS: web pages over store, analysis and judge."""

from voxtrace.dashboard.app import build_app
from voxtrace.dashboard.changes import Changes

__all__ = ["Changes", "build_app"]
