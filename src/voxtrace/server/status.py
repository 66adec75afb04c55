"""What the server does right now, and what it has done since it started: `GET /status`."""

from __future__ import annotations

import os
from pathlib import Path

from voxtrace import __version__
from voxtrace.server.desk import Desk
from voxtrace.server.engine_pages import describe
from voxtrace.speech.backends import Backends
from voxtrace.speech.cache.source import level_facts
from voxtrace.speech.encode import FORMATS, Format
from voxtrace.speech.engine_process import EngineProcess
from voxtrace.speech.pool import Pool
from voxtrace.speech.tally import engine_levels
from voxtrace.units import NANOS_PER_MILLI


def status_report(backends: Backends, desk: Desk) -> dict[str, object]:
    """As JSON; what is not known is null. Where it does not name an engine, it is about the first one."""
    pool, cache = backends.first.pool, backends.first.cache
    counters, situation = desk.counters, pool.situation()
    return {
        "version": __version__,
        "draining": desk.is_draining,
        "engine": desk.catalogue.engine,
        "engines": [describe(backend) for backend in backends.all],
        "not_loaded": backends.unloaded,
        "pace": _pace(pool),
        "formats": {form.name: _availability(form) for form in FORMATS.values()},
        "workers": {
            "configured": pool.workers,
            "ready": pool.ready,
            "busy": pool.busy,
            "restarts": pool.restarts,
            "pids": pool.pids,
            "processes": [_describe_process(each) for each in pool.processes],
        },
        "requests": {
            "active": counters.active,
            "waiting": pool.waiting,
            "ok": counters.ok,
            "error": counters.error,
            "cancelled": counters.cancelled,
            "refused": pool.refused,
        },
        "streams": {"being_spoken": situation.active, "load": _rounded(situation.load)},
        "predicted_ttfa_ms": None if situation.rtf is None else _rounded(situation.ttfa_ns / NANOS_PER_MILLI),
        "wasted_audio_ms": round(counters.wasted_audio_ms, 3),
        "loop_lag": desk.lag.report(),
        "levels": {
            name: level_facts(stats) for name, stats in engine_levels([each.pool for each in backends.all]).items()
        },
        "cache": cache.report() if cache else None,
    }


def _pace(pool: Pool) -> dict[str, object]:
    pace = pool.workload.pace
    first_ns, piece_ns = pace.first_block_ns, pace.piece_ns
    return {
        "pieces": pace.pieces,
        "rtf": _rounded(pace.rtf),
        "first_block_ms": None if first_ns is None else _rounded(first_ns / NANOS_PER_MILLI),
        "piece_ms": None if piece_ns is None else _rounded(piece_ns / NANOS_PER_MILLI),
    }


def _describe_process(process: EngineProcess) -> dict[str, object]:
    return {
        "pid": process.pid,
        "ready": process.catalogue is not None,
        "busy": process.job is not None,
        "jobs": process.jobs_done,
        "rss_mib": resident_mib(process.pid),
    }


def resident_mib(pid: int) -> float | None:
    """Memory of a process; None where the system has no such file, or the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _availability(form: Format) -> dict[str, object]:
    if form.is_available:
        return {"available": True}
    return {"available": False, "why": str(form.missing)}
