"""From the records of a load test to numbers and verdicts: the generator notes, `analysis` and `judge` say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from voxtrace.analysis import Measured, Summary, assemble, summarize
from voxtrace.analysis.quantiles import Distribution, distribution
from voxtrace.analysis.summary import metric_distribution
from voxtrace.events import Event
from voxtrace.judge.limits import Limit, Verdict, judge, worst
from voxtrace.judge.validity import GeneratorCheck, faults_of
from voxtrace.loadtest.calibration import Calibration
from voxtrace.loadtest.generator import Run
from voxtrace.loadtest.record import SERVICE, Record, Told, moments_of
from voxtrace.tracker import Tracker
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

FLUSH_EVERY = 50  # requests: the tracker's buffer holds some 2,000 events


class ErrorKind(Struct, frozen=True):
    """Failures of one cause."""

    code: str
    count: int
    example: str  # what the first of them was told
    told_ms: Distribution  # how long it took until the caller knew


class LoadOutcome(Struct, frozen=True):
    """One load test in numbers."""

    run: Run
    scenarios: dict[str, Summary]  # by class of text: classes are never mixed in one percentile
    errors: tuple[ErrorKind, ...]  # most frequent first
    check: GeneratorCheck
    faults: tuple[str, ...]  # why it is not valid
    calibration: Calibration | None
    verdicts: tuple[Verdict, ...]
    events_dropped: int = 0  # of those that were to be recorded

    @property
    def is_good(self) -> bool:
        """Whether every limit is kept."""
        return all(verdict.state == "pass" for verdict in self.verdicts)


class Judging(Struct, frozen=True):
    """What a run is judged by, and where its events go."""

    limits: Sequence[Limit] = ()
    tracker: Tracker | None = None


def events_of(record: Record, told: Told, clock: str) -> list[Event]:
    """The events of one request; `clock` names the generator's."""
    request_id = record.request_id
    return [
        Event(request_id, SERVICE, name, at.wall_ns, f"{request_id}/{n}", at.mono_ns, clock, n, None, facts)
        for n, (name, at, facts) in enumerate(moments_of(record, told))
    ]


def measure_record(record: Record, told: Told, clock: str) -> Measured:
    """The numbers of one request, without its events."""
    turn = assemble(record.request_id, events_of(record, told, clock))
    return Measured(
        turn.request_id, turn.session_id, turn.kind, turn.started_wall_ns, turn.total, turn.labels, turn.metrics,
        turn.parts, turn.findings,
    )  # fmt: skip


def conclude(
    run: Run,
    records: deque[Record],
    clock: str,
    calibration: Calibration | None = None,
    judging: Judging | None = None,
    show: Callable[[int], None] = lambda done: None,
) -> LoadOutcome:
    """All numbers of a run. Each record is let go when it has been measured; `show` is told how many are done."""
    judging = judging or Judging()
    dropped_before = _dropped(judging.tracker)
    turns: dict[str, list[Measured]] = {}
    failed: dict[str, list[Measured]] = {}
    examples: dict[str, str] = {}
    done = 0
    while records:
        record = records.popleft()
        turn = measure_record(record, run.told, clock)
        turns.setdefault(record.planned.kind, []).append(turn)
        if record.outcome == "error":
            failed.setdefault(record.error, []).append(turn)
            examples.setdefault(record.error, record.error_message)
        if judging.tracker is not None:
            _send(record, run.told, judging.tracker)
            if done % FLUSH_EVERY == 0:
                judging.tracker.flush()
        done += 1
        show(done)
    if judging.tracker is not None:
        judging.tracker.flush()
    scenarios = {kind: summarize(each) for kind, each in turns.items()}
    check = check_of(run, calibration)
    faults = faults_of(check)
    return LoadOutcome(
        run=run,
        scenarios=scenarios,
        errors=tuple(_error_kind(code, each, examples[code]) for code, each in _by_count(failed)),
        check=check,
        faults=faults,
        calibration=calibration,
        verdicts=tuple(_verdict(limit, scenarios.values(), faults) for limit in judging.limits),
        events_dropped=_dropped(judging.tracker) - dropped_before,
    )


def check_of(run: Run, calibration: Calibration | None) -> GeneratorCheck:
    """What the generator of a run knows about itself."""
    return GeneratorCheck(
        late_ms=_milliseconds(run.late_ns),
        lag_ms=_milliseconds(run.lag_ns),
        cpu_share=run.cpu_ns / max(run.ended_ns - run.started_ns, 1),
        not_sent=run.errors.get("not_sent", 0),
        error_ms=_milliseconds(calibration.errors_ns) if calibration else None,
    )


def rates_of(run: Run) -> dict[str, float | None]:
    """Requests a second: asked for, sent and answered; None where no time passed."""
    offering_s, whole_s = run.offering_ns / NANOS_PER_SECOND, (run.ended_ns - run.started_ns) / NANOS_PER_SECOND
    return {
        "offered_per_s": run.offered / offering_s if offering_s else None,
        "sent_per_s": run.sent / offering_s if offering_s else None,
        "completed_per_s": run.completed / whole_s if whole_s else None,
    }


def _verdict(limit: Limit, summaries: Iterable[Summary], faults: Sequence[str]) -> Verdict:
    verdicts = [judge(limit, summary) for summary in summaries]
    found = worst(verdicts) if verdicts else Verdict(limit, "inconclusive", None, 0, "nothing was measured")
    if faults:
        # Neither a pass nor a fail of the server: it was not the server that was measured.
        return Verdict(limit, "inconclusive", found.measured, found.n, "the run is not valid")
    return found


def _error_kind(code: str, turns: Sequence[Measured], example: str) -> ErrorKind:
    # A refusal is told by its status line, and every other failure when the request ends.
    told = metric_distribution(turns, "headers_ms")
    if not told.measured:
        told = distribution([turn.total / NANOS_PER_MILLI for turn in turns], len(turns))
    return ErrorKind(code, len(turns), example, told)


def _by_count(failed: dict[str, list[Measured]]) -> list[tuple[str, list[Measured]]]:
    return sorted(failed.items(), key=lambda item: -len(item[1]))


def _milliseconds(nanos: Sequence[int]) -> Distribution:
    return distribution([each / NANOS_PER_MILLI for each in nanos], len(nanos))


def _send(record: Record, told: Told, tracker: Tracker) -> None:
    for name, at, facts in moments_of(record, told):
        tracker.mark_at(name, at, record.request_id, None, **facts)


def _dropped(tracker: Tracker | None) -> int:
    return sum(tracker.stats().dropped.values()) if tracker is not None else 0
