"""What is known of each chunk that leaves: which text it is, and where its time went."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from voxtrace.clock import mono_ns
from voxtrace.server.rendering import Chunk
from voxtrace.speech.lengths import audio_ms
from voxtrace.speech.ports import Marks
from voxtrace.speech.words import SpokenWord
from voxtrace.units import NANOS_PER_MILLI


@dataclass(slots=True)
class _Piece:
    """One piece on its way."""

    number: int
    text_begin: int  # characters of the request's text, as it came
    text_end: int
    queued_ns: int
    pcm_bytes: int = 0
    started_ns: int | None = None  # None: nobody spoke it, or not yet
    phonemes_ns: int | None = None  # when its phonemes were there, where its engine has that step
    first_ns: int | None = None  # when its first samples were here
    words: deque[SpokenWord] = field(default_factory=deque)  # not told yet
    cache: str = "miss"  # else the level that had it
    hedged: str = ""  # the engine that spoke it in the place of the one that was asked


class Ledger:
    """Stands between a stream and whoever notes its marks, and reads along."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._pieces: deque[_Piece] = deque()  # in the order of the text; those that were sent are gone
        self._pcm_begin = 0  # where the first of them begins
        self._first_sent_ns: int | None = None

    def mark(
        self, name: str, /, request_id: str | None = None, session_id: str | None = None, **metadata: object
    ) -> None:
        """See `Marks`."""
        self._marks.mark(name, request_id, session_id, **metadata)
        number = metadata.get("piece")
        if name == "QUEUE_START" and isinstance(number, int):
            begin, chars = metadata["text_begin"], metadata["text_chars"]
            assert isinstance(begin, int)
            assert isinstance(chars, int)
            self._pieces.append(_Piece(number, begin, begin + chars, mono_ns()))
            return
        if piece := self._piece(number):
            _read(piece, name, metadata)

    def mark_at(
        self, name: str, at: tuple[int, int], /, request_id: str, session_id: str | None = None, **metadata: object
    ) -> None:
        """See `Marks`."""
        self._marks.mark_at(name, at, request_id, session_id, **metadata)
        if piece := self._piece(metadata.get("piece")):
            if name == "INFERENCE_START":
                piece.started_ns = at[0]
            elif name == "PHONEME_GENERATION_COMPLETE":
                piece.phonemes_ns = at[0]

    def hear(self, word: SpokenWord) -> None:
        """A word will end with the next sound of its piece, or before."""
        if piece := self._piece(word.piece):
            piece.words.append(word)

    def timing_of(self, chunk: Chunk) -> dict[str, object]:
        """A timing frame. Times are milliseconds; what is not known is not in it."""
        now = mono_ns()
        words = self._words_until(chunk.pcm_end)
        self._first_sent_ns = self._first_sent_ns or now
        while len(self._pieces) > 1 and self._pcm_begin + self._pieces[0].pcm_bytes <= chunk.pcm_begin:
            self._pcm_begin += self._pieces.popleft().pcm_bytes
        elapsed_ms = (now - self._first_sent_ns) / NANOS_PER_MILLI
        frame: dict[str, object] = {
            "seq": chunk.seq,
            "bytes": len(chunk.body),
            "audio_begin_ms": audio_ms(chunk.pcm_begin),
            "audio_end_ms": audio_ms(chunk.pcm_end),
            "encode_ms": round(chunk.encode_ns / NANOS_PER_MILLI, 3),
            # How long a listener who began to play with the first chunk has still to play after this one.
            "lead_ms": round(audio_ms(chunk.pcm_end) - elapsed_ms, 3),
        }
        if words:
            frame["words"] = words
        return frame | (self._facts_of(chunk) if self._pieces else {})

    def _piece(self, number: object) -> _Piece | None:
        return next((each for each in self._pieces if each.number == number), None)

    def _words_until(self, pcm_end: int) -> list[dict[str, object]]:
        """The words that end in the sound up to there, and were not told before."""
        told: list[dict[str, object]] = []
        begin = self._pcm_begin
        for piece in self._pieces:
            while piece.words and begin + 2 * piece.words[0].until <= pcm_end:
                word = piece.words.popleft()
                times = {
                    "audio_begin_ms": audio_ms(begin + 2 * word.at),
                    "audio_end_ms": audio_ms(begin + 2 * word.until),
                }
                told.append({"text": word.text, "begin": word.span[0], "end": word.span[1], **times})
            begin += piece.pcm_bytes
        return told

    def _facts_of(self, chunk: Chunk) -> dict[str, object]:
        first = last = self._pieces[0]
        end = self._pcm_begin
        for piece in self._pieces:
            if end >= chunk.pcm_end:
                break
            last, end = piece, end + piece.pcm_bytes
        facts: dict[str, object] = {
            "piece": first.number,
            "text": [first.text_begin, last.text_end],
            "cache": first.cache,
        }
        if first.hedged:
            facts["hedged"] = first.hedged
        if first.started_ns is not None:
            facts["queue_ms"] = round((first.started_ns - first.queued_ns) / NANOS_PER_MILLI, 3)
            begun_ns = first.started_ns
            if first.phonemes_ns is not None:
                facts["phonemes_ms"] = round((first.phonemes_ns - begun_ns) / NANOS_PER_MILLI, 3)
                begun_ns = first.phonemes_ns
            if first.first_ns is not None:
                facts["infer_ms"] = round((first.first_ns - begun_ns) / NANOS_PER_MILLI, 3)
        return facts


def _read(piece: _Piece, name: str, metadata: dict[str, object]) -> None:
    if metadata.get("hedged"):
        piece.hedged = str(metadata["engine"])
    if name == "AUDIO_CHUNK_GENERATED":
        piece.first_ns = piece.first_ns or mono_ns()
        size = metadata["bytes"]
        assert isinstance(size, int)
        piece.pcm_bytes += size
    elif name == "CACHE_HIT":
        piece.cache = str(metadata["level"])
        length_ms = metadata["audio_ms"]
        assert isinstance(length_ms, int | float)
        piece.pcm_bytes += round(length_ms * 24) * 2
