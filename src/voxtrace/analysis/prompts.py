"""What a language model tells of its prompt: how long it was, how long it took to read, how much had been kept.

Runtimes mean different things by one name. OpenAI's `prompt_tokens` and today's Ollama count the whole prompt;
llama.cpp's `prompt_n`, and some versions of Ollama, leave out what came from the cache. So what was evaluated and how
long the prompt was are two metrics, and the second is only there where somebody said it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import cast

from msgspec import Struct

from voxtrace.analysis.axis import Placed
from voxtrace.analysis.model import Metric
from voxtrace.analysis.timeline import Timeline, finite
from voxtrace.analysis.told import length_ms

USAGE = "llm_usage"
_SENT, _RECEIVED = "llm.request_sent", "llm.response_received"
# Writers that count what they evaluated without what was in the cache.
_WITHOUT_CACHED = ("llama.cpp",)
_WHOLE = ("ollama",)
OVERLAP = "calls to the model overlap: which answer belongs to which call is not known"
NUMBERS = (
    *("prompt_tokens", "cached_tokens", "kv_reuse_ratio", "kv_handed_tokens"),
    *("prefill_tokens", "prefill_ms", "prefill_ns_per_token"),
)
Facts = Mapping[str, object]


class Prompt(Struct, frozen=True):
    """One call's own account of its prompt; None is not told."""

    tokens: float | None
    cached: float | None
    evaluated: float | None
    prefill_ms: float | None
    handed: float | None  # tokens of context that came from the caller; 0 where it said that there was none


def prompt_metrics(timeline: Timeline, facts: Sequence[Facts] | None) -> dict[str, Metric]:
    """The numbers of a turn's prompts; none where nothing in the turn tells of any. Several calls are added up.

    `facts` are those of each call; None where calls overlap.
    """
    if facts is None:
        told = any(_prompt(each.event.metadata) for stage in (_SENT, _RECEIVED) for each in timeline.all(stage))
        return dict.fromkeys(NUMBERS, Metric(missing=OVERLAP, origin="turn")) if told else {}
    alone = timeline.all(_RECEIVED) or timeline.all(_SENT)
    prompts = [_prompt(each) for each in facts or [placed.event.metadata for placed in alone]]
    known = [each for each in prompts if each is not None]
    if not known:
        return {}
    if len(known) < len(prompts):
        why = f"only {len(known)} of {len(prompts)} calls to the model tell of their prompts"
        return dict.fromkeys(NUMBERS, Metric(missing=why, origin="turn"))
    note = f"{len(known)} calls together" if len(known) > 1 else ""
    return {name: _metric(found, note) for name, found in _told(known).items()}


# Of a model that says little, every turn lacks the same.
@lru_cache(maxsize=64)
def _unknown(why: str) -> Metric:
    return Metric(missing=why, origin="turn")


def call_facts(timeline: Timeline, sent: Placed, received: Placed) -> Facts:
    """What a call's two events say, and what the client below it says of the usage (LiveKit's own span does not)."""
    within = (placed for placed in usages(timeline) if sent.at <= placed.at <= received.at)
    told = {key: value for placed in within for key, value in placed.event.metadata.items()}
    return {**told, **sent.event.metadata, **received.event.metadata}


def usages(timeline: Timeline) -> Iterator[Placed]:
    """Events that tell nothing but what a call of the model used, and of which model it was."""
    return (placed for placed in timeline.axis.placed if placed.event.name == USAGE)


def _metric(found: float | str, note: str) -> Metric:
    if isinstance(found, str):
        return _unknown(found)
    return Metric(found, origin="turn", note=note)


def _prompt(facts: Facts) -> Prompt | None:
    """What the events of one call say, or None where they say nothing of the prompt."""
    told, cached, evaluated = (_count(facts, name) for name in ("prompt_tokens", "cached_tokens", "prompt_eval_count"))
    if told == 0:
        # No prompt is empty: it is what clients write where the model told them no usage, and the rest is as empty.
        told, cached = None, cached or None
    writer = facts.get("writer")
    if told is None and evaluated is not None and cached is not None:
        if writer in _WITHOUT_CACHED or cached > evaluated:
            told = evaluated + cached
        elif writer in _WHOLE:
            told = evaluated
    if told is not None and cached is not None and evaluated == told and cached <= told:
        evaluated = told - cached  # it counted the whole prompt, and took so much of it from the cache
    handed = _count(facts, "kv_context_length")
    if facts.get("has_kv_cache") is False:
        handed = 0.0
    prefill = length_ms(facts, "prompt_eval_duration")
    found = Prompt(told, cached, evaluated, prefill if prefill is not None and prefill >= 0 else None, handed)
    is_silent = told is cached is evaluated is found.prefill_ms is handed is None
    return None if is_silent else found


def _count(facts: Facts, name: str) -> float | None:
    number = finite(facts.get(name))
    return number if number is not None and number >= 0 else None


def _sum(values: Sequence[float | None], why: str) -> float | str:
    return why if None in values else sum(cast("Sequence[float]", values))


def _told(prompts: Sequence[Prompt]) -> dict[str, float | str]:
    """Each number of these prompts together, or why it is not known."""
    tokens = _sum([each.tokens for each in prompts], "the model did not say how many tokens its prompt has")
    cached = _sum([each.cached for each in prompts], "the model did not say how many tokens came from its cache")
    evaluated = _sum([each.evaluated for each in prompts], "the model did not say how many tokens it evaluated")
    took = _sum([each.prefill_ms for each in prompts], "the model did not say how long it read the prompt")
    handed = _sum([each.handed for each in prompts], "the caller did not say how much context it handed over")
    told = (tokens, cached, _reuse(tokens, cached), handed, evaluated, took, _per_token(evaluated, took))
    return dict(zip(NUMBERS, told, strict=True))


def _reuse(tokens: float | str, cached: float | str) -> float | str:
    if isinstance(tokens, str) or isinstance(cached, str):
        return cached if isinstance(cached, str) else tokens
    if not tokens:
        return "the prompt has no tokens"
    return cached / tokens if cached <= tokens else "more tokens came from the cache than the prompt is said to have"


def _per_token(evaluated: float | str, took: float | str) -> float | str:
    if isinstance(evaluated, str) or isinstance(took, str):
        return took if isinstance(took, str) else evaluated
    return took * 1e6 / evaluated if evaluated else "no token was evaluated: all came from the cache"
