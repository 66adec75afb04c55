"""One request's speech: its pieces, each spoken by whichever engine is free, read in order as one stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.speech.errors import ClientGone, NoSound, ReaderTooSlow, SpeechError
from voxtrace.speech.job import Source, Spoken
from voxtrace.speech.lead import Lead
from voxtrace.speech.part import Part
from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND, Marks, Utterance
from voxtrace.speech.text.segment import pieces_of
from voxtrace.speech.words import unpack_words
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

# The next piece is asked for when so much is left unread, or twice as much as a piece takes to be made.
LOW_BYTES = 2 * OUTPUT_BYTES_PER_SECOND
MOST_AHEAD_BYTES = 8 * OUTPUT_BYTES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked to hear."""

    request_id: str
    text: str
    voice: str  # as the engine names it
    speed: float = 1.0
    session_id: str | None = None
    fresh: bool = False  # neither answered from a cache nor kept in one


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
    pieces: int = 0  # that were asked for
    pieces_cached: int = 0  # of them, those that nobody had to speak
    started_ns: list[int] = field(default_factory=list)
    lead: Lead = field(default_factory=Lead)  # of a listener who plays it as it is made

    @property
    def rtf(self) -> float | None:
        """Synthesis by audio; None where no piece was spoken to its end."""
        return self.busy_ns / self.spoken_ns if self.spoken_ns else None

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


class SpokenWord(NamedTuple):
    """A word, and the samples of its piece in which it is heard."""

    piece: int
    text: str  # as it is spoken
    span: tuple[int, int]  # characters of the request's text
    at: int
    until: int


def audio_ms(pcm_bytes: int) -> float:
    """How long so many bytes of PCM at the output rate last, in milliseconds."""
    return round(pcm_bytes * 1000 / OUTPUT_BYTES_PER_SECOND, 3)


def _audio_ns(pcm_bytes: int) -> int:
    return pcm_bytes * NANOS_PER_SECOND // OUTPUT_BYTES_PER_SECOND


