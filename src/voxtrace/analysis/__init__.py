"""THE NUMBERS: events in, frozen results out. Pure; nothing outside this room computes a metric."""

from voxtrace.analysis.model import Chunk, Finding, Labels, Mark, Measured, Metric, Part, Span, Turn
from voxtrace.analysis.summary import Group, Population, Summary, summarize
from voxtrace.analysis.turns import assemble

__all__ = [
    "Chunk",
    "Finding",
    "Group",
    "Labels",
    "Mark",
    "Measured",
    "Metric",
    "Part",
    "Population",
    "Span",
    "Summary",
    "Turn",
    "assemble",
    "summarize",
]
