"""Reads SSML: text with marks that say how it is spoken.

Read by expat, without anything of XML that could reach beyond the text or swell: no document type, hence no
entities but XML's own five. Every character that is spoken knows which characters of the source it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from xml.parsers import expat

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.text.document import Document, DocumentWriter, Manner, SayAs
from voxtrace.speech.text.say_as import SAY_AS
from voxtrace.speech.text.ssml_values import MAX_BREAK_MS, break_ms, changes_nothing, rate_of

MAX_SOURCE_CHARS = 64 * 1024
MAX_DEPTH = 32  # elements in each other
NAMESPACE = "http://www.w3.org/2001/10/synthesis"
SUPPORTED = "speak, p, s, break (time, strength), prosody (rate), say-as (interpret-as, format) and sub (alias)"

_XML = "http://www.w3.org/XML/1998/namespace "
_LANG = _XML + "lang"
_ATTRIBUTES = {
    "speak": {"version", _LANG},
    "p": {_LANG},
    "s": {_LANG},
    "break": {"time", "strength"},
    "prosody": {"rate", "pitch", "range", "volume"},  # the last three where they change nothing
    "say-as": {"interpret-as", "format"},
    "sub": {"alias"},
}
_IGNORED = {_XML + "base", _XML + "id", _XML + "space", "http://www.w3.org/2001/XMLSchema-instance schemaLocation"}
_TEXT_ONLY = ("say-as", "sub")
_BEGINNING = re.compile(
    r"\ufeff?\s*(?:<\?xml\s[^>]{0,200}\?>\s*)?(?:<!--.{0,1000}?-->\s*){0,9}(?:<speak[\s/>]|<!DOCTYPE\s+speak\b)",
    re.DOTALL,
)
_BEFORE_XML = re.compile(r"\ufeff?\s*")
_END_OF_SUB = re.compile(r"</(?:[^<>:\s]*:)?sub\s*>")
# Words with one space between them, or the space around them, of which one is enough.
_WORDS = re.compile(r"[ \t\r\n]+|[^ \t\r\n]+(?: [^ \t\r\n]+)*")
# XML allows the last of these; no voice can read any.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,5}")
# Two names of one language: espeak-ng's, and what is written elsewhere.
_SAME_LANGUAGE = {"zh": "cmn", "no": "nb", "iw": "he", "in": "id", "ji": "yi", "tl": "fil"}


class InvalidSsml(SpeechError):
    """A text in SSML can't be read, or asks for what is not there."""

    code = "invalid_ssml"
    stage = "text"

    def __init__(self, why: str, line: int, column: int) -> None:
        super().__init__(f"SSML, line {line}, column {column}: {why}")
        self.why, self.line, self.column = why, line, column


def is_ssml(text: str) -> bool:
    """Whether a text begins as SSML does."""
    return "speak" in text and _BEGINNING.match(text) is not None


def read_ssml(source: str, language: str = "") -> Document:
    """Check and read a whole text.

    Args:
        source: as its author sent it.
        language: of the voice; a text that says it is in another one is refused. "": any.

    Raises:
        InvalidSsml: it can't be read, or asks for something that is not supported.
    """
    return _Reader(source, language).read()


class _Level(NamedTuple):
    """An element that is open, and how the text in it is spoken."""

    element: str
    manner: Manner
    alias: str | None = None
    begin: int = 0  # of its tag, in the source


