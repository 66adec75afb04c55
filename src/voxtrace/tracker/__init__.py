"""THE EAR: the in-process SDK. Standard library only; it never raises into its host and never blocks it."""

from voxtrace.tracker.courier import TrackerStats
from voxtrace.tracker.options import Level, TrackerOptions, from_environment
from voxtrace.tracker.propagation import (
    generate_request_id,
    generate_span_id,
    outgoing_headers,
    request_id_from_headers,
)
from voxtrace.tracker.sinks import Batch, BatchRejected, Sink, discard
from voxtrace.tracker.timing import Events, log_timing
from voxtrace.tracker.tracker import Span, Tracker, Turn
from voxtrace.tracker.turns import current_request_id

__all__ = [
    "Batch",
    "BatchRejected",
    "Events",
    "Level",
    "Sink",
    "Span",
    "Tracker",
    "TrackerOptions",
    "TrackerStats",
    "Turn",
    "current_request_id",
    "discard",
    "from_environment",
    "generate_request_id",
    "generate_span_id",
    "log_timing",
    "outgoing_headers",
    "request_id_from_headers",
]
