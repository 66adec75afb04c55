"""Metadata as plain, bounded JSON values, whatever it was before.

No code of a foreign object is run: its `__str__` could raise, wait for a lock or fetch from a database, and
an event must do none of these in the middle of a turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta, tzinfo
from enum import Enum
from functools import lru_cache
from itertools import islice
from math import isfinite
from numbers import Integral, Number, Real
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

MAX_STRING_CHARS = 4096  # one value; longer ones are cut and marked
MAX_KEY_CHARS = 128
MAX_KEYS = 64  # of one object, and items of one list
MAX_DEPTH = 8
# All values of one event together, as JSON writes them: leaves room for ids in a line of 16 KiB.
MAX_CHARS = 12 * 1024
MAX_INT = 2**63 - 1

CUT = "…[cut]"
TOO_DEEP = "…[nested too deeply]"
REDACTED = "[redacted]"
# Whole words only: `prompt_tokens` and `cache_key_count` are measurements, `api_key` and `token` are secrets.
_SECRET_KEY = re.compile(
    r"(?:^|[_\-.]|(?<=[a-z])(?=[A-Z]))(?i:(?:api|access|private)[_\-.]?key|token|secret|passw(?:or)?d|authorization|cookie)$"
)

# Types of the standard library whose text says what they hold. UUID is known by its name, to load no module for it.
_TOLD_BY_TEXT = (Number, date, time, timedelta, tzinfo, PurePath)


def tidy(metadata: Mapping[str, object]) -> dict[str, object]:
    """Plain, bounded values: secrets redacted, long texts cut, what JSON can't hold told as text. Never raises."""
    return _Tidier().entries(metadata.items(), len(metadata), 1)


@lru_cache(maxsize=1024)
def is_secret(key: str) -> bool:
    """Whether a key's value must not be written down.

    The same few keys come a million times, and looking one up costs a tenth of the search. Ask only for keys
    of bounded length: the answers are kept.
    """
    return _SECRET_KEY.search(key) is not None


def sound_text(text: str, limit: int) -> str:
    """`text` of at most `limit` characters that can be written as UTF-8."""
    if len(text) > limit:
        text = text[: limit - len(CUT)] + CUT
    # A lone surrogate can't be written as UTF-8, and one such text would spoil a whole batch downstream.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class _Tidier:
    """Makes one event's metadata plain and counts how much room is left for it."""

    def __init__(self) -> None:
        self._room = MAX_CHARS

    def entries(self, pairs: Iterable[tuple[object, object]], count: int, depth: int) -> dict[str, object]:
        plain: dict[str, object] = {}
        kept = MAX_KEYS if count <= MAX_KEYS else MAX_KEYS - 1
        for key, value in islice(pairs, kept):
            if self._room <= 0:
                break
            name = self._key(key)
            plain[name] = REDACTED if is_secret(name) else self.value(value, depth)
        if len(plain) < count:
            plain[CUT] = f"{count - len(plain)} more"
        return plain

    def items(self, values: Iterable[object], count: int, depth: int) -> list[object]:
        plain: list[object] = []
        for value in islice(values, MAX_KEYS if count <= MAX_KEYS else MAX_KEYS - 1):
            if self._room <= 0:
                break
            plain.append(self.value(value, depth))
        if len(plain) < count:
            plain.append(f"{CUT} {count - len(plain)} more")
        return plain

    def value(self, value: Any, depth: int) -> object:
        self._room -= 8
        kind = type(value)
        if kind is str:
            return self._text(value)
        if value is None or kind is bool or (kind is float and isfinite(value)):
            return value
        if kind is int and -MAX_INT <= value <= MAX_INT:
            return value
        try:
            return self._converted(value, kind, depth)
        except Exception:  # noqa: BLE001 - values come from any host and change under us; an event never raises
            return f"[{kind.__name__[:MAX_KEY_CHARS]}]"

    def _converted(self, value: Any, kind: type, depth: int) -> object:
        # `issubclass` of the type and not `isinstance`: that one asks the object for its `__class__`.
        if issubclass(kind, Enum):
            return self.value(value._value_, depth)
        if issubclass(kind, Integral):
            number = int(value)
            return number if -MAX_INT <= number <= MAX_INT else "an integer beyond 64 bits"
        if issubclass(kind, Real):
            return real if isfinite(real := float(value)) else str(real)
        if issubclass(kind, str):
            return self._text(str.__str__(value))
        if kind is MappingProxyType:
            return self._container(dict(value), dict, depth)
        if issubclass(kind, dict | list | tuple | set | frozenset):
            return self._container(value, kind, depth)
        if issubclass(kind, _TOLD_BY_TEXT) or (kind.__module__, kind.__name__) == ("uuid", "UUID"):
            return self._text(str(value))
        if issubclass(kind, bytes | bytearray | memoryview):
            return f"[{len(value)} bytes]"
        if issubclass(kind, BaseException):
            return self._text(": ".join([kind.__name__, *(text for text in value.args[:1] if type(text) is str)]))
        return f"[{kind.__name__[:MAX_KEY_CHARS]}]"

    def _container(self, value: Any, kind: type, depth: int) -> object:
        if depth >= MAX_DEPTH:
            return TOO_DEEP
        if issubclass(kind, dict):
            return self.entries(dict.items(value), dict.__len__(value), depth + 1)
        builtin: Any = next(each for each in (list, tuple, set, frozenset) if issubclass(kind, each))
        return self.items(builtin.__iter__(value), builtin.__len__(value), depth + 1)

    def _text(self, text: str) -> str:
        text = sound_text(text, max(len(CUT), min(MAX_STRING_CHARS, self._room)))
        self._room -= len(text) if text.isascii() else 6 * len(text)
        return text

    def _key(self, key: object) -> str:
        name = key if type(key) is str else str(self.value(key, MAX_DEPTH))
        name = sound_text(name, MAX_KEY_CHARS)
        self._room -= len(name) if name.isascii() else 6 * len(name)
        return name
