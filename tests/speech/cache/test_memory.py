"""Pieces in memory: bounded by bytes and age, kept by use."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.cache.kept import Kept
from voxtrace.speech.cache.keys import Maker, piece_key
from voxtrace.speech.cache.memory import ENTRY_OVERHEAD_BYTES, CacheLimits, PieceCache
from voxtrace.speech.cache.uses import Uses
from voxtrace.speech.ports import Utterance

SECOND_NS = 1_000_000_000
PIECE = Kept(bytes(1000))
SIZE = len(PIECE.pcm) + ENTRY_OVERHEAD_BYTES


def cache(pieces: int = 3, ttl_s: float = 10) -> PieceCache:
    return PieceCache(CacheLimits(pieces * SIZE, ttl_s))


def ask(kept: PieceCache, key: str, times: int = 1, now_ns: int = 0) -> Kept | None:
    found = None
    for _ in range(times):
        found = kept.get(key, now_ns)
    return found


def test_what_was_put_is_found():
    kept = cache()
    ask(kept, "a")

    assert kept.put("a", PIECE, 0)
    assert ask(kept, "a") == PIECE
    assert (kept.stats.hits, kept.stats.misses, kept.stats.entries, kept.stats.bytes) == (1, 1, 1, SIZE)


def test_a_piece_that_is_too_old_is_gone():
    kept = cache(ttl_s=10)
    kept.put("a", PIECE, 0)

    assert kept.get("a", 10 * SECOND_NS) == PIECE
    assert kept.get("a", 10 * SECOND_NS + 1) is None
    assert (kept.stats.expired, kept.stats.bytes) == (1, 0)


def test_the_piece_that_was_not_used_longest_makes_room():
    kept = cache(pieces=2)
    for key in ("a", "b"):
        ask(kept, key)
        kept.put(key, PIECE, 0)
    ask(kept, "a")
    ask(kept, "c", times=2)
    kept.put("c", PIECE, 0)

    assert ("a" in kept, "b" in kept, "c" in kept) == (True, False, True)


def test_a_flood_of_single_texts_does_not_wash_out_what_is_used():
    kept = cache(pieces=2)
    for key in ("hello", "goodbye"):
        ask(kept, key, times=5)
        kept.put(key, PIECE, 0)
    for number in range(100):
        ask(kept, f"once {number}")
        kept.put(f"once {number}", PIECE, 0)

    assert ("hello" in kept, "goodbye" in kept) == (True, True)
    assert kept.stats.refused == 100


def test_a_piece_larger_than_the_cache_is_refused():
    kept = cache(pieces=1)

    assert not kept.put("a", Kept(bytes(2 * SIZE)), 0)
    assert kept.stats.bytes == 0


def test_a_cache_of_no_size_keeps_nothing():
    assert not PieceCache(CacheLimits(0, 10)).put("a", PIECE, 0)


def test_what_was_filled_ahead_and_never_asked_for_is_waste():
    kept = cache(pieces=2)
    kept.put("used", PIECE, 0, predicted=True)
    kept.put("unused", PIECE, 0, predicted=True)
    ask(kept, "used", times=3)
    kept.clear()

    assert (kept.waste.filled, kept.waste.used, kept.waste.wasted, kept.waste.wasted_bytes) == (2, 1, 1, SIZE)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3000), st.booleans()), max_size=60))
def test_the_bytes_are_bounded_and_counted_whatever_happens(steps):
    kept = cache(pieces=3)
    for now, (key, size, is_put) in enumerate(steps):
        if is_put:
            kept.put(key, Kept(bytes(size)), now)
        else:
            kept.get(key, now)

        assert 0 <= kept.stats.bytes <= kept.limits.max_bytes
        assert kept.stats.entries == sum(each in kept for each in "abcdef")


@given(st.lists(st.sampled_from("abcdefgh"), max_size=200))
def test_uses_are_counted_in_a_bounded_table(asked):
    uses = Uses(max_keys=4, halve_after=50)
    for key in asked:
        uses.count(key)

        assert len(uses) <= 4
        assert uses.of(key) >= 0


def test_counts_fade_so_that_old_favourites_make_room():
    uses = Uses(halve_after=10)
    for _ in range(9):
        uses.count("old")
    uses.count("new")

    assert (uses.of("old"), uses.of("new")) == (4, 0)


MAKER = Maker("espeak", "1.52")


@given(st.text(), st.text(), st.sampled_from(["en", "de"]), st.sampled_from([1.0, 1.5]), st.booleans())
def test_two_utterances_share_a_key_only_if_they_are_equal(one, other, voice, speed, is_first):
    first, second = Utterance(one, voice, speed, is_first), Utterance(other, "en", 1.0)

    assert (piece_key(MAKER, first) == piece_key(MAKER, second)) == (first == second)
    assert piece_key(Maker("espeak", "1.53"), first) != piece_key(MAKER, first)


def test_parts_of_a_key_do_not_run_into_each_other():
    assert piece_key(Maker("a", "bc"), Utterance("x", "v")) != piece_key(Maker("ab", "c"), Utterance("x", "v"))
