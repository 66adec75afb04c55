"""Metadata as plain, bounded JSON values."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict, namedtuple
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.events.plain import CUT, MAX_CHARS, MAX_KEYS, MAX_STRING_CHARS, REDACTED, TOO_DEEP, tidy


class Phase(Enum):
    COLD = "cold"


class Level(IntEnum):
    HIGH = 3


class Hostile:
    """Every way in which asking a foreign object for something can go wrong."""

    def _refuse(self, *_: object) -> str:
        raise RuntimeError("asked")

    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __hash__ = __eq__ = __format__ = __float__ = _refuse
    __index__ = __int__ = keys = items = _refuse
    __class__ = property(_refuse)


class HostileText(str):
    __slots__ = ()
    __str__ = __repr__ = __len__ = encode = Hostile._refuse


class HostileDict(dict):
    __iter__ = __len__ = items = keys = Hostile._refuse


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.datetimes()
    | st.decimals()
    | st.complex_numbers()
    | st.uuids()
    | st.builds(object)
    | st.builds(Hostile)
    | st.builds(HostileText, st.text())
    | st.builds(ValueError, st.text()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=4)
        | st.builds(HostileDict, st.dictionaries(st.text(), inner, max_size=4))
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters()), ANYTHING, max_size=4))
def test_any_metadata_becomes_bounded_json(metadata):
    written = json.dumps(tidy(metadata), ensure_ascii=False, allow_nan=False)

    assert len(written.encode("utf-8")) < 2 * MAX_CHARS


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        (None, None),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (2**63, "an integer beyond 64 bits"),
        (10**5000, "an integer beyond 64 bits"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("a\ud800b", "a?b"),
        ("naïve \U0001f3a7", "naïve \U0001f3a7"),
        (b"\0" * 4800, "[4800 bytes]"),
        (Fraction(1, 4), 0.25),
        (Decimal("0.10"), "0.10"),
        (Phase.COLD, "cold"),
        (Level.HIGH, 3),
        (PurePosixPath("a/b.wav"), "a/b.wav"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (timedelta(seconds=1.5), "0:00:01.500000"),
        (ValueError("no such voice"), "ValueError: no such voice"),
        (KeyError(), "KeyError"),
        ((1, "a"), [1, "a"]),
        (namedtuple("Pair", "a b")(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (HostileText("text"), "text"),
        (HostileDict(a=1), {"a": 1}),
        (Hostile(), "[Hostile]"),
        (object, "[type]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_kept_as_plainly_as_it_can_be(given_value, kept):
    assert tidy({"value": given_value}) == {"value": kept}


def test_numbers_of_numpy_are_numbers():
    numpy = pytest.importorskip("numpy", reason="the tracker's tests also run where nothing else is installed")
    kept = tidy({"double": numpy.float64(0.5), "single": numpy.float32(0.5), "whole": numpy.int64(7)})

    assert kept == {"double": 0.5, "single": 0.5, "whole": 7}


def test_a_text_of_ten_mebibytes_is_cut_and_marked():
    text = tidy({"prompt": "x" * 10 * 1024 * 1024})["prompt"]

    assert (len(text), text.endswith(CUT)) == (MAX_STRING_CHARS, True)


def test_what_is_left_out_is_counted():
    many = tidy({f"key{number}": number for number in range(100)})
    long = tidy({"list": list(range(100))})["list"]

    assert (len(many), many[CUT]) == (MAX_KEYS, "37 more")
    assert (len(long), long[-1]) == (MAX_KEYS, f"{CUT} 37 more")


def test_all_values_of_an_event_share_one_room():
    kept = tidy({f"key{number}": "x" * 4000 for number in range(60)})

    assert sum(len(value) for value in kept.values()) <= MAX_CHARS
    assert kept[CUT]


def test_depth_and_circles_end():
    circle: list[object] = []
    circle.append(circle)
    deep: dict[str, object] = {}
    for _ in range(2 * sys.getrecursionlimit()):
        deep = {"in": deep}

    assert TOO_DEEP in json.dumps(tidy({"circle": circle, "deep": deep}), ensure_ascii=False)


@pytest.mark.parametrize(
    "key",
    ["api_key", "X-API-KEY", "apiKey", "openai_apikey", "token", "accessToken", "x.secret", "Authorization", "cookie"],
)
def test_a_secret_is_not_written_down(key):
    assert tidy({key: "sk-123", "deep": {key: "sk-123"}}) == {key: REDACTED, "deep": {key: REDACTED}}


@pytest.mark.parametrize("key", ["prompt_tokens", "cache_key_count", "tokens_per_s", "tokenizer", "secretary"])
def test_a_measurement_is_not_taken_for_a_secret(key):
    assert tidy({key: 12}) == {key: 12}


def test_a_key_that_is_no_text_is_told_as_text():
    assert tidy({1: "a", None: "b", ("x",): "c"}) == {"1": "a", "None": "b", "…[nested too deeply]": "c"}  # type: ignore[dict-item]
