"""THE WORDS: what can happen in a voice turn. Standard library only."""

from voxtrace.events.model import NO_REQUEST, Event, Unreadable, domain_of
from voxtrace.events.stages import STAGES, Stage, stage_of

__all__ = ["NO_REQUEST", "STAGES", "Event", "Stage", "Unreadable", "domain_of", "stage_of"]
