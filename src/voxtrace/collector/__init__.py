"""THE DOOR: events come in through the spool or over HTTP, and turns are measured when they are complete."""

from voxtrace.collector.collector import Collector, CollectorOptions, CollectorState, Tick
from voxtrace.collector.measure import measure, measure_in_steps, recompute

__all__ = ["Collector", "CollectorOptions", "CollectorState", "Tick", "measure", "measure_in_steps", "recompute"]
