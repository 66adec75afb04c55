"""Deriving turns from stored events, again whenever the events change."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from voxtrace.analysis import Turn, assemble
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN, crowd
from voxtrace.analysis.derived import VERSION, to_json
from voxtrace.analysis.elsewhere import LookUp
from voxtrace.analysis.record import Packed, pack, pack_steps
from voxtrace.events import Event
from voxtrace.events.gaps import Exchange, Gap
from voxtrace.store import Derived, Record, Store
from voxtrace.store.ports import RequestLog

# Turns of one transaction. Fourteen events each and 0.2 ms of work: other writers wait for none of it.
TURNS_PER_STEP = 100

_log = logging.getLogger(__name__)


def measure(store: Store, limit: int | None = None, *, touched_before_wall_ns: int | None = None) -> list[str]:
    """Derive what is stale, what changed last first.

    Args:
        store: where the events are and the derivations go.
        limit: at most so many turns; None: all.
        touched_before_wall_ns: leave out turns that changed at that time or later, as they may still be going on.

    Returns:
        The ids of the requests that were derived.
    """
    return [
        request_id
        for step in measure_in_steps(store, limit, touched_before_wall_ns=touched_before_wall_ns)
        for request_id in step
    ]


def measure_in_steps(
    store: Store, limit: int | None = None, *, touched_before_wall_ns: int | None = None
) -> Iterator[list[str]]:
    """As `measure`, giving the ids of each step, so that somebody can show how far it is."""
    done = 0
    while limit is None or done < limit:
        wanted = TURNS_PER_STEP if limit is None else min(TURNS_PER_STEP, limit - done)
        stale = store.stale(wanted, touched_before_wall_ns=touched_before_wall_ns)
        if not stale:
            return
        store.put_derived(derive(store, stale))
        done += len(stale)
        yield stale


def recompute(store: Store, on_progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Forget every derivation and derive all again.

    Args:
        store: where the events are and the derivations go.
        on_progress: told after each step how many turns are done, and of how many.

    Returns:
        The number of turns derived.
    """
    store.use_definitions(VERSION)
    total, done = store.forget_derived(), 0
    on_progress(done, total)
    for step in measure_in_steps(store):
        done += len(step)
        # Events may come in meanwhile: then there is more to do than there was at first.
        on_progress(done, max(done, total))
    return done


def derive(store: RequestLog, request_ids: Sequence[str]) -> Iterator[Derived]:
    """What is derived of these requests, from the events that they have now."""
    rows = store.requests(request_ids)
    events = store.events_of(row.request_id for row in rows if row.event_count <= MAX_EVENTS_OF_A_TURN)
    for row in rows:
        found = events.get(row.request_id)
        if found is not None:
            yield _measured(row.request_id, found, store.samples_near)
        elif row.event_count > MAX_EVENTS_OF_A_TURN:
            told = crowd(row.request_id, row.session_id, row.started_wall_ns, row.event_count)
            yield Derived(
                row.request_id, row.event_count, to_json(told), _record(pack(told)), _record(pack_steps(told))
            )
        else:  # forgotten meanwhile
            yield Derived(row.request_id, row.event_count, None)


def _measured(request_id: str, events: Sequence[Event], look_up: LookUp) -> Derived:
    asked: list[tuple[Gap, list[Exchange]]] = []

    def ask(gap: Gap) -> list[Exchange]:
        found = list(look_up(gap))
        asked.append((gap, found))
        return found

    try:
        return _derived(assemble(request_id, events, ask), len(events), asked)
    except Exception:  # noqa: BLE001 - one turn that trips over a bug must not keep all others unmeasured
        _log.exception("request %r can't be derived from its %d events", request_id, len(events))
        return Derived(request_id, len(events), None)


def _derived(turn: Turn, event_count: int, asked: Sequence[tuple[Gap, list[Exchange]]]) -> Derived:
    return Derived(
        turn.request_id,
        event_count,
        to_json(turn),
        _record(pack(turn)),
        _record(pack_steps(turn)),
        tuple((each.one, each.other, each.at, each.low or 0, each.high or 0) for each in turn.clock_samples),
        tuple(asked),
    )


def _record(packed: Packed) -> Record:
    return Record(packed.numbers, packed.texts)
