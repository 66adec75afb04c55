"""Names of mixed voices."""

from __future__ import annotations

import pytest

from voxtrace.speech.mixing import BadMix, read_mix
from voxtrace.speech.ports import Abilities, Catalogue, Voice


def test_shares_add_up_to_one():
    assert read_mix("af_heart:3+af_bella:1") == (("af_heart", 0.75), ("af_bella", 0.25))


def test_voices_without_shares_are_mixed_evenly():
    assert read_mix("a+b") == (("a", 0.5), ("b", 0.5))


@pytest.mark.parametrize(
    "name", ["a:0+b", "a:-1+b", "a:nan", "a:inf", "a:", "+a", "a+", ":1", "a:x", "+".join("a" * 9)]
)
def test_what_is_no_mix_is_refused(name):
    with pytest.raises(BadMix):
        read_mix(name)


def test_a_mix_is_a_voice_only_where_the_engine_mixes():
    voices = (Voice("a", "A", "en"), Voice("b", "B", "en"))
    mixes, plain = (Catalogue("x", "cpu", voices, abilities=Abilities(mixes=can)) for can in (True, False))

    assert [mixes.has(name) for name in ("a:0.3+b:0.7", "a+c", "a:0", "a")] == [True, False, False, True]
    assert not plain.has("a:0.3+b:0.7")
