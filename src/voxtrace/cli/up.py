"""`voxtrace up`: the speech server and the dashboard, as two processes under one supervisor."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from voxtrace.cli.addresses import require_free_port, url_of, warn_if_public
from voxtrace.cli.folder_lock import PATIENCE_S, only_one
from voxtrace.cli.supervisor import STOP_WITHIN_S, Service, Supervisor
from voxtrace.config import (
    SERVE_PORT,
    Value,
    default_data_folder,
    load_settings,
    prepare_data_folder,
    require_private_address,
)
from voxtrace.errors import InvalidOption

DRAINED_WITHIN_S = 3.0  # to end the engines and to write the last events, after the last answer


class UpCommand:
    """Starts everything that a newcomer needs, and keeps it running."""

    name: ClassVar[str] = "up"
    details: ClassVar[str] = """\
Two processes are started, so that drawing a chart never delays a sound. If one crashes it is started
again and the other runs on. Ctrl-C stops both.

  voxtrace up
  voxtrace up --port 9000 --watch-port 9001 --data ./data
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", help="address of the speech server (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, metavar="N", help="port of the speech server (default: 8880)")
        parser.add_argument("--watch-port", type=int, metavar="N", help="port of the dashboard (default: 8881)")
        parser.add_argument(
            "--workers", type=int, metavar="N", help="engine processes of the speech server (default: 2)"
        )
        parser.add_argument("--no-watch", action="store_true", help="start the speech server only")
        parser.add_argument(
            "--allow-anonymous", action="store_true", help="listen beyond this machine although nobody has to log in"
        )

    def run(self, args: Namespace) -> int:
        folder = prepare_data_folder(args.data)
        flags = {name: getattr(args, name) for name in ("host", "port", "watch_port", "workers")}
        settings = load_settings(folder, flags)
        services = services_of(args, settings)
        # Everything that can be known to fail is tried before anything starts.
        has_keys = bool(settings["api_keys_file"].value)
        require_private_address(
            settings["host"].value, "--host", args.allow_anonymous or has_keys, "name an api_keys_file, "
        )
        require_private_address(settings["watch_host"].value, "watch_host", args.allow_anonymous)
        with only_one(folder, "up"):
            if not args.no_watch:
                with only_one(folder, "watch", PATIENCE_S):
                    pass
                if settings["watch_port"].value == settings["port"].value:
                    why = "the speech server takes that port; choose another with --watch-port N"
                    raise InvalidOption("watch_port", settings["watch_port"].value, why)
                require_free_port(settings["watch_host"].value, settings["watch_port"].value, "--watch-port")
            require_free_port(settings["host"].value, settings["port"].value)
            if not has_keys:
                warn_if_public(settings["host"].value, settings["port"].value)
            patience_s = max(STOP_WITHIN_S, settings["drain_s"].value + DRAINED_WITHIN_S)
            supervisor = Supervisor(services, tell=_tell, stop_within_s=patience_s)
            supervisor.run(lambda: _tell(greeting(services, folder)))
        return 0


def services_of(args: Namespace, settings: Mapping[str, Value]) -> list[Service]:
    """The processes to run, with every value that both they and we must agree on spelled out."""
    shared = ["--data", str(args.data), *(["--allow-anonymous"] if args.allow_anonymous else [])]

    def service(name: str, host: Value, port: Value, *more: str) -> Service:
        # -P: a folder that happens to hold a `random.py` is no reason to fail.
        command = (sys.executable, "-P", "-m", "voxtrace", name, "--host", host.value, "--port", str(port.value))
        return Service(name, (*command, *shared, *more), url_of(host.value, port.value))

    workers = ("--workers", str(settings["workers"].value))
    services = [service("serve", settings["host"], settings["port"], *workers)]
    if not args.no_watch:
        services.append(service("watch", settings["watch_host"], settings["watch_port"]))
    return services


def greeting(services: list[Service], folder: Path) -> str:
    """Where everything is, and what to type next; the line works as it stands in a second shell."""
    titles = {"serve": "speech server", "watch": "dashboard"}
    lines = [f"{titles[each.name]:<14} {each.url}" for each in services]
    lines.append(f"{'data':<14} {folder}")
    say = [*command_as_typed(), "say", "Hello world"]
    if services[0].url != url_of("127.0.0.1", SERVE_PORT):
        say += ["--url", services[0].url]
    # The second shell need not have the variable that this one has.
    if folder != default_data_folder() or os.environ.get("VOXTRACE_DATA"):
        say += ["--data", str(folder)]
    lines.append(f"now try        {' '.join(_quoted(each) for each in say)}")
    return "\n".join(lines)


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word and shlex.quote(word) == f"'{word}'" else shlex.quote(word)


def command_as_typed() -> list[str]:
    """`voxtrace` where the shell would find this very program, else the way in which it was started."""
    started = Path(sys.argv[0])
    if started.name != "voxtrace":
        return [Path(sys.executable).name, "-m", "voxtrace"]
    found = shutil.which("voxtrace")
    return ["voxtrace" if found and Path(found).resolve() == started.resolve() else str(started)]


def _tell(line: str) -> None:
    print(line, flush=True)
