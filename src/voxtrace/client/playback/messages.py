"""What clients say: JSON text frames, of our own and of older streamers, as one record each."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from voxtrace.client.playback.errors import MessageNotUnderstood

Action = Literal[
    "start", "play", "pause", "resume", "stop", "end_stream", "configure", "status", "heartbeat", "timing_analysis"
]
ACTIONS = frozenset(get_args(Action))


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
        message = json.loads(text)
    except (ValueError, RecursionError) as why:
        raise MessageNotUnderstood("it is no JSON") from why
    if not isinstance(message, dict):
        raise MessageNotUnderstood("it is no JSON object")
    kind = message.get("type")
    data = _object(message.get("data"))
    if kind == "audio_chunk":
        return Sound(_bytes(data.get("chunk")), _object(data.get("format")))
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


def _bytes(chunk: object) -> bytes:
    """The three ways in which JavaScript programs have put bytes into JSON."""
    try:
        if isinstance(chunk, str):
            return base64.b64decode(chunk, validate=True)
        if isinstance(chunk, dict) and chunk.get("type") == "Buffer":
            return bytes(chunk["data"])
        if isinstance(chunk, dict):
            # JSON.stringify(Uint8Array): {"0": 12, "1": 255, …}. Its order is not promised.
            return bytes(chunk[f"{number}"] for number in range(len(chunk)))
    except (binascii.Error, ValueError, TypeError, KeyError) as why:
        raise MessageNotUnderstood("the bytes of its chunk can't be read") from why
    raise MessageNotUnderstood("its chunk must be base64, a Buffer, or an object with numeric keys")
