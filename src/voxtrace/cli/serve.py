"""`voxtrace serve`: the speech server alone."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from voxtrace.cli.addresses import url_of, warn_if_public
from voxtrace.cli.front_door import FrontDoor, read_origins
from voxtrace.cli.lifeline import is_supervised
from voxtrace.cli.measured_numbers import measured_numbers
from voxtrace.cli.model_pools import model_pools
from voxtrace.config import load_settings, prepare_data_folder, require_private_address
from voxtrace.tracker import Tracker, TrackerOptions

if TYPE_CHECKING:
    from voxtrace.server.run import Guard, Running


FLAGS = ("host", "port", "wyoming_port", "workers", "max_waiting", "quality", "hedge")


class ServeCommand:
    """Speaks over HTTP as OpenAI's API does."""

    name: ClassVar[str] = "serve"
    details: ClassVar[str] = """\
It answers POST /v1/audio/speech as OpenAI's API does, with espeak-ng's voices, streaming from the first
block of sound, and notes when each stage of each request happened.

  voxtrace serve
  voxtrace serve --port 9000 --workers 4
  curl -N http://127.0.0.1:8880/v1/audio/speech -H 'content-type: application/json' \\
       -d '{"input": "Hello world", "voice": "alloy", "response_format": "wav"}' --output hello.wav
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, metavar="N", help="port to listen on (default: 8880)")
        parser.add_argument("--wyoming-port", type=int, metavar="N", help="speak Wyoming on this port too (10200)")
        parser.add_argument("--workers", type=int, metavar="N", help="engine processes (default: 2)")
        parser.add_argument("--max-waiting", type=int, metavar="N", help="requests that may wait for one (default: 64)")
        parser.add_argument(
            "--quality", metavar="MODE", help="how models speak: auto, fast, balanced or high (default: auto)"
        )
        parser.add_argument(
            "--hedge", action="store_true", default=None, help="let espeak-ng begin where a model is late"
        )
        parser.add_argument(
            "--allow-anonymous", action="store_true", help="listen beyond this machine although nobody has to log in"
        )

    def run(self, args: Namespace) -> int:
        folder = prepare_data_folder(args.data)
        flags = {name: getattr(args, name) for name in FLAGS}
        values = {name: value.value for name, value in load_settings(folder, flags).items()}
        may_be_public = args.allow_anonymous or bool(values["api_keys_file"])
        require_private_address(values["host"], "--host", may_be_public, "name an api_keys_file, ")
        if not values["api_keys_file"]:
            warn_if_public(values["host"], values["port"])
        # Imported when it is known that it will be used: a web framework takes a third of a second.
        from voxtrace.server.run import ServeOptions, serve
        from voxtrace.speech.cache.memory import CacheLimits
        from voxtrace.speech.cache.predict import FillOptions
        from voxtrace.speech.pool import PoolOptions

        chosen = {name: values[name] for name in ("workers", "max_waiting", "max_ttfa_ms", "max_load")}
        pool = PoolOptions(**chosen, schedule=values["scheduler"])
        cache = CacheLimits(values["cache_mib"] * 1024 * 1024, values["cache_hours"] * 3600)
        models = model_pools(folder, values)
        for model, why in models.left_out.items():
            print(f"voxtrace: the model {model} is not loaded: {why}", file=sys.stderr)
        options = ServeOptions(
            models=models.load,
            quality=values["quality"],
            hedge=values["hedge"],
            hedge_after_ms=values["hedge_after_ms"],
            left_out=models.left_out,
            host=values["host"],
            port=values["port"],
            wyoming_port=values["wyoming_port"] or None,
            pool=pool,
            drain_s=values["drain_s"],
            normalise=values["normalise"],
            numbers=lambda: measured_numbers(folder),
            cache=cache,
            cache_redis=values["cache_redis"],
            fill=FillOptions(values["cache_min_uses"], values["cache_batch"]),
            cache_folder=folder / "cache" if values["cache_disk"] else None,
        )
        tracker = Tracker("server", options=_tracker_options(folder, values))
        try:
            serve(options, tracker, _guard(values), _tell_ready)
        finally:
            tracker.close()
        return 0


def _guard(values: Mapping[str, Any]) -> Guard:
    """What every request has to pass: the front door, then a key where keys are asked for."""
    from voxtrace.server.keys import KeyDoor, RateLimit, read_keys

    keys = read_keys(Path(values["api_keys_file"]).expanduser()) if values["api_keys_file"] else None
    limit = RateLimit(values["requests_per_minute"]) if values["requests_per_minute"] else None
    origins = read_origins(values["allowed_origins"])
    return lambda app: FrontDoor(KeyDoor(app, keys, limit), [values["host"]], origins)


def _tracker_options(folder: Path, values: dict[str, object]) -> TrackerOptions:
    chosen = {name: values[name] for name in ("level", "sample_rate", "collector")}
    return TrackerOptions(data=folder, **chosen)  # type: ignore[arg-type]  # checked by load_settings


def _tell_ready(running: Running) -> None:
    if is_supervised():  # `voxtrace up` tells where everything is
        return
    models = f"; models: {', '.join(running.models)}" if running.models else ""
    engines = f"{running.workers} engine process" + ("es" if running.workers != 1 else "")
    print(
        f"speech server ready on {url_of(running.host, running.port)} "
        f"({running.engine}, {engines}, {running.voices} voices{models}; Ctrl-C stops it)",
        flush=True,
    )
    if running.wyoming_port:
        print(f"Wyoming on tcp://{running.host}:{running.wyoming_port}", flush=True)