class _Reader:
    def __init__(self, source: str, language: str) -> None:
        self._source, self._voice_language = source, language
        self._places = _Places(source)
        self._writer = DocumentWriter(source)
        self._levels = [_Level("", Manner())]
        self._in_cdata = False
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.CharacterDataHandler = self._read_text
        self._parser.StartCdataSectionHandler = lambda: self._set_cdata(True)
        self._parser.EndCdataSectionHandler = lambda: self._set_cdata(False)
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.ProcessingInstructionHandler = self._refuse_instruction

    def read(self) -> Document:
        source = self._source
        if len(source) > MAX_SOURCE_CHARS:
            raise self._invalid(f"it has {len(source)} characters, at most {MAX_SOURCE_CHARS} are read", 0)
        if found := _FORBIDDEN.search(source):
            raise self._invalid(f"the character U+{ord(found[0]):04X} has no place in a text", found.start())
        try:
            self._parser.Parse(source[self._places.skipped :], True)
        except expat.ExpatError as why:
            place = self._places.char_at(max(self._parser.ErrorByteIndex, 0))
            raise self._invalid(f"this is no well-formed XML: {expat.ErrorString(why.code)}", place) from why
        return self._writer.finish()

    # What expat calls

    def _open(self, name: str, attributes: Mapping[str, str]) -> None:
        element, parent = name.removeprefix(NAMESPACE + " "), self._levels[-1]
        self._check(element, attributes, parent.element)
        if element in ("p", "s"):
            self._writer.end_sentence()
        manner, alias = parent.manner, None
        try:
            if element == "break":
                self._rest(attributes)
            elif element == "prosody":
                manner = manner._replace(rate=manner.rate * _rate(attributes))
            elif element == "say-as":
                manner = manner._replace(say_as=_say_as(attributes))
            elif element == "sub":
                alias = _alias(attributes)
            if _LANG in attributes:
                manner = manner._replace(language=self._language(attributes[_LANG]))
        except ValueError as why:
            raise self._invalid(f"<{element}>: {why}") from why
        self._writer.speak_in(manner)
        self._levels.append(_Level(element, manner, alias, self._place()))

    def _check(self, element: str, attributes: Mapping[str, str], parent: str) -> None:
        """Look whether such an element may stand here at all."""
        allowed = _ATTRIBUTES.get(element)
        if allowed is None:
            whose = " of this namespace" if _local(element) in _ATTRIBUTES else ""
            raise self._invalid(f"<{_local(element)}>{whose} is not supported; there are {SUPPORTED}")
        if (element == "speak") != (parent == ""):
            raise self._invalid("everything stands in one <speak>, and no <speak> in another")
        if len(self._levels) > MAX_DEPTH:
            raise self._invalid(f"more than {MAX_DEPTH} elements stand in each other")
        if parent == "break" or parent in _TEXT_ONLY:
            raise self._invalid(f"<{element}> can't stand in <{parent}>")
        for key, value in attributes.items():
            if key not in allowed and key not in _IGNORED:
                raise self._invalid(f"{_local(key)} of <{element}> is not supported; there are {SUPPORTED}")
            if found := _FORBIDDEN.search(value):
                raise self._invalid(f"{_local(key)} of <{element}> has the character U+{ord(found[0]):04X}")
        if element == "speak" and not attributes.get("version", "1.0").startswith("1."):
            raise self._invalid(f'version="{attributes["version"][:20]}" is not known here; 1.0 and 1.1 are')

    def _close(self, _: str) -> None:
        level = self._levels.pop()
        if level.alias is not None:
            self._put_alias(level.alias, level.begin)
        if level.element == "s":
            self._writer.end_sentence()
        elif level.element == "p":
            self._writer.end_paragraph()
        self._writer.speak_in(self._levels[-1].manner)

    def _read_text(self, text: str) -> None:
        level = self._levels[-1]
        if level.element == "break" and text.strip():
            raise self._invalid("<break> takes no text")
        if level.alias is not None:
            return
        begin = self._place()
        if self._source[begin] == "&" and not self._in_cdata:
            if _FORBIDDEN.search(text):
                raise self._invalid(f"the character U+{ord(text):04X} has no place in a text")
            self._writer.put(text, (begin,), (self._source.index(";", begin) + 1,))
            return
        for word in _WORDS.finditer(text):
            first, last = begin + word.start(), begin + word.end()
            if word[0][0] in " \t\r\n":
                self._writer.put(" ", (first,), (first + 1,))
            else:
                self._writer.put(word[0], range(first, last), range(first + 1, last + 1))

    def _set_cdata(self, is_inside: bool) -> None:
        self._in_cdata = is_inside

    def _refuse_doctype(self, *_: object) -> None:
        raise self._invalid("a DOCTYPE, and what it could define, is not read here; leave it out")

    def _refuse_instruction(self, target: str, _: str) -> None:
        raise self._invalid(f"the processing instruction <?{target[:40]}?> is not followed here; leave it out")

    # What the elements ask for

    def _rest(self, attributes: Mapping[str, str]) -> None:
        ms = break_ms(attributes.get("time"), attributes.get("strength"))
        if ms or (attributes.get("strength") == "none" and "time" not in attributes):
            self._writer.rest(ms)
        if self._writer.rest_ms > MAX_BREAK_MS:
            raise ValueError(f"breaks one after the other are longer than {MAX_BREAK_MS // 1000} s together")

    def _language(self, named: str) -> str:
        if not _LANGUAGE.fullmatch(named):
            raise ValueError(f'xml:lang="{named[:40]}" is no language such as "en-GB"')
        voice = self._voice_language
        if _primary(voice) not in ("", "und", _primary(named)):
            raise ValueError(f'xml:lang="{named}" is not the language of the voice, {voice}; ask for another voice')
        return named

    def _put_alias(self, alias: str, begin: int) -> None:
        """Every character of it stands for all that it replaces, tags included."""
        place = self._place()
        closing = _END_OF_SUB.match(self._source, place)
        end = closing.end() if closing else place  # of an empty element the place is behind it
        self._writer.part_from_digit(begin)
        for word in _WORDS.finditer(alias):
            text = " " if word[0].isspace() else word[0]
            self._writer.put(text, (begin,) * len(text), (end,) * len(text))

    # Where it is

    def _place(self) -> int:
        return self._places.char_at(self._parser.CurrentByteIndex)

    def _invalid(self, why: str, at: int | None = None) -> InvalidSsml:
        return InvalidSsml(why, *self._places.line_and_column(self._place() if at is None else at))


