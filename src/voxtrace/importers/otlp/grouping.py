"""Which turn a span belongs to, from what is known of its trace so far.

Spans come when they end: children before their parents, and those of one turn in several exports. What a span
says itself decides where it can (its own id, its parent's), so that the same span always finds the same turn; what
only other spans tell is remembered for a bounded number of traces.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct, field

from voxtrace.events.plain import sound_text
from voxtrace.importers.otlp.mapping import ANSWERS_WITHIN_S, SESSION, SpanRule
from voxtrace.importers.otlp.spans import Span
from voxtrace.units import NANOS_PER_SECOND

MAX_TRACES = 2000
MAX_SPANS = 100_000  # of all traces: about 50 MiB
MAX_SPANS_OF_A_TRACE = 20_000  # a conversation of an hour has about 5,000
MAX_WAITING = 20  # parents of one trace that have not come
MAX_WAITING_CHARS = 200  # of an attribute that is kept meanwhile
MAX_TURNS_OF_A_TRACE = 2000  # that are looked through for the one that is answered
MAX_ANCESTORS = 64
MAX_ID_CHARS = 256


class _Trace(Struct):
    """What is remembered of one trace."""

    parents: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)  # of spans that join a user's turn
    turns: dict[str, str] = field(default_factory=dict)  # request by the span that is its turn, or joins one
    users: list[tuple[int, int, str]] = field(default_factory=list)  # start, end, request
    agents: list[tuple[int, str]] = field(default_factory=list)  # start, request
    first_audio: dict[str, int] = field(default_factory=dict)  # Unix nanoseconds by request
    session: str | None = None
    waiting: dict[str, list[tuple[Span, SpanRule]]] = field(default_factory=dict)  # by the parent that they wait for


class Traces:
    """The memory of traces, the longest unused forgotten first."""

    def __init__(self, most: int = MAX_TRACES) -> None:
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._most = most
        self._spans = 0
        self._released: list[tuple[Span, SpanRule]] = []

    def learn(self, span: Span, rule: SpanRule | None) -> None:
        """Remember what a span tells of others."""
        trace = self._of(span)
        if len(trace.parents) >= MAX_SPANS_OF_A_TRACE:
            return
        self._spans += span.span_id not in trace.parents
        trace.parents[span.span_id] = span.parent_id
        self._released += trace.waiting.pop(span.span_id, ())
        # The span of a web server may name the conversation, and tell nothing else of it.
        trace.session = trace.session or _session_told(span)
        if rule is None:
            return
        trace.roles[span.span_id] = rule.role
        if rule.turn == "is":
            trace.turns[span.span_id] = _own(span)
        elif rule.turn == "user" and span.span_id not in trace.turns:
            trace.turns[span.span_id] = _own(span)
            trace.users.append((span.start_ns, span.end_ns, _own(span)))
            del trace.users[:-MAX_TURNS_OF_A_TRACE]
        elif rule.turn == "joins":
            trace.starts[span.span_id] = span.start_ns

    def request_of(self, span: Span, rule: SpanRule) -> str:
        """The id of the turn."""
        trace = self._of(span)
        if rule.turn in ("is", "user"):
            return _own(span)
        if rule.turn == "parent":
            return f"{span.trace_id}/{span.parent_id}" if span.parent_id else span.trace_id
        if rule.turn == "joins":
            return self._joined(trace, span, span.span_id, rule.role)
        if rule.turn == "child" and span.parent_id:
            return self._joined(trace, span, span.parent_id, "agent")
        return self._above(trace, span)

    def above(self, span: Span) -> tuple[str, str | None]:
        """Turn and conversation of a span that tells nothing of a turn itself: those of the nearest one above it."""
        trace = self._of(span)
        return self._above(trace, span), _session_told(span) or trace.session

    def waits(self, span: Span, rule: SpanRule) -> bool:
        """Whether nothing is known above a span that belongs to something: then it is kept until its parent comes."""
        trace = self._of(span)
        if self._above(trace, span) != span.trace_id or not span.parent_id:
            return False
        if span.parent_id not in trace.parents and len(trace.waiting) < MAX_WAITING:
            short = {name: value for name, value in span.attributes.items() if len(str(value)) <= MAX_WAITING_CHARS}
            # One a parent: nobody waits with the whole prompt, and nobody in crowds.
            trace.waiting[span.parent_id] = [(span._replace(attributes=short), rule)]
        return True

    def released(self) -> list[tuple[Span, SpanRule]]:
        """Spans whose parent has come since this was asked last."""
        released, self._released = self._released, []
        return released

    def is_within_its_like(self, span: Span, rule: SpanRule) -> bool:
        """Whether a known span above tells of the same call."""
        trace = self._of(span)
        return any(trace.roles.get(each) == rule.role for each in _ancestors(trace, span))

    def session_of(self, span: Span, rule: SpanRule) -> str | None:
        """The conversation: what the span or its trace names, else the trace where it holds many turns."""
        told = _session_told(span) or self._of(span).session
        return told or (None if rule.turn in ("ancestor", "within") else span.trace_id)

    def first_audio(self, span: Span, request_id: str) -> int | None:
        """The earliest audio that any span told of that turn so far."""
        return self._of(span).first_audio.get(request_id)

    def heard(self, span: Span, request_id: str, wall_ns: int) -> None:
        """Remember audio of a turn."""
        known = self._of(span).first_audio
        known[request_id] = min(wall_ns, known.get(request_id, wall_ns))

    def _of(self, span: Span) -> _Trace:
        trace = self._traces.get(span.trace_id)
        if trace is None:
            trace = self._traces[span.trace_id] = _Trace()
            while len(self._traces) > 1 and (len(self._traces) > self._most or self._spans > MAX_SPANS):
                self._spans -= len(self._traces.popitem(last=False)[1].parents)
        else:
            self._traces.move_to_end(span.trace_id)
        return trace

    def _joined(self, trace: _Trace, span: Span, agent_id: str, role: str) -> str:
        """The turn of what the agent did: that of the last user's half in front of it, else its own."""
        known = trace.turns.get(agent_id) or (trace.turns.get(span.parent_id) if role != "agent" else None)
        if known is not None:
            return known
        began = trace.starts.get(agent_id, span.start_ns)
        request_id = _answered(trace, began)
        if request_id is None and role != "agent":
            # A player knows no turn: it plays what the agent began last.
            request_id = max((each for each in trace.agents if each[0] <= began), default=(0, None))[1]
        if request_id is None:
            request_id = f"{span.trace_id}/{agent_id}"
        if len(trace.turns) < MAX_SPANS_OF_A_TRACE:
            trace.turns[agent_id] = request_id
            if role == "agent":
                trace.agents.append((began, request_id))
                del trace.agents[:-MAX_TURNS_OF_A_TRACE]
        return request_id

    def _above(self, trace: _Trace, span: Span) -> str:
        found = (trace.turns[each] for each in _ancestors(trace, span) if each in trace.turns)
        return next(found, span.trace_id)


def _answered(trace: _Trace, began: int) -> str | None:
    before = [each for each in trace.users if each[0] <= began]
    if not before:
        return None
    _, end, request_id = max(before)
    return request_id if began <= end + ANSWERS_WITHIN_S * NANOS_PER_SECOND else None


def _ancestors(trace: _Trace, span: Span) -> list[str]:
    found: list[str] = []
    above = span.parent_id
    while above and above != span.span_id and len(found) < MAX_ANCESTORS and above not in found:
        found.append(above)
        above = trace.parents.get(above, "")
    return found


def _own(span: Span) -> str:
    return f"{span.trace_id}/{span.span_id}"


def _session_told(span: Span) -> str | None:
    told = (span.attributes.get(name) for name in SESSION)
    return next((sound_text(each, MAX_ID_CHARS) for each in told if isinstance(each, str) and each), None)
