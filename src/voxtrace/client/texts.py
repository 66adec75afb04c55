"""Cuts a text that is too long for one request at the ends of sentences."""

from __future__ import annotations

import re

from voxtrace.client.request import MAX_INPUT_CHARS

_MARKED = re.compile(r"\ufeff?\s*(?:<\?xml\s[^>]{0,200}\?>\s*)?<speak[\s/>]")
# From the best place to cut to the worst. Each matches up to and including what may end a request.
_PLACES = (
    re.compile(r"\n\s*\n\s*"),  # a paragraph
    re.compile(r"(?:[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』”]*\s*)"),  # a sentence
    re.compile(r"\n\s*|[;:,，、；：]\s+|\s[–—-]\s"),  # a line or a clause
    re.compile(r"\s+"),  # a word
)


def cut(text: str, limit: int = MAX_INPUT_CHARS) -> list[str]:
    """Pieces of at most `limit` characters, in order, none of them blank; together they say all of `text`.

    SSML is left whole: a server can say better than we could what is wrong with one that is too long.
    """
    if _MARKED.match(text):
        return [text]
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        at = _best_place(rest, limit)
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    if rest:
        pieces.append(rest)
    return pieces


def _best_place(text: str, limit: int) -> int:
    """Where the first piece ends: as late as possible, but a good place in its last half before a bad one."""
    for place in _PLACES:
        # One character more, so that a blank just behind the limit counts; the piece itself loses it again.
        ends = [found for found in place.finditer(text, 0, limit + 1) if len(text[: found.end()].rstrip()) <= limit]
        if ends and ends[-1].end() >= limit // 2:
            return ends[-1].end()
    return limit
