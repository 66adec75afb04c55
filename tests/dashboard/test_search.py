"""Lists of requests: filters, pages and neighbours."""

from random import Random

import pytest

from tests.analysis.conversations import BRAIN, EAR, EVERY_NS, MOUTH, Conversation, HostClock
from tests.dashboard.stories import NOW_NS, conversation, request, tell
from voxtrace.dashboard.reading import Reader
from voxtrace.dashboard.search import BadCursor, Search, find, neighbours, read_cursor, write_cursor
from voxtrace.units import NANOS_PER_SECOND


def ids(page):
    return [row["request_id"] for row in page["rows"]]


def test_all_pages_together_hold_every_request_once_and_in_order(store):
    told = tell(store, *[request(ago_s=100 - n) for n in range(7)])
    seen, before = [], None
    for _ in range(4):
        page = find(Reader(store), Search(limit=2, before=before))
        seen += ids(page)
        before = read_cursor(page["next"]) if page["next"] else None

    assert seen == told[::-1]
    assert before is None


def test_the_last_page_offers_no_further_one(store):
    tell(store, request(), request())

    assert find(Reader(store), Search(limit=2))["next"] is None


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (Search(outcome="error"), {"bad"}),
        (Search(cache="hit"), {"hit"}),
        (Search(at_least=1_000), {"slow"}),
        (Search(less_than=50), {"hit"}),
        (Search(at_least=100, less_than=200), {"plain", "bad"}),
        (Search(voice="en"), {"plain", "bad", "hit", "slow"}),
        (Search(voice="de"), set()),
        (Search(text="PLA"), {"plain"}),
        (Search(text="engine_exit"), {"bad"}),
        (Search(source="load"), {"load"}),
        (Search(source=""), {"plain", "bad", "hit", "slow", "load"}),
    ],
)
def test_a_filter_keeps_what_it_names(store, search, expected):
    tell(
        store,
        request(request_id="plain"),
        request(request_id="bad", outcome="error"),
        request(request_id="hit", cache="hit", ttfa=20),
        request(request_id="slow", ttfa=1_500),
        request(request_id="load", source="load"),
    )

    assert set(ids(find(Reader(store), search))) == expected


def test_a_window_of_time_has_a_beginning_and_an_end(store):
    told = tell(store, *[request(ago_s=ago) for ago in (300, 200, 100)])
    search = Search(since_wall_ns=NOW_NS - 250 * NANOS_PER_SECOND, until_wall_ns=NOW_NS - 150 * NANOS_PER_SECOND)

    assert ids(find(Reader(store), search)) == [told[1]]


def test_a_request_without_the_number_passes_no_limit_on_it(store):
    tell(store, conversation("c1"))

    assert ids(find(Reader(store), Search(at_least=0, source=""))) == []


def test_a_request_that_is_not_measured_yet_is_listed_without_numbers(store):
    store.append(request(request_id="new"))

    [row] = find(Reader(store), Search())["rows"]

    assert (row["request_id"], row["measured"], "metrics" in row) == ("new", False, False)


def test_a_turn_that_was_measured_again_from_the_same_events_is_not_remembered_as_it_was(store):
    told = Conversation({host: HostClock() for host in (EAR, BRAIN, MOUTH)}, Random(1))
    reader = Reader(store)
    tell(store, told.turn(2 * EVERY_NS, samples=0))
    [alone] = find(reader, Search(source=""))["rows"]
    tell(store, told.turn(0))  # whose messages tell of the clocks
    [placed] = [row for row in find(reader, Search(source=""))["rows"] if row["request_id"] == "turn-20"]

    assert "order_from_causality" in str(alone["findings"])
    assert "order_from_causality" not in str(placed["findings"])


@pytest.mark.parametrize("text", ["x", "12", "-1.a", "1" * 20 + ".a", "١٢.a"])
def test_a_cursor_that_is_not_ours_is_refused(text):
    with pytest.raises(BadCursor, match="leave it out"):
        read_cursor(text)


def test_a_cursor_survives_an_address_whatever_the_id_holds():
    cursor = (NOW_NS, "a.b/ü?&=\u202e")

    assert read_cursor(write_cursor(cursor)) == cursor


def test_neighbours_are_the_requests_just_before_and_after(store):
    told = tell(store, *[request(ago_s=ago) for ago in (30, 20, 10)])

    assert neighbours(Reader(store), told[1]) == {"older": told[0], "newer": told[2]}
    assert neighbours(Reader(store), told[2]) == {"older": told[1], "newer": None}
    assert neighbours(Reader(store), "nobody") == {"older": None, "newer": None}
