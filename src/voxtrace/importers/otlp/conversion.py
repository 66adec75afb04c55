"""Spans into events, by the table of `mapping`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite

from msgspec import Struct, field

from voxtrace.events import Event
from voxtrace.events.plain import sound_text, tidy
from voxtrace.importers.otlp.calls import Calls, clock_of_host, sample_of
from voxtrace.importers.otlp.grouping import Traces
from voxtrace.importers.otlp.mapping import FACTS, FAILED, IN_JSON, LENGTHS, RULES, UNITS, UNKNOWN, Moment, SpanRule
from voxtrace.importers.otlp.spans import Span
from voxtrace.importers.ports import Note
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_MILLI, NANOS_PER_SECOND

MAX_TEXT_CHARS = 200  # of a fact
MAX_SECONDS = 7 * 86_400.0  # a week

NOTES = {
    "foreign_spans": "span that tells nothing of a voice turn",
    "same_call": "span of a call that another span tells of too",
    "moment_outside_span": "reported time that lies outside its span, kept as reported and not as a moment",
}

# What finds its turn by others comes behind those others, and a turn behind what is in it.
_ORDER = ("user", "parent", "child", "joins", "ancestor", "within", "is")


class Converted(Struct):
    """What came of some spans."""

    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def notes(self) -> Iterator[Note]:
        """What was left out, and why."""
        for kind, times in self.counts.items():
            yield Note(kind, NOTES[kind], times)


class Conversion:
    """Converts exports as they come; see `Traces` for what it remembers between them. One thread at a time."""

    def __init__(self) -> None:
        self._traces = Traces()
        self._calls = Calls()

    def convert(self, spans: Sequence[Span]) -> Converted:
        """The events of these spans. Spans of one call know each other whatever their order."""
        done = Converted()
        ruled = [(span, _rule_of(span)) for span in spans]
        for span, rule in sorted(ruled, key=lambda each: each[0].start_ns):
            self._traces.learn(span, rule)
        known = [(span, rule) for span, rule in ruled if rule is not None]
        done.counts["foreign_spans"] += len(ruled) - len(known)
        known += self._traces.released()
        known.sort(key=lambda each: (_ORDER.index(each[1].turn), each[0].start_ns, each[0].span_id))
        for span, rule in known:
            if not rule.moments:
                continue
            if self._traces.is_within_its_like(span, rule):
                done.counts["same_call"] += 1
                continue
            if rule.turn == "within" and self._traces.waits(span, rule):
                continue
            done.events += self._events(span, rule, done.counts)
        for call in self._calls.joined(spans):
            done.events.append(sample_of(call, *self._traces.above(call.within)))
        done.counts = +done.counts
        return done

    def _events(self, span: Span, rule: SpanRule, counts: Counter[str]) -> Iterator[Event]:
        request_id = self._traces.request_of(span, rule)
        session_id = self._traces.session_of(span, rule)
        service = span.service or rule.role
        placed = self._placed(span, rule, request_id, counts)
        for place, (stage, wall_ns) in enumerate(placed):
            metadata: dict[str, object] = {"span": span.span_id}
            if rule.role == "tts":
                metadata["chunk"] = span.span_id
            if place == len(placed) - 1:
                metadata |= facts_of(span)
                metadata["outcome"] = "error" if _is_failed(span) else "ok"
                if rule.turn in ("is", "joins") and rule.role == "agent":
                    # Had a user spoken in this turn, there would be an event of it: a greeting keeps nobody waiting.
                    metadata["tells_of_users"] = True
            yield Event(
                request_id,
                sound_text(service, 256),
                stage,
                wall_ns,
                f"otlp/{span.trace_id}/{span.span_id}#{stage}",
                clock=clock_of_host(span.host),
                session_id=session_id,
                metadata=metadata,
            )

    def _placed(self, span: Span, rule: SpanRule, request_id: str, counts: Counter[str]) -> list[tuple[str, int]]:
        """Stage and time of each moment that can be told; the span's own end last."""
        attributes = _with_metrics(span.attributes)
        found: dict[str, int] = {}
        for moment in rule.moments:
            if moment.stage in found or not _holds(moment, attributes):
                continue
            if moment.behind and moment.behind not in found:
                continue
            if span.end_ns - span.start_ns < moment.least_ms * NANOS_PER_MILLI:
                continue
            at = self._time(moment, span, attributes, request_id)
            if at is None:
                continue
            # A first byte is within its call. Outside, it is that of another call, or was taken before this one ended.
            if moment.base in ("start", "at") and moment.by and not span.start_ns <= at <= span.end_ns:
                counts["moment_outside_span"] += 1
                continue
            found[moment.stage] = at
        if "tts.first_audio" in found:
            self._traces.heard(span, request_id, found["tts.first_audio"])
        return list(found.items())

    def _time(self, moment: Moment, span: Span, attributes: Mapping[str, object], request_id: str) -> int | None:
        if moment.base == "event":
            return min((at for at, name in span.moments if name in moment.by), default=None)
        if moment.base == "at":
            return _point(attributes.get(moment.by[0]))
        base = {"start": span.start_ns, "end": span.end_ns}.get(moment.base)
        if moment.base == "audible":
            base = self._traces.first_audio(span, request_id)
        offsets = [_offset_ns(name, attributes) for name in moment.by]
        known = [each for each in offsets if each is not None]
        return base + sum(known) if base is not None and len(known) == len(offsets) else None


