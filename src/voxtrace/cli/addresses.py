"""Addresses that a service is asked to listen on: can they be had, and how does a person reach them?"""

from __future__ import annotations

import errno
import socket
import sys

from voxtrace.cli.lifeline import is_supervised
from voxtrace.config import is_private_address
from voxtrace.errors import InvalidOption, PortInUse

EVERYWHERE = ("0.0.0.0", "::", "")


def require_free_port(host: str, port: int, flag: str = "--port") -> None:
    """Prove that `host:port` can be listened on now.

    Raises:
        PortInUse: something listens there; `flag` is what chooses another.
        InvalidOption: the address is not one of this machine, or the port may not be used.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as why:
        raise InvalidOption("host", host, f"it is no address of this machine ({why.strerror})") from why
    with socket.socket(family, kind) as probe:
        # As the servers do it: without it a port counts as used for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as why:
            if why.errno == errno.EADDRINUSE:
                raise PortInUse(host, port, flag) from why
            raise InvalidOption("address", f"{host}:{port}", f"it can't be listened on ({why.strerror})") from why


def url_of(host: str, port: int) -> str:
    """Where a person on this machine finds what listens on `host:port`."""
    shown = "127.0.0.1" if host in EVERYWHERE else host.strip("[]")
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def warn_if_public(host: str, port: int) -> None:
    """Say that whoever reaches `host:port` may use it; a supervised service leaves that to its supervisor."""
    if not is_private_address(host) and not is_supervised():
        print(f"warning: whoever reaches {host}:{port} can use it, nobody has to log in", file=sys.stderr, flush=True)
