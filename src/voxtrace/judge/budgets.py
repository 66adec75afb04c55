"""What is fast enough, per population: there is no one number for all."""

from __future__ import annotations

from dataclasses import dataclass

from voxtrace.analysis import Population


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a metric, in its own unit; `more_is_better` turns them round."""

    target: float
    warning: float
    critical: float | None = None
    more_is_better: bool = False

    def breaks(self, value: float, limit: float) -> bool:
        """Whether `value` is on the wrong side of `limit`."""
        return value < limit if self.more_is_better else value > limit


TTFA_UNCACHED = Budget(800, 1_000, 2_000)
TTFA_CACHED = Budget(50, 50, 100)
ERROR_RATE = Budget(0.01, 0.02, 0.05)
CACHE_HITS = Budget(0.5, 0.2, more_is_better=True)

_SPEECH = {
    "ttfa_ms": TTFA_UNCACHED,
    "server_response_ms": Budget(500, 1_000, 3_000),
    "rtf": Budget(1.0, 1.0),  # slower than real time can't be played without a stall
    "max_stall_ms": Budget(100, 100),  # the longest stall of a stream that still counts as continuous
}
_CONVERSATION = {
    "voice_to_voice_ms": Budget(8_000, 8_000),
    "turn_total_ms": Budget(10_000, 10_000),
    "stt_ms": Budget(1_000, 1_000),
    "llm_total_ms": Budget(5_000, 5_000),
}


def budget_for(population: Population, metric: str) -> Budget | None:
    """The limits of `metric` for turns of `population`, or None where nobody has set any.

    Requests that do not say whether they were cached are held to what is asked of uncached ones.
    """
    if metric == "ttfa_ms" and population.cache == "hit":
        return TTFA_CACHED
    return (_CONVERSATION if population.kind == "conversation" else _SPEECH).get(metric)
