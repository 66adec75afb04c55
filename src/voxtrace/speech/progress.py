"""What became of a stream so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from voxtrace.speech.job import Hedging
from voxtrace.speech.lead import Lead
from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND


@dataclass(slots=True)
class Progress:
    """What became of an order so far: for response headers and for its last event."""

    text_ns: int = 0
    queue_ns: int = 0  # wait of the first piece
    phonemes_ns: int = 0  # of the first piece, where its engine has that step
    first_inference_ns: int = 0  # from then until the first block was here
    chunks: int = 0
    bytes_made: int = 0  # of samples that were asked for and arrived
    bytes_wasted: int = 0  # of samples that were made and that nobody took
    busy_ns: int = 0  # of synthesis, over all pieces that were spoken to their end
    spoken_ns: int = 0  # of audio in these
    warm: bool = True
    hedging: Hedging | None = None  # None: nobody stood by
    joined: bool = False  # its first piece was in work already, for somebody else
    pieces: int = 0  # that were asked for
    pieces_cached: int = 0  # of them, those that nobody had to speak
    is_first_cached: bool = False  # one of those is what is heard first
    started_ns: list[int] = field(default_factory=list)
    lead: Lead = field(default_factory=Lead)  # of a listener who plays it as it is made

    @property
    def rtf(self) -> float | None:
        """Synthesis by audio; None where no piece was spoken to its end."""
        return self.busy_ns / self.spoken_ns if self.spoken_ns else None

    @property
    def hedged_by(self) -> str:
        """The engine that is heard first in the place of the one that was asked; "": none."""
        return self.hedging.engine if self.hedging is not None and self.hedging.has_won else ""

    @property
    def wasted_s(self) -> float:
        """Audio that was made and that nobody took, in seconds."""
        return self.bytes_wasted / OUTPUT_BYTES_PER_SECOND

    @property
    def cache(self) -> str:
        """What the caches did for it so far: hit, partial or miss."""
        if not self.pieces_cached:
            return "miss"
        return "hit" if self.pieces_cached == self.pieces else "partial"
