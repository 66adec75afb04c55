"""What clients say: JSON text frames, of our own and of older streamers, as one record each."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import msgspec

from voxtrace.client.playback.errors import MessageNotUnderstood

Action = Literal[
    "start", "play", "pause", "resume", "stop", "end_stream", "configure", "status", "heartbeat", "timing_analysis"
]
ACTIONS = frozenset(get_args(Action))

# Bytes as JSON are taken apart in one call without an object for each: while it runs, the interpreter's lock is held,
# and the thread that feeds the device waits. As plain dictionaries they took it five times as long.
_Numbered = dict[int, int]
_BUFFER_HEAD = 64
_NULL = msgspec.Raw(b"null")


class _Audio(msgspec.Struct):
    chunk: msgspec.Raw = _NULL
    format: Any = None


class _Buffer(msgspec.Struct):
    data: list[int]


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples out of an `audio_chunk` message."""

    data: bytes
    format: Mapping[str, Any] = field(default_factory=dict)  # as far as the message tells


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do."""

    action: Action
    facts: Mapping[str, Any] = field(default_factory=dict)


def decode(text: str) -> Sound | Command:
    """The meaning of one text frame.

    Raises:
        MessageNotUnderstood: it is no JSON object, or none that the player knows.
    """
    try:
        message = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(message.get("type", _NULL))
        if kind == "audio_chunk":
            audio = msgspec.json.decode(message.get("data", _NULL), type=_Audio)
            return Sound(_bytes(bytes(audio.chunk)), _object(audio.format))
        message = {name: msgspec.json.decode(value) for name, value in message.items()}
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as why:
        raise MessageNotUnderstood(f"it is no JSON of that form ({why})") from why
    data = _object(message.get("data"))
    if kind == "control":
        return _control(data)
    if kind == "flow_control":
        return Command("pause" if data.get("pause") else "resume")
    if isinstance(kind, str) and kind in ACTIONS:
        # Our own messages are flat, the older ones keep everything in `data`.
        return Command(kind, {**message, **data})  # type: ignore[arg-type]  # mypy knows no sets of literals
    raise MessageNotUnderstood(f"there is no type {str(kind)[:40]!r}")


def _control(data: Mapping[str, Any]) -> Command:
    action = data.get("action")
    if not isinstance(action, str) or action not in ACTIONS:
        raise MessageNotUnderstood(f"there is no action {str(action)[:40]!r}")
    params = _object(data.get("params"))
    return Command(action, {**params, **_object(params.get("format"))})  # type: ignore[arg-type]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _bytes(chunk: bytes) -> bytes:
    """The three ways in which JavaScript programs have put bytes into JSON."""
    try:
        if chunk.startswith(b'"'):
            return base64.b64decode(msgspec.json.decode(chunk, type=str), validate=True)
        if chunk.startswith(b"{") and b'"Buffer"' in chunk[:_BUFFER_HEAD]:
            return bytes(msgspec.json.decode(chunk, type=_Buffer).data)
        if chunk.startswith(b"{"):
            # JSON.stringify(Uint8Array): {"0": 12, "1": 255, …}. Its order is not promised.
            numbered = msgspec.json.decode(chunk, type=_Numbered)
            return bytes(map(numbered.__getitem__, range(len(numbered))))
    except (msgspec.MsgspecError, binascii.Error, ValueError, KeyError) as why:
        raise MessageNotUnderstood("the bytes of its chunk can't be read") from why
    raise MessageNotUnderstood("its chunk must be base64, a Buffer, or an object with numeric keys")
