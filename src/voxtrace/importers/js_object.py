"""Objects as a JavaScript console prints them: JSON, bare keys, single quotes, `undefined`, `[Object]`."""

from __future__ import annotations

import re

MAX_DEPTH = 16
MAX_CHARS = 64 * 1024

_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"[\w$.-]+|Symbol\([^)]*\)")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?n?(?=\s*(?:[,}\]]|$|\s))")
_NAMED = re.compile(r"(?:[A-Za-z_$][\w$.]*(?:\(\d+\))?|\[[A-Z][\w: ]*\])\s+(?=[{\[])")  # `Headers {`, `Map(2) {`
_SHORT = re.compile(r"\[(?:Object|Array|Function|Circular|Getter|Setter|class)\b[^\]]*\]")
_MORE = re.compile(r"\.\.\. \d+ more \w+")
_REST = re.compile(r"[^,}\]\n]*")
_WORDS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None, "Infinity": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


class NotWhole(Exception):
    """The text ends inside of the object."""


def parse_js(text: str) -> tuple[object, int]:
    """The value at the beginning of a text, and where it ends.

    Raises:
        NotWhole: the text ends inside of it.
        ValueError: it is no such value.
    """
    if len(text) > MAX_CHARS:
        raise ValueError("too long")
    return _Reading(text).value(0, 0)


class _Reading:
    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, at: int, depth: int) -> tuple[object, int]:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        at = self._skip(at)
        if named := _NAMED.match(self._text, at):
            at = named.end()
        if short := _SHORT.match(self._text, at):
            return short[0], short.end()
        first = self._peek(at)
        if first == "{":
            return self._object(at + 1, depth)
        if first == "[":
            return self._array(at + 1, depth)
        if first in "'\"`":
            return self._string(at + 1, first)
        if number := _NUMBER.match(self._text, at):
            return _number(number[0]), number.end()
        # A bare word, a date, `<Buffer …>`: kept as it stands.
        rest = _REST.match(self._text, at)
        bare = rest[0].strip() if rest else ""
        if not bare:
            raise ValueError(f"{first!r} begins no value")
        return _WORDS.get(bare, bare), at + len(rest[0] if rest else "")

    def _object(self, at: int, depth: int) -> tuple[object, int]:
        found: dict[str, object] = {}
        while True:
            at = self._separated(at)
            first = self._peek(at)
            if first == "}":
                return found, at + 1
            if more := _MORE.match(self._text, at):
                at = more.end()
                continue
            if first in "'\"":
                key, at = self._string(at + 1, first)
            elif named := _KEY.match(self._text, at):
                key, at = named[0], named.end()
            else:
                raise ValueError(f"{first!r} begins no key")
            at = self._skip(at)
            if self._text.startswith("=>", at):
                at += 2
            elif self._peek(at) == ":":
                at += 1
            else:
                raise ValueError("no value behind a key")
            found[str(key)], at = self.value(at, depth + 1)

    def _array(self, at: int, depth: int) -> tuple[object, int]:
        found: list[object] = []
        while True:
            at = self._separated(at)
            if self._peek(at) == "]":
                return found, at + 1
            if more := _MORE.match(self._text, at):
                at = more.end()
                continue
            item, at = self.value(at, depth + 1)
            found.append(item)

    def _string(self, at: int, quote: str) -> tuple[str, int]:
        parts: list[str] = []
        while True:
            char = self._peek(at)
            at += 1
            if char == quote:
                return "".join(parts), at
            if char == "\\":
                escaped = self._peek(at)
                at += 1
                if escaped == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", self._text[at : at + 4]):
                    parts.append(chr(int(self._text[at : at + 4], 16)))
                    at += 4
                    continue
                char = _ESCAPES.get(escaped, escaped)
            parts.append(char)

    def _separated(self, at: int) -> int:
        at = self._skip(at)
        return self._skip(at + 1) if self._peek(at) == "," else at

    def _skip(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _peek(self, at: int) -> str:
        if at >= len(self._text):
            raise NotWhole
        return self._text[at]


def _number(text: str) -> float | int:
    told = text.rstrip("n")
    return int(told) if re.fullmatch(r"-?\d{1,18}", told) else float(told)
