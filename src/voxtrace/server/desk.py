"""What all transports share: who speaks, who notes it, and what has been done since the start."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from voxtrace.server.api_error import ApiError
from voxtrace.server.exchange import Exchange
from voxtrace.server.farewell import Farewell
from voxtrace.server.loop_lag import LoopLag
from voxtrace.server.metrics import Metrics
from voxtrace.server.models import Models
from voxtrace.server.speech_request import SpeechRequest
from voxtrace.speech.encode import Encoder
from voxtrace.speech.errors import ClientGone
from voxtrace.speech.order import Order
from voxtrace.speech.text.script import Reading

if TYPE_CHECKING:
    from voxtrace.speech.backends import Backends
    from voxtrace.speech.job import Source
    from voxtrace.speech.ports import Catalogue, Marks
    from voxtrace.speech.tuning import Tuning

# A costly encoder works on the event loop for a block or two (0.1 ms), which a thread would only delay;
# more at once goes to a thread.
INLINE_PCM_BYTES = 8 * 1024
ENCODER_THREADS = 2
# Answers that wait for their readers hold up to 2 MiB each, mostly far less; this bounds all of them.
MAX_ANSWERS = 512


@dataclass(slots=True)
class Counters:
    """What the server has done since it started."""

    active: int = 0
    ok: int = 0
    error: int = 0
    cancelled: int = 0
    wasted_audio_ms: float = 0.0  # synthesised for clients that had left


@dataclass(slots=True)
class Desk:
    """Where every request for speech is taken in, however it came: one for each engine; the first knows the others."""

    source: Source
    catalogue: Catalogue
    marks: Marks
    counters: Counters = field(default_factory=Counters)
    metrics: Metrics = field(default_factory=Metrics)
    lag: LoopLag = field(init=False)
    farewell: Farewell = field(default_factory=Farewell)
    others: dict[str, Desk] = field(default_factory=dict)  # by model; they share all but who speaks
    unloaded: dict[str, str] = field(default_factory=dict)  # models that are not there, and why
    tuning: Tuning | None = None  # the modes of its engine
    hedges: bool | None = None  # whether a fast engine stands in unless a request says otherwise; None: it can't
    normalises: bool = True  # texts, unless a request says otherwise
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(ENCODER_THREADS, "encode"))
    models: Models = field(init=False)

    def __post_init__(self) -> None:
        self.catalogue.load_tables()
        self.lag = LoopLag(self.metrics.loop_lag.observe)
        self.models = Models(
            self.catalogue, {name: desk.catalogue for name, desk in self.others.items()}, self.unloaded
        )

    @property
    def is_draining(self) -> bool:
        """Told to stop: what is under way goes on, nothing new is taken."""
        return self.farewell.has_begun

    def of(self, model: str) -> Desk:
        """Who takes in requests for a model that `Models.find` named."""
        return self.others[model] if model else self

    def admit(self) -> None:
        """Look whether one more answer can be given at all.

        Raises:
            ApiError: too many are under way.
        """
        if self.counters.active >= MAX_ANSWERS:
            text = f"{MAX_ANSWERS} answers are under way; wait for one to end"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, text, code="too_many_answers")

    async def encode(self, encoder: Encoder, pcm: bytes) -> bytes:
        """Encode without holding up other streams."""
        if encoder.is_costly and len(pcm) > INLINE_PCM_BYTES:
            return await asyncio.get_running_loop().run_in_executor(self._threads, encoder.encode, pcm)
        return encoder.encode(pcm)

    def note_received(self, exchange: Exchange, request: SpeechRequest | None) -> None:
        """Noted when there is time, as of the moment when the request's head was here."""
        facts: dict[str, object] = {"source": exchange.source} if exchange.source else {}
        facts["transport"] = exchange.transport
        if request is not None:
            if request.text:  # of a live utterance nothing is here yet
                facts["text_chars"] = len(request.text)
            facts |= {"voice": request.voice, "format": request.format}
            facts |= {"speed": request.speed, "engine": self.catalogue.engine}
        at = (exchange.received_mono_ns, exchange.received_wall_ns)
        self.marks.mark_at("REQUEST_RECEIVED", at, exchange.request_id, exchange.session_id, **facts)

    def note(self, exchange: Exchange, name: str, **metadata: object) -> None:
        """It happened now."""
        self.marks.mark(name, exchange.request_id, exchange.session_id, **metadata)

    def note_refused(self, exchange: Exchange, refusal: ApiError | ClientGone) -> None:
        """A request that never came to speech."""
        self.note_received(exchange, None)
        if isinstance(refusal, ClientGone):
            self.counters.cancelled += 1
            self.note(exchange, "REQUEST_COMPLETE", outcome="cancelled")
        else:
            self.counters.error += 1
            self.note(exchange, "REQUEST_COMPLETE", outcome="error", error=refusal.code, stage="request")


def open_desk(backends: Backends, marks: Marks, *, hedges: bool = False, normalises: bool = True) -> Desk:
    """The desk of a server's first engine, and behind it those of its other engines.

    `hedges`: the first engine stands in for the others where a request does not say otherwise.
    """
    counters, metrics, threads = Counters(), Metrics(), ThreadPoolExecutor(ENCODER_THREADS, "encode")
    others = {
        name: Desk(
            backend.source,
            backend.catalogue,
            marks,
            counters,
            metrics,
            tuning=backend.tuning,
            hedges=hedges if backend.hedge is not None else None,
            normalises=normalises,
            _threads=threads,
        )
        for name, backend in backends.others.items()
    }
    first = backends.first
    return Desk(
        first.source,
        first.catalogue,
        marks,
        counters,
        metrics,
        others=others,
        unloaded=backends.unloaded,
        tuning=first.tuning,
        normalises=normalises,
        _threads=threads,
    )


def order_of(desk: Desk, exchange: Exchange, request: SpeechRequest) -> Order:
    """The request as the voice takes it."""
    return Order(
        exchange.request_id,
        request.text,
        request.engine_voice,
        request.speed,
        exchange.session_id,
        exchange.is_fresh,
        mode=desk.tuning.of(request.quality) if desk.tuning is not None else None,
        may_hedge=desk.hedges is not None and (desk.hedges if request.hedge is None else request.hedge),
        reading=Reading(
            desk.catalogue.language_of(request.engine_voice),
            desk.normalises if request.normalises is None else request.normalises,
        ),
        document=request.document,
        reading_ns=request.reading_ns,
    )
