"""THE WORDS: what can happen in a voice turn. Standard library only."""

from voxtrace.events.model import CLOCK_SAMPLE, NO_REQUEST, Event, Unreadable, domain_of
from voxtrace.events.stages import STAGES, Stage, stage_of

__all__ = ["CLOCK_SAMPLE", "NO_REQUEST", "STAGES", "Event", "Stage", "Unreadable", "domain_of", "stage_of"]
