"""What makes two pieces of speech the same sound."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from voxtrace.speech.ports import OUTPUT_RATE_HZ, Utterance

# Raised when what happens between an engine and a kept piece changes: cutting of silence, resampling, joins.
PIPELINE_VERSION = 3


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes the sound: everything but the utterance that its samples depend on."""

    engine: str
    build: str  # of the engine and its voices' data
    provider: str = ""
    normaliser: str = ""  # version of the text normalisation in front of it


def piece_key(maker: Maker, utterance: Utterance) -> str:
    """A name for the sound of this utterance, as 64 hexadecimal digits: safe as a file's name and in any store."""
    parts = (
        str(PIPELINE_VERSION),
        maker.engine,
        maker.build,
        maker.provider,
        maker.normaliser,
        utterance.voice,
        utterance.variant,
        f"{utterance.speed:.4f}",
        str(utterance.is_first),  # its leading silence is cut off
        str(utterance.pause_after),
        str(OUTPUT_RATE_HZ),
        utterance.text,
    )
    # Each part with its length in front, so that no two lists of parts become the same text.
    return sha256("".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")).hexdigest()