class SpeechStream:
    """Reads as one stream of PCM what engines speak piece by piece. Everything runs on one event loop.

    Mostly one piece is with an engine; of an engine that is slow, two pieces are, where there are two engines.
    What is made ahead of the reader is bounded: no piece is asked for while enough is unread, and an engine
    that is ahead within its piece is made to wait.
    """

    def __init__(self, source: Source, order: Order, marks: Marks) -> None:
        self._source = source
        self._workload = source.workload
        self._order = order
        self._marks = marks
        self._pieces = pieces_of(order.text, self._workload.pace.limits())
        self._parts: deque[Part] = deque()  # in the order of the text; read ones are gone
        self._making: deque[Part] = deque()  # those that are not complete, and those behind such a one
        self._error: SpeechError | None = None  # whatever is unread, the reader gets this
        self._has_failed = False  # some part has an error: nothing more is asked for
        self._admitted_ns = 0
        self._wake: asyncio.Future[None] | None = None
        self.chars_left = len(order.text)  # not asked for yet
        self._chars_asked = 0
        self.is_open = False  # text may still come
        self.progress = Progress()
        self.on_word: Callable[[SpokenWord], object] | None = None  # None: nobody wants to know
        # Called when the reader is given up while it may be waiting for its own client, and not in `read`.
        self.on_given_up: Callable[[], object] = lambda: None

    @property
    def error(self) -> SpeechError | None:
        """Why it can't go on."""
        return self._error

    def start(self) -> None:
        """Cut off the first piece and ask for it; the others are cut while it is being spoken.

        Raises:
            Refused: the server has too much to do.
            Stopping: the server is being stopped.
        """
        self._admitted_ns = mono_ns()
        part = self._next_part()
        self._submit(part)
        if self._making or self.chars_left:
            self._workload.streams.add(self)

    async def read(self) -> bytes | None:
        """The next samples, as soon as there are any; None at the end.

        Raises:
            SpeechError: synthesis failed; what came before it has been read already.
        """
        while True:
            if self._error is not None:
                raise self._error
            while self._parts:
                part = self._parts[0]
                pcm = part.take()
                if pcm is not None:
                    self._go_on()
                    return pcm
                if not part.is_over:
                    break
                if part.error is not None:
                    self._error = part.error
                    raise part.error
                self._parts.popleft()
            if not self._parts:
                if self._go_on():
                    continue  # what was asked for may be here already, from a cache
                if not self.is_open:
                    if self.progress.bytes_made == 0:
                        raise NoSound
                    return None
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake

    def abandon(self, why: SpeechError | None = None) -> None:
        """Nobody wants the rest, mostly because the reader is gone: whoever waits in `read` is told."""
        self._drop_unread()
        self._error = self._error or why or ClientGone()
        self._wake_reader()

    async def close(self) -> None:
        """Take back what is not read; returns when the engines have let go, so that waste can be counted."""
        self._drop_unread()
        self.chars_left, self.is_open = 0, False
        self._cancel_all()
        while not all(part.is_over for part in self._parts):
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        self._workload.streams.discard(self)

    def _cancel_all(self) -> None:
        for part in self._parts:
            if not part.is_over and not self._source.cancel(part.job):
                part.is_over = True  # no engine had it: nothing more will be heard of it

    def _drop_unread(self) -> None:
        self.progress.bytes_wasted += sum(part.drop() for part in self._parts)

    # Asking for pieces

    def _next_part(self) -> Part:
        began = mono_ns()
        text, has_pause = next(self._pieces)
        text_begin, self._chars_asked = self._chars_asked, self._chars_asked + len(text)
        self.chars_left -= len(text)
        number = self.progress.pieces
        self.progress.pieces += 1
        # After the last piece a pause would be nothing but silence to be sent.
        has_pause = has_pause and (self.chars_left > 0 or self.is_open)
        # Pieces in front may have held nothing that can be said.
        is_first = number == 0 or not (self.progress.bytes_made or self._making)
        utterance = Utterance(text, self._order.voice, self._order.speed, is_first, has_pause)
        part = Part(self, number, utterance)
        part.text_begin = text_begin
        part.expected_ns = self._workload.pace.audio_ns(len(text))
        part.queued_ns = mono_ns()
        part.job.fresh = self._order.fresh
        part.job.admitted_ns = self._admitted_ns
        part.job.due_ns = self._due_ns()
        if number == 0:
            self.progress.text_ns = part.queued_ns - began
            self._note("TEXT_PROCESSING_COMPLETE", first_piece_chars=len(text))
        self._note("QUEUE_START", piece=number, text_chars=len(text))
        return part

    def _submit(self, part: Part) -> None:
        # Into the deque first: an idle engine starts at once and says so before `submit` returns.
        self._parts.append(part)
        self._making.append(part)
        try:
            self._source.submit(part.job)
        except SpeechError:
            self._parts.pop()
            self._making.pop()
            raise

    def _due_ns(self) -> int:
        """When the next piece is needed: the listener runs dry, or has waited for as long as is good."""
        lead = self.progress.lead
        if lead.dry_ns is None:
            return self._admitted_ns + self._workload.target_ns
        return lead.dry_ns + self._expected_ns()

    def _expected_ns(self) -> int:
        """Audio that will follow what was supplied so far, from pieces that are already asked for."""
        expected = 0
        for place, part in enumerate(self._making):
            made = _audio_ns(part.bytes_made)
            expected += max(part.expected_ns, made) - (made if place == 0 else 0)
        return expected

    def _go_on(self) -> bool:
        """Ask for what should be made next.

        Returns:
            Whether anything is still being made or waits to be read.
        """
        while self.chars_left and not self._has_failed and self._error is None and self._shall_ask():
            part = self._next_part()
            try:
                self._submit(part)
            except SpeechError as error:
                # The text ends here, and not in silence: whoever reads up to here gets the reason.
                part.is_over, part.error = True, error
                self._parts.append(part)
                self._has_failed = True
        return bool(self._parts)

    def _shall_ask(self) -> bool:
        pace = self._workload.pace
        unread = sum(part.buffered for part in self._parts)
        if not self._making:
            planned = round(2 * (pace.piece_ns or 0) * OUTPUT_BYTES_PER_SECOND / NANOS_PER_SECOND)
            return unread <= min(max(LOW_BYTES, planned), MOST_AHEAD_BYTES)
        may_use = min(2, self._workload.workers)
        if len(self._making) >= may_use or not pace.needs_two_engines or self.progress.lead.dry_ns is None:
            return False
        expected = self._expected_ns() * OUTPUT_BYTES_PER_SECOND // NANOS_PER_SECOND
        return unread + expected <= MOST_AHEAD_BYTES

    # The stream's end of its parts

    def on_part_start(self, part: Part, worker: int, *, warm: bool) -> None:
        """See `Whole`."""
        if part.number == 0:
            self.progress.queue_ns = part.started_ns - part.queued_ns
            self.progress.warm = warm
        self.progress.started_ns.append(part.started_ns)
        queue_ms = round((part.started_ns - part.queued_ns) / NANOS_PER_MILLI, 3)
        self._note_at("INFERENCE_START", part.started_ns, piece=part.number, queue_ms=queue_ms, worker=worker)

    def on_part_phonemes(self, part: Part, at_ns: int) -> None:
        """See `Whole`."""
        at_ns = max(at_ns, part.started_ns)
        if part.number == 0:
            self.progress.phonemes_ns = at_ns - part.started_ns
        self._note_at("PHONEME_GENERATION_COMPLETE", at_ns, piece=part.number)

    def on_part_words(self, part: Part, words: bytes) -> None:
        """See `Whole`."""
        if self.on_word is not None:
            for each in unpack_words(words):
                text = part.job.utterance.text[each.begin : each.end]
                self.on_word(SpokenWord(part.number, text, part.source_span(each.begin, each.end), each.at, each.until))

    def on_part_audio(self, part: Part, pcm: bytes) -> None:
        """See `Whole`."""
        progress = self.progress
        if progress.bytes_made == 0:
            progress.first_inference_ns = mono_ns() - progress.started_ns[0] - progress.phonemes_ns
            self._note("FIRST_CHUNK_GENERATED", piece=part.number)
        progress.chunks += 1
        progress.bytes_made += len(pcm)
        if self._making and part is self._making[0]:
            progress.lead.supply(mono_ns(), _audio_ns(len(pcm)))
        self._note("AUDIO_CHUNK_GENERATED", piece=part.number, audio_ms=audio_ms(len(pcm)), bytes=len(pcm))
        self._wake_reader()
        if part.bytes_made == len(pcm):
            self._go_on()

    def on_part_done(self, part: Part, spoken: Spoken) -> None:
        """See `Whole`."""
        self.progress.bytes_wasted += spoken.samples * 2 - part.bytes_made
        self._note(
            "INFERENCE_COMPLETE",
            piece=part.number,
            audio_ms=audio_ms(spoken.samples * 2),
            synthesis_ms=round(spoken.busy_ns / NANOS_PER_MILLI, 3),
        )
        if not part.job.cancelled:
            self.progress.busy_ns += spoken.busy_ns
            self.progress.spoken_ns += _audio_ns(spoken.samples * 2)
            self._supply_next()
            self._go_on()
            self._note_all_made()
        self._wake_reader()

    def on_part_cached(self, part: Part, pcm: bytes, level: str) -> None:
        """See `Whole`."""
        progress = self.progress
        if progress.pieces_cached == 0 and part.number == 0:
            progress.queue_ns = mono_ns() - part.queued_ns
        progress.pieces_cached += 1
        progress.chunks += 1
        progress.bytes_made += len(pcm)
        if part is self._making[0]:
            progress.lead.supply(mono_ns(), _audio_ns(len(pcm)))
        self._note("CACHE_HIT", piece=part.number, level=level, audio_ms=audio_ms(len(pcm)))
        self._supply_next()
        self._note_all_made()
        self._wake_reader()

    def on_part_error(self, part: Part, error: SpeechError) -> None:
        """See `Whole`."""
        self._has_failed = True
        # What comes after the gap must never be heard without it.
        behind = [each for each in self._parts if each.number > part.number]
        for each in behind:
            self.progress.bytes_wasted += each.drop()
            if not each.is_over and not self._source.cancel(each.job):
                each.is_over = True
        self._wake_reader()
        if isinstance(error, ReaderTooSlow):
            self._error = self._error or error
            self.on_given_up()

    def _supply_next(self) -> None:
        """What the piece behind a complete one has made already can be heard now."""
        while self._making and self._making[0].is_over:
            self._making.popleft()
            if self._making:
                self.progress.lead.supply(mono_ns(), _audio_ns(self._making[0].bytes_made))

    def _note_all_made(self) -> None:
        if self.chars_left or self.is_open or self._has_failed or self._error is not None:
            return
        if not self._making:
            progress = self.progress
            made_ms = audio_ms(progress.bytes_made)
            self._note("AUDIO_GENERATION_COMPLETE", audio_ms=made_ms, pieces=progress.pieces, chunks=progress.chunks)
            self._workload.streams.discard(self)

    def _wake_reader(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None and not wake.done():
            wake.set_result(None)

    def _note_at(self, name: str, at_ns: int, **metadata: object) -> None:
        at = (at_ns, wall_ns() - (mono_ns() - at_ns))
        self._marks.mark_at(name, at, self._order.request_id, self._order.session_id, **metadata)

    def _note(self, name: str, **metadata: object) -> None:
        self._marks.mark(name, self._order.request_id, self._order.session_id, **metadata)
