"""One request's speech: its pieces, each spoken by whichever engine is free, read in order as one stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from voxtrace.clock import mono_ns, wall_ns
from voxtrace.speech.errors import ClientGone, NoSound, ReaderTooSlow, SpeechError
from voxtrace.speech.job import Hedging, Source, Spoken
from voxtrace.speech.lengths import audio_ms, audio_ns
from voxtrace.speech.order import Order
from voxtrace.speech.part import Part, silence
from voxtrace.speech.ports import FASTEST, OUTPUT_BYTES_PER_SECOND, SLOWEST, Marks, Mode, Utterance
from voxtrace.speech.progress import Progress
from voxtrace.speech.quality import first_limits
from voxtrace.speech.text.script import lines_of
from voxtrace.speech.text.ssml_values import MAX_BREAK_MS
from voxtrace.speech.words import SpokenWord, unpack_words
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

# The next piece is asked for when so much is left unread, or twice as much as a piece takes to be made.
LOW_BYTES = 2 * OUTPUT_BYTES_PER_SECOND
MOST_AHEAD_BYTES = 8 * OUTPUT_BYTES_PER_SECOND


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
        self._variant = order.mode.variant if order.mode is not None else ""
        limits = self._workload.pace.limits(first_limits(order.mode))
        self._lines = lines_of(order.text, order.document, limits, order.reading)
        self._parts: deque[Part] = deque()  # in the order of the text; read ones are gone
        self._making: deque[Part] = deque()  # those that are not complete, and those behind such a one
        self._error: SpeechError | None = None  # whatever is unread, the reader gets this
        self._is_all_made = False
        self._has_failed = False  # some part has an error: nothing more is asked for
        self._admitted_ns = 0
        self._wake: asyncio.Future[None] | None = None
        self._last: Part | None = None  # that was asked for
        self._owed_ms = 0  # of silence, until there is a sound to follow it
        # Not asked for yet; of a text with marks, those that are spoken.
        self.chars_left = len(order.text) if order.document is None else order.document.chars
        self.is_open = False  # text may still come
        self.progress = Progress()
        self.on_word: Callable[[SpokenWord], object] | None = None  # None: nobody wants to know
        # Called when the reader is given up while it may be waiting for its own client, and not in `read`.
        self.on_given_up: Callable[[], object] = lambda: None

    @property
    def mode(self) -> Mode | None:
        """The mode in which it is spoken."""
        return self._order.mode

    @property
    def error(self) -> SpeechError | None:
        """Why it can't go on."""
        return self._error

    def start(self) -> None:
        """Cut off the first piece and ask for it; the others are cut while it is being spoken.

        Raises:
            Refused: the server has too much to do.
            Stopping: the server is being stopped.
            NoSound: nothing in it can be spoken.
        """
        self._admitted_ns = mono_ns()
        part = None
        while part is None and self.chars_left:
            part = self._next_part()
        if part is not None:
            self._submit(part)
        elif not self.is_open:
            raise NoSound
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

    def _next_part(self) -> Part | None:
        """The next piece, ready to be asked for; None where it has nothing that can be spoken."""
        began = mono_ns()
        line = next(self._lines, None)
        self.chars_left = self.chars_left - line.chars if line else 0
        if line is None or not line.text:
            if line is not None and line.rest_ms:
                self._rest(line.rest_ms)
            if self._last is None:
                self.progress.text_ns += mono_ns() - began  # the first piece waits for this too
            return None
        order, number = self._order, self.progress.pieces
        self.progress.pieces += 1
        # After the last piece a pause would be nothing but silence to be sent.
        has_pause = line.has_pause and (self.chars_left > 0 or self.is_open)
        # Pieces in front may have held nothing that can be said.
        is_first = number == 0 or not (self.progress.bytes_made or self._making)
        speed = order.speed if line.rate == 1 else min(max(order.speed * line.rate, SLOWEST), FASTEST)
        utterance = Utterance(line.text, order.voice, speed, is_first, has_pause, self._variant)
        self._last = part = Part(self, number, utterance, line)
        part.expected_ns = self._workload.pace.audio_ns(len(line.text)) + line.rest_ms * NANOS_PER_MILLI
        part.queued_ns = mono_ns()
        part.job.fresh = self._order.fresh
        part.job.admitted_ns = self._admitted_ns
        part.job.due_ns = self._due_ns()
        if number == 0:
            if order.may_hedge:
                part.job.hedging = self.progress.hedging = Hedging()
            self.progress.text_ns += order.reading_ns + part.queued_ns - began
            self._note("TEXT_PROCESSING_COMPLETE", first_piece_chars=line.end - line.begin)
        self._note("QUEUE_START", piece=number, text_begin=line.begin, text_chars=line.end - line.begin)
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
            made = audio_ns(part.bytes_made)
            expected += max(part.expected_ns, made) - (made if place == 0 else 0)
        return expected

    def _go_on(self) -> bool:
        """Ask for what should be made next.

        Returns:
            Whether anything is still being made or waits to be read.
        """
        while self.chars_left and not self._has_failed and self._error is None and self._shall_ask():
            part = self._next_part()
            if part is None:
                self._note_all_made()
                continue
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
            self.progress.joined = part.job.joined
        self.progress.started_ns.append(part.started_ns)
        queue_ms = round((part.started_ns - part.queued_ns) / NANOS_PER_MILLI, 3)
        facts = {} if self._order.mode is None else {"mode": self._order.mode.name}
        self._note_at("INFERENCE_START", part.started_ns, piece=part.number, queue_ms=queue_ms, worker=worker, **facts)

    def on_part_phonemes(self, part: Part, at_ns: int) -> None:
        """See `Whole`."""
        at_ns = max(at_ns, part.started_ns)
        if part.number == 0:
            self.progress.phonemes_ns = at_ns - part.started_ns
        self._note_at("PHONEME_GENERATION_COMPLETE", at_ns, piece=part.number)

    def on_part_words(self, part: Part, words: bytes, silent: int) -> None:
        """See `Whole`."""
        if self.on_word is not None:
            for each in unpack_words(words):
                text = part.job.utterance.text[each.begin : each.end]
                span = part.source_span(each.begin, each.end)
                self.on_word(SpokenWord(part.number, text, span, silent + each.at, silent + each.until))

    def on_part_audio(self, part: Part, pcm: bytes) -> None:
        """See `Whole`."""
        progress = self.progress
        if progress.bytes_made == 0:
            if part.hedge_facts:
                progress.phonemes_ns = 0  # they were those of the engine that is not heard
            progress.first_inference_ns = mono_ns() - progress.started_ns[0] - progress.phonemes_ns
            self._note("FIRST_CHUNK_GENERATED", piece=part.number, **part.hedge_facts)
        self._count(part, len(pcm))
        self._note("AUDIO_CHUNK_GENERATED", piece=part.number, audio_ms=audio_ms(len(pcm)), bytes=len(pcm))
        self._wake_reader()
        if part.bytes_made == len(pcm):
            self._go_on()

    def take_owed_silence(self) -> bytes:
        """See `Whole`."""
        owed_ms, self._owed_ms = self._owed_ms, 0
        return silence(owed_ms)

    def on_part_done(self, part: Part, spoken: Spoken) -> None:
        """See `Whole`."""
        self.progress.bytes_wasted += spoken.samples * 2 - (part.bytes_made - part.bytes_silent)
        self._note(
            "INFERENCE_COMPLETE",
            piece=part.number,
            audio_ms=audio_ms(spoken.samples * 2),
            synthesis_ms=round(spoken.busy_ns / NANOS_PER_MILLI, 3),
            **part.hedge_facts,
        )
        if not part.job.cancelled:
            if not part.hedge_facts:  # the real-time factor is that of the engine which was asked
                self.progress.busy_ns += spoken.busy_ns
                self.progress.spoken_ns += audio_ns(spoken.samples * 2)
            if part.rest_ms:
                self._make_silence(part, part.rest_ms)
            self._supply_next()
            self._go_on()
            self._note_all_made()
        self._wake_reader()

    def on_part_cached(self, part: Part, pcm: bytes, level: str) -> None:
        """See `Whole`."""
        progress = self.progress
        if progress.pieces_cached == 0 and part.number == 0:
            if not progress.started_ns:
                progress.queue_ns = mono_ns() - part.queued_ns
            else:  # an engine worked in vain until another one's cache was asked
                progress.first_inference_ns = mono_ns() - progress.started_ns[0]
        progress.pieces_cached += 1
        progress.is_first_cached |= part.job.is_first
        self._count(part, len(pcm))
        self._note("CACHE_HIT", piece=part.number, level=level, audio_ms=audio_ms(len(pcm)), **part.hedge_facts)
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

    def _count(self, part: Part, size: int) -> None:
        """So many bytes more can be read; heard they can be once everything before them is here."""
        progress = self.progress
        progress.chunks += 1
        progress.bytes_made += size
        if not self._making or part is self._making[0]:
            progress.lead.supply(mono_ns(), audio_ns(size))

    def _rest(self, ms: int) -> None:
        """Nothing is spoken here: the silence belongs to the piece before, whatever became of that."""
        part = self._last
        if part is None:
            self._owe(ms)
        elif not part.is_over:
            part.rest_ms += ms
            part.expected_ns += ms * NANOS_PER_MILLI
        else:
            if part not in self._parts:
                self._parts.append(part)
            self._make_silence(part, ms)

    def _make_silence(self, part: Part, ms: int) -> None:
        """No engine is kept from its work for it. While there was no sound, there is none to follow."""
        if not self.progress.bytes_made:
            self._owe(ms)
            return
        size = part.add_silence(ms)
        self._count(part, size)
        self._note("AUDIO_CHUNK_GENERATED", piece=part.number, audio_ms=audio_ms(size), bytes=size)

    def _owe(self, ms: int) -> None:
        # Bounded, for a text may have any number of breaks around signs of which no voice makes a sound.
        self._owed_ms = min(self._owed_ms + ms, MAX_BREAK_MS)

    def _supply_next(self) -> None:
        """What the piece behind a complete one has made already can be heard now."""
        while self._making and self._making[0].is_over:
            self._making.popleft()
            if self._making:
                self.progress.lead.supply(mono_ns(), audio_ns(self._making[0].bytes_made))

    def _note_all_made(self) -> None:
        if self.chars_left or self.is_open or self._has_failed or self._error is not None:
            return
        if not self._making and not self._is_all_made:
            self._is_all_made = True
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