class _Places:
    """From expat's bytes to the characters of the source, and on to lines and columns."""

    def __init__(self, source: str) -> None:
        self._source = source
        found = _BEFORE_XML.match(source)
        self.skipped = found.end() if found else 0  # in front of "<?xml" nothing may stand
        self._utf8 = b"" if source.isascii() else source[self.skipped :].encode("utf-8", "surrogatepass")
        self._byte = self._char = 0

    def char_at(self, byte: int) -> int:
        """The character that begins at a byte; takes time for what lies between this place and the one before."""
        if not self._utf8:
            return self.skipped + byte
        if byte < self._byte:
            self._byte = self._char = 0
        self._char += len(self._utf8[self._byte : byte].decode("utf-8", "ignore"))
        self._byte = byte
        return self.skipped + self._char

    def line_and_column(self, char: int) -> tuple[int, int]:
        """Both from 1, as editors count."""
        before = self._source[:char]
        return before.count("\n") + 1, char - (before.rfind("\n") + 1) + 1


def _rate(attributes: Mapping[str, str]) -> float:
    for name in ("pitch", "range", "volume"):
        if name in attributes and not changes_nothing(attributes[name]):
            raise ValueError(f'{name}="{attributes[name][:40]}" is not supported: of prosody, rate is')
    return rate_of(attributes["rate"]) if "rate" in attributes else 1.0


def _say_as(attributes: Mapping[str, str]) -> SayAs:
    kind = attributes.get("interpret-as", "").strip()
    if kind not in SAY_AS:
        raise ValueError(f'interpret-as="{kind[:40]}" must be one of: {", ".join(SAY_AS)}')
    return SayAs(kind, attributes.get("format", "").strip())


def _alias(attributes: Mapping[str, str]) -> str:
    alias = attributes.get("alias", "")
    if not alias.strip():
        raise ValueError("alias, which is spoken instead, is missing")
    return alias


def _local(name: str) -> str:
    """The name without its namespace, cut to a length that fits into a sentence."""
    return name.rpartition(" ")[2][:40]


def _primary(language: str) -> str:
    first = re.split("[-_]", language, maxsplit=1)[0].lower()
    return _SAME_LANGUAGE.get(first, first)
