"""The turns of one session, out of columns, in order and each in its population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from voxtrace.analysis.columns import Columns
from voxtrace.analysis.first_sounds import LATE, first_sounds, suspects_among
from voxtrace.analysis.groups import MEASURED_OUTCOMES, Population
from voxtrace.analysis.model import Metric
from voxtrace.analysis.plausibility import FUTURE_NS
from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.analysis.record import LOWER, MISSING, REJECTED
from voxtrace.units import NANOS_PER_MILLI

# The wait that a person feels, by the best definition that was measured.
HEADS: Mapping[str, tuple[str, ...]] = {
    "conversation": ("voice_to_voice_ms", "request_to_audio_ms", "stt_to_audio_ms"),
    "speech": ("ttfa_ms", "first_audio_ms", "server_response_ms", "ttfb_ms"),
    "events": (),
}
# What a session is asked about, in the order in which a turn passes.
STEPS: Mapping[str, tuple[str, ...]] = {
    "conversation": (
        *("stt_ms", "classification_ms", "retrieval_ms", "llm_first_token_ms", "llm_total_ms"),
        *("prefill_ms", "tts_first_audio_ms", "chunk_gap_ms", "turn_total_ms"),
    ),
    "speech": ("queue_ms", "inference_ms", "rtf", "stall_ms"),
    "events": (),
}
PROMPTS = (
    *("prompt_chars", "prompt_tokens", "cached_tokens", "kv_reuse_ratio", "kv_handed_tokens"),
    *("prefill_tokens", "prefill_ns_per_token"),
)
# Of the first turn of a session, where nothing says whether it was cold or warm.
FIRST = "first"
_KEYS = Population.__struct_fields__
_NAMES = frozenset((*(name for names in (*HEADS.values(), *STEPS.values()) for name in names), *PROMPTS))
_ABSENT = Metric(missing="not part of this kind of turn")


class SessionTurn(Struct, frozen=True):
    """One turn of a session."""

    request_id: str
    place: int  # in the order of starting, from 1
    started_wall_ns: int
    total_ms: float
    population: Population
    error: str  # the cause's code where it failed
    slowest: str  # the part that somebody waited for longest; "" where none is known
    metrics: Mapping[str, Metric]
    findings: tuple[str, ...]  # rules

    @property
    def is_counted(self) -> bool:
        """Whether its numbers enter any percentile: what failed or was called off has no length."""
        return self.population.outcome in MEASURED_OUTCOMES

    def metric(self, name: str) -> Metric:
        """A number, or why there is none."""
        return self.metrics.get(name, _ABSENT)

    def value(self, name: str) -> float | None:
        """A number, or None."""
        return self.metric(name).value


class Strand(Struct, frozen=True):
    """The turns of a session that belong to one population: no number is taken over more than one."""

    population: Population
    turns: tuple[SessionTurn, ...]  # in order

    @property
    def name(self) -> str:
        """For people."""
        if self.population.start == FIRST:
            return f"{replace(self.population, start='unknown').name}, first of the session (cold or warm: not told)"
        return self.population.name

    @property
    def head(self) -> str | None:
        """The best definition of the wait that any of its turns has."""
        names = HEADS[self.population.kind]
        return next((name for name in names if any(turn.value(name) is not None for turn in self.turns)), None)

    def distribution(self, name: str) -> Distribution:
        """One number over these turns, and why the others have none."""
        found = [turn.metric(name) for turn in self.turns]
        values = [each.value for each in found if each.value is not None]
        missing = Counter(each.missing for each in found if each.missing is not None)
        rejected = Counter(each.rejected for each in found if each.rejected is not None)
        is_bound = any(each.bound == "lower" for each in found if each.value is not None)
        return replace(
            distribution(values, len(found)),
            missing=tuple(sorted(missing.items(), key=lambda item: (-item[1], item[0]))),
            rejected=tuple(sorted(rejected.items(), key=lambda item: (-item[1], item[0]))),
            bound="lower" if is_bound else "exact",
        )


def session_turns(
    pages: Iterable[Columns], *, first_place: int = 1, now_wall_ns: int | None = None
) -> tuple[SessionTurn, ...]:
    """The turns of one session, in order of starting, from pages in any order.

    Args:
        pages: columns whose turns all belong to the session.
        first_place: place of the earliest of these turns, where earlier ones were left out.
        now_wall_ns: turns that begin after this moment lose their numbers.
    """
    known = [page for page in pages if len(page)]
    # Which times only look impossible beside each other is asked of this session alone: others don't change it.
    suspects = suspects_among([first_sounds(page) for page in known])
    turns: list[SessionTurn] = []
    for page in known:
        sounds = first_sounds(page)
        refused = {name: sounds.refused(name, suspects).tolist() for name in LATE} if len(suspects) else {}
        turns += _turns_of(page, refused, now_wall_ns)
    turns.sort(key=lambda turn: (turn.started_wall_ns, turn.request_id))
    return tuple(_placed(turn, place) for place, turn in enumerate(turns, first_place))


def _placed(turn: SessionTurn, place: int) -> SessionTurn:
    population = turn.population
    if place == 1 and population.start == "unknown":
        population = replace(population, start=FIRST)
    return replace(turn, place=place, population=population)


def _turns_of(page: Columns, refused: Mapping[str, list[bool]], now: int | None) -> list[SessionTurn]:
    populations: dict[tuple[str, ...], Population] = {}
    keys = list(zip(*(page.words_of(name) for name in _KEYS), strict=True))
    for key in set(keys):
        populations[key] = Population(*key)
    metrics = _metrics_of(page, refused, now)
    findings: list[list[str]] = [[] for _ in keys]
    for row, word in zip(page.findings.rows.tolist(), page.findings.words.tolist(), strict=True):
        findings[row].append(page.texts[word])
    errors, slowest = page.words_of("error"), page.words_of("slowest")
    return [
        SessionTurn(
            request_id=request_id,
            place=0,
            started_wall_ns=started,
            total_ms=total / NANOS_PER_MILLI,
            population=populations[keys[row]],
            error=errors[row],
            slowest=slowest[row],
            metrics=metrics[row],
            findings=tuple(findings[row]),
        )
        for row, (request_id, started, total) in enumerate(
            zip(page.request_ids, page.started.tolist(), page.totals.tolist(), strict=True)
        )
    ]


def _metrics_of(page: Columns, refused: Mapping[str, list[bool]], now: int | None) -> list[dict[str, Metric]]:
    found: list[dict[str, Metric]] = [{} for _ in range(len(page))]
    future = [now is not None and started > now + FUTURE_NS for started in page.started.tolist()]
    for name, column in page.metrics.items():
        if name not in _NAMES:
            continue
        doubted = refused.get(name)
        for row, (value, word) in enumerate(zip(column.values.tolist(), column.states.tolist(), strict=True)):
            if not word:
                continue
            if future[row] or (doubted is not None and doubted[row]):
                found[row][name] = Metric(rejected="in_the_future" if future[row] else "same_ttfa")
            else:
                found[row][name] = _metric(value, page.texts[word])
    return found


def _metric(value: float, state: str) -> Metric:
    if state.startswith(MISSING):
        return Metric(missing=state[1:])
    if state.startswith(REJECTED):
        return Metric(rejected=state[1:])
    return Metric(value, bound="lower" if state == LOWER else "exact")


def strands(turns: Sequence[SessionTurn]) -> tuple[Strand, ...]:
    """The populations of a session, most turns first; none of turns that failed or were called off."""
    found: dict[Population, list[SessionTurn]] = {}
    for turn in turns:
        if turn.is_counted:
            found.setdefault(turn.population, []).append(turn)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0].start == FIRST, item[0]))
    return tuple(Strand(population, tuple(of)) for population, of in ordered)
