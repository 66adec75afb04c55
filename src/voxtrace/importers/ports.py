"""What an importer is, what it is told, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from pathlib import PurePath
from typing import NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from voxtrace.errors import VoxtraceError
from voxtrace.events import Event, Unreadable

HEAD_BYTES = 64 * 1024  # what `sniff` sees of a file


class ByteStream(Protocol):
    """All that an importer needs from a file."""

    def read(self, size: int = -1, /) -> bytes: ...


class Refused(NamedTuple):
    """A record that could not be read, and where it stood."""

    unreadable: Unreadable
    offset: int  # bytes from the beginning of the content, unpacked


class Note(NamedTuple):
    """Something that the importer had to assume or leave out; the summary says it."""

    kind: str  # stable name, such as "local_time"
    text: str  # for people; behind a number where it happened more than once
    times: int = 1


Item: TypeAlias = Event | Refused | Note


def _nothing_beside(_pattern: str) -> Iterable[tuple[PurePath, bytes]]:
    return ()


class Context(Struct, frozen=True):
    """What is known of a file besides its content."""

    path: PurePath  # absolute where it has one: folders and names may say what the content does not
    zone: tzinfo | None = None  # of times without one; None: the zone of this machine
    modified_wall_ns: int | None = None  # when the file was last written; None where nobody knows
    # Small files of the same folder whose names match a pattern, with their content.
    beside: Callable[[str], Iterable[tuple[PurePath, bytes]]] = _nothing_beside


class HoldsNoEvents(VoxtraceError):
    """The file has been recognised, and there is nothing in it that could be stored as events."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Importer(Protocol):
    """Reads one format. The contract suite in tests/importers holds for every one of them."""

    @property
    def name(self) -> str:
        """What `--format` calls it."""
        ...

    @property
    def title(self) -> str:
        """What it is, for people."""
        ...

    def sniff(self, head: bytes, path: PurePath) -> int:
        """How sure it is that this is its format: 0 certainly not, 100 certainly. Never raises.

        Args:
            head: the first `HEAD_BYTES` of the content, or more of it where nobody knew these.
            path: where it lies; a name alone is a hint, not a proof.
        """
        ...

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        """Everything in the file, in bounded memory. A bad record is answered with `Refused` and the next one is read.

        Raises:
            HoldsNoEvents: nothing of the file can be stored; the message says why.
        """
        ...
