"""`voxtrace play`: the player daemon."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from voxtrace.cli.addresses import url_of, warn_if_public
from voxtrace.cli.folder_lock import only_one
from voxtrace.cli.front_door import FrontDoor
from voxtrace.cli.nearby_player import PLAYER_ADDRESS, PLAYER_ROLE
from voxtrace.cli.signals import stop_signals
from voxtrace.config import load_settings, prepare_data_folder, require_private_address

if TYPE_CHECKING:
    from voxtrace.client.playback.daemon import Opened
    from voxtrace.client.playback.utterance import Report, Utterance


class PlayCommand:
    """Plays what is sent to it, and notes when it was heard."""

    name: ClassVar[str] = "play"
    details: ClassVar[str] = """\
Takes PCM in binary frames and the JSON messages of older audio daemons; docs/player.md tells how. One request
plays at a time, further ones wait. Without a sound device it keeps time and makes no sound, and says so.

  voxtrace play
  voxtrace play --device null --record heard.wav
  voxtrace say "Hello world" --player ws://127.0.0.1:8081
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, metavar="N", help="port to listen on (default: 8081)")
        parser.add_argument(
            "--device", metavar="NAME", help="null, default, or a device's name (default: the default one, else null)"
        )
        parser.add_argument("--record", type=Path, metavar="FILE", help="write a WAV of what was played, with silence")
        parser.add_argument("--format", choices=("pcm",), default="pcm", help="of clients that don't tell theirs")
        parser.add_argument(
            "--sample-rate", type=int, default=24_000, metavar="HZ", help="likewise (default: %(default)s)"
        )
        parser.add_argument("--channels", type=int, default=1, metavar="N", help="likewise, 1 or 2 (default: 1)")
        parser.add_argument(
            "--bit-depth", type=int, default=16, metavar="N", help="likewise, 16, or 32 for floats (default: 16)"
        )
        parser.add_argument("-d", "--debug", action="store_true", help="print what happens to each request")
        parser.add_argument(
            "--allow-anonymous", action="store_true", help="listen beyond this machine although nobody has to log in"
        )

    def run(self, args: Namespace) -> int:
        from voxtrace.client.playback.conversion import sample_format
        from voxtrace.client.playback.daemon import OPENAI_PCM, PlayOptions, Watching, play
        from voxtrace.server.run import listen
        from voxtrace.tracker import Tracker, from_environment

        folder = prepare_data_folder(args.data)
        settings = load_settings(folder, {"play_host": args.host, "play_port": args.port})
        host, port = settings["play_host"].value, settings["play_port"].value
        require_private_address(host, "--host", args.allow_anonymous)
        warn_if_public(host, port)
        facts = {"sample_rate": args.sample_rate, "channels": args.channels, "bit_depth": args.bit_depth}
        options = PlayOptions(args.device, sample_format(facts, OPENAI_PCM), args.record)
        with stop_signals(), only_one(folder, PLAYER_ROLE), listen(host, port) as listener, _known(folder) as tell:
            tracker = Tracker("player", options=replace(from_environment(), data=folder))

            def on_ready(opened: Opened) -> None:
                url = url_of(host, port).replace("http", "ws", 1)
                tell(url, opened.device.name)
                print(_ready_line(url, opened), flush=True)

            watch = _say_what_happens if args.debug else None
            try:
                play(options, listener, tracker, lambda app: FrontDoor(app, [host]), Watching(on_ready, watch))
            finally:
                tracker.close()
        return 0


@contextmanager
def _known(folder: Path) -> Iterator[Callable[[str, str], None]]:
    """Lets others of this data folder find the player while it runs."""
    path = folder / PLAYER_ADDRESS

    def tell(url: str, device: str) -> None:
        path.write_text(json.dumps({"url": url, "device": device}), "utf-8")

    try:
        yield tell
    finally:
        path.unlink(missing_ok=True)


def _ready_line(url: str, opened: Opened) -> str:
    device = opened.device
    kind = "2 channels" if device.channels == 2 else "mono"
    line = f"player ready on {url} (device {device.name}, {device.rate_hz} Hz, {kind}; Ctrl-C stops it)"
    if opened.instead:
        line += f"\nnobody hears it: {opened.instead}, so it keeps time and makes no sound"
    return line


def _say_what_happens(utterance: Utterance, report: Report) -> None:
    facts = " ".join(f"{name}={value}" for name, value in report.metadata.items())
    print(f"{utterance.request_id} {report.name} {facts}", file=sys.stderr, flush=True)
