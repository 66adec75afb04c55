"""Sessions as sections, of which the terminal, Markdown and a page are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from voxtrace.analysis.quantiles import Distribution
from voxtrace.analysis.session_turns import SessionTurn
from voxtrace.analysis.sessions import Explained, Session, StrandNumbers
from voxtrace.analysis.statistics.ratio import Ratio
from voxtrace.reports.sections import Section
from voxtrace.reports.session_words import (
    UNKNOWN,
    ends_words,
    expected_words,
    failures_words,
    first_words,
    observed_words,
    relation_words,
    trend_words,
)
from voxtrace.reports.terminal import short_id
from voxtrace.reports.words import NONE, amount, counted, coverage, interval, percentile, point_in_time, state, unit_of

TURNS_SHOWN = 60
_HALF = TURNS_SHOWN // 2
METHOD = (
    "Percentiles are nearest-rank over one population of the session each; cold, warm and first turns are never mixed. "
    "Trends: Theil-Sen over the turn's place in the session, interval of Sen 1968; above 1,500 turns Theil's "
    "incomplete method. Relations: Spearman, interval of Bonett and Wright 2000. Several of them in one session are "
    "widened (Bonferroni) so that together they hold 95 %. First turn: t of logarithms, one value against many."
)
LIST_METHOD = (
    "p50 and trend are those of the session's largest population; failed turns enter neither. Each trend holds 95 % "
    "for itself: of twenty sessions without any, one shows one. `voxtrace sessions ID` explains one."
)


class Listed(Struct, frozen=True):
    """What a list shows."""

    sessions: Sequence[Session]
    in_store: int  # sessions
    turns: int  # that belong to a session
    without: int  # turns that name none
    looked_at: int  # sessions
    is_slowest: bool
    firsts: Ratio | None
    filtered: str = ""  # what of all turns the numbers are about, in words; "": about all


# ---- the list


def list_sections(listed: Listed, id_width: int | None = None) -> Iterator[Section]:
    """All sections of a list; ids are cut to `id_width`."""
    order = "longest wait first" if listed.is_slowest else "newest first"
    order += f", of the newest {listed.looked_at:,}" if listed.is_slowest or listed.filtered else ""
    known = f"{counted(listed.in_store, 'session')}, {counted(listed.turns, 'turn')}"
    lines = [f"{known}; {len(listed.sessions):,} shown, {order}"]
    if listed.without:
        lines.append(f"{counted(listed.without, 'turn')} without a session: in none of these")
    if listed.filtered:
        lines.append(f"{listed.filtered}; all numbers are of these turns")
    lines += _unmeasured(listed.sessions)
    head = ("last turn (UTC)", "session", "turns", "heard after, p50", "longest", "trend", "failed")
    rows = tuple(_list_row(session, id_width) for session in listed.sessions)
    yield Section("SESSIONS", tuple(lines), head, rows, frozenset({2, 3, 4}))
    if listed.firsts is not None:
        low, high = listed.firsts.interval.low, listed.firsts.interval.high
        chance = ": within chance" if listed.firsts.interval.holds(1.0) else ""
        told = (
            f"First turns took {listed.firsts.value:.2f} times the later ones of their session "
            f"({low:.2f} to {high:.2f}; {listed.firsts.units} sessions, {listed.firsts.method}){chance}."
        )
        yield Section("FIRST TURNS", (told,))


def _unmeasured(sessions: Sequence[Session]) -> Iterator[str]:
    whys = Counter(session.why_unmeasured for session in sessions if session.head is None)
    for why, count in whys.most_common():
        yield f"not measured in {counted(count, 'session')}: {why}"


def _list_row(session: Session, id_width: int | None) -> tuple[str, ...]:
    name = session.session_id if id_width is None else short_id(session.session_id, id_width)
    failed = failures_words(session)
    if session.unknown_ends and failed != UNKNOWN:
        failed += f" ({session.unknown_ends} ends not known)"
    return (
        point_in_time(session.last_wall_ns)[len("2025-") : len("2025-11-27 14:30")],
        name,
        f"{session.turns:,}",
        _wait(session),
        UNKNOWN if session.longest is None or session.head is None else amount(session.longest, unit_of(session.head)),
        trend_words(session.trend) if session.head else NONE,
        failed,
    )


def _wait(session: Session) -> str:
    if session.wait is None or session.head is None:
        return "not measured"
    value = percentile(session.wait, session.wait.p50, unit_of(session.head))
    is_best = session.head in ("voice_to_voice_ms", "ttfa_ms")
    return value if is_best else f"{session.head} {value}"


# ---- one session


def session_sections(explained: Explained, filtered: str = "") -> Iterator[Section]:
    """Everything about one session; `filtered` says which of its turns it is about."""
    yield _head(explained, filtered)
    yield _turns(explained)
    for numbers in explained.strands:
        yield from _numbers(numbers)
    yield _first(explained)
    if explained.reuse:
        yield _reuse(explained)
    if explained.findings:
        lines = tuple(f"{finding.rule}: {finding.message}" for finding in explained.findings)
        yield Section("WHAT TO KNOW", lines)


def _head(explained: Explained, filtered: str) -> Section:
    session = explained.session
    lines = [
        *([filtered] if filtered else []),
        f"{counted(session.turns, 'turn')} · {ends_words(session)}",
        f"{point_in_time(session.first_wall_ns)} to {point_in_time(session.last_wall_ns)} (start of the last turn)",
    ]
    if session.looked_at < session.turns:
        lines.append(f"only the newest {session.looked_at:,} turns are looked at (--last)")
    if session.head is None or session.wait is None:
        lines.append(f"wait not measured: {session.why_unmeasured}")
    else:
        middle = percentile(session.wait, session.wait.p50, unit_of(session.head))
        lines.append(f"{session.head} p50 {middle} ({coverage(session.wait)} turns): {trend_words(session.trend)}")
    return Section(f"Session {session.session_id}", tuple(lines))


def _turns(explained: Explained) -> Section:
    names = [name for name in ("llm_first_token_ms", "llm_total_ms", "tts_first_audio_ms", "inference_ms")
             if any(turn.value(name) is not None for turn in explained.turns)]  # fmt: skip
    head = ("turn", "started (UTC)", "request", "start", "ended", "heard after", *names, "slowest step")
    turns = explained.turns
    shown: list[SessionTurn | None] = list(turns)
    if len(turns) > TURNS_SHOWN:
        shown = [*turns[:_HALF], None, *turns[-_HALF:]]
    wait = explained.session.head
    rows = tuple(
        _turn_row(turn, wait, names) if turn else ("…", "", f"{len(turns) - TURNS_SHOWN} more", *[""] * (len(head) - 3))
        for turn in shown
    )
    return Section("TURNS", (), head, rows, frozenset({0, *range(5, 6 + len(names))}))


def _turn_row(turn: SessionTurn, wait: str | None, names: Sequence[str]) -> tuple[str, ...]:
    population = turn.population
    ended = NONE if population.outcome == "unknown" else population.outcome
    return (
        f"{turn.place}",
        point_in_time(turn.started_wall_ns)[len("2025-") : len("2025-11-27 14:30:05")],
        short_id(turn.request_id),
        {"unknown": NONE, "first": "not told"}.get(population.start, population.start),
        f"{ended} {turn.error}".strip(),
        _short(turn, wait) if wait else NONE,
        *(_short(turn, name) for name in names),
        turn.slowest or NONE,
    )


def _short(turn: SessionTurn, name: str) -> str:
    metric = turn.metric(name)
    if metric.value is not None:
        return state(name, metric)
    return NONE if metric.missing is not None else "rejected"


def _numbers(numbers: StrandNumbers) -> Iterator[Section]:
    strand = numbers.strand
    head = ("metric", "p50", "95 % interval", "p95", "measured", "from turn to turn")
    trends = {trend.metric: trend_words(trend) for trend in numbers.trends}
    rows = tuple(_number_row(name, of, trends.get(name, "")) for name, of in numbers.numbers.items())
    title = f"{strand.name}: {counted(len(strand.turns), 'turn')}"
    yield Section(title, (), head, rows, frozenset({1, 2, 3, 4}))
    if numbers.relations and len(strand.turns) > 1:
        lines = tuple(f"{each.metric}: {relation_words(each)}" for each in numbers.relations)
        yield Section("PROMPT SIZE AGAINST THE MODEL'S TIME", lines)


def _number_row(name: str, of: Distribution, trend: str) -> tuple[str, ...]:
    unit = unit_of(name)
    if not of.measured:
        reasons = [*(why for why, _ in of.missing[:1]), *(f"rejected by {rule}" for rule, _ in of.rejected[:1])]
        return name, "not measured", "", "", coverage(of), "; ".join(reasons)
    return (
        name,
        percentile(of, of.p50, unit),
        interval(of, "p50", unit),
        percentile(of, of.p95, unit),
        coverage(of),
        trend,
    )


def _first(explained: Explained) -> Section:
    told = {"": "its events do not say whether it was cold"}.get(explained.start, f"its events say: {explained.start}")
    if not explained.firsts:
        is_there = bool(explained.turns) and explained.turns[0].place == 1
        why = "it has no number" if is_there else "not looked at"
        return Section("THE FIRST TURN AGAINST THE LATER ONES", (f"{UNKNOWN}: {why}; {told}",))
    lines = tuple(f"{each.metric}: {first_words(each)}" for each in explained.firsts)
    return Section("THE FIRST TURN AGAINST THE LATER ONES", (*lines, told))


def _reuse(explained: Explained) -> Section:
    head = ("turn", "prompt", "could be kept", "was kept", "prefill", "")
    reuse = explained.reuse
    shown = (
        [None] if not reuse else list(reuse) if len(reuse) <= TURNS_SHOWN else [*reuse[:_HALF], None, *reuse[-_HALF:]]
    )
    rows = tuple(
        ("…", f"{len(reuse) - TURNS_SHOWN} more", "", "", "", "")
        if each is None
        else (
            f"{each.place}",
            UNKNOWN if each.prompt is None else f"{each.prompt:,.0f} {each.unit}",
            expected_words(each),
            observed_words(each),
            UNKNOWN if each.prefill_ms is None else amount(each.prefill_ms, "ms"),
            "read again" if each.is_lost else "",
        )
        for each in shown
    )
    return Section("WHAT THE MODEL KEPT OF THE PROMPT", (), head, rows, frozenset({0, 4}))
