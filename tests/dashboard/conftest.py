"""A fresh store for each test of the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from voxtrace.store import SqliteStore, open_store


@pytest.fixture
def store(tmp_path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()
