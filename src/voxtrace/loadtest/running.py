"""Runs a generator on an event loop of its own, until its plan is over or somebody presses Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

from voxtrace.loadtest.generator import Conduct, Generator, Run, Watch
from voxtrace.loadtest.plan import Plan
from voxtrace.loadtest.record import Record
from voxtrace.loadtest.target import Target


def run_plan(
    plan: Plan,
    target: Target,
    on_record: Callable[[Record], None],
    conduct: Conduct | None = None,
    watch: Watch | None = None,
) -> Run:
    """Carry a plan out. Ctrl-C ends it early and in order: what was measured until then is kept."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_run(plan, target, on_record, conduct or Conduct(), watch))


async def _run(
    plan: Plan, target: Target, on_record: Callable[[Record], None], conduct: Conduct, watch: Watch | None
) -> Run:
    generator = Generator(plan, target, conduct, on_record, watch)
    loop = asyncio.get_running_loop()
    is_main = threading.current_thread() is threading.main_thread()
    if is_main:
        loop.add_signal_handler(signal.SIGINT, generator.stop)
    try:
        return await generator.run()
    finally:
        if is_main:
            loop.remove_signal_handler(signal.SIGINT)


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one: half the processor time for each request."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
