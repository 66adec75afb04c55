"""The numbers of the Overview: which requests are in them, and which are only counted."""

import pytest

from tests.dashboard.stories import NOW_NS, conversation, request, tell
from voxtrace.dashboard.overview import Question, overview
from voxtrace.dashboard.reading import Reader
from voxtrace.units import NANOS_PER_SECOND


def shown(store, minutes=15, population=None):
    return overview(Reader(store), Question(minutes, population), NOW_NS)


def headline(page):
    return page["cards"][0]


def test_a_store_without_requests_says_so_and_shows_no_number(store):
    page = shown(store)

    assert (page["seen"], page["population"], page["newest"]) == (0, None, None)
    assert page["errors"]["rate"] is None
    assert page["errors"]["status"]["level"] == "none"


def test_requests_before_the_window_are_named_instead_of_averaged(store):
    [old] = tell(store, request(ago_s=3_000))

    page = shown(store)

    assert (page["seen"], page["population"]) == (0, None)
    assert page["newest"]["request_id"] == old


def test_hits_and_misses_of_the_cache_are_never_in_one_percentile(store):
    tell(store, *[request(ttfa=500 + n) for n in range(30)], *[request(ttfa=20 + n, cache="hit") for n in range(10)])

    page = shown(store)
    hits = next(
        group["population"]["name"] for group in page["summary"]["groups"] if group["population"]["cache"] == "hit"
    )

    assert (headline(page)["of"]["measured"], headline(page)["of"]["smallest"]) == (30, 500)
    assert headline(shown(store, population=hits))["of"]["largest"] == 29
    assert page["cache"]["hit"] == 10


def test_failed_requests_are_counted_and_never_in_a_latency(store):
    failed = [request(ttfa=9_000, outcome="error") for _ in range(2)]
    tell(store, *[request(ttfa=100 + n) for n in range(18)], *failed)

    page = shown(store)

    assert headline(page)["of"]["largest"] == 117
    assert (page["errors"]["count"], page["errors"]["known"], page["errors"]["rate"]) == (2, 20, 0.1)
    assert page["errors"]["status"]["level"] == "critical"


def test_one_failure_among_few_requests_is_shown_and_not_judged(store):
    tell(store, request(ttfa=100), request(ttfa=9_000, outcome="error"))

    page = shown(store)

    assert page["errors"]["count"] == 1
    assert page["errors"]["status"]["level"] == "none"


@pytest.mark.parametrize("source", ["probe", "bench", "load"])
def test_only_what_a_person_asked_for_is_in_the_numbers(store, source):
    tell(store, request(ttfa=100), *[request(ttfa=50 + n, source=source) for n in range(5)])

    page = shown(store)

    assert (page["seen"], headline(page)["of"]["measured"]) == (1, 1)
    assert page["sources"] == {"real": 1, source: 5}


def test_a_percentile_of_too_few_requests_is_not_a_number_and_has_no_status(store):
    tell(store, *[request(ttfa=5_000 + n) for n in range(19)])

    card = headline(shown(store))

    assert (card["of"]["p50"], card["of"]["p95"], card["of"]["p99"]) == (5_009, None, None)
    assert card["status"]["level"] == "none"
    assert "n=19" in card["status"]["why"]


def test_with_twenty_requests_the_tail_is_judged(store):
    tell(store, *[request(ttfa=1_200 + n) for n in range(20)])

    card = headline(shown(store))

    assert card["of"]["p95"] == 1_218
    assert card["status"]["level"] == "warning"


def test_a_status_knows_since_when_it_holds(store):
    calm = [request(ago_s=880 - n, ttfa=100 + n) for n in range(25)]
    storm = [request(ago_s=170 - n, ttfa=3_000 + n) for n in range(25)]
    tell(store, *calm, *storm)

    status = headline(shown(store))["status"]

    assert status["level"] == "critical"
    assert status["since"] == NOW_NS / NANOS_PER_SECOND


def test_every_request_of_the_population_is_in_the_heatmap(store):
    tell(store, *[request(ago_s=30 * n + 1, ttfa=90 * (n + 1)) for n in range(20)])

    page = shown(store)

    assert sum(cell["count"] for cell in page["heat"]["cells"]) == 20
    assert sum(bucket["of"]["measured"] for bucket in page["series"]["buckets"]) == 20


def test_the_slowest_requests_are_named(store):
    ids = tell(store, *[request(ttfa=100 * (n + 1)) for n in range(8)])

    assert [row["request_id"] for row in shown(store)["slowest"]] == ids[:2:-1]


def test_requests_that_are_not_measured_yet_are_counted_as_such(store):
    store.append(request())

    page = shown(store)

    assert (page["seen"], page["unmeasured"], page["population"]) == (1, 1, None)


def test_without_a_callers_events_the_headline_is_the_servers_and_says_so(store):
    tell(store, *[request(ttfa=80 + n, sides="server") for n in range(3)])

    page = shown(store)

    assert page["metric"] == "server_response_ms"
    assert "server only" in page["population"]


def test_a_conversation_is_its_own_population(store):
    tell(store, conversation("c1"), request())

    kinds = {group["population"]["kind"] for group in shown(store)["summary"]["groups"]}

    assert kinds == {"conversation", "speech"}
