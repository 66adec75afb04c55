"""Which two events enclose which work: the table that names every bar of a waterfall.

A rule is read backwards: the stage that ends the work looks for the nearest earlier event among
`begins`, in order of preference. Where a log has no start for a step, the event that hands the work over
stands in, so that a log with end events only still explains its time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from voxtrace.analysis.alignment import ZERO
from voxtrace.analysis.axis import Axis, Placed
from voxtrace.analysis.begins import ABSENT, Begins
from voxtrace.analysis.model import Span
from voxtrace.analysis.told import TOLD_ENDS, told_within
from voxtrace.units import Nanos


class Rule(Struct, frozen=True):
    """`name` is the work between one of `begins` and `end`."""

    name: str
    end: str
    begins: tuple[str, ...]
    depth: int = 1  # where intervals overlap, the deeper one names the time
    per: str = ""  # metadata key that tells parallel ones apart
    is_latest: bool = False  # it waits for all of `begins`, which may run beside each other: the last one counts


RULES: tuple[Rule, ...] = (
    # A conversation. Broad ones first: they name only what no deeper rule explains.
    Rule("language model", "llm.response_received", ("llm.request_sent",), depth=0),
    Rule("speaking the answer", "llm.pipeline_complete", ("llm.pipeline_start",), depth=0),
    Rule("user speaking", "user.speech_end", ("user.speech_start",), depth=3),
    Rule("end-pointing", "stt.pause_detected", ("user.speech_end",)),
    Rule("speech to text", "stt.transcript_final", ("stt.started", "stt.pause_detected", "user.speech_end")),
    Rule("hand-over to backend", "stt.handoff", ("stt.transcript_final",)),
    Rule("hand-over to backend", "stt.http_request_start", ("stt.handoff", "stt.transcript_final")),
    Rule(
        "hand-over to backend",
        "context.handler_entry",
        ("stt.http_request_start", "stt.handoff", "stt.transcript_final"),
    ),
    Rule(
        "hand-over to backend",
        "context.request_received",
        ("context.handler_entry", "stt.http_request_start", "stt.handoff", "stt.transcript_final"),
    ),
    Rule(
        "classification",
        "context.classification_complete",
        ("context.classification_start", "context.request_received"),
    ),
    Rule("memory storage", "context.memory_storage_complete", ("context.memory_storage_start",)),
    Rule(
        "retrieval",
        "context.retrieval_complete",
        ("context.retrieval_start", "context.classification_complete", "context.request_received"),
    ),
    Rule("embedding", "context.retrieval_embedding_complete", ("context.retrieval_embedding_start",), depth=2),
    Rule("vector query", "context.retrieval_query_complete", ("context.retrieval_query_start",), depth=2),
    Rule(
        "prompt",
        "context.prompt_built",
        ("context.retrieval_complete", "context.classification_complete", "context.request_received"),
        is_latest=True,
    ),
    Rule("hand-over to model", "llm.request_sent", ("context.prompt_built", "context.request_received")),
    Rule("first token", "llm.first_token", ("llm.request_sent",)),
    Rule("first sentence", "llm.first_sentence", ("llm.first_token",)),
    Rule("hand-over to speech", "llm.pipeline_start", ("llm.first_sentence", "llm.response_received")),
    Rule("hand-over to speech", "llm.handoff", ("llm.first_sentence", "llm.response_received")),
    Rule("hand-over to speech", "tts.request_received", ("llm.handoff", "llm.first_sentence", "llm.response_received")),
    Rule("pausing the microphone", "tts.pause_sent", ("tts.request_received",)),
    Rule("synthesis", "tts.first_audio", ("tts.synthesis_start", "tts.request_received"), per="chunk"),
    Rule("synthesis", "tts.synthesis_complete", ("tts.synthesis_start",), per="chunk"),
    Rule("metadata call", "tts.metadata_complete", ("tts.metadata_start",), depth=2, per="chunk"),
    Rule("synthesis", "playback.started", ("tts.first_audio", "tts.synthesis_start")),
    Rule("prebuffer", "playback.started", ("client.first_audio_chunk",)),
    Rule("silence before the speech", "playback.first_sample", ("playback.started",)),
    Rule("playback", "playback.completed", ("playback.first_sample", "playback.started")),
    # A speech request, seen by its caller. `waiting for the server` yields to what the server says itself.
    Rule(
        "waiting for the server", "client.first_byte_received", ("client.request_sent", "client.request_start"), depth=0
    ),
    Rule("connect and send", "client.request_sent", ("client.request_start",)),
    Rule("to the server", "server.request_received", ("client.request_sent",)),
    Rule("first audio behind the header", "client.first_audio_chunk", ("client.first_byte_received",), depth=0),
    Rule("streaming", "client.last_audio_chunk", ("client.first_audio_chunk",), depth=3),
    Rule("ending", "client.request_complete", ("client.last_audio_chunk",), depth=3),
    # The same request, seen by the server, up to its first audio; later pieces hide behind the streaming.
    Rule("accept", "server.processing_start", ("server.request_received",)),
    Rule("text", "server.text_processing_complete", ("server.processing_start", "server.request_received")),
    Rule("hand-over to queue", "server.queue_start", ("server.text_processing_complete",), per="piece"),
    Rule("cache", "server.cache_hit", ("server.queue_start",), per="piece"),
    Rule("queue", "server.inference_start", ("server.queue_start",), per="piece"),
    Rule("phonemes", "server.phoneme_generation_complete", ("server.inference_start",), depth=2, per="piece"),
    Rule("inference of the piece", "server.inference_complete", ("server.inference_start",), depth=1, per="piece"),
    Rule(
        "inference",
        "server.first_chunk_generated",
        ("server.phoneme_generation_complete", "server.inference_start"),
        depth=2,
        per="piece",
    ),
    Rule("encode", "server.first_chunk_encoded", ("server.first_chunk_generated", "server.cache_hit"), depth=2),
    Rule("send", "server.first_chunk_sent", ("server.first_chunk_encoded", "server.first_chunk_generated"), depth=2),
    Rule("delivery", "client.first_audio_chunk", ("server.first_chunk_sent",), depth=2),
    Rule("streaming", "server.audio_generation_complete", ("server.first_chunk_sent", "server.first_chunk_generated")),
    Rule("ending", "server.request_complete", ("server.audio_generation_complete",)),
)

_RULES_BY_END: dict[str, tuple[Rule, ...]] = {}
for _rule in RULES:
    _RULES_BY_END[_rule.end] = (*_RULES_BY_END.get(_rule.end, ()), _rule)

_ENDINGS = ("_complete", "_end", "_done", "_finished")
# Moments whose names end in "start" but that open no work of their own.
_POINTS = frozenset({"client.request_start", "server.processing_start", "user.speech_start", "stt.http_request_start"})


class Shape(NamedTuple):
    """All of an event that decides with which others it encloses work."""

    stage: str
    service: str
    name: str
    chunk: object  # of these three, what its metadata names; ABSENT: nothing
    piece: object
    span: object


class Pair(NamedTuple):
    """Work between two events, by their places in the order of time; None: its end never came."""

    name: str
    begin: int
    end: int | None
    depth: int


_SPAN = Shape._fields.index("span")
_PIECES = frozenset({"chunk", "piece", "span"})
# A turn of so many events is like no other, and what is kept of it would be large.
LONGEST_KEPT = 100


def find_spans(axis: Axis) -> list[Span]:
    """Every piece of work that two events of the request enclose, and starts whose end never came."""
    placed, several_clocks = axis.placed, axis.alignment is not None
    shapes = tuple(map(_shape, placed))
    if several_clocks:
        pairs = pair(shapes, lambda begin, end: axis.comparable(placed[begin], placed[end]))
    elif len(shapes) > LONGEST_KEPT:
        pairs = pair(shapes)
    else:
        pairs = _paired(shapes)
    spans: list[Span] = []
    stages: frozenset[str] | None = None
    for name, begin, end, depth in pairs:
        start = placed[begin]
        if end is None:
            spans.append(Span(name, start.event.service, start.at, None, start.event.metadata, depth=depth))
            continue
        stop = placed[end]
        spans.append(_span(name, start, stop, depth, axis.uncertainty(start, stop) if several_clocks else ZERO))
        if stop.stage in TOLD_ENDS:
            stages = stages or frozenset(each.stage for each in placed)
            spans += told_within(spans[-1], stages)
    return spans


def pair(shapes: Sequence[Shape], comparable: Callable[[int, int], bool] = lambda begin, end: True) -> Sequence[Pair]:
    """Which events enclose work together; `comparable` says of two whether the time between them means anything."""
    pairs: list[Pair] = []
    seen = _Seen(shapes, comparable)
    closed: set[int] = set()  # the start events that found their end
    for end, shape in enumerate(shapes):
        rules = _RULES_BY_END.get(shape.stage, ())
        for rule in rules:
            begin = seen.nearest(rule, end)
            if begin is not None:
                closed.add(begin)
                pairs.append(Pair(rule.name, begin, end, rule.depth))
        if not rules and _is_end(shape.name):
            begin = seen.own_start(end)
            if begin is not None:
                closed.add(begin)
                pairs.append(Pair(_stem(shape.name), begin, end, 1))
        seen.add(end)
    for starts in seen.starts.values():
        for begin in starts:
            if begin not in closed and shapes[begin].stage not in _POINTS:
                pairs.append(Pair(_stem(shapes[begin].name), begin, None, 0))
    return pairs


# Turns of one program are alike: what its steps are called, and in which order they come.
_paired = lru_cache(maxsize=1024)(pair)


class _Seen:
    """The events passed so far: by stage, and starts by the stem of their names."""

    def __init__(self, shapes: Sequence[Shape], comparable: Callable[[int, int], bool]) -> None:
        self._shapes, self._comparable = shapes, comparable
        self._by_stage: dict[str, list[int]] = {}
        self._of_rule: dict[tuple[int, str], Begins] = {}  # by the rule's identity and a stage that may begin it
        self._own_starts: dict[tuple[str, str], Begins] = {}
        self.starts: dict[tuple[str, str], list[int]] = {}

    def add(self, event: int) -> None:
        shape = self._shapes[event]
        self._by_stage.setdefault(shape.stage, []).append(event)
        if _is_start(shape.name):
            self.starts.setdefault((shape.service, _stem(shape.name)), []).append(event)

    def nearest(self, rule: Rule, end: int) -> int | None:
        """The latest earlier event of the most preferred stage that belongs to the same piece.

        An event begins one piece of work of a kind: a second call of the model did not begin with the prompt of
        the first. Neither is there work between events whose clocks can't be compared.
        """
        place = Shape._fields.index(rule.per) if rule.per else None
        named = ABSENT if place is None else self._shapes[end][place]
        wanted = None if named is ABSENT else named
        for stage in self._latest_first(rule.begins) if rule.is_latest else rule.begins:
            occurred = self._by_stage.get(stage)
            if occurred is None:
                continue
            begins = self._of_rule.get((id(rule), stage))
            if begins is None:
                begins = self._of_rule[id(rule), stage] = Begins(occurred, self._pieces(place))
            if begins.has_occurred(wanted):
                return begins.take(wanted, lambda begin: self._comparable(begin, end))
        return None

    def _latest_first(self, stages: Sequence[str]) -> Sequence[str]:
        return sorted(stages, key=lambda stage: self._by_stage.get(stage, (-1,))[-1], reverse=True)

    def own_start(self, end: int) -> int | None:
        """The start that a span of the tracker, or any log with the same habit, wrote for this end."""
        shape = self._shapes[end]
        named = shape.service, _stem(shape.name)
        occurred = self.starts.get(named)
        if occurred is None:
            return None
        begins = self._own_starts.get(named)
        if begins is None:
            begins = self._own_starts[named] = Begins(occurred, self._pieces(_SPAN), is_strict=True)
        return begins.take(None if shape.span is ABSENT else shape.span, lambda _: True)

    def _pieces(self, place: int | None) -> Sequence[object] | None:
        return None if place is None else [shape[place] for shape in self._shapes]


def _shape(placed: Placed) -> Shape:
    _, (_, service, name, *_, metadata), stage, _ = placed
    if not metadata or _PIECES.isdisjoint(metadata):
        return _plain_shape(stage, service, name)
    get = metadata.get
    pieces = (get("chunk", ABSENT), get("piece", ABSENT), get("span", ABSENT))
    return Shape(stage, service, name, *map(_key, pieces))


# One object for each, because equal shapes are found sooner where they are the same ones.
@lru_cache(maxsize=4096)
def _plain_shape(stage: str, service: str, name: str) -> Shape:
    return Shape(stage, service, name, ABSENT, ABSENT, ABSENT)


def _key(value: object) -> object:
    """Lists and objects of metadata are told apart by how they are written."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _span(name: str, begin: Placed, end: Placed, depth: int, doubt: Nanos) -> Span:
    told, more = begin.event.metadata, end.event.metadata
    detail = {**told, **more} if told and more else told or more
    return Span(name, end.event.service, begin.at, end.at, detail, end.stage, depth, doubt)


# The same few names come again with every turn.
@lru_cache(maxsize=4096)
def _is_start(name: str) -> bool:
    return name.lower().endswith("_start")


@lru_cache(maxsize=4096)
def _is_end(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


@lru_cache(maxsize=4096)
def _stem(name: str) -> str:
    lowered = name.lower()
    for ending in ("_start", *_ENDINGS):
        if lowered.endswith(ending):
            return name[: -len(ending)]
    return name