def _rule_of(span: Span) -> SpanRule | None:
    return next((rule for rule in RULES if _fits(rule, span)), None)


def _fits(rule: SpanRule, span: Span) -> bool:
    if rule.scopes and span.scope not in rule.scopes:
        return False
    if rule.names and not any(_is_named(span.name, name) for name in rule.names):
        return False
    attribute, values = rule.having
    if not attribute:
        return True
    return attribute in span.attributes and (not values or str(span.attributes[attribute]) in values)


def _is_named(name: str, pattern: str) -> bool:
    if "*" not in pattern:
        return name == pattern
    begins, _, ends = pattern.partition("*")
    return len(name) >= len(pattern) - 1 and name.startswith(begins) and name.endswith(ends)


def _is_failed(span: Span) -> bool:
    return span.is_error or any(span.attributes.get(name) is True for name in FAILED)


def _holds(moment: Moment, attributes: Mapping[str, object]) -> bool:
    return (not moment.when or bool(attributes.get(moment.when))) and not attributes.get(moment.unless)


def _with_metrics(attributes: Mapping[str, object]) -> Mapping[str, object]:
    """What stands in a JSON text only, as if it were an attribute of its own."""
    more: dict[str, object] = {}
    for name, table in IN_JSON.items():
        written = attributes.get(name)
        if not isinstance(written, str):
            continue
        try:
            metrics = json.loads(written)
        except (ValueError, RecursionError):
            continue
        found = metrics if isinstance(metrics, dict) else {}
        described = found.get("metadata")
        found = {**(described if isinstance(described, dict) else {}), **found}
        more |= {told: found[key] for key, told in table if found.get(key) and told not in attributes}
    return {**attributes, **more} if more else attributes


def _offset_ns(name: str, attributes: Mapping[str, object]) -> int | None:
    """What to add to a moment. A delay of exactly 0 is what writers put where they know none."""
    sign, plain = (-1, name[1:]) if name.startswith("-") else (1, name)
    told = attributes.get(plain)
    if isinstance(told, str):
        try:
            told = float(told)
        except ValueError:
            return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not isfinite(told):
        return None
    unit = UNITS.get(plain, NANOS_PER_SECOND)
    if not 0 < told * unit <= MAX_SECONDS * NANOS_PER_SECOND:
        return None
    return sign * (told * unit if isinstance(told, int) else round(told * unit))


def _point(told: object) -> int | None:
    """A time as ISO text with a zone; Langfuse's stands in quotes of its own."""
    if not isinstance(told, str):
        return None
    try:
        at = datetime.fromisoformat(told.strip('" '))
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return int(at.replace(microsecond=0).timestamp()) * NANOS_PER_SECOND + at.microsecond * NANOS_PER_MICRO


def facts_of(span: Span) -> dict[str, object]:
    """What the table keeps of a span's attributes: numbers and short names, and of texts their length."""
    told: dict[str, object] = {}
    attributes = _with_metrics(span.attributes)
    for attribute, key in _there(FACTS, attributes):
        if attributes[attribute] not in UNKNOWN.get(key, ()):
            told.setdefault(key, attributes[attribute])
    facts = tidy({"span_name": span.name, **{key: value for key, value in told.items() if _is_plain(value)}})
    for attribute, key in _there(LENGTHS, attributes):
        value = attributes[attribute]
        if isinstance(value, str) and value:
            facts.setdefault(key, len(value))
    return facts


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= MAX_TEXT_CHARS)


def _there(table: Iterable[tuple[str, str]], attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return ((attribute, key) for attribute, key in table if attribute in attributes)
