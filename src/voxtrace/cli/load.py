"""`voxtrace load URL`: many requests at planned moments, and what each listener would have heard."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from voxtrace.cli.say import key_of
from voxtrace.errors import EXIT_FAIL, InvalidOption, Unreachable

if TYPE_CHECKING:
    from voxtrace.cli.load_outcome import LoadOutcome
    from voxtrace.loadtest.arrivals import Arrivals, Shape
    from voxtrace.loadtest.calibration import Calibration
    from voxtrace.loadtest.generator import Conduct, Run
    from voxtrace.loadtest.plan import Plan, Workload
    from voxtrace.loadtest.record import Record
    from voxtrace.loadtest.target import Target

DEFAULT_RATE_PER_S = 10.0


class LoadCommand:
    """Loads a speech server."""

    name: ClassVar[str] = "load"
    details: ClassVar[str] = """\
Requests come at moments that are drawn before the run begins, whether or not the server keeps up, and every time
counts from the planned moment, so a slow server can't hide by being asked less. With --users a fixed number of
listeners ask again when they were answered. Texts are new in every run unless --repeat is given.

The generator watches itself: when it was late, or busy, the run is not valid and no limit is kept by it.
--calibrate also measures its error, against a server whose times are known. Exit code 1: a limit is not kept, or
there is not enough to say so.

  voxtrace load --rate 20 --for 30
  voxtrace load --rate 5 --rate-to 100 --arrivals ramp --for 60 --texts short=9,long=1
  voxtrace load --users 50 --real-time --texts medium --for 30 --calibrate
  voxtrace load --rate 50 --expect 'ttfa_p95<=50ms' --expect 'error_rate<=1%' --json
