"""Whether a load generator measured the server or itself."""

from __future__ import annotations

from msgspec import Struct

from voxtrace.analysis.quantiles import MIN_SAMPLES, Distribution

# Above these a run says more about the generator than about the server. They are felt limits of a first form, to
# be tuned by runs of a server against itself; speech is judged in tens of milliseconds.
MAX_LATE_P99_MS = 5.0
MAX_LAG_P99_MS = 5.0
MAX_ERROR_P99_MS = 5.0
MAX_CPU_SHARE = 0.8  # of the one core that an event loop can use


class GeneratorCheck(Struct, frozen=True):
    """What a generator knows about itself."""

    late_ms: Distribution  # each request: begun minus planned
    lag_ms: Distribution  # the event loop, taken all the time
    cpu_share: float  # of one core
    not_sent: int  # requests for which there was no room under way
    error_ms: Distribution | None = None  # from a calibration: measured minus true time to first audio


def faults_of(check: GeneratorCheck) -> tuple[str, ...]:
    """Why the run is not valid, in words; empty where it is."""
    faults = []
    if (late := _tail(check.late_ms)) > MAX_LATE_P99_MS:
        name = _named(check.late_ms)
        faults.append(f"requests were sent late: {name} {late:.1f} ms behind the plan, at most {MAX_LATE_P99_MS:g} ms")
    if (lag := _tail(check.lag_ms)) > MAX_LAG_P99_MS:
        faults.append(
            f"the generator's event loop lagged: {_named(check.lag_ms)} {lag:.1f} ms, at most {MAX_LAG_P99_MS:g} ms"
        )
    if check.cpu_share > MAX_CPU_SHARE:
        faults.append(f"the generator took {check.cpu_share:.0%} of its core, at most {MAX_CPU_SHARE:.0%}")
    if check.not_sent:
        faults.append(f"{check.not_sent} requests were not sent: too many were under way")
    if check.error_ms is not None:
        error = _tail(check.error_ms)
        if not check.error_ms.measured:
            faults.append("the calibration measured nothing")
        elif error > MAX_ERROR_P99_MS:
            faults.append(
                f"the calibration was wrong: {_named(check.error_ms)} {error:.1f} ms, at most {MAX_ERROR_P99_MS:g} ms"
            )
    return tuple(faults)


def _named(of: Distribution) -> str:
    """Which of them `_tail` is."""
    return "p99" if of.measured >= MIN_SAMPLES[990] else f"of {of.measured} the largest"


def _tail(of: Distribution) -> float:
    """p99; of fewer samples than it needs, the largest, which is never smaller."""
    value = of.p99 if of.measured >= MIN_SAMPLES[990] else of.largest
    return value or 0.0
