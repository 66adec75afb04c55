"""THE EAR: the in-process SDK. Standard library only; it never raises into its host and never blocks it."""

from voxtrace.tracker.options import Level, TrackerOptions, from_environment
from voxtrace.tracker.propagation import generate_request_id, outgoing_headers, request_id_from_headers
from voxtrace.tracker.recorder import TrackerStats
from voxtrace.tracker.sinks import Batch, BatchRejected, Sink, discard
from voxtrace.tracker.tracker import Span, Tracker, Turn, log_timing

__all__ = [
    "Batch",
    "BatchRejected",
    "Level",
    "Sink",
    "Span",
    "Tracker",
    "TrackerOptions",
    "TrackerStats",
    "Turn",
    "discard",
    "from_environment",
    "generate_request_id",
    "log_timing",
    "outgoing_headers",
    "request_id_from_headers",
]