"""

    def arguments(self, parser: ArgumentParser) -> None:
        from voxtrace.client.request import DEFAULT_URL

        parser.add_argument("url", nargs="?", default=DEFAULT_URL, metavar="URL", help="the server (%(default)s)")
        _add_arrivals(parser)
        _add_workload(parser)
        parser.add_argument(
            "--warm-up", type=int, default=5, metavar="N", help="requests before it, not counted (%(default)s)"
        )
        parser.add_argument("--new-connections", action="store_true", help="a new connection for each request")
        parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="longest wait for a byte")
        parser.add_argument("--calibrate", action="store_true", help="first measure the generator's own error")
        parser.add_argument(
            "--expect", action="append", default=[], metavar="LIMIT", help="such as 'ttfa_p95<=50ms'; may be repeated"
        )
        parser.add_argument("--record", action="store_true", help="keep the requests' events in the data folder")
        parser.add_argument("--allow-remote", action="store_true", help="load a server that is not this machine")
        parser.add_argument("--key-env", metavar="NAME", help="environment variable that holds the server's API key")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--markdown", action="store_true", help="print Markdown")
        parser.add_argument("--quiet", action="store_true", help="show nothing while it runs")

    def run(self, args: Namespace) -> int:
        outcome = run_load(read_order(args))
        _print(outcome, args)
        return 0 if outcome.is_good else EXIT_FAIL


def _add_arrivals(parser: ArgumentParser) -> None:
    parser.add_argument("--rate", type=float, metavar="R", help=f"requests a second (default: {DEFAULT_RATE_PER_S:g})")
    parser.add_argument("--rate-to", type=float, metavar="R", help="requests a second at the end of a ramp")
    parser.add_argument(
        "--arrivals", choices=("poisson", "constant", "ramp"), help="how they come (default: poisson, or a ramp)"
    )
    parser.add_argument("--users", type=int, metavar="N", help="listeners who ask again, instead of a rate")
    parser.add_argument("--think", type=float, default=0.0, metavar="S", help="their mean pause (default: 0)")
    parser.add_argument("--for", dest="seconds", type=float, default=10.0, metavar="S", help="seconds (%(default)s)")
    parser.add_argument("--max-requests", type=int, metavar="N", help="most that are sent (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed is the same plan")


def _add_workload(parser: ArgumentParser) -> None:
    from voxtrace.client.request import FORMATS

    parser.add_argument(
        "--texts", default="short", metavar="MIX", help="short, medium, long, complex, article, or short=9,long=1"
    )
    parser.add_argument("--repeat", action="store_true", help="the same few texts again and again: what a cache does")
    parser.add_argument("--voice", default="alloy", help="name of the voice (default: %(default)s)")
    parser.add_argument("--format", default="pcm", choices=FORMATS, help="what to ask for (default: %(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, help="from 0.25 to 4 (default: %(default)s)")
    parser.add_argument("--model", default="tts-1", help="name of the model (default: %(default)s)")
    parser.add_argument("--real-time", action="store_true", help="listeners read as fast as they would play")
    parser.add_argument("--leave-after", type=float, metavar="S", help="listeners go away S seconds into the answer")


class LoadOrder(Struct, frozen=True):
    """A load test as somebody asked for it."""

    target: Target
    plan: Plan
    conduct: Conduct
    warm_up: int = 5
    calibrate: bool = False
    is_watched: bool = False
    record_in: Path | None = None
    limits: tuple[str, ...] = ()


def read_order(args: Namespace) -> LoadOrder:
    """What the arguments ask for.

    Raises:
        InvalidOption: a value that can't be used.
        RemoteTarget: the server is another machine.
        PlanTooLarge: more requests than one run may send.
    """
    from voxtrace.judge.limits import parse_limit
    from voxtrace.loadtest.generator import Conduct
    from voxtrace.loadtest.listener import Patience
    from voxtrace.loadtest.plan import MAX_REQUESTS, make_plan
    from voxtrace.loadtest.target import find_target

    if args.timeout is None or not 0 < args.timeout < 86_400:
        raise InvalidOption("timeout", args.timeout, "must be more than 0 seconds")
    if args.warm_up < 0:
        raise InvalidOption("warm-up", args.warm_up, "must be 0 or more")
    for limit in args.expect:
        parse_limit(limit)
    most = MAX_REQUESTS if args.max_requests is None else args.max_requests
    if most < 1:
        raise InvalidOption("max-requests", most, "must be at least 1")
    return LoadOrder(
        target=find_target(args.url, allow_remote=args.allow_remote, api_key=key_of(args.key_env)),
        plan=make_plan(_arrivals(args), _workload(args), args.seed, most=most),
        conduct=Conduct(
            Patience(first_byte_s=args.timeout, stall_s=args.timeout), reuse_connections=not args.new_connections
        ),
        warm_up=args.warm_up,
        calibrate=args.calibrate,
        is_watched=not args.quiet and sys.stderr.isatty(),
        record_in=args.data if args.record else None,
        limits=tuple(args.expect),
    )


def run_load(order: LoadOrder) -> LoadOutcome:
    """Warm up, calibrate where asked, run, and put it into numbers.

    Raises:
        Unreachable: the server answers no request at all.
    """
    from voxtrace.cli.load_outcome import Judging, conclude
    from voxtrace.judge.limits import parse_limit
    from voxtrace.loadtest.calibration import calibrate
    from voxtrace.tracker import Tracker, TrackerOptions
    from voxtrace.tracker.identity import new_identity

    clock = new_identity().clock
    _warm_up(order)
    calibration: Calibration | None = calibrate(order.plan, order.conduct) if order.calibrate else None
    run, records = _run(order, clock)
    tracker = Tracker("loadtest", options=TrackerOptions(data=order.record_in)) if order.record_in else None
    try:
        judging = Judging([parse_limit(limit) for limit in order.limits], tracker)
        return conclude(run, records, clock, calibration, judging)
    finally:
        if tracker is not None:
            tracker.close()


def _run(order: LoadOrder, clock: str) -> tuple[Run, deque[Record]]:
    from voxtrace.loadtest.running import run_plan

    records: deque[Record] = deque()
    if not order.is_watched:
        return run_plan(order.plan, order.target, records.append, order.conduct), records
    from voxtrace.cli.load_live import live_view

    with live_view(order.plan.arrivals.seconds, clock) as view:

        def keep(record: Record) -> None:
            records.append(record)
            view.on_record(record)

        return run_plan(order.plan, order.target, keep, order.conduct, view.watch), records


def _warm_up(order: LoadOrder) -> None:
    """A few requests one after the other, counted nowhere; they also find out whether anybody answers."""
    from voxtrace.loadtest.arrivals import MAX_SECONDS, ClosedLoop
    from voxtrace.loadtest.plan import make_plan
    from voxtrace.loadtest.running import run_plan
    from voxtrace.loadtest.texts import REPEATED_TEXTS

    if not order.warm_up:
        return
    workload = replace(order.plan.workload, pace="at once", leave_after_s=None)
    # Repeated texts are measured as a cache knows them: each has been said before.
    most = max(order.warm_up, REPEATED_TEXTS * len(workload.texts)) if workload.repeat else order.warm_up
    records: list[Record] = []
    plan = make_plan(ClosedLoop(1, MAX_SECONDS), workload, order.plan.seed, most=most)
    run = run_plan(plan, order.target, records.append, order.conduct)
    if run.interrupted:
        raise KeyboardInterrupt
    if all(record.outcome != "ok" for record in records):
        why = records[0].error_message if records else "nothing was sent"
        raise Unreachable(f"speech of {order.target.endpoint.where}", why)


def _arrivals(args: Namespace) -> Arrivals:
    from voxtrace.loadtest.arrivals import ClosedLoop, OpenLoop

    if args.users is not None:
        if args.rate is not None or args.rate_to is not None or args.arrivals is not None:
            raise InvalidOption("users", args.users, "users who ask again have no --rate; give one or the other")
        return ClosedLoop(args.users, args.seconds, args.think)
    rate = DEFAULT_RATE_PER_S if args.rate is None else args.rate
    shape: Shape = args.arrivals or ("poisson" if args.rate_to is None else "ramp")
    return OpenLoop(rate, args.seconds, shape, args.rate_to)


def _workload(args: Namespace) -> Workload:
    from voxtrace.loadtest.plan import Workload

    return Workload(
        texts=read_mix(args.texts),  # type: ignore[arg-type]  # its names are checked there
        repeat=args.repeat,
        voice=args.voice,
        format=args.format,
        speed=args.speed,
        model=args.model,
        pace="real time" if args.real_time else "at once",
        leave_after_s=args.leave_after,
    )


def read_mix(text: str) -> dict[str, float]:
    """`short=9,long=1` as weights; a class without a number weighs 1.

    Raises:
        InvalidOption: a weight is no number.
    """
    mix: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition("=")
        try:
            mix[name.strip()] = float(weight or 1)
        except ValueError as why:
            raise InvalidOption("texts", text, f"{weight!r} is no weight") from why
    return mix


def _print(outcome: LoadOutcome, args: Namespace) -> None:
    from voxtrace.cli.load_page import load_to_json, load_to_markdown, load_to_terminal

    if args.json:
        print(json.dumps(load_to_json(outcome), indent=2))
    elif args.markdown:
        print(load_to_markdown(outcome))
    else:
        from voxtrace.cli.reading import terminal

        terminal().print(load_to_terminal(outcome))
