"""THE NUMBERS: events in, frozen results out. Pure; nothing outside this room computes a metric."""

from voxtrace.analysis.groups import Group, PartShare, Population, Summary
from voxtrace.analysis.model import Chunk, Finding, Labels, Mark, Measured, Metric, Part, Span, Turn
from voxtrace.analysis.summary import summarize
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
    "PartShare",
    "Population",
    "Span",
    "Summary",
    "Turn",
    "assemble",
    "summarize",
]
