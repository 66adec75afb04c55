"""Web and mail addresses, paths, hashtags: readable, and no longer than anybody would listen to."""

from __future__ import annotations

import re
from urllib.parse import unquote

from voxtrace.speech.text.normal.language import AddressWords, Language, Run

# Of domains without "https://" in front: those that are no words or endings of files.
_ENDINGS = (
    "com|org|net|edu|gov|io|dev|ai|app|info|biz|eu|de|at|ch|fr|be|es|mx|ar|cl|co|uk|us|ca|au|nz|nl|it|pl|pt|br|jp|cn|in|"
    "tv|me|ly|gg|xyz|tech|cloud|online|shop|blog|site"
)
_FILES = (
    "py|js|ts|tsx|jsx|json|ya?ml|toml|md|txt|csv|html?|css|pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|mp3|mp4|wav|zip|tar|gz|"
    "exe|sh|rs|go|java|cpp|sql|log|ini|cfg|xml|env|lock|bin|iso|onnx"
)
_ADDRESS = re.compile(
    rf"""
      (?P<url>(?:\b(?:https?|s?ftp|wss?|file|ssh|git|s3)://|(?<![\w.@/-])www\.)[^\s<>"'`{{}}|\\^«»“”]{{1,2000}}+)
    | (?<![\w.+@-])(?:mailto:)?(?P<mail>[\w.+-]{{1,64}}+@[\w-]{{1,63}}+(?:\.[\w-]{{1,63}}+){{1,6}}+)
    | (?<![\w@./-])(?P<domain>(?:[a-zA-Z0-9-]{{1,63}}+\.){{1,5}}(?:{_ENDINGS})(?![\w@.-])(?::\d{{1,5}})?
         (?:/[^\s<>"'`|«»“”]{{0,500}}+)?
        |(?:[a-zA-Z0-9-]{{1,63}}+\.){{1,5}}(?:{_ENDINGS})(?=[.]?(?:\s|$|-(?!\w))))
    | (?<![\w./-])(?P<file>[\w-]{{1,60}}+(?:\.(?:{_FILES})){{1,2}}(?![\w/@-]|\.\w))
    | (?<![\w./:<€$£¥%)-])(?P<path>(?:~|\.{{1,2}}+)?+(?:/[\w.%+-]{{1,60}}+){{2,20}}+/?
        |(?:~|\.{{1,2}}+)/[\w.-]{{1,60}}+|/[a-z][\w.-]{{0,59}}+
        |(?:[\w-]{{1,60}}+/){{1,20}}+[\w-]{{1,60}}+(?:\.(?:{_FILES}))(?!\w))
    | (?<![\w&\#/])\#(?P<tag>[^\W\d][\w-]{{0,60}}+)
    """,
    re.VERBOSE,
)
_TRAILING = ".,;:!?)]}'\"*_…"
_WORD_EDGE = re.compile(r"(?<=[a-z\d])(?=[A-Z])|_")
_UNSAID = re.compile(r"\A(?:\w+://)?(?:www\.)?")
_QUERY = re.compile("[?#]")
_SIGN = re.compile(r"[./_:@~+%=&#?,;()-]")
_OPAQUE = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w-]{20,}")
MAX_SEGMENTS = 4  # of a path; the rest is "and so on"
MAX_CHARS = 100


def addresses(text: str, language: Language) -> list[Run]:
    """Addresses, paths and hashtags in words."""
    words = language.address
    if words is None:
        return []
    runs: list[Run] = []
    for found in _ADDRESS.finditer(text):
        kind = found.lastgroup
        begin, end = found.span()
        written = found[0]
        if kind in ("url", "domain", "path"):
            written = _without_trailing(written)
            end = begin + len(written)
        if kind in ("url", "domain"):
            said = said_url(written, words)
        elif kind == "mail":
            said = _spell(found["mail"].rstrip("."), words)
            end = found.start("mail") + len(found["mail"].rstrip("."))
        elif kind == "tag":
            said = f"{words.hashtag} {_WORD_EDGE.sub(' ', found['tag'])}"
        else:
            said = _spell(written, words)
        runs.append((begin, end, said))
    return runs


def _without_trailing(written: str) -> str:
    """Without what belongs to the sentence; a bracket that was opened inside stays."""
    end = len(written)
    extra = written.count(")") - written.count("(")
    while end and written[end - 1] in _TRAILING and (written[end - 1] != ")" or extra > 0):
        end -= 1
        extra -= written[end] == ")"
    return written[:end]


def said_url(written: str, words: AddressWords) -> str:
    """Host and path; the protocol is left out, and of a query and a long path it is said that there is more."""
    rest = _UNSAID.sub("", written)
    address, *more = _QUERY.split(rest, maxsplit=1)
    host, *segments = address.removeprefix("/").rstrip("/").split("/")  # "file:///tmp" has no host
    host = host.rpartition("@")[2]
    is_cut = bool(more and more[0])
    kept: list[str] = []
    for segment in segments:
        if len(kept) == MAX_SEGMENTS or _OPAQUE.fullmatch(segment) or len(host) + sum(map(len, kept)) > MAX_CHARS:
            is_cut = True
            break
        kept.append(unquote(segment, errors="replace"))
    said = _spell("/".join([_host(host), *kept]), words)
    return f"{said}, {words.and_so_on}" if is_cut else said


def _host(host: str) -> str:
    """Country codes in capitals: espeak-ng spells those, and would read "io" as a word."""
    head, dot, ending = host.rpartition(".")
    return f"{head}{dot}{ending.upper()}" if len(ending) == 2 and ending.isalpha() else host


def _spell(written: str, words: AddressWords) -> str:
    said = {
        ".": words.dot, "/": words.slash, "_": words.underscore, "-": words.dash, "@": words.at, ":": words.colon,
        "+": "plus", "~": "tilde",
    }  # fmt: skip
    local, at, host = written.rpartition("@")
    if at:
        written = local + at + _host(host)
    spelled = _SIGN.sub(lambda found: f" {said.get(found[0], '')} ", written)
    return " ".join(spelled.split())
