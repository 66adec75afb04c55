"""How much of each prompt the model could have kept from the turn before, and how much it did keep.

A model that keeps its state (the KV cache) reads only what is new in a prompt. What could be kept is the beginning that
a prompt has in common with the one before it. Whether it was kept is said by the model (cached tokens), by what it
evaluated, or, where it says neither, by how long it read. A caller that hands a context over only says what it wished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from voxtrace.analysis.session_turns import SessionTurn
from voxtrace.events import Event, stage_of
from voxtrace.events.plain import CUT
from voxtrace.units import NANOS_PER_SECOND

HowExpected = Literal["text", "handed", "grown", ""]
HowObserved = Literal["counted", "evaluated", "time", ""]

# Less is not worth a word, and no more than the beginning that all prompts of an application share.
WORTH = 0.3
# Of what was expected: below, it was not kept.
SEEN = 0.5
# Reading takes less time for a token of a short prompt than of a long one; what the clock says is good for no more.
SEEN_BY_TIME = 0.35
# Shorter readings are the noise of a machine.
LEAST_PREFILL_MS = 5.0
# Ollama unloads a model, and its cache with it, after five minutes without a request.
LONG_PAUSE_NS = 300 * NANOS_PER_SECOND
TEXTS = ("prompt", "prompt_text", "messages")
_TOLD_AT = ("llm.request_sent", "context.prompt_built", "llm.response_received")


class Reuse(Struct, frozen=True):
    """One turn. Shares are of its own prompt; None is not known, and the reason stands beside it."""

    request_id: str
    place: int
    start: str
    prompt: float | None
    unit: str  # tokens, characters or ""
    prefill_ms: float | None
    expected: float | None
    how_expected: HowExpected
    why_not_expected: str
    observed: float | None
    how_observed: HowObserved
    why_not_observed: str
    pause_ns: int | None  # since the turn before began

    @property
    def is_lost(self) -> bool:
        """Whether what should have been kept was read again."""
        if self.expected is None or self.observed is None or self.expected < WORTH:
            return False
        return self.observed < self.expected * (SEEN_BY_TIME if self.how_observed == "time" else SEEN)

    @property
    def lost_ms(self) -> float | None:
        """About how much sooner the first token would have come; None where it is not known."""
        if not self.is_lost or self.prefill_ms is None or self.expected is None or self.observed is None:
            return None
        return self.prefill_ms * (self.expected - self.observed) / max(1 - self.observed, 1e-9)


class PromptText(Struct, frozen=True):
    """The text of a prompt, as far as the log has it."""

    text: str
    is_cut: bool


def prompt_text(events: Sequence[Event]) -> PromptText | None:
    """The prompt that the first call of a turn was given, where its events carry it."""
    for event in events:
        stage = stage_of(event.service, event.name)
        if stage is None or stage.key not in _TOLD_AT:
            continue
        for key in TEXTS:
            told = event.metadata.get(key)
            text = "\n".join(_messages(told)) if isinstance(told, list | tuple) else told
            if isinstance(text, str) and text:
                return PromptText(text.partition(CUT)[0], CUT in text)
    return None


def _messages(told: Sequence[object]) -> list[str]:
    return [
        f"{each.get('role', '')}: {each.get('content', '')}" if isinstance(each, dict) else str(each) for each in told
    ]


def common_prefix(one: str, other: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def kv_reuse(turns: Sequence[SessionTurn], texts: Mapping[str, PromptText]) -> tuple[Reuse, ...]:
    """Every turn of a session that tells anything of its prompt, in order.

    Args:
        turns: all turns of the session that are looked at, in order.
        texts: prompts by request id, of the turns whose events carry them.
    """
    found: list[Reuse] = []
    before: SessionTurn | None = None
    largest: dict[str, float] = {}
    first = turns[0] if turns and turns[0].place == 1 else None
    for turn in turns:
        sizes = {name: size for name in ("prompt_tokens", "prompt_chars", "prefill_tokens")
                 if (size := turn.value(name)) is not None}  # fmt: skip
        if sizes or turn.request_id in texts or turn.value("kv_handed_tokens") is not None:
            found.append(_reuse(turn, before, first, largest, texts))
            before = turn
            for name, size in sizes.items():
                largest[name] = max(largest.get(name, 0.0), size)
    return tuple(found)


def _reuse(
    turn: SessionTurn,
    before: SessionTurn | None,
    first: SessionTurn | None,
    largest: Mapping[str, float],
    texts: Mapping[str, PromptText],
) -> Reuse:
    expected, how, why = _expected(turn, before, largest, texts)
    observed, how_seen, why_not_seen = _observed(turn, first)
    tokens, chars = turn.value("prompt_tokens"), turn.value("prompt_chars")
    return Reuse(
        request_id=turn.request_id,
        place=turn.place,
        start=turn.population.start,
        prompt=tokens if tokens is not None else chars,
        unit="tokens" if tokens is not None else "characters" if chars is not None else "",
        prefill_ms=turn.value("prefill_ms"),
        expected=expected,
        how_expected=how,
        why_not_expected=why,
        observed=observed,
        how_observed=how_seen,
        why_not_observed=why_not_seen,
        pause_ns=None if before is None else turn.started_wall_ns - before.started_wall_ns,
    )


def _expected(
    turn: SessionTurn, before: SessionTurn | None, largest: Mapping[str, float], texts: Mapping[str, PromptText]
) -> tuple[float | None, HowExpected, str]:
    if before is None:
        return None, "", "it is the first whose prompt is known" if turn.place > 1 else "it is the first turn"
    this, last = texts.get(turn.request_id), texts.get(before.request_id)
    if this is not None and last is not None:
        return _by_text(turn, this, last)
    handed = turn.value("kv_handed_tokens")
    if handed is not None:
        return _by_handed(turn, handed)
    for name, unit in (("prompt_tokens", "tokens"), ("prompt_chars", "characters"), ("prefill_tokens", "tokens")):
        size, previous = turn.value(name), before.value(name)
        if size is None or previous is None:
            continue
        # Once a prompt was shortened nobody can say which part of it stayed.
        if size < largest.get(name, 0.0) or not previous:
            return None, "", f"the prompt is shorter than an earlier one (in {unit}): what stayed of it is not known"
        return previous / size, "grown", ""
    return None, "", "neither the prompts' text nor their length is known of two turns in a row"


def _by_text(turn: SessionTurn, this: PromptText, last: PromptText) -> tuple[float | None, HowExpected, str]:
    common = common_prefix(this.text, last.text)
    if any(each.is_cut and common == len(each.text) for each in (this, last)):
        return None, "", f"the log cut the prompts off; their first {common:,} characters are equal"
    whole = turn.value("prompt_chars") if this.is_cut else float(len(this.text))
    if not whole or whole < common:
        return None, "", "the log cut the prompt off, and its length is not known"
    return common / whole, "text", ""


def _by_handed(turn: SessionTurn, handed: float) -> tuple[float | None, HowExpected, str]:
    if not handed:
        return None, "", "the caller handed no context over"
    evaluated = turn.value("prefill_tokens")
    if evaluated is None:
        return None, "", f"a context of {handed:,.0f} tokens was handed over; the prompt's length is not known"
    return handed / (evaluated if evaluated >= handed else evaluated + handed), "handed", ""


def _observed(turn: SessionTurn, first: SessionTurn | None) -> tuple[float | None, HowObserved, str]:
    counted = turn.value("kv_reuse_ratio")
    if counted is not None:
        return counted, "counted", ""
    tokens, evaluated, handed = (turn.value(name) for name in ("prompt_tokens", "prefill_tokens", "kv_handed_tokens"))
    # One token less is how runtimes begin to generate from a prompt that they have whole.
    if tokens and evaluated is not None and evaluated < tokens - 1:
        return 1 - evaluated / tokens, "evaluated", ""
    if handed and evaluated is not None and evaluated < handed:
        return handed / (handed + evaluated), "evaluated", ""
    return _by_time(turn, first)


def _by_time(turn: SessionTurn, first: SessionTurn | None) -> tuple[float | None, HowObserved, str]:
    took = turn.value("prefill_ms")
    if took is None:
        return None, "", turn.metric("kv_reuse_ratio").missing or "the model said nothing of it"
    if first is None or first.value("prefill_ms") is None:
        return None, "", "the first turn's prefill is not known, with which it would be compared"
    if first.request_id == turn.request_id:
        return None, "", "it is the first turn: nothing to compare its prefill with"
    for name in ("prompt_tokens", "prompt_chars", "prefill_tokens"):
        size, of_first = turn.value(name), first.value(name)
        if size and of_first:
            whole = (first.value("prefill_ms") or 0.0) / of_first * size
            # What is counted without cached tokens shrinks with them, and then a steady pace says nothing.
            if name == "prefill_tokens" and size < of_first:
                return None, "", "fewer tokens were evaluated than in the first turn; the prompt's length is not known"
            if whole < LEAST_PREFILL_MS:
                return None, "", f"prompts this short are read in {whole:.1f} ms: too little to tell anything by"
            return min(max(1 - took / whole, 0.0), 1.0), "time", ""
    return None, "", "the prompt's length is not known"
