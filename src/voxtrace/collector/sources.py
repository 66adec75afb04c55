"""What `voxtrace import` is pointed at: files, folders, globs, standard input; packed with gzip or not."""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from glob import glob, has_magic
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from msgspec import Struct

from voxtrace.errors import VoxtraceError
from voxtrace.importers.ports import ByteStream

STANDARD_INPUT = "-"
GZIP_MAGIC = b"\x1f\x8b"

# Of files that an importer may look at besides its own.
BESIDE_FILES = 500
BESIDE_BYTES = 1024 * 1024


class SourceUnreadable(VoxtraceError):
    """A file can't be opened, or its reading broke off."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label}: {why}")
        self.label, self.why = label, why

    def __reduce__(self) -> tuple[type[SourceUnreadable], tuple[str, str]]:
        return SourceUnreadable, (self.label, self.why)  # it crosses processes


class Source(Struct, frozen=True):
    """One thing to import."""

    label: str  # as a person would name it
    path: PurePath  # absolute where it has one, without the ending that says it is packed
    file: Path | None  # None: standard input
    size: int | None = None  # bytes on disk; None where only reading it to the end tells
    modified_wall_ns: int | None = None

    def open(self, on_bytes: Callable[[int], None] | None = None) -> AbstractContextManager[Stream]:
        """The content, unpacked. `on_bytes` hears how many bytes were read from the disk each time.

        Raises:
            SourceUnreadable: it can't be opened. Reading may raise it as well.
        """
        return _open(self, on_bytes or (lambda _count: None))

    def beside(self, pattern: str) -> Iterator[tuple[PurePath, bytes]]:
        """Small files of the same folder whose names match; those that can't be read are left out."""
        if self.file is None:
            return
        for found in sorted(self.file.resolve().parent.glob(pattern))[:BESIDE_FILES]:
            try:
                if found.is_file() and found.stat().st_size <= BESIDE_BYTES:
                    yield found, found.read_bytes()
            except OSError:
                continue


def find_sources(paths: Sequence[str]) -> Iterator[Source | SourceUnreadable]:
    """Everything that the paths name, each file once, folders in order of their names.

    Hidden entries of a folder and everything in it that is no regular file are left out; whatever is named
    itself is read, a pipe as well.
    """
    seen: set[str] = set()
    for path in paths:
        if path == STANDARD_INPUT:
            yield Source("standard input", PurePath("stdin"), None)
            continue
        found_any = False
        for found in _matches(path):
            found_any = True
            if isinstance(found, SourceUnreadable):
                yield found
                continue
            real = os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                yield _source(found)
        if not found_any:
            why = "no file in this folder; hidden ones are left out" if os.path.isdir(path) else "no file is called so"  # noqa: PTH112 - see `_matches`
            yield SourceUnreadable(path, why)


def _matches(path: str) -> Iterator[Path | SourceUnreadable]:
    plain = Path(path)
    # A file whose name holds a bracket is meant as it is. These two questions have an answer, where Path's would raise:
    # of a file in a folder that is closed, `_source` says why it can't be read.
    if not os.path.exists(path) and has_magic(path):  # noqa: PTH110
        matched: Iterable[Path] = map(Path, sorted(glob(path, recursive=True)))  # noqa: PTH207 - `**` and ~ as shells do
    else:
        matched = (plain,)
    for found in matched:
        if os.path.isdir(found):  # noqa: PTH112
            yield from _files_below(found)
        else:
            yield found


def _files_below(folder: Path) -> Iterator[Path | SourceUnreadable]:
    closed: list[OSError] = []
    for here, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            found = Path(here, name)
            if not name.startswith(".") and _may_be_read(found):
                yield found
    for why in closed:
        # What lies in a folder that can't be looked into is missing from every sum, so it is said.
        label = os.fsencode(why.filename).decode("utf-8", "replace")
        yield SourceUnreadable(label, f"folder: {why.strerror or why}")


def _may_be_read(found: Path) -> bool:
    """Whether this is a regular file, or one of which not even that can be told: then somebody must hear of it."""
    try:
        return found.is_file()
    except OSError:
        return True


def _source(file: Path) -> Source | SourceUnreadable:
    label = os.fsencode(file).decode("utf-8", "replace")
    try:
        status = file.stat()
    except OSError as why:
        return SourceUnreadable(label, why.strerror or str(why))
    is_regular = stat.S_ISREG(status.st_mode)
    path = PurePath(os.fsencode(file.resolve()).decode("utf-8", "replace"))
    return Source(
        label,
        path.with_suffix("") if path.suffix.lower() == ".gz" else path,
        file,
        status.st_size if is_regular else None,
        status.st_mtime_ns if is_regular else None,
    )


class Stream:
    """A content whose beginning can be looked at before it is read. Errors of reading come out as one of ours."""

    def __init__(self, inner: ByteStream, label: str, changed: Callable[[], str] = lambda: "") -> None:
        """`changed` tells what happened to the source meanwhile, "" for nothing that matters."""
        self._inner, self._label, self.changed = inner, label, changed
        self._head = b""
        self.bytes_read = 0  # of the content, unpacked

    def head(self, size: int) -> bytes:
        """The first bytes, at most `size`; they will be read again."""
        while len(self._head) < size and (block := self._read_inner(size - len(self._head))):
            self._head += block
        return self._head

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            end = len(self._head) if size < 0 else size
            block, self._head = self._head[:end], self._head[end:]
        else:
            block = self._read_inner(size)
        self.bytes_read += len(block)
        return block

    def _read_inner(self, size: int) -> bytes:
        try:
            return self._inner.read(size)
        except EOFError as why:
            raise SourceUnreadable(self._label, "the packed file breaks off before its end") from why
        except (gzip.BadGzipFile, zlib.error) as why:
            raise SourceUnreadable(self._label, f"the packed file is damaged: {why}") from why
        except OSError as why:
            raise SourceUnreadable(self._label, why.strerror or str(why)) from why


class _Counted:
    """The bytes on the disk, with a listener for progress."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._file, self._on_bytes = file, on_bytes
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size)
        self.taken += len(block)
        self._on_bytes(len(block))
        return block

    def changed(self, path: Path | None) -> str:
        """What happened to the file at `path` while it was read, "" where it only grew or stayed as it was."""
        if path is None:
            return ""
        try:
            now, there = os.fstat(self._file.fileno()), path.stat()
        except FileNotFoundError:
            return "file was removed while it was read; all that it held was read"
        except OSError:
            return ""
        if stat.S_ISREG(now.st_mode) and now.st_size < self.taken:
            # What was read last may be half of one line and half of another.
            return "file became shorter while it was read (rotated?); read it again for what it holds now"
        if (there.st_dev, there.st_ino) != (now.st_dev, now.st_ino):
            return "file was replaced while it was read (rotated?); read it again for what is there now"
        return ""


@contextmanager
def _open(source: Source, on_bytes: Callable[[int], None]) -> Iterator[Stream]:
    try:
        file = sys.stdin.buffer if source.file is None else source.file.open("rb")
    except OSError as why:
        raise SourceUnreadable(source.label, why.strerror or str(why)) from why
    try:
        counted = _Counted(file, on_bytes)
        changed = partial(counted.changed, source.file)
        stored = Stream(counted, source.label, changed)
        if stored.head(len(GZIP_MAGIC)) != GZIP_MAGIC:
            yield stored
        else:
            # GzipFile asks for nothing but `read`.
            yield Stream(gzip.GzipFile(fileobj=cast("BinaryIO", stored), mode="rb"), source.label, changed)
    finally:
        if source.file is not None:
            file.close()
