"""The server under load: where it is, and the bytes of a request to it."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from voxtrace import __version__
from voxtrace.client.errors import HostUnknown
from voxtrace.client.request import Endpoint, endpoint
from voxtrace.errors import InvalidOption
from voxtrace.loadtest.errors import RemoteTarget
from voxtrace.loadtest.plan import Workload
from voxtrace.tracker import outgoing_headers

if TYPE_CHECKING:
    import ssl

USER_AGENT = f"voxtrace-load/{__version__} (load test)"


@dataclass(frozen=True, slots=True)
class Target:
    """One server, its address looked up once: a run measures the server and not the name service."""

    endpoint: Endpoint
    address: str  # numeric
    api_key: str = ""
    trust: ssl.SSLContext | None = None  # None: no TLS

    def request(self, request_id: str, text: str, workload: Workload) -> bytes:
        """A request for speech as it goes into the socket."""
        asked: dict[str, object] = {"model": workload.model, "input": text, "voice": workload.voice}
        asked["response_format"] = workload.format
        if workload.speed != 1.0:
            asked["speed"] = workload.speed
        body = json.dumps(asked).encode()
        headers = {
            "Host": self.endpoint.where,
            "User-Agent": USER_AGENT,
            "Accept": "audio/*",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Voxtrace-Source": "load",
            **outgoing_headers(request_id),
        }
        if not workload.repeat:
            headers["Cache-Control"] = "no-cache"
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.endpoint.path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body


def find_target(url: str, *, allow_remote: bool = False, api_key: str = "") -> Target:
    """The server that `url` means.

    Raises:
        InvalidOption: it is no http or https URL, or the key can't stand in a header.
        HostUnknown: its name leads nowhere.
        RemoteTarget: it is another machine, and `allow_remote` is false.
    """
    found = endpoint(url)
    if not api_key.isascii() or (api_key and not api_key.isprintable()):
        raise InvalidOption("api-key", "…", "must be printable ASCII")
    try:
        answers = socket.getaddrinfo(found.host, found.port, type=socket.SOCK_STREAM)
    except OSError as why:
        raise HostUnknown(found.host, why.strerror or str(why)) from why
    address = str(answers[0][4][0])
    # What the name leads to decides, and not how it is written: 127.1 and localhost. are this machine too.
    if not ip_address(address.partition("%")[0]).is_loopback and not allow_remote:
        raise RemoteTarget(found.where)
    trust = None
    if found.secure:
        import ssl

        trust = ssl.create_default_context()
    return Target(found, address, api_key, trust)
